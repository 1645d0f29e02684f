"""What a driver tells: observers get immutable records of frames and calls, the log gets what went wrong.

The `time` of a record is seconds on the clock of the driver.
"""

import json
import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, final

import attrs

from ocpp_sansio import (
    CallReceived,
    CallResultErrorReceived,
    CallResultReceived,
    DuplicateCallReceived,
    Event,
    FrameRejected,
    LateResponseReceived,
    PendingCall,
    SendReceived,
    UnmatchedResponseReceived,
    Violation,
)
from ocpp_sansio.security import without_secrets

__all__ = [
    "CallFinished",
    "CallStarted",
    "CallWithdrawn",
    "FrameReceived",
    "FrameSent",
    "Observer",
    "Record",
    "Reporter",
]

_log = logging.getLogger("ocpp_sansio")

MOST_NAMED = 3  # of the departures of one message


class CallWithdrawn(Exception):
    """How a call ends whose caller was cancelled before the peer could see it."""


@final
@attrs.frozen
class FrameSent:
    """A frame is handed to the transport. Told before it leaves, so that no answer to it can come first."""

    time: float
    identity: str
    text: str


@final
@attrs.frozen
class FrameReceived:
    """A frame came from the transport. What was not UTF-8 in it has been replaced."""

    time: float
    identity: str
    text: str


@final
@attrs.frozen
class CallStarted:
    """A call was asked for: by us (`ours`), or by the peer."""

    time: float
    identity: str
    id: str
    action: str
    ours: bool


@final
@attrs.frozen
class CallFinished:
    """A call has ended after `seconds`, waiting for its turn included; each one that was started does so
    once.

    `error` is None if it was answered with a result. For a call of ours it is what `call()` raises, for one
    of the peer's what the handler raised. A call of ours whose caller has been cancelled ends by its answer
    or time-out all the same, and by `CallWithdrawn` if it had not left.

    `violations` is how the peer departed from the schema, in its call or in its answer to ours, and was
    understood all the same: what a lenient policy has let through.
    """

    time: float
    identity: str
    id: str
    action: str
    ours: bool
    seconds: float
    error: BaseException | None
    violations: tuple[Violation, ...] = attrs.field(default=(), hash=False)  # what they quote has no hash


Record: TypeAlias = FrameSent | FrameReceived | CallStarted | CallFinished
Observer: TypeAlias = Callable[[Record], object]


class Reporter:
    """Tells the observers of one driver, in order, and the log.

    An observer that fails is logged and harms nobody.
    """

    def __init__(self, identity: str, observers: Iterable[Observer], clock: Callable[[], float]) -> None:
        self._identity = identity
        self._clock = clock
        self._observers = tuple(observers)
        self._open: dict[tuple[bool, str], float] = {}  # ours, id: when the call was started

    def frame_sent(self, text: str) -> None:
        if self._observers:
            self._tell(FrameSent, text)

    def frame_received(self, text: str) -> None:
        if self._observers:
            self._tell(FrameReceived, text)

    def call_started(self, call: CallReceived | PendingCall[Any], *, ours: bool) -> None:
        if isinstance(call, CallReceived) and call.violations:
            self.tolerated(call)
        if self._observers:
            self._open[ours, call.id] = self._clock()
            self._tell(CallStarted, call.id, call.action, ours)

    def call_finished(
        self,
        call: CallReceived | PendingCall[Any],
        error: BaseException | None,
        *,
        ours: bool,
        answer: Event | None = None,
    ) -> None:
        """`answer` is what has ended a call of ours."""
        said = answer if ours else call
        violations = said.violations if isinstance(said, CallReceived | CallResultReceived) else ()
        if violations and isinstance(said, CallResultReceived):
            self.tolerated(said)
        if self._observers:
            now = self._clock()
            seconds = now - self._open.pop((ours, call.id), now)
            self._tell(CallFinished, call.id, call.action, ours, seconds, error, violations)

    def crashed(self, culprit: str, error: BaseException) -> None:
        """Somebody else's code has raised."""
        _log.error("%s: %s failed", self._identity, culprit, exc_info=error)

    def tolerated(self, said: CallReceived | CallResultReceived | SendReceived) -> None:
        """The peer may depart from the schema, and was understood all the same: at INFO, if it does."""
        if not said.violations or not _log.isEnabledFor(logging.INFO):
            return
        match said:
            case CallResultReceived(pending=call):
                name = f"the answer to {call.action} {call.id!r}"
            case SendReceived():
                name = f"SEND {said.action:.60} {said.id!r}"
            case _:
                name = f"{said.action:.60} {said.id!r}"
        # What is wrong with a value quotes it: where one of them is a password, the place has to do.
        hidden = _holds_secret(said.payload)
        named = [each.path if hidden else str(each) for each in said.violations[:MOST_NAMED]]
        if len(said.violations) > MOST_NAMED:
            named.append(f"{len(said.violations) - MOST_NAMED} more")
        _log.info("%s: %s is not as its schema wants: %s", self._identity, name, "; ".join(named))

    def ignored(self, event: Event) -> None:
        """The peer sent something that concerns no one's call, or told more than we can handle."""
        match event:
            case FrameRejected(reason=reason, error=error, answered_with=id):
                answer = "not answered" if id is None else f"answered as {id!r}"
                _log.warning("%s: frame rejected (%s, %s): %s", self._identity, reason, answer, error)
            case LateResponseReceived(pending=call):
                _log.warning("%s: late answer to %s %r dropped", self._identity, call.action, call.id)
            case UnmatchedResponseReceived(id=id):
                _log.warning("%s: answer to unknown id %.60r dropped", self._identity, id)
            case DuplicateCallReceived(id=id, call=call):
                done = "its answer was sent again" if call is None else "dropped"
                _log.warning("%s: call %r came again, %s", self._identity, id, done)
            case CallResultErrorReceived(id=id, action=action, error=error):
                _log.warning("%s: our answer to %s %.60r was rejected: %s", self._identity, action, id, error)
            case SendReceived(id=id, action=action):
                _log.warning("%s: SEND %.60s %.60r dropped: too many wait", self._identity, action, id)
            case _:
                pass

    def _tell(self, kind: Callable[..., Record], *content: object) -> None:
        record = kind(self._clock(), self._identity, *content)
        for observer in self._observers:
            try:
                observer(record)
            except Exception as error:
                self.crashed("an observer", error)


def _holds_secret(payload: object) -> bool:
    """Whether there is a password in it, as far as that can be told: a parser of the user's may have made it."""
    try:
        text = json.dumps(payload, default=str)
    except (TypeError, ValueError, RecursionError):
        return True
    return without_secrets(text) != text
