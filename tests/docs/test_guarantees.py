"""docs/explanation: every test that a page names stands in the file that it links, and every wire rule exists."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tools.rules import VERSIONS, read_rules

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "explanation").glob("*.md"))
GUARANTEES = ROOT / "docs" / "explanation" / "guarantees.md"

LINK = re.compile(r"\[`(test_\w+)`\]\(([^)\s]+)\)")
NAME = re.compile(r"`(test_\w+)`")
RULE = re.compile(r"\b(J16|J201|J21|J|L)(?:\\\*|\*)?-(\d{3,4})\b")


@cache
def names_in(path: Path) -> frozenset[str]:
    """The names of the tests in a file, without running it."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return frozenset(node.name for node in body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def wrong_links(text: str, folder: Path) -> Iterator[str]:
    """The tests that the text names and that are not where it says, or that it names without a link."""
    for name, target in LINK.findall(text):
        path = (folder / target).resolve()
        if not path.is_file() or name not in names_in(path):
            yield f"{target}::{name}"
    for name in NAME.findall(LINK.sub("", text)):
        yield f"{name} without a link"


def unknown_rules(text: str) -> list[str]:
    """The wire rules that the text names and that no list has."""
    known = read_rules((ROOT / "tests" / "conformance" / "rules.toml").read_text(encoding="utf-8")).ids
    return [
        f"{prefix}-{number}"
        for prefix, number in RULE.findall(text)
        if not known & {f"{one}-{number}" for one in (VERSIONS if prefix == "J" else [prefix])}
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert list(wrong_links(text, page.parent)) == []
    assert unknown_rules(text) == []


def test_each_guarantee_names_a_test() -> None:
    rows = [line for line in GUARANTEES.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    promises = [row for row in rows if not row.startswith("| guarantee, and")]
    assert len(promises) > 30
    assert [row for row in promises if LINK.search(row) is None] == []


def test_what_does_not_exist_is_noticed() -> None:
    here = "[`test_what_does_not_exist_is_noticed`](test_guarantees.py)"
    assert list(wrong_links(here, Path(__file__).parent)) == []
    bad = "[`test_gone`](test_guarantees.py), [`test_x`](test_nowhere.py), `test_alone`"
    assert list(wrong_links(bad, Path(__file__).parent)) == [
        "test_guarantees.py::test_gone",
        "test_nowhere.py::test_x",
        "test_alone without a link",
    ]
    assert unknown_rules("J16-301, J*-302, J\\*-302, L-308") == []
    assert unknown_rules("J16-999, J*-999, L-301") == ["J16-999", "J-999", "L-301"]
