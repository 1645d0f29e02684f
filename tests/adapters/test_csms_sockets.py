"""csms.py under fire: healthy stations beside those that flood, hang, lie and never read, over real sockets and on both
backends.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import pytest
from websockets.exceptions import ConnectionClosed as WebSocketClosed

from ocpp_sansio import CallTimeout, ConnectionClosed
from ocpp_sansio.errors import InternalError
from ocpp_sansio.handshake import Credentials, UpgradeFailed
from ocpp_sansio.routing import on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio_adapters import v16
from ocpp_sansio_adapters.csms import CSMS
from ocpp_sansio_adapters.websockets import Pings, WebSocket, connect
from tests.adapters.network import NOW, AtCSMS, AtStation
from tests.adapters.sockets import (
    CALM,
    ask,
    eventually,
    hung_up,
    nothing_left,
    raw,
    request,
    response_of,
)

pytestmark = pytest.mark.anyio

STATION: dict[str, Any] = {**CALM, "versions": ["1.6"]}


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


@asynccontextmanager
async def serving(csms: CSMS, **settings: Any) -> AsyncIterator[str]:
    """The URL of the CSMS, for as long as the block lasts. Fails if something is left of it."""

    async def serve(*, task_status: Any) -> None:
        await csms.serve("127.0.0.1", task_status=task_status, **{**CALM, **settings})

    async with nothing_left(), anyio.create_task_group() as tasks:
        host, port = await tasks.start(serve)
        yield f"ws://{host}:{port}"
        tasks.cancel_scope.cancel()
    assert not csms.stations


@asynccontextmanager
async def station(url: str, identity: str = "CP_1", **settings: Any) -> AsyncIterator[AtStation]:
    """A station that lives as long as the block, or its link."""

    async def live(charge_point: AtStation) -> None:
        with suppress(WebSocketClosed):
            await charge_point.start()

    async with connect(url, identity, **{**STATION, **settings}) as websocket:
        charge_point = AtStation(identity, websocket)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(live, charge_point)
            yield charge_point
            tasks.cancel_scope.cancel()


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


class Healthy(AtCSMS):
    @on(call.Heartbeat)
    def heartbeat(self, request: call.Heartbeat) -> call_result.Heartbeat:
        return call_result.Heartbeat(current_time=NOW)


async def still_well(charge_point: AtStation, csms: CSMS) -> None:
    """Both ways."""
    await charge_point.call(call.Heartbeat(), timeout=5)
    await csms.stations[charge_point.id].call(call.ClearCache(), timeout=5)


# Serving.


async def test_a_csms_serves_and_calls() -> None:
    csms = CSMS(Healthy)
    async with serving(csms) as url, station(url) as charge_point:
        await csms.stations.wait("CP_1")
        await still_well(charge_point, csms)


async def test_a_shutdown_closes_every_link_with_1001() -> None:
    csms = CSMS(Healthy)
    codes: list[int | None] = []

    async def live(url: str, identity: str) -> None:
        async with connect(url, identity, **STATION) as websocket:
            with suppress(WebSocketClosed):
                await AtStation(identity, websocket).start()
            codes.append(websocket.close_code)

    async with nothing_left(), anyio.create_task_group() as stations:
        async with serving(csms) as url:
            for number in range(5):
                stations.start_soon(live, url, f"CP_{number}")
                await csms.stations.wait(f"CP_{number}")
        assert not csms.stations
    assert codes == [1001] * 5


async def test_other_settings_are_those_of_serve() -> None:
    with pytest.raises(ValueError, match="max_size"):
        await CSMS(Healthy).serve("127.0.0.1", max_size=0)
    with pytest.raises(TypeError, match="versions"):
        await CSMS(Healthy).serve("127.0.0.1", versions=["1.6"])


async def test_a_newcomer_without_credentials_evicts_nobody() -> None:
    # L-130
    def authenticate(identity: str, credentials: Credentials | None, certificate: object) -> bool:
        return credentials is not None and credentials.matches("secret")

    csms = CSMS(Healthy)
    async with (
        serving(csms, authenticate=authenticate) as url,
        station(url, password="secret") as charge_point,
    ):
        before = await csms.stations.wait("CP_1")
        for password in (None, "wrong"):
            with pytest.raises(UpgradeFailed):
                async with station(url, password=password):
                    pytest.fail("it is let in")
        assert csms.stations["CP_1"] is before
        await still_well(charge_point, csms)


async def test_a_station_that_connects_anew_is_everyday_life(caplog: pytest.LogCaptureFixture) -> None:
    # L-130
    csms = CSMS(Healthy)
    async with serving(csms) as url, station(url) as old:
        before = await csms.stations.wait("CP_1")
        async with station(url) as new:
            await eventually(lambda: csms.stations["CP_1"] is not before)
            await eventually(lambda: old.transport.close_code == 1008)
            await still_well(new, csms)
            with pytest.raises(ConnectionClosed):
                await before.call(call.ClearCache())
    assert not errors(caplog)


# Under fire.


class Faulty(Healthy):
    """Its handlers hang, crash, return rubbish, or are cancelled."""

    @on(call.Authorize)
    async def authorize(self, request: call.Authorize) -> Any:
        match request.id_tag:
            case "hang":
                await anyio.sleep_forever()
            case "crash":
                raise RuntimeError("a bug")
            case "hang up":
                await self.transport.aclose(1011)
        return "rubbish"


async def test_handlers_that_fail_harm_neither_their_link_nor_others() -> None:
    csms = CSMS(Faulty)
    async with serving(csms) as url, station(url, "CP_1") as healthy, station(url, "CP_2") as victim:
        await csms.stations.wait("CP_1")
        await csms.stations.wait("CP_2")
        for tag in ("crash", "rubbish"):
            with pytest.raises(InternalError):
                await victim.call(call.Authorize(id_tag=tag))
        with pytest.raises(CallTimeout):
            await victim.call(call.Authorize(id_tag="hang"), timeout=0.02)
        for charge_point in (victim, healthy):
            await still_well(charge_point, csms)
        with pytest.raises(ConnectionClosed):
            await victim.call(call.Authorize(id_tag="hang up"))
        await still_well(healthy, csms)
        await eventually(lambda: list(csms.stations) == ["CP_1"])


async def test_nobody_notices_those_who_come_with_garbage(caplog: pytest.LogCaptureFixture) -> None:
    csms = CSMS(Healthy)
    async with serving(csms, open_timeout=0.2, close_timeout=0.1) as url, station(url) as healthy:
        await csms.stations.wait("CP_1")
        async with raw(url) as half_open, raw(url) as silent, raw(url) as torn, raw(url) as rubbish:
            await half_open.send(b"GET /CP_2 HTTP/1.1\r\n")
            for number, (stream, octets) in enumerate(
                [(torn, b"\x81\xfe\xff"), (rubbish, b"\x81\x81\0\0\0\0?" * 30)], start=3
            ):
                await stream.send(request(f"/CP_{number}"))
                await response_of(stream)
                await stream.send(octets)
            await still_well(healthy, csms)
            assert (await hung_up(rubbish)).endswith(b"20 unreadable frames in a row")
            assert await hung_up(half_open) == await hung_up(silent) == b""
            await still_well(healthy, csms)
        await ask(url, b"GET / HTTP/1.1\r\n\r\n")
        await eventually(lambda: list(csms.stations) == ["CP_1"])
        await still_well(healthy, csms)
    assert not errors(caplog)


async def test_a_peer_that_never_reads_is_dropped_and_nobody_else_waits() -> None:
    # J16-121
    csms = CSMS(Healthy)
    pings = Pings(interval=0.05, timeout=0.1)
    async with serving(csms, pings=pings) as url, station(url) as healthy, raw(url) as deaf:
        await deaf.send(request("/CP_2"))
        await response_of(deaf)
        victim = await csms.stations.wait("CP_2")
        big = call.DataTransfer(vendor_id="acme", data="x" * 900_000)
        waiting: list[Any] = []

        async def ask_in_vain() -> None:
            try:
                await victim.call(big)
            except ConnectionClosed as closed:
                waiting.append(closed)

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(ask_in_vain)
            await still_well(healthy, csms)
        assert len(waiting) == 5
        assert list(csms.stations) == ["CP_1"]
        await still_well(healthy, csms)


async def test_half_open_links_are_found_out_by_pings() -> None:
    # J16-120, J16-121
    csms = CSMS(Healthy)
    pings = Pings(interval=0.05, timeout=0.1)
    async with serving(csms, pings=pings) as url, station(url) as healthy, raw(url) as gone:
        await gone.send(request("/CP_2"))
        await response_of(gone)
        await csms.stations.wait("CP_2")
        assert (await gone.receive())[:1] == b"\x89"  # a ping, which nobody answers
        await eventually(lambda: list(csms.stations) == ["CP_1"])
        await still_well(healthy, csms)


async def test_a_station_may_be_hung_up_on_by_its_own_handler() -> None:
    class Strict(v16.ChargePoint):
        @on(call.Heartbeat)
        async def heartbeat(self, request: call.Heartbeat) -> call_result.Heartbeat:
            websocket: WebSocket = self.transport
            await websocket.aclose(1008, "no heartbeats here")
            return call_result.Heartbeat(current_time=NOW)

    csms = CSMS(Strict)
    async with serving(csms) as url, station(url) as charge_point:
        await csms.stations.wait("CP_1")
        with pytest.raises(ConnectionClosed):
            await charge_point.call(call.Heartbeat())
        await eventually(lambda: charge_point.transport.close_code == 1008)
