"""Nothing is left behind: no task, descriptor, object or memory, however often links come and go and however they end; and
what looks for that finds it. Over real sockets, on both backends.
"""

import asyncio
import logging
import socket
import warnings
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from ocpp_sansio import StationState
from ocpp_sansio.v16 import call
from ocpp_sansio_adapters.csms import CSMS
from ocpp_sansio_adapters.v16 import ChargePoint
from ocpp_sansio_adapters.websockets import connect
from tests.adapters.crowd import BASES, Serving, a_station, at_csms, at_station, request_of, serving
from tests.adapters.hostile import HOSTILE, Target
from tests.adapters.leaks import Growth, complaints, growth, lists_descriptors, nothing_behind
from tests.adapters.sockets import CALM, ask, eventually, raw, request, reset

pytestmark = pytest.mark.anyio


def hardly_any(grown: Growth, rounds: int) -> bool:
    """Whether that is next to nothing for so many rounds, where a link is made of 50,000 bytes: nearly all of it in caches
    of others, which are bounded.
    """
    return grown.total < 100_000 + 2_000 * rounds and grown.ours < 15_000 + 100 * rounds


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(autouse=True)
def _silent() -> Any:
    """Else pytest keeps each record of the log, and so would be what grows."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


# Links that come and go.


async def in_good_order(server: Serving, csms: CSMS, number: int) -> None:
    """A station of any version lives, asks and is asked, and is gone. Each has a name of its own."""
    base = BASES[number % 3]
    async with a_station(server.port, f"CP_{number}", base) as station:
        await station.call(request_of(base, "Heartbeat"))
        await (await csms.stations.wait(station.identity)).call(request_of(base, "ClearCache"))


async def with_calls_under_way(server: Serving, csms: CSMS, number: int) -> None:
    """The link is reset while each end waits for an answer."""
    never = call.DataTransfer(vendor_id="acme")
    async with (
        anyio.create_task_group() as tasks,
        connect(server.url, f"CP_{number}", versions=["1.6"], **CALM) as websocket,
    ):
        near = AT_STATION(f"CP_{number}", websocket)
        far = await csms.stations.wait(near.id)
        tasks.start_soon(quietly, near.start)
        tasks.start_soon(quietly, near.call, never)
        tasks.start_soon(quietly, far.call, never)
        await eventually(lambda: far.protocol.owed and near.protocol.owed)
        reset(websocket._stream)
        await anyio.aclose_forcefully(websocket._stream)


AT_STATION = at_station(ChargePoint)


async def quietly(work: Callable[..., Awaitable[object]], *args: Any) -> None:
    with suppress(Exception):
        await work(*args)


async def evicted(server: Serving, csms: CSMS, number: int) -> None:
    """The same identity connects twice."""
    settings: dict[str, Any] = {**CALM, "versions": ["1.6"]}
    async with connect(server.url, "CP_1", **settings) as old, connect(server.url, "CP_1", **settings):
        with suppress(Exception):
            while True:
                await old.recv()


async def not_let_in(server: Serving, csms: CSMS, number: int) -> None:
    """No identity, no version in common, no WebSocket."""
    assert (await ask(server.url, request("/"))).status == 404
    answer = await ask(server.url, request(f"/CP_{number}", subprotocol="ocpp9.9"))
    assert answer.status == 101  # only to say so
    assert answer.rest[2:4] == b"\x03\xea"
    async with raw(server.url) as stream:
        await stream.send(b"garbage")
        reset(stream)


async def garbage(server: Serving, csms: CSMS, number: int) -> None:
    """It opens, and cannot speak."""
    names = ["reserved-bit", "bad-UTF-8", "no-JSON", "binary", "reset-in-a-frame", "noise"]
    attack, end = HOSTILE[names[number % len(names)]]
    assert await attack(Target(server.url, csms.stations), f"CP_{number}") == end


@pytest.mark.parametrize(
    ("come_and_go", "rounds"),
    [(in_good_order, 200), (with_calls_under_way, 30), (evicted, 25), (not_let_in, 30), (garbage, 30)],
)
async def test_links_that_come_and_go_leave_no_memory(
    come_and_go: Callable[[Serving, CSMS, int], Awaitable[None]], rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocpp_sansio_adapters.csms.MOST_REMEMBERED", 10)
    csms = CSMS(*[at_csms(base, Counter()) for base in BASES])

    async def life() -> None:
        async with serving(csms) as server:

            async def once(number: int) -> None:
                await come_and_go(server, csms, number)
                await eventually(lambda: not csms.stations)

            grown = await growth(once, warm_up=15, rounds=rounds)
            assert hardly_any(grown, rounds)
            assert len(csms.states) <= 11

    async with nothing_behind():
        await life()


async def test_a_link_of_many_calls_grows_no_more_than_its_bounded_memories() -> None:
    boots: Counter[str] = Counter()
    csms = CSMS(at_csms(ChargePoint, boots))

    async def life() -> None:
        async with serving(csms) as server, a_station(server.port, "CP_1") as station:
            far = await csms.stations.wait("CP_1")

            async def once(number: int) -> None:
                await station.call(call.Heartbeat())
                await far.call(call.ClearCache())

            grown = await growth(once, warm_up=110, rounds=150)
            assert hardly_any(grown, 0)

    async with nothing_behind():
        await life()


async def test_calls_that_time_out_and_answers_that_come_late_are_forgotten() -> None:
    csms = CSMS(at_csms(ChargePoint, Counter()), call_timeout=0.001)

    async def life() -> None:
        async with serving(csms) as server, a_station(server.port, "CP_1") as station:
            far = await csms.stations.wait("CP_1")
            await station.call(call.Heartbeat())

            async def once(number: int) -> None:
                with suppress(TimeoutError):
                    await far.call(call.ClearCache(), timeout=1e-6)

            grown = await growth(once, warm_up=110, rounds=150)
            assert hardly_any(grown, 0)

    async with nothing_behind():
        await life()


# What looks for it, finds it.


async def a_task(tasks: Any) -> None:
    tasks.start_soon(anyio.sleep_forever)


async def an_object(tasks: Any) -> None:
    KEPT.append(CSMS(ChargePoint))


async def a_coroutine(tasks: Any) -> None:
    anyio.sleep(1)  # type: ignore[unused-coroutine]


async def a_warning(tasks: Any) -> None:
    warnings.warn("unclosed something", ResourceWarning, stacklevel=1)


KEPT: list[object] = []
LEAKS = {
    "left behind: .*task": a_task,
    "left behind: .*CSMS": an_object,
    "never awaited": a_coroutine,
    "unclosed something": a_warning,
}


@pytest.mark.parametrize("named", LEAKS)
async def test_what_is_left_behind_is_named(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.adapters.sockets.PATIENCE", 0.05)
    async with anyio.create_task_group() as tasks:
        with pytest.raises(AssertionError, match=named):
            async with nothing_behind():
                await LEAKS[named](tasks)
        KEPT.clear()
        tasks.cancel_scope.cancel()


@lists_descriptors
async def test_a_descriptor_that_is_left_behind_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.adapters.sockets.PATIENCE", 0.05)
    with pytest.raises(AssertionError, match=r"left behind: .*socket:"):
        async with nothing_behind():
            KEPT.extend(socket.socketpair())
    for kept in KEPT:
        assert isinstance(kept, socket.socket)
        kept.close()
    KEPT.clear()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_an_exception_that_nobody_has_seen_is_named() -> None:
    async def crash() -> None:
        raise LookupError("unseen")

    with complaints() as said:
        task = asyncio.ensure_future(crash())
        await asyncio.sleep(0)
        del task
    assert "unseen" in "".join(said)


async def test_memory_that_grows_is_found() -> None:
    async def once(number: int) -> None:
        await anyio.lowlevel.checkpoint()
        KEPT.append(StationState(f"CP_{number}"))

    assert not hardly_any(await growth(once, warm_up=0, rounds=100), 100)
    KEPT.clear()
