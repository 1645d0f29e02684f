"""Answers that a script leaves unsaid, and requests that a script wants in part.

Knows message classes, and no script.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from ocpp_sansio._shape import Member, members
from ocpp_sansio.messages import Datatype, Message, asdict

__all__ = ["check_names", "matches", "moment", "plain_answer"]

#: What a wall clock shows when a trace begins.
EPOCH = datetime(2025, 1, 1, 12, tzinfo=UTC)

#: Members that have a better plain value than their type alone suggests, by name.
NAMED: Mapping[str, Any] = {"interval": 300}

SCALARS: Mapping[type, Any] = {str: "-", int: 1, float: 1.0, bool: False, object: None}


def moment(seconds: float) -> datetime:
    """The wall clock, so many seconds after a trace began."""
    return EPOCH + timedelta(seconds=seconds)


def plain_answer(cls: type[Message], now: datetime, given: Mapping[str, Any]) -> Any:
    """A message of the class that says yes: what is given, and of the rest only what must be there.

    Statuses are Accepted, or the first that there is; times are `now`, intervals 300 seconds.
    Raises TypeError for members that the class does not have.
    """
    check_names(cls, given)
    must = {member.name: _plain(member, now) for member in members(cls) if member.required}
    return cls(**{**must, **given})


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


def check_names(cls: type[Message], given: Mapping[str, Any]) -> None:
    """Raise TypeError if one of these is no member of the class."""
    known = [member.name for member in members(cls)]
    wrong = [name for name in given if name not in known]
    if wrong:
        has = f"has {', '.join(known)}" if known else "has no members"
        raise TypeError(f"{cls.__name__} has no {', '.join(wrong)}; it {has}")


def matches(wanted: Any, found: Any) -> bool:
    """Whether a value is the one that is wanted.

    Of a dict that is wanted, each member must match; of a list, each element. Times may be wanted as text.
    """
    if isinstance(wanted, Mapping):
        return all(matches(value, _member(found, name)) for name, value in wanted.items())
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(wanted) == len(found)
            and all(matches(*pair) for pair in zip(wanted, found, strict=True))
        )
    if isinstance(found, datetime) and isinstance(wanted, str):
        return datetime.fromisoformat(wanted) == found
    return bool(wanted == found)


def _member(found: Any, name: str) -> Any:
    if isinstance(found, Message):
        return getattr(found, name, asdict(found).get(name))
    return found.get(name) if isinstance(found, Mapping) else None
