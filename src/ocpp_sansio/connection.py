"""Connection: one end of one OCPP link, as a pure state machine.

Inputs change state, pulls hand out results, properties are pure. There is no socket, clock or callback in
here; what each message type is made of, and who waits for what, is decided in the rooms below.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping
from math import inf
from typing import Any, ClassVar, TypeVar

import attrs

from ._codec import Refused, decoder, widened_decoder
from ._frames import (
    CALL,
    CALLERROR,
    CALLRESULT,
    MAX_ECHOED_ID,
    MAX_ID,
    Malformed,
    call_text,
    error_of,
    error_text,
    parse,
    read_call,
    readable_id,
    result_text,
)
from ._incoming import Incoming
from ._outgoing import Outgoing
from ._shape import NO_LENGTHS, Lengths, members
from ._values import Note, is_unicode
from .errors import (
    ERRORS_BY_CODE,
    ConnectionClosed,
    ErrorCode,
    LocalProtocolError,
    OCPPError,
    Rejection,
    RemoteProtocolError,
)
from .events import (
    CallErrorReceived,
    CallFailed,
    CallLost,
    CallReceived,
    CallResultReceived,
    CallTimedOut,
    Closed,
    CloseRequested,
    DuplicateCallReceived,
    Event,
    FrameRejected,
    LateResponseReceived,
    PendingCall,
    UnmatchedResponseReceived,
)
from .messages import Message, Request, Response, Role
from .validation import Violation, encode, explain, noted
from .version import Catalogue, Version

__all__ = ["Connection", "Limits"]

Answer = TypeVar("Answer", bound=Response)


@attrs.frozen(kw_only=True)
class Limits:
    """What one connection holds at most. All are counts but `frame_size`, which is in characters."""

    frame_size: int = 2**20  # L-132; a bigger frame is rejected with CloseRequested(1009)
    queued_calls: int = 1000  # calls of ours that wait for their turn; one more is QueueFull
    open_calls: int = 32  # calls of the peer that we have not answered; one more earns GenericError
    undrained: int = (
        1000  # events and frames not pulled; at the limit, frames are dropped as if lost on the wire
    )
    remembered_ids: int = 100  # calls that timed out, so that a late answer is known as one

    def __attrs_post_init__(self) -> None:
        for name, value in attrs.asdict(self).items():
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"Limits.{name} is a positive whole number, not {value!r}")


class Connection:
    """One end of an OCPP link.

    `role` is the end that we are; None leaves directions unchecked, for a tool that stands on either side.
    `version` is a `Version`, its number or its subprotocol. `call_timeout` is the time in seconds that an
    answer may take. `new_id` makes message ids: unique, 1 to 36 characters; without it they are a random
    prefix and a counter (J16-205, L-205).

    `extensions` are request classes of actions that the standard does not have, declared as its own are or by
    `Raw.declare`. `field_lengths` are longer maxima for members of messages, by the names that the variable
    FieldLength uses: `{"Get15118EVCertificateRequest.exiRequest": 20000}`.

    Not thread-safe: give inputs, pull and write under one lock, or frames reorder.
    """

    __slots__ = (
        "_call_timeout",
        "_calls_made",
        "_catalogue",
        "_closed",
        "_events",
        "_frames",
        "_id_prefix",
        "_incoming",
        "_lengths",
        "_limits",
        "_new_id",
        "_now",
        "_outgoing",
        "_role",
        "_timeouts",
        "_version",
    )

    def __init__(
        self,
        role: Role | None,
        version: Version | str,
        *,
        call_timeout: float = 30.0,
        new_id: Callable[[], str] | None = None,
        limits: Limits | None = None,
        extensions: Iterable[type[Request[Any, Any]]] = (),
        field_lengths: Mapping[str, int] | None = None,
    ) -> None:
        if role is not None and not isinstance(role, Role):
            raise TypeError(f"role is Role.CSMS or Role.CHARGING_STATION, not {role!r}")
        self._role = role
        self._version = Version(version)
        self._call_timeout = _seconds("call_timeout", call_timeout)
        self._catalogue = _extended(self._version, extensions)
        self._lengths = _lengths(self._catalogue, field_lengths or {})
        self._limits = _DEFAULT_LIMITS if limits is None else limits
        self._outgoing = Outgoing(self._limits.queued_calls, self._limits.remembered_ids)
        self._incoming = Incoming(self._limits.open_calls)
        # Short by `limits.undrained`: pop(0) on a list is cheap.
        self._frames: list[str | PendingCall[Any]] = []
        self._events: list[Event] = []
        self._now = -inf
        self._closed = False
        self._timeouts = 0
        self._new_id = new_id
        self._id_prefix = secrets.token_hex(12)
        self._calls_made = 0

    # What you ask for.

    def call(
        self,
        request: Request[Any, Answer],
        *,
        now: float,
        timeout: float | None = None,
        queue_timeout: float | None = None,
        id: str | None = None,
    ) -> PendingCall[Answer]:
        """Ask the peer. The call goes out now, or waits until the one before has ended (J16-301).

        `timeout` is the time in seconds that the answer may take once it is its turn (default:
        `call_timeout`); `queue_timeout` the time that it may wait for its turn (default: any).
        Raises SchemaViolation, LocalProtocolError for a request that is not ours to send, QueueFull,
        ConnectionClosed, and TypeError or ValueError for wrong arguments. Afterwards pull frames; one event
        will end the call.
        """
        self._check_open()
        self._check_request(request)
        patience = self._call_timeout if timeout is None else _seconds("timeout", timeout)
        if queue_timeout is not None:
            _seconds("queue_timeout", queue_timeout)
        self._outgoing.check_room()
        payload = encode(request, self._lengths.get(type(request), NO_LENGTHS))
        _check_instant(now)
        id = self._id_for_call(id)
        self._advance(now)
        action = request.__action__
        pending = PendingCall(id, action, request, patience, _text=call_text(id, action, payload))
        if self._outgoing.add(pending, self._now, queue_timeout):
            self._frames.append(pending)
        return pending

    def reply(self, received: CallReceived, response: Response, *, now: float | None = None) -> None:
        """Answer a call of the peer with a CALLRESULT.

        Raises TypeError if the response is not of the request's type, SchemaViolation (the call still waits
        for its answer then), LocalProtocolError if it has one already, ConnectionClosed. Afterwards pull
        frames.
        """
        self._check_open()
        self._incoming.check_owed(received)
        expected = received.request.__answer__
        if type(response) is not expected:
            raise TypeError(
                f"{received.action} is answered with {_name(expected)}, not with {_name(type(response))}"
            )
        payload = encode(response, self._lengths.get(expected, NO_LENGTHS))
        frame = result_text(received.id, payload)
        if now is not None and now != self._now:
            self._advance(now)
        del self._incoming.open[received.id]
        self._frames.append(frame)

    def reply_error(self, received: CallReceived, error: OCPPError, *, now: float | None = None) -> None:
        """Answer a call of the peer with a CALLERROR; a description of more than 255 characters is cut.

        Raises TypeError or ValueError if the error is not an OCPPError with JSON details, LocalProtocolError
        if the call is answered already, ConnectionClosed. Afterwards pull frames.
        """
        self._check_open()
        self._incoming.check_owed(received)
        if not isinstance(error, OCPPError):
            raise TypeError(f"a CALLERROR is made from an OCPPError, not from {type(error).__name__}")
        frame = self._error_frame(received.id, error)
        if now is not None and now != self._now:
            self._advance(now)
        del self._incoming.open[received.id]
        self._frames.append(frame)

    def abandon(self, pending: PendingCall[Any], *, now: float | None = None) -> None:
        """Nobody waits for this call any more.

        If the peer cannot have seen it, it is withdrawn, never sent, and ends with CallLost. Otherwise it
        keeps its slot until the answer or the time-out, as the protocol demands. A call that has ended is
        left alone. Afterwards pull frames and events.
        """
        if now is not None and now != self._now:
            self._advance(now)
        if self._outgoing.take_waiting(pending):
            self._withdraw(pending)
            self._events.append(CallLost(pending))
            self._turn()

    # What happened outside.

    def receive_text(self, text: str | bytes, *, now: float) -> None:
        """Take one whole WebSocket text message; bytes are its undecoded UTF-8.

        No text makes this raise or break the connection. Of duplicate keys in an object the last one wins.
        After `receive_close` it does nothing. Afterwards pull frames and events.
        """
        if now != self._now:
            self._advance(now)
        if self._closed:
            return
        if len(self._events) + len(self._frames) >= self._limits.undrained:
            # Dropped, as if the wire had lost it; the ends of calls are still recorded, and they are bounded.
            if self._events[-1:] != [_TOO_FAST]:
                self._events.append(_TOO_FAST)
            return
        if not isinstance(text, str):
            encoded = text
            try:
                text = encoded.decode()
            except UnicodeDecodeError as error:
                problem = f"not UTF-8: {error.reason} at byte {error.start}"
                self._reject(encoded.decode(errors="replace"), Rejection.NOT_UTF8, problem)
                self._events.append(CloseRequested(1007, "text is not UTF-8"))  # RFC 6455, 8.1
                return
        if len(text) > self._limits.frame_size:
            size = f"{len(text)} characters, at most {self._limits.frame_size}"
            self._reject(text, Rejection.TOO_BIG, size)
            self._events.append(CloseRequested(1009, size))
            return
        try:
            frame = parse(text)
            receive = self._RECEIVERS.get(frame[0])
            if receive is None:
                message = f"no message type {frame[0]!r:.20}"
                raise Malformed(Rejection.UNKNOWN_MESSAGE_TYPE, message, id=readable_id(frame))
            receive(self, frame, text)
        except Malformed as problem:
            if problem.kind in _ANSWER_KINDS:
                self._receive_ruined_answer(text, problem)
            else:
                self._reject(text, problem.reason, problem.message, problem.id)

    def receive_close(self, *, now: float | None = None) -> None:
        """The link is gone: every live call ends with CallLost, nothing is sent any more, `Closed` is the
        last event.
        """
        if now is not None and now != self._now:
            self._advance(now)
        if self._closed:
            return
        self._closed = True
        self._frames.clear()
        self._incoming.open.clear()
        self._events += [CallLost(call) for call in self._outgoing.take_all()]
        self._events.append(Closed())

    def handle_timeout(self, *, now: float) -> None:
        """End the calls whose time is over.

        Any time will do; when nothing is due, nothing happens. Afterwards pull frames and events.
        """
        self._advance(now)
        self._turn()

    # What you take away.

    def next_frame(self) -> str | None:
        """The next text to send as one WebSocket text message, or None."""
        if not self._frames:
            return None
        frame = self._frames.pop(0)
        if type(frame) is str:
            return frame
        assert isinstance(frame, PendingCall)
        frame.released = True
        text, frame._text = frame._text, None
        return text

    def next_event(self) -> Event | None:
        """The next thing that happened, or None."""
        return self._events.pop(0) if self._events else None

    @property
    def role(self) -> Role | None:
        """The end that we are; None if directions are not checked."""
        return self._role

    @property
    def version(self) -> Version:
        """The version that is spoken."""
        return self._version

    @property
    def call_timeout(self) -> float:
        """Seconds that an answer may take where `call` does not say otherwise."""
        return self._call_timeout

    @property
    def deadline(self) -> float | None:
        """When to call `handle_timeout`, on the clock of `now`; None if nothing waits."""
        return self._outgoing.deadline

    @property
    def calls(self) -> tuple[PendingCall[Any], ...]:
        """Our calls that have not ended: the one whose turn it is, then those that wait, in order."""
        return self._outgoing.calls

    @property
    def owed(self) -> tuple[CallReceived, ...]:
        """The peer's calls that we have not answered, in order of arrival."""
        return tuple(self._incoming.open.values())

    @property
    def consecutive_timeouts(self) -> int:
        """How many calls in a row went out and got no answer in time."""
        return self._timeouts

    @property
    def closed(self) -> bool:
        """Whether the link is gone."""
        return self._closed

    # Frames that arrive.

    def _receive_call(self, frame: list[Any], text: str) -> None:
        id, action, payload = read_call(frame)
        earlier = self._incoming.open.get(id)
        if earlier is not None:
            self._events.append(DuplicateCallReceived(earlier, text))
            return
        # L-425: frame, then action and direction, then payload.
        cls = self._catalogue.get(action)
        if cls is None:
            raise Malformed(Rejection.UNKNOWN_ACTION, f"unknown action {action!r:.60}", CALL, id)
        if cls.__sender__ is self._role and self._role is not None:
            message = f"{action} is sent by the {self._role.value}, not to it"
            raise Malformed(Rejection.WRONG_DIRECTION, message, CALL, id)
        if self._incoming.full:
            message = f"{len(self.owed)} calls wait for an answer already"
            raise Malformed(Rejection.TOO_MANY_CALLS, message, CALL, id)
        notes: list[Note] = []
        try:
            request = self._decode(cls, payload, notes)
        except Refused as refused:
            self._refuse_payload(text, id, payload, refused)
            return
        violations = noted(payload, notes) if notes else ()
        received = CallReceived(id, action, request, payload, violations, text)
        self._incoming.open[id] = received
        self._events.append(received)

    def _receive_result(self, frame: list[Any], text: str) -> None:
        id = frame[1] if len(frame) > 1 else None
        payload = frame[2] if len(frame) > 2 else None
        pending = self._outgoing.answered(id)
        if pending is None:
            self._receive_stray(id, payload, None, text)
            return
        self._end_call(self._result_event(pending, frame, payload))

    def _result_event(self, pending: PendingCall[Any], frame: list[Any], payload: Any) -> Event:
        if len(frame) != 3:
            return _failed(pending, f"has {len(frame)} elements; a CALLRESULT has 3", payload)
        if payload is None:  # J16-210: another way to write {}
            payload = {}
        if type(payload) is not dict:
            return _failed(pending, "has a payload that is not an object", payload)
        notes: list[Note] = []
        try:
            response = self._decode(pending.request.__answer__, payload, notes)
        except Refused as refused:
            violation = explain(payload, refused, receiving=True)
            return _failed(pending, f"is invalid: {violation}", payload, violation)
        return CallResultReceived(pending, response, payload, noted(payload, notes) if notes else ())

    def _receive_error(self, frame: list[Any], text: str) -> None:
        id = frame[1] if len(frame) > 1 else None
        error = error_of(frame)
        pending = self._outgoing.answered(id)
        if pending is None:
            self._receive_stray(id, None, error, text)
            return
        self._end_call(CallErrorReceived(pending, error))

    def _decode(self, cls: type[Message], payload: dict[str, Any], notes: list[Note]) -> Any:
        """Raises Refused.

        What this connection allows beyond the class is asked only once the class has refused.
        """
        try:
            return decoder(cls)(payload, notes)
        except Refused:
            if cls not in self._lengths:
                raise
            notes.clear()
            return widened_decoder(cls, self._lengths[cls], receiving=True)(payload, notes)

    def _receive_ruined_answer(self, text: str, problem: Malformed) -> None:
        """An answer that cannot be read but whose call can be told ends that call; it is never answered."""
        pending = self._outgoing.answered(problem.id)
        if pending is None:
            self._reject(text, problem.reason, problem.message, answer=False)
            return
        self._end_call(_failed(pending, problem.message, None))

    def _receive_stray(self, id: Any, payload: Any, error: OCPPError | None, text: str) -> None:
        """An answer to no live call: an event and nothing else, for an answer is never answered (J16-404)."""
        late = self._outgoing.take_late(id)
        if late is not None:
            self._events.append(LateResponseReceived(late, payload, error, text))
        else:
            self._events.append(UnmatchedResponseReceived(id, payload, error, text))

    _RECEIVERS: ClassVar[Mapping[Any, Callable[..., None]]] = {
        CALL: _receive_call,
        CALLRESULT: _receive_result,
        CALLERROR: _receive_error,
    }

    def _refuse_payload(self, text: str, id: str, payload: dict[str, Any], refused: Refused) -> None:
        violation = explain(payload, refused, receiving=True)
        rules = self._version.rules
        code = rules.violations.get(violation.keyword, rules.answers[Rejection.INVALID_PAYLOAD])
        details = {"path": violation.path, "keyword": violation.keyword}
        self._reject(text, Rejection.INVALID_PAYLOAD, str(violation), id, code=code, details=details)

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
        rules = self._version.rules
        earned = code or rules.answers[reason]
        error = ERRORS_BY_CODE[earned or ErrorCode.FORMAT_VIOLATION](message, details)
        to = self._id_to_answer(id) if answer and earned is not None else None
        if to is not None:
            self._frames.append(self._error_frame(to, error))
        self._events.append(FrameRejected(text, reason, error, to))

    def _id_to_answer(self, id: str | None) -> str | None:
        """The id under which to refuse a CALL whose id is this, or could not be read."""
        if id is None or len(id) > MAX_ECHOED_ID:
            return self._version.rules.unreadable_id
        # L-411: the peer would take it for the answer to the call that is being handled.
        return id if id not in self._incoming.open else None

    # Shared steps.

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
        released = self._outgoing.next_turn(self._now)
        if released is not None:
            self._frames.append(released)

    def _withdraw(self, call: PendingCall[Any]) -> None:
        """Take back the frame of a call that has ended before it was pulled."""
        if not call.released and call in self._frames:
            self._frames.remove(call)

    def _advance(self, now: float) -> None:
        _check_instant(now)
        if now > self._now:  # a clock that runs back is clamped
            self._now = now

    def _check_open(self) -> None:
        if self._closed:
            raise ConnectionClosed("the link is closed")

    def _check_request(self, request: object) -> None:
        if not isinstance(request, Request):
            raise TypeError(f"call takes a request such as call.Heartbeat(), not {request!r:.60}")
        cls = type(request)
        if self._catalogue.get(getattr(cls, "__action__", "")) is not cls:
            raise TypeError(f"{cls.__module__}.{cls.__name__} is not a request of OCPP {self._version.value}")
        if cls.__sender__ is not None and self._role is not None and cls.__sender__ is not self._role:
            raise LocalProtocolError(
                f"{cls.__action__} is sent by the {cls.__sender__.value}; we are the {self._role.value}"
            )

    def _id_for_call(self, id: str | None) -> str:
        if id is None and self._new_id is None:
            self._calls_made += 1
            return f"{self._id_prefix}-{self._calls_made}"
        if id is None:
            assert self._new_id is not None
            id = self._new_id()
        if not isinstance(id, str) or not 1 <= len(id) <= MAX_ID or id == "-1" or not is_unicode(id):
            raise ValueError(
                f"a message id is text of 1 to {MAX_ID} characters and not '-1' (J16-204), not {id!r:.60}"
            )
        if self._outgoing.knows(id):
            raise ValueError(f"the message id {id!r} belongs to a call that has not ended (J16-205)")
        return id

    def _error_frame(self, id: str, error: OCPPError) -> str:
        return error_text(id, self._version.rules.spell(error.code), error.description, error.details)


_DEFAULT_LIMITS = Limits()
_ANSWER_KINDS = (CALLRESULT, CALLERROR)
_TOO_FAST = CloseRequested(1008, "frames arrive faster than they are handled")


def _extended(version: Version, extensions: Iterable[type[Request[Any, Any]]]) -> Catalogue:
    """The actions of a version and those that a user has declared."""
    own = {cls.__action__: cls for cls in extensions}
    catalogue = version.load()
    for action in own.keys() & catalogue.keys():
        raise ValueError(
            f"{action} is an action of OCPP {version.value} already; an extension has a name of its own"
        )
    for cls in own.values():
        # What is wrong with a declaration shows here, and not when a peer sends it.
        decoder(cls)
        decoder(cls.__answer__)
    return {**catalogue, **own} if own else catalogue


def _lengths(catalogue: Catalogue, given: Mapping[str, int]) -> Mapping[type[Message], Lengths]:
    """Maximum lengths by class, from names as the variable FieldLength has them (J201-217)."""
    found: dict[type[Message], dict[str, int]] = {}
    for name, length in given.items():
        message, _, wire = name.partition(".")
        cls = _message_class(catalogue, message)
        if cls is None or wire not in {member.wire for member in members(cls) if member.type is str}:
            raise ValueError(f"{name!r} is no text; write it like 'Get15118EVCertificateRequest.exiRequest'")
        if not isinstance(length, int) or length < 1:
            raise ValueError(f"the length of {name} is a positive number of characters, not {length!r}")
        found.setdefault(cls, {})[wire] = length
    return found


def _message_class(catalogue: Catalogue, name: str) -> type[Message] | None:
    """The class of `BootNotificationRequest` or `BootNotificationResponse`."""
    answer = name.endswith("Response")
    request = catalogue.get(name.removesuffix("Response" if answer else "Request"))
    return request.__answer__ if request is not None and answer else request


def _check_instant(now: float) -> None:
    if not -inf < now < inf:
        raise ValueError(f"now is a finite number of seconds, not {now!r}")


def _seconds(name: str, value: float) -> float:
    if not 0 < value < inf:
        raise ValueError(f"{name} is a positive number of seconds, not {value!r}")
    return value


def _failed(
    pending: PendingCall[Any], problem: str, payload: Any, violation: Violation | None = None
) -> CallFailed:
    message = f"the answer to {pending.action} {pending.id!r} {problem}"
    return CallFailed(pending, RemoteProtocolError(message, violation), payload)


def _name(cls: type[Any]) -> str:
    return f"{cls.__module__.rpartition('.')[2]}.{cls.__name__}"
