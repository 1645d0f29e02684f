"""station.py: `async with`: what is asked before there is a link, how it ends, and whose exceptions come out of it; in
memory and on virtual time, on both backends.
"""

import asyncio
from contextlib import suppress
from typing import Any

import anyio
import pytest

from ocpp_sansio import ConnectionClosed
from ocpp_sansio.routing import on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio_adapters import v16
from ocpp_sansio_adapters.station import Station
from tests.adapters.ether import a_station, ether
from tests.adapters.stepping import Stepping, each_step

pytestmark = pytest.mark.anyio

STATUS = call.StatusNotification(connector_id=1, error_code="NoError", status="Available")


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


async def test_a_call_before_the_link_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ether(monkeypatch) as air:
        air.trouble = [OSError("no way")] * 2
        async with a_station() as station:
            assert await station.call(STATUS) == call_result.StatusNotification()
        assert air.asked == [(4, "BootNotification"), (4, "StatusNotification")]


async def test_a_call_may_be_asked_for_before_the_station_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Any] = []

    async def ask(station: Station) -> None:
        answers.append(await station.call(STATUS))

    async with ether(monkeypatch), anyio.create_task_group() as tasks:
        station = a_station()
        tasks.start_soon(ask, station)
        await anyio.sleep(10)
        async with station:
            await anyio.sleep(10)
    assert answers == [call_result.StatusNotification()]


async def test_after_the_end_nobody_waits_for_a_link(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[float] = []

    async def ask_in_vain(station: Station) -> None:
        with pytest.raises(ConnectionClosed, match="CP_1 has been shut down"):
            await station.call(STATUS)
        ended.append(anyio.current_time())

    async with ether(monkeypatch) as air, anyio.create_task_group() as tasks:
        air.trouble = [OSError("no way")] * 100
        async with a_station() as station:
            tasks.start_soon(ask_in_vain, station)
            await anyio.sleep(10)
            assert not ended
        await ask_in_vain(station)
        await anyio.sleep(1)
        assert len(ended) == 2


async def test_a_station_may_live_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ether(monkeypatch) as air:
        station = a_station()
        for _ in range(2):
            async with station:
                await station.call(STATUS)
        assert [action for _, action in air.asked] == ["BootNotification"] + ["StatusNotification"] * 2


# The end.


class Slow(v16.ChargePoint):
    @on(call.ClearCache)
    async def clear_cache(self, request: call.ClearCache) -> call_result.ClearCache:
        await anyio.sleep(2)
        return call_result.ClearCache(status="Accepted")


@pytest.mark.parametrize("how", ["the block ends", "the block fails", "it is cancelled"])
async def test_answers_that_are_owed_leave_and_the_link_is_closed_with_1000(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # L-124
    answers: list[Any] = []

    async def ask(charge_point: Any) -> None:
        answers.append(await charge_point.call(call.ClearCache()))

    async with ether(monkeypatch) as air, anyio.create_task_group() as tasks:
        with anyio.CancelScope() as scope, suppress(LookupError):
            async with a_station(Slow):
                await anyio.sleep(1)
                tasks.start_soon(ask, air.csms)
                await anyio.sleep(1)
                if how == "the block fails":
                    raise LookupError
                if how == "it is cancelled":
                    scope.cancel()
                    await anyio.sleep(1)
        assert answers == [call_result.ClearCache(status="Accepted")]
        assert air.csms.transport.close_code == 1000


async def test_an_answer_that_never_comes_is_waited_for_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging(v16.ChargePoint):
        @on(call.ClearCache)
        async def clear_cache(self, request: call.ClearCache) -> Any:
            await anyio.sleep_forever()

    async def ask_in_vain(charge_point: Any) -> None:
        with pytest.raises(ConnectionClosed):
            await charge_point.call(call.ClearCache())

    async with ether(monkeypatch) as air, anyio.create_task_group() as tasks:
        async with a_station(Hanging):
            await anyio.sleep(1)
            tasks.start_soon(ask_in_vain, air.csms)
            await anyio.sleep(1)
        assert air.now == pytest.approx(2 + 5, abs=0.2)


async def test_calls_that_wait_at_the_end_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[Any] = []

    async def ask_in_vain(station: Station) -> None:
        with pytest.raises(ConnectionClosed):
            await station.call(call.Heartbeat())
        ended.append("told")

    async with ether(monkeypatch) as air, anyio.create_task_group() as tasks:
        air.heartbeats = [None]
        async with a_station() as station:
            await anyio.sleep(1)
            tasks.start_soon(ask_in_vain, station)
            await anyio.sleep(1)
    assert ended == ["told"]


# Whose exceptions come out.


class Signal(BaseException):
    """Such as KeyboardInterrupt, which a test cannot raise without stopping them all."""


async def outcome(
    station: Station, error: BaseException | None, *, seconds: float = 1, shield: bool = False
) -> BaseException | None:
    """What comes out of a block that raises this after so many seconds."""
    try:
        async with station:
            with anyio.CancelScope(shield=shield):
                await anyio.sleep(seconds)
            if error is not None:
                raise error
    except BaseException as came_out:
        return came_out
    return None


@pytest.mark.parametrize(
    "error", [LookupError("mine"), Signal("mine"), ExceptionGroup("mine", [ValueError()])]
)
@pytest.mark.parametrize("linked", [True, False])
async def test_an_exception_of_the_block_comes_out_as_itself(
    error: BaseException, linked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ether(monkeypatch) as air:
        air.trouble = [] if linked else [OSError("no way")] * 100
        assert await outcome(a_station(), error) is error


@pytest.mark.parametrize("waiting", [True, False])
async def test_what_is_wrong_with_a_class_comes_out_as_itself(
    waiting: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(v16.ChargePoint):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            raise ZeroDivisionError

    async with ether(monkeypatch):
        crash = await outcome(a_station(Broken), None, seconds=1000 if waiting else 10, shield=not waiting)
        assert type(crash) is ZeroDivisionError


async def test_the_exception_of_the_block_counts_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(v16.ChargePoint):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            raise ZeroDivisionError

    async with ether(monkeypatch):
        error = LookupError("mine")
        assert await outcome(a_station(Broken), error, seconds=10, shield=True) is error


async def test_a_block_that_is_cancelled_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ether(monkeypatch):
        with anyio.move_on_after(10) as scope:
            async with a_station():
                await anyio.sleep(1000)
        assert scope.cancelled_caught
        with pytest.raises(TimeoutError), anyio.fail_after(10):
            async with a_station():
                await anyio.sleep(1000)


@pytest.mark.parametrize("virtual_time", ["asyncio"], indirect=True)
async def test_what_asyncio_cancels_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    async def live() -> None:
        async with a_station():
            await asyncio.sleep(1000)

    async with ether(monkeypatch):
        task = asyncio.create_task(live())
        await asyncio.sleep(10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(10):
                await live()


@pytest.mark.parametrize("virtual_time", ["asyncio"], indirect=True)
async def test_what_asyncio_cancels_twice_does_not_wait_for_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    async def live() -> None:
        async with a_station(Slow):
            await asyncio.sleep(1000)

    async def ask_in_vain(charge_point: Any) -> None:
        with pytest.raises(ConnectionClosed):
            await charge_point.call(call.ClearCache())

    async with ether(monkeypatch) as air, anyio.create_task_group() as tasks:
        task = asyncio.create_task(live())
        await asyncio.sleep(10)
        tasks.start_soon(ask_in_vain, air.csms)
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.sleep(0.5)
        assert not task.done()
        task.cancel()
        await asyncio.sleep(0.5)
        assert task.cancelled()


async def test_a_station_may_be_cancelled_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    async def live() -> None:
        async with a_station() as station:
            await station.call(STATUS)
            await station.call(call.Heartbeat())

    async def run(step: int) -> int:
        async with ether(monkeypatch):
            with anyio.CancelScope() as scope:
                stepping = Stepping(live(), step, scope.cancel)
                await stepping
        return stepping.suspended

    assert len([step async for step in each_step(run)]) >= 3


async def test_the_task_of_a_station_may_be_cancelled_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(step: int) -> int:
        async with ether(monkeypatch) as air, anyio.create_task_group() as tasks:
            station = a_station()
            stepping = Stepping(station.run(), step, tasks.cancel_scope.cancel)

            async def live() -> None:
                await stepping

            tasks.start_soon(live)
            await anyio.sleep(5)
            if air.near:
                air.cut()
            await anyio.sleep(5)
            tasks.cancel_scope.cancel()
        return stepping.suspended

    assert len([step async for step in each_step(run)]) > 6
