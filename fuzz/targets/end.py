"""One end of a link under test, with what can be known about it from outside: who is still to be heard of, and
what may still go out.
"""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from ocpp_sansio import (
    CallErrorReceived,
    CallFailed,
    CallLost,
    CallReceived,
    CallResultReceived,
    CallTimedOut,
    CloseRequested,
    Connection,
    ConnectionClosed,
    DuplicateCallReceived,
    FrameRejected,
    Limits,
    LocalProtocolError,
    PendingCall,
    QueueFull,
    Role,
    StationState,
    Version,
)
from ocpp_sansio.errors import NotSupportedError, OCPPError

__all__ = ["LIMITS", "End"]

LIMITS = Limits(
    frame_size=400, nesting=8, queued_calls=2, open_calls=2, undrained=6, remembered_ids=2, bad_frames=3
)
#: Undrained frames, answers to what is owed, rejections of the last 8 results, and the call whose turn it is.
MOST_FRAMES = LIMITS.undrained + LIMITS.open_calls + 8 + 1

#: What a verb may raise whatever its arguments, and what wrong arguments raise.
REFUSALS = (LocalProtocolError, ConnectionClosed, QueueFull)
FAULTS = (TypeError, ValueError)

ENDINGS = (CallResultReceived, CallErrorReceived, CallFailed, CallTimedOut, CallLost)
#: What one frame may bring beside its own event.
CONSEQUENCES = (CloseRequested, CallTimedOut)

ASKED = (
    "Heartbeat",
    "BootNotification",
    "ClearCache",
    "TriggerMessage",
    "DataTransfer",
    "RemoteStartTransaction",
    "RequestStartTransaction",
    "Authorize",
    "GetReport",
)
MAY_ASK = {
    (version, role): [
        cls for name, cls in version.load().items() if name in ASKED and cls.__sender__ in (None, role)
    ]
    for version in Version
    for role in Role
}


class End:
    """A connection, and its books. What is wrong with either is an AssertionError or a KeyError."""

    def __init__(self, role: Role, version: Version, options: dict[str, Any]) -> None:
        self.options = options
        self.connection = Connection(role, version, **options)
        self.may_ask = MAY_ASK[version, role]
        self.inbox: list[str] = []  # what is on its way to this end
        self.live: dict[str, PendingCall[Any]] = {}  # calls without an end, by id
        self.made: list[PendingCall[Any]] = []
        self.received: list[CallReceived] = []
        self.results: list[CallResultReceived] = []
        self.errors: list[OCPPError] = [NotSupportedError()]
        self.earned: Counter[str] = Counter()  # answers that may go out, by id
        self.sent: Counter[int] = Counter()  # SENDs and CALLRESULTERRORs that may go out, by message type

    def attempt(self, verb: Callable[[], Any], *, wrong: bool | None = False) -> Any:
        """What a verb returns, True for nothing; None if it refused, in its documented ways and without a trace.

        `wrong` says whether the arguments are, None that nobody knows.
        """
        before = self.state()
        try:
            result = verb()
        except REFUSALS:
            assert self.state() == before
            return None
        except FAULTS:
            if wrong is False:
                raise
            assert self.state() == before
            return None
        assert not wrong
        return True if result is None else result

    def state(self) -> tuple[Any, ...]:
        """What a refused verb must leave alone."""
        connection = self.connection
        return (
            connection._now,
            connection.deadline,
            connection.calls,
            [call.id for call in connection.owed],
            connection.closed,
            connection.consecutive_timeouts,
            connection._frames[:],
            len(connection._events),
        )

    @property
    def left(self) -> float | None:
        """The time until the deadline."""
        deadline = self.connection.deadline
        return None if deadline is None else deadline - self.connection._now

    def check(self) -> None:
        """What holds after every step."""
        connection = self.connection
        calls = connection.calls
        assert len(calls) <= LIMITS.queued_calls + 1
        assert not any(call.released for call in calls[1:])
        assert all(self.live.get(call.id) is call for call in calls)
        assert len(connection.owed) <= LIMITS.open_calls
        assert len(connection._frames) <= MOST_FRAMES

    # What goes in and out.

    def receive(self, text: str, now: float) -> None:
        """A frame arrives: at most one event of its own."""
        before = len(self.connection._events)
        self.connection.receive_text(text, now=now)
        came = self.connection._events[before:]
        assert len(came) - sum(isinstance(event, CONSEQUENCES) for event in came) <= 1

    def pull_events(self) -> None:
        """Take every event. A call that ends was live until now."""
        while (event := self.connection.next_event()) is not None:
            if isinstance(event, ENDINGS):
                assert self.live.pop(event.pending.id) is event.pending
            match event:
                case CallReceived():
                    self.received.append(event)
                case CallResultReceived():
                    self.results.append(event)
                case CallErrorReceived():
                    self.errors.append(event.error)
                case CallFailed():
                    self.sent[5] += 1
                case FrameRejected(answered_with=str(id)) | DuplicateCallReceived(id=id, call=None):
                    self.earned[id] += 1
                case _:
                    pass

    def pull_frames(self) -> list[str]:
        """Take every frame. Each was asked for or earned, and a call is sent while it is its turn."""
        frames = []
        while (text := self.connection.next_frame()) is not None:
            frames.append(text)
            kind, id, *_ = json.loads(text)
            if kind == 2:
                assert self.connection.calls[0] is self.live[id]
                assert self.live[id].released
            elif kind in (3, 4):
                self.earned[id] -= 1
                assert self.earned[id] >= 0
            else:
                self.sent[kind] -= 1
                assert self.sent[kind] >= 0
        return frames

    # How it ends, and goes on.

    def travel(self, now: float) -> None:
        """Go on from a snapshot; what an application holds of the old connection is worth nothing."""
        self.pull_events()
        taken = self.connection.snapshot(now=now)  # which advances the clock first
        left = self.left
        self.restore_state()
        self.connection = Connection.restore(json.loads(json.dumps(taken)), now=now, **self.options)
        assert self.connection.snapshot(now=now) == taken
        assert self.left == left
        self.made = list(self.connection.calls)
        assert self.live.keys() == {call.id for call in self.made}
        self.live = {call.id: call for call in self.made}
        self.received = list(self.connection.owed)
        self.results.clear()

    def restore_state(self) -> None:
        """What is known of the station travels, too."""
        state = self.options["state"]
        if state is not None:
            there = StationState.restore(json.loads(json.dumps(state.snapshot())))
            assert there == state
            self.options["state"] = there

    def close(self, now: float) -> None:
        """The link is cut: every live call ends, and nothing is owed or sent any more."""
        self.connection.receive_close(now=now)
        assert not self.connection.calls
        assert not self.connection.owed
        assert self.connection.next_frame() is None
        self.pull_events()
        assert not self.live
        self.earned.clear()
        self.sent.clear()

    def reopen(self) -> None:
        """Another link of the same station."""
        self.connection = Connection(self.connection.role, self.connection.version, **self.options)

    def finish(self, now: float) -> None:
        """What was earned has gone out, and nothing else; what was asked ends."""
        assert not +self.earned
        assert self.sent[6] == 0
        if not self.connection.closed:
            self.close(now)
