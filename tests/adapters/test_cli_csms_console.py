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

from ocpp_sansio_adapters.cli._desk.console import Lines, PlainConsole, console_for
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
    terminal.until("ended by SIGINT")
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
    terminal.type("tions\r")
    terminal.until("Nobody is connected.")
