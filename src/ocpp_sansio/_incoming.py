"""The calls we owe an answer to. Knows no frame and no message."""

from .errors import LocalProtocolError
from .events import CallReceived

__all__ = ["Incoming"]


class Incoming:
    """Open inbound calls by id, in order of arrival.

    A call is in `open` from its event until its answer or the end of the link.
    """

    __slots__ = ("_capacity", "open")

    def __init__(self, capacity: int) -> None:
        self.open: dict[str, CallReceived] = {}
        self._capacity = capacity

    @property
    def full(self) -> bool:
        return len(self.open) >= self._capacity

    def check_owed(self, call: CallReceived) -> None:
        """Raise LocalProtocolError unless this very call waits for an answer."""
        if type(call) is not CallReceived:
            raise TypeError(f"only a CallReceived can be answered, not {call!r:.60}")
        if self.open.get(call.id) is not call:
            raise LocalProtocolError(
                f"{call.action} {call.id!r} is not owed an answer: it has one, or came by another connection"
            )
