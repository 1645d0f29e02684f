"""The oracle: one end of a link, described as simply as possible. It says which frames must go out, which
events must come, what `deadline` is, and which verbs are refused.

Written from the rules of the protocol and not from the core: it keeps no indexes and takes no short cuts.
What arrives stands in `hearing`.
"""

from math import inf
from operator import attrgetter
from typing import Any

from ocpp_sansio import (
    CallLost,
    CallTimedOut,
    Closed,
    ConnectionClosed,
    Duplicates,
    LocalProtocolError,
    QueueFull,
    Role,
    Version,
)

from .setting import Ask, Expected, Memory, Options, Owed, keep
from .vocabulary import BOOT, STREAM, Word

__all__ = ["RECENT", "STARTS", "Oracle"]

RECENT = 8  # answers that can be rejected: the last few, of either side
STARTS = ("RemoteStartTransaction", "RequestStartTransaction")  # not for a station that is pending


class Oracle:
    """What one end must do. `frames` and `events` are those that were not pulled yet; an `Ask` among the frames
    is a call that may still be withdrawn.
    """

    def __init__(self, role: Role | None, version: Version, options: Options, memory: Memory | None) -> None:
        self.role, self.version, self.options, self.memory = role, version, options, memory
        self.has_send = version is Version.V21  # and CALLRESULTERROR
        self.now = -inf
        self.closed = False
        self.frames: list[Ask | list[Any]] = []
        self.events: list[Expected] = []
        # What we ask, one at a time (J*-301), and what has ended, for stragglers.
        self.slot: Ask | None = None
        self.queue: list[Ask] = []
        self.late: dict[str, Ask] = {}
        self.rejectable: dict[str, Ask] = {}
        self.timeouts = 0
        # What we are asked, and what we have answered.
        self.owed: dict[str, Owed] = {}
        self.answered: dict[str, str] = {}
        self.bad_frames = 0

    @property
    def calls(self) -> list[Ask]:
        """Our calls that have not ended: the one that has its turn, then those that wait."""
        return self.queue if self.slot is None else [self.slot, *self.queue]

    @property
    def deadline(self) -> float | None:
        """When there is something to do for `handle_timeout`."""
        earliest = min((min(ask.deadline, ask.expires) for ask in self.calls), default=inf)
        return None if earliest == inf else earliest

    def expect(self, kind: type[Any], ask: Ask | None = None, **facts: Any) -> None:
        """An event must come."""
        self.events.append(Expected(kind, ask, **facts))

    def tick(self, now: float | None) -> None:
        """Somebody says what time it is. A clock that runs back stands still."""
        self.now = self.now if now is None else max(self.now, now)

    # Whose turn it is.

    def turn(self) -> None:
        """End what is overdue; then, if the slot is free, the first call goes that may."""
        overdue = [ask for ask in self.queue if ask.expires <= self.now]
        for ask in sorted(overdue, key=attrgetter("expires")):
            self.queue.remove(ask)
            self.expect(CallTimedOut, ask)
        if self.slot is not None and self.slot.deadline <= self.now:
            self.end_unanswered(self.slot)
        first = next((ask for ask in self.queue if self.may_go(ask.action)), None)
        if self.slot is None and first is not None:
            self.queue.remove(first)
            self.go(first)

    def end_unanswered(self, ask: Ask) -> None:
        """There was no answer to the call in the slot. If the peer may have seen it, one may come late (L-307)."""
        self.slot = None
        if ask.sent:
            self.timeouts += 1
            keep(self.late, ask.id, ask, self.options.remembered_ids)
        else:
            self.frames.remove(ask)
        self.expect(CallTimedOut, ask)

    def go(self, ask: Ask) -> None:
        """The call has its turn. Its clock starts now, whenever the frame is pulled."""
        self.slot = ask
        ask.deadline, ask.expires = self.now + ask.timeout, inf
        self.frames.append(ask)

    def may_go(self, action: str) -> bool:
        """Whether a call of ours may go out, but for the slot."""
        return not (self.options.half_duplex and self.owed) and self.admits(self.role, action)

    def admits(self, sender: Role | None, action: str) -> bool:
        """Whether the boot gate lets a message pass (chapter 5 of the wire rules)."""
        gate, memory = self.options.gate, self.memory
        if gate is None or memory is None:
            return True
        if memory.boot == "Unknown" and self.role is Role.CSMS and gate.trust_unknown:
            return True  # L-506
        if sender is Role.CSMS:
            return memory.boot != "Rejected" and not (memory.boot == "Pending" and action in STARTS)
        invited = memory.boot == "Pending" and action in memory.requested
        return memory.boot == "Accepted" or action == BOOT or invited

    # What the user does.

    def refuses_call(self, word: Word, id: str | None) -> type[Exception] | None:
        """Why this call cannot be made now."""
        if self.closed:
            return ConnectionClosed
        if None not in (self.role, word.sender) and self.role is not word.sender:
            return LocalProtocolError
        waits = self.slot is not None or not self.may_go(word.action)
        if waits and len(self.queue) >= self.options.queued_calls:
            return QueueFull
        return self.refuses_id(id)

    def refuses_id(self, id: str | None) -> type[Exception] | None:
        """An id is new among the calls that have not ended (J*-205)."""
        return ValueError if id in [ask.id for ask in self.calls] else None

    def call(self, ask: Ask, now: float, queue_timeout: float | None) -> None:
        """The user asks."""
        self.tick(now)
        self.turn()  # those that waited come first
        if self.slot is None and self.may_go(ask.action):
            self.go(ask)
            return
        self.queue.append(ask)
        if queue_timeout is None and self.options.half_duplex:
            queue_timeout = ask.timeout  # or a handler that waits for a call of its own waits for ever
        ask.expires = inf if queue_timeout is None else self.now + queue_timeout

    def refuses_send(self, id: str | None) -> type[Exception] | None:
        """Why nothing can be sent now that expects no answer."""
        if self.closed:
            return ConnectionClosed
        if not self.has_send or self.role is Role.CSMS or not self.admits(self.role, STREAM):
            return LocalProtocolError
        if len(self.frames) >= self.options.undrained:
            return QueueFull
        return self.refuses_id(id)

    def send(self, frame: list[Any], now: float) -> None:
        """The user tells: a SEND never waits (J21-304)."""
        self.tick(now)
        self.frames.append(frame)

    def answer(self, frame: list[Any], now: float | None) -> None:
        """The user answers a call of the peer with a CALLRESULT or a CALLERROR."""
        self.tick(now)
        kind, id, payload = frame[:3]
        owed = self.owed.pop(id)
        self.frames.append(frame)
        if self.has_send:
            keep(self.answered, id, owed.action, RECENT)
        if kind == 3 and self.memory is not None:
            self.memory.observe(owed.action, owed.payload, payload)
            if owed.action == BOOT:
                self.memory.answers.clear()  # a station that boots may count from 1 again
            elif owed.action != "Heartbeat" and self.options.duplicates is Duplicates.REPLAY:
                self.memory.answers[id] = (owed.text, frame)
        if self.options.half_duplex or self.memory is not None or self.has_send:
            self.turn()  # where an answer may have consequences

    def refuses_to_reject(self, ask: Ask) -> type[Exception] | None:
        """Why the answer to this call cannot be rejected now."""
        if self.closed:
            return ConnectionClosed
        return None if self.rejectable.get(ask.id) is ask else LocalProtocolError

    def reject_result(self, ask: Ask, frame: list[Any], now: float | None) -> None:
        """The user says that an answer is no good, once (J21-305)."""
        self.tick(now)
        del self.rejectable[ask.id]
        self.frames.append(frame)

    def abandon(self, ask: Ask, now: float | None) -> None:
        """The user waits no more. What the peer cannot have seen is withdrawn; anything else keeps its slot."""
        self.tick(now)
        if ask not in self.calls or ask.sent:
            return
        if ask is self.slot:
            self.slot = None
            self.frames.remove(ask)
        else:
            self.queue.remove(ask)
        self.expect(CallLost, ask)
        self.turn()

    def close(self, now: float | None) -> None:
        """The link is gone, and all that belongs to it."""
        self.tick(now)
        if self.closed:
            return
        for ask in self.calls:
            self.expect(CallLost, ask)
        self.expect(Closed)
        self.closed, self.slot = True, None
        self.queue.clear()
        self.frames.clear()
        self.owed.clear()

    def handle_timeout(self, now: float) -> None:
        """The user says that it may be time."""
        self.tick(now)
        self.turn()

    def travel(self, now: float) -> None:
        """Another connection goes on under another clock: what counts is the time that is left."""
        for ask in self.calls:
            ask.deadline += now - self.now
            ask.expires += now - self.now
        self.now = now
        self.rejectable.clear()  # the results that one could name were those of the connection before
