"""Draws the README's picture: runs the demo in a terminal of its own, and writes what that shows, as it changes.

`python tools/picture.py` writes docs/pictures/demo.svg. Each run differs in its times, so nobody compares it;
draw it again when the demo looks different. Needs a system with pseudo-terminals.
"""

import fcntl
import os
import pty
import re
import struct
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "pictures" / "demo.svg"
COMMAND = (
    "python3 run.py demo",
    [sys.executable, "-m", "ocpp_sansio_adapters.cli", "demo", "--seconds", "6"],
)

COLUMNS, ROWS = 82, 40
#: Seconds between two frames of the picture, and how long it shows the last one.
STEP, REST = 0.4, 4.0

#: Sizes in the picture's own units.
ADVANCE, LEADING, MARGIN, SIZE = 8.4, 19, 16, 14

STYLE = """
text { font: SIZEpx ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #24292f; white-space: pre }
.back { fill: #f6f8fa; stroke: #d0d7de }
.bold { font-weight: bold } .dim { fill: #6e7781 } .green { fill: #116329 } .red { fill: #b42318 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .back { fill: #161b22; stroke: #30363d }
  .dim { fill: #8b949e } .green { fill: #56d364 } .red { fill: #ff7b72 }
}
.frame { visibility: hidden; animation: TOTALs step-end infinite }
@media (prefers-reduced-motion: reduce) { .frame { animation: none } .frame:last-of-type { visibility: visible } }
""".strip()

CLASSES = {"1": "bold", "2": "dim", "31": "red", "32": "green"}


class Shot(NamedTuple):
    """What a terminal shows at an instant, in seconds from the beginning. Lines keep their colours."""

    time: float
    lines: tuple[str, ...]


def main() -> None:
    """Draw the picture."""
    shots = list(thinned(watched(COMMAND[1])))
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(drawn(shots), encoding="utf-8")
    print(f"{PICTURE.relative_to(ROOT)}: {len(shots)} frames, {PICTURE.stat().st_size / 1024:.0f} kB")


# The terminal.


def watched(command: list[str]) -> Iterator[Shot]:
    """What the command shows, whenever that changes."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm"
        os.environ.pop("NO_COLOR", None)
        os.execv(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    began = time.monotonic()
    screen = Screen()
    rest = ""
    while chunk := _read(terminal):
        rest += chunk.decode()
        whole, newline, rest = rest.rpartition("\n")
        screen.write(whole + newline)
        yield Shot(time.monotonic() - began, tuple(screen.lines))
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        sys.exit("the demo failed: " + "\n".join(screen.lines))


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the other end is closed
        return b""


class Screen:
    """As much of a terminal as the demo uses: lines, and the way back up."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._at = 0

    def write(self, text: str) -> None:
        """Show whole lines."""
        for written in text.replace("\r", "").split("\n")[:-1]:
            line = written
            while (move := re.match(r"\x1b\[(?:(\d+)A|J)", line)) is not None:
                if move[1] is None:
                    del self.lines[self._at :]
                else:
                    self._at -= int(move[1])
                line = line[move.end() :]
            self.lines[self._at : self._at + 1] = [line.replace("\x1b[K", "")]
            self._at += 1


def thinned(shots: Iterator[Shot]) -> Iterator[Shot]:
    """One shot for each step, and the last."""
    due, shot = 0.0, Shot(0, ())
    for shot in shots:
        if shot.time >= due and len(shot.lines) > 2:
            yield shot
            due = shot.time + STEP
    yield shot


# The picture.


def drawn(shots: Sequence[Shot]) -> str:
    """The shots as one SVG, each shown in its time."""
    began, total = shots[0].time, shots[-1].time - shots[0].time + REST
    width, height = COLUMNS * ADVANCE + 2 * MARGIN, (2 + len(shots[-1].lines)) * LEADING + 2 * MARGIN
    size = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    ends = [shot.time - began for shot in shots[1:]] + [total]
    frames, rules = [], []
    for number, (shot, end) in enumerate(zip(shots, ends, strict=True)):
        first, last = 100 * (shot.time - began) / total, 100 * end / total
        rules.append(
            f"@keyframes f{number} {{ {first:.2f}% {{ visibility: visible }} {last:.2f}% {{ visibility: hidden }} }}"
        )
        body = "\n".join(line(number, text) for number, text in enumerate(shot.lines, 2))
        frames.append(f'<g class="frame" style="animation-name: f{number}">\n{body}\n</g>')
    style = STYLE.replace("SIZE", str(SIZE)).replace("TOTAL", f"{total:.1f}")
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size}>',
            "<title>The demo in a terminal</title>",
            "<desc>A table of five charging stations that boot, charge and finish, and the calls they made.</desc>",
            "<style>",
            style,
            *rules,
            "</style>",
            f'<rect class="back" x="0.5" y="0.5" width="{width - 1:g}" height="{height - 1:g}" rx="8"/>',
            line(0, f"$ {COMMAND[0]}"),
            *frames,
            "</svg>\n",
        ]
    )


def line(number: int, text: str) -> str:
    """A line of the terminal; of several colours, each in its own piece."""
    pieces = []
    for code, plain in re.findall(r"(?:\x1b\[(\d+)m|^)([^\x1b]*)", text):
        name = CLASSES.get(code)
        pieces.append(f'<tspan class="{name}">{escape(plain)}</tspan>' if name else escape(plain))
    return f'<text x="{MARGIN}" y="{MARGIN + (number + 0.8) * LEADING:g}" xml:space="preserve">{"".join(pieces)}</text>'


if __name__ == "__main__":
    main()
