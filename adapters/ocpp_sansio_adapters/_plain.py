"""The plainest answer to a request: it says yes, and no more than must be said.

For whoever plays a peer without caring what it answers: a script of `testing`, the simulation of the command.
Knows message classes alone.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from ocpp_sansio._shape import Member, members
from ocpp_sansio.messages import Datatype, Message

__all__ = ["check_names", "plain_answer"]

#: Members that have a better plain value than their type alone suggests, by name.
NAMED: Mapping[str, Any] = {"interval": 300}

SCALARS: Mapping[type, Any] = {str: "-", int: 1, float: 1.0, bool: False, object: None}


def plain_answer(cls: type[Message], now: datetime, given: Mapping[str, Any]) -> Any:
    """A message of the class that says yes: what is given, and of the rest only what must be there.

    Statuses are Accepted, or the first that there is; times are `now`, intervals 300 seconds.
    Raises TypeError for members that the class does not have.
    """
    check_names(cls, given)
    must = {member.name: _plain(member, now) for member in members(cls) if member.required}
    return cls(**{**must, **given})


def check_names(cls: type[Message], given: Mapping[str, Any]) -> None:
    """Raise TypeError if one of these is no member of the class."""
    known = [member.name for member in members(cls)]
    wrong = [name for name in given if name not in known]
    if wrong:
        has = f"has {', '.join(known)}" if known else "has no members"
        raise TypeError(f"{cls.__name__} has no {', '.join(wrong)}; it {has}")


def _plain(member: Member, now: datetime) -> Any:
    value = NAMED[member.name] if member.name in NAMED else _plain_value(member, now)
    return [value] if member.many else value


def _plain_value(member: Member, now: datetime) -> Any:
    kind = member.type
    if issubclass(kind, StrEnum):
        values = member.enum_members(receiving=False)
        return next((value for value in values if str(value) == "Accepted"), values[0])
    if issubclass(kind, Datatype):
        return plain_answer(kind, now, {})
    return now if issubclass(kind, datetime) else SCALARS[kind]
