"""The calls we owe an answer to. Knows no frame and no message."""

from .errors import LocalProtocolError
from .events import CallReceived

__all__ = ["Incoming"]


class Incoming:
    """Open inbound calls by id. A call is in here from its event until its answer or the end of the link."""

    __slots__ = ("_capacity", "_open")

    def __init__(self, capacity: int) -> None:
        self._open: dict[str, CallReceived] = {}
        self._capacity = capacity

    @property
    def calls(self) -> tuple[CallReceived, ...]:
        """In order of arrival."""
        return tuple(self._open.values())

    @property
    def full(self) -> bool:
        return len(self._open) >= self._capacity

    def get(self, id: str) -> CallReceived | None:
        """The open call with this id."""
        return self._open.get(id)

    def open(self, call: CallReceived) -> None:
        self._open[call.id] = call

    def check_owed(self, call: CallReceived) -> None:
        """Raise LocalProtocolError unless this very call waits for an answer."""
        if not isinstance(call, CallReceived):
            raise TypeError(f"only a CallReceived can be answered, not {call!r:.60}")
        if self._open.get(call.id) is not call:
            raise LocalProtocolError(
                f"{call.action} {call.id!r} is not owed an answer: it has one, or came by another connection"
            )

    def close(self, call: CallReceived) -> None:
        del self._open[call.id]

    def close_all(self) -> None:
        self._open.clear()
