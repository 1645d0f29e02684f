"""One run of the demo, from settings to exit status: the CSMS of `csms` with an operator, the stations of `station`,
and everybody who watches them.
"""

import os
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import TextIO

import anyio
import attrs

from ocpp_sansio import Version

from ...charge_point import ChargePoint
from ...csms import CSMS
from ...records import Observer, Record
from .._command import FINE, NOT_FINE, Parser, Problem
from .._descriptors import ensure_descriptors
from .._desk.console import soon
from .._interrupt import Interruption
from .._log.trace import Trace
from .._simulation.clock import Clock
from .._simulation.csms import SPOKEN, answering
from .._simulation.fleet import dialect_for, identities, run_all
from .._simulation.life import Life, Plan
from .._simulation.sensible import Sensible
from .logs import held_back
from .operator import Operator
from .screen import Display, display_for
from .settings import SAMPLE_INTERVAL, Settings
from .statistics import Statistics, summary
from .table import Table

__all__ = ["roster", "run"]

#: Seconds before a station tries again to connect, here where nothing is far away.
RECONNECT = 1.0


def roster(number: int) -> dict[str, Version]:
    """The names of that many stations, and which version each speaks: all of them in turn."""
    versions = list(reversed(SPOKEN))
    return {name: versions[index % len(versions)] for index, name in enumerate(identities(None, number))}


def run(
    settings: Settings,
    out: TextIO,
    interruption: Interruption,
    *,
    answers: Callable[[Version], type[Sensible]] = answering,
    operator: type[Operator] = Operator,
) -> int:
    """Run the demo until it is over or interrupted, show it on `out` and return the exit status.

    `answers` is how the CSMS behaves towards stations of each version. Raises Problem.
    """
    ensure_descriptors(settings.stations)
    stations = roster(settings.stations)
    began = time.monotonic()  # the clock of the event loop, and so of the records
    with ExitStack() as stack:
        # What an interruption tears apart is logged too, and is no news.
        log = stack.enter_context(held_back(wanted=lambda: not interruption.happened))
        path = settings.trace
        if settings.report is not None:
            _try_to_write(settings.report)
            if path is not None and os.path.realpath(path) == os.path.realpath(settings.report):
                raise Problem("the trace and the report cannot be the same file.")
            path = path or str(Path(stack.enter_context(tempfile.TemporaryDirectory())) / "trace.jsonl")
        trace = Trace(path, began, stations) if path is not None else None
        print(f"{_title(settings, stations)}\n", file=out)
        demo = _Demo(settings, answers, operator, trace, display_for(out), Table(stations), began)
        with trace or nullcontext():
            anyio.run(demo.run, interruption)
        for line in log.lines():
            print(line, file=sys.stderr, flush=True)
        print("", *summary(demo.statistics, time.monotonic() - began), sep="\n", file=out, flush=True)
        if settings.report is not None and path is not None:
            _report(path, settings, stations)
    interruption.check()
    return _verdict(demo, out)


def _try_to_write(path: str) -> None:
    """Before all the work is done in vain."""
    if path == "-":
        raise Problem("the report needs a file: standard output has the table.")
    try:
        Path(path).open("ab").close()
    except OSError as error:
        raise Problem(f"the report cannot be written to {path!r}: {error.strerror}.") from None


def _report(trace: str, settings: Settings, stations: Mapping[str, Version]) -> None:
    """What `ocpp-sansio report` does, which says where it is."""
    from .. import report  # which is not needed otherwise

    parser = Parser(prog="ocpp-sansio report", description="")
    report.add_arguments(parser)
    title = f"A demo with {len(stations)} station{'s' * (len(stations) > 1)}"
    options = parser.parse_args([trace, f"--output={settings.report}", "--title", title])
    kept = "" if settings.trace else "with --trace FILE, "
    options.to_see_more = f"{kept}`ocpp-sansio report {settings.trace or 'FILE'} -o PAGE --most N` shows more"
    report.run(options)


def _verdict(demo: "_Demo", out: TextIO) -> int:
    complaints = list(demo.complaints())
    if complaints:
        raise Problem(f"{'; '.join(complaints)}.", NOT_FINE)
    print("Every call was answered, and every station finished its session.", file=out)
    return FINE


def _title(settings: Settings, stations: Mapping[str, Version]) -> str:
    number = "1 station" if len(stations) == 1 else f"{len(stations)} stations"
    *versions, last = dict.fromkeys(version.value for version in stations.values())
    spoken = f"{', '.join(versions)} and {last}" if versions else last
    return f"One CSMS, {number}, OCPP {spoken}, {settings.speed:.0f} times faster than life."


@attrs.frozen
class _Watch:
    """Watches one end of all links, and has nothing to say of them."""

    observers: tuple[Observer, ...]

    def joining(self, charge_point: ChargePoint) -> None:
        """The frames tell."""

    def left(self, charge_point: ChargePoint, error: Exception | None) -> None:
        """The calls tell."""

    def note(self, identity: str, sentence: str) -> None:
        """The statistics tell."""

    def __call__(self, record: Record) -> None:
        for observer in self.observers:
            observer(record)


@attrs.define
class _Demo:
    settings: Settings
    answers: Callable[[Version], type[Sensible]]
    operator: type[Operator]
    trace: Trace | None
    display: Display
    table: Table
    began: float
    statistics: Statistics = attrs.field(factory=Statistics, init=False)
    failures: dict[str, str] = attrs.field(factory=dict[str, str], init=False)

    async def run(self, interruption: Interruption) -> None:
        """Everything, from the listening socket to the last station's leaving."""
        clock = Clock(self.settings.speed)
        async with self._shown(), anyio.create_task_group() as tasks:
            watch = _Watch((self.statistics.at_csms,))
            host = self.operator(watch, clock, tasks, self.settings.seconds)
            classes = [partial(self.answers(version), owner=host) for version in SPOKEN]
            csms = CSMS(*classes, call_timeout=self.settings.call_timeout)
            address, port = await tasks.start(partial(csms.serve, "127.0.0.1"))
            with anyio.CancelScope() as scope, interruption.stopping(partial(soon(), scope.cancel)):
                await anyio.lowlevel.checkpoint()
                await self._play(f"ws://{address}:{port}", clock)
            tasks.cancel_scope.cancel()

    async def _play(self, url: str, clock: Clock) -> None:
        """The sessions of all stations. If this is cancelled, they leave in good order."""
        plan = Plan(
            url=url,
            connectors=1,
            charge=0,  # whoever comes does so once
            sample=SAMPLE_INTERVAL,
            reconnect=RECONNECT,
            timeout=self.settings.call_timeout,
            clock=clock,
        )
        observers: list[Observer] = [self.table, self.statistics.at_station]
        watch = _Watch((*observers, self.trace) if self.trace is not None else tuple(observers))
        lives = [
            Life(name, plan, {version: dialect_for(version)}, watch)
            for name, version in roster(self.settings.stations).items()
        ]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run_all, lives)
            for life in lives:
                tasks.start_soon(self._session, life)

    async def _session(self, life: Life) -> None:
        """One customer comes, charges until the operator stops it, and the station leaves."""
        await life.tried.wait()
        failure = f"{life.identity}: not finished within {self.settings.patience:g} s"
        with anyio.move_on_after(self.settings.patience):
            await life.ready.wait()
            # Customers do not come all at once.
            await life.clock.sleep(life.random.uniform(0, SAMPLE_INTERVAL))
            transaction = life.begin(life.charger.connectors[1], f"TAG-{life.identity}")
            await transaction.over.wait()
            finished = transaction.told and transaction.stop == "Remote"
            failure = "" if finished else f"{life.identity}: the customer did not get what he came for"
        if failure:
            self.failures[life.identity] = failure
        self.table.ended(life.identity, failed=bool(failure))
        life.leave()

    def complaints(self) -> Iterator[str]:
        """What went wrong, as parts of a sentence."""
        unanswered = self.statistics.total.unanswered
        if unanswered:
            yield "1 call was not answered" if unanswered == 1 else f"{unanswered} calls were not answered"
        if self.failures:
            yield f"{len(self.failures)} of {self.settings.stations} stations did not finish"
        if unanswered or self.failures:
            # What happened to a call is a cause, and that its station did not finish the consequence.
            first = self.statistics.first_trouble or next(iter(self.failures.values()))
            yield f"the first trouble was: {first.rstrip('.')}"
        if self.trace is not None and self.trace.failure is not None:
            yield f"the trace is incomplete: {self.trace.failure.strerror}"

    def _show(self) -> None:
        self.display.show(self.table, time.monotonic() - self.began)

    @asynccontextmanager
    async def _shown(self) -> AsyncGenerator[None]:
        """Show the table until the block ends, and then once more as it is at last."""
        self._show()  # before what takes its time: messages are loaded
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._refresh)
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()
                self._show()

    async def _refresh(self) -> None:
        with suppress(BrokenPipeError):  # nobody looks any more; the last _show() will say so
            while True:
                await anyio.sleep(self.display.interval)
                self._show()
