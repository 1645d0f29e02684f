"""Link: the state of one end, and the steps that both halves of a connection share: refusing a frame, ending a
call, letting the next one go.

Who waits for what is decided in `_outgoing` and `_incoming`, what a message means in `_dialect`.
"""

from math import inf
from typing import Any, TypeGuard

from ._dialect import Dialect
from ._frames import (
    CALLERROR,
    CALLRESULT,
    CALLRESULTERROR,
    MAX_ECHOED_ID,
    Loads,
    error_of,
    error_text,
    loads_once,
    parse,
)
from ._incoming import Incoming
from ._outgoing import Outgoing
from .errors import ERRORS_BY_CODE, ErrorCode, OCPPError, Rejection, RemoteProtocolError
from .events import CallFailed, CallTimedOut, Event, FrameRejected, PendingCall
from .messages import Origin, Raw, Role
from .policies import Limits
from .state import BootGate, BootStatus, StationState
from .validation import Violation

__all__ = ["Link", "check_instant"]


class Link:
    """State of one end of an OCPP link."""

    __slots__ = (
        "_bad_frames",
        "_closed",
        "_dialect",
        "_events",
        "_frames",
        "_gate",
        "_half_duplex",
        "_incoming",
        "_limits",
        "_loads",
        "_now",
        "_outgoing",
        "_replays",
        "_shut",
        "_state",
        "_timeouts",
        "_watches",
    )

    def __init__(
        self,
        dialect: Dialect,
        limits: Limits,
        *,
        loads: Loads | None,
        replays: bool,
        half_duplex: bool,
        state: StationState | None,
        gate: BootGate | None,
    ) -> None:
        self._dialect = dialect
        self._limits = limits
        self._loads = loads_once if limits.reject_duplicate_keys else loads
        self._replays = replays
        self._half_duplex = half_duplex
        self._state = state
        self._gate = gate
        rejectable = CALLRESULTERROR in dialect.rules.message_types
        self._outgoing = Outgoing(limits.queued_calls, limits.remembered_ids, rejectable=rejectable)
        self._incoming = Incoming()
        # Short by `limits.undrained`: pop(0) on a list is cheap.
        self._frames: list[str | PendingCall[Any]] = []
        self._events: list[Event] = []
        # Whether an answer of ours has consequences.
        self._watches = half_duplex or state is not None or rejectable
        self._shut: tuple[BootStatus, int] | None = None  # what the gate looked like when it let nobody pass
        self._now = -inf
        self._closed = False
        self._timeouts = 0
        self._bad_frames = 0

    def _reject(
        self,
        text: str,
        reason: Rejection,
        message: str,
        id: str | None = None,
        *,
        code: ErrorCode | None = None,
        details: dict[str, Any] | None = None,
        answer: bool = True,
    ) -> None:
        """Record a frame that was not accepted, and answer it if it is one to answer and this version has an
        answer to it.
        """
        earned = code or self._dialect.rules.answers[reason]
        error = ERRORS_BY_CODE[earned or ErrorCode.FORMAT_VIOLATION](message, details)
        to = self._id_to_answer(id) if answer and earned is not None and not self._mute else None
        if to is not None:
            self._frames.append(self._error_frame(to, error))
        self._events.append(FrameRejected(text, reason, error, to))

    @property
    def _mute(self) -> bool:
        """Whether we are a station that may not answer at all (J16-505)."""
        return (
            self._gate is not None
            and self._state is not None
            and self._dialect.role is Role.CHARGING_STATION
            and self._state.boot is BootStatus.REJECTED
            and not self._dialect.rules.boot.rejected_answers
        )

    def _id_to_answer(self, id: str | None) -> str | None:
        """The id under which to refuse a CALL whose id is this, or could not be read."""
        if id is None or len(id) > MAX_ECHOED_ID:
            return self._dialect.rules.unreadable_id
        # L-411: the peer would take it for the answer to the call that is being handled.
        return id if id not in self._incoming else None

    def _error_frame(self, id: str, error: OCPPError, kind: int = CALLERROR) -> str:
        """Raises TypeError or ValueError if the error cannot be written."""
        if self._could_leave(error.origin, kind, id):
            came = error_of(parse(error.origin.frame, self._loads))
            if (came.code, came.description, came.details) == (error.code, error.description, error.details):
                return error.origin.frame
        return error_text(id, self._dialect.rules.spell(error.code), error, kind)

    def _as_it_came(self, message: object, kind: int, id: str | None) -> str | None:
        """The frame that a Raw came in, if it was not changed since and could leave in the same."""
        if not isinstance(message, Raw) or not self._could_leave(message.origin, kind, id):
            return None
        _, _, *action, payload = parse(message.origin.frame, self._loads)
        unchanged = action in ([], [message.action]) and (payload or {}) == message.payload
        return message.origin.frame if unchanged else None

    def _could_leave(self, origin: Origin | None, kind: int, id: str | None) -> TypeGuard[Origin]:
        """Whether a frame of this origin is the one to send under this id."""
        return origin is not None and origin[:3] == (self._dialect.version.value, kind, id)

    def _fail_call(
        self,
        pending: PendingCall[Any],
        problem: str,
        payload: Any,
        reason: Rejection,
        violation: Violation | None = None,
        kind: int | None = CALLRESULT,
    ) -> None:
        """The call in the slot got something unusable; of a CALLRESULT, 2.1 lets us say so (J21-305)."""
        message = f"the answer to {pending.action} {pending.id!r} {problem}"
        if kind == CALLRESULT and CALLRESULTERROR in self._dialect.rules.message_types:
            rules = self._dialect.rules
            code = self._dialect.code_of(violation) if violation is not None else rules.answers[reason]
            error = ERRORS_BY_CODE[code or ErrorCode.FORMAT_VIOLATION](message)
            self._frames.append(self._error_frame(pending.id, error, CALLRESULTERROR))
        self._end_call(CallFailed(pending, RemoteProtocolError(message, violation), payload))

    def _end_call(self, event: Event) -> None:
        """The call in the slot was answered, in whatever way."""
        self._outgoing.free_slot()
        self._timeouts = 0
        self._events.append(event)
        self._turn()

    def _turn(self) -> None:
        """End what has expired, then let the next call go out if the slot is free."""
        for call in self._outgoing.take_expired(self._now):
            self._timeouts += call.released
            self._withdraw(call)
            self._events.append(CallTimedOut(call))
        if self._outgoing.slot is None and self._outgoing.waiting and not self._still_shut():
            released = self._outgoing.next_turn(self._now, self._may_go)
            if released is not None:
                self._frames.append(released)
            elif self._state is not None:
                self._shut = (self._state.boot, len(self._state.requested))

    def _still_shut(self) -> bool:
        """Whether all that wait were looked at and held back, and nothing has changed since."""
        if self._half_duplex and self._incoming:
            return True
        return self._state is not None and self._shut == (self._state.boot, len(self._state.requested))

    def _may_go(self, action: str) -> bool:
        """Whether a call of ours may go out now, as far as the slot is not concerned."""
        if self._half_duplex and self._incoming:
            return False
        return self._gate is None or self._admits(action, inbound=False)

    def _admits(self, action: str, *, inbound: bool) -> bool:
        """Whether the boot gate lets a message pass."""
        here = self._dialect.role
        assert self._gate is not None and here is not None and self._state is not None
        sender = here.peer if inbound else here
        return self._gate.admits(sender, here, self._state, self._dialect.rules.boot, action)

    def _withdraw(self, call: PendingCall[Any]) -> None:
        """Take back the frame of a call that has ended before it was pulled."""
        if not call.released and call in self._frames:
            self._frames.remove(call)

    def _advance(self, now: float | None) -> None:
        if now is None or now == self._now:
            return
        check_instant(now)
        if now > self._now:  # a clock that runs back is clamped
            self._now = now


def check_instant(now: float) -> None:
    if not -inf < now < inf:
        raise ValueError(f"now is a finite number of seconds, not {now!r}")
