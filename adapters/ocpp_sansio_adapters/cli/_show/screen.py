"""Two ways to show a table that changes: redrawn in place on a terminal, or a line each second anywhere else."""

import os
import shutil
import sys
from collections.abc import Mapping
from typing import Protocol, TextIO

from .._paint import Paint
from .table import Line, Style, Table

__all__ = ["Display", "PlainLines", "Screen", "display_for"]


class Display(Protocol):
    """Shows a table; `interval` is how many seconds to wait before showing it again."""

    interval: float

    def show(self, table: Table, elapsed: float) -> None: ...


class PlainLines:
    """For pipes, files and dumb terminals."""

    interval = 1.0

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, table: Table, elapsed: float) -> None:
        print(f"{elapsed:6.1f} s  {table.totals()}", file=self._out, flush=True)


class Screen:
    """Redraws in place.

    Between two drawings the cursor rests, visible, at the start of the line below the table: however the
    process ends, there is nothing to restore.
    """

    interval = 0.1

    def __init__(self, out: TextIO, paint: Paint) -> None:
        self._out = out
        self._paint = paint
        self._drawn: list[int] = []  # the length of each line on the screen

    def show(self, table: Table, elapsed: float) -> None:
        # One column and one line stay free: a full last column wraps on some terminals, and the cursor needs its line.
        columns, lines = (number - 1 for number in shutil.get_terminal_size())
        totals = Line(f"{elapsed:.1f} s, {table.totals()}")
        shown = [*table.lines(lines - 1), totals][:lines]
        texts = [line.text[:columns] for line in shown]
        painted = [
            self._paint(COLOURS[line.style], text) if line.style in COLOURS else text
            for text, line in zip(texts, shown, strict=True)
        ]
        self._out.write(
            self._back_to_top(columns + 1) + "".join(f"{line}\x1b[K\n" for line in painted) + "\x1b[J"
        )
        self._out.flush()
        self._drawn = [len(text) for text in texts]

    def _back_to_top(self, columns: int) -> str:
        # A terminal that was made narrower has wrapped what stood there.
        height = sum(max(1, -(-length // columns)) for length in self._drawn)
        return f"\r\x1b[{height}A" if height else ""


#: In which colour a line is shown.
COLOURS: Mapping[Style, str] = {
    Style.HEADING: "bold",
    Style.BUSY: "green",
    Style.DONE: "dim",
    Style.WRONG: "red",
}


def display_for(out: TextIO, environment: Mapping[str, str] = os.environ) -> Display:
    """What suits this stream."""
    if not out.isatty() or environment.get("TERM") == "dumb" or not _understands_ansi():
        return PlainLines(out)
    return Screen(out, Paint(out, environment))


if sys.platform == "win32":
    import ctypes
    import msvcrt

    def _understands_ansi() -> bool:
        """Switch escape sequences on, which an older Windows console leaves off."""
        kernel = ctypes.windll.kernel32
        mode = ctypes.c_ulong()
        try:
            console = msvcrt.get_osfhandle(sys.stdout.fileno())
        except OSError:
            return False
        enable = 0x0004  # ENABLE_VIRTUAL_TERMINAL_PROCESSING
        return bool(
            kernel.GetConsoleMode(console, ctypes.byref(mode))
            and kernel.SetConsoleMode(console, mode.value | enable)
        )

else:

    def _understands_ansi() -> bool:
        """All terminals do that are not dumb."""
        return True
