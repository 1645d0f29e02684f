"""Counts and times of calls, from what observers are told, and the summary made of them."""

from array import array
from collections.abc import Iterator
from math import ceil

import attrs

from ocpp_sansio import OCPPError

from ...records import CallFinished, CallStarted, CallWithdrawn, FrameReceived, FrameSent, Record

__all__ = ["Statistics", "Tally", "summary"]


@attrs.define
class Tally:
    """Calls and how they ended. Times are seconds from asking to the answer, waiting for the turn included."""

    asked: int = 0
    answered: int = 0
    refused: int = 0
    times: "array[float]" = attrs.field(factory=lambda: array("d"))

    @property
    def unanswered(self) -> int:
        """Timed out, lost, answered with something unusable, or still open."""
        return self.asked - self.answered - self.refused

    def percentile(self, rank: int) -> float | None:
        """The time that this many per cent of the answers did not exceed, by nearest rank."""
        times = sorted(self.times)
        return times[max(1, ceil(rank * len(times) / 100)) - 1] if times else None

    def add(self, other: "Tally") -> None:
        """Count those calls here as well."""
        self.asked += other.asked
        self.answered += other.answered
        self.refused += other.refused
        self.times.extend(other.times)


class Statistics:
    """Two observers: `at_station` and `at_csms`. A call is counted at the end that asked, a frame at the station."""

    def __init__(self) -> None:
        self.frames = 0
        self.by_station: dict[str, Tally] = {}  # calls by action, in the order in which they first came
        self.by_csms: dict[str, Tally] = {}
        self._failure = self._refusal = ""  # the first of each

    def at_station(self, record: Record) -> None:
        """Observe a station."""
        if isinstance(record, FrameSent | FrameReceived):
            self.frames += 1
        elif record.ours:
            self._count(self.by_station, record)

    def at_csms(self, record: Record) -> None:
        """Observe the CSMS's end of the same connection."""
        if isinstance(record, CallStarted | CallFinished) and record.ours:
            self._count(self.by_csms, record)

    @property
    def first_trouble(self) -> str:
        """What happened to a call, for who wants to know why: no answer is worse than a refusal."""
        return self._failure or self._refusal

    @property
    def total(self) -> Tally:
        """All calls of both ends."""
        total = Tally()
        for tally in (*self.by_station.values(), *self.by_csms.values()):
            total.add(tally)
        return total

    def _count(self, tallies: dict[str, Tally], record: CallStarted | CallFinished) -> None:
        tally = tallies.setdefault(record.action, Tally())
        if isinstance(record, CallStarted):
            tally.asked += 1
        elif record.error is None:
            tally.answered += 1
            tally.times.append(record.seconds)
        elif isinstance(record.error, OCPPError):
            tally.refused += 1
            tally.times.append(record.seconds)
            self._refusal = self._refusal or f"{record.identity}: {record.action} was refused: {record.error}"
        elif isinstance(record.error, CallWithdrawn):
            tally.asked -= 1  # it never left
        else:
            self._failure = self._failure or f"{record.identity}: {record.error}"


COLUMNS = ("asked", "answered", "refused", "unanswered", "median ms", "p99 ms")


def summary(statistics: Statistics, elapsed: float) -> Iterator[str]:
    """The statistics as text, in lines of at most 79 characters."""
    yield _line("calls", COLUMNS)
    yield from _section("from the stations", statistics.by_station)
    yield from _section("from the CSMS", statistics.by_csms)
    yield _line("all", _cells(statistics.total))
    yield ""
    rate = statistics.frames / elapsed
    yield f"{statistics.frames:,} frames in {elapsed:.1f} s, {rate:,.0f} frames/s."


def _section(title: str, tallies: dict[str, Tally]) -> Iterator[str]:
    yield title
    for action, tally in tallies.items():
        yield _line(f"  {action}", _cells(tally))


def _cells(tally: Tally) -> tuple[str, ...]:
    counts = (tally.asked, tally.answered, tally.refused, tally.unanswered)
    times = (tally.percentile(50), tally.percentile(99))
    return (
        *(f"{count:,}" for count in counts),
        *("-" if time is None else f"{time * 1000:.2f}" for time in times),
    )


def _line(name: str, cells: tuple[str, ...]) -> str:
    columns = zip(cells, COLUMNS, strict=True)
    return f"{name:<24}" + "".join(f"{cell:>{max(7, len(title)) + 1}}" for cell, title in columns)
