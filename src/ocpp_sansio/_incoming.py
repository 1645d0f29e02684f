"""The calls we owe an answer to. Knows no frame and no message."""

from ._memory import Memory
from .errors import LocalProtocolError
from .events import CallReceived

__all__ = ["Incoming"]

#: The peer rejects an answer right after it came: it has one call open, and a few cross.
MOST_RECENT = 8


class Incoming(dict[str, CallReceived]):
    """The calls by id, in order of arrival, each from its event until its answer or the end of the link.

    `recent` are the actions of the last few that were answered, where a CALLRESULTERROR may come, which has
    none.
    """

    __slots__ = ("recent",)

    def __init__(self) -> None:
        super().__init__()
        self.recent: Memory[str] | None = None

    def check_owed(self, call: CallReceived) -> None:
        """Raise LocalProtocolError unless this very call waits for an answer."""
        if type(call) is not CallReceived:
            raise TypeError(f"only a CallReceived can be answered, not {call!r:.60}")
        if self.get(call.id) is not call:
            raise LocalProtocolError(
                f"{call.action} {call.id!r} is not owed an answer: it has one, or came by another connection"
            )

    def remember(self, id: str, action: str) -> None:
        """The call with this id is answered, and its answer may be rejected."""
        if self.recent is None:
            self.recent = Memory(MOST_RECENT)
        self.recent.keep(id, action)

    def take_recent(self, id: object) -> str | None:
        """The action of the call with this id, if it was answered a moment ago; once."""
        return self.recent.pop(id, None) if self.recent and isinstance(id, str) else None
