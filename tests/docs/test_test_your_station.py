"""docs/test-your-station.md: its programs and tests run, and say what the page promises."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sybil import Document
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer

from ocpp_sansio_adapters.testing import Expectation, Lane, Pair, ScriptedCSMS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "test-your-station.md"
TEXT = PAGE.read_text(encoding="utf-8")

#: Whose test fails, as the page says.
FAILING = "test_forgotten.py"


def blocks() -> list[tuple[str, str]]:
    """Language and text of each fenced block, in order."""
    found = FencedCodeBlockLexer(r"\w+")(Document(TEXT, str(PAGE)))
    return [(region.lexemes["language"], str(region.lexemes["source"])) for region in found]


def files() -> dict[str, tuple[str, str]]:
    """By the name in its first line, the text of each program, and the output that the block after it
    promises.
    """
    found = blocks()
    named = {}
    for (language, source), following in zip(found, [*found[1:], ("", "")], strict=True):
        if language == "python":
            name = source.splitlines()[0].removeprefix("# ")
            named[name] = source, following[1] if following[0] == "output" else ""
    return named


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    """The exit code of Python and what it prints, in a folder with all files of the page."""
    for name, (source, _) in files().items():
        (folder / name).write_text(source, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest says of the tests of the page; message ids are stars."""
    plugins = [
        "-p",
        "ocpp_sansio_adapters.pytest_plugin",
        "-p",
        "anyio.pytest_plugin",
        "-p",
        "no:cacheprovider",
    ]
    _, printed = run(tmp_path_factory.mktemp("page"), "-m", "pytest", *plugins)
    return re.sub(r'"[0-9a-f]{24}-\d+"', '"*"', printed)


def test_the_tests_of_the_page_pass_but_for_the_one_that_fails(printed: str) -> None:
    assert re.search(r"\b8 passed, 1 error in ", printed), printed
    assert f"ERROR {FAILING}::" in printed


def test_the_one_that_fails_says_what_the_page_promises(printed: str) -> None:
    assert files()[FAILING][1] in printed


def test_a_program_prints_what_the_page_promises(tmp_path: Path) -> None:
    [(name, promised)] = [
        (name, output) for name, (_, output) in files().items() if output and not name.startswith("test_")
    ]
    assert run(tmp_path, name) == (0, promised)


def test_every_verb_of_the_tables_is_there() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"\.(\w+)\b(?! ?=)", row.split(" | ")[0])}
    known = {*dir(ScriptedCSMS), *dir(Expectation), *dir(Lane), *dir(Pair)}
    others = {"inf", "StatusNotification", "Heartbeat", "Authorize", "Reset", "Connection"}
    assert {"expect", "allow", "delay", "wait", "played", "say_text"} <= named
    assert named - known - others <= {"requests", "request", "trace", "to_csms", "to_station"}


def test_the_page_knows_all_that_a_script_can_say() -> None:
    for cls in (Expectation, Lane, ScriptedCSMS):
        verbs = [name for name, found in vars(cls).items() if name[0] != "_" and callable(found)]
        assert [name for name in verbs if name not in TEXT] == []


def test_every_link_within_the_repository_leads_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", TEXT):
        assert (PAGE.parent / target).exists(), target
