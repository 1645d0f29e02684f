"""tests/docs/pages.py: a page that says what is not so fails, and says where."""

import logging
import sys
from pathlib import Path

import pytest

from tests.docs.pages import blocks, files, run

LOGS = """\
import logging, sys

logging.basicConfig(stream=sys.stdout, format="%(message)s")
logging.warning("so")
"""


def page_of(folder: Path, *parts: str) -> Path:
    """A page of blocks: language and text, in turns."""
    page = folder / "page.md"
    fenced = [f"```{language}\n{text}\n```\n" for language, text in zip(parts[::2], parts[1::2], strict=True)]
    page.write_text("# A page\n\n" + "\n".join(fenced), encoding="utf-8")
    return page


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """The folder that the blocks of a page run in."""
    folder = tmp_path / "scene"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    "parts",
    [
        ("python", "x = 1", "python", "print(x)", "output", "1"),
        ("python", "# helper.py\nx = 1", "python", "from helper import x\nprint(x)", "output", "1"),
        ("python", "# main.py\nif __name__ == '__main__':\n    print(2)", "output", "2"),
        ("python", "# test_it.py\ndef test_it():\n    pass"),
        ("python", "# test_it.py\ndef test_it():\n    assert [1] == [2]", "output", "assert [1] == [2]"),
        ("python", LOGS, "output", "so"),
        ("console", "$ pip install nothing\nwhatever\n$ ocpp-sansio schema Nothing --version 1.6"),
        ("json", '{"a": 1}', "jsonl", "[1]\n[2]", "toml", "a = 1", "text", "a", "diff", "-a", "log", "a"),
        ("{toctree}", "nowhere", "python excerpt=run.py", "import contextlib"),
    ],
    ids=["scope", "file", "program", "test", "failing test", "logging", "commands", "data", "not ours"],
)  # fmt: skip
def test_a_page_that_tells_the_truth_passes(parts: tuple[str, ...], tmp_path: Path, scene: Path) -> None:
    run(page_of(tmp_path, *parts), scene)


@pytest.mark.parametrize(
    ("parts", "line", "sentence"),
    [
        (("python", "print(1)", "output", "2"), 4, "prints something else"),
        (("python", "print(1)"), 4, "prints something else"),
        (("text", "a", "python", "x = 1", "output", "1"), 8, "prints something else"),
        (("output", "1"), 4, "nothing is before it"),
        (("json", "{}", "output", "1"), 4, "an output follows"),
        (("python excerpt=run.py", "import contextlib", "output", "1"), 4, "an output follows"),
        (("python excerpt=run.py", "import turtle"), 4, "does not stand so in run.py"),
        (("cobol", "MOVE A TO B"), 4, "'cobol'"),
        (("", "plain"), 4, "the language ''"),
        (("console", "$ rm -r /nowhere"), 4, "can be neither run"),
        (("console", "$ ocpp-sansio schema Authorize --version 1.6\nAuthorise"), 4, "prints something else"),
        (("python", "# test_it.py\ndef test_it():\n    assert 0"), 4, "pytest says"),
        (("python", "# test_it.py\ndef test_it():\n    pass", "output", "1"), 4, "is to fail"),
    ],
)
def test_a_page_that_does_not_fails_and_says_where(
    parts: tuple[str, ...], line: int, sentence: str, tmp_path: Path, scene: Path
) -> None:
    page = page_of(tmp_path, *parts)
    with pytest.raises(AssertionError) as caught:
        run(page, scene)
    assert str(caught.value).startswith(f"{page.as_posix()}:{line}: ")
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        (("python", "1 / 0"), ZeroDivisionError),
        (("python", "import warnings\nwarnings.warn('x', UserWarning)"), UserWarning),
        (("python", "# mistake.py\nundefined"), NameError),
        (("json", "{"), ValueError),
        (("toml", "="), ValueError),
    ],
    ids=["error", "warning", "file", "json", "toml"],
)
def test_what_a_block_raises_comes_out_with_its_place(
    parts: tuple[str, ...], error: type[Exception], tmp_path: Path, scene: Path
) -> None:
    page = page_of(tmp_path, *parts)
    with pytest.raises(error) as caught:
        run(page, scene)
    assert caught.value.__notes__ == [f"in the block at {page.as_posix()}:4"]


def test_a_traceback_has_the_lines_of_the_page(tmp_path: Path, scene: Path) -> None:
    page = page_of(tmp_path, "python", "x = 1", "python", "x = 2\n1 / 0")
    with pytest.raises(ZeroDivisionError) as caught:
        run(page, scene)
    last = caught.traceback[-1]
    assert (str(last.path), last.lineno + 1) == (str(page), 9)


def test_a_page_leaves_nothing_behind(tmp_path: Path, scene: Path) -> None:
    before = dict(sys.modules), list(sys.path), Path.cwd(), logging.getLogger("ocpp_sansio").level
    page = page_of(
        tmp_path,
        "python",
        "# helper_of_a_page.py\nx = 1",
        "python",
        "import logging\nimport helper_of_a_page\nlogging.getLogger('ocpp_sansio').setLevel(1)",
    )
    run(page, scene)
    assert "helper_of_a_page" not in sys.modules
    assert sys.modules["__main__"] is before[0]["__main__"]
    assert (sys.path, Path.cwd(), logging.getLogger("ocpp_sansio").level) == before[1:]


def test_the_files_of_a_page_have_their_names_from_the_first_line_or_the_fence(tmp_path: Path) -> None:
    page = page_of(tmp_path, "python", "# a.py\nx = 1", "log file=b.log", "line", "python", "# no file")
    assert files(page) == {"a.py": "# a.py\nx = 1\n", "b.log": "line\n"}
    assert [(block.line, block.language) for block in blocks(page)] == [
        (4, "python"),
        (9, "log"),
        (13, "python"),
    ]
