"""The calls we make: one slot, a bounded queue, deadlines (rule 6 of the house; J16-301).

A `PendingCall` is in exactly one place: the queue, the slot, or nowhere any more. Whoever takes it out owes
it the event that ends it. Knows no frame and no event.
"""

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Any

from ._memory import Memory
from .errors import QueueFull
from .events import PendingCall

__all__ = ["Outgoing"]

Pending = PendingCall[Any]

#: An answer is rejected right after it came.
MOST_RECENT = 8


class Outgoing:
    """Slot and queue of one connection. Instants are seconds on the connection's clock."""

    __slots__ = ("_capacity", "_counter", "_expiries", "_late", "_queue", "_recent", "slot")

    def __init__(self, capacity: int, memory: int, *, rejectable: bool = False) -> None:
        self.slot: Pending | None = None
        self._queue: dict[str, Pending] = {}  # by id, in order of asking
        self._capacity = capacity
        # Queued calls with a queue_timeout, the earliest on top. Calls that left the queue stay until they
        # surface.
        self._expiries: list[tuple[float, int, Pending]] = []
        self._counter = 0
        self._late: Memory[Pending] = Memory(memory)  # timed out on the wire
        self._recent: Memory[Pending] | None = Memory(MOST_RECENT) if rejectable else None

    @property
    def calls(self) -> tuple[Pending, ...]:
        """The call in the slot, then the queue in order."""
        head = () if self.slot is None else (self.slot,)
        return (*head, *self._queue.values())

    @property
    def deadline(self) -> float | None:
        """When `take_expired` will have something to do."""
        slot = None if self.slot is None else self.slot._deadline
        queue = self._expiries[0][0] if self._expiries else None
        if slot is None or queue is None:
            return queue if slot is None else slot
        return min(slot, queue)

    @property
    def waiting(self) -> bool:
        """Whether the queue has calls."""
        return bool(self._queue)

    def knows(self, id: str) -> bool:
        """Whether a live call has this id."""
        return id in self._queue or (self.slot is not None and self.slot.id == id)

    def check_room(self, *, may_go: bool = True) -> None:
        """Raise QueueFull if one more call would have to wait and cannot."""
        if (self.slot is not None or not may_go) and len(self._queue) >= self._capacity:
            raise QueueFull(f"{len(self._queue)} calls are waiting for their turn already")

    def add(self, call: Pending, now: float, queue_timeout: float | None, *, may_go: bool = True) -> bool:
        """Put the call into the slot if that is free and the call may go, or at the end of the queue. True if
        it is its turn.
        """
        if self.slot is None and may_go:
            self._occupy(call, now)
            return True
        if queue_timeout is not None:
            call._expires = now + queue_timeout
        self.enqueue(call)
        return False

    def enqueue(self, call: Pending) -> None:
        """Put the call at the end of the queue, where it waits until it `_expires`."""
        self._queue[call.id] = call
        if call._expires is not None:
            self._counter += 1
            heappush(self._expiries, (call._expires, self._counter, call))

    def answered(self, id: object) -> Pending | None:
        """The call in the slot if it has this id and the peer can have seen it."""
        call = self.slot
        return call if call is not None and call.id == id and call.released else None

    def free_slot(self) -> None:
        """The call in the slot has ended."""
        if self._recent is not None and self.slot is not None:
            self._recent.keep(self.slot.id, self.slot)
        self.slot = None

    def rejectable(self, call: Pending) -> bool:
        """Whether the call was answered a moment ago, and its answer not yet rejected."""
        return self._recent is not None and self._recent.get(call.id) is call

    def reject(self, call: Pending) -> None:
        """The answer to the call is rejected."""
        if self._recent is not None:
            del self._recent[call.id]

    def take_late(self, id: object) -> Pending | None:
        """The timed-out call with this id, once."""
        return self._late.pop(id, None) if isinstance(id, str) else None

    def take_waiting(self, call: Pending) -> bool:
        """Take the call out if the peer cannot have seen it.

        The slot is free afterwards if it was in there.
        """
        if call is self.slot and not call.released:
            self.slot = None
            return True
        if self._queue.get(call.id) is not call:
            return False
        self._leave_queue(call)
        return True

    def take_expired(self, now: float) -> list[Pending]:
        """Calls whose patience has ended: first those in the queue, so that none of them is sent, then the
        one in the slot.
        """
        expired = []
        while self._expiries and self._expiries[0][0] <= now:
            call = self._expiries[0][2]
            self._leave_queue(call)
            expired.append(call)
        call_in_slot = self.slot
        if call_in_slot is not None and call_in_slot._deadline is not None and call_in_slot._deadline <= now:
            self.slot = None
            expired.append(call_in_slot)
            if call_in_slot.released:
                self._late.keep(call_in_slot.id, call_in_slot)
        return expired

    def next_turn(self, now: float, may_go: Callable[[str], bool]) -> Pending | None:
        """Move the first call of the queue whose action may go into the slot, which is free."""
        for call in self._queue.values():
            if may_go(call.action):
                self._leave_queue(call)
                self._occupy(call, now)
                return call
        return None

    def take_all(self) -> tuple[Pending, ...]:
        """Every live call, in order; nothing is left."""
        calls = self.calls
        self.slot = None
        self._queue.clear()
        self._expiries.clear()
        self._late.clear()
        return calls

    def _occupy(self, call: Pending, now: float) -> None:
        # The clock starts now and not when the frame is pulled: a link that no longer drains must not keep a
        # caller for ever.
        call._deadline = now + call.timeout
        self.slot = call

    def _leave_queue(self, call: Pending) -> None:
        del self._queue[call.id]
        call._expires = None
        while self._expiries and self._expiries[0][2]._expires is None:
            heappop(self._expiries)
        if len(self._expiries) > 2 * len(self._queue) + 8:  # too many that left before they surfaced
            self._expiries = [entry for entry in self._expiries if entry[2]._expires is not None]
            heapify(self._expiries)
