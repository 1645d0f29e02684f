"""The inputs that a search has found worth keeping: one committed file for each target, and how it stays small.

A line is an input as a Python literal, so that a reader sees it and a diff shows it.
"""

import ast
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import ocpp_sansio

__all__ = ["FOLDER", "in_folder", "inputs", "keep", "ways", "worth_keeping"]

FOLDER = Path(__file__).parent / "corpus"

PACKAGE = str(Path(ocpp_sansio.__file__).parent)
#: What decoders and encoders that were compiled from source of their own have for a file.
COMPILED = ("<decode ", "<encode ")

#: A step from one instruction to the next: the code, where it was, where it is. Of what was compiled from source
#: of its own, that it ran is enough: tests/properties/test_verdicts.py goes through it.
Way = tuple[CodeType, int, int]
Target = Callable[[bytes], None]


def inputs(target: str) -> list[bytes]:
    """The committed inputs of a target."""
    path = FOLDER / f"{target}.txt"
    lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    return [ast.literal_eval(line) for line in lines]


def keep(target: str, found: Iterable[bytes]) -> None:
    """Commit these inputs in the place of those that were, the shortest first."""
    lines = [f"{data!r}\n" for data in sorted(set(found), key=lambda data: (len(data), data))]
    (FOLDER / f"{target}.txt").write_text("".join(lines), encoding="ascii", newline="\n")


def worth_keeping(run: Target, found: Iterable[bytes]) -> list[bytes]:
    """The shortest inputs that, together, go every way through the package that all of them go."""
    run(b"")  # what is compiled or made once is not what an input does
    went: set[Way] = set()
    kept: list[tuple[bytes, set[Way]]] = []
    for data in sorted(set(found), key=lambda data: (len(data), data)):
        there = ways(run, data)
        if not there <= went:
            went |= there
            kept.append((data, there))
    # Again from the longest: what a later one goes, too, needs nobody of its own.
    needed: list[bytes] = []
    covered: set[Way] = set()
    for data, there in reversed(kept):
        if not there <= covered:
            covered |= there
            needed.append(data)
    return needed


def ways(run: Target, data: bytes) -> set[Way]:
    """Every step through the package that the target takes with this input."""
    went: set[Way] = set()

    def entered(frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        if code.co_filename.startswith(COMPILED):
            went.add((code, 0, 0))
        if not code.co_filename.startswith(PACKAGE):
            return None
        frame.f_trace_lines, frame.f_trace_opcodes = False, True  # a line may hold many branches
        before = -1

        def stepped(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal before
            went.add((code, before, frame.f_lasti))
            before = frame.f_lasti
            return stepped

        return stepped

    earlier = sys.gettrace()
    sys.settrace(entered)
    try:
        run(data)
    finally:
        sys.settrace(earlier)
    return went


def in_folder(folder: Path) -> Iterator[bytes]:
    """The inputs in a folder, a file each."""
    if folder.is_dir():
        yield from (path.read_bytes() for path in sorted(folder.iterdir()))
