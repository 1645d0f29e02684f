"""What a driver tells: observers get immutable records of frames and calls, the log gets what went wrong.

The `time` of a record is seconds on the clock of the driver.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, final

import attrs

from ocpp_sansio import (
    CallReceived,
    CallResultErrorReceived,
    DuplicateCallReceived,
    Event,
    FrameRejected,
    LateResponseReceived,
    PendingCall,
    SendReceived,
    UnmatchedResponseReceived,
)

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
    """

    time: float
    identity: str
    id: str
    action: str
    ours: bool
    seconds: float
    error: BaseException | None


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
        if self._observers:
            self._open[ours, call.id] = self._clock()
            self._tell(CallStarted, call.id, call.action, ours)

    def call_finished(
        self, call: CallReceived | PendingCall[Any], error: BaseException | None, *, ours: bool
    ) -> None:
        if self._observers:
            now = self._clock()
            seconds = now - self._open.pop((ours, call.id), now)
            self._tell(CallFinished, call.id, call.action, ours, seconds, error)

    def crashed(self, culprit: str, error: BaseException) -> None:
        """Somebody else's code has raised."""
        _log.error("%s: %s failed", self._identity, culprit, exc_info=error)

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
