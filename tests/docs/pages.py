"""Runs the pages of the documentation: each block of a page does what the page says.

| block | what becomes of it |
|---|---|
| `python` | runs, after those before it and in their scope, in a folder of the page's own |
| `python`, first line `# name.py` | is that file: imported, or run if an `output` follows |
| `python`, first line `# test_name.py` | is that file, and pytest runs it; it fails if an `output` follows |
| `python excerpt=path` | stands so in that file of the repository, whose own tests run it |
| `output` | is exactly what the block before it prints, or is among what pytest says of it |
| `console` | its commands print what stands below them; those in `NOT_RUN` are not run |
| `json`, `jsonl`, `toml` | can be read |
| `text`, `log`, `diff` | nothing; a page's own test may look at them |
| `{directive}` | nothing: it is Sphinx's |

`file=name` after the language, for any of them, makes a file of the block first. No reader sees such words.
"""

import contextlib
import difflib
import importlib
import io
import json
import logging
import os
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import attrs
import pytest
from markdown_it import MarkdownIt

from ocpp_sansio_adapters.cli.main import main as ocpp_sansio

ROOT = Path(__file__).parents[2]

#: Each block of these pages is a program, which a new user copies and runs.
PROGRAMS = {"README.md"}

#: How commands begin that are not run, and why.
NOT_RUN = {
    "pip install": "needs a package index",
    "python3 run.py": "prepares an environment and runs these very tests",
    "ocpp-sansio csms": "serves until it is stopped; tests/adapters/test_cli_csms_shell.py runs it",
    "ocpp-sansio station": "stays connected until it is stopped; tests/adapters/test_cli_station_life.py runs it",
    "ocpp-sansio demo": "opens sockets and takes its time; tests/adapters/test_demo.py runs it",
}

#: The plugins that tests of a page have, and no others that happen to be installed.
PLUGINS = ("ocpp_sansio_adapters.pytest_plugin", "anyio.pytest_plugin", "no:cacheprovider")


@attrs.frozen
class Block:
    """A fenced block of a page."""

    page: Path
    line: int  # of its first line of text
    language: str
    words: dict[str, str]  # after the language: file=..., excerpt=...
    text: str
    promised: str | None  # the output that follows

    @property
    def place(self) -> str:
        """Where the block is, as editors and terminals understand it."""
        page = self.page.relative_to(ROOT) if self.page.is_relative_to(ROOT) else self.page
        return f"{page.as_posix()}:{self.line}"

    @property
    def file(self) -> str | None:
        """The name of the file that the block is."""
        if self.language == "python":
            named = re.match(r"# (\w+\.py)\n", self.text)
            return named[1] if named else None
        return self.words.get("file")

    @property
    def is_test(self) -> bool:
        """Whether pytest runs it."""
        return self.file is not None and self.language == "python" and self.file.startswith("test_")


def pages() -> list[Path]:
    """Every page there is."""
    below = (ROOT / "docs").rglob("*.md")
    return [ROOT / "README.md", *sorted(page for page in below if not page.parent.name.startswith("_"))]


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    tokens = MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8"))
    found: list[Block] = []
    for token in reversed([token for token in tokens if token.type == "fence"]):
        assert token.map is not None
        language, *words = token.info.split() or [""]
        pairs = {} if language.startswith("{") else dict(word.split("=", 1) for word in words)
        promised = found[-1].text if found and found[-1].language == "output" else None
        found.append(Block(page, token.map[0] + 2, language, pairs, token.content, promised))
    return found[::-1]


def texts(page: Path, language: str) -> list[str]:
    """The texts of the blocks in a language, in order."""
    return [block.text for block in blocks(page) if block.language == language]


def files(page: Path) -> dict[str, str]:
    """The files that blocks of a page are, by their names."""
    return {block.file: block.text for block in blocks(page) if block.file}


def fail(block: Block, sentence: str) -> None:
    raise AssertionError(f"{block.place}: {sentence}")


def run(page: Path, folder: Path) -> None:
    """Do with each block what the table above says; raises what a block raises, with its place."""
    found = blocks(page)
    if found and found[0].language == "output":
        fail(found[0], "nothing is before it that would print this")
    for name, text in files(page).items():
        (folder / name).write_text(text, encoding="utf-8")
    with _stage(folder) as out:
        player = _Player(page, folder, out)
        for block in found:
            try:
                player.play(block)
            except Exception as error:
                error.add_note(f"in the block at {block.place}")
                raise
    for block in found:
        if block.is_test:
            _run_test(block, folder)


@contextlib.contextmanager
def _stage(folder: Path) -> Iterator[io.TextIOWrapper]:
    """A folder to be in, with imports, output and logging of its own; afterwards all is as it was."""
    root = logging.getLogger()
    before = {logger: (logger.level, logger.handlers[:], logger.propagate) for logger in _loggers()}
    modules = sys.modules.copy()
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(folder), contextlib.redirect_stdout(out):
        patch.syspath_prepend(folder)
        patch.setenv("COLUMNS", "80")
        patch.setenv("NO_COLOR", "1")
        root.handlers = []  # those of pytest, which would make nothing of `logging.basicConfig`
        try:
            yield out
        finally:
            for logger in _loggers():  # a new one is made as it would have been
                level, logger.handlers, logger.propagate = before.get(logger, (logging.NOTSET, [], True))
                logger.setLevel(level)
            for name, module in list(sys.modules.items()):
                if name not in modules and str(getattr(module, "__file__", None)).startswith(str(folder)):
                    del sys.modules[name]
            sys.modules["__main__"] = modules["__main__"]


def _loggers() -> list[logging.Logger]:
    root = logging.getLogger()
    known = root.manager.loggerDict.values()
    return [root, *(logger for logger in known if isinstance(logger, logging.Logger))]


class _Player:
    """Runs the blocks of one page, one after the other."""

    def __init__(self, page: Path, folder: Path, out: io.TextIOWrapper) -> None:
        self.page = page
        self.folder = folder
        self.out = out
        self.main = ModuleType("__main__")

    def play(self, block: Block) -> None:
        """Run a block, as its language demands."""
        if block.language.startswith("{"):
            return
        if block.language not in LANGUAGES:
            fail(block, f"the language {block.language!r} is none that tests/docs/pages.py knows")
        excerpt = block.words.get("excerpt")
        if block.promised is not None and (block.language != "python" or excerpt):
            fail(block, "prints nothing, and an output follows")
        if excerpt:
            if block.text not in (ROOT / excerpt).read_text(encoding="utf-8"):
                fail(block, f"does not stand so in {excerpt}")
            return
        LANGUAGES[block.language](self, block)

    def printed(self) -> str:
        """What has been printed since this was last asked."""
        self.out.flush()
        buffer = self.out.buffer
        assert isinstance(buffer, io.BytesIO)
        text = buffer.getvalue().decode()
        buffer.seek(0)
        buffer.truncate()
        return text

    def python(self, block: Block) -> None:
        """Run it, and compare what it prints."""
        if block.is_test:
            return  # once all files are there
        if block.file and block.promised is None:
            importlib.import_module(block.file.removesuffix(".py"))
        elif block.file:
            runpy.run_path(str(self.folder / block.file), run_name="__main__")
        else:
            if self.page.name in PROGRAMS:
                self.main = ModuleType("__main__")
            sys.modules["__main__"] = self.main
            # Lines before it, so that a traceback has those of the page.
            code = compile("\n" * (block.line - 1) + block.text, str(block.page), "exec")
            exec(code, self.main.__dict__)
        compare(block, self.printed(), block.promised or "")

    def console(self, block: Block) -> None:
        """Run its commands, and compare what they print."""
        for part in f"\n{block.text}".split("\n$ ")[1:]:
            command, _, shown = re.sub(r" \\\n\s*", " ", part).partition("\n")
            if any(command.startswith(beginning) for beginning in NOT_RUN):
                continue
            line, _, tail = command.partition(" | tail -")
            words = shlex.split(line, comments=True)
            if words[0] == "ocpp-sansio":
                with contextlib.suppress(SystemExit):  # --help
                    ocpp_sansio(words[1:])
            elif words[0] in ("python", "python3") and len(words) == 2:
                [path] = [path for path in (self.folder / words[1], ROOT / words[1]) if path.exists()]
                self.out.write(_program(path))
            else:
                fail(block, f"{command!r} can be neither run nor found in NOT_RUN of tests/docs/pages.py")
            lines = self.printed().rstrip("\n").split("\n")
            compare(block, "\n".join(lines[-int(tail) :] if tail else lines), shown.rstrip("\n"))

    def output(self, block: Block) -> None:
        """Has been compared by now."""

    def json(self, block: Block) -> None:
        """Read it."""
        json.loads(block.text)

    def jsonl(self, block: Block) -> None:
        """Read each line."""
        for line in block.text.splitlines():
            json.loads(line)

    def toml(self, block: Block) -> None:
        """Read it."""
        tomllib.loads(block.text)

    def nothing(self, block: Block) -> None:
        """It is to be looked at."""


LANGUAGES: dict[str, Callable[[_Player, Block], None]] = {
    "python": _Player.python,
    "console": _Player.console,
    "output": _Player.output,
    "json": _Player.json,
    "jsonl": _Player.jsonl,
    "toml": _Player.toml,
    "text": _Player.nothing,
    "log": _Player.nothing,
    "diff": _Player.nothing,
}


def compare(block: Block, printed: str, promised: str) -> None:
    """Fail with the lines that differ."""
    if printed != promised:
        lines = promised.splitlines(), printed.splitlines()
        differing = difflib.unified_diff(*lines, "the page says", "it prints", lineterm="")
        fail(block, "prints something else\n" + "\n".join(differing))


def _program(path: Path) -> str:
    """What a program prints that runs to its end without a warning."""
    done = subprocess.run(
        [sys.executable, "-W", "error", path], capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode or done.stderr:
        raise AssertionError(f"{path.name} has ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def _run_test(block: Block, folder: Path) -> None:
    """Let pytest run a file of a page: it passes, but if an output follows, it says that and fails."""
    status, said = _pytest(folder, block.file or "")
    if block.promised is None and status:
        fail(block, f"pytest says\n{said}")
    if block.promised is not None and not (status == 1 and block.promised in said):
        fail(block, f"is to fail with the output that follows, and pytest says\n{said}")


def _pytest(folder: Path, file: str) -> tuple[int, str]:
    """The exit status of pytest on a file of a folder, and what it says; message ids are stars."""
    plugins = [word for plugin in PLUGINS for word in ("-p", plugin)]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", *plugins, file],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    return done.returncode, re.sub(r'"[0-9a-f]{24}-\d+"', '"*"', done.stdout + done.stderr)
