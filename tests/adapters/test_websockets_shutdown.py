"""websockets.py: the end of a server, and cancellation at every await of both ends: nothing is left open, and what is
owed leaves first. Over real sockets, on both backends.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import attrs
import pytest
from anyio.abc import TaskStatus
from anyio.streams.stapled import MultiListener
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK

from ocpp_sansio.handshake import UpgradeFailed
from ocpp_sansio.routing import on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio_adapters import _server, v16
from ocpp_sansio_adapters.websockets import WebSocket, connect, serve
from tests.adapters.sockets import CALM, echo, eventually, hung_up, nothing_left, open_sockets, raw, request
from tests.adapters.stepping import Stepping, each_step

pytestmark = pytest.mark.anyio

NOW = "2024-05-01T12:00:00Z"


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


@attrs.define
class Running:
    """A server in a task of its own, which a test may cancel."""

    url: str = ""
    scope: anyio.CancelScope = attrs.field(factory=anyio.CancelScope)
    ended: bool = False


@asynccontextmanager
async def running(handler: Any = echo, **settings: Any) -> AsyncIterator[Running]:
    server = Running()

    async def run(*, task_status: Any) -> None:
        with server.scope:
            await serve(handler, "127.0.0.1", task_status=task_status, **{**CALM, **settings})
        server.ended = True

    async with nothing_left(), anyio.create_task_group() as tasks:
        host, port = await tasks.start(run)
        server.url = f"ws://{host}:{port}"
        yield server
        server.scope.cancel()


class Status(TaskStatus[tuple[str, int]]):
    """What a server tells that no task group has started."""

    url = ""

    def started(self, value: tuple[str, int] | None = None) -> None:
        self.url = "ws://{}:{}".format(*(value or ()))


async def code_of_the_end(websocket: WebSocket) -> int:
    with suppress(ConnectionClosed):
        while True:
            await websocket.recv()
    assert websocket.close_code is not None
    return websocket.close_code


# A shutdown in good order.


async def test_answers_that_are_owed_leave_before_the_links_are_closed() -> None:
    # L-124
    asked, answer_now = anyio.Event(), anyio.Event()

    class Slow(v16.ChargePoint):
        @on(call.Heartbeat)
        async def heartbeat(self, request: call.Heartbeat) -> call_result.Heartbeat:
            asked.set()
            await answer_now.wait()
            return call_result.Heartbeat(current_time=NOW)

    async def handler(websocket: WebSocket) -> None:
        await Slow(websocket.identity, websocket).start()

    ends: list[Any] = []

    async def live(websocket: WebSocket, station: v16.ChargePoint) -> None:
        with pytest.raises(ConnectionClosedOK):
            await station.start()
        ends.append(websocket.close_code)

    settings = {**CALM, "versions": ["1.6"]}
    async with running(handler, versions=["1.6"]) as server, connect(server.url, "CP_1", **settings) as link:
        station = v16.ChargePoint("CP_1", link)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(live, link, station)
            tasks.start_soon(ask, station, ends)
            await asked.wait()
            server.scope.cancel()
            await eventually_refused(server.url)
            assert not ends
            assert not server.ended
            answer_now.set()
        assert ends == [call_result.Heartbeat(current_time=NOW), 1001]
        await eventually(lambda: server.ended)


async def ask(station: v16.ChargePoint, answers: list[Any]) -> None:
    answers.append(await station.call(call.Heartbeat()))


async def eventually_refused(url: str) -> None:
    """Nobody listens there any more."""
    refused = False
    for _ in range(1000):
        try:
            async with raw(url):
                await anyio.sleep(0.002)
        except OSError:
            refused = True
            break
    assert refused


async def test_an_answer_that_never_comes_is_waited_for_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_server, "SHUTDOWN_GRACE", 0.05)

    async def handler(websocket: WebSocket) -> None:
        websocket.drained = anyio.sleep_forever
        await echo(websocket)

    async with running(handler) as server, connect(server.url, "CP_1", **CALM) as station:
        server.scope.cancel()
        assert await code_of_the_end(station) == 1001
        await eventually(lambda: server.ended)


async def test_a_handler_that_does_not_end_with_its_link_is_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_server, "SHUTDOWN_GRACE", 0.05)
    ended = []

    async def handler(websocket: WebSocket) -> None:
        try:
            with suppress(ConnectionClosed):
                await echo(websocket)
            await anyio.sleep_forever()
        finally:
            ended.append(websocket.identity)

    async with running(handler, close_timeout=0.05) as server, connect(server.url, "CP_1", **CALM) as station:
        await station.send("hello")
        await station.recv()
        server.scope.cancel()
        assert await code_of_the_end(station) == 1001
        await eventually(lambda: server.ended)
    assert ended == ["CP_1"]


async def test_a_peer_that_does_not_close_holds_up_no_shutdown() -> None:
    async with running(close_timeout=0.05) as server, raw(server.url) as stream:
        await stream.send(request())
        assert (await stream.receive()).startswith(b"HTTP/1.1 101")
        server.scope.cancel()
        await eventually(lambda: server.ended)
        assert (await hung_up(stream))[2:4] == b"\x03\xe9"  # 1001


async def test_who_is_not_in_yet_is_dropped() -> None:
    async with running() as server, raw(server.url) as stream:
        await stream.send(b"GET /CP_1 HTTP/1.1\r\n")
        await eventually(lambda: len(open_sockets()) >= 3)  # both ends, and the one that listens
        server.scope.cancel()
        assert await hung_up(stream) == b""
        await eventually(lambda: server.ended)


async def test_a_hundred_links_are_closed_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_server, "SHUTDOWN_GRACE", 0.1)
    codes: list[int] = []

    async def handler(websocket: WebSocket) -> None:
        websocket.drained = anyio.sleep_forever
        await echo(websocket)

    async def station(url: str, number: int) -> None:
        async with connect(url, f"CP_{number}", **CALM) as websocket:
            opened.append(number)
            codes.append(await code_of_the_end(websocket))

    opened: list[int] = []
    async with running(handler) as server, anyio.create_task_group() as tasks:
        for number in range(100):
            tasks.start_soon(station, server.url, number)
        await eventually(lambda: len(opened) == 100)
        began = anyio.current_time()
        server.scope.cancel()
        await eventually(lambda: server.ended)
        assert anyio.current_time() - began < 50 * 0.1
    assert codes == [1001] * 100


async def test_every_socket_that_listens_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    create = anyio.create_tcp_listener

    async def create_two(**address: Any) -> MultiListener[Any]:
        return MultiListener([await create(**address), await create(**address)])

    monkeypatch.setattr(anyio, "create_tcp_listener", create_two)
    before = len(open_sockets())
    async with running() as server:
        assert len(open_sockets()) == before + 2
        async with connect(server.url, "CP_1", **CALM) as station:
            await station.send("hello")
            assert await station.recv() == "hello"


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_task_of_asyncio_that_is_cancelled_shuts_down_in_good_order() -> None:
    async with nothing_left():
        status = Status()
        serving = asyncio.create_task(serve(echo, "127.0.0.1", task_status=status, **CALM))
        await eventually(lambda: status.url)
        async with connect(status.url, "CP_1", **CALM) as station:
            serving.cancel()
            assert await code_of_the_end(station) == 1001
        with pytest.raises(asyncio.CancelledError):
            await serving


# Cancellation at every await.


async def test_connect_may_be_cancelled_anywhere() -> None:
    async def use(url: str) -> None:
        async with connect(url, "CP_1", **CALM) as station:
            await station.send("hello")
            assert await station.recv() == "hello"

    async with running() as server:

        async def run(step: int) -> int:
            scope = anyio.CancelScope()
            stepping = Stepping(use(server.url), step, scope.cancel)
            async with nothing_left():
                with scope:
                    await stepping
            return stepping.suspended

        steps = [step async for step in each_step(run)]
    assert len(steps) > 4


async def test_a_server_may_be_cancelled_anywhere_in_the_life_of_a_link(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    welcome = _server.Server.welcome

    async def run(step: int) -> int:
        servers: list[Running] = []
        suspended = 0

        async def stepping(self: _server.Server, stream: Any) -> None:
            nonlocal suspended
            steps = Stepping(welcome(self, stream), step, servers[0].scope.cancel)
            try:
                await steps
            finally:
                suspended = steps.suspended

        monkeypatch.setattr(_server.Server, "welcome", stepping)
        async with running() as server:
            servers.append(server)
            await visit(server.url)
        return suspended

    assert len([step async for step in each_step(run)]) > 4


async def test_a_server_may_be_cancelled_anywhere_in_its_own_life() -> None:
    async def run(step: int) -> int:
        status = Status()
        scope = anyio.CancelScope()
        stepping = Stepping(serve(echo, "127.0.0.1", task_status=status, **CALM), step, scope.cancel)

        async def live() -> None:
            with scope:
                await stepping

        async with nothing_left(), anyio.create_task_group() as tasks:
            tasks.start_soon(live)
            await eventually(lambda: status.url or scope.cancel_called)
            if status.url:
                await visit(status.url)
            scope.cancel()
        return stepping.suspended

    assert len([step async for step in each_step(run)]) >= 2


async def visit(url: str) -> None:
    """Connect, if there is somebody; what goes wrong is not ours."""
    with suppress(OSError, TimeoutError, UpgradeFailed, ConnectionClosedError, ConnectionClosedOK):
        async with connect(url, "CP_1", **CALM) as station:
            await station.send("hello")
            await station.recv()
