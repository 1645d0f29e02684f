"""Where commands come from and lines go to: a terminal with history and completion, or plain streams.

Reading blocks, so a thread does it, one line at a time and only when a line is wanted. The thread is a
daemon: nothing can wake it from a read, and at the end nobody waits for it.
"""

import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Protocol, TextIO, cast
from unicodedata import combining, east_asian_width

import anyio
from anyio.lowlevel import current_token

from .._interrupt import SIGNALS

__all__ = ["Completer", "Console", "Lines", "PlainConsole", "above_prompt", "console_for", "soon"]

PROMPT = "ocpp> "
MOST_HISTORY = 1000
MOST_BYTES = 1 << 20  # of a line

#: `complete(line, word)`: how the last word of a line may go on.
Completer = Callable[[str, str], list[str]]


def soon() -> Callable[[Callable[[], object]], object]:
    """What lets a thread or a signal handler have something called in the event loop that runs here."""
    token: Any = current_token().native_token
    found: Callable[[Callable[[], object]], object] | None = getattr(token, "run_sync_soon", None)  # trio
    return found if found is not None else cast("Callable[..., object]", token.call_soon_threadsafe)


class Console(Protocol):
    """Shows lines, and reads commands. `lost` is set when nobody can be shown anything any more."""

    interactive: bool
    lost: bool

    def show(self, text: str) -> None: ...
    def close(self) -> None: ...
    async def command(self) -> str | None: ...


class Lines:
    """The lines that a blocking `read` returns in a thread of its own, each when it is asked for; None is the
    end.
    """

    def __init__(self, read: Callable[[], str | None]) -> None:
        self._read = read
        self._wanted = threading.Semaphore(0)
        self._thread: threading.Thread | None = None
        self._ended = False
        self._line: str | None = None
        self._came = anyio.Event()

    async def next(self) -> str | None:
        """The next line, without its end."""
        if self._ended:
            return None
        if self._thread is None:
            call_soon = soon()
            self._thread = threading.Thread(target=self._serve, args=(call_soon,), daemon=True)
            self._thread.start()
        self._came = anyio.Event()
        self._wanted.release()
        await self._came.wait()
        return self._line

    def _serve(self, call_soon: Callable[[Callable[[], object]], object]) -> None:
        if sys.platform != "win32":  # signals are for the thread of the event loop, which they must wake
            signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        while not self._ended:
            self._wanted.acquire()
            try:
                line = self._read()
            except (OSError, EOFError, ValueError):
                line = None
            self._ended = line is None
            self._line = line
            with suppress(RuntimeError):  # the loop has ended meanwhile
                call_soon(self._tell)

    def _tell(self) -> None:
        self._came.set()


class _Bytes:
    """Lines of a file descriptor. `sys.stdin` would hold its lock while it waits, which the interpreter's end
    wants.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._rest = b""

    def read(self) -> str | None:
        while b"\n" not in self._rest and len(self._rest) < MOST_BYTES:
            more = os.read(self._descriptor, 65536)
            if not more:
                break
            self._rest += more
        if not self._rest:
            return None
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode("utf-8", errors="replace").rstrip("\r")


class PlainConsole:
    """For pipes, files and dumb terminals: lines out, lines in."""

    interactive = False

    def __init__(self, out: TextIO, descriptor: int | None) -> None:
        self._out = out
        self._lines = Lines(_Bytes(descriptor).read if descriptor is not None else lambda: None)
        self.lost = False

    def show(self, text: str) -> None:
        if not self.lost:
            try:
                print(text, file=self._out, flush=True)
            except OSError:
                self.lost = True

    async def command(self) -> str | None:
        return await self._lines.next()

    def close(self) -> None:
        """Nothing is to be put back."""


class Terminal:
    """A prompt with history and completion; what is shown meanwhile stands above it."""

    interactive = True

    def __init__(self, readline: Any, complete: Completer) -> None:
        self._readline = readline
        self._complete = complete
        self._candidates: list[str] = []
        self._lines = Lines(self._ask)
        self._asking = False
        self._point = _point_of(readline)
        self.lost = False
        self._modes = _modes()
        self._history = _history_file()
        with suppress(OSError):
            readline.read_history_file(self._history)
        readline.set_history_length(MOST_HISTORY)
        readline.set_auto_history(False)
        readline.set_completer_delims(" ")
        readline.set_completer(self._candidate)
        libedit = "libedit" in (readline.__doc__ or "")
        readline.parse_and_bind("bind ^I rl_complete" if libedit else "tab: complete")

    def show(self, text: str) -> None:
        if self.lost:
            return
        shown = f"{text}\n"
        if self._asking:
            columns = max(1, shutil.get_terminal_size().columns)
            typed = self._readline.get_line_buffer()
            behind = _width(typed.encode()[: self._point()].decode(errors="ignore"))
            shown = above_prompt(text, PROMPT + typed, len(PROMPT) + behind, columns)
        try:
            sys.stdout.write(shown)
            sys.stdout.flush()
        except OSError:
            self.lost = True

    async def command(self) -> str | None:
        return await self._lines.next()

    def close(self) -> None:
        """Give the terminal back as it was: the thread may still be at the prompt, with echo switched off."""
        if self._asking:
            print()
        _restore(self._modes)
        with suppress(OSError):
            self._history.parent.mkdir(parents=True, exist_ok=True)
            self._history.touch(mode=0o600)
            self._readline.write_history_file(self._history)

    def _ask(self) -> str | None:
        self._asking = True
        try:
            line = input(PROMPT)
        finally:
            self._asking = False
        if line.strip() and "password" not in line.lower() and "authorizationkey" not in line.lower():
            self._readline.add_history(line)
        return line

    def _candidate(self, word: str, index: int) -> str | None:
        if index == 0:
            line = self._readline.get_line_buffer()[: self._readline.get_endidx()]
            self._candidates = self._complete(line, word)
        return self._candidates[index] if index < len(self._candidates) else None


def above_prompt(text: str, line: str, cursor: int, columns: int) -> str:
    """What puts the text above a line that is being typed, whose cursor stands behind so many columns."""
    up = f"\x1b[{cursor // columns}A" if cursor >= columns else ""
    width = _width(line)
    # A full last column lets the terminal wait with the next row; a blank makes it begin.
    shown = f"\r{up}\x1b[J{text}\n{line}" + (" \r" if width and not width % columns else "")
    back = width // columns - cursor // columns
    if back:
        shown += f"\x1b[{back}A"
    if width != cursor:
        right = cursor % columns
        shown += "\r" + (f"\x1b[{right}C" if right else "")
    return shown


def _width(text: str) -> int:
    """Columns that it takes on a terminal."""
    return sum(0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text)


def _point_of(readline: Any) -> Callable[[], int]:
    """What tells before which byte of the line the cursor stands. Python does not; the library does, whichever
    it is.
    """
    with suppress(OSError, ValueError, ImportError, AttributeError):
        import ctypes

        point = ctypes.c_int.in_dll(ctypes.CDLL(getattr(readline, "__file__", None)), "rl_point")
        return lambda: point.value
    return lambda: sys.maxsize  # at the end, where it mostly is


def console_for(out: TextIO, complete: Completer) -> Console:
    """What suits the streams of this process. Nobody can be asked where there is no stdin."""
    if isinstance(out, TextIOWrapper):
        out.reconfigure(
            errors="backslashreplace"
        )  # what a station says may not be in the alphabet of this one
    try:
        descriptor: int | None = sys.stdin.fileno()
        terminal = sys.stdin.isatty() and out.isatty() and out is sys.stdout
    except (AttributeError, OSError, ValueError):
        descriptor, terminal = None, False
    if terminal and os.environ.get("TERM") != "dumb":
        with suppress(ImportError):  # Windows has none
            import readline

            return Terminal(readline, complete)
    return PlainConsole(out, descriptor)


def _history_file() -> Path:
    """Where commands are kept (https://specifications.freedesktop.org/basedir-spec)."""
    state = os.environ.get("XDG_STATE_HOME")
    with suppress(RuntimeError):
        return Path(state or Path.home() / ".local" / "state") / "ocpp-sansio" / "history"
    return Path(os.devnull)


if sys.platform == "win32":

    def _modes() -> Any:
        return None

    def _restore(modes: Any) -> None:
        """Nothing was changed."""

else:
    import termios

    def _modes() -> Any:
        with suppress(termios.error):
            return termios.tcgetattr(sys.stdin.fileno())
        return None

    def _restore(modes: Any) -> None:
        if modes is not None:
            with suppress(termios.error):
                termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, modes)
