"""driver.py: whatever callers, handlers, the peer, the wire and the clock do at once, some things stay true."""

import json
from typing import Any

import anyio
import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocpp_sansio import CallTimeout, ConnectionClosed, OCPPError, RemoteProtocolError
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio_adapters.records import CallFinished, CallStarted, FrameReceived, FrameSent, Record
from tests.adapters.virtual_time import BACKENDS, run
from tests.adapters.wire import NOW, End, Scripted, running, wire

# Few values, so that things happen at the same instant, just before each other and just after.
instants = st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0, 3.0])
lengths = st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0])
positive = st.sampled_from([0.25, 0.5, 1.0, 2.0, 100.0])


@attrs.frozen
class Ours:
    """A call of ours, and how the peer meets it: kind of answer, and when."""

    at: float
    timeout: float
    queue_timeout: float | None
    cancelled_after: float | None
    answer: str
    answered_after: float


@attrs.frozen
class Theirs:
    """Something that the peer sends: a CALL whose action says how it is handled, or a broken one."""

    at: float
    kind: str


@attrs.frozen
class Plan:
    """What happens on one link."""

    ours: list[Ours]
    theirs: list[Theirs]
    latency: float
    held: tuple[float, float]
    ending: str
    ends_at: float


plans = st.builds(
    Plan,
    ours=st.lists(
        st.builds(
            Ours,
            at=instants,
            timeout=positive,
            queue_timeout=st.none() | positive,
            cancelled_after=st.none() | lengths,
            answer=st.sampled_from(["result", "error", "unusable", "nothing"]),
            answered_after=lengths,
        ),
        max_size=8,
    ),
    theirs=st.lists(
        st.builds(Theirs, at=instants, kind=st.sampled_from(["inline", "later", "crash", "back", "invalid"])),
        max_size=8,
    ),
    latency=st.sampled_from([0.0, 0.0, 0.1, 0.5]),
    held=st.tuples(instants, lengths),
    ending=st.sampled_from(["none", "none", "cut", "cancel", "send error"]),
    ends_at=instants,
)


class Scene:
    """One plan being played: a driver on the near end, the peer on the far end."""

    def __init__(self, plan: Plan, near: End, far: End) -> None:
        self.plan = plan
        self.near = near
        self.far = far
        self.records: list[Record] = []
        self.said: list[str] = []
        self.ends: list[object] = []
        self.hooked: list[str] = []
        handlers = {"DataTransfer": self.handle}
        hooks = {"DataTransfer": [self.inline_hook, self.later_hook]}
        self.driver = Scripted(near, handlers, hooks=hooks, observers=[self.records.append])

    async def play(self) -> None:
        self.near.latency = self.plan.latency
        async with running(self.driver) as [outcome], anyio.create_task_group() as tasks:
            for number, ours in enumerate(self.plan.ours):
                tasks.start_soon(self.ask, number, ours)
            for number, theirs in enumerate(self.plan.theirs):
                tasks.start_soon(self.be_asked, str(number), theirs)
            tasks.start_soon(self.hold)
            tasks.start_soon(self.peer, tasks)
            await anyio.sleep(self.plan.ends_at)
            match self.plan.ending:
                case "cut":
                    self.far.cut()
                case "send error":
                    self.near.send_error = OSError("broken pipe")
                case "cancel":
                    outcome.scope.cancel()
            await anyio.sleep(2000)
            self.ended = outcome.ended
            assert not isinstance(outcome.error, BaseExceptionGroup)
            tasks.cancel_scope.cancel()

    async def hold(self) -> None:
        start, length = self.plan.held
        await anyio.sleep(start)
        self.near.hold()
        await anyio.sleep(length)
        self.near.release()

    async def ask(self, number: int, ours: Ours) -> None:
        await anyio.sleep(ours.at)
        options = {"timeout": ours.timeout, "queue_timeout": ours.queue_timeout}
        request = call.Authorize(id_tag=str(number))
        with anyio.move_on_after(ours.cancelled_after) as scope:
            try:
                self.ends.append(await self.driver.call(request, **options))
            except (OCPPError, RemoteProtocolError, CallTimeout, ConnectionClosed) as error:
                self.ends.append(error)
        if scope.cancelled_caught:
            self.ends.append("cancelled")

    async def be_asked(self, id: str, theirs: Theirs) -> None:
        await anyio.sleep(theirs.at)
        payload = {"vendorId": theirs.kind, "data": id} if theirs.kind != "invalid" else {}
        self.say(2, id, "DataTransfer", payload)

    def say(self, *frame: Any) -> None:
        self.said.append(json.dumps(frame))
        self.far.say(*frame)

    async def peer(self, tasks: Any) -> None:
        while True:
            frame = await self.far.hear()
            if frame[0] == 2:
                tasks.start_soon(self.answer, frame[1], frame[2], frame[3])

    async def answer(self, id: str, action: str, payload: Any) -> None:
        if action == "Heartbeat":
            self.say(3, id, {"currentTime": NOW})
            return
        ours = self.plan.ours[int(payload["idTag"])]
        await anyio.sleep(ours.answered_after)
        match ours.answer:
            case "result":
                self.say(3, id, {"idTagInfo": {"status": "Accepted"}})
            case "error":
                self.say(4, id, "InternalError", "", {})
            case "unusable":
                self.say(3, id, {})

    def handle(self, request: call.DataTransfer) -> Any:
        match request.vendor_id:
            case "inline":
                return call_result.DataTransfer(status="Accepted")
            case "later":
                return self.handle_later()
            case "back":
                return self.call_back()
            case _:
                raise ZeroDivisionError

    async def handle_later(self) -> Any:
        await anyio.sleep(0.5)
        return call_result.DataTransfer(status="Accepted")

    async def call_back(self) -> Any:
        await self.driver.call(call.Heartbeat(), timeout=1)
        return call_result.DataTransfer(status="Accepted")

    def inline_hook(self, request: call.DataTransfer) -> None:
        assert request.data is not None
        assert any(text.startswith(f'[3,"{request.data}",') for text in self.near.sent)
        self.hooked.append(request.data)

    async def later_hook(self, request: call.DataTransfer) -> None:
        self.inline_hook(request)
        await anyio.sleep(1)

    def check(self) -> None:
        self.check_frames()
        self.check_calls()
        self.check_answers()
        assert len(self.ends) == len(self.plan.ours), "a caller never came back"
        assert self.driver.protocol.calls == self.driver.protocol.owed == ()

    def check_frames(self) -> None:
        """Each frame is told once, in order, and is whole."""
        handed_over = [record.text for record in self.records if isinstance(record, FrameSent)]
        assert handed_over[: len(self.near.sent)] == self.near.sent
        assert len(handed_over) - len(self.near.sent) <= (self.plan.ending in ("cut", "send error"))
        if self.plan.ending == "cancel":
            assert self.near.torn == []
        received = [record.text for record in self.records if isinstance(record, FrameReceived)]
        assert received == self.said[: len(received)]
        if self.plan.ending == "none":
            assert received == self.said

    def check_calls(self) -> None:
        """They start in order of asking, one is outstanding at a time, and each ends once."""
        on_the_wire: str | None = None
        asked: list[str] = []
        sent: list[str] = []
        open_calls: set[tuple[bool, str]] = set()
        for record in self.records:
            match record:
                case CallStarted(id=id, ours=ours):
                    assert (ours, id) not in open_calls
                    open_calls.add((ours, id))
                    asked += [id] * ours
                case FrameSent(text=text) if text.startswith("[2,"):
                    assert on_the_wire is None, "two calls outstanding"
                    on_the_wire = json.loads(text)[1]
                    sent.append(on_the_wire)
                case CallFinished(id=id, ours=ours):
                    open_calls.remove((ours, id))
                    if ours and id == on_the_wire:
                        on_the_wire = None
        assert not open_calls
        assert sent == [id for id in asked if id in set(sent)]

    def check_answers(self) -> None:
        """Each call of the peer is answered once, unless the link ends first; hooks run after results, and only then."""
        answers = [json.loads(text) for text in self.near.sent if text[1] in "34"]
        ids = [frame[1] for frame in answers]
        assert len(set(ids)) == len(ids)
        if self.plan.ending == "none":
            assert sorted(ids) == sorted(str(number) for number in range(len(self.plan.theirs)))
        results = [frame[1] for frame in answers if frame[0] == 3]
        assert set(self.hooked) <= set(results)
        if self.plan.ending == "none":
            assert sorted(self.hooked) == sorted(results * 2)


@pytest.mark.parametrize("name", BACKENDS)
@settings(max_examples=120, deadline=None)
@given(plan=plans)
def test_whatever_happens_at_once(name: str, plan: Plan) -> None:
    async def play() -> None:
        async with wire() as (near, far):
            scene = Scene(plan, near, far)
            await scene.play()
            scene.check()

    run(play, name)
