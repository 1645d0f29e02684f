"""Random payloads of a message class, and payloads that were valid before a few changes. Fast: tens of µs each.

For breadth, where Hypothesis would be too slow; whatever this finds is reproduced by its seed.
"""

import json
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from random import Random
from typing import Any

from ocpp_sansio._shape import Member, members
from ocpp_sansio.messages import Datatype, Message

__all__ = ["mutated", "payload"]

_TEXTS = [
    "",
    "a",
    "Accepted",
    "ä😀",
    "0",
    "true",
    "x" * 20,
    "x" * 50,
    "x" * 51,
    "x" * 255,
    "x" * 256,
    "x" * 600,
]
_TIMES = [
    "2024-05-01T12:00:00Z",
    "2024-05-01T12:00:00.123Z",
    "2024-05-01T14:00:00+02:00",
    "2024-05-01T12:00:00",
    "2024-05-01T14:00:00+02",
    "2016-12-31T23:59:60Z",
    "2024-05-01T12:00:00.1234567Z",
]
_NO_TIMES = ["", "now", "2024-05-01", "2024-13-01T12:00:00Z", "2024-05-01T3:11:55Z", "2024-W18-3T12:00:00Z"]
_NUMBERS = [
    0,
    1,
    -1,
    2,
    3,
    4,
    100,
    101,
    2**31,
    -(2**31),
    10**20,
    0.0,
    -0.0,
    0.1,
    0.3,
    8.15,
    21.4,
    12.0,
    1e-7,
    1e16,
    -1.5,
]


def payload(random: Random, cls: type[Message], depth: int = 0) -> dict[str, Any]:
    """A valid payload. The deeper, the fewer optional members."""
    found = {}
    for member in members(cls):
        if member.required or random.random() < (0.5, 0.35, 0.25, 0.1)[min(depth, 3)]:
            found[member.wire] = _member(random, member, depth)
    if cls.__rest__ is not None and random.random() < 0.3:
        found["x" * random.randint(1, 3)] = anything(random)
    return found


def _member(random: Random, member: Member, depth: int) -> Any:
    if not member.many:
        return _value(random, member, depth)
    least = member.limits.get("minItems", 0)
    most = min(member.limits.get("maxItems", 3), max(least, 3))
    return [_value(random, member, depth) for _ in range(random.randint(least, most))]


def _value(random: Random, member: Member, depth: int) -> Any:
    kind = member.type
    if issubclass(kind, Datatype):
        return payload(random, kind, depth + 1)
    if issubclass(kind, StrEnum):
        return str(random.choice(member.enum_members(receiving=True)))
    return _SCALARS[kind](random, member)


def _text(random: Random, member: Member) -> str:
    longest = member.values.get("maxLength", 1000)
    text = random.choice(_TEXTS)
    return text * longest if random.random() < 0.05 and len(text) == 1 else text[:longest]


def _integer(random: Random, member: Member) -> int:
    low, high = member.values.get("minimum", -(2**31)), member.values.get("maximum", 2**31)
    return random.choice(
        [int(low), int(high), random.randint(int(low), int(high)), max(int(low), min(1, int(high)))]
    )


def _number(random: Random, member: Member) -> float:
    low, high = member.values.get("minimum", -1e6), member.values.get("maximum", 1e6)
    if "multipleOf" in member.values:
        return float(f"{random.randint(-1000, 100000) / 10:.1f}")
    return random.choice([low, high, random.uniform(low, high), random.randint(int(low), int(high))])


_SCALARS: dict[type[Any], Callable[[Random, Member], Any]] = {
    str: _text,
    int: _integer,
    float: _number,
    bool: lambda random, member: random.random() < 0.5,
    datetime: lambda random, member: random.choice(_TIMES),
    object: lambda random, member: anything(random),
}


def anything(random: Random, depth: int = 0) -> Any:
    """Any JSON, small."""
    pick = random.randrange(9 if depth < 2 else 6)
    if pick == 0:
        return None
    if pick == 1:
        return random.random() < 0.5
    if pick == 2:
        return random.choice(_NUMBERS)
    if pick < 6:
        return random.choice(random.choice((_TEXTS, _TIMES, _NO_TIMES)))
    if pick < 8:
        return [anything(random, depth + 1) for _ in range(random.randrange(3))]
    return {random.choice(_TEXTS): anything(random, depth + 1) for _ in range(random.randrange(3))}


def mutated(random: Random, cls: type[Message], valid: dict[str, Any]) -> dict[str, Any]:
    """A copy of a valid payload with one to three changes: members replaced, dropped, added, doubled or nudged."""
    changed: dict[str, Any] = json.loads(json.dumps(valid))
    for _ in range(random.randint(1, 3)):
        _change(random, cls, changed)
    return changed


def _change(random: Random, cls: type[Message], changed: dict[str, Any]) -> None:
    places = _places(changed)
    pick = random.random()
    if pick < 0.25 or not places:
        objects = [
            changed,
            *(container[key] for container, key in places if isinstance(container[key], dict)),
        ]
        names = [member.wire for member in members(cls)] + ["customData", "vendorId", "unknown", "Status"]
        random.choice(objects)[random.choice(names)] = anything(random)
        return
    container, key = random.choice(places)
    value = container[key]
    if pick < 0.45:
        del container[key]
    elif pick < 0.6 and isinstance(value, list):
        container[key] = value * random.randint(2, 12)
    elif pick < 0.75 and isinstance(value, str):
        container[key] = value + random.choice(["x", " ", "Z", "x" * 500])
    elif pick < 0.75 and isinstance(value, (int, float)) and not isinstance(value, bool):
        container[key] = value + random.choice([1, -1, 0.05, 0.0, 1000])
    else:
        container[key] = anything(random)


def _places(node: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in a payload."""
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    found: list[tuple[Any, Any]] = []
    for key in keys:
        found.append((node, key))
        found += _places(node[key])
    return found
