"""What happened: the calls that wait for an end, and the flat union of events that `Connection.next_event`
hands out.

Kinds, not actions: the action is the type of `.request`, so `case
CallReceived(request=call.BootNotification())` works. Events are immutable by contract, not by machinery,
which would double the cost of making one.
"""

from typing import Any, Generic, TypeAlias, TypeVar, final

import attrs

from .errors import OCPPError, Rejection, RemoteProtocolError
from .messages import Request, Response
from .validation import Violation

__all__ = [
    "CallErrorReceived",
    "CallFailed",
    "CallLost",
    "CallReceived",
    "CallResultReceived",
    "CallTimedOut",
    "CloseRequested",
    "Closed",
    "DuplicateCallReceived",
    "Event",
    "FrameRejected",
    "LateResponseReceived",
    "PendingCall",
    "UnmatchedResponseReceived",
]

Answer = TypeVar("Answer", bound=Response)


def _shown(text: str) -> str:
    """A frame in a `repr`: whole if it is of everyday size."""
    return repr(text) if len(text) <= 1000 else f"<{len(text)} characters: {text[:60]!r}...>"


@final
@attrs.define(eq=False, weakref_slot=False)
class PendingCall(Generic[Answer]):
    """A call that was asked for with `Connection.call`. It ends with exactly one event.

    `released` says whether its frame was pulled, so that the peer may have seen it; `timeout` is how many
    seconds its answer may take once it is its turn.
    """

    id: str
    action: str
    request: Request[Any, Answer]
    timeout: float
    released: bool = False
    # The bookkeeping of `_outgoing`: the frame until it is pulled, and the instants when patience ends.
    _text: str | None = attrs.field(default=None, repr=False, alias="_text")
    _deadline: float | None = attrs.field(default=None, repr=False, alias="_deadline")
    _expires: float | None = attrs.field(default=None, repr=False, alias="_expires")

    def response_in(self, event: "Event | None") -> Answer | None:
        """The typed answer if the event is the result of this call, else None."""
        if isinstance(event, CallResultReceived) and event.pending is self:
            return event.response  # type: ignore[return-value]  # the decoder made it from request.__answer__
        return None


@final
@attrs.define(weakref_slot=False)
class CallReceived:
    """The peer asks; it is owed `Connection.reply` or `Connection.reply_error`.

    `payload` is the JSON object behind `request`; `violations` are departures that were understood all the
    same.
    """

    id: str
    action: str
    request: Request[Any, Any]
    payload: dict[str, Any]
    violations: tuple[Violation, ...]
    text: str = attrs.field(repr=_shown)


@final
@attrs.define(weakref_slot=False)
class CallResultReceived:
    """Our call was answered."""

    pending: PendingCall[Any]
    response: Response
    payload: dict[str, Any]
    violations: tuple[Violation, ...]


@final
@attrs.define(weakref_slot=False)
class CallErrorReceived:
    """Our call was answered with a CALLERROR."""

    pending: PendingCall[Any]
    error: OCPPError


@final
@attrs.define(weakref_slot=False)
class CallFailed:
    """Our call was answered with something unusable: a CALLRESULT that is malformed or does not match its
    schema.

    `payload` is what stood in the place of the payload, None if nothing did.
    """

    pending: PendingCall[Any]
    error: RemoteProtocolError
    payload: Any


@final
@attrs.define(weakref_slot=False)
class CallTimedOut:
    """No answer in time, or no turn within `queue_timeout`: `pending.released` tells which."""

    pending: PendingCall[Any]


@final
@attrs.define(weakref_slot=False)
class CallLost:
    """The link closed first, or the call was abandoned before it was its turn."""

    pending: PendingCall[Any]


@final
@attrs.define(weakref_slot=False)
class LateResponseReceived:
    """The answer to a call that has timed out (L-307).

    `error` is set for a CALLERROR, `payload` for a CALLRESULT.
    """

    pending: PendingCall[Any]
    payload: Any
    error: OCPPError | None
    text: str = attrs.field(repr=_shown)


@final
@attrs.define(weakref_slot=False)
class UnmatchedResponseReceived:
    """An answer to nothing that was asked here (L-307).

    `error` is set for a CALLERROR, `payload` for a CALLRESULT.
    """

    id: Any
    payload: Any
    error: OCPPError | None
    text: str = attrs.field(repr=_shown)


@final
@attrs.define(weakref_slot=False)
class DuplicateCallReceived:
    """A CALL whose id is still being handled.

    Dropped: an error would be taken for the answer to the first (L-411).
    """

    call: CallReceived
    text: str = attrs.field(repr=_shown)


@final
@attrs.define(weakref_slot=False)
class FrameRejected:
    """Not a frame, or a CALL that was refused.

    `error` says what is wrong, in the terms of this version; `answered_with` is the id under which it was
    sent as CALLERROR, None if the frame is not one to answer.
    """

    text: str = attrs.field(repr=_shown)
    reason: Rejection
    error: OCPPError
    answered_with: str | None


@final
@attrs.define(weakref_slot=False)
class CloseRequested:
    """Whoever drives the connection should close the WebSocket with this code.

    The connection itself stays usable.
    """

    code: int
    reason: str


@final
@attrs.define(weakref_slot=False)
class Closed:
    """The link is gone; nothing follows."""


Event: TypeAlias = (
    CallReceived
    | CallResultReceived
    | CallErrorReceived
    | CallFailed
    | CallTimedOut
    | CallLost
    | LateResponseReceived
    | UnmatchedResponseReceived
    | DuplicateCallReceived
    | FrameRejected
    | CloseRequested
    | Closed
)
