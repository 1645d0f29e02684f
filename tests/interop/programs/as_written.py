"""The programs of the documentation of mobilityhouse's `ocpp`, and how a test runs one.

They stand here in our words, one folder a version. Where the pages themselves lie beside this repository,
those are run, too.
"""

import ast
import json
import re
import textwrap
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.interop.process import Program, running

__all__ = ["SEEDS", "Seed", "our_wording", "page", "shape", "started", "unchanged", "with_our_imports"]

HERE = Path(__file__).parent
PAGES = HERE.parents[2].parent / "shared" / "seeds"


@attrs.frozen
class Seed:
    """One program: its file here, and where it stands in the pages, if it does.

    `heading` is a line that only its page has, `has` a text that each of its blocks of code has and no block
    of another program on that page.
    """

    file: str
    heading: str = ""
    has: str = ""


CLIENT = "Client side usage"
SERVER = "Server side usage"
TUTORIAL = "Implementing a Charge Point"
README = "Quick start"
OLDER = "- Central System"

SEEDS = {
    seed.file: seed
    for seed in (
        Seed("v16/client_side_usage", CLIENT, "def "),
        Seed("v201/client_side_usage"),
        Seed("v16/server_side_usage", SERVER, "def "),
        Seed("v201/server_side_usage"),
        Seed("v16/implementing_a_charge_point", TUTORIAL, "def "),
        Seed("v201/implementing_a_charge_point", TUTORIAL, "def "),
        Seed("v16/central_system", OLDER, "def "),
        Seed("v201/readme_central_system", README, "websockets.serve("),
        Seed("v201/readme_charge_point", README, "websockets.connect("),
    )
}


def our_wording(file: str) -> str:
    """The program in our words."""
    return (HERE / f"{file}.py").read_text("utf-8")


def page(file: str) -> str:
    """The program that the page builds up in its blocks of code, and at the end what starts it."""
    seed = SEEDS[file]
    code = "\n".join(block for block in _blocks(text_of(seed), file) if seed.has in block)
    start = re.findall(r"(?m)^if __name__ == .*\n(?:[ \t]+.*\n?)+", code)[0]
    return str(code.replace(start, "") + start)


def text_of(seed: Seed) -> str:
    """The page that the program is from."""
    if not PAGES.is_dir():
        pytest.skip("the pages are not beside this repository")
    texts = (path.read_text("utf-8") for path in sorted(PAGES.glob("*.txt")))
    return next(text for text in texts if f"\n{seed.heading}\n" in f"\n{text}")


def _blocks(text: str, file: str) -> Iterator[str]:
    if "\n- import " in text:
        yield from _flat_blocks([line.removeprefix("- ") for line in text.splitlines()])
        return
    [other] = {"v16", "v201"} - {file.partition("/")[0]}
    rest = re.sub(rf"(?m)^\.\. tab:: {other}\n(?:[ \t].*\n|\n)+", "", text)
    for _, block in re.findall(r"(?m)^( *)\.\. code-block:: python\n((?:\1 +\S.*\n|[ \t]*\n)+)", rest):
        yield re.sub(r"(?m)^:caption:.*", "", textwrap.dedent(block)).strip("\n") + "\n"


def _flat_blocks(lines: list[str]) -> Iterator[str]:
    """The blocks of a page that has lost its indentation, and with it the ends of its blocks."""
    starts = [number for number, line in enumerate(lines) if line == ".. code-block:: python"]
    for start in starts:
        candidates = (lines[start + 1 : end] for end in range(len(lines), start + 1, -1))
        yield next(code for block in candidates if _parses(code := "\n".join(_indented(block)))) + "\n"


def _parses(code: str) -> bool:
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True


def _indented(lines: list[str]) -> Iterator[str]:
    depth = 0
    for line in lines:
        if re.match(r"(import|from|class|if __name__) |async def (?!.*\(self\b)", line):
            depth = 0
        elif re.match(r"@|async def ", line):
            depth = 1
        yield "    " * depth + line
        depth += line.endswith(":")


def unchanged(program: str) -> str:
    """The program as it runs on `ocpp`."""
    return program


def with_our_imports(program: str) -> str:
    """The program with nothing but its imports changed."""
    ours = re.sub(
        r"(?m)^from ocpp\.(v\w+) import ChargePoint",
        r"from ocpp_sansio_adapters.\1 import ChargePoint",
        program,
    )
    ours = re.sub(r"(?m)^from ocpp\.", "from ocpp_sansio.", ours)
    if "(websocket, path)" in ours:  # only that server calls its handler with two arguments
        ours = ours.replace("\nimport websockets\n", "\nimport websockets.legacy.server as websockets\n")
    return ours


#: The log shows even if the program does not ask for it; in the second form, as the README says.
AT_INFO = "import logging, runpy, sys; logging.basicConfig(level='INFO'); "
OF_OCPP_ONLY = (
    "import logging, runpy, sys; logging.getLogger('ocpp').setLevel(level=logging.DEBUG); "
    "logging.getLogger('ocpp').addHandler(logging.StreamHandler()); "
)


def _saved(folder: Path, program: str) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / "program.py"
    file.write_text(program, "utf-8")
    return file


@asynccontextmanager
async def started(folder: Path, program: str, port: int, *, logged: str = AT_INFO) -> AsyncIterator[Program]:
    """Run the program on this port."""
    file = _saved(folder, re.sub(r"\b(9000|8765)\b", str(port), program))
    async with running("-c", f"{logged}runpy.run_path(sys.argv[1], run_name='__main__')", file) as process:
        yield process


def shape(line: str) -> tuple[Any, ...]:
    """What a logged frame says without what differs from run to run: prefix, type, action, payload."""
    prefix, frame = line.rstrip("`").split("[", 1)
    kind, _, *rest = json.loads(f"[{frame}")
    for member in ("currentTime", "interval"):
        if member in rest[-1]:
            rest[-1][member] = "..."
    return (prefix, kind, *rest)
