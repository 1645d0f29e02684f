"""What happened: the calls that wait for an end, and the flat union of events that `Connection.next_event`
hands out.

Kinds, not actions: the action is the type of `.request`, so `case
CallReceived(request=call.BootNotification())` works. Events are immutable by contract, not by machinery,
which would double the cost of making one.
"""

from typing import Any, Generic, TypeAlias, TypeVar, final

import attrs

from ._values import brief
from .errors import OCPPError, Rejection, RemoteProtocolError
from .messages import Raw, Request, Response, Unconfirmed
from .validation import Violation

__all__ = [
    "CallErrorReceived",
    "CallFailed",
    "CallLost",
    "CallReceived",
    "CallResultErrorReceived",
    "CallResultReceived",
    "CallTimedOut",
    "CloseRequested",
    "Closed",
    "DuplicateCallReceived",
    "Event",
    "FrameRejected",
    "LateResponseReceived",
    "PendingCall",
    "SendReceived",
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
    action: str = attrs.field(repr=brief)
    request: Request[Any, Any] = attrs.field(repr=brief)
    payload: dict[str, Any] = attrs.field(repr=brief)
    violations: tuple[Violation, ...]
    text: str = attrs.field(repr=_shown)


@final
@attrs.define(weakref_slot=False)
class CallResultReceived:
    """Our call was answered. In OCPP 2.1, `Connection.reject_result` says that the answer is no good."""

    pending: PendingCall[Any]
    response: Response = attrs.field(repr=brief)
    payload: dict[str, Any] = attrs.field(repr=brief)
    violations: tuple[Violation, ...]


@final
@attrs.define(weakref_slot=False)
class CallErrorReceived:
    """Our call was answered with a CALLERROR."""

    pending: PendingCall[Any]
    error: OCPPError = attrs.field(repr=brief)


@final
@attrs.define(weakref_slot=False)
class CallFailed:
    """Our call was answered with something unusable: a CALLRESULT that is malformed or does not match its
    schema.

    `payload` is what stood in the place of the payload, None if nothing did.
    """

    pending: PendingCall[Any]
    error: RemoteProtocolError = attrs.field(repr=brief)
    payload: Any = attrs.field(repr=brief)


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
    payload: Any = attrs.field(repr=brief)
    error: OCPPError | None = attrs.field(repr=brief)
    text: str = attrs.field(repr=_shown)


@final
@attrs.define(weakref_slot=False)
class UnmatchedResponseReceived:
    """An answer to nothing that was asked here (L-307).

    `error` is set for a CALLERROR, `payload` for a CALLRESULT.
    """

    id: Any = attrs.field(repr=brief)
    payload: Any = attrs.field(repr=brief)
    error: OCPPError | None = attrs.field(repr=brief)
    text: str = attrs.field(repr=_shown)


@final
@attrs.define(weakref_slot=False)
class DuplicateCallReceived:
    """A CALL that came before.

    `call` is the first one while it is being handled: the second is dropped then, for an error would be taken
    for the answer to the first (L-411). None if it was answered: that answer was sent again (L-205).
    """

    id: str
    call: CallReceived | None = attrs.field(repr=brief)
    text: str = attrs.field(repr=_shown)


@final
@attrs.define(weakref_slot=False)
class SendReceived:
    """The peer tells, and expects no answer of any kind (OCPP 2.1, J21-304).

    The members are those of a `CallReceived`.
    """

    id: str
    action: str = attrs.field(repr=brief)
    message: Unconfirmed | Raw = attrs.field(repr=brief)
    payload: dict[str, Any] = attrs.field(repr=brief)
    violations: tuple[Violation, ...]
    text: str = attrs.field(repr=_shown)


@final
@attrs.define(weakref_slot=False)
class CallResultErrorReceived:
    """The peer could not process an answer of ours (OCPP 2.1, J21-305).

    `id` is that of the peer's call; `action` its action, None if it is not among the last few that were
    answered.
    """

    id: Any = attrs.field(repr=brief)
    action: str | None
    error: OCPPError = attrs.field(repr=brief)
    text: str = attrs.field(repr=_shown)


@final
@attrs.define(weakref_slot=False)
class FrameRejected:
    """Not a frame, or a CALL or a SEND that was refused.

    `error` says what is wrong, with an `ErrorCode`, which some versions spell otherwise on the wire;
    `answered_with` is the id under which the peer was answered, None if the frame is not one to answer. Of a
    text that is too big, `text` is the beginning.
    """

    text: str = attrs.field(repr=_shown)
    reason: Rejection
    error: OCPPError = attrs.field(repr=brief)
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
    | SendReceived
    | CallResultErrorReceived
    | FrameRejected
    | CloseRequested
    | Closed
)
