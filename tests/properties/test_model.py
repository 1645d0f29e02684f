"""Two peers on a faulty wire do what a simple model of the protocol says; and the model has teeth.

`python3 run.py fuzz model --steps 1000000` goes on from here.
"""

from collections.abc import Mapping
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from fuzz.model import Disagreement, Model
from ocpp_sansio import (
    CallReceived,
    Connection,
    Event,
    FrameRejected,
    Limits,
    OCPPError,
    PendingCall,
    UnmatchedResponseReceived,
)
from ocpp_sansio.messages import Response


def search(model: type[Model], runs: int) -> None:
    """Nearly the same search each time, without the effort to make small what it finds."""
    run_state_machine_as_test(
        model,
        settings=settings(
            max_examples=runs,
            stateful_step_count=50,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            report_multiple_bugs=False,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


def test_both_peers_do_what_the_model_says() -> None:
    search(Model, runs=30)


# Connections with one fault each. They break a promise, not a line: what is private here may be renamed.


class FreesTheSlotTooEarly(Connection):
    """A call whose frame is pulled makes room, though its answer is still to come."""

    def next_frame(self) -> str | None:
        frame = super().next_frame()
        if self._outgoing.slot is not None and self._outgoing.slot.released:
            self._outgoing.slot = None
        return frame


class LosesAQueuedCall(Connection):
    """Of two calls that wait, the first is forgotten, and nobody hears of it."""

    def call(self, *arguments: Any, **options: Any) -> PendingCall[Any]:
        pending = super().call(*arguments, **options)
        if len(self.calls) > 2:
            self._outgoing.take_waiting(self.calls[1])
        return pending


class OvertakesTheQueue(Connection):
    """The latest call goes first."""

    def call(self, *arguments: Any, **options: Any) -> PendingCall[Any]:
        pending = super().call(*arguments, **options)
        for waiting in self.calls[1:-1]:
            self._outgoing._queue[waiting.id] = self._outgoing._queue.pop(waiting.id)
        return pending


class DoesNotRestartTheDeadline(Connection):
    """A call that had to wait for its turn is patient for very long."""

    def _turn(self) -> None:
        before = self._outgoing.slot
        super()._turn()
        if self._outgoing.slot is not None and self._outgoing.slot is not before:
            self._outgoing.slot._deadline = self._now + 1000.0


class TimesOutAfterTheDeadline(Connection):
    """At the deadline itself, nothing happens."""

    def handle_timeout(self, *, now: float) -> None:
        self._advance(now)
        if self.deadline != self._now:
            super().handle_timeout(now=now)


class FollowsTheClockBack(Connection):
    """A clock that runs back gives everybody more time."""

    def _advance(self, now: float) -> None:
        super()._advance(now)
        self._now = now


class AnswersTwice(Connection):
    """Each CALLRESULT goes out two times."""

    def reply(self, received: CallReceived, response: Response, *, now: float | None = None) -> None:
        super().reply(received, response, now=now)
        self._frames.append(self._frames[-1])


class TakesASecondAnswer(Connection):
    """Nobody notices that a call was answered."""

    def reply_error(self, received: CallReceived, error: OCPPError, *, now: float | None = None) -> None:
        super().reply_error(received, error, now=now)
        self._incoming[received.id] = received


class AnswersAnAnswer(Connection):
    """A CALLERROR goes out to an answer that nobody waits for."""

    def receive_text(self, text: str | bytes | bytearray, *, now: float) -> None:
        super().receive_text(text, now=now)
        if self._events and isinstance(self._events[-1], UnmatchedResponseReceived):
            self._frames.append('[4,"-1","GenericError","",{}]')


class DoesNotReplay(Connection):
    """A call that was answered is handled again."""

    def _replay(self, id: str, text: str) -> bool:
        return False


class LetsEverybodyIn(Connection):
    """The boot gate holds our own calls only."""

    def _admits(self, action: str, *, inbound: bool) -> bool:
        return inbound or super()._admits(action, inbound=inbound)


class SpeaksAtAnyTime(Connection):
    """Half duplex is forgotten."""

    def __init__(self, *arguments: Any, half_duplex: bool = False, **options: Any) -> None:
        super().__init__(*arguments, **options)


class HoldsOneMore(Connection):
    """One more open call than the limit."""

    def __init__(self, *arguments: Any, limits: Limits, **options: Any) -> None:
        super().__init__(*arguments, limits=attrs.evolve(limits, open_calls=limits.open_calls + 1), **options)


class ForgetsHowALateCallWasCalled(Connection):
    """A late answer is taken for a stranger."""

    def handle_timeout(self, *, now: float) -> None:
        super().handle_timeout(now=now)
        self._outgoing._late.clear()


class EndsACallInSilence(Connection):
    """A call that is withdrawn has no event."""

    def abandon(self, pending: PendingCall[Any], *, now: float | None = None) -> None:
        before = len(self._events)
        super().abandon(pending, now=now)
        del self._events[before:]


class TellsTheLatestFirst(Connection):
    """Events come in the wrong order."""

    def next_event(self) -> Event | None:
        return self._events.pop() if self._events else None


class MovesItsClockForNothing(Connection):
    """A call that is refused has told the time all the same."""

    def call(self, *arguments: Any, now: float, **options: Any) -> PendingCall[Any]:
        self._advance(now)
        return super().call(*arguments, now=now, **options)


class LosesTimeOnAJourney(Connection):
    """After a restore, everybody has a second less."""

    @classmethod
    def restore(cls, snapshot: Mapping[str, Any], *, now: float, **options: Any) -> "Connection":
        return super().restore(snapshot, now=now - 1.0, **options)


class RepeatsItsIds(Connection):
    """After a restore, ids begin again."""

    @classmethod
    def restore(cls, snapshot: Mapping[str, Any], *, now: float, **options: Any) -> "Connection":
        prefix, _ = snapshot["ids"]
        return super().restore({**snapshot, "ids": [prefix, 0]}, now=now, **options)


class OwesForEver(Connection):
    """Calls of a link that is gone still wait for their answers."""

    def receive_close(self, *, now: float | None = None) -> None:
        owed = dict(self._incoming)
        super().receive_close(now=now)
        self._incoming.update(owed)


class ChokesOnGarbage(Connection):
    """A peer can make it raise."""

    def receive_text(self, text: str | bytes | bytearray, *, now: float) -> None:
        super().receive_text(text, now=now)
        if self._events and isinstance(self._events[-1], FrameRejected):
            raise ValueError("garbage")


FAULTS = [cls for cls in Connection.__subclasses__() if cls.__module__ == __name__]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda cls: cls.__name__)
def test_a_fault_is_found(fault: type[Connection]) -> None:
    kind = type(fault.__name__, (fault, Model.kind), {})
    broken = type(f"Model{fault.__name__}", (Model,), {"kind": kind})
    with pytest.raises(Disagreement):
        search(broken, runs=600)
