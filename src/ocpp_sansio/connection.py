"""Connection: one end of one OCPP link, as a pure state machine.

Inputs change state, pulls hand out results, properties are pure. There is no socket, clock or callback in
here. What is asked for and taken away stands in this room; what arrives, in `_inbound`.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from ._dialect import Dialect
from ._frames import CALL, CALLRESULT, CALLRESULTERROR, MAX_ID, SEND, Loads, call_text, parse, result_text
from ._inbound import Inbound
from ._snapshot import FORMAT, fill, taken
from ._values import FOREVER, check_instant, is_unicode
from .errors import ConnectionClosed, LocalProtocolError, OCPPError, QueueFull
from .events import CallLost, CallReceived, CallResultReceived, Closed, Event, PendingCall
from .messages import Raw, Request, Response, Role, Unconfirmed
from .policies import Duplicates, Limits, Strictness, Validation
from .state import BootGate, StationState
from .version import Version

__all__ = ["Connection"]

Answer = TypeVar("Answer", bound=Response)


class Connection(Inbound):
    """One end of an OCPP link.

    `role` is the end that we are; None leaves directions unchecked, for a tool that stands on either side.
    `version` is a `Version`, its number or its subprotocol. `call_timeout` is the time in seconds that an
    answer may take. `new_id` makes message ids: unique, 1 to 36 characters; without it they are a random
    prefix and a counter (J16-205, L-205). `loads` stands in for `json.loads`, such as `orjson.loads`.

    `extensions` are request classes of actions that the standard does not have, declared as its own are or by
    `Raw.declare`. `field_lengths` are longer maxima for members of messages, by the names that the variable
    FieldLength uses: `{"Get15118EVCertificateRequest.exiRequest": 20000}`.

    `validation` says how strictly messages are judged: a `Validation`, or a `Strictness` for what is
    received. `duplicates` says what a repeated call gets that was answered before. `half_duplex` keeps our
    calls back while we owe an answer, for a peer that allows one call in total. A handler that waits for a
    call of its own then waits in vain: there, a call times out in the queue, too, by default after `timeout`.

    `state` is what is known of the station from its earlier sockets; `boot_gate` holds both sides to its boot
    status. Without a `state`, those who need one begin with a new one, which the property gives.

    Not thread-safe: give inputs, pull and write under one lock, or frames reorder.
    """

    __slots__ = ("_call_timeout", "_calls_made", "_id_prefix", "_new_id")

    def __init__(
        self,
        role: Role | None,
        version: Version | str,
        *,
        call_timeout: float = 30.0,
        new_id: Callable[[], str] | None = None,
        loads: Loads | None = None,
        limits: Limits | None = None,
        extensions: Iterable[type[Request[Any, Any]]] = (),
        field_lengths: Mapping[str, int] | None = None,
        validation: Validation | Strictness | str = Strictness.STRICT,
        duplicates: Duplicates | str = Duplicates.HANDLE,
        half_duplex: bool = False,
        state: StationState | None = None,
        boot_gate: BootGate | None = None,
    ) -> None:
        if role is not None and not isinstance(role, Role):
            raise TypeError(f"role is Role.CSMS or Role.CHARGING_STATION, not {role!r}")
        _check_is("limits", limits, Limits)
        _check_is("state", state, StationState)
        _check_is("boot_gate", boot_gate, BootGate)
        _check_is("new_id", new_id, Callable)
        _check_is("loads", loads, Callable)
        if not isinstance(half_duplex, bool):
            raise TypeError(f"half_duplex is a bool, not {half_duplex!r:.60}")
        if role is None and boot_gate is not None:
            raise ValueError("a boot gate needs to know which end this is: give a role")
        limits = _DEFAULT_LIMITS if limits is None else limits
        if loads is not None and limits.reject_duplicate_keys:
            raise ValueError("Limits.reject_duplicate_keys is for our own parser: leave out loads")
        self._call_timeout = _seconds("call_timeout", call_timeout)
        self._new_id = new_id
        self._id_prefix = secrets.token_hex(12)
        self._calls_made = 0
        replays = Duplicates(duplicates) is Duplicates.REPLAY
        if state is None and (boot_gate is not None or replays):
            state = StationState()
        dialect = Dialect.of(
            Version(version), role, extensions, field_lengths, Validation.of(validation), limits.nesting
        )
        super().__init__(
            dialect,
            limits,
            loads=loads,
            replays=replays,
            half_duplex=half_duplex,
            state=state,
            gate=boot_gate,
        )

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
        ConnectionClosed, and TypeError or ValueError for wrong arguments. Afterwards pull frames and events; one
        event will end the call.
        """
        if self._closed:
            raise ConnectionClosed(_CLOSED)
        if not isinstance(request, Request):
            raise TypeError(f"call takes a request such as call.Heartbeat(), not {request!r:.60}")
        action = self._dialect.action_to_call(request)
        patience = self._call_timeout if timeout is None else _seconds("timeout", timeout)
        if queue_timeout is not None:
            _seconds("queue_timeout", queue_timeout)
        elif self._half_duplex:
            queue_timeout = patience  # or a handler that waits for a call of its own waits for ever
        may_pass = self._may_pass(action)
        may_go = may_pass and not self._must_listen
        self._outgoing.check_room(may_go=may_go)
        frame = self._as_it_came(request, CALL, id)
        payload = "" if frame is not None else self._dialect.write(request, action)
        check_instant(now)
        id = self._id_for(id, passed_on=frame is not None)
        frame = frame or call_text(id, action, payload)
        self._advance(now)
        self._turn()  # what is overdue ends first, and what was held back until the state changed goes first
        if may_pass:
            self._shut = None
        pending = PendingCall(id, action, request, patience, _text=frame)
        if self._outgoing.add(pending, self._now, queue_timeout, may_go=may_go):
            self._frames.append(pending)
        return pending

    def send(self, message: Unconfirmed | Raw, *, now: float, id: str | None = None) -> str:
        """Tell the peer something that is never answered: a SEND, which never waits (OCPP 2.1, J21-304).

        Returns its message id. Raises as `call` does; QueueFull if too many frames have not been pulled;
        LocalProtocolError, too, where the version has no SEND and while the boot gate holds it back. Afterwards
        pull frames.
        """
        if self._closed:
            raise ConnectionClosed(_CLOSED)
        self._check_has(SEND, "SEND")
        if not isinstance(message, (Unconfirmed, Raw)):
            raise TypeError(
                f"send takes a message such as send.NotifyPeriodicEventStream, not {message!r:.60}"
            )
        action = self._dialect.action_to_send(message)
        if self._gate is not None and not self._admits(action, inbound=False):
            raise LocalProtocolError(f"{action} may not be sent before the station is accepted (L-511)")
        if len(self._frames) >= self._limits.undrained:
            raise QueueFull(f"{len(self._frames)} frames have not been pulled")
        frame = self._as_it_came(message, SEND, id)
        payload = "" if frame is not None else self._dialect.write(message, action)
        check_instant(now)
        id = self._id_for(id, passed_on=frame is not None)
        self._advance(now)
        self._frames.append(frame or call_text(id, action, payload, SEND))
        return id

    def reply(self, received: CallReceived, response: Response, *, now: float | None = None) -> str:
        """Answer a call of the peer with a CALLRESULT. Returns its frame, which `next_frame` will give.

        Raises TypeError if the response is neither of the request's type nor a `Raw`, SchemaViolation (the
        call still waits for its answer then), LocalProtocolError if it has one already, ConnectionClosed.
        Afterwards pull frames.
        """
        if self._closed:
            raise ConnectionClosed(_CLOSED)
        if type(received) is not CallReceived or self._incoming.get(received.id) is not received:
            self._incoming.check_owed(received)
        action = received.action
        if type(response) is not received.request.__answer__:
            self._dialect.check_answer(action, response)
        frame = self._as_it_came(response, CALLRESULT, received.id) if type(response) is Raw else None
        if frame is None:
            frame = result_text(received.id, self._dialect.write(response, action))
        if now is not None:
            self._advance(now)
        del self._incoming[received.id]
        self._frames.append(frame)
        if self._watches:
            self._after_answer(received, response, frame)
        return frame

    def reply_error(self, received: CallReceived, error: OCPPError, *, now: float | None = None) -> None:
        """Answer a call of the peer with a CALLERROR; a description of more than 255 characters is cut.

        Raises TypeError or ValueError if the error is not an OCPPError with JSON details, LocalProtocolError
        if the call is answered already, ConnectionClosed. Afterwards pull frames.
        """
        if self._closed:
            raise ConnectionClosed(_CLOSED)
        self._incoming.check_owed(received)
        frame = self._error_frame(received.id, _checked_error("a CALLERROR", error))
        if now is not None:
            self._advance(now)
        del self._incoming[received.id]
        self._frames.append(frame)
        if self._watches:
            self._after_answer(received)

    def reject_result(
        self, result: CallResultReceived, error: OCPPError, *, now: float | None = None
    ) -> None:
        """Tell the peer that its answer to a call of ours is no good: a CALLRESULTERROR (OCPP 2.1, J21-305).

        An answer that does not match its schema is rejected without this. Raises TypeError or ValueError for
        wrong arguments, LocalProtocolError if the answer was rejected before or the version has no
        CALLRESULTERROR, ConnectionClosed. Afterwards pull frames.
        """
        if self._closed:
            raise ConnectionClosed(_CLOSED)
        self._check_has(CALLRESULTERROR, "CALLRESULTERROR")
        if not isinstance(result, CallResultReceived):
            raise TypeError(f"only a CallResultReceived can be rejected, not {result!r:.60}")
        pending = result.pending
        if not self._outgoing.rejectable(pending):
            raise LocalProtocolError(
                f"the answer to {pending.action} {pending.id!r} cannot be rejected: it was before, or came long "
                "ago or by another connection"
            )
        frame = self._error_frame(pending.id, _checked_error("a CALLRESULTERROR", error), CALLRESULTERROR)
        if now is not None:
            self._advance(now)
        self._outgoing.reject(pending)
        self._frames.append(frame)

    def abandon(self, pending: PendingCall[Any], *, now: float | None = None) -> None:
        """Nobody waits for this call any more.

        If the peer cannot have seen it, it is withdrawn, never sent, and ends with CallLost. Otherwise it
        keeps its slot until the answer or the time-out, as the protocol demands. A call that has ended is
        left alone. Afterwards pull frames and events.
        """
        if now is not None:
            self._advance(now)
        if self._outgoing.take_waiting(pending):
            self._withdraw(pending)
            self._events.append(CallLost(pending))
            self._turn()

    # What happened outside; `receive_text` stands in `_inbound`.

    def receive_close(self, *, now: float | None = None) -> None:
        """The link is gone: every live call ends with CallLost, nothing is sent any more, `Closed` is the
        last event.
        """
        if now is not None:
            self._advance(now)
        if self._closed:
            return
        self._closed = True
        self._frames.clear()
        self._incoming.clear()
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

    # State that travels.

    def snapshot(self, *, now: float) -> dict[str, Any]:
        """Everything that `restore` needs to go on from here, as plain JSON; unpulled frames are inside.

        Arguments of the constructor are not, but for role and version, nor is the `state`, which has a snapshot
        of its own. Raises LocalProtocolError while an event has not been pulled, for events are yours to
        handle first.
        """
        if self._events:
            raise LocalProtocolError(f"pull events first: {len(self._events)} would be lost")
        self._advance(now)
        return {
            "format": FORMAT,
            "role": None if self.role is None else self.role.name,
            "version": self.version.value,
            "ids": [self._id_prefix, self._calls_made],
            **taken(self),
        }

    @classmethod
    def restore(cls, snapshot: Mapping[str, Any], *, now: float, **options: Any) -> "Connection":
        """The connection of a snapshot. `options` are the keywords of the constructor, which it does not hold.

        `now` is when it was taken, on the clock that goes on. On the same clock, that is the `now` of `snapshot`,
        and the time since then counts; with the present instant, it does not.

        `calls` and `owed` are those that were, in new objects. Raises ValueError, with the place, for what is
        not a snapshot of this format.
        """
        check_instant(now)
        found = snapshot.get("format") if isinstance(snapshot, Mapping) else None
        if found != FORMAT:
            raise ValueError(
                f"not a snapshot that can be restored here: its format is {found!r:.60}, not {FORMAT!r}"
            )
        try:
            role = None if snapshot["role"] is None else Role[snapshot["role"]]
            version = Version(snapshot["version"])
            prefix, made = snapshot["ids"]
            ids = str(prefix), int(made)
            if not _is_id(f"{prefix}-{made}"):
                raise ValueError(f"ids are the beginning of a message id and a number, not {ids!r:.60}")
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"malformed snapshot: {error}") from error
        connection = cls(role, version, **options)
        connection._id_prefix, connection._calls_made = ids
        connection._advance(now)
        try:
            fill(connection, dict(snapshot))
        except ValueError as error:
            raise ValueError(f"malformed snapshot: {error}") from None
        return connection

    @property
    def role(self) -> Role | None:
        """The end that we are; None if directions are not checked."""
        return self._dialect.role

    @property
    def version(self) -> Version:
        """The version that is spoken."""
        return self._dialect.version

    @property
    def state(self) -> StationState | None:
        """What is remembered of the station: hand it to the connection of its next socket."""
        return self._state

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
        return tuple(self._incoming.values())

    @property
    def consecutive_timeouts(self) -> int:
        """How many calls in a row went out and got no answer in time."""
        return self._timeouts

    @property
    def closed(self) -> bool:
        """Whether the link is gone."""
        return self._closed

    # Shared steps.

    def _check_has(self, kind: int, name: str) -> None:
        if kind not in self._dialect.rules.message_types:
            raise LocalProtocolError(f"OCPP {self._dialect.version.value} has no {name}")

    def _as_it_came(self, message: object, kind: int, id: str | None) -> str | None:
        """The frame that a Raw came in, if it was not changed since and could leave in the same."""
        if not isinstance(message, Raw) or not self._could_leave(message.origin, kind, id):
            return None
        _, _, *action, payload = parse(message.origin.frame, self._loads)
        unchanged = action in ([], [message.action]) and (payload or {}) == message.payload
        return message.origin.frame if unchanged else None

    def _after_answer(
        self, received: CallReceived, response: Response | None = None, frame: str = ""
    ) -> None:
        """What an answer of ours means to the state of the station, to our own calls that wait, and to a peer
        that may reject it. An error has no response, and its frame is not asked for.
        """
        if CALLRESULTERROR in self._dialect.rules.message_types:
            self._incoming.remember(received.id, received.action)
        state = self._state
        if state is not None and response is not None:
            state.observe(self._dialect.rules.boot, received.action, received.request, response)
            if self._replays:
                state.remember_answer(received.id, received.action, received.text, frame)
        self._turn()

    def _id_for(self, id: str | None, *, passed_on: bool) -> str:
        if id is None:
            if self._new_id is None:
                self._calls_made += 1
                return f"{self._id_prefix}-{self._calls_made}"
            id = self._new_id()
        if not _is_id(id) and not passed_on:  # what a peer has chosen is for its peer to judge
            raise ValueError(
                f"a message id is text of 1 to {MAX_ID} characters and not '-1' (J16-204), not {id!r:.60}"
            )
        if self._outgoing.knows(id):
            raise ValueError(f"the message id {id!r} belongs to a call that has not ended (J16-205)")
        return id


_DEFAULT_LIMITS = Limits()
_CLOSED = "the link is closed"


def _check_is(name: str, value: object, kind: Any) -> None:
    if value is not None and not isinstance(value, kind):
        raise TypeError(f"{name} is a {kind.__name__}, not {value!r:.60}")


def _is_id(id: object) -> bool:
    return isinstance(id, str) and 1 <= len(id) <= MAX_ID and id != "-1" and is_unicode(id)


def _seconds(name: str, value: float) -> float:
    if not isinstance(value, (int, float)) or not 0 < value < FOREVER:
        raise ValueError(f"{name} is a positive number of seconds, not {value!r:.60}")
    return value


def _checked_error(what: str, error: OCPPError) -> OCPPError:
    if not isinstance(error, OCPPError):
        raise TypeError(f"{what} is made from an OCPPError, not from {type(error).__name__}")
    return error
