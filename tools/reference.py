"""Writes the pages of the reference that tables and classes know best: `python -m tools.reference [--check]`.

One page for each version, with every action, datatype and enum, from the classes that the codec reads; and one
with the error codes, from the tables of `ocpp_sansio.version`. Committed, so that a code host shows them as well.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from ocpp_sansio._shape import Member, members
from ocpp_sansio.errors import ERRORS_BY_CODE, Rejection
from ocpp_sansio.messages import CustomData, Datatype, Message, Request, Role, Unconfirmed
from ocpp_sansio.version import Version

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "reference"
COMMAND = "python -m tools.reference"

#: Users of a datatype or an enum that are named; further ones are counted.
SHOWN_USERS = 6

Action = type[Request[Any, Any]] | type[Unconfirmed]

KINDS: dict[type[Any], str] = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "boolean",
    object: "any JSON",
}
SENDERS = {Role.CHARGING_STATION: "the station", Role.CSMS: "the CSMS", None: "either end"}

#: Assertions of a member in words; `many` is about an array.
WORDS = {
    "maxLength": "at most {} characters",
    "minimum": "from {} on",
    "maximum": "up to {}",
    "multipleOf": "a multiple of {}",
    "format": "a {}",
    "minItems": "at least {}",
    "maxItems": "at most {}",
}

CUSTOM_DATA = """
Every request, response and datatype of this version may have a `customData` as well (`custom_data`), a
[`CustomData`](messages.md#customdata); the tables leave it out.
"""

INTRODUCTION = """\
# OCPP {number}: messages

<!-- Written by `{command}` from the classes that the codec reads; change those, not this. -->

`from ocpp_sansio.{package} import call, call_result, datatypes, enums{send}`

{actions} actions, {datatypes} datatypes, {enums} enums. The first column has the name on the wire, the second that of the field in
Python. What is required stands first. Where a field takes an enum, its value as text will do; a time may be a
`datetime` or text, a datatype an object of its class or a mapping.
{custom_data}"""


def main(arguments: list[str]) -> int:
    """Write the pages, or compare with what is there; return 1 if one is out of date."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Write the generated pages of the reference.")
    parser.add_argument("--check", action="store_true", help="write nothing, compare only")
    check = parser.parse_args(arguments).check
    status = 0
    for name, text in pages().items():
        path = FOLDER / name
        if not check:
            path.write_text(text, encoding="utf-8", newline="\n")
        elif not path.exists() or path.read_bytes() != text.encode():
            print(f"{path.relative_to(ROOT)} is out of date; run `{COMMAND}`", file=sys.stderr)
            status = 1
    return status


def pages() -> dict[str, str]:
    """The text of each page, by the name of its file."""
    found = {f"{version.name.lower()}.md": version_page(version) for version in Version}
    return {**found, "error-codes.md": codes_page()}


def version_page(version: Version) -> str:
    """Every message of a version."""
    package = version.name.lower()
    datatypes, enums = [_classes(version, name) for name in ("datatypes", "enums")]
    enums.pop("Action")  # the names of the actions, which have their own chapter
    requests: dict[str, Action] = {**version.load(), **version.load_sends()}
    users = _users(requests.values(), datatypes.values())
    has_custom_data = any(member.type is CustomData for cls in requests.values() for member in members(cls))
    lines = [
        INTRODUCTION.format(
            command=COMMAND,
            number=version.value,
            package=package,
            send=", send" if version.load_sends() else "",
            actions=len(requests),
            datatypes=len(datatypes),
            enums=len(enums),
            custom_data=CUSTOM_DATA if has_custom_data else "",
        ),
        "## Actions",
        "",
        *_by_sender(requests),
    ]
    for name, cls in sorted(requests.items()):
        lines += _action(name, cls)
    lines += ["## Datatypes", ""]
    for name, cls in sorted(datatypes.items()):
        lines += [f"### {name}", "", *_table("member", cls), *_used(users.get(cls, []))]
    lines += [
        "## Enums",
        "",
        "Each value with the name of its member in Python. `enums.Action` has a member for each action.",
        "",
    ]
    for name, cls in sorted(enums.items()):
        values = [f"{member.value} (`{member.name}`)" for member in cls]
        lines += [f"### {name}", "", *_wrapped(values), "", *_used(users.get(cls, []))]
    return "\n".join(lines).rstrip() + "\n"


def _classes(version: Version, name: str) -> dict[str, Any]:
    module: ModuleType = import_module(f"ocpp_sansio.{version.name.lower()}.{name}")
    return {name: getattr(module, name) for name in module.__all__}


def _by_sender(requests: dict[str, Action]) -> Iterator[str]:
    """Links to the actions."""
    for role, sender in SENDERS.items():
        names = sorted(name for name, cls in requests.items() if cls.__sender__ is role)
        links = [f"[{name}](#{name.lower()})" for name in names]
        yield from (f"Sent by {sender}, {len(names)}:", "", *_wrapped(links), "")


def _action(name: str, cls: Action) -> Iterator[str]:
    """The section of an action."""
    sender = SENDERS[cls.__sender__]
    if issubclass(cls, Unconfirmed):
        yield from (f"### {name}", "", f"`send.{name}`, told by {sender} and never answered.", "")
        yield from _table("message", cls)
        return
    yield from (f"### {name}", "", f"`call.{name}`, sent by {sender}; answered by `call_result.{name}`.", "")
    yield from _table("request", cls)
    yield from _table("response", cls.__answer__)


def _table(title: str, cls: type[Message]) -> list[str]:
    """The members of a class."""
    shown = [member for member in members(cls) if member.type is not CustomData]
    if not shown:
        return [f"The {title} has no members.", ""]
    rows = [f"| `{member.wire}` | `{member.name}` | {describe(member)} |" for member in shown]
    return [f"| {title} | in Python | |", "|---|---|---|", *rows, ""]


def describe(member: Member) -> str:
    """What a member may hold, in words."""
    kind = _kind(member)
    words = [_say(keyword, value) for keyword, value in member.values.items() if keyword in WORDS]
    if member.many:
        count = [_say(keyword, value) for keyword, value in member.limits.items() if keyword in WORDS]
        kind = f"array of {kind}" + (f" ({', '.join(count)})" if count else "")
        words = [f"{word} each" for word in words]
    described = ", ".join([kind, *words])
    if not_sent := member.values.get("receive_only"):
        described += f"; {', '.join(not_sent)} is understood and never sent"
    return f"**required** {described}" if member.required else described


def _say(keyword: str, value: Any) -> str:
    return WORDS[keyword].format(str(value).upper() if keyword == "format" else value)


def _kind(member: Member) -> str:
    if issubclass(member.type, Datatype | StrEnum):
        return f"[{member.type.__name__}](#{member.type.__name__.lower()})"
    return KINDS.get(member.type, "date and time")


def _users(requests: Iterable[Any], datatypes: Iterable[Any]) -> dict[type[Any], list[str]]:
    """Which actions and datatypes a class occurs in, by the class."""
    owners: list[tuple[str, type[Message]]] = []
    for cls in requests:
        answers = [cls.__answer__] if issubclass(cls, Request) else []
        owners += [(cls.__action__, each) for each in (cls, *answers)]
    owners += [(cls.__name__, cls) for cls in datatypes]
    found: dict[type[Any], list[str]] = {}
    for name, owner in owners:
        for member in members(owner):
            names = found.setdefault(member.type, [])
            if name not in names:
                names.append(name)
    return found


def _used(names: list[str]) -> list[str]:
    """Links to those who use something."""
    links = [f"[{name}](#{name.lower()})" for name in sorted(names)]
    links[SHOWN_USERS:] = [f"{len(links) - SHOWN_USERS} more"] if links[SHOWN_USERS:] else []
    return [*_wrapped(["In " + links[0], *links[1:]]), ""] if links else []


def _wrapped(items: Iterable[str], width: int = 110) -> list[str]:
    """Items with commas between them, on lines that are not too long."""
    lines = [""]
    for item in ", \0".join(items).split("\0"):
        if lines[-1] and len(lines[-1]) + len(item) > width:
            lines.append("")
        lines[-1] += item
    return [line.rstrip() for line in lines]


def codes_page() -> str:
    """Every error code, how each version spells it, and what earns it."""
    versions = list(Version)
    unreadable = [version for version in versions if version.rules.unreadable_id == "-1"]
    head = " | ".join(f"OCPP {version.value}" for version in versions)
    lines = [
        "# Error codes",
        "",
        f"<!-- Written by `{COMMAND}` from the tables of `ocpp_sansio.version`; change those, not this. -->",
        "",
        "Raise the class in a handler, or reply with it; each version writes the code in its own spelling. What the peer sends is",
        "read in any of these spellings, and becomes an object of the class. A code that no version knows is a `GenericError` whose",
        "`code` is the text of the peer.",
        "",
        "## Codes and their spelling",
        "",
        f"| class in `ocpp_sansio.errors` | `ErrorCode` | {head} |",
        f"|---|---|{'---|' * len(versions)}",
    ]
    for code, cls in ERRORS_BY_CODE.items():
        spelt = " | ".join(f"`{version.rules.spell(code)}`" for version in versions)
        lines.append(f"| `{cls.__name__}` | `{code.name}` | {spelt} |")
    lines += [
        "",
        "## What a rejected frame earns",
        "",
        "By `FrameRejected.reason`. A dash is no answer at all, and what arrives as a SEND never gets one.",
        " and ".join(f"OCPP {version.value}" for version in unreadable)
        + " answer what has no readable id under the id `-1`.",
        "",
        f"| `Rejection` | meaning | {head} |",
        f"|---|---|{'---|' * len(versions)}",
    ]
    for rejection in Rejection:
        earned = " | ".join(_earned(version, rejection) for version in versions)
        lines.append(f"| `{rejection.name}` | {rejection.value} | {earned} |")
    lines += [
        "",
        "## What an invalid payload earns",
        "",
        "By the keyword of JSON Schema that is violated, which `Violation.keyword` names; others earn GenericError.",
        "",
        f"| keyword | {head} |",
        f"|---|{'---|' * len(versions)}",
    ]
    for keyword in versions[0].rules.violations:
        earned = " | ".join(
            f"`{version.rules.spell(version.rules.violations[keyword])}`" for version in versions
        )
        lines.append(f"| `{keyword}` | {earned} |")
    return "\n".join(lines) + "\n"


def _earned(version: Version, rejection: Rejection) -> str:
    if rejection is Rejection.INVALID_PAYLOAD:
        return "as below"
    if rejection is Rejection.ONLY_AS_SEND and not version.load_sends():
        return "there are none"
    code = version.rules.answers.get(rejection)
    return "-" if code is None else f"`{version.rules.spell(code)}`"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
