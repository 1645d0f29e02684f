"""A peer: a connection and its oracle side by side. Every verb is given to both, and both must agree."""

import json
from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import Any, TypeVar

import attrs

from ocpp_sansio import (
    BootStatus,
    CallErrorReceived,
    CallFailed,
    CallLost,
    CallReceived,
    CallResultReceived,
    CallTimedOut,
    Connection,
    LocalProtocolError,
    OCPPError,
    PendingCall,
    Role,
    StationState,
    Version,
)
from ocpp_sansio.errors import GenericError

from .hearing import Hearing
from .oracle import RECENT
from .setting import ANYTHING, Ask, Memory, Options
from .vocabulary import Frame, Word, words

__all__ = ["TICK", "Clock", "Disagreement", "Peer", "pick"]

Item = TypeVar("Item")

#: What ends a call.
ENDS = (CallResultReceived, CallErrorReceived, CallFailed, CallTimedOut, CallLost)

TICK = 2.0**-10  # the least time that passes; sums of such numbers are exact


class Disagreement(AssertionError):
    """The connection did not do what the oracle says."""


def agree(is_so: bool, promise: str, *shown: object) -> None:
    """Raise Disagreement unless a promise is kept."""
    if not is_so:
        raise Disagreement(": ".join([promise, *map(repr, shown)]))


def pick(items: Sequence[Item], index: int) -> Item:
    """One of what there is, whatever the index."""
    return items[index % len(items)]


@attrs.define
class Clock:
    """Virtual time, the same for all; who reads it may have a clock of his own."""

    time: float = 1000.0


class Peer:
    """One end, through all its sockets. `kind` is the class of its connections."""

    def __init__(
        self, role: Role, version: Version, options: Options, clock: Clock, kind: type[Connection]
    ) -> None:
        self.role = role if options.knows_its_role else None
        self.version, self.options, self.clock, self.kind = version, options, clock, kind
        self.ahead = 0.0  # of the time of all
        self.state = StationState() if options.remembers else None
        self.memory = Memory() if options.remembers else None
        self.asks: list[Ask] = []
        self.answered: list[CallReceived] = []
        self.results: list[tuple[Ask, CallResultReceived]] = []
        self.heard: list[Frame] = []
        self.made_ids: set[str] = set()
        self._connect()

    def reconnect(self) -> None:
        """A new socket, when what the old one said is heard: only what is known of the station is left."""
        self.pull_frames()
        self.pull_events()
        self._connect()

    def _connect(self) -> None:
        self.connection = self.kind(self.role, self.version, **self._options())
        self.oracle = Hearing(self.role, self.version, self.options, self.memory)

    def _options(self) -> dict[str, Any]:
        return {**self.options.keywords(), "state": self.state}

    @property
    def now(self) -> float:
        """The time by this peer's clock."""
        return self.clock.time + self.ahead

    # What must always hold.

    def check(self) -> None:
        """What a connection shows is what the oracle says, and within bounds."""
        connection, oracle, options = self.connection, self.oracle, self.options
        agree(connection.deadline == oracle.deadline, "deadline", connection.deadline, oracle.deadline)
        agree([*connection.calls] == [ask.pending for ask in oracle.calls], "calls", connection.calls)
        agree([call.text for call in connection.owed] == [owed.text for owed in oracle.owed.values()], "owed")
        agree(connection.consecutive_timeouts == oracle.timeouts, "timeouts", oracle.timeouts)
        agree(connection.closed is oracle.closed, "closed")
        agree(sum(call.released for call in connection.calls) <= 1, "one call at a time is on the wire")
        agree(len(connection.calls) <= options.queued_calls + 1, "the queue is bounded")
        agree(len(connection.owed) <= options.open_calls, "the calls of the peer are bounded")
        # Each call that is asked brings one event, whoever pulls; all else is for the peer to overdo.
        others = [event for event in connection._events if not isinstance(event, ENDS)]
        most = options.undrained + options.open_calls + RECENT + 3
        agree(len(others) + len(connection._frames) <= most, "what is not pulled is bounded")
        if self.state is not None and self.memory is not None:
            known = (self.state.boot, self.state.requested)
            agree(known == (self.memory.boot, self.memory.requested), "state", known, self.memory)

    # What is taken away. Events are the same whenever they are pulled. When a frame is pulled matters: from
    # then on the peer may have seen it, which `Ask.sent` says.

    def pull_events(self) -> None:
        """Every event is the one that must come, and each call ends once."""
        while (event := self.connection.next_event()) is not None:
            agree(bool(self.oracle.events), "no event must come", event)
            expected = self.oracle.events.pop(0)
            agree(expected.matches(event), "an event must come", expected, event)
            if expected.ask is not None and isinstance(event, ENDS):
                expected.ask.ends += 1
                agree(expected.ask.ends == 1, "a call ends once", expected.ask)
            if expected.ask is not None and isinstance(event, CallResultReceived):
                self.results.append((expected.ask, event))
        agree(not self.oracle.events, "an event must come", *self.oracle.events)

    def pull_frame(self) -> Frame | None:
        """The next frame is the one that must go out."""
        text = self.connection.next_frame()
        if text is None or not self.oracle.frames:
            agree(text is None and not self.oracle.frames, "a frame must go out", text, self.oracle.frames)
            return None
        expected = self.oracle.frames.pop(0)
        if isinstance(expected, Ask):
            expected.sent = True
            expected = [2, expected.id, expected.action, words(self.version)[expected.action].payload]
        agree(json.loads(text) == expected, "a frame must go out", expected, text)
        return Frame(text)

    def pull_frames(self, most: int | None = None) -> list[Frame]:
        """All that there are, or the first few."""
        found: list[Frame] = []
        while len(found) != most and (frame := self.pull_frame()) is not None:
            found.append(frame)
        return found

    # Verbs. Refused ones change nothing.

    def is_refused(
        self, why: type[Exception] | tuple[type[Exception], ...], verb: Callable[[], object]
    ) -> None:
        """The verb raises, and nothing has happened. Time has passed: if the verb tells it, that would show."""
        self.pull_events()
        self.clock.time += TICK
        before = self._picture()
        try:
            done = verb()
        except why:
            agree(self._picture() == before, "what is refused changes nothing", before, self._picture())
        else:
            raise Disagreement(f"this is refused with {why!r}, and gave {done!r}")

    def _picture(self) -> object:
        # At the latest instant that it was told, which a refused verb must not move.
        if self.oracle.now == -inf:
            self.oracle.tick(self.now)
        taken = self.connection.snapshot(now=self.oracle.now)
        return taken, None if self.state is None else self.state.snapshot()

    def ask(self, word: Word, timeout: float | None, queue_timeout: float | None, id: str | None) -> bool:
        """Call the peer; False if that is refused."""
        request = word.request(self.version)

        def verb() -> PendingCall[Any]:
            return self.connection.call(
                request, now=self.now, timeout=timeout, queue_timeout=queue_timeout, id=id
            )

        why = self.oracle.refuses_call(word, id)
        if why is not None:
            self.is_refused(why, verb)
            return False
        pending = verb()
        self._is_new(pending.id, id)
        ask = Ask(pending.id, word.action, timeout or self.options.call_timeout, pending)
        self.asks.append(ask)
        self.oracle.call(ask, self.now, queue_timeout)
        return True

    def tell(self, word: Word, id: str | None) -> None:
        """Send the peer what it does not answer."""
        message = word.message(Version.V21)

        def verb() -> str:
            return self.connection.send(message, now=self.now, id=id)

        why = self.oracle.refuses_send(id)
        if why is not None:
            self.is_refused(why, verb)
            return
        made = verb()
        self._is_new(made, id)
        self.oracle.send([6, made, word.action, word.payload], self.now)

    def _is_new(self, made: str, id: str | None) -> None:
        agree(id in (None, made), "an id that is given is used", id, made)
        agree(id is not None or made not in self.made_ids, "ids are never repeated", made)
        self.made_ids.add(made)

    def answer(self, received: CallReceived, variant: int, now: float | None) -> None:
        """Reply with one of the answers."""
        payload = pick(words(self.version)[received.action].answers, variant)
        response = words(self.version)[received.action].response(self.version, payload)
        self.connection.reply(received, response, now=now)
        self.answered.append(received)
        self.oracle.answer([3, received.id, payload], now)

    def refuse(self, received: CallReceived, error: OCPPError, now: float | None) -> None:
        """Reply with an error."""
        self.connection.reply_error(received, error, now=now)
        self.answered.append(received)
        self.oracle.answer([4, received.id, ANYTHING, error.description, error.details], now)

    def reject(self, ask: Ask, result: CallResultReceived, now: float | None) -> None:
        """Say that an answer is no good."""
        why = self.oracle.refuses_to_reject(ask)
        if why is not None:
            self.is_refused(why, lambda: self.connection.reject_result(result, GenericError(), now=now))
            return
        self.connection.reject_result(result, GenericError(), now=now)
        self.oracle.reject_result(ask, [5, ask.id, "GenericError", ANYTHING, {}], now)

    @property
    def abandonable(self) -> list[Ask]:
        """The calls that can be named, the latest first."""
        return [ask for ask in reversed(self.asks) if ask.pending is not None]

    def abandon(self, ask: Ask, now: float | None) -> None:
        """Wait no more."""
        assert ask.pending is not None
        self.connection.abandon(ask.pending, now=now)
        self.oracle.abandon(ask, now)

    def receive(self, frame: Frame) -> None:
        """Let a frame arrive."""
        self.heard.append(frame)
        try:
            self.connection.receive_text(frame.text, now=self.now)
        except Exception as error:
            raise Disagreement(f"nothing that arrives raises: {frame}") from error
        self.oracle.hear(frame, self.now)
        self.check()

    def handle_timeout(self) -> None:
        """Say what time it is: nothing is due any more."""
        self.connection.handle_timeout(now=self.now)
        self.oracle.handle_timeout(self.now)
        deadline, latest = self.connection.deadline, self.oracle.now
        agree(deadline is None or deadline > latest, "what is due is done", deadline, latest)

    def close(self, now: float | None) -> None:
        """The link is gone."""
        self.connection.receive_close(now=now)
        self.oracle.close(now)

    def know(self, boot: BootStatus, requested: Iterable[str]) -> None:
        """The user knows better what the state of the station is."""
        assert self.state is not None
        assert self.memory is not None
        self.state.boot, self.state.requested = boot, set(requested)
        self.memory.boot, self.memory.requested = boot.value, set(requested)

    def travel(self, by: float) -> None:
        """Go on in another process, whose clock is ahead by so much."""
        if self.oracle.events:
            self.is_refused_while_events_wait()
        self.pull_events()
        self.oracle.tick(self.now)
        snapshot = _as_json(self.connection.snapshot(now=self.now))
        for name, most in (
            ("late", self.options.remembered_ids),
            ("rejectable", RECENT),
            ("answered", RECENT),
        ):
            agree(len(snapshot[name]) <= most, "what is remembered is bounded", name)
        if self.state is not None:
            self.state = StationState.restore(_as_json(self.state.snapshot()))
        self.ahead += by
        self.connection = self.kind.restore(snapshot, now=self.now, **self._options())
        self.oracle.travel(self.now)
        again = _as_json(self.connection.snapshot(now=self.now))
        agree(again == snapshot, "what was restored is what was taken", snapshot, again)
        for ask in self.asks:
            ask.pending = None
        for ask, pending in zip(self.oracle.calls, self.connection.calls, strict=False):
            ask.pending = pending

    def is_refused_while_events_wait(self) -> None:
        """A snapshot would lose them."""
        try:
            self.connection.snapshot(now=self.now + 1000.0)
        except LocalProtocolError:
            return
        raise Disagreement("a snapshot is refused while events wait")


def _as_json(snapshot: dict[str, Any]) -> dict[str, Any]:
    copied: dict[str, Any] = json.loads(json.dumps(snapshot))
    return copied
