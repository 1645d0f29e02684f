"""driver.py: how a link ends, by loss, by cancellation and by our own wish, and what becomes of everybody who uses it."""

import asyncio
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from ocpp_sansio import ConnectionClosed
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio_adapters.driver import GRACE
from tests.adapters.virtual_time import only_asyncio
from tests.adapters.wire import NOW, End, LinkLost, Scripted, answering, quiet, running, wire

pytestmark = pytest.mark.anyio

ACCEPTED = call_result.Reset(status="Accepted")


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


def heartbeat(request: call.Heartbeat) -> call_result.Heartbeat:
    return call_result.Heartbeat(current_time=NOW)


class Callers:
    """Tasks that call, and how each call failed."""

    def __init__(self, driver: Scripted, tasks: Any, count: int) -> None:
        self.failures: list[BaseException] = []
        self.ended_at: list[float] = []
        for _ in range(count):
            tasks.start_soon(self.ask, driver)

    async def ask(self, driver: Scripted) -> None:
        try:
            await driver.call(call.Heartbeat(), timeout=1000)
        except Exception as error:
            self.failures.append(error)
            self.ended_at.append(anyio.current_time())

    def all_ended_from(self, cause: BaseException | None, count: int) -> bool:
        return [type(failure) for failure in self.failures] == [ConnectionClosed] * count and {
            failure.__cause__ for failure in self.failures
        } == {cause}


# Losing the link.


async def test_start_raises_the_very_exception_of_recv() -> None:
    async with wire() as (near, far), running(Scripted(near)) as [outcome]:
        error = LinkLost("gone")
        far.cut(error)
        await quiet()
        assert outcome.error is error


async def by_a_call(driver: Scripted, far: End) -> None:
    with pytest.raises(ConnectionClosed):
        await driver.call(call.Heartbeat())


async def by_an_answer(driver: Scripted, far: End) -> None:
    far.ask("Heartbeat")


async def by_a_later_answer(driver: Scripted, far: End) -> None:
    far.ask("Reset", type="Soft")


async def by_a_refusal(driver: Scripted, far: End) -> None:
    far.ask("Reset", type="Sideways")


@pytest.mark.parametrize("written", [by_a_call, by_an_answer, by_a_later_answer, by_a_refusal])
@pytest.mark.parametrize("cut", [False, True])
async def test_start_raises_the_very_exception_of_send(written: Any, cut: bool) -> None:
    async def reset(request: Any) -> Any:
        await checkpoint()
        return ACCEPTED

    async with wire() as (near, far):
        driver = Scripted(near, {"Heartbeat": heartbeat, "Reset": reset})
        async with running(driver) as [outcome], anyio.create_task_group() as tasks:
            near.send_error = OSError("broken pipe")
            near.latency = 1.0
            tasks.start_soon(written, driver, far)
            await anyio.sleep(0.5)
            if cut:  # while it is being written
                far.cut()
            await anyio.sleep(0.7)
            assert outcome.ended
            assert isinstance(outcome.error, LinkLost if cut else OSError)


async def test_a_lost_link_ends_every_waiting_call_at_once() -> None:
    async with wire() as (near, far), running(driver := Scripted(near)) as [outcome]:
        async with anyio.create_task_group() as tasks:
            callers = Callers(driver, tasks, 50)
            await anyio.sleep(10)
            assert len(driver.protocol.calls) == 50
            far.cut()
            cut_at = anyio.current_time()
        assert isinstance(outcome.error, LinkLost)
        assert callers.all_ended_from(outcome.error, 50)
        assert set(callers.ended_at) == {cut_at}
        assert len(near.sent) == 1


async def test_a_lost_link_names_the_call_that_was_not_answered() -> None:
    async with wire() as (near, far), running(driver := Scripted(near)), anyio.create_task_group() as tasks:
        callers = Callers(driver, tasks, 1)
        [_, id, *_] = await far.hear()
        far.cut()
        await quiet()
        assert str(callers.failures[0]) == f"the link was lost before Heartbeat '{id}' was answered"


async def test_handlers_that_have_not_answered_are_cancelled_with_the_link(
    caplog: pytest.LogCaptureFixture,
) -> None:
    fates: list[str] = []

    async def slow(request: Any) -> Any:
        try:
            await anyio.sleep(1000)
        except anyio.get_cancelled_exc_class():
            fates.append("cancelled")
            raise

    async with wire() as (near, far), running(Scripted(near, {"Reset": slow})) as [outcome]:
        for number in range(5):
            far.ask("Reset", str(number), type="Soft")
        await quiet()
        far.cut()
        await quiet()
        assert fates == ["cancelled"] * 5
        assert isinstance(outcome.error, LinkLost)
        assert near.sent == []
        assert caplog.records == []


async def test_a_link_lost_during_a_write_ends_start_without_waiting_for_the_write() -> None:
    async with wire() as (near, far), running(driver := Scripted(near)) as [outcome]:
        async with anyio.create_task_group() as tasks:
            near.hold()
            callers = Callers(driver, tasks, 3)
            await anyio.sleep(10)
            far.cut()
            cut_at = anyio.current_time()
            await quiet()
            assert isinstance(outcome.error, LinkLost)
            assert outcome.ended
        assert callers.all_ended_from(outcome.error, 3)
        assert set(callers.ended_at) == {cut_at}
        assert len(near.torn) == 1
        assert near.sent == []


@only_asyncio
@pytest.mark.parametrize("asked", ["nothing", "Reset", "Heartbeat"])
async def test_gather_raises_the_links_own_exception_although_calls_end_with_it(asked: str) -> None:
    """Whether nothing else is going on, a handler is, or a hook has been."""

    async def slow(request: Any) -> Any:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.sleep, 1000)

    async def hook(request: Any) -> None:
        await checkpoint()

    async with wire() as (near, far):
        driver = Scripted(near, {"Reset": slow, "Heartbeat": heartbeat}, hooks={"Heartbeat": [hook]})

        async def peer() -> None:
            await far.hear()
            if asked != "nothing":
                far.ask(asked, **({"type": "Soft"} if asked == "Reset" else {}))
            await quiet()
            far.cut()

        calls = [driver.call(call.Heartbeat()) for _ in range(5)]
        with pytest.raises(LinkLost):
            await asyncio.gather(*calls, driver.start(), peer())


# Handlers that resist.


async def test_a_handler_that_resists_its_cancellation_does_not_hold_up_callers() -> None:
    async def stubborn(request: Any) -> Any:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(3)
        return ACCEPTED

    async with wire() as (near, far), running(driver := Scripted(near, {"Reset": stubborn})) as [outcome]:
        async with anyio.create_task_group() as tasks:
            callers = Callers(driver, tasks, 2)
            far.ask("Reset", type="Soft")
            await quiet()
            far.cut()
            cut_at = anyio.current_time()
        assert set(callers.ended_at) == {cut_at}
        assert not outcome.ended
        await anyio.sleep(3.5)
        assert callers.all_ended_from(outcome.error, 2)


@pytest.mark.parametrize("lost", [True, False])
async def test_a_handler_that_shields_a_call_of_its_own_does_not_wait_for_ever(
    lost: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async with wire() as (near, far):

        async def stubborn(request: Any) -> Any:
            with anyio.CancelScope(shield=True):
                await driver.call(call.Heartbeat(), timeout=1000)

        driver = Scripted(near, {"Reset": stubborn})
        async with running(driver) as [outcome]:
            far.ask("Reset", type="Soft")
            await far.hear()
            if lost:
                far.cut()
            else:
                outcome.scope.cancel()
            await quiet()
            assert outcome.ended
    assert caplog.records == []  # that a link ends is no crash of a handler


async def test_a_handler_that_calls_while_it_is_cancelled_is_refused_at_once() -> None:
    failures: list[BaseException] = []

    async with wire() as (near, far):

        async def tidy(request: Any) -> Any:
            try:
                await anyio.sleep(1000)
            finally:
                with anyio.CancelScope(shield=True):
                    try:
                        await driver.call(call.Heartbeat())
                    except ConnectionClosed as error:
                        failures.append(error)

        driver = Scripted(near, {"Reset": tidy})
        async with running(driver) as [outcome]:
            far.ask("Reset", type="Soft")
            await quiet()
            far.cut()
            await quiet()
            assert outcome.ended
            assert [failure.__cause__ for failure in failures] == [outcome.error]


async def test_a_handler_that_crashes_while_it_is_cancelled_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def clumsy(request: Any) -> Any:
        try:
            await anyio.sleep(1000)
        finally:
            raise ZeroDivisionError

    async with wire() as (near, far), running(Scripted(near, {"Reset": clumsy})) as [outcome]:
        far.ask("Reset", type="Soft")
        await quiet()
        far.cut()
        await quiet()
        assert isinstance(outcome.error, LinkLost)
        assert "the handler of Reset failed" in caplog.text


async def test_the_end_of_another_link_is_a_crash_of_the_handler_that_used_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def relay(request: Any) -> Any:
        raise ConnectionClosed("the other one")

    async with wire() as (near, far), running(Scripted(near, {"Reset": relay})):
        far.ask("Reset", type="Soft")
        assert (await far.hear())[2] == "InternalError"
        assert "the other one" in caplog.text


# Hooks and their grace.


@pytest.mark.parametrize("lost", [True, False])
async def test_hooks_in_flight_may_finish_within_their_grace(lost: bool) -> None:
    fates: list[str] = []

    async def prompt(request: Any) -> None:
        await anyio.sleep(10 + GRACE - 0.1)
        fates.append("finished")

    async def endless(request: Any) -> None:
        try:
            await anyio.sleep(10_000)
        finally:
            fates.append(f"cancelled after {anyio.current_time() - cut_at:.0f} s")

    async with wire() as (near, far):
        driver = Scripted(near, {"Heartbeat": heartbeat}, hooks={"Heartbeat": [prompt, endless]})
        async with running(driver) as [outcome]:
            far.ask("Heartbeat")
            await far.hear()
            async with anyio.create_task_group() as tasks:
                callers = Callers(driver, tasks, 2)
                await anyio.sleep(10)
                cut_at = anyio.current_time()
                if lost:
                    far.cut()
                else:
                    outcome.scope.cancel()
            assert set(callers.ended_at) == {cut_at}  # nobody waits for hooks
            assert not outcome.ended
            await anyio.sleep(GRACE + 0.1)
            assert outcome.ended
            assert fates == ["finished", f"cancelled after {GRACE:.0f} s"]


@pytest.mark.parametrize("turns", range(8))
async def test_hooks_that_begin_as_the_link_ends_have_no_more_than_their_grace(turns: int) -> None:
    async def endless(request: Any) -> None:
        await anyio.sleep(10_000)

    async with wire() as (near, far):
        driver = Scripted(near, {"Heartbeat": heartbeat}, hooks={"Heartbeat": [endless]})
        async with running(driver) as [outcome]:
            far.ask("Heartbeat")
            for _ in range(turns):
                await checkpoint()
            far.cut()
            await anyio.sleep(GRACE + 0.1)
            assert outcome.ended


async def test_a_hook_that_calls_on_a_lost_link_is_told_and_not_blamed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with wire() as (near, far):

        async def hook(request: Any) -> None:
            await driver.call(call.Reset(type="Soft"))

        driver = Scripted(near, {"Heartbeat": heartbeat}, hooks={"Heartbeat": [hook]})
        async with running(driver) as [outcome]:
            far.ask("Heartbeat")
            await far.hear()
            await far.hear()
            far.cut()
            await quiet()
            assert outcome.ended
        assert caplog.records == []


# Cancelling start().


async def test_cancelling_start_ends_waiting_calls_and_handlers() -> None:
    async def slow(request: Any) -> Any:
        await anyio.sleep(1000)

    async with wire() as (near, far), running(driver := Scripted(near, {"Reset": slow})) as [outcome]:
        async with anyio.create_task_group() as tasks:
            callers = Callers(driver, tasks, 3)
            far.ask("Reset", type="Soft")
            await anyio.sleep(1)
            outcome.scope.cancel()
            cancelled_at = anyio.current_time()
        assert outcome.ended
        assert outcome.error is None
        [cause] = {failure.__cause__ for failure in callers.failures}
        assert callers.all_ended_from(cause, 3)
        assert isinstance(cause, ConnectionClosed)
        assert set(callers.ended_at) == {cancelled_at}
        assert len(near.sent) == 1


@pytest.mark.parametrize("latency", [1.0, GRACE - 0.1, GRACE + 0.1, 1000.0])
async def test_a_frame_that_is_being_written_is_finished_after_cancellation(latency: float) -> None:
    async with wire() as (near, _), running(driver := Scripted(near)) as [outcome]:
        async with anyio.create_task_group() as tasks:
            near.latency = latency
            callers = Callers(driver, tasks, 2)
            await quiet()
            began = anyio.current_time()
            outcome.scope.cancel()
        assert callers.ended_at == [began, began]
        await anyio.sleep(min(latency, GRACE) + 0.05)
        assert outcome.ended
        assert (len(near.sent), len(near.torn)) == ((1, 0) if latency < GRACE else (0, 1))


class Busy:
    """A driver in the midst of everything: a call on the wire, one queued, handlers of both kinds, hooks, refusals."""

    def __init__(self, near: End) -> None:
        async def slow(request: Any) -> Any:
            await anyio.sleep(0.1)
            return call_result.DataTransfer(status="Accepted")

        async def hook(request: Any) -> None:
            await anyio.sleep(0.1)

        self.driver = Scripted(
            near, {"Heartbeat": heartbeat, "DataTransfer": slow}, hooks={"Heartbeat": [hook]}
        )
        self.ends: list[Any] = []

    async def begin(self, tasks: Any, far: End) -> None:
        for _ in range(3):
            tasks.start_soon(self.ask)
        tasks.start_soon(answering, far, None, 1)
        for number in range(3):
            far.ask("Heartbeat", f"h{number}")
            far.ask("DataTransfer", f"d{number}", vendorId="x")
            far.ask("Reset", f"r{number}", type="Sideways")

    async def ask(self) -> None:
        try:
            self.ends.append(await self.driver.call(call.Heartbeat()))
        except ConnectionClosed as error:
            self.ends.append(error)


TURNS = [*range(16), 20, 30, 50]


@pytest.mark.parametrize("turns", TURNS)
@pytest.mark.parametrize("way", ["cancel", "cut", "cut by send", "cancel and cut"])
async def test_ending_at_any_moment_leaves_nothing_behind(way: str, turns: int) -> None:
    async with wire() as (near, far):
        busy = Busy(near)
        async with running(busy.driver) as [outcome], anyio.create_task_group() as tasks:
            await busy.begin(tasks, far)
            for _ in range(turns):
                await checkpoint()
            if way == "cut by send":
                near.send_error = OSError("broken pipe")
                far.ask("Heartbeat", "last")
            if "cut" in way:
                far.cut()
            if "cancel" in way:
                outcome.scope.cancel()
            await anyio.sleep(1)
            assert outcome.ended
            assert len(busy.ends) == 3
            assert busy.driver.protocol.calls == busy.driver.protocol.owed == ()
            if way == "cut":
                assert isinstance(outcome.error, LinkLost)
            if way == "cancel":
                assert near.torn == []
            tasks.cancel_scope.cancel()


@only_asyncio
@pytest.mark.parametrize("turns", TURNS)
async def test_cancelling_the_task_of_start_at_any_moment_leaves_nothing_behind(turns: int) -> None:
    before = asyncio.all_tasks()
    async with wire() as (near, far), anyio.create_task_group() as tasks:
        busy = Busy(near)
        start = asyncio.create_task(busy.driver.start())
        await busy.begin(tasks, far)
        for _ in range(turns):
            await asyncio.sleep(0)
        start.cancel()
        await asyncio.wait([start])
        assert start.cancelled()
        await anyio.sleep(1)
        tasks.cancel_scope.cancel()
    assert near.torn == []
    assert asyncio.all_tasks() == before
    if turns:
        assert len(busy.ends) == 3


@only_asyncio
async def test_cancelling_the_task_of_start_does_not_tear_a_frame() -> None:
    async with wire() as (near, far):
        start = asyncio.create_task(Scripted(near, {"Heartbeat": heartbeat}).start())
        near.latency = 1.0
        far.ask("Heartbeat")
        await quiet()
        start.cancel()
        await asyncio.wait([start])
        assert start.cancelled()
        assert len(near.sent) == 1
