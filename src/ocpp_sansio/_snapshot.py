"""A connection as plain JSON, and back: what it owes, what it waits for, what it has not sent yet.

Instants become the seconds that remain, so that it may go on under another clock. Messages are kept as they
stand on the wire and read again by the connection that goes on. Knows the halves of a connection.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from ._codec import Refused
from ._frames import Malformed, object_of, parse, read_call
from ._lenient import read_leniently
from ._link import Link
from ._values import FOREVER
from .events import CallReceived, PendingCall
from .messages import Raw, Request
from .validation import encode_unjudged

__all__ = ["FORMAT", "fill", "taken"]

FORMAT = "ocpp-sansio connection 1"

Kind = TypeVar("Kind")


def taken(connection: Link) -> dict[str, Any]:
    """The state of a connection whose events are drained. Raises SchemaViolation for a request of a waiting
    call that is no JSON any more.
    """
    outgoing, now = connection._outgoing, connection._now

    def call(pending: PendingCall[Any]) -> dict[str, Any]:
        return {
            "id": pending.id,
            "action": pending.action,
            "payload": json.loads(encode_unjudged(pending.request)),
            "raw": type(pending.request) is Raw,
            "timeout": pending.timeout,
            "released": pending.released,
            "frame": pending._text,
            "time_left": _left(pending._deadline, now),
            "turn_left": _left(pending._expires, now),
        }

    return {
        "closed": connection._closed,
        "timeouts": connection._timeouts,
        "bad_frames": connection._bad_frames,
        "slot": None if outgoing.slot is None else call(outgoing.slot),
        "queue": [call(pending) for pending in outgoing._queue.values()],
        "late": [call(pending) for pending in outgoing._late.values()],
        "rejectable": [call(pending) for pending in (outgoing._recent or {}).values()],
        "owed": [received.text for received in connection._incoming.values()],
        "answered": [list(answered) for answered in (connection._incoming.recent or {}).items()],
        # The frame of a call that was not pulled stands with the call, which is the one in the slot.
        "frames": [frame if isinstance(frame, str) else None for frame in connection._frames],
    }


def _left(instant: float | None, now: float) -> float | None:
    return None if instant is None else instant - now


def fill(connection: Link, state: dict[str, Any]) -> None:
    """Let a new connection go on from what was `taken`. Raises ValueError for what does not make sense."""
    _Filling(connection, state).run()


class _Filling:
    """One restoring. `place` is where in the snapshot something stands, for the sentence about what is wrong."""

    def __init__(self, connection: Link, state: dict[str, Any]) -> None:
        self.connection = connection
        self.state = state

    def run(self) -> None:
        connection, outgoing = self.connection, self.connection._outgoing
        connection._closed = _field(self.state, "closed", bool)
        connection._timeouts = _field(self.state, "timeouts", int)
        connection._bad_frames = _field(self.state, "bad_frames", int)
        slot = self.state.get("slot")
        if slot is not None:
            outgoing.slot = self.call(slot, "slot")
            _needed(slot, "time_left", "slot")
        for index, pending in enumerate(self.calls("queue")):
            if outgoing.knows(pending.id):
                raise ValueError(f"queue[{index}].id is that of another call")
            outgoing.enqueue(pending)
        for pending in self.calls("late"):
            outgoing._late.keep(pending.id, pending)
        rejectable = self.calls("rejectable")
        if outgoing._recent is not None:
            outgoing._recent.update({pending.id: pending for pending in rejectable})
        for index, received in enumerate(self.each("owed", self.received)):
            if received.id in connection._incoming:
                raise ValueError(f"owed[{index}] has the id of another call")
            connection._incoming[received.id] = received
        for id, action in self.each("answered", _pair):
            connection._incoming.remember(id, action)
        for index, frame in enumerate(_field(self.state, "frames", list)):
            connection._frames.append(self.frame(frame, f"frames[{index}]"))

    def each(self, name: str, make: Callable[[Any, str], Kind]) -> list[Kind]:
        return [make(item, f"{name}[{index}]") for index, item in enumerate(_field(self.state, name, list))]

    def calls(self, name: str) -> Iterable[PendingCall[Any]]:
        return self.each(name, self.call)

    def call(self, data: Any, place: str) -> PendingCall[Any]:
        now = self.connection._now
        action = _field(data, "action", str, place)
        pending = PendingCall(
            _field(data, "id", str, place),
            action,
            self.request(action, _field(data, "payload", dict, place), _field(data, "raw", bool, place)),
            _needed(data, "timeout", place),
            _field(data, "released", bool, place),
            _text=data.get("frame"),
        )
        left, turn = _number(data, "time_left", place), _number(data, "turn_left", place)
        pending._deadline = None if left is None else now + left
        pending._expires = None if turn is None else now + turn
        if not pending.released and not isinstance(pending._text, str):
            raise ValueError(f"{place}.frame is missing")
        return pending

    def request(self, action: str, payload: dict[str, Any], raw: bool) -> Request[Any, Any]:
        """The request of a call of ours: read as it was written, by whatever policy."""
        cls = self.connection._dialect.calls.get(action)
        if raw or cls is None:
            return Raw(action, payload)
        try:
            request: Request[Any, Any] = read_leniently(cls, payload)[0]
        except Refused:
            return Raw(action, payload)
        return request

    def received(self, text: Any, place: str) -> CallReceived:
        """A call of the peer, from its frame."""
        dialect = self.connection._dialect
        try:
            frame = parse(text, self.connection._loads)
            id, action, _ = read_call(frame)
            payload = object_of(frame)
            cls = dialect.calls.get(action, Raw)
            request, violations = dialect.read(cls, action, payload, frame, text)
        except (Malformed, Refused, TypeError, AttributeError) as error:
            raise ValueError(f"{place} is not a call that this connection can read: {error}") from None
        return CallReceived(id, action, request, payload, violations, text)

    def frame(self, text: Any, place: str) -> str | PendingCall[Any]:
        slot, frames = self.connection._outgoing.slot, self.connection._frames
        if text is None and slot is not None and not slot.released and slot not in frames:
            return slot
        if not isinstance(text, str):
            raise ValueError(f"{place} is no frame")
        return text


def _field(data: Any, name: str, kind: type[Kind], place: str = "") -> Kind:
    value = data.get(name) if isinstance(data, dict) else None
    if type(value) is not kind:
        where = f"{place}.{name}" if place else name
        raise ValueError(f"{where} is not of type {kind.__name__}")
    return value


def _needed(data: dict[str, Any], name: str, place: str) -> float:
    value = _number(data, name, place)
    if value is None:
        raise ValueError(f"{place}.{name} is missing")
    return value


def _number(data: dict[str, Any], name: str, place: str) -> float | None:
    value = data.get(name)
    if value is not None and not (type(value) in (int, float) and -FOREVER < value < FOREVER):
        raise ValueError(f"{place}.{name} is not a number of seconds")
    return value


def _pair(value: Any, place: str) -> tuple[str, str]:
    if not (isinstance(value, list) and len(value) == 2 and all(isinstance(part, str) for part in value)):
        raise ValueError(f"{place} is not a pair of texts")
    return value[0], value[1]
