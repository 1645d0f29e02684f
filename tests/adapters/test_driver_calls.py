"""driver.py: our calls, their ends, their cancellation, and the deadlines."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from ocpp_sansio import (
    CallTimeout,
    ConnectionClosed,
    ErrorCode,
    Limits,
    LocalProtocolError,
    OCPPError,
    QueueFull,
    RemoteProtocolError,
    Role,
    SchemaViolation,
)
from ocpp_sansio.errors import GenericError, SecurityError
from ocpp_sansio.v16 import call, call_result
from tests.adapters.virtual_time import BACKENDS, only_asyncio, run
from tests.adapters.wire import ANSWERS, End, LinkLost, Scripted, answering, quiet, running, wire

pytestmark = pytest.mark.anyio

STATUS = call.StatusNotification(connector_id=1, error_code="NoError", status="Available")


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


async def failure_of(awaitable: Any) -> BaseException:
    """What it raises."""
    with pytest.raises(Exception) as caught:  # noqa: PT011
        await awaitable
    return caught.value


# How a call ends.


async def test_call_returns_the_typed_answer() -> None:
    async with wire() as (near, far), running(driver := Scripted(near)), anyio.create_task_group() as tasks:
        tasks.start_soon(answering, far)
        answer = await driver.call(call.Heartbeat())
        assert isinstance(answer, call_result.Heartbeat)
        assert answer.current_time.year == 2024
        tasks.cancel_scope.cancel()


async def test_a_callerror_is_a_typed_exception_with_code_description_and_details() -> None:
    async with wire() as (near, far), running(driver := Scripted(near)), anyio.create_task_group() as tasks:

        async def refuse() -> None:
            [_, id, *_] = await far.hear()
            far.say(4, id, "SecurityError", "no entry", {"why": ["because"]})

        tasks.start_soon(refuse)
        with pytest.raises(SecurityError) as caught:
            await driver.call(call.Heartbeat())
        assert caught.value.code is ErrorCode.SECURITY_ERROR
        assert caught.value.description == "no entry"
        assert caught.value.details == {"why": ["because"]}


async def test_a_callerror_of_unknown_code_is_a_generic_error_that_keeps_the_code() -> None:
    async with wire() as (near, far), running(driver := Scripted(near)), anyio.create_task_group() as tasks:

        async def refuse() -> None:
            [_, id, *_] = await far.hear()
            far.say(4, id, "TooTired", "", {})

        tasks.start_soon(refuse)
        with pytest.raises(GenericError) as caught:
            await driver.call(call.Heartbeat())
        assert caught.value.code == "TooTired"


@pytest.mark.parametrize(
    "answer", [[{"currentTime": 5}], [], [{"currentTime": "2024-05-01T12:00:00Z"}, "more"], ["text"]]
)
async def test_an_unusable_answer_is_not_confused_with_a_refusal(answer: list[Any]) -> None:
    async with wire() as (near, far), running(driver := Scripted(near)), anyio.create_task_group() as tasks:

        async def babble() -> None:
            [_, id, *_] = await far.hear()
            far.say(3, id, *answer)

        tasks.start_soon(babble)
        with pytest.raises(RemoteProtocolError, match="Heartbeat") as caught:
            await driver.call(call.Heartbeat())
        assert not isinstance(caught.value, OCPPError)


async def test_a_timeout_names_action_id_and_seconds_and_lets_the_next_call_go() -> None:
    async with wire() as (near, far), running(driver := Scripted(near)), anyio.create_task_group() as tasks:
        failures: list[BaseException] = []

        async def first() -> None:
            failures.append(await failure_of(driver.call(call.Heartbeat(), timeout=7.5)))

        began = anyio.current_time()
        tasks.start_soon(first)
        [_, id, action, _] = await far.hear()
        tasks.start_soon(driver.call, STATUS)
        [_, next_id, next_action, _] = await far.hear()
        assert anyio.current_time() - began == pytest.approx(7.5, abs=0.1)
        assert next_action == "StatusNotification"
        far.say(3, next_id, {})
    [timeout] = failures
    assert isinstance(timeout, CallTimeout)
    assert (timeout.action, timeout.id, timeout.seconds, timeout.sent) == (action, id, 7.5, True)
    assert str(timeout) == f"no answer to Heartbeat '{id}' within 7.5 s"


async def test_the_default_timeout_is_the_connections() -> None:
    async with wire() as (near, _), running(driver := Scripted(near, call_timeout=12.0)):
        began = anyio.current_time()
        failure = await failure_of(driver.call(call.Heartbeat()))
        assert isinstance(failure, CallTimeout)
        assert anyio.current_time() - began == pytest.approx(12, abs=0.1)


async def test_queue_timeout_ends_a_call_that_had_no_turn_and_never_sends_it() -> None:
    async with wire() as (near, far), running(driver := Scripted(near)), anyio.create_task_group() as tasks:
        tasks.start_soon(driver.call, call.Heartbeat())
        [_, id, *_] = await far.hear()
        with pytest.raises(CallTimeout, match="no turn to send StatusNotification") as caught:
            await driver.call(STATUS, queue_timeout=3)
        assert not caught.value.sent
        assert caught.value.seconds == pytest.approx(3, abs=0.1)
        far.say(3, id, ANSWERS["Heartbeat"])
    assert len(near.sent) == 1


@pytest.mark.parametrize("kind", [3, 4])
async def test_a_late_answer_is_logged_and_harmless(kind: int, caplog: pytest.LogCaptureFixture) -> None:
    async with wire() as (near, far), running(driver := Scripted(near)), anyio.create_task_group() as tasks:
        await failure_of(driver.call(call.Heartbeat(), timeout=1))
        [_, id, *_] = await far.hear()
        content = [ANSWERS["Heartbeat"]] if kind == 3 else ["InternalError", "", {}]
        far.say(kind, id, *content)
        await quiet()
        [record] = caplog.records
        assert record.levelno == logging.WARNING
        assert record.getMessage() == f"CP_1: late answer to Heartbeat '{id}' dropped"
        far.say(kind, id, *content)
        await quiet()
        assert caplog.records[1].getMessage() == f"CP_1: answer to unknown id '{id}' dropped"
        tasks.start_soon(answering, far)
        await driver.call(call.Heartbeat())
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("request_", "options", "error"),
    [
        ("Heartbeat", {}, TypeError),
        (call_result.Heartbeat(current_time="2024-05-01T12:00:00Z"), {}, TypeError),
        (call.Authorize(id_tag="x" * 21), {}, SchemaViolation),
        (call.Reset(type="Soft"), {}, LocalProtocolError),
        (call.Heartbeat(), {"timeout": 0}, ValueError),
        (call.Heartbeat(), {"timeout": -1}, ValueError),
        (call.Heartbeat(), {"queue_timeout": float("nan")}, ValueError),
    ],
)
async def test_what_the_connection_refuses_is_raised_and_not_sent(
    request_: Any, options: dict[str, Any], error: type[Exception]
) -> None:
    async with wire() as (near, far):
        driver = Scripted(near, role=Role.CHARGING_STATION)
        async with running(driver), anyio.create_task_group() as tasks:
            await quiet()
            with pytest.raises(error):
                await driver.call(request_, **options)
            await quiet()
            assert near.sent == []
            tasks.start_soon(answering, far)
            await driver.call(call.Heartbeat())
            tasks.cancel_scope.cancel()


async def test_a_full_queue_refuses_at_once() -> None:
    async with wire() as (near, far):
        driver = Scripted(near, limits=Limits(queued_calls=1))
        async with running(driver), anyio.create_task_group() as tasks:
            tasks.start_soon(driver.call, call.Heartbeat())
            await quiet()
            tasks.start_soon(driver.call, call.Heartbeat())
            await quiet()
            with pytest.raises(QueueFull):
                await driver.call(call.Heartbeat())
            await answer_calls(far, 2)
        assert len(near.sent) == 2


async def answer_calls(far: End, count: int) -> None:
    for _ in range(count):
        [_, id, action, _] = await far.hear()
        far.say(3, id, ANSWERS[action])


async def test_calls_go_out_one_at_a_time_and_in_order() -> None:
    async with wire() as (near, far), running(driver := Scripted(near)), anyio.create_task_group() as tasks:
        for number in range(10):
            tasks.start_soon(driver.call, call.Authorize(id_tag=str(number)))
            await quiet()
        for number in range(10):
            await quiet()
            assert len(near.sent) == number + 1
            [_, id, _, payload] = await far.hear()
            assert payload == {"idTag": str(number)}
            far.say(3, id, {"idTagInfo": {"status": "Accepted"}})


async def test_a_call_asked_of_the_protocol_object_itself_ends_unheard() -> None:
    async with wire() as (near, far), running(driver := Scripted(near)), anyio.create_task_group() as tasks:
        await quiet()
        pending = driver.protocol.call(call.Heartbeat(), now=anyio.current_time())
        tasks.start_soon(answering, far)
        await driver.call(call.Heartbeat())
        assert pending not in driver.protocol.calls
        tasks.cancel_scope.cancel()


# Before start() and after it.


@pytest.mark.parametrize("call_first", [True, False])
async def test_start_and_call_may_begin_in_either_order(call_first: bool) -> None:
    async with wire() as (near, far), anyio.create_task_group() as tasks:
        tasks.start_soon(answering, far)
        driver = Scripted(near)

        async def ask() -> None:
            await driver.call(call.Heartbeat())
            tasks.cancel_scope.cancel()

        for function in (ask, driver.start) if call_first else (driver.start, ask):
            tasks.start_soon(function)
            await checkpoint()


@only_asyncio
@pytest.mark.parametrize("call_first", [True, False])
async def test_gather_of_start_and_call_works_and_raises_the_links_own_exception(call_first: bool) -> None:
    async with wire() as (near, far):
        driver = Scripted(near)
        answers: list[Any] = []

        async def use() -> None:
            answers.append(await driver.call(call.Heartbeat()))
            await driver.call(call.Heartbeat())

        async def peer() -> None:
            await answer_calls(far, 1)
            await far.hear()
            far.cut()

        together = [use(), driver.start()] if call_first else [driver.start(), use()]
        with pytest.raises(LinkLost):
            await asyncio.gather(*together, peer())
        assert len(answers) == 1


@pytest.mark.parametrize(("options", "patience"), [({}, 30), ({"timeout": 2}, 2)])
async def test_call_without_start_says_so_and_sends_nothing(options: Any, patience: float) -> None:
    async with wire() as (near, _):
        driver = Scripted(near)
        began = anyio.current_time()
        with pytest.raises(LocalProtocolError, match=r"^call\(\) needs start\(\)"):
            await driver.call(call.Heartbeat(), **options)
        assert anyio.current_time() - began == pytest.approx(patience, abs=0.1)
        assert driver.protocol.calls == ()
        assert near.sent == []


async def test_a_call_cancelled_before_start_is_never_made() -> None:
    async with wire() as (near, _):
        driver = Scripted(near)
        with anyio.move_on_after(1):
            await driver.call(call.Heartbeat())
        async with running(driver):
            await quiet()
        assert near.sent == []


async def test_call_after_the_end_raises_connection_closed_from_the_links_exception() -> None:
    async with wire() as (near, far), running(driver := Scripted(near)) as [outcome]:
        far.cut()
        await quiet()
        assert isinstance(outcome.error, LinkLost)
        with pytest.raises(ConnectionClosed) as caught:
            await driver.call(call.Heartbeat())
        assert caught.value.__cause__ is outcome.error
        assert near.sent == []


async def test_start_runs_once() -> None:
    async with wire() as (near, far), running(driver := Scripted(near)) as [outcome]:
        await quiet()
        with pytest.raises(LocalProtocolError, match="start"):
            await driver.start()
        async with anyio.create_task_group() as tasks:  # the first goes on
            tasks.start_soon(answering, far)
            await driver.call(call.Heartbeat())
            tasks.cancel_scope.cancel()
        outcome.scope.cancel()
        await quiet()
        with pytest.raises(LocalProtocolError, match="start"):
            await driver.start()


@pytest.mark.parametrize("name", BACKENDS)
def test_a_driver_may_be_made_before_there_is_an_event_loop(name: str) -> None:
    class Dead:
        async def recv(self) -> str:
            raise LinkLost

    driver = Scripted(Dead())
    with pytest.raises(LinkLost):
        anyio.run(driver.start, backend=name)


# Cancellation.


async def test_a_queued_call_that_is_cancelled_is_never_sent() -> None:
    async with wire() as (near, far), running(driver := Scripted(near)), anyio.create_task_group() as tasks:
        tasks.start_soon(driver.call, call.Heartbeat())
        [_, id, *_] = await far.hear()
        with anyio.move_on_after(5) as scope:
            await driver.call(STATUS)
        assert scope.cancelled_caught
        assert len(driver.protocol.calls) == 1
        far.say(3, id, ANSWERS["Heartbeat"])
        await quiet()
        assert len(near.sent) == 1
        tasks.start_soon(answering, far)
        await driver.call(call.Heartbeat())
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("ending", ["answer", "time-out"])
async def test_a_call_cancelled_on_the_wire_keeps_its_slot_until(ending: str) -> None:
    async with wire() as (near, far), running(driver := Scripted(near)), anyio.create_task_group() as tasks:
        with anyio.move_on_after(5):
            await driver.call(call.Heartbeat())
        [_, id, *_] = await far.hear()
        tasks.start_soon(driver.call, STATUS)
        await quiet()
        assert len(near.sent) == 1
        if ending == "answer":
            far.say(3, id, ANSWERS["Heartbeat"])
        began = anyio.current_time()
        [_, id, action, _] = await far.hear()
        assert action == "StatusNotification"
        waited = anyio.current_time() - began
        assert waited == pytest.approx(0 if ending == "answer" else 25, abs=0.1)
        far.say(3, id, {})


TURNS = range(14)


@pytest.mark.parametrize("turns", TURNS)
@pytest.mark.parametrize("started", [True, False])
async def test_cancelling_a_call_at_any_moment_leaves_the_link_usable(turns: int, started: bool) -> None:
    async with wire() as (near, far), running(driver := Scripted(near)) as [outcome]:
        if started:
            await quiet()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(answering, far, None, 2)
            await cancelled_after(turns, driver.call, call.Heartbeat())
            await quiet()
            assert driver.protocol.calls == ()
            for _ in range(2):
                await driver.call(call.Heartbeat())
            tasks.cancel_scope.cancel()
        assert not outcome.ended
        assert near.torn == []


async def cancelled_after(turns: int, function: Callable[..., Any], *args: Any) -> None:
    """Run it, and cancel it after so many turns of the event loop."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(function, *args)
        for _ in range(turns):
            await checkpoint()
        tasks.cancel_scope.cancel()


@only_asyncio
@pytest.mark.parametrize("turns", TURNS)
async def test_cancelling_the_task_of_a_call_at_any_moment_leaves_the_link_usable(turns: int) -> None:
    async with wire() as (near, far), running(driver := Scripted(near)) as [outcome]:
        await quiet()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(answering, far, None, 2)
            task = asyncio.create_task(driver.call(call.Heartbeat()))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled() or task.result() is not None
            await quiet()
            assert driver.protocol.calls == ()
            await driver.call(call.Heartbeat())
            tasks.cancel_scope.cancel()
        assert not outcome.ended
        assert near.torn == []


@pytest.mark.parametrize("turns", TURNS)
async def test_cancelling_many_calls_at_once_leaves_the_others(turns: int) -> None:
    async with wire() as (near, far), running(driver := Scripted(near)):
        await quiet()
        answered: list[int] = []

        async def ask(number: int) -> None:
            await driver.call(call.Heartbeat())
            answered.append(number)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(answering, far)
            async with anyio.create_task_group() as kept, anyio.create_task_group() as cancelled:
                for number in range(20):
                    (cancelled if number % 2 else kept).start_soon(ask, number)
                for _ in range(turns):
                    await checkpoint()
                cancelled.cancel_scope.cancel()
            assert sorted(number for number in answered if number % 2 == 0) == list(range(0, 20, 2))
            assert driver.protocol.calls == ()
            tasks.cancel_scope.cancel()


# Deadlines.


async def test_a_shorter_deadline_that_comes_up_later_is_kept() -> None:
    async with wire() as (near, far), running(driver := Scripted(near)), anyio.create_task_group() as tasks:
        tasks.start_soon(driver.call, call.Heartbeat())
        [_, id, *_] = await far.hear()
        began = anyio.current_time()
        with pytest.raises(CallTimeout):
            await driver.call(STATUS, queue_timeout=2)
        assert anyio.current_time() - began == pytest.approx(2, abs=0.1)
        far.say(3, id, ANSWERS["Heartbeat"])


async def test_a_deadline_that_comes_up_with_an_answer_is_kept() -> None:
    async with wire() as (near, far), running(driver := Scripted(near)), anyio.create_task_group() as tasks:
        tasks.start_soon(driver.call, call.Heartbeat())
        [_, id, *_] = await far.hear()

        async def impatient() -> None:
            with pytest.raises(CallTimeout):
                await driver.call(STATUS, timeout=2)

        async with anyio.create_task_group() as waiting:
            waiting.start_soon(impatient)
            await quiet()
            near.hold()  # the impatient call's turn comes, and its frame cannot leave
            far.say(3, id, ANSWERS["Heartbeat"])
            began = anyio.current_time()
        assert anyio.current_time() - began == pytest.approx(2, abs=0.1)
        near.release()


@pytest.mark.parametrize("virtual_time", ["asyncio", "asyncio, coarse clock", "trio"], indirect=True)
async def test_many_timeouts_in_a_row_are_each_kept() -> None:
    async with wire() as (near, _), running(driver := Scripted(near)):
        for seconds in (0.001, 0.3, 1 / 3, 7, 1e-9, 86_400 * 3, 0.1):
            began = anyio.current_time()
            with pytest.raises(CallTimeout):
                await driver.call(call.Heartbeat(), timeout=seconds)
            waited = anyio.current_time() - began
            assert waited == pytest.approx(seconds, abs=0.02)
            assert waited > seconds - 1e-6


@pytest.mark.parametrize("name", BACKENDS)
def test_a_day_of_heartbeats_takes_a_moment(name: str) -> None:
    async def day() -> None:
        async with wire() as (near, far), anyio.create_task_group() as tasks:
            driver = Scripted(near)
            tasks.start_soon(driver.start)
            tasks.start_soon(answering, far)
            for _ in range(24 * 12):
                await driver.call(call.Heartbeat())
                await anyio.sleep(300)
            tasks.cancel_scope.cancel()

    before = time.process_time()  # which a busy machine does not stretch
    run(day, name)
    assert time.process_time() - before < 1.0
