"""Cancellation wherever something waits: calls of both ends, of a Station with a link and without, and the tasks of asyncio
that connect, serve and live. Afterwards nothing is left open, and where the link lives, it goes on to work.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeAlias

import anyio
import pytest
from anyio.lowlevel import checkpoint

from ocpp_sansio import ConnectionClosed
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio_adapters.csms import CSMS
from tests.adapters.ether import a_station, ether
from tests.adapters.network import BOOT, AtCSMS, network
from tests.adapters.stepping import Stepping, each_step
from tests.adapters.virtual_time import only_asyncio

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


@pytest.fixture(autouse=True)
def _forget() -> None:
    AtCSMS.seen.clear()


#: Cancels work at the n-th occasion, and tells how many there were until its end.
Way: TypeAlias = Callable[[Coroutine[Any, Any, Any], int], Awaitable[int]]


async def at_a_suspension(work: Coroutine[Any, Any, Any], step: int) -> int:
    """By a scope, as soon as it is suspended for the n-th time."""
    with anyio.CancelScope() as scope:
        stepping = Stepping(work, step, scope.cancel)
        await stepping
    return stepping.suspended


async def after_turns(
    work: Coroutine[Any, Any, Any], turns: int, begun: Callable[[], Awaitable[object]] = checkpoint
) -> int:
    """By a scope, after so many turns of the event loop once it has `begun`, however often it was suspended."""
    passed = 0
    ended = anyio.Event()

    async def run() -> None:
        try:
            await work
        finally:
            ended.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        await begun()
        while passed < turns and not ended.is_set():
            await checkpoint()
            passed += 1
        tasks.cancel_scope.cancel()
    return passed


async def by_its_task(
    work: Coroutine[Any, Any, Any], turns: int, begun: Callable[[], Awaitable[object]] = checkpoint
) -> int:
    """As a task of asyncio, after so many turns once it has `begun`."""
    passed = 0
    task = asyncio.create_task(work)
    await begun()
    while passed < turns and not task.done():
        await asyncio.sleep(0)
        passed += 1
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return passed


ways = pytest.mark.parametrize("cancelled", [at_a_suspension, after_turns])


async def calls_of_both_ends(cancelled: Way) -> dict[str, int]:
    """The steps at which the call of either end could be cancelled."""
    steps = {"CSMS": 0, "station": 0}

    async def run(end: str, step: int) -> int:
        csms = CSMS(AtCSMS)
        async with network(csms) as net:
            link = await net.connect()
            parties = {"CSMS": csms.stations["CP_1"], "station": link.charge_point}
            happened = await cancelled(parties[end].call(ASKED[end]), step)
            await anyio.sleep(1)
            for name, party in parties.items():
                assert party.protocol.calls == ()
                assert party.protocol.owed == ()
                assert isinstance(await party.call(ASKED[name]), ANSWERED[name])
            assert link.websocket.close_code is None
            return happened

    for end in steps:

        async def run_it(step: int, end: str = end) -> int:
            return await run(end, step)

        steps[end] = len([step async for step in each_step(run_it)])
    return steps


ASKED: dict[str, Any] = {"CSMS": call.ClearCache(), "station": BOOT}
ANSWERED: dict[str, Any] = {"CSMS": call_result.ClearCache, "station": call_result.BootNotification}


@ways
async def test_the_call_of_either_end_may_be_cancelled_anywhere(
    cancelled: Way,
) -> None:
    steps = await calls_of_both_ends(cancelled)
    assert min(steps.values()) >= (1 if cancelled is at_a_suspension else 5)


@only_asyncio
async def test_the_task_of_a_call_of_either_end_may_be_cancelled_anywhere() -> None:
    steps = await calls_of_both_ends(by_its_task)
    assert min(steps.values()) >= 5


async def calls_of_a_station(cancelled: Way, monkeypatch: pytest.MonkeyPatch, *, linked: bool) -> int:
    """The steps at which the call of a Station could be cancelled. Without a link, it waits for one first."""

    async def run(step: int) -> int:
        async with ether(monkeypatch) as air, a_station() as station:
            if linked:
                await station.call(call.Heartbeat())
            happened = await cancelled(station.call(call.Heartbeat()), step)
            await station.call(call.Heartbeat())
            charge_point = await station.connected()
            assert charge_point.protocol.calls == ()
            assert air.csms.protocol.owed == ()
            assert [action for _, action in air.asked].count("BootNotification") == 1
            assert len(air.links) == 1
            return happened

    return len([step async for step in each_step(run)])


@ways
@pytest.mark.parametrize("linked", [True, False])
async def test_the_call_of_a_station_may_be_cancelled_anywhere(
    cancelled: Way, linked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = await calls_of_a_station(cancelled, monkeypatch, linked=linked)
    assert steps >= (1 if cancelled is at_a_suspension else 5)


@only_asyncio
@pytest.mark.parametrize("linked", [True, False])
async def test_the_task_of_a_call_of_a_station_may_be_cancelled_anywhere(
    linked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await calls_of_a_station(by_its_task, monkeypatch, linked=linked) >= 5


async def test_who_asks_again_at_once_waits_for_the_next_link(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ether(monkeypatch) as air, a_station() as station:
        await station.call(call.Heartbeat())
        air.cut()
        with pytest.raises(ConnectionClosed):
            await station.call(call.Heartbeat())
        await station.call(call.Heartbeat())
        assert len(air.links) == 2


# The life of a station, which waits for what is owed and then is gone.


async def lives(
    cancelled: Callable[..., Awaitable[int]], monkeypatch: pytest.MonkeyPatch, *, link: int
) -> int:
    """The turns from its first or its second link on at which the block of a station could be cancelled."""

    async def live(air: Any) -> None:
        async with a_station() as station:
            await station.call(call.Heartbeat())
            if link == 2:
                air.cut()
                with suppress(ConnectionClosed):  # by whoever has not noticed yet
                    await station.call(call.Heartbeat())
            await station.call(call.Heartbeat())

    async def run(step: int) -> int:
        async with ether(monkeypatch) as air:  # which sees that nothing is left open
            begun = anyio.Event()
            air.attempted = lambda number: begun.set() if number == link else None
            happened = await cancelled(live(air), step, begun.wait)
            await anyio.sleep(20)
            attempts = len(air.attempts)
            await anyio.sleep(1000)
            assert len(air.attempts) == attempts  # nobody lives on
        return happened

    return len([step async for step in each_step(run)])


@pytest.mark.parametrize("link", [1, 2])
async def test_the_life_of_a_station_may_be_cancelled_at_any_turn(
    link: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await lives(after_turns, monkeypatch, link=link) > 10


@only_asyncio
@pytest.mark.parametrize("link", [1, 2])
async def test_the_task_that_a_station_lives_in_may_be_cancelled_at_any_turn(
    link: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await lives(by_its_task, monkeypatch, link=link) > 10
