"""A request as somebody types it, `connectorId=0 type=Inoperative`, made into a message of its class.

Here words become JSON. What is wrong with that is said by `ocpp_sansio.validation`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from math import isfinite
from typing import Any

from ocpp_sansio import Role, Version
from ocpp_sansio._codec import sending_decoder
from ocpp_sansio._datetime import format_datetime
from ocpp_sansio._shape import Member, members
from ocpp_sansio.messages import Datatype, Message
from ocpp_sansio.validation import violations

__all__ = ["Unreadable", "find_action", "message_from", "payload_from", "sendable", "words_after"]

MOST_SHOWN = 3  # violations in one sentence

_NAME = re.compile(r"\s*([^\s=]+)=")
_STEP = re.compile(r"([^\[\]]+)(?:\[(\d+)\])?")
_WORD = re.compile(r"\S*")
_NOW = re.compile(r"now(?:\+(\d{1,9}))?")
_JSON = json.JSONDecoder()


class Unreadable(Exception):
    """What was typed cannot be understood: one sentence."""


def sendable(version: Version, role: Role) -> dict[str, type[Any]]:
    """The actions of a version that this end may call, and those that it may tell, with their classes."""
    known: dict[str, type[Any]] = {**version.load(), **version.load_sends()}
    return {action: cls for action, cls in known.items() if cls.__sender__ in (role, None)}


def find_action(version: Version, role: Role, action: str) -> type[Any]:
    """The class of an action that this end may send. Raises Unreadable, which says what was meant instead."""
    ours = sendable(version, role)
    if action in ours:
        return ours[action]
    if action in version.load() or action in version.load_sends():
        raise Unreadable(f"{action} is sent by the {role.peer.value}, not by the {role.value}")
    meant = get_close_matches(action.lower(), [name.lower() for name in ours], n=1)
    hint = "".join(f"; did you mean {name}?" for name in ours if name.lower() in meant)
    raise Unreadable(f"there is no action {action!r} in OCPP {version.value}{hint}")


def message_from(cls: type[Any], text: str) -> Any:
    """The message of this class that is typed so. Raises Unreadable, which names the member and the cure."""
    payload = payload_from(cls, text)
    found = violations(cls, payload, receiving=False)
    if found:
        more = f"; and {len(found) - MOST_SHOWN} more" if len(found) > MOST_SHOWN else ""
        # As it was typed: the payload itself has no name.
        said = [str(violation).removeprefix("$.").removeprefix("$: ") for violation in found[:MOST_SHOWN]]
        raise Unreadable("; ".join(said) + more)
    return sending_decoder(cls)(payload, [])


def payload_from(cls: type[Message] | None, text: str) -> dict[str, Any]:
    """The payload that is typed so: an object of JSON, or `member=value` for each member.

    A member within another has a path, `idToken.type=Central` or `getVariableData[1].variable.name=...`;
    without an index it is the first element. A value that begins with `{`, `[` or `"` is JSON, any other is a
    word that is read as the class wants it. A time may be `now` or `now+60`. Nothing is judged; raises
    Unreadable.
    """
    text = text.strip()
    if text.startswith("{"):
        payload, end = _json(text, 0, "the payload")
        if text[end:].strip():
            raise Unreadable(f"nothing may follow the payload: {text[end:].strip()[:20]!r}")
        return dict(payload)
    payload = {}
    for name, value in _assignments(text):
        _put(cls, payload, _steps(name), value)
    return payload


class _Word(str):
    """A value that is no JSON."""

    __slots__ = ()


def _assignments(text: str) -> Iterator[tuple[str, Any]]:
    position = 0
    while text[position:].strip():
        found = _NAME.match(text, position)
        if found is None:
            word = text[position:].split()[0]
            raise Unreadable(f"{word[:40]!r} is not of the form member=value")
        name, position = found[1], found.end()
        if text[position : position + 1] in ("{", "[", '"'):
            value, position = _json(text, position, name)
            if text[position : position + 1].strip():
                raise Unreadable(f"{name}: {text[position : position + 20]!r} follows its JSON")
        else:
            word_found = _WORD.match(text, position)
            assert word_found is not None
            value, position = _Word(word_found[0]), word_found.end()
        yield name, value


def _json(text: str, position: int, name: str) -> tuple[Any, int]:
    try:
        return _JSON.raw_decode(text, position)
    except (ValueError, RecursionError) as error:
        why = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise Unreadable(f"{name}: {text[position : position + 20]!r} is not JSON: {why}") from None


def _steps(name: str) -> list[tuple[str, int | None]]:
    steps: list[tuple[str, int | None]] = []
    for part in name.split("."):
        found = _STEP.fullmatch(part)
        if found is None:
            raise Unreadable(f"{name[:60]!r} is not a path such as idToken.type or data[0].value")
        steps.append((found[1], None if found[2] is None else int(found[2])))
    return steps


def _put(
    cls: type[Message] | None, node: dict[str, Any], steps: list[tuple[str, int | None]], value: Any
) -> None:
    """Put a value where the path leads, and make the objects on the way."""
    (name, index), *rest = steps
    member = _member(cls, name)
    many = index is not None or (member is not None and member.many)
    if rest:
        child = _element(node, name, index or 0) if many else node.setdefault(name, {})
        if not isinstance(child, dict):
            raise Unreadable(f"{name} has a value already, and no members")
        inner = member.type if member is not None and issubclass(member.type, Datatype) else None
        _put(inner, child, rest, value)
        return
    read = _read(member, value) if isinstance(value, _Word) else value
    if not many or isinstance(read, list):
        if name in node:
            raise Unreadable(f"{name} is given twice")
        node[name] = read
        return
    elements = node.setdefault(name, [])
    if not isinstance(elements, list) or (index is not None and index != len(elements)):
        raise Unreadable(f"{name}: element {index or 0} is not the next one")
    elements.append(read)


def _element(node: dict[str, Any], name: str, index: int) -> Any:
    elements = node.setdefault(name, [])
    if not isinstance(elements, list) or index > len(elements):
        raise Unreadable(f"{name}: there is no element before number {index}")
    if index == len(elements):
        elements.append({})
    return elements[index]


def _member(cls: type[Message] | None, name: str) -> Member | None:
    """The member of this name; of an unknown one the judge will say that it is unknown."""
    if cls is None or cls.__schema__ is not None:
        return None
    return next((member for member in members(cls) if member.wire == name), None)


def _read(member: Member | None, word: str) -> Any:
    """The word as the member wants it. A word that it cannot be stays text, and the judge will say so."""
    reader = _READERS.get(member.type if member is not None else object, str)
    try:
        return reader(str(word))
    except (ValueError, KeyError):
        return str(word)


def _number(word: str) -> float:
    number = float(word)
    if not isfinite(number):
        raise ValueError(word)
    return number


def _time(word: str) -> str:
    found = _NOW.fullmatch(word)
    if found is None:
        return word
    return format_datetime(datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=int(found[1] or 0)))


_READERS: Mapping[type[Any], Any] = {
    int: int,
    float: _number,
    bool: {"true": True, "false": False}.__getitem__,
    datetime: _time,
    object: json.loads,
}


def words_after(cls: type[Message], typed: str) -> list[str]:
    """How the last word of a request may go on: names of members, and values where those are few."""
    name, assigned, _ = typed.rpartition("=")
    path = (name if assigned else typed).split(".")
    inner: type[Message] | None = cls
    for part in path[:-1]:
        found = _member(inner, part.partition("[")[0])
        inner = found.type if found is not None and issubclass(found.type, Datatype) else None
    if inner is None or inner.__schema__ is not None:
        return []
    before = "".join(f"{part}." for part in path[:-1])
    if not assigned:
        offered = (
            f"{before}{each.wire}{'.' if issubclass(each.type, Datatype) else '='}" for each in members(inner)
        )
        return [word for word in offered if word.startswith(typed)]
    member = _member(inner, path[-1].partition("[")[0])
    return [word for word in (f"{name}={value}" for value in _values(member)) if word.startswith(typed)]


def _values(member: Member | None) -> list[str]:
    if member is None:
        return []
    if member.type is bool:
        return ["true", "false"]
    if member.type is datetime:
        return ["now"]
    is_enum = member.type not in _READERS and member.type is not str and not issubclass(member.type, Datatype)
    return [str(value) for value in member.enum_members(receiving=False)] if is_enum else []
