"""One run of `csms` or `station`, from options to exit status: loop, signals, console, trace and log."""

import logging
import signal
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from functools import partial
from importlib.util import find_spec
from types import FrameType
from typing import Any

import anyio
import attrs

from ocpp_sansio import Role, Version

from ...charge_point import ChargePoint
from ...records import FrameReceived, FrameSent, Record
from .._command import FINE, NOT_FINE, Problem
from .._log.trace import Trace
from .._show.settings import CannotStart
from .console import Completer, Console, console_for, soon
from .shown import Narrator, Paint, paint_for, printable

__all__ = ["Shell", "add_live_arguments", "live", "number_above"]

#: What ends a run in good order.
SIGNALS = (signal.SIGINT, signal.SIGTERM)

MOST_ENDS = 100  # of links, whose errors are still to be logged by others


def add_live_arguments(parser: ArgumentParser) -> None:
    """The options that both commands have."""
    parser.add_argument(
        "--timeout",
        metavar="S",
        type=number_above(0),
        default=30.0,
        help="how long an answer may take (default: %(default)g)",
    )
    parser.add_argument("--quiet", action="store_true", help="show no frames, only what happens")
    parser.add_argument(
        "--trace", metavar="FILE", help="write every frame to FILE, for decode, replay and report"
    )
    parser.add_argument(
        "--secrets", action="store_true", help="leave passwords, id tokens and certificates in the trace"
    )
    parser.add_argument(
        "--backend",
        choices=("asyncio", "trio"),
        default="asyncio",
        help="the event loop (default: %(default)s)",
    )


def number_above(least: float) -> Callable[[str], float]:
    """The type of an option that is a number of seconds."""

    def seconds(text: str) -> float:
        number = float(text)
        if not least < number < 1e9:
            raise ValueError(text)
        return number

    return seconds


@attrs.define
class Shell:
    """What a run has: where lines go, who watches the links. `versions` tells what each station speaks."""

    console: Console
    narrator: Narrator
    paint: Paint
    scope: anyio.CancelScope
    versions: dict[str, Version]
    trace: Trace | None
    frames: bool = True
    _ends: deque[Exception] = attrs.field(factory=lambda: deque(maxlen=MOST_ENDS), init=False)
    _links: Counter[str] = attrs.field(
        factory=Counter[str], init=False
    )  # of each station, an old one may linger

    def show(self, text: str) -> None:
        """Show lines, or end if there is nobody any more who could read them."""
        self.console.show(text)
        if self.console.lost:
            self.scope.cancel()

    def joining(self, charge_point: ChargePoint) -> None:
        """A link begins."""
        self._links[charge_point.id] += 1
        self.versions[charge_point.id] = charge_point.version
        self.show(self.narrator.line(charge_point.id, f"connected, OCPP {charge_point.version.value}"))

    def left(self, charge_point: ChargePoint, error: Exception | None) -> None:
        """A link has ended."""
        why = f": {printable(str(error))}" if error is not None and str(error) else ""
        if error is not None:
            self._ends.append(error)
        self.show(self.narrator.line(charge_point.id, f"disconnected{why}"))
        self._links[charge_point.id] -= 1
        if not self._links[charge_point.id]:
            del self._links[charge_point.id], self.versions[charge_point.id]

    def has_shown(self, error: object) -> bool:
        """Whether this is how a link has ended that was shown to be gone."""
        return any(each is error for each in self._ends)

    def __call__(self, record: Record) -> None:
        """Observe a link."""
        if isinstance(record, FrameSent | FrameReceived):
            if self.trace is not None:
                self.trace(record)
            if self.frames:
                self.show(self.narrator.frame(record))


def live(options: Namespace, role: Role, complete: Completer, work: Callable[[Shell], Awaitable[int]]) -> int:
    """Do this work until it is done, or a signal ends it. Returns the exit status; raises Problem."""
    if options.backend == "trio" and find_spec("trio") is None:
        raise Problem("trio is not installed; install it with `pip install 'ocpp-sansio[trio]'`.")
    console = console_for(sys.stdout, complete)
    run = _Run(options, role, console, work)
    try:
        with run.signals():
            status = anyio.run(run.main, backend=options.backend)
    except CannotStart as problem:
        raise Problem(str(problem)) from None
    except BaseExceptionGroup as group:
        raise _first(group) from None
    finally:
        console.close()
    if console.lost:
        raise BrokenPipeError
    trace = run.trace
    if trace is not None and trace.failure is not None:
        raise Problem(f"the trace is incomplete: {trace.failure.strerror}.", NOT_FINE)
    if run.ended_by is not None:
        raise Problem(f"ended by {run.ended_by.name}.", 128 + run.ended_by)
    return status


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


@attrs.define
class _Run:
    options: Namespace
    role: Role
    console: Console
    work: Callable[[Shell], Awaitable[int]]
    trace: Trace | None = None
    ended_by: signal.Signals | None = None
    stop: Callable[[], object] | None = None

    async def main(self) -> int:
        with ExitStack() as stack:
            versions: dict[str, Version] = {}
            if self.options.trace:
                self.trace = stack.enter_context(
                    Trace(
                        self.options.trace,
                        anyio.current_time(),
                        versions,
                        end=self.role,
                        secrets=self.options.secrets,
                    )
                )
            with anyio.CancelScope() as scope:
                paint = paint_for(sys.stdout)
                narrator = Narrator(self.role, paint, lambda: datetime.now().astimezone())
                shell = Shell(self.console, narrator, paint, scope, versions, self.trace)
                shell.frames = not self.options.quiet
                stack.enter_context(_logged(shell))
                self.stop = partial(soon(), scope.cancel)
                if self.ended_by is not None:
                    scope.cancel()
                return await self.work(shell)
        return FINE

    @contextmanager
    def signals(self) -> Generator[None]:
        """Meanwhile, a signal is an orderly request to end. One that somebody ignores stays ignored."""
        before: dict[signal.Signals, Any] = {}
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                with suppress(ValueError):  # not the main thread, which alone is told of signals
                    before[number] = signal.signal(number, self._receive)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        first, self.ended_by = self.ended_by is None, signal.Signals(number)
        if first and self.stop is not None:
            self.stop()


class _ToConsole(logging.Handler):
    """What is logged stands among the other lines, and not across the prompt."""

    def __init__(self, shell: Shell) -> None:
        super().__init__(logging.WARNING)
        self._shell = shell

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.args, tuple) and any(map(self._shell.has_shown, record.args)):
            return
        lines = self.format(record).splitlines()
        self._shell.show(self._shell.paint("\n".join(printable(line) for line in lines), "wrong"))


@contextmanager
def _logged(shell: Shell) -> Generator[None]:
    root, handler = logging.getLogger(), _ToConsole(shell)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
