"""One run of the demo, from settings to exit status: brings the CSMS, the stations and their observers together."""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
from typing import TextIO

import attrs

from ocpp_sansio import Version

from ...records import Observer
from .._descriptors import ensure_descriptors
from .._interrupt import Interruption
from .._log.trace import Trace
from .._status import FINE, INTERRUPTED, NOT_FINE
from .csms import CSMS, MANAGED
from .fleet import Fleet, roster
from .logs import held_back
from .managed import ManagedStation
from .screen import Display, display_for
from .settings import Clock, Settings
from .statistics import Statistics, summary
from .table import Table

__all__ = ["run"]


def run(
    settings: Settings,
    out: TextIO,
    interruption: Interruption,
    *,
    managed: Mapping[Version, type[ManagedStation]] = MANAGED,
) -> int:
    """Run the demo until it is over or interrupted, show it on `out` and return the exit status.

    `managed` is how the CSMS behaves towards stations of each version. Raises CannotStart.
    """
    ensure_descriptors(settings.stations)
    stations = roster(settings.stations)
    began = time.monotonic()  # the clock of asyncio's own event loops, and so of the records
    with ExitStack() as stack:
        # What an interruption tears apart is logged too, and is no news.
        log = stack.enter_context(held_back(wanted=lambda: not interruption.happened))
        trace = stack.enter_context(Trace(settings.trace, began, stations)) if settings.trace else None
        print(f"{_title(settings, stations)}\n", file=out)
        table = Table(stations)
        demo = _Demo(settings, managed, trace, display_for(out), table, began)
        with suppress(asyncio.CancelledError):
            asyncio.run(demo.run(interruption))
    for line in log.lines():
        print(line, file=sys.stderr, flush=True)
    print("", *summary(demo.statistics, time.monotonic() - began), sep="\n", file=out, flush=True)
    if interruption.happened:
        print("demo: interrupted.", file=sys.stderr)
        return INTERRUPTED
    return _verdict(demo, out)


def _verdict(demo: "_Demo", out: TextIO) -> int:
    complaints = list(demo.complaints())
    if complaints:
        print(f"demo: {'; '.join(complaints)}.", file=sys.stderr)
        return NOT_FINE
    print("Every call was answered, and every station finished its session.", file=out)
    return FINE


def _title(settings: Settings, stations: Mapping[str, Version]) -> str:
    number = "1 station" if len(stations) == 1 else f"{len(stations)} stations"
    *versions, last = dict.fromkeys(version.value for version in stations.values())
    spoken = f"{', '.join(versions)} and {last}" if versions else last
    return f"One CSMS, {number}, OCPP {spoken}, {settings.speed:.0f} times faster than life."


@attrs.define
class _Demo:
    settings: Settings
    managed: Mapping[Version, type[ManagedStation]]
    trace: Trace | None
    display: Display
    table: Table
    began: float
    statistics: Statistics = attrs.field(factory=Statistics, init=False)
    failures: dict[str, str] = attrs.field(factory=dict[str, str], init=False)

    async def run(self, interruption: Interruption) -> None:
        """Everything, from the listening socket to the last station's leaving."""
        me, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert me is not None
        with interruption.stopping(lambda: loop.call_soon_threadsafe(me.cancel)):  # which wakes the loop, too
            clock = Clock(self.settings.speed)
            csms = CSMS(self.settings, clock, (self.statistics.at_csms,), self.managed)
            fleet = Fleet(self.settings, clock, self._observers(), self._ended)
            async with self._shown(), csms.serve() as server:
                host, port = server.sockets[0].getsockname()
                await fleet.run(f"ws://{host}:{port}")

    def _observers(self) -> list[Observer]:
        observers: list[Observer] = [self.table, self.statistics.at_station]
        return observers if self.trace is None else [*observers, self.trace]

    def complaints(self) -> Iterator[str]:
        """What went wrong, as parts of a sentence."""
        unanswered = self.statistics.total.unanswered
        if unanswered:
            yield "1 call was not answered" if unanswered == 1 else f"{unanswered} calls were not answered"
        if self.failures:
            yield f"{len(self.failures)} of {self.settings.stations} stations did not finish"
        # A station's failure is a cause; calls that it had under way are left unanswered in consequence.
        first = next(iter(self.failures.values()), self.statistics.first_failure)
        if first:
            yield f"the first trouble was: {first.rstrip('.')}"
        if self.trace is not None and self.trace.failure is not None:
            yield f"the trace is incomplete: {self.trace.failure.strerror}"

    def _ended(self, identity: str, failure: str | None) -> None:
        self.table.ended(identity, failure)
        if failure is not None:
            self.failures[identity] = f"{identity}: {failure}"

    def _show(self) -> None:
        self.display.show(self.table, time.monotonic() - self.began)

    @asynccontextmanager
    async def _shown(self) -> AsyncGenerator[None]:
        """Show the table until the block ends, and then once more as it is at last."""
        refreshing = asyncio.create_task(self._refresh())
        try:
            yield
        finally:
            refreshing.cancel()
            self._show()

    async def _refresh(self) -> None:
        with suppress(BrokenPipeError):  # nobody looks any more; the last _show() will say so
            while True:
                self._show()
                await asyncio.sleep(self.display.interval)
