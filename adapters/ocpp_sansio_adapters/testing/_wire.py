"""Wire: carries frames between two ends and has the faults of a real one: delay, loss, repetition, cut.

Pure: instants are told, and `deadline` says when there is something to do. Whoever holds a clock, `Pair` or a
link under an event loop, calls `carry`.
"""

from collections import deque
from collections.abc import Callable
from math import inf
from types import TracebackType
from typing import Protocol, Self

import attrs

from ocpp_sansio import Connection

from ._trace import Trace

__all__ = ["CSMS", "STATION", "End", "Lane", "Scripted", "Wire", "Wired", "check_seconds"]

STATION = "station"
CSMS = "csms"

#: Frames at one instant. More are two ends that never fall silent, for which no clock would ever move.
MOST_AT_ONCE = 10_000
#: Problems that a report shows: the first ones.
MOST_PROBLEMS = 20


def check_seconds(name: str, value: object) -> float:
    """Raise ValueError unless it is a length of time, which may be 0."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < inf:
        raise ValueError(f"{name} is a number of seconds, not {value!r}")
    return float(value)


class End(Protocol):
    """What is at one end: it has the inputs and pulls of a `Connection`, and handles its events by itself."""

    @property
    def deadline(self) -> float | None: ...
    def receive_text(self, text: str, *, now: float) -> None: ...
    def receive_close(self, *, now: float) -> None: ...
    def handle_timeout(self, *, now: float) -> None: ...
    def next_frame(self, *, now: float) -> str | None: ...


@attrs.define(eq=False)
class _Fault:
    """`copies` of a frame arrive, for so many frames more."""

    copies: int
    left: float
    where: Callable[[str], object] | None
    note: str


class Lane:
    """One direction of a wire, and what is wrong with it.

    `delay` is the time in seconds that each frame takes; frames keep their order. Set it at any time: it
    holds for the frames that are sent from then on.
    """

    def __init__(self, direction: str, trace: Trace) -> None:
        self._direction = direction
        self._trace = trace
        self._delay = 0.0
        self._faults: list[_Fault] = []
        self._was_faulty = False
        self._flying: deque[tuple[float, str | None]] = deque()  # None: the sender has closed

    @property
    def delay(self) -> float:
        """Seconds from one end to the other. Raises ValueError if set to what is no length of time."""
        return self._delay

    @delay.setter
    def delay(self, seconds: float) -> None:
        self._delay = check_seconds("delay", seconds)

    def lose(self, times: float = 1, *, where: Callable[[str], object] | None = None) -> None:
        """The next frames are lost: `times` of them, `math.inf` for all that come.

        With `where`, only frames whose text it is true of: `lane.lose(where=lambda text: "Heartbeat" in
        text)`. Faults that were asked for earlier come first, and one frame has one fault. Raises ValueError
        for other numbers.
        """
        self._add(_Fault(0, times, where, "lost"))

    def duplicate(self, times: float = 1, *, where: Callable[[str], object] | None = None) -> None:
        """The next frames arrive twice; the arguments are those of `lose`."""
        self._add(_Fault(2, times, where, "arrives twice"))

    def mend(self) -> None:
        """Everything that is sent from now on arrives once and at once."""
        self._faults.clear()
        self._delay = 0.0

    def _add(self, fault: _Fault) -> None:
        if fault.left != inf and (not isinstance(fault.left, int) or fault.left < 1):
            raise ValueError(f"times is a positive whole number or math.inf, not {fault.left!r}")
        self._faults.append(fault)

    @property
    def in_flight(self) -> list[str]:
        """The frames that are on their way."""
        return [text for _, text in self._flying if text is not None]

    def _put(self, text: str, now: float) -> None:
        """A frame is sent."""
        copies, notes = 1, [f"takes {self._delay:g} s"] if self._delay else []
        for fault in self._faults:
            if fault.where is None or fault.where(text):
                copies, notes = fault.copies, [fault.note]
                self._was_faulty = True
                fault.left -= 1
                if not fault.left:
                    self._faults.remove(fault)
                break
        self._trace._add(now, text, self._direction, ", ".join(notes))
        for _ in range(copies):
            self._fly(text, now)

    def _put_close(self, now: float) -> None:
        """The sender closes once it has sent what it has."""
        self._fly(None, now)

    def _fly(self, text: str | None, now: float) -> None:
        self._flying.append((now + self._delay, text))

    @property
    def _deadline(self) -> float | None:
        """When something arrives next; None if nothing is on its way. Nothing overtakes what came first."""
        return self._flying[0][0] if self._flying else None

    def _take(self, now: float) -> tuple[str | None] | None:
        """What has arrived by now, in a tuple; None if nothing has."""
        if not self._flying or self._flying[0][0] > now:
            return None
        return (self._flying.popleft()[1],)

    def _clear(self) -> None:
        """What is on its way is lost."""
        self._flying.clear()


class Wire:
    """Both lanes, and what is at their ends while a link is open. One link at a time."""

    def __init__(self) -> None:
        self.trace = Trace()
        self.lanes = {
            STATION: Lane("station -> csms", self.trace),
            CSMS: Lane("station <- csms", self.trace),
        }
        #: Called after each input.
        self.moved: Callable[[], object] = int
        #: Which link this is, from 1; 0 before the first.
        self.number = 0
        #: Whether the link that was last has been cut, and not closed.
        self.was_cut = False
        self._instant = -inf  # of the last frame
        self._at_once = 0  # frames at that instant
        self._ends: dict[str, End] = {}  # that have not heard of the end of the link

    @property
    def is_open(self) -> bool:
        """Whether both ends think that there is a link."""
        return len(self._ends) == len(self.lanes)

    @property
    def is_silent(self) -> bool:
        """Whether nothing is on its way."""
        return all(lane._deadline is None for lane in self.lanes.values())

    @property
    def deadline(self) -> float | None:
        """When to call `carry`, on the clock of `now`; None if nothing waits."""
        deadlines = [lane._deadline for lane in self.lanes.values()]
        deadlines += [end.deadline for end in self._ends.values()]
        return min((due for due in deadlines if due is not None), default=None)

    def open(self, station: End, csms: End, now: float) -> None:
        """Put a new link between these ends; one that was is cut."""
        self.cut(now)
        self.number += 1
        self.was_cut = False
        self.trace._begin(now)
        self.trace._add(now, "the link is open")
        self._ends = {STATION: station, CSMS: csms}

    def cut(self, now: float, why: str = "the link is cut") -> None:
        """What is on its way is lost, and both ends are told. Nothing happens if there is no link."""
        for lane in self.lanes.values():
            lane._clear()
        if self._ends:
            self.trace._add(now, why)
            self.was_cut = True
        while self._ends:
            _, end = self._ends.popitem()
            end.receive_close(now=now)
        self.moved()

    def close(self, name: str, now: float, code: int = 1000, reason: str = "") -> None:
        """The end of this name hangs up: it hears nothing more, and the other end what was sent before."""
        end = self._ends.get(name)
        if end is None:
            return
        self._collect(now)
        self.trace._add(now, f"the {name} closes the link ({code}{f': {reason}' if reason else ''})")
        del self._ends[name]
        self.lanes[name]._put_close(now)
        end.receive_close(now=now)

    def carry(self, now: float) -> None:
        """Do all that is due, until both ends are silent: frames, arrivals, time-outs.

        Raises AssertionError if they do not fall silent.
        """
        moved = True
        while moved:
            moved = self._collect(now)
            moved |= self._deliver(now)
            for end in [*self._ends.values()]:
                if end.deadline is not None and end.deadline <= now:
                    end.handle_timeout(now=now)
                    moved = True
        self.moved()

    def _count(self, now: float) -> None:
        """Raise AssertionError for a frame too many at this instant."""
        if now != self._instant:
            self._instant, self._at_once = now, 0
        self._at_once += 1
        if self._at_once > MOST_AT_ONCE:
            raise AssertionError(
                f"the ends have sent {MOST_AT_ONCE} frames without any time passing:\n{self.trace.last(10)}"
            )

    def _collect(self, now: float) -> bool:
        moved = False
        for name, end in [*self._ends.items()]:
            while name in self._ends and (text := end.next_frame(now=now)) is not None:
                self._count(now)
                self.lanes[name]._put(text, now)
                moved = True
        return moved

    def _deliver(self, now: float) -> bool:
        moved = False
        for name, lane in self.lanes.items():
            while (arrived := lane._take(now)) is not None:
                moved = True
                end = self._ends.get(_other(name))
                if end is None:
                    continue
                if arrived[0] is not None:
                    end.receive_text(arrived[0], now=now)
                else:
                    self._ends.pop(_other(name))
                    end.receive_close(now=now)
        return moved

    @property
    def was_faulty(self) -> bool:
        """Whether frames were lost or repeated, so that an answer may answer nothing."""
        return any(lane._was_faulty for lane in self.lanes.values())


def _other(name: str) -> str:
    return CSMS if name == STATION else STATION


class Wired:
    """What has a wire: its lanes, its trace, and what is said at the end of a test.

    `to_csms` and `to_station` are the two directions, each a `Lane` with `delay`, `lose` and `duplicate`,
    which may be set before there is a link and hold for all links. `trace` is what went over the wire.

    With `with`, `check()` is called at the end of the block; if the block raises, `report()` goes with it as
    a note.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.to_csms = wire.lanes[STATION]
        self.to_station = wire.lanes[CSMS]
        self.trace = wire.trace

    def check(self) -> None:
        """Raise AssertionError, with the report, unless all went as it should."""
        __tracebackhide__ = True
        if self.has_problems:
            raise AssertionError(self.report())

    @property
    def has_problems(self) -> bool:
        """Whether `check()` would raise."""
        return bool(self._problems())

    def report(self) -> str:
        """All that is wrong, the script if there is one, and the end of the trace, as text for people."""
        script = "\n".join(self._script_lines())
        trace = self.trace.last() or "  nothing"
        problems = self._problems()
        more = len(problems) - MOST_PROBLEMS
        return "\n".join(
            [
                *problems[:MOST_PROBLEMS],
                *([f"... and {more} more"] if more > 0 else []),
                *(["script:", script] if script else []),
                "trace (seconds, frame):",
                trace,
            ]
        )

    def _problems(self) -> list[str]:
        """One line, or a few, for each thing that is wrong."""
        raise NotImplementedError

    def _script_lines(self) -> list[str]:
        return []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        if error is None:
            self.check()
        elif isinstance(error, Exception):
            error.add_note(self.report())


class Scripted(Wired):
    """A peer that plays a script, as `Pair` sees it."""

    def _end_for(self, name: str, far: Connection, clock: Callable[[], float]) -> End:
        """A new end, of this name, of a link to this connection."""
        raise NotImplementedError
