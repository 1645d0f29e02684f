"""Spellings and switches that exist only because programs written for mobilityhouse/ocpp use them.

New code and documentation never do.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from ocpp_sansio import RemoteProtocolError, Strictness, Validation
from ocpp_sansio._shape import Member, members
from ocpp_sansio.converters import time
from ocpp_sansio.messages import Datatype, Message, Raw, Request, Response, Unconfirmed, asdict
from ocpp_sansio.routing import Routes
from ocpp_sansio.validation import encode, encode_unjudged, violations

__all__ = [
    "OlderNames",
    "Unjudged",
    "answer_of",
    "asked_for",
    "members_of",
    "policy_of",
    "unjudged_in",
]

Answer = TypeVar("Answer", bound=Response)

#: The actions whose handlers skip validation, with the class that names the members of each.
Unjudged = Mapping[str, type[Request[Any, Any]] | type[Unconfirmed]]


class OlderNames:
    """Attributes of ChargePoint under the names that those programs reach for."""

    transport: Any

    @property
    def _connection(self) -> Any:
        """The WebSocket connection, as in `await self._connection.close()`."""
        return self.transport


# `skip_schema_validation`: what is not judged travels as a Raw. Here it gets the names of its class again.


def unjudged_in(routes: Routes, catalogue: Unjudged) -> Unjudged:
    """What the handlers of a class skip."""
    return {
        action: catalogue[action] for action, handler in routes.on.items() if handler.skip_schema_validation
    }


def policy_of(actions: Iterable[str]) -> Validation:
    """STRICT, but for these actions, of which neither request nor response is judged."""
    off = Validation(Strictness.OFF, Strictness.OFF)
    return Validation(actions=dict.fromkeys(actions, off))


def members_of(
    request: Message, cls: type[Request[Any, Any]] | type[Unconfirmed]
) -> Callable[[Message], dict[str, Any]]:
    """What makes keyword arguments of a request that came as a Raw, and is named by this class, and of its
    response.
    """

    def named(message: Message) -> dict[str, Any]:
        if type(message) is not Raw:
            return asdict(message)
        kind = cls if message is request else getattr(cls, "__answer__", cls)
        return asdict(message) if kind.__schema__ is not None else _named(kind, message.payload)

    return named


def _named(cls: type[Message], node: dict[str, Any]) -> dict[str, Any]:
    """An object under the Python names of its class, times and all as they came.

    What the class does not know keeps its name on the wire, unless that is the Python name of what it does
    know and is there as well.
    """
    known = {
        member.name: _named_value(member, node[member.wire]) for member in members(cls) if member.wire in node
    }
    declared = {member.wire for member in members(cls)}
    return {**{key: value for key, value in node.items() if key not in declared}, **known}


def _named_value(member: Member, value: Any) -> Any:
    if not issubclass(member.type, Datatype):
        return value
    if member.many and type(value) is list:
        return [_named(member.type, item) if type(item) is dict else item for item in value]
    return _named(member.type, value) if type(value) is dict else value


def asked_for(request: Request[Any, Answer], unjudged: Unjudged, skip: bool) -> Request[Any, Any]:
    """What a call gives to the protocol. Raises SchemaViolation, as the protocol would if it judged this.

    The policy is one for both directions: an action that is not judged because of its handler would not be
    judged in our own calls either.
    """
    if not isinstance(request, Request) or type(request) is Raw:
        return request
    if skip:
        return Raw(request.__action__, json.loads(encode_unjudged(request)))
    if request.__action__ in unjudged:
        encode(request)
    return request


def answer_of(request: Request[Any, Answer], response: Any, skip: bool) -> Answer:
    """The answer to a call as one of its class.

    Raises RemoteProtocolError if it should have been judged, and was not because of a handler.
    """
    answer: Answer = response
    if type(response) is Raw and type(request) is not Raw:
        cls: Any = request.__answer__
        faults = () if skip else violations(cls, response.payload)
        if faults:
            problem = f"the answer to {request.__action__} is invalid: {faults[0]}"
            raise RemoteProtocolError(problem, faults[0])
        answer = cls(response.payload) if cls.__schema__ is not None else _made(cls, response.payload)
    return answer


def _made(cls: type[Message], node: dict[str, Any]) -> Any:
    """An object of the class, made without its `__init__` from whatever there is.

    A member that is missing is absent, one that its class does not know is left out, and a value that its
    field has no room for stays as it came.
    """
    made = object.__new__(cls)
    for member in members(cls):
        found = node.get(member.wire, member.absent)
        many = member.many and type(found) is list
        setattr(
            made, member.name, [_value(member, item) for item in found] if many else _value(member, found)
        )
    if cls.__rest__ is not None:
        declared = {member.wire for member in members(cls)}
        setattr(made, cls.__rest__, {key: value for key, value in node.items() if key not in declared})
    return made


def _value(member: Member, value: Any) -> Any:
    kind = member.type
    if issubclass(kind, Datatype):
        return _made(kind, value) if type(value) is dict else value
    if kind is int and type(value) is float and value.is_integer():
        return int(value)
    if type(value) is not str:
        return value
    try:
        if issubclass(kind, datetime):
            return time(value)
        return kind(value) if issubclass(kind, StrEnum) else value
    except ValueError:
        return value
