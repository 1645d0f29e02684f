"""The console: a prompt with history and completion on a real terminal, and plain lines anywhere else."""

import io
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from ocpp_sansio_adapters.cli._desk.console import Lines, PlainConsole, above_prompt, console_for
from ocpp_sansio_adapters.sync.websockets import connect

PATIENCE = 20.0  # seconds until a terminal counts as stuck

needs_pty = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no pseudo-terminals, and no readline"
)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


# Plain streams.


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


@pytest.mark.anyio
async def test_commands_are_lines_and_the_last_needs_no_end(pipe: tuple[int, int]) -> None:
    near, far = pipe
    console = PlainConsole(io.StringIO(), near)
    os.write(far, b"one\r\n\ntwo \xff\nlast")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, far)  # nobody writes to the pipe any more
    os.close(nowhere)
    assert [await console.command() for _ in range(5)] == ["one", "", "two \ufffd", "last", None]
    assert await console.command() is None


@pytest.mark.anyio
async def test_waiting_for_a_command_can_be_cancelled(pipe: tuple[int, int]) -> None:
    near, far = pipe
    console = PlainConsole(io.StringIO(), near)
    with anyio.move_on_after(0):
        await console.command()
    os.write(far, b"x\n")  # which lets the thread go


@pytest.mark.anyio
async def test_a_source_that_fails_has_ended() -> None:
    def fail() -> str:
        raise OSError("gone")

    lines = Lines(fail)
    assert await lines.next() is None
    assert await lines.next() is None


def test_output_that_nobody_reads_is_noticed_and_not_raised() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    console = PlainConsole(Gone(), None)
    console.show("x")
    assert console.lost
    console.show("y")


@pytest.mark.anyio
async def test_without_a_stdin_there_are_no_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    out = io.StringIO()
    console = console_for(out, lambda line, word: [])
    console.show("x")
    console.close()
    assert out.getvalue() == "x\n"
    assert await console.command() is None
    assert not console.interactive


def test_what_the_output_has_no_letters_for_is_escaped() -> None:
    octets = io.BytesIO()
    console = console_for(io.TextIOWrapper(octets, encoding="ascii"), lambda line, word: [])
    console.show("Fahrenheitstra\u00dfe")
    assert octets.getvalue().decode() == "Fahrenheitstra\\xdfe" + os.linesep


# What stands above the prompt.


class Screen:
    """Obeys what `above_prompt` writes, with a last column that wraps late, as terminals do."""

    TOKEN = re.compile(r"\x1b\[(\d*)([ACJ])|(\r)|(\n)|(.)")

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.cells: dict[tuple[int, int], str] = {}
        self.row = self.column = 0

    def write(self, text: str) -> None:
        for number, command, back, down, sign in self.TOKEN.findall(text):
            if command == "A":
                self.row -= int(number)
                assert self.row >= 0
            elif command == "C":
                self.column += int(number)
                assert self.column < self.columns
            elif command == "J":
                here = (self.row, self.column)
                self.cells = {place: each for place, each in self.cells.items() if place < here}
            elif back:
                self.column = 0
            elif down:
                self.row, self.column = self.row + 1, 0
            else:
                self.put(sign)

    def put(self, sign: str) -> None:
        wide = 2 if sign == "\u5145" else 1
        if self.column + wide > self.columns:
            self.row, self.column = self.row + 1, 0
        self.cells[self.row, self.column] = sign
        self.column += wide

    def lines(self) -> list[str]:
        rows = range(max(row for row, _ in self.cells) + 1)
        return [
            "".join(self.cells[place] for place in sorted(self.cells) if place[0] == row).rstrip()
            for row in rows
        ]


@pytest.mark.parametrize("columns", [10, 11, 80])
@pytest.mark.parametrize("typed", ["", "abc", "abcdefghijklmnop", "\u5145\u5145abc"])
def test_a_line_that_is_being_typed_stays_and_so_does_its_cursor(columns: int, typed: str) -> None:
    line = f"> {typed}"
    for place in range(2, len(line) + 1):
        screen = Screen(columns)
        screen.write("earlier\r\n")
        cursor = sum(2 if sign == "\u5145" else 1 for sign in line[:place])
        # What readline has written, with the cursor where it is.
        for sign in line:
            screen.put(sign)
        screen.row, screen.column = 1 + cursor // columns, cursor % columns
        for text in ("one", "two"):
            screen.write(above_prompt(text, line, cursor, columns))
        shown = screen.lines()
        assert shown[:3] == ["earlier", "one", "two"]
        assert "".join(shown[3:]) == line.rstrip()
        assert (screen.row, screen.column) == (3 + cursor // columns, cursor % columns)


# A terminal.


class Terminal:
    """`ocpp-sansio csms` on a pseudo-terminal. `screen` is all that was written to it."""

    def __init__(self, state: Path, *arguments: str) -> None:
        import pty

        self.master, self.slave = pty.openpty()
        self.screen = ""
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "ocpp_sansio_adapters.cli",
                "csms",
                "--port",
                "0",
                "--versions",
                "1.6",
                *arguments,
            ],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            env=os.environ | {"TERM": "xterm", "NO_COLOR": "1", "XDG_STATE_HOME": str(state)},
            start_new_session=True,
        )

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def until(self, text: str, times: int = 1) -> None:
        """Read on until this has been written so often."""
        give_up = time.monotonic() + PATIENCE
        while self.screen.count(text) < times:
            ready, _, _ = select.select([self.master], [], [], max(0.0, give_up - time.monotonic()))
            assert ready, f"waited in vain for {text!r}:\n{self.screen}"
            self.screen += os.read(self.master, 65536).decode()

    def echoes(self) -> bool:
        import termios

        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    found = Terminal(tmp_path)
    yield found
    found.close()


@needs_pty
def test_tab_completes_and_the_up_key_repeats(terminal: Terminal, tmp_path: Path) -> None:
    terminal.until("ocpp> ")
    terminal.type("stat\t\r")
    terminal.until("Nobody is connected.")
    terminal.type("call x Reset password=s3cret\r")
    terminal.until("failed: x is not connected")
    terminal.type("\x1b[A\r")
    terminal.until("Nobody is connected.", times=2)
    terminal.type("quit\r")
    assert terminal.process.wait(PATIENCE) == 1  # a command has failed
    history = tmp_path / "ocpp-sansio" / "history"
    assert "stations" in history.read_text(encoding="utf-8")
    assert "s3cret" not in history.read_text(encoding="utf-8")
    assert history.stat().st_mode & 0o077 == 0


@needs_pty
def test_ctrl_d_ends(terminal: Terminal) -> None:
    terminal.until("ocpp> ")  # from here on: before the prompt, it would be the terminal's own
    terminal.type("\x04")
    assert terminal.process.wait(PATIENCE) == 0
    assert terminal.echoes()


@needs_pty
def test_ctrl_c_gives_the_terminal_back_as_it_was(terminal: Terminal) -> None:
    terminal.until("ocpp> ")
    terminal.type("half a comm")
    terminal.until("half a comm")
    os.killpg(terminal.process.pid, signal.SIGINT)
    assert terminal.process.wait(PATIENCE) == 130
    assert terminal.echoes()
    terminal.until("ocpp-sansio csms: interrupted.")
    assert "Traceback" not in terminal.screen


@needs_pty
def test_what_is_shown_stands_above_the_prompt_and_what_was_typed_stays(terminal: Terminal) -> None:
    terminal.until("ocpp> ")
    terminal.type("sta")
    terminal.until("sta")
    found = re.search(r"ws://[0-9.:]+", terminal.screen)
    assert found is not None
    with connect(found[0], "CP_1", versions=["1.6"]):
        terminal.until("CP_1 connected, OCPP 1.6\r\nocpp> sta")
    terminal.until("\r\nocpp> sta", times=2)  # it has left
    terminal.type("ions\x1b[D\x1b[D\x1b[D\x1b[D")
    terminal.until("ions")
    with connect(found[0], "CP_1", versions=["1.6"]):
        terminal.until("ocpp> staions\r\x1b[9C")  # the cursor is where it was
    terminal.until("CP_1 disconnected", times=2)
    terminal.type("t\r")
    terminal.until("Nobody is connected.")
