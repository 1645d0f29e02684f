"""_server.py: peers of a CSMS that cannot speak, hang up or say nothing, handlers that crash, and a system that is
exhausted, over real sockets and on both backends.
"""

import asyncio
import errno
import logging
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from anyio.abc import Listener
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK

from ocpp_sansio import ConnectionClosed
from ocpp_sansio_adapters import _server
from ocpp_sansio_adapters.websockets import WebSocket, connect
from tests.adapters.sockets import (
    CALM,
    ask,
    echo,
    eventually,
    hung_up,
    raw,
    request,
    reset,
    response_of,
    serving,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


async def still_well(station: WebSocket) -> None:
    await station.send("are you there?")
    assert await station.recv() == "are you there?"


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


# Peers of a server.


@pytest.mark.parametrize("octets", [b"", b"GET", request()[:-2], b"GET /CP_1 HTTP/1.1\r\n"])
async def test_who_does_not_finish_is_dropped_after_a_while(octets: bytes) -> None:
    async with serving(open_timeout=0.05) as url, raw(url) as stream:
        await stream.send(octets)
        assert await hung_up(stream) == b""


async def test_who_is_asked_about_for_too_long_is_dropped() -> None:
    async def ask_for_ever(*args: object) -> bool:
        await anyio.sleep_forever()
        return True

    async with serving(open_timeout=0.05, authenticate=ask_for_ever) as url, raw(url) as stream:
        await stream.send(request())
        assert await hung_up(stream) == b""


GARBAGE = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(512),
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "zeros": bytes(100_000),
    "lines": b"\r\n" * 10_000,
    "PUT": request().replace(b"GET", b"PUT"),
    "HTTP/1.0": request().replace(b"HTTP/1.1", b"HTTP/1.0"),
    "a long path": request("/" + "x" * 9000),
    "a long header": request("/CP_1", "X-Long: " + "x" * 9000),
    "half": b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
    "body": request("/CP_1", "Content-Length: 5") + b"12345",
    "a frame too early": request() + b"\x81\x80\0\0\0\0",
    "a close too early": request() + b"\x88\x80\0\0\0\0",
    "rubbish too early": request() + b"\xff\xff\xff\xff",
}


@pytest.mark.parametrize("octets", GARBAGE.values(), ids=GARBAGE)
async def test_garbage_harms_nobody(octets: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(open_timeout=0.3) as url, connect(url, "CP_1", **CALM) as healthy:
        async with raw(url) as stream:
            await stream.send(octets)
            assert b" 101 " not in await hung_up(stream)  # refused, or not even that
        await still_well(healthy)
    assert not errors(caplog)


@pytest.mark.parametrize("octets", [b"", request()[:50], request(), request() + b"\x81\xfe"])
async def test_who_resets_harms_nobody(octets: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as url, connect(url, "CP_1", **CALM) as healthy:
        async with raw(url) as stream:
            await stream.send(octets)
            if octets.endswith(b"\r\n\r\n"):
                await response_of(stream)
            reset(stream)
        await still_well(healthy)
    assert not errors(caplog)


async def test_a_handler_sees_an_abrupt_loss_in_the_middle_of_a_frame() -> None:
    ends = []

    async def handler(websocket: WebSocket) -> None:
        try:
            await echo(websocket)
        except ConnectionClosedError as closed:
            ends.append((closed.rcvd, websocket.close_code))

    async with serving(handler) as url, raw(url) as stream:
        await stream.send(request())
        await response_of(stream)
        await stream.send(b"\x81\xfe")
        await stream.aclose()
        await eventually(lambda: ends == [(None, 1006)])


async def test_what_a_peer_says_wrong_is_logged_as_a_warning_that_names_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with serving() as url:
        answer = await ask(url, request("/CP_9") + b"")
        assert answer.status == 101
        async with raw(url) as stream:
            await stream.send(request("/CP_8"))
            await response_of(stream)
            await stream.send(b"\xff\xff\xff\xff")
            assert await hung_up(stream)
    said = {(record.levelname, record.getMessage()[:12]) for record in caplog.records}
    assert {("INFO", "CP_9: closed"), ("WARNING", "CP_8: closed")} <= said


async def test_not_even_a_mistake_of_ours_harms_another(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving() as url, connect(url, "CP_1", **CALM) as healthy:
        monkeypatch.setattr(_server, "judged", lambda *args, **options: 1 / 0)
        async with raw(url) as stream:
            await stream.send(request())
            assert await hung_up(stream) == b""
        await still_well(healthy)
    assert errors(caplog) == ["a station could not be served"]


# Handlers.


async def crash(websocket: WebSocket) -> None:
    raise RuntimeError("a bug")


async def cancel_itself(websocket: WebSocket) -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize("handler", [crash, cancel_itself, lambda websocket: None])
async def test_a_handler_that_crashes_ends_its_own_link_with_1011(
    handler: Any, anyio_backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    if handler is cancel_itself and anyio_backend == "trio":
        handler = crash  # trio knows no such thing

    async def one_of_two(websocket: WebSocket) -> None:
        await (echo if websocket.identity == "CP_1" else handler)(websocket)

    async with serving(one_of_two) as url, connect(url, "CP_1", **CALM) as healthy:
        async with connect(url, "CP_2", **CALM) as station:
            with pytest.raises(ConnectionClosedError) as caught:
                await station.recv()
            assert caught.value.rcvd is not None
            assert caught.value.rcvd.code == 1011
        await still_well(healthy)
    assert errors(caplog) == ["CP_2: the handler of the link has crashed"]


async def with_a_task_group(websocket: WebSocket) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(echo, websocket)


async def after_the_end(websocket: WebSocket) -> None:
    with pytest.raises(ConnectionClosedOK):
        await echo(websocket)
    raise ConnectionClosed("as a call says, that waits")


@pytest.mark.parametrize("handler", [echo, with_a_task_group, after_the_end])
async def test_the_end_of_a_link_is_no_crash_of_its_handler(
    handler: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(handler) as url, connect(url, "CP_1", **CALM) as station:
        await still_well(station)
    assert not errors(caplog)


async def test_a_link_is_closed_when_its_handler_is_done() -> None:
    async def handler(websocket: WebSocket) -> None:
        await websocket.send("that is all")

    async with serving(handler) as url, connect(url, "CP_1", **CALM) as station:
        assert await station.recv() == "that is all"
        with pytest.raises(ConnectionClosedOK):
            await station.recv()


# A system that is exhausted.


class Exhausted(Listener[Any]):
    """A listener that fails as many times as there are errors."""

    def __init__(self, listener: Listener[Any], failures: list[Exception]) -> None:
        self.listener = listener
        self.failures = failures

    async def serve(self, handler: Callable[[Any], Any], task_group: Any = None) -> None:
        if self.failures:
            raise self.failures.pop(0)
        await self.listener.serve(handler, task_group)

    async def aclose(self) -> None:
        await self.listener.aclose()

    @property
    def extra_attributes(self) -> Any:
        return self.listener.extra_attributes


async def test_one_that_cannot_be_accepted_is_not_the_end_of_the_server(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_server, "ACCEPT_PAUSE", 0.001)
    listening = _server.listening
    broken = anyio.BrokenResourceError()  # of trio
    broken.__cause__ = OSError(errno.ECONNABORTED, "Software caused connection abort")
    failures: list[Exception] = [OSError(errno.EMFILE, "Too many open files"), broken]

    monkeypatch.setattr(_server, "listening", lambda listener: Exhausted(listening(listener), failures))
    async with serving() as url, connect(url, "CP_1", **CALM) as station:
        await still_well(station)
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        f"somebody could not be accepted: [Errno {errno.EMFILE}] Too many open files",
        f"somebody could not be accepted: [Errno {errno.ECONNABORTED}] Software caused connection abort",
    ]
