"""The half of a connection that takes frames: what arrives becomes events, answers and refusals."""

from collections.abc import Callable, Mapping
from typing import Any

from ._codec import Refused
from ._frames import (
    CALL,
    CALLERROR,
    CALLRESULT,
    CALLRESULTERROR,
    MAX_ECHOED_ID,
    SEND,
    Malformed,
    check_nesting,
    error_of,
    object_of,
    parse,
    read_call,
    readable_id,
    result_text,
)
from ._link import Link
from ._values import is_unicode
from .errors import ERRORS_BY_CODE, ErrorCode, OCPPError, Rejection, RemoteProtocolError
from .events import (
    CallErrorReceived,
    CallFailed,
    CallReceived,
    CallResultErrorReceived,
    CallResultReceived,
    CloseRequested,
    DuplicateCallReceived,
    Event,
    FrameRejected,
    LateResponseReceived,
    PendingCall,
    SendReceived,
    UnmatchedResponseReceived,
)
from .messages import Origin, Raw, Role, Unconfirmed
from .state import BootStatus
from .validation import Violation, explain

__all__ = ["Inbound"]

#: Of a text that is too big to be looked at, what a rejection keeps.
KEPT = 1000

_TOO_FAST = CloseRequested(1008, "frames arrive faster than they are handled")

#: Reasons that leave nothing of a frame: the sign of a peer that speaks something else.
_UNREADABLE = frozenset(
    {
        Rejection.NOT_JSON,
        Rejection.NOT_A_FRAME,
        Rejection.NOT_UNICODE,
        Rejection.TOO_DEEP,
        Rejection.BROKEN_CALL,
        Rejection.UNKNOWN_MESSAGE_TYPE,
        Rejection.MALFORMED_CALL,
        Rejection.ID_NOT_TEXT,
    }
)


class Inbound(Link):
    """What one end does with a frame that arrives."""

    __slots__ = ()

    def receive_text(self, text: str | bytes | bytearray, *, now: float) -> None:
        """Take one whole WebSocket text message; bytes are its undecoded UTF-8.

        No text makes this raise or break the connection. Of duplicate keys in an object the last one wins,
        unless `Limits.reject_duplicate_keys` is set. After `receive_close` it does nothing. Afterwards pull
        frames and events.
        """
        if now != self._now:
            self._advance(now)
        if self._closed:
            return
        undrained = self._events or self._frames
        if undrained and len(self._events) + len(self._frames) >= self._limits.undrained:
            # Dropped, as if the wire had lost it; the ends of calls are still recorded, and they are bounded.
            if self._events[-1:] != [_TOO_FAST]:
                self._events.append(_TOO_FAST)
            return
        if type(text) is not str or len(text) > self._limits.frame_size:
            readable = self._readable(text)
            if readable is None:
                return
            text = readable
        try:
            frame = parse(text, self._loads)
            receive = _RECEIVERS.get(frame[0])
            if receive is None:
                raise Malformed(
                    Rejection.UNKNOWN_MESSAGE_TYPE, f"no message type {frame[0]!r:.20}", id=readable_id(frame)
                )
            receive(self, frame, text)
            self._bad_frames = 0
        except Malformed as problem:
            self._receive_malformed(text, problem)

    def _readable(self, text: str | bytes | bytearray) -> str | None:
        """The text, if it is one of a size to look at; otherwise it is rejected."""
        most = self._limits.frame_size
        if not isinstance(text, str) and len(text) <= 4 * most:  # a character is 4 bytes of UTF-8 at most
            try:
                text = text.decode()
            except UnicodeDecodeError as error:
                problem = f"not UTF-8: {error.reason} at byte {error.start}"
                self._reject(error.object[:KEPT].decode(errors="replace"), Rejection.NOT_UTF8, problem)
                self._events.append(CloseRequested(1007, "text is not UTF-8"))  # RFC 6455, 8.1
                return None
        if isinstance(text, str) and len(text) <= most:
            return text
        size = f"{len(text)} {'characters' if isinstance(text, str) else 'bytes'}, at most {most} characters"
        kept = text[:KEPT]
        shown = kept if isinstance(kept, str) else kept.decode(errors="replace")
        self._reject(shown, Rejection.TOO_BIG, size)
        self._events.append(CloseRequested(1009, size))
        return None

    def _receive_malformed(self, text: str, problem: Malformed) -> None:
        kind = problem.kind
        if kind in (CALLRESULT, CALLERROR):
            self._receive_ruined_answer(text, problem)
        elif kind in (CALLRESULTERROR, SEND) and kind in self._dialect.rules.message_types:
            self._reject(text, problem.reason, str(problem), answer=False)  # J21-304
        else:
            self._reject(text, problem.reason, str(problem), problem.id)
        if problem.reason not in _UNREADABLE:
            self._bad_frames = 0
            return
        self._bad_frames += 1
        if self._bad_frames >= self._limits.bad_frames:
            self._events.append(CloseRequested(1008, f"{self._bad_frames} unreadable frames in a row"))
            self._bad_frames = 0

    def _reject(
        self,
        text: str,
        reason: Rejection,
        message: str,
        id: str | None = None,
        violation: Violation | None = None,
        *,
        answer: bool = True,
    ) -> None:
        """Record a frame that was not accepted, and answer it if it is one to answer and this version has an
        answer to it.
        """
        earned = self._dialect.code_for(reason, violation)
        details = None if violation is None else {"path": violation.path, "keyword": violation.keyword}
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

    # A CALL.

    def _receive_call(self, frame: list[Any], text: str) -> None:
        id, action, payload = read_call(frame)
        if id in self._incoming:
            self._events.append(DuplicateCallReceived(id, self._incoming[id], text))
            return
        # L-425: frame, then gate, then action and direction, then payload.
        if self._gate is not None and not self._admits(action, inbound=True):
            self._refuse_unaccepted(text, id, action)
            return
        if self._replays and self._replay(id, text):
            return
        cls = self._dialect.asked.get(action)
        if cls is None:
            cls = self._class_not_asked(id, action)
        if type(payload) is not dict:
            payload = object_of(frame)
        if self._incoming and len(self._incoming) >= self._limits.open_calls:
            message = f"{len(self._incoming)} calls wait for an answer already"
            raise Malformed(Rejection.TOO_MANY_CALLS, message, CALL, id)
        try:
            request, violations = self._dialect.read(cls, action, payload, frame, text)
        except Refused as refused:
            violation = explain(refused, receiving=True)
            self._reject(text, Rejection.INVALID_PAYLOAD, str(violation), id, violation)
            return
        received = CallReceived(id, action, request, payload, violations, text)
        self._incoming[id] = received
        self._events.append(received)

    def _replay(self, id: str, text: str) -> bool:
        """Send the answer again if this very call got one."""
        assert self._state is not None
        answer = self._state.answer_to(id, text)
        if answer is None:
            return False
        self._frames.append(answer)
        self._events.append(DuplicateCallReceived(id, None, text))
        return True

    def _class_not_asked(self, id: str, action: str) -> type[Raw]:
        """The class of an action that no peer may call, as far as is known; and nobody wants it judged."""
        if action in self._dialect.calls:
            raise self._wrong_direction(action, CALL, id)
        if action in self._dialect.sends:
            message = f"{action} travels as a SEND, not as a CALL"
            raise Malformed(Rejection.ONLY_AS_SEND, message, CALL, id)
        if self._dialect.judges(action):
            raise Malformed(Rejection.UNKNOWN_ACTION, f"unknown action {action!r:.60}", CALL, id)
        return Raw

    def _wrong_direction(self, action: str, kind: int, id: str) -> Malformed:
        assert self._dialect.role is not None
        message = f"{action} is sent by the {self._dialect.role.value}, not to it"
        return Malformed(Rejection.WRONG_DIRECTION, message, kind, id)

    def _refuse_unaccepted(self, text: str, id: str, action: str) -> None:
        """Refuse what may not come before acceptance, as role and version want it (chapter 5)."""
        assert self._state is not None
        status = self._state.boot
        barred = action in self._dialect.rules.boot.barred
        message = f"{action} may not be sent while the station is {status.value}"
        if barred and status is BootStatus.PENDING and self._dialect.role is Role.CHARGING_STATION:
            self._frames.append(result_text(id, '{"status":"Rejected"}'))  # J16-503, J201-503
            error = ERRORS_BY_CODE[ErrorCode.SECURITY_ERROR](message)
            self._events.append(FrameRejected(text, Rejection.NOT_ACCEPTED, error, id))
        else:
            self._reject(text, Rejection.NOT_ACCEPTED, message, id)

    # A SEND (2.1), which is never answered (J21-304).

    def _receive_send(self, frame: list[Any], text: str) -> None:
        self._check_type(SEND, frame)
        id, action, _ = read_call(frame)
        cls: type[Unconfirmed | Raw] | None = self._dialect.sends.get(action)
        if self._gate is not None and not self._admits(action, inbound=True):
            message = f"{action} may not be sent before the station is accepted"  # L-511
            raise Malformed(Rejection.NOT_ACCEPTED, message, SEND, id)
        if cls is None:
            if self._dialect.judges(action):
                raise Malformed(Rejection.UNKNOWN_ACTION, f"no message {action!r:.60} is a SEND", SEND, id)
            cls = Raw
        elif self._dialect.is_ours(cls):
            raise self._wrong_direction(action, SEND, id)
        payload = object_of(frame)
        try:
            sent, violations = self._dialect.read(cls, action, payload, frame, text)
        except Refused as refused:
            violation = explain(refused, receiving=True)
            reason = Rejection.INVALID_PAYLOAD
            self._reject(text, reason, str(violation), violation=violation, answer=False)
            return
        self._events.append(SendReceived(id, action, sent, payload, violations, text))

    def _check_type(self, kind: int, frame: list[Any]) -> None:
        if kind not in self._dialect.rules.message_types:
            version = self._dialect.version.value
            raise Malformed(
                Rejection.UNKNOWN_MESSAGE_TYPE,
                f"no message type {kind} in OCPP {version}",
                id=readable_id(frame),
            )

    # Answers.

    def _receive_result(self, frame: list[Any], text: str) -> None:
        id = frame[1] if len(frame) > 1 else None
        payload = frame[2] if len(frame) > 2 else None
        if payload is None and len(frame) == 3:  # J16-210: another way to write {}
            payload = {}
        pending = self._outgoing.answered(id)
        if pending is None:
            check_nesting(frame, self._limits.nesting)
            self._receive_stray(id, payload, None, text)
            return
        if len(frame) != 3:
            problem = f"has {len(frame)} elements; a CALLRESULT has 3"
            self._fail_call(pending, problem, payload, Rejection.MALFORMED_CALL)
            return
        if type(payload) is not dict:
            problem = "has a payload that is not an object"
            self._fail_call(pending, problem, payload, Rejection.PAYLOAD_NOT_AN_OBJECT)
            return
        request = pending.request
        try:
            response, violations = self._dialect.read(
                request.__answer__, pending.action, payload, frame, text
            )
        except Refused as refused:
            violation = explain(refused, receiving=True)
            self._fail_call(
                pending, f"is invalid: {violation}", payload, Rejection.INVALID_PAYLOAD, violation
            )
            return
        if self._state is not None:
            self._state.observe(self._dialect.rules.boot, pending.action, request, response)
        self._end_call(CallResultReceived(pending, response, payload, violations))

    def _receive_error(self, frame: list[Any], text: str) -> None:
        id = frame[1] if len(frame) > 1 else None
        error = self._error_in(frame, id, text)
        pending = self._outgoing.answered(id)
        if pending is None:
            self._receive_stray(id, None, error, text)
            return
        self._end_call(CallErrorReceived(pending, error))

    def _receive_result_error(self, frame: list[Any], text: str) -> None:
        self._check_type(CALLRESULTERROR, frame)
        id = frame[1] if len(frame) > 1 else None
        action = self._incoming.take_recent(id)
        self._events.append(CallResultErrorReceived(id, action, self._error_in(frame, id, text), text))

    def _error_in(self, frame: list[Any], id: Any, text: str) -> OCPPError:
        check_nesting(frame, self._limits.nesting)
        error = error_of(frame)
        if isinstance(id, str) and (text.isascii() or is_unicode(text)):
            error.origin = Origin(self._dialect.version.value, frame[0], id, text)
        return error

    def _receive_ruined_answer(self, text: str, problem: Malformed) -> None:
        """An answer that cannot be read whole, but whose call can be told, ends that call; it is never
        answered as a CALL would be.
        """
        pending = self._outgoing.answered(problem.id)
        head = problem.frame or []
        error = error_of(head) if problem.kind == CALLERROR and len(head) > 2 else None
        if pending is None:
            late = self._outgoing.take_late(problem.id)
            if late is not None:
                self._events.append(LateResponseReceived(late, None, error, text))
            else:
                self._reject(text, problem.reason, str(problem), answer=False)
        elif error is not None:
            self._end_call(CallErrorReceived(pending, error))
        else:
            self._fail_call(pending, f"cannot be read: {problem}", None, problem.reason, kind=problem.kind)

    def _receive_stray(self, id: Any, payload: Any, error: OCPPError | None, text: str) -> None:
        """An answer to no live call: an event and nothing else, for an answer is never answered (J16-404)."""
        late = self._outgoing.take_late(id)
        if late is not None:
            self._events.append(LateResponseReceived(late, payload, error, text))
        else:
            self._events.append(UnmatchedResponseReceived(id, payload, error, text))

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
            code = self._dialect.code_for(reason, violation)
            error = ERRORS_BY_CODE[code or ErrorCode.FORMAT_VIOLATION](message)
            self._frames.append(self._error_frame(pending.id, error, CALLRESULTERROR))
        self._end_call(CallFailed(pending, RemoteProtocolError(message, violation), payload))

    def _end_call(self, event: Event) -> None:
        """The call in the slot was answered, in whatever way."""
        self._outgoing.free_slot()
        self._timeouts = 0
        self._events.append(event)
        self._turn()


_RECEIVERS: Mapping[Any, Callable[[Inbound, list[Any], str], None]] = {
    CALL: Inbound._receive_call,
    CALLRESULT: Inbound._receive_result,
    CALLERROR: Inbound._receive_error,
    CALLRESULTERROR: Inbound._receive_result_error,
    SEND: Inbound._receive_send,
}
