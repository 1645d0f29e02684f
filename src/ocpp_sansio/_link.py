"""Link: the state of one end, and the steps that both halves of a connection share: ending what has expired,
letting the next call go, writing an error.

Who waits for what is decided in `_outgoing` and `_incoming`, what a message means in `_dialect`.
"""

from collections.abc import Set as AbstractSet
from math import inf
from typing import Any, TypeGuard

from ._dialect import Dialect
from ._frames import (
    CALLERROR,
    CALLRESULTERROR,
    Loads,
    error_of,
    error_text,
    loads_once,
    parse,
)
from ._incoming import Incoming
from ._outgoing import Outgoing
from ._values import check_instant
from .errors import OCPPError
from .events import CallTimedOut, Event, PendingCall
from .messages import Origin
from .policies import Limits
from .state import BootGate, BootStatus, StationState

__all__ = ["Link"]


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
        # What the gate looked at when it let none of those that wait pass.
        self._shut: tuple[BootStatus, AbstractSet[str]] | None = None
        self._now = -inf
        self._closed = False
        self._timeouts = 0
        self._bad_frames = 0

    def _error_frame(self, id: str, error: OCPPError, kind: int = CALLERROR) -> str:
        """Raises TypeError or ValueError if the error cannot be written."""
        if self._could_leave(error.origin, kind, id):
            came = error_of(parse(error.origin.frame, self._loads))
            if (came.code, came.description, came.details) == (error.code, error.description, error.details):
                return error.origin.frame
        return error_text(id, self._dialect.rules.spell(error.code), error, kind)

    def _could_leave(self, origin: Origin | None, kind: int, id: str | None) -> TypeGuard[Origin]:
        """Whether a frame of this origin is the one to send under this id."""
        return origin is not None and origin[:3] == (self._dialect.version.value, kind, id)

    def _turn(self) -> None:
        """End what has expired, then let the next call go out if the slot is free."""
        for call in self._outgoing.take_expired(self._now):
            self._timeouts += call.released
            self._withdraw(call)
            self._events.append(CallTimedOut(call))
        if self._outgoing.slot is not None or not self._outgoing.waiting or self._must_listen:
            return
        if self._state is not None and self._shut == (self._state.boot, self._state.requested):
            return  # all that wait were looked at and held back, and nothing has changed since
        released = self._outgoing.next_turn(self._now, self._may_pass)
        if released is not None:
            self._frames.append(released)
        elif self._state is not None:
            self._shut = (self._state.boot, frozenset(self._state.requested))

    @property
    def _must_listen(self) -> bool:
        """Whether no call of ours may go out, because we owe an answer to a peer that allows one call in total."""
        return self._half_duplex and bool(self._incoming)

    def _may_pass(self, action: str) -> bool:
        """Whether the boot gate, if there is one, lets a call of ours go."""
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

    def _advance(self, now: float) -> None:
        check_instant(now)
        if now > self._now:  # a clock that runs back is clamped
            self._now = now
