"""Cancellation over real sockets, at every await: `connect`, `serve` with a CSMS and stations that talk, and
`async with Station(...)`; by a scope on both backends, and as tasks of asyncio are cancelled. Nothing is left behind.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeAlias

import anyio
import pytest

from ocpp_sansio import ConnectionClosed
from ocpp_sansio.v16 import call
from ocpp_sansio_adapters.csms import CSMS
from ocpp_sansio_adapters.v16 import ChargePoint
from ocpp_sansio_adapters.websockets import connect
from tests.adapters.crowd import BASES, Crowd, a_station, at_csms, at_station, serving
from tests.adapters.leaks import forgetful_log, nothing_behind
from tests.adapters.sockets import CALM, eventually
from tests.adapters.stepping import Stepping, each_step

__all__ = ["forgetful_log"]  # a fixture

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("forgetful_log")]

#: Cancels work when it is suspended for the n-th time, and tells how often it was suspended.
Way: TypeAlias = Callable[[Coroutine[Any, Any, Any], int], Awaitable[int]]


async def by_a_scope(work: Coroutine[Any, Any, Any], step: int) -> int:
    with anyio.CancelScope() as scope:
        stepping = Stepping(work, step, scope.cancel)
        await stepping
    return stepping.suspended


async def by_its_task(work: Coroutine[Any, Any, Any], step: int) -> int:
    async def run() -> None:
        await stepping

    task = asyncio.create_task(run())
    stepping = Stepping(work, step, task.cancel)
    with suppress(asyncio.CancelledError):
        await task
    return stepping.suspended


@pytest.fixture(params=[("asyncio", by_a_scope), ("trio", by_a_scope), ("asyncio", by_its_task)])
def how(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def anyio_backend(how: Any) -> Any:
    return how[0]


@pytest.fixture
def cancelled(how: Any) -> Way:
    way: Way = how[1]
    return way


@pytest.fixture(autouse=True)
def _short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocpp_sansio_adapters._server.SHUTDOWN_GRACE", 0.05)


async def each(run: Callable[[int], Coroutine[Any, Any, int]]) -> int:
    """How many steps there are, each of which leaves nothing behind."""

    async def run_cleanly(step: int) -> int:
        async with nothing_behind():
            return await run(step)

    return len([step async for step in each_step(run_cleanly)])


async def test_a_charge_point_over_connect(cancelled: Way) -> None:
    csms = CSMS(at_csms(ChargePoint, Counter()))

    async def live(url: str) -> None:
        async with connect(url, "CP_1", versions=["1.6"], **CALM) as websocket:
            charge_point = at_station(ChargePoint)("CP_1", websocket)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(charge_point.start)
                await charge_point.call(call.Heartbeat())
                tasks.cancel_scope.cancel()

    async with serving(csms) as server:

        async def run(step: int) -> int:
            happened = await cancelled(live(server.url), step)
            await eventually(lambda: not csms.stations)
            return happened

        assert await each(run) >= 4


async def test_the_life_of_a_station(cancelled: Way) -> None:
    csms = CSMS(at_csms(ChargePoint, Counter()))

    async def live(port: int) -> None:
        async with a_station(port, "CP_1") as station:
            await station.call(call.Heartbeat())
            await (await csms.stations.wait("CP_1")).call(call.ClearCache())

    async with serving(csms) as server:

        async def run(step: int) -> int:
            happened = await cancelled(live(server.port), step)
            await eventually(lambda: not csms.stations)
            return happened

        assert await each(run) >= 4


async def test_running_a_station(cancelled: Way) -> None:
    csms = CSMS(at_csms(ChargePoint, Counter()))

    async with serving(csms) as server:

        async def run(step: int) -> int:
            station = a_station(server.port, "CP_1")

            async def live() -> None:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(talk, station, tasks)
                    await station.run()

            happened = await cancelled(live(), step)
            await eventually(lambda: not csms.stations)
            return happened

        assert await each(run) >= 4


async def talk(station: Any, tasks: Any) -> None:
    """Ends the group that it runs in, in any case."""
    with suppress(ConnectionClosed):
        await station.call(call.Heartbeat())
    tasks.cancel_scope.cancel()


async def test_a_csms_with_stations_that_talk(cancelled: Way) -> None:
    boots: Counter[str] = Counter()

    async def run(step: int) -> int:
        csms = CSMS(*[at_csms(base, boots) for base in BASES])
        happened = 0
        ended = anyio.Event()

        async def serve(*, task_status: Any) -> None:
            nonlocal happened
            work = csms.serve("127.0.0.1", task_status=task_status, **CALM)
            try:
                happened = await cancelled(work, step)
            finally:
                ended.set()

        async with anyio.create_task_group() as tasks:
            with suppress(RuntimeError):  # it may be cancelled before it listens
                _, port = await tasks.start(serve)
                crowd = Crowd.of(csms, port, 3)
                with anyio.CancelScope() as scope:
                    async with crowd.alive():
                        await eventually(lambda: ended.is_set() or len(crowd.answered) == 6)
                        scope.cancel()
                assert crowd.waiting == 0
            tasks.cancel_scope.cancel()
        assert not csms.stations
        return happened

    assert await each(run) >= 1
