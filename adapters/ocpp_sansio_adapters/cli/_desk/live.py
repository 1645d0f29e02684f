"""One run of `csms` or `station`, from options to exit status: loop, signals, console, trace and log."""

import logging
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Generator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from importlib.util import find_spec

import anyio
import attrs

from ocpp_sansio import Role, Version

from ...charge_point import ChargePoint
from ...records import FrameReceived, FrameSent, Record
from .._arguments import some_seconds
from .._command import FINE, NOT_FINE, Problem
from .._interrupt import Interruption
from .._log.redaction import Redactor
from .._log.trace import Trace
from .._paint import Paint
from .console import Completer, Console, console_for, soon
from .shown import COLOURS, Narrator, printable

__all__ = ["Shell", "add_live_arguments", "live"]

#: Says at INFO who is not let in, and why. What else it says so is shown as it happens.
DOOR = logging.getLogger("ocpp_sansio.websockets")
#: Says why a station could not connect; why it has lost its link, `left` has shown.
NO_LINK = ("ocpp_sansio.station", "%s: %s")
EVERYDAY = frozenset({"log_open", "log_end"})

AWAKE = 0.5  # seconds after which a loop that sleeps looks for signals
MOST_ENDS = 100  # of links, whose errors are still to be logged by others


def add_live_arguments(parser: ArgumentParser) -> None:
    """The options that both commands have."""
    parser.add_argument(
        "--timeout",
        metavar="S",
        type=some_seconds,
        default=30.0,
        help="how long an answer may take (default: %(default)g)",
    )
    parser.add_argument("--quiet", action="store_true", help="show no frames, only what happens")
    parser.add_argument(
        "--trace", metavar="FILE", help="write every frame to FILE, for decode, replay and report"
    )
    parser.add_argument(
        "--secrets",
        action="store_true",
        help="show passwords, id tokens and certificates, and leave them in the trace",
    )
    parser.add_argument(
        "--backend",
        choices=("asyncio", "trio"),
        default="asyncio",
        help="the event loop; trio needs the extra `trio` (default: %(default)s)",
    )


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
    outlook: str = ""  # what a station does that cannot connect
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

    def note(self, identity: str, sentence: str) -> None:
        """Something has befallen a station that no frame shows."""
        self.show(self.narrator.line(identity, sentence))

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
        with run.interruption:
            status = anyio.run(run.main, backend=options.backend)
    except BaseExceptionGroup as group:
        raise _first(group) from None
    finally:
        console.close()
    if console.lost:
        raise BrokenPipeError
    trace = run.trace
    if trace is not None and trace.failure is not None:
        raise Problem(f"the trace is incomplete: {trace.failure.strerror}.", NOT_FINE)
    run.interruption.check()
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
    interruption: Interruption = attrs.field(factory=Interruption, init=False)

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
                paint = Paint(sys.stdout)
                hide = Redactor(off=self.options.secrets).frame
                narrator = Narrator(self.role, paint, lambda: datetime.now().astimezone(), hide)
                shell = Shell(self.console, narrator, paint, scope, versions, self.trace)
                shell.frames = not self.options.quiet
                stack.enter_context(_logged(shell))
                stack.enter_context(self.interruption.stopping(partial(soon(), scope.cancel)))
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(_stay_awake)
                    status = await self.work(shell)
                    tasks.cancel_scope.cancel()
                    return status
        return FINE


async def _stay_awake() -> None:
    """Wake the event loop now and then: a signal that comes just before it sleeps is heeded only afterwards."""
    while True:  # noqa: ASYNC110 - there is nothing to wait for
        await anyio.sleep(AWAKE)


class _ToConsole(logging.Handler):
    """What is logged stands among the other lines, and not across the prompt."""

    def __init__(self, shell: Shell) -> None:
        super().__init__(logging.INFO)
        self._shell = shell

    def emit(self, record: logging.LogRecord) -> None:
        shell, args = self._shell, record.args
        if record.levelno < logging.WARNING and (record.name != DOOR.name or record.funcName in EVERYDAY):
            return
        if isinstance(args, tuple):
            if any(map(shell.has_shown, args)):
                return
            record = logging.makeLogRecord({**vars(record), "args": tuple(map(_in_words, args))})
        lines = [printable(line) for line in self.format(record).splitlines()]
        who, colon, what = lines[0].partition(": ")
        if colon and isinstance(args, tuple) and args and args[0] == who:
            outlook = shell.outlook if (record.name, record.msg) == NO_LINK else ""
            said = "\n".join([what, *lines[1:]]) + outlook
            shell.show(shell.narrator.line(who, shell.paint(COLOURS["wrong"], said)))
        else:
            shell.show(shell.paint(COLOURS["wrong"], "\n".join(lines)))


def _in_words(argument: object) -> object:
    """What the system says, without its number."""
    return argument.strerror if isinstance(argument, OSError) and argument.strerror else argument


@contextmanager
def _logged(shell: Shell) -> Generator[None]:
    root, handler, level = logging.getLogger(), _ToConsole(shell), DOOR.level
    root.addHandler(handler)
    DOOR.setLevel(logging.INFO)
    try:
        yield
    finally:
        DOOR.setLevel(level)
        root.removeHandler(handler)
