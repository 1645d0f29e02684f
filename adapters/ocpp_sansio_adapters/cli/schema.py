"""`ocpp-sansio schema`: a message as a person reads it, or as JSON Schema."""

import argparse
import json
import sys
import textwrap
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from shutil import get_terminal_size
from typing import Any

from ocpp_sansio import Role, Version
from ocpp_sansio._shape import Member, members
from ocpp_sansio.messages import Datatype, Message
from ocpp_sansio.schema import schema_for
from ocpp_sansio.validation import encode

from ._arguments import add_version
from ._command import FINE, Problem, examples
from ._messages.example import example_of
from ._messages.lookup import Subject, find
from ._paint import Paint

__all__ = ["add_arguments", "run"]

#: How deep datatypes are unfolded; deeper, they are named.
MOST_LEVELS = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `schema`."""
    parser.description = (
        "Shows what a message is made of: members, types, limits, enum values, and an example that is valid.\n"
        "Takes an action, its request or response alone, a datatype or an enum; capitals do not matter.\n\n"
        "Exit status: 0 if it is shown, 2 if there is no such thing."
    )
    parser.epilog = examples(
        ("ocpp-sansio schema StartTransaction", "request and answer, in each version that has it"),
        ("ocpp-sansio schema SetChargingProfile --version 2.1 --full", "with an example of everything in it"),
        (
            "ocpp-sansio schema AuthorizeRequest --version 1.6 --json-schema",
            "the document, for another program",
        ),
    )
    parser.add_argument("name", metavar="ACTION", nargs="?", help="leave it out for a list of all actions")
    add_version(parser, "each that has it")
    parser.add_argument("--full", action="store_true", help="the example has what may be left out, too")
    parser.add_argument("--json-schema", action="store_true", help="write the JSON Schema document")


def run(options: argparse.Namespace) -> int:
    """Show what `options.name` is."""
    versions = list(Version) if options.version is None else [options.version]
    paint = Paint(sys.stdout)
    if options.name is None:
        _list_actions(versions, paint)
        return FINE
    found = find(options.name, versions)
    if options.json_schema:
        print(json.dumps(_documents(found), indent=2, ensure_ascii=False))
        return FINE
    for number, subject in enumerate(found):
        print(*([""] if number else []), *_subject(subject, paint, full=options.full), sep="\n")
    return FINE


def _list_actions(versions: list[Version], paint: Paint) -> None:
    for version in versions:
        print(paint("bold", f"OCPP {version.value}"))
        by_sender: dict[Role | None, list[str]] = {}
        senders = {action: cls.__sender__ for action, cls in version.load().items()}
        senders |= {action: cls.__sender__ for action, cls in version.load_sends().items()}
        for action, sender in senders.items():
            by_sender.setdefault(sender, []).append(action)
        for sender, actions in by_sender.items():
            print(f"  from {_WHO[sender]}:")
            print(_wrapped(", ".join(sorted(actions)), "    "))


_WHO = {Role.CHARGING_STATION: "the station", Role.CSMS: "the CSMS", None: "either"}


# For machines.


def _documents(found: list[Subject]) -> Any:
    """The document, if what was asked for is one; else all of them, by version and part."""
    if all(subject.enum is not None for subject in found):
        raise Problem("an enum has no JSON Schema of its own; ask for a message or a datatype that has it.")
    whole = {
        f"{subject.version.value} {subject.name} {part}": schema_for(cls)
        for subject in found
        for part, cls in subject.parts
    }
    return next(iter(whole.values())) if len(whole) == 1 else whole


# For people.


def _subject(subject: Subject, paint: Paint, *, full: bool) -> Iterator[str]:
    sent = f", sent by {_WHO[subject.sender]}" if subject.is_action else ""
    yield paint("bold", f"{subject.name}") + f"  OCPP {subject.version.value}{sent}"
    if subject.enum is not None:
        yield _wrapped(", ".join(str(value) for value in subject.enum), "  ")
    for part, cls in subject.parts:
        yield ""
        yield paint("bold", part)
        yield from _table(list(_rows(cls, "", 0, ())), paint)
        yield ""
        yield paint("dim", "example")
        yield from _example(cls, subject, part, full)


def _example(cls: type[Message], subject: Subject, part: str, full: bool) -> Iterator[str]:
    payload = json.loads(encode(example_of(cls, full=full)))
    frames: Mapping[str, list[Any]] = {
        "request": [2, "1", subject.name, payload],
        "answer": [3, "1", payload],
        "SEND": [6, "1", subject.name, payload],
    }
    shown = frames.get(part, payload)
    compact = json.dumps(shown, ensure_ascii=False)
    text = compact if len(compact) <= 90 else _frame_text(shown)
    yield textwrap.indent(text, "  ")


def _frame_text(shown: Any) -> str:
    """A frame whose head stays in one line."""
    if not isinstance(shown, list):
        return json.dumps(shown, indent=2, ensure_ascii=False)
    *head, payload = shown
    start = json.dumps(head, ensure_ascii=False)[:-1]
    return f"{start}, {json.dumps(payload, indent=2, ensure_ascii=False)}]"


#: A member's name, indented; whether it must be there; what it may be.
Row = tuple[str, str, str]


def _rows(cls: type[Message], indent: str, level: int, above: tuple[type[Message], ...]) -> Iterator[Row]:
    for member in members(cls):
        if member.wire == "customData":
            continue  # may stand in each object, and says nothing of it
        yield indent + member.wire, "required" if member.required else "", _said(member)
        inner = member.type
        if issubclass(inner, Datatype) and inner not in above and level < MOST_LEVELS:
            yield from _rows(inner, indent + "  ", level + 1, (*above, inner))


_TYPES: Mapping[type[Any], str] = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "true or false",
    datetime: "date and time",
    object: "any JSON",
}
_LIMITS: Mapping[str, str] = {
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "multipleOf": "a multiple of {}",
}


def _said(member: Member) -> str:
    """Type, limits and values of a member."""
    kind = member.type
    if issubclass(kind, StrEnum):
        single = f"one of {', '.join(str(value) for value in member.enum_members(receiving=False))}"
    else:
        single = _TYPES.get(kind, kind.__name__)
    said = ", ".join([single, *_limits(member.values)])
    return f"list{_how_many(member.limits)}: {said}" if member.many else said


def _limits(limits: Mapping[str, Any]) -> Iterator[str]:
    both = limits.keys() >= {"minimum", "maximum"}
    if both:
        yield f"{limits['minimum']:g} to {limits['maximum']:g}"
    for key, words in _LIMITS.items():
        if key in limits and not (both and key in ("minimum", "maximum")):
            yield words.format(limits[key])


def _how_many(limits: Mapping[str, Any]) -> str:
    least, most = limits.get("minItems"), limits.get("maxItems")
    if least is None and most is None:
        return ""
    return f" of {least or 0} to {most}" if most is not None else f" of {least} or more"


def _table(rows: list[Row], paint: Paint) -> Iterator[str]:
    if not rows:
        yield "  (no members)"
        return
    names, musts = (max(len(row[column]) for row in rows) for column in range(2))
    columns = get_terminal_size().columns
    for name, must, said in rows:
        head = f"  {name:<{names}}  " + (f"{must:<{musts}}  " if musts else "")
        painted = f"  {name:<{names}}  " + paint("yellow", must) + " " * (len(head) - names - 4 - len(must))
        if columns - len(head) >= NARROW:
            lines = textwrap.wrap(said, columns - len(head), break_on_hyphens=False)
            yield painted + lines[0]
            yield from (" " * len(head) + line for line in lines[1:])
        else:  # no room beside the names: below them
            yield painted.rstrip()
            indent = " " * (len(name) - len(name.lstrip()) + 6)
            yield textwrap.fill(
                said, max(columns, NARROW + 10), initial_indent=indent, subsequent_indent=indent
            )


#: Columns that a description needs.
NARROW = 28


def _wrapped(text: str, indent: str) -> str:
    width = max(40, get_terminal_size().columns)
    return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
