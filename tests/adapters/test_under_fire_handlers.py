"""Handlers under fire, at either end of a real link and on both backends: they hang, crash, return rubbish, are cancelled,
answer too late, and call back. The link goes on, whoever asked is told, and nothing is left behind.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from ocpp_sansio import CallTimeout
from ocpp_sansio.errors import InternalError
from ocpp_sansio.v16 import call_result
from ocpp_sansio_adapters.charge_point import ChargePoint
from tests.adapters.crowd import NOW
from tests.adapters.guilty import DONE, END, PLEASANTRY, TRANSFER, Deed, in_vain, link, lose
from tests.adapters.leaks import forgetful_log, nothing_behind
from tests.adapters.sockets import eventually

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("forgetful_log")]

__all__ = ["forgetful_log"]  # a fixture


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


def one_by_one(deeds: Iterable[Deed]) -> Deed:
    """Another one each time."""
    following = iter(deeds)

    def do(charge_point: ChargePoint) -> Any:
        deed = next(following)
        return deed(charge_point)

    return do


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


both_ends = pytest.mark.parametrize("guilty", ["CSMS", "station"])


# What goes wrong in a handler is told to the one who asked, and to the log.


def crash(charge_point: ChargePoint) -> Any:
    raise RuntimeError("a bug")


async def crash_later(charge_point: ChargePoint) -> Any:
    await anyio.lowlevel.checkpoint()
    raise RuntimeError("a bug")


async def crash_in_a_group(charge_point: ChargePoint) -> Any:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(crash_later, charge_point)
        await anyio.sleep_forever()


def group_of_bugs(charge_point: ChargePoint) -> Any:
    raise ExceptionGroup("two bugs", [RuntimeError("one"), ValueError("two")])


async def exit_of_a_generator(charge_point: ChargePoint) -> Any:
    raise StopAsyncIteration


async def time_is_over(charge_point: ChargePoint) -> Any:
    with anyio.fail_after(0):
        await anyio.sleep_forever()


async def awaits_twice(charge_point: ChargePoint) -> Any:
    work = anyio.lowlevel.checkpoint()
    await work
    return await work


async def starts_again(charge_point: ChargePoint) -> Any:
    await charge_point.start()


def generator(charge_point: ChargePoint) -> Any:
    yield DONE


async def later_generator(charge_point: ChargePoint) -> Any:
    yield DONE


async def nothing(charge_point: ChargePoint) -> None:
    await anyio.lowlevel.checkpoint()


def bad_value(charge_point: ChargePoint) -> Any:
    answer = call_result.DataTransfer(status="Accepted")
    answer.status = object()  # type: ignore[assignment]
    return answer


def bad_text(charge_point: ChargePoint) -> Any:
    return call_result.DataTransfer(status="Accepted", data="\ud800")


def loop_in_data(charge_point: ChargePoint) -> Any:
    answer = call_result.DataTransfer(status="Accepted")
    endless: list[Any] = []
    endless.append(endless)
    answer.data = endless  # type: ignore[assignment]
    return answer


CRASHES: dict[str, Deed] = {
    "crash": crash,
    "crash later": crash_later,
    "crash in a group": crash_in_a_group,
    "two bugs": group_of_bugs,
    "StopAsyncIteration": exit_of_a_generator,
    "time is over": time_is_over,
    "awaits twice": awaits_twice,
    "starts again": starts_again,
    "None": lambda charge_point: None,
    "None, later": nothing,
    "another class": lambda charge_point: call_result.Heartbeat(current_time=NOW),
    "the class": lambda charge_point: call_result.DataTransfer,
    "a request": lambda charge_point: TRANSFER,
    "a dict": lambda charge_point: {"status": "Accepted"},
    "text": lambda charge_point: "Accepted",
    "an exception": lambda charge_point: RuntimeError("returned"),
    "a function": lambda charge_point: crash,
    "a generator": generator,
    "an asynchronous generator": later_generator,
    "a bad value": bad_value,
    "half a character": bad_text,
    "a list in itself": loop_in_data,
}


@both_ends
async def test_what_crashes_is_an_internal_error_and_logged(
    guilty: str, caplog: pytest.LogCaptureFixture
) -> None:
    deeds = list(CRASHES.values())

    async def life() -> None:
        async with link(guilty, one_by_one(deeds)) as ends:
            for name in CRASHES:
                with pytest.raises(InternalError) as caught:
                    await ends.ask()
                assert caught.value.description == InternalError().description, name  # the rest is ours alone
                assert errors(caplog) == ["CP_1: the handler of DataTransfer failed"], name
                caplog.clear()
            await ends.still_well()

    async with nothing_behind():
        await life()


async def cancels_itself(charge_point: ChargePoint) -> Any:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await anyio.lowlevel.checkpoint()


async def is_cancelled_by_what_it_awaits(charge_point: ChargePoint) -> Any:
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


def raises_a_cancellation(charge_point: ChargePoint) -> Any:
    raise asyncio.CancelledError


async def raises_a_cancellation_later(charge_point: ChargePoint) -> Any:
    await anyio.lowlevel.checkpoint()
    raise asyncio.CancelledError


def groups_a_cancellation(charge_point: ChargePoint) -> Any:
    raise BaseExceptionGroup("what became of them", [ValueError("a bug"), asyncio.CancelledError()])


async def groups_a_cancellation_later(charge_point: ChargePoint) -> Any:
    await anyio.lowlevel.checkpoint()
    groups_a_cancellation(charge_point)


async def gives_up(charge_point: ChargePoint) -> Any:
    with anyio.CancelScope() as scope:
        scope.cancel()
        await anyio.sleep_forever()


async def gives_up_a_group(charge_point: ChargePoint) -> Any:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.sleep_forever)
        tasks.cancel_scope.cancel()
        await anyio.sleep_forever()


OF_ASYNCIO = [
    cancels_itself,
    is_cancelled_by_what_it_awaits,
    raises_a_cancellation,
    raises_a_cancellation_later,
    groups_a_cancellation,
    groups_a_cancellation_later,
]


@both_ends
async def test_a_cancellation_of_its_own_is_a_crash_of_the_handler(
    guilty: str, anyio_backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    deeds: list[Deed] = [gives_up, gives_up_a_group, *(OF_ASYNCIO if anyio_backend == "asyncio" else [])]

    async def life() -> None:
        async with link(guilty, one_by_one(deeds)) as ends:
            for deed in deeds:
                with pytest.raises(InternalError):
                    await ends.ask()
                assert errors(caplog) == ["CP_1: the handler of DataTransfer failed"], deed
                caplog.clear()
            await ends.still_well()

    async with nothing_behind():
        await life()


# What takes too long.


@both_ends
@pytest.mark.parametrize("ending", ["it is hung up", "the link is lost", "the CSMS ends"])
async def test_what_hangs_times_out_there_and_is_cancelled_here_with_the_link(
    guilty: str, ending: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocpp_sansio_adapters._server.SHUTDOWN_GRACE", 0.05)
    hanging, cancelled = 0, 0

    async def hang(charge_point: ChargePoint) -> None:
        nonlocal hanging, cancelled
        hanging += 1
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            cancelled += 1
            raise

    async def life() -> None:
        async with link(guilty, hang) as ends, anyio.create_task_group() as tasks:
            for _ in range(3):
                with pytest.raises(CallTimeout):
                    await ends.ask(timeout=0.02)
                await ends.still_well()
            tasks.start_soon(in_vain, ends)
            await eventually(lambda: hanging == 4)
            assert cancelled == 0
            await END[ending](ends)
            await eventually(lambda: cancelled == 4)

    async with nothing_behind():
        await life()
    assert not errors(caplog)


@both_ends
async def test_a_mistake_in_tidying_up_ends_neither_the_station_nor_the_server(
    guilty: str, caplog: pytest.LogCaptureFixture
) -> None:
    asked = anyio.Event()

    async def untidy() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise ValueError("a bug")

    async def in_a_group(charge_point: ChargePoint) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(untidy)
            await anyio.lowlevel.checkpoint()
            asked.set()
            await anyio.sleep_forever()

    async def life() -> None:
        async with link(guilty, in_a_group) as ends, anyio.create_task_group() as tasks:
            before = ends.csms.stations["CP_1"]
            tasks.start_soon(in_vain, ends)
            await asked.wait()
            await lose(ends)
            await eventually(lambda: ends.csms.stations.get("CP_1") not in (None, before))

    async with nothing_behind():
        await life()
    assert errors(caplog) == ["CP_1: the handler of DataTransfer failed"]


@both_ends
async def test_an_answer_that_comes_after_the_link_concerns_nobody(
    guilty: str, caplog: pytest.LogCaptureFixture
) -> None:
    asked, gone = anyio.Event(), anyio.Event()
    answered: list[str] = []

    async def answer_late(charge_point: ChargePoint) -> call_result.DataTransfer:
        asked.set()
        with anyio.CancelScope(shield=True):
            await gone.wait()
        answered.append(charge_point.id)
        return DONE

    async def life() -> None:
        async with link(guilty, answer_late) as ends, anyio.create_task_group() as tasks:
            tasks.start_soon(in_vain, ends)
            await asked.wait()
            await lose(ends)
            await eventually(lambda: ends.guilty.protocol.closed)
            gone.set()
            await eventually(lambda: answered == ["CP_1"])

    async with nothing_behind():
        await life()
    assert not errors(caplog)


# What calls back.


@both_ends
async def test_a_handler_may_call_the_one_who_asks_it(guilty: str) -> None:
    came_back: list[Any] = []

    async def call_back(charge_point: ChargePoint) -> call_result.DataTransfer:
        came_back.append(await charge_point.call(PLEASANTRY[charge_point.protocol.role]))
        return DONE

    async def life() -> None:
        async with link(guilty, call_back) as ends, anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(ends.ask)
        assert len(came_back) == 10

    async with nothing_behind():
        await life()


@both_ends
async def test_a_handler_that_calls_back_is_told_when_the_link_is_lost(
    guilty: str, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []

    async def call_back(charge_point: ChargePoint) -> call_result.DataTransfer:
        if len(told) == 2:  # what it has asked for comes back as the same question
            await anyio.sleep_forever()
        told.append("asked")
        try:
            await charge_point.call(TRANSFER)
        finally:
            told.append("told")
        return DONE

    async def life() -> None:
        async with link(guilty, call_back) as ends, anyio.create_task_group() as tasks:
            tasks.start_soon(in_vain, ends)
            await eventually(lambda: told == ["asked"] * 2)
            await lose(ends)
            await eventually(lambda: told == ["asked"] * 2 + ["told"] * 2)

    async with nothing_behind():
        await life()
    assert not errors(caplog)
