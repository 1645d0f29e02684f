"""station.py and csms.py together, over real sockets and on both backends: a server that restarts, and links that break."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from ocpp_sansio import ConnectionClosed
from ocpp_sansio.handshake import Credentials
from ocpp_sansio.reconnect import ReconnectTimer
from ocpp_sansio.routing import on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio_adapters import v16
from ocpp_sansio_adapters.csms import CSMS
from ocpp_sansio_adapters.station import Station
from tests.adapters.network import BOOT, NOW, AtCSMS, AtStation
from tests.adapters.sockets import CALM, eventually, nothing_left

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


class Hanging(AtCSMS):
    @on(call.Heartbeat)
    async def heartbeat(self, request: call.Heartbeat) -> call_result.Heartbeat:
        return call_result.Heartbeat(current_time=NOW)

    @on(call.Authorize)
    async def authorize(self, request: call.Authorize) -> Any:
        await anyio.sleep_forever()


@asynccontextmanager
async def serving(csms: CSMS, port: int = 0, **settings: Any) -> AsyncIterator[int]:
    """The port of the CSMS, for as long as the block lasts."""

    async def serve(*, task_status: Any) -> None:
        await csms.serve("127.0.0.1", port, task_status=task_status, **{**CALM, **settings})

    async with anyio.create_task_group() as tasks:
        yield (await tasks.start(serve))[1]
        tasks.cancel_scope.cancel()


def a_station(port: int, identity: str, **settings: Any) -> Station:
    return Station(
        f"ws://127.0.0.1:{port}/",
        identity,
        AtStation,
        boot=BOOT,
        timer=ReconnectTimer(wait_minimum=0.01, random_range=0.01, repeat_times=1, draw=lambda: 0.5),
        settings={**CALM, **settings},
    )


@pytest.fixture(autouse=True)
def _forget() -> None:
    AtCSMS.seen.clear()


IDENTITIES = [f"CP_{number}" for number in range(10)]


async def test_after_a_restart_every_station_is_back_and_no_call_is_left_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ocpp_sansio_adapters._server.SHUTDOWN_GRACE", 0.05)
    told: list[str] = []

    async def ask_in_vain(party: Any, request: Any) -> None:
        try:
            await party.call(request)
        except ConnectionClosed:
            told.append(type(request).__name__)

    async def live(station: Station) -> None:
        async with station:
            await over.wait()

    over = anyio.Event()
    async with nothing_left(), anyio.create_task_group() as tasks:
        async with serving(CSMS(Hanging)) as port:
            pass
        stations = [a_station(port, identity) for identity in IDENTITIES]
        for station in stations:
            tasks.start_soon(live, station)
        csms = CSMS(Hanging)
        async with serving(csms, port):
            for station in stations:
                serving_it = await csms.stations.wait(station.identity)
                await station.call(call.Heartbeat())
                tasks.start_soon(ask_in_vain, station, call.Authorize(id_tag="hang"))
                tasks.start_soon(ask_in_vain, serving_it, call.Reset(type="Soft"))
            await eventually(lambda: all(len(each.protocol.owed) for each in csms.stations.values()))
        await eventually(lambda: len(told) == 2 * len(stations))
        assert sorted(told) == ["Authorize"] * len(stations) + ["Reset"] * len(stations)
        again = CSMS(Hanging)
        async with serving(again, port):
            for station in stations:
                back = await again.stations.wait(station.identity)
                await station.call(call.Heartbeat())
                assert await back.call(call.ClearCache()) == call_result.ClearCache(status="Accepted")
            assert len(AtCSMS.seen) == len(stations)  # each has booted once
            over.set()
            await eventually(lambda: not again.stations)


async def test_a_link_that_breaks_is_replaced_whoever_notices_first() -> None:
    # L-130
    csms = CSMS(Hanging)
    async with nothing_left(), serving(csms) as port, a_station(port, "CP_1") as station:
        for _ in range(5):
            before = await csms.stations.wait("CP_1")
            await station.call(call.Heartbeat())
            charge_point = await station.connected()
            await charge_point.transport._hang_up()
            await eventually(another(csms, before))
        await station.call(call.Heartbeat())
        assert len(csms.stations) == 1
        assert AtCSMS.seen == ["One"]


def another(csms: CSMS, old: object) -> Callable[[], bool]:
    return lambda: csms.stations.get("CP_1") not in (None, old)


async def test_a_station_that_is_not_let_in_tries_until_it_is() -> None:
    # J16-116, L-118
    passwords = ["another", "another", "secret"]

    def authenticate(identity: str, credentials: Credentials | None, certificate: object) -> bool:
        assert credentials is not None
        return credentials.matches(passwords.pop(0) if len(passwords) > 1 else passwords[0])

    csms = CSMS(Hanging)
    async with (
        nothing_left(),
        serving(csms, authenticate=authenticate) as port,
        a_station(port, "CP_1", password="secret") as station,
    ):
        await station.call(call.Heartbeat())
        assert passwords == ["secret"]


async def test_without_a_boot_a_station_is_a_link_that_comes_back() -> None:
    csms = CSMS(Hanging)
    async with (
        nothing_left(),
        serving(csms) as port,
        Station(f"ws://127.0.0.1:{port}", "CP_1", v16.ChargePoint, settings=CALM) as station,
    ):
        await station.call(call.Heartbeat())
        assert AtCSMS.seen == []
