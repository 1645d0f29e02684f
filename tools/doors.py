"""Writes what each door does and which test proves it: `python -m tools.doors [--check]`.

Reads tests/conformance/doors.toml and the names of the tests; the table is docs/reference/doors.md.
"""

import argparse
import ast
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests"
SOURCE = TESTS / "conformance" / "doors.toml"
PAGE = ROOT / "docs" / "reference" / "doors.md"
COMMAND = "python -m tools.doors"

INTRODUCTION = f"""\
# Doors

<!-- Written by `{COMMAND}` from `tests/conformance/doors.toml`; change that, not this. -->

The protocol is one; the doors to it are several. Each "yes" is a test, which the link leads to; each dash has its reason below.
"""


class Wrong(Exception):
    """What is wrong with the table, in a sentence."""


def main() -> int:
    """Write the page, or say whether it is up to date."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the page would change")
    options = parser.parse_args()
    try:
        text = page(tomllib.loads(SOURCE.read_text(encoding="utf-8")))
    except Wrong as wrong:
        print(f"{SOURCE.relative_to(ROOT)}: {wrong}", file=sys.stderr)
        return 1
    if not options.check:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        print(f"{PAGE.relative_to(ROOT)} is not up to date; run {COMMAND}", file=sys.stderr)
        return 1
    return 0


def page(table: dict[str, Any]) -> str:
    """The text of the page. Raises Wrong."""
    doors: dict[str, str] = table["doors"]
    lines = [INTRODUCTION, *(f"* **{name}**: {what}" for name, what in doors.items())]
    lines += ["", f"| | {' | '.join(doors)} |", f"|---|{'---|' * len(doors)}"]
    reasons: list[str] = []
    for behaviour in table["behaviour"]:
        title = behaviour["title"]
        if behaviour.keys() != {"title", *doors}:
            raise Wrong(f"{title!r} is to have a cell for each door, and no other")
        cells = [cell(behaviour[door], title, reasons) for door in doors]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    lines += ["", *(f"{number}. {reason}" for number, reason in enumerate(reasons, 1)), ""]
    return "\n".join(lines)


def cell(value: str, title: str, reasons: list[str]) -> str:
    """A link to the test, or a dash and the number of its reason."""
    if value.startswith("-"):
        reason = value[1:]
        if reason not in reasons:
            reasons.append(reason)
        return f"- ({reasons.index(reason) + 1})"
    file, _, name = value.partition("::")
    if name not in tests_of(file):
        raise Wrong(f"{title!r}: there is no test {value}")
    return f"[yes](../../tests/{file} '{name}')"


@cache
def tests_of(file: str) -> set[str]:
    """The names of the tests in a file."""
    path = TESTS / file
    if not path.exists():
        raise Wrong(f"there is no file tests/{file}")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}


if __name__ == "__main__":
    sys.exit(main())
