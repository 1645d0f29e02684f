"""Holds the wire rules against the tests and writes the table of both: `python -m tools.rules [--check]`.

Reads tests/conformance/rules.toml, which lists every rule and says why some are left to others, and the
sources of the tests. A test cites a rule by its id, as in `J16-411` or `J*-411` (each version that has it), in
its docstring, in a comment within it, or in its decorators. The table is docs/reference/wire-rules.md.
"""

import argparse
import ast
import io
import re
import sys
import tokenize
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

Tests = Mapping[str, set[str]]  # id of a rule, known or not -> the tests that cite it
Function = ast.FunctionDef | ast.AsyncFunctionDef

ROOT = Path(__file__).resolve().parents[1]
COMMAND = "python -m tools.rules"
VERSIONS = ("J16", "J201", "J21")
ALL_VERSIONS = "J*"
PREFIXES = (*VERSIONS, "L")
SHOWN_TESTS = 3
CITATION = re.compile(r"(?<![\w-])(J16|J201|J21|J\*|L)-(\d{3,4})(?!\w)")

INTRODUCTION = """\
# Wire rules

<!-- Written by `{command}` from `tests/conformance/rules.toml` and the tests; change those, not this. -->

The wire rules say what an OCPP-J endpoint does below the business logic. A number is a topic: `J16-411`, `J201-411` and `J21-411` are
one question answered for OCPP 1.6, 2.0.1 and 2.1; `L-` marks a decision of this library where the standard is silent or contradicts itself.
Of {rules} rules, {tested} are each cited by a test (paths are below `tests/`), and {left} are left, for one of these reasons:
"""


class Wrong(Exception):
    """What is wrong with the list of rules, in a sentence."""


class Topic(NamedTuple):
    """Rules that share a number, a title and a fate."""

    number: int
    ids: tuple[str, ...]
    title: str
    left: str | None  # why no test cites them


class Rules(NamedTuple):
    """The list of rules, as rules.toml has it."""

    chapters: Mapping[int, str]  # the number of a topic divided by 100 -> title
    reasons: Mapping[str, str]  # what `left` begins with -> what it means
    topics: list[Topic]

    @property
    def ids(self) -> set[str]:
        return {id for topic in self.topics for id in topic.ids}


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Write the table, or compare with what is there; return 1 if there is anything to complain of."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Write the table of wire rules and tests.")
    parser.add_argument("--check", action="store_true", help="write nothing, compare only")
    check = parser.parse_args(arguments).check
    try:
        rules = read_rules((root / "tests/conformance/rules.toml").read_text(encoding="utf-8"))
    except (Wrong, tomllib.TOMLDecodeError) as wrong:
        print(f"rules.py: rules.toml: {wrong}", file=sys.stderr)
        return 1
    tests = read_tests(root / "tests", rules.ids)
    found = list(problems(rules, tests))
    text, table = render(rules, tests), root / "docs/reference/wire-rules.md"
    if not check:
        table.parent.mkdir(parents=True, exist_ok=True)
        table.write_text(text, encoding="utf-8", newline="\n")
    elif not table.exists() or table.read_bytes() != text.encode():
        found.append(f"{table.relative_to(root).as_posix()} is out of date; run `{COMMAND}`")
    sys.stderr.writelines(f"rules.py: {problem}\n" for problem in found)
    return 1 if found else 0


def read_rules(text: str) -> Rules:
    """The list of rules; raises `Wrong` where it does not add up."""
    document = tomllib.loads(text)
    chapters = {int(number): title for number, title in document["chapters"].items()}
    rules = Rules(chapters, document["reasons"], [])
    for number, entries in document["rules"].items():
        for entry in entries:
            topic = read_topic(int(number), entry)
            if len(rules.ids.union(topic.ids)) < len(rules.ids) + len(topic.ids):
                raise Wrong(f"a rule of topic {number} is listed twice")
            if topic.number // 100 not in chapters:
                raise Wrong(f"topic {number} belongs to no chapter")
            if topic.left is not None and topic.left.partition(":")[0] not in rules.reasons:
                raise Wrong(f"topic {number} is left for {topic.left!r}, which begins with no known reason")
            rules.topics.append(topic)
    return rules


def read_topic(number: int, entry: Mapping[str, str]) -> Topic:
    """One entry of the list."""
    if not {"of", "title"} <= entry.keys() <= {"of", "title", "left"}:
        raise Wrong(f"an entry of topic {number} has other keys than of, title and perhaps left")
    prefixes = VERSIONS if entry["of"] == ALL_VERSIONS else tuple(entry["of"].split())
    if unknown := set(prefixes).difference(PREFIXES):
        raise Wrong(f"topic {number} is of {min(unknown)!r}, which is none of {', '.join(PREFIXES)}")
    ids = tuple(f"{prefix}-{number}" for prefix in prefixes)
    return Topic(number, ids, entry["title"], entry.get("left"))


def read_tests(folder: Path, known: set[str]) -> Tests:
    """Who cites what in the Python files of a folder."""
    tests: dict[str, set[str]] = {}
    for path in sorted(folder.rglob("*.py")):
        for test, ids in citations(path.read_text(encoding="utf-8"), known):
            for id in ids:
                tests.setdefault(id, set()).add(f"{path.relative_to(folder).as_posix()}::{test}")
    return tests


def citations(source: str, known: set[str]) -> Iterator[tuple[str, set[str]]]:
    """Each test function of a module, with the ids that it cites."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}
    for name, function in test_functions(ast.parse(source)):
        first = min(node.lineno for node in [function, *function.decorator_list])
        texts = [comments.get(line, "") for line in range(first, (function.end_lineno or first) + 1)]
        parts = (part for decorator in function.decorator_list for part in ast.walk(decorator))
        texts += [str(part.value) for part in parts if isinstance(part, ast.Constant)]
        texts.append(ast.get_docstring(function) or "")
        yield name, {id for text in texts for id in cited(text, known)}


def test_functions(parent: ast.Module | ast.ClassDef, within: str = "") -> Iterator[tuple[str, Function]]:
    """The functions that pytest would run, by their names after the file's."""
    for node in parent.body:
        if isinstance(node, ast.ClassDef):
            yield from test_functions(node, f"{within}{node.name}::")
        elif isinstance(node, Function) and node.name.startswith("test"):
            yield within + node.name, node


def cited(text: str, known: set[str]) -> Iterator[str]:
    """The ids in a text, each spelt out; one that no version has stays as it is."""
    for prefix, number in CITATION.findall(text):
        ids = {f"{version}-{number}" for version in VERSIONS} if prefix == ALL_VERSIONS else set[str]()
        yield from ids & known or [f"{prefix}-{number}"]


def problems(rules: Rules, tests: Tests) -> Iterator[str]:
    """What is wrong between rules and tests, a sentence each."""
    for id in sorted(tests.keys() - rules.ids):
        yield f"{id} is no rule, but {min(tests[id])} cites it; correct the id"
    for topic in rules.topics:
        if topic.left is None and (missing := [id for id in topic.ids if id not in tests]):
            yield f"{', '.join(missing)} ({topic.title}): neither cited by a test nor left"
        for id in topic.ids if topic.left else ():
            if id in tests:
                yield f"{id} is cited by {min(tests[id])} and left all the same; remove one of both"


def render(rules: Rules, tests: Tests) -> str:
    """The text of the table."""
    left = sum(len(topic.ids) for topic in rules.topics if topic.left is not None)
    tested = sum(id in tests for topic in rules.topics if topic.left is None for id in topic.ids)
    lines = [INTRODUCTION.format(command=COMMAND, rules=len(rules.ids), tested=tested, left=left)]
    lines += [f"* **{reason}**: {meaning}" for reason, meaning in rules.reasons.items()]
    for chapter, title in rules.chapters.items():
        lines += ["", f"## {chapter} {title}", "", "| rules | about | tests, or why left |", "|---|---|---|"]
        for topic in rules.topics:
            if topic.number // 100 == chapter:
                lines += rows(topic, tests)
    return "\n".join(lines) + "\n"


def rows(topic: Topic, tests: Tests) -> Iterator[str]:
    """The rows of a topic: rules with the same fate share one."""
    fates: dict[str, list[str]] = {}
    for id in topic.ids:
        fates.setdefault(topic.left or shown(tests.get(id, ())), []).append(id)
    for fate, ids in fates.items():
        yield f"| {', '.join(ids)} | {topic.title} | {fate} |"


def shown(tests: Iterable[str]) -> str:
    """A few tests, and how many more there are."""
    names = [f"`{test}`" for test in sorted(tests)]
    names[SHOWN_TESTS:] = [f"and {len(names) - SHOWN_TESTS} more"] if names[SHOWN_TESTS:] else []
    return ", ".join(names) or "none yet"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
