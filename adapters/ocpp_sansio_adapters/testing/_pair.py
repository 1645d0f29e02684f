"""Pair: two connections on a faulty wire and a clock of their own. No event loop, and no time that really
passes.
"""

from collections.abc import Callable
from typing import TypeVar

from ocpp_sansio import Closed, Connection, Event

from ._wire import CSMS, STATION, End, Scripted, Wire, Wired, check_seconds

__all__ = ["WEEK", "Pair", "Side"]

Kind = TypeVar("Kind")

WEEK = 7 * 24 * 3600.0


class Side:
    """One end of a pair.

    `connection` is what was given. Its events are pulled after each input: they go to `handler` if there is
    one, else into `events`, where the test takes them away. Set `handler` to test a program that handles
    events.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.events: list[Event] = []
        self.handler: Callable[[Event], object] | None = None
        self._report: Callable[[], str] = str

    def take(self, kind: type[Kind]) -> Kind:
        """The first event of this class, which is taken away. Raises AssertionError if there is none."""
        for index, event in enumerate(self.events):
            if isinstance(event, kind):
                del self.events[index]
                return event
        raise AssertionError(f"there is no {kind.__name__} among {self.events}\n{self._report()}")

    def _pull(self) -> None:
        while (event := self.connection.next_event()) is not None:
            if self.handler is None:
                self.events.append(event)
            else:
                self.handler(event)

    def _left_open(self) -> list[str]:
        connection = self.connection
        found = [f"event not taken: {event!r}" for event in self.events if type(event) is not Closed]
        found += [f"call without an end: {call.action} {call.id!r}" for call in connection.calls]
        return found + [f"call without an answer: {call.action} {call.id!r}" for call in connection.owed]


class _SideEnd:
    """A side, as the wire wants it. What is due is pulled after each input."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._connection = side.connection

    @property
    def deadline(self) -> float | None:
        return self._connection.deadline

    def receive_text(self, text: str, *, now: float) -> None:
        self._connection.receive_text(text, now=now)
        self._side._pull()

    def receive_close(self, *, now: float) -> None:
        self._connection.receive_close(now=now)
        self._side._pull()

    def handle_timeout(self, *, now: float) -> None:
        self._connection.handle_timeout(now=now)
        self._side._pull()

    def next_frame(self, *, now: float) -> str | None:
        self._side._pull()  # there may be events of a verb
        return self._connection.next_frame()


class Pair(Wired):
    """A station's connection and a CSMS's, wired to each other.

    Give the connections inputs and verbs yourself, at the instant `pair.now`; the pair carries the frames,
    pulls the events and moves the clock. Instead of a `Connection`, one end may be a `ScriptedStation` or a
    `ScriptedCSMS`, whose faults and trace are then those of the pair. `now` is when the clock begins, in
    seconds. Raises TypeError for other ends.
    """

    def __init__(
        self, station: Connection | Scripted, csms: Connection | Scripted, *, now: float = 0.0
    ) -> None:
        self.now = check_seconds("now", now)
        given = {STATION: station, CSMS: csms}
        self._sides = {name: Side(end) for name, end in given.items() if isinstance(end, Connection)}
        scripted = {name: end for name, end in given.items() if isinstance(end, Scripted)}
        if not self._sides or len(self._sides) + len(scripted) < len(given):
            raise TypeError(
                "a pair is made of two connections, one of which may be a scripted peer, not "
                f"{station!r:.60} and {csms!r:.60}"
            )
        self._scripted = next(iter(scripted.values()), None)
        super().__init__(Wire() if self._scripted is None else self._scripted._wire)
        ends: dict[str, End] = {name: _SideEnd(side) for name, side in self._sides.items()}
        for name, peer in scripted.items():
            [side] = self._sides.values()
            ends[name] = peer._end_for(name, side.connection, lambda: self.now)
        for side in self._sides.values():
            side._report = self.report
        self._wire.open(ends[STATION], ends[CSMS], self.now)

    @property
    def station(self) -> Side:
        """The station's end. Raises TypeError if that is scripted."""
        return self._side(STATION)

    @property
    def csms(self) -> Side:
        """The CSMS's end. Raises TypeError if that is scripted."""
        return self._side(CSMS)

    def _side(self, name: str) -> Side:
        if name not in self._sides:
            raise TypeError(f"the {name} is scripted: look at the peer that was given")
        return self._sides[name]

    def settle(self) -> None:
        """Carry what arrives at this instant until both ends are silent. No time passes."""
        self._wire.carry(self.now)

    def step(self) -> bool:
        """Settle, jump to the next instant at which something happens, and settle again.

        False if nothing ever will: then no time has passed.
        """
        self.settle()
        due = self._wire.deadline
        if due is None:
            return False
        self.now = max(self.now, due)
        self.settle()
        return True

    def run_for(self, seconds: float) -> None:
        """Let so much time pass, and all happen that happens meanwhile."""
        end = self.now + check_seconds("seconds", seconds)
        self.settle()
        while (due := self._wire.deadline) is not None and due <= end:
            self.step()
        self.now = end
        self.settle()

    def run_until(self, condition: Callable[[], object], *, limit: float = WEEK) -> None:
        """Step until this is true.

        Raises AssertionError if nothing more can happen before, or once `limit` seconds have passed.
        """
        __tracebackhide__ = True
        end = self.now + check_seconds("limit", limit)
        self.settle()
        while not condition():
            if self.now > end:
                raise AssertionError(f"it has not come true within {limit:g} s\n{self.report()}")
            if not self.step():
                raise AssertionError(f"it has not come true, and nothing more can happen\n{self.report()}")

    def cut(self) -> None:
        """The link is lost, with all that is on its way, and both ends are told."""
        self._wire.cut(self.now)

    def _problems(self) -> list[str]:
        found = [
            f"the {name}: {problem}" for name, side in self._sides.items() for problem in side._left_open()
        ]
        found += [
            f"still on its way: {text}" for lane in self._wire.lanes.values() for text in lane.in_flight
        ]
        return found + ([] if self._scripted is None else self._scripted._problems())

    def _script_lines(self) -> list[str]:
        return [] if self._scripted is None else self._scripted._script_lines()
