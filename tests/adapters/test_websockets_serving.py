"""websockets.py: `serving`, a server for as long as a block lasts, however that ends. Over real sockets, on both backends."""

import asyncio
from contextlib import suppress
from typing import Any

import anyio
import pytest
from websockets.exceptions import ConnectionClosedOK

from ocpp_sansio.handshake import UpgradeFailed
from ocpp_sansio.routing import on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio_adapters import v16, websockets
from ocpp_sansio_adapters._settings import url_at
from ocpp_sansio_adapters.csms import CSMS
from ocpp_sansio_adapters.websockets import Endpoint, connect, serving
from tests.adapters.sockets import CALM, echo, eventually, nothing_left, raw
from tests.adapters.stepping import Stepping, each_step

pytestmark = pytest.mark.anyio

NOW = "2024-05-01T12:00:00Z"
LOOPBACK = "127.0.0.1"


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


async def talk(url: str) -> None:
    async with connect(url, "CP_1", **CALM) as station:
        await station.send("hello")
        assert await station.recv() == "hello"


async def code_of_the_end(url: str, connected: anyio.Event, codes: list[int | None]) -> None:
    async with connect(url, "CP_1", **CALM) as station:
        connected.set()
        with suppress(ConnectionClosedOK):
            await station.recv()
        codes.append(station.close_code)


async def test_stations_connect_for_as_long_as_the_block_lasts() -> None:
    connected = anyio.Event()
    codes: list[int | None] = []
    async with nothing_left(), anyio.create_task_group() as stations:
        async with serving(echo, LOOPBACK, 0, **CALM) as endpoint:
            assert endpoint == Endpoint(f"ws://127.0.0.1:{endpoint.address[1]}", endpoint.address)
            assert endpoint.address[0] == LOOPBACK
            await talk(endpoint.url)
            stations.start_soon(code_of_the_end, endpoint.url, connected, codes)
            await connected.wait()
        await eventually(lambda: codes)
        with pytest.raises(OSError, match=r"."):
            async with raw(endpoint.url):
                pytest.fail("somebody listens there")
    assert codes == [1001]


async def test_answers_that_are_owed_leave_after_the_block() -> None:
    # L-124
    asked, over = anyio.Event(), anyio.Event()
    answers: list[Any] = []

    class Slow(v16.ChargePoint):
        @on(call.Heartbeat)
        async def heartbeat(self, request: call.Heartbeat) -> call_result.Heartbeat:
            asked.set()
            await over.wait()
            return call_result.Heartbeat(current_time=NOW)

    async def live(url: str) -> None:
        async with connect(url, "CP_1", versions=["1.6"], **CALM) as websocket:
            station = v16.ChargePoint("CP_1", websocket)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask, station, answers)
                with suppress(ConnectionClosedOK):
                    await station.start()
            answers.append(websocket.close_code)

    csms = CSMS(Slow)
    async with (
        nothing_left(),
        anyio.create_task_group() as stations,
        csms.serving(LOOPBACK, **CALM) as endpoint,
    ):
        stations.start_soon(live, endpoint.url)
        await asked.wait()
        stations.start_soon(set_once_it_is_refused, endpoint.url, over)
    assert answers == [call_result.Heartbeat(current_time=NOW), 1001]
    assert not csms.stations


async def ask(station: v16.ChargePoint, answers: list[Any]) -> None:
    answers.append(await station.call(call.Heartbeat()))


async def set_once_it_is_refused(url: str, event: anyio.Event) -> None:
    """The server has stopped listening, and waits for what is owed."""
    with pytest.raises(OSError, match=r"."):  # noqa: PT012 - it may listen a few times more
        while True:
            async with raw(url):
                await anyio.sleep(0.002)
    event.set()


@pytest.mark.parametrize(
    "error", [ValueError("no"), ExceptionGroup("own", [ValueError("no")]), KeyboardInterrupt()]
)
async def test_what_the_block_raises_comes_as_it_is(error: BaseException) -> None:
    connected = anyio.Event()
    codes: list[int | None] = []
    async with nothing_left(), anyio.create_task_group() as stations:
        with pytest.raises(type(error)) as caught:  # noqa: PT012
            async with serving(echo, LOOPBACK, **CALM) as endpoint:
                stations.start_soon(code_of_the_end, endpoint.url, connected, codes)
                await connected.wait()
                raise error
        assert repr(caught.value) == repr(error)  # trio makes groups anew
    assert codes == [1001]


async def test_what_it_is_told_wrongly_comes_as_it_is() -> None:
    async with nothing_left():
        with pytest.raises(ValueError, match="max_size"):
            async with serving(echo, LOOPBACK, max_size=0):
                pytest.fail("it serves")
        with pytest.raises(TypeError, match="colour"):
            async with serving(echo, LOOPBACK, colour="red"):
                pytest.fail("it serves")
        async with serving(echo, LOOPBACK) as endpoint:
            with pytest.raises(OSError, match=r"."):
                async with serving(echo, LOOPBACK, endpoint.address[1]):
                    pytest.fail("it serves where another does")


async def test_whoever_cancels_the_block_has_it_ended_before_the_server() -> None:
    connected, cleaned = anyio.Event(), anyio.Event()
    codes: list[int | None] = []
    async with nothing_left(), anyio.create_task_group() as stations:
        with anyio.CancelScope() as scope:
            async with serving(echo, LOOPBACK, **CALM) as endpoint:
                stations.start_soon(code_of_the_end, endpoint.url, connected, codes)
                await connected.wait()
                scope.cancel()
                try:
                    await anyio.sleep_forever()
                finally:
                    with anyio.CancelScope(shield=True):
                        await talk(endpoint.url)
                    assert not codes
                    cleaned.set()
        assert scope.cancelled_caught
        assert cleaned.is_set()
    assert codes == [1001]


@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
async def test_a_task_of_asyncio_that_is_cancelled_ends_in_good_order() -> None:
    connected = anyio.Event()
    codes: list[int | None] = []
    urls: list[str] = []

    async def serve_for_ever() -> None:
        async with serving(echo, LOOPBACK, **CALM) as endpoint:
            urls.append(endpoint.url)
            await anyio.sleep_forever()

    async with nothing_left(), anyio.create_task_group() as stations:
        task = asyncio.create_task(serve_for_ever())
        await eventually(lambda: urls)
        stations.start_soon(code_of_the_end, urls[0], connected, codes)
        await connected.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()
    assert codes == [1001]


async def test_a_server_that_crashes_ends_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    crash_now = anyio.Event()

    async def serve(*arguments: Any, task_status: Any, **settings: Any) -> None:
        task_status.started((LOOPBACK, 1))
        await crash_now.wait()
        raise ZeroDivisionError

    monkeypatch.setattr(websockets, "serve", serve)
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with serving(echo, LOOPBACK):
            crash_now.set()
            await anyio.sleep_forever()


async def test_two_errors_are_two(monkeypatch: pytest.MonkeyPatch) -> None:
    async def serve(*arguments: Any, task_status: Any, **settings: Any) -> None:
        task_status.started((LOOPBACK, 1))
        try:
            await anyio.sleep_forever()
        finally:
            raise ZeroDivisionError

    monkeypatch.setattr(websockets, "serve", serve)
    with pytest.raises(ExceptionGroup) as caught:
        async with serving(echo, LOOPBACK):
            raise ValueError
    assert {type(error) for error in caught.value.exceptions} == {ZeroDivisionError, ValueError}


async def test_it_may_be_cancelled_while_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    beginning = anyio.Event()

    async def serve(*arguments: Any, **settings: Any) -> None:
        beginning.set()
        await anyio.sleep_forever()

    async def begin() -> None:
        async with serving(echo, LOOPBACK):
            pytest.fail("it serves")

    monkeypatch.setattr(websockets, "serve", serve)
    async with nothing_left(), anyio.create_task_group() as tasks:
        tasks.start_soon(begin)
        await beginning.wait()
        tasks.cancel_scope.cancel()


async def test_it_may_be_cancelled_at_any_moment() -> None:
    async def run(step: int) -> int:
        scope = anyio.CancelScope()
        seen: list[int] = []

        async def life() -> None:
            async with serving(echo, LOOPBACK, **CALM) as endpoint:
                with suppress(UpgradeFailed):
                    await talk(endpoint.url)

        async with nothing_left():
            with scope:
                stepping = Stepping(life(), step, scope.cancel)
                try:
                    await stepping
                finally:
                    seen.append(stepping.suspended)
        return seen[0]

    assert len([step async for step in each_step(run)]) > 4


@pytest.mark.parametrize(
    ("host", "secure", "base", "url"),
    [
        ("127.0.0.1", False, "/", "ws://127.0.0.1:9000"),
        ("::1", False, "/", "ws://[::1]:9000"),
        ("csms.example.com", True, "/ocpp/", "wss://csms.example.com:9000/ocpp"),
        (None, False, "/ocpp/1.6", "ws://localhost:9000/ocpp/1.6"),
        ("0.0.0.0", True, "/", "wss://localhost:9000"),
        ("::", False, "/", "ws://localhost:9000"),
        ("", False, "/", "ws://localhost:9000"),
    ],
)
async def test_the_url_is_where_stations_connect_to(
    host: str | None, secure: bool, base: str, url: str
) -> None:
    assert url_at(host, ("0.0.0.0", 9000), secure=secure, base=base) == url


async def test_a_csms_serves_its_versions_below_its_base() -> None:
    csms = CSMS(v16.ChargePoint)
    async with nothing_left():
        async with csms.serving(LOOPBACK, base="/ocpp", **CALM) as endpoint:
            assert endpoint.url.endswith("/ocpp")
            async with connect(endpoint.url, "CP_1", **CALM) as websocket:
                assert websocket.version is v16.ChargePoint.version
                await csms.stations.wait("CP_1")
        with pytest.raises(TypeError, match="versions"):
            csms.serving(LOOPBACK, versions=["1.6"])
