"""Payloads grown from choices: valid until a byte says otherwise, and the smallest valid one from no bytes at all.

`payloads` draws the same from a random generator; here each member has a byte of its own, which a
coverage-guided fuzzer learns to turn.
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any

from ocpp_sansio._codec import Refused, decoder
from ocpp_sansio._shape import Member, members
from ocpp_sansio.messages import Datatype, Message

from .choices import NONE, Choices

__all__ = ["any_json", "grown", "message", "smallest", "smallest_message"]

TEXTS = ("a", "", "Accepted", "ä😀", "0", "true", " ", "\x00", "vendorId", "2024-05-01T12:00:00Z")
TIMES = (
    "2024-05-01T12:00:00Z",
    "2024-05-01T12:00:00.123Z",
    "2024-05-01T14:00:00+02:00",
    "2024-05-01T12:00:00",
    "2024-05-01T14:00:00+02",
    "2016-12-31T23:59:60Z",
    "2024-05-01T12:00:00.1234567Z",
    "2024-05-01t12:00:00,5z",
    "0001-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59.999999Z",
    "2024-05-01T3:11:55Z",
    "2024-W18-3T12:00:00Z",
    "",
    "now",
)
NUMBERS: tuple[float, ...] = (
    *(0, 1, -1, 2, 100, 101, 2**31, -(2**31) - 1, 10**20, 10**400),
    *(0.0, -0.0, 0.1, 0.3, 8.15, 21.4, 12.0, 1e-7, 1e16, -1.5, 5e-324, float("1e400")),
)

#: From here on, a byte makes the member something that its class may not allow.
ODD = 176


def grown(choose: Choices, cls: type[Message]) -> dict[str, Any]:
    """A payload of the class, valid or nearly so."""
    payload: dict[str, Any] = {}
    for member in members(cls):
        byte = choose.byte()
        if byte >= ODD:
            _odd(choose, byte, member, payload)
        elif byte:
            payload[member.wire] = _value(choose, member)
        elif member.required:
            payload[member.wire] = _value(NONE, member)
    if not choose.over and choose.byte() & 7 == 7:
        payload[choose.pick(UNKNOWN)] = any_json(choose)
    return payload


UNKNOWN = ("customData", "unknown", "vendorId", "status", "", "x" * 61, "ä b")


def smallest(cls: type[Message]) -> dict[str, Any]:
    """The smallest valid payload of the class; nobody may change it."""
    found = _payloads.get(cls)
    if found is None:
        found = _payloads[cls] = grown(NONE, cls)
    return found


def smallest_message(cls: type[Message]) -> Any:
    """The message with that payload, likewise."""
    found = _messages.get(cls)
    if found is None:
        found = _messages[cls] = decoder(cls)(smallest(cls), [])
    return found


_payloads: dict[type[Message], dict[str, Any]] = {}
_messages: dict[type[Message], Any] = {}


def message(choose: Choices, cls: type[Message]) -> Any:
    """A valid message of the class: a grown one, or the smallest if that is not valid."""
    try:
        return decoder(cls)(grown(choose, cls), [])
    except Refused:
        return smallest_message(cls)


def _value(choose: Choices, member: Member) -> Any:
    if not member.many:
        return _single(choose, member)
    least = member.limits.get("minItems", 0)
    count = max(least, choose.byte() % 4)
    return [_single(choose, member) for _ in range(count)]


def _single(choose: Choices, member: Member) -> Any:
    kind = member.type
    if issubclass(kind, Datatype):
        return grown(choose, kind)
    if issubclass(kind, StrEnum):
        return str(choose.pick(member.enum_members(receiving=True)))
    return _SCALARS[kind](choose, member)


def _text(choose: Choices, member: Member) -> str:
    text = choose.pick(TEXTS)
    longest = member.values.get("maxLength")
    return text if longest is None or len(text) <= longest else "a" * longest


def _integer(choose: Choices, member: Member) -> int:
    low, high = int(member.values.get("minimum", 0)), int(member.values.get("maximum", 2**31))
    return min(low + choose.byte() % 8, high)


def _number(choose: Choices, member: Member) -> float:
    low, high = member.values.get("minimum", 0), member.values.get("maximum", 1e6)
    return float(choose.pick((low, min(low + 0.1, high), min(low + 8.1, high), high, min(low + 12.0, high))))


_SCALARS: dict[type[Any], Callable[[Choices, Member], Any]] = {
    str: _text,
    int: _integer,
    float: _number,
    bool: lambda choose, member: choose.pick((True, False)),
    datetime: lambda choose, member: choose.pick(TIMES[:11]),
    object: lambda choose, member: any_json(choose),
}


def _odd(choose: Choices, byte: int, member: Member, payload: dict[str, Any]) -> None:
    """Put something else in the member's place, or nothing; at a limit, one less or one more."""
    wire, kind = member.wire, byte % 8
    if kind == 0:
        return  # missing, even if it is required
    if kind == 1:
        payload[wire] = None
    elif kind == 2 and "maxItems" in member.limits:
        payload[wire] = [_single(NONE, member)] * (member.limits["maxItems"] + choose.byte() % 2)
    elif kind <= 3 and "maxLength" in member.values:
        text = choose.pick(("x", "ä", "😀")) * (member.values["maxLength"] + choose.byte() % 2)
        payload[wire] = [text] if member.many else text
    elif kind <= 4:
        number = choose.pick((member.values.get("maximum", 1), member.values.get("minimum", 0)))
        payload[wire] = number + choose.pick((0, 1, -1, 0.05, 0.1, 1e-9))
    elif kind == 5:
        value = _value(choose, member)
        payload[wire] = value[0] if isinstance(value, list) and value else [value]
    elif kind == 6:
        payload[wire] = choose.pick(TIMES)
    else:
        payload[wire] = any_json(choose)


def any_json(choose: Choices, depth: int = 0) -> Any:
    """Any JSON, small."""
    kind = choose.byte() % (9 if depth < 3 else 7)
    if kind < 3:
        return choose.pick((TEXTS, ("Accepted", "x" * 51, "x" * 600, "\ufeff", "12", "1.0"), TIMES)[kind])
    if kind == 3:
        return choose.pick(NUMBERS)
    if kind == 4:
        return choose.pick((None, True, False))
    if kind == 5:
        return choose.take(choose.byte() % 16).decode("latin-1")
    if kind == 6:
        return int.from_bytes(choose.take(choose.byte() % 9), "big", signed=True)
    if kind == 7:
        return [any_json(choose, depth + 1) for _ in range(choose.byte() % 3)]
    return {choose.pick(TEXTS): any_json(choose, depth + 1) for _ in range(choose.byte() % 3)}
