"""websockets.py: servers that refuse a station, hang up, say nothing or something else, over real sockets and on both
backends; and arguments that are wrong.
"""

import errno
import os
import ssl
from base64 import b64encode
from collections.abc import Awaitable, Callable
from hashlib import sha1
from typing import Any

import anyio
import pytest
from anyio.abc import ByteStream, SocketAttribute
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK

from ocpp_sansio.handshake import UpgradeFailed
from ocpp_sansio_adapters.websockets import Pings, connect, serve
from tests.adapters.sockets import CALM, RawServer, echo, eventually, hung_up, nothing_left, reset, serving

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


# Servers of a station.


def upgraded(asked: bytes, *headers: str) -> bytes:
    """A right answer, but for what these headers say."""
    [key] = [line[19:] for line in asked.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key: ")]
    accept = b64encode(sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        *([] if any("Accept" in header for header in headers) else [f"Sec-WebSocket-Accept: {accept}"]),
        *headers,
    ]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


RIGHT = "Sec-WebSocket-Protocol: ocpp2.0.1"

REFUSALS = {
    "redirect": (301, lambda asked: b"HTTP/1.1 301 Moved\r\nLocation: ws://127.0.0.1:1/\r\n\r\n"),
    "busy": (503, lambda asked: b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nlate"),
    "no subprotocol": (101, upgraded),
    "another subprotocol": (101, lambda asked: upgraded(asked, "Sec-WebSocket-Protocol: ocpp1.6")),
    "two subprotocols": (101, lambda asked: upgraded(asked, RIGHT + ", ocpp2.1")),
    "a wrong accept": (101, lambda asked: upgraded(asked, RIGHT, "Sec-WebSocket-Accept: AAAA")),
    "compression, unasked": (
        101,
        lambda asked: upgraded(asked, RIGHT, "Sec-WebSocket-Extensions: permessage-deflate"),
    ),
}


@pytest.mark.parametrize(("status", "answer"), REFUSALS.values(), ids=REFUSALS)
async def test_a_refusal_says_how_the_csms_answered(status: int, answer: Callable[[bytes], bytes]) -> None:
    # J16-112, L-118
    heard = b""

    async def script(stream: ByteStream, asked: bytes) -> None:
        nonlocal heard
        await stream.send(answer(asked))
        if status != 101:
            await stream.send_eof()
        heard = await hung_up(stream)

    server = RawServer(script)
    async with server.running() as url:
        with pytest.raises(UpgradeFailed) as caught:
            async with connect(url, "CP_1", versions=["2.1", "2.0.1"], **{**CALM, "close_timeout": 0.05}):
                pytest.fail("it is open")
        assert caught.value.status == status
        await eventually(lambda: server.ended == 1)
    assert len(server.requests) == 1
    assert bool(heard) == (answer is REFUSALS["no subprotocol"][1])  # a close frame, for that one is open


async def hang_up(stream: ByteStream, asked: bytes) -> None:
    await stream.aclose()


async def hang_up_midway(stream: ByteStream, asked: bytes) -> None:
    await stream.send(b"HTTP/1.1 101 Switch")
    await stream.aclose()


async def break_down(stream: ByteStream, asked: bytes) -> None:
    reset(stream)
    await stream.aclose()


async def speak_something_else(stream: ByteStream, asked: bytes) -> None:
    await stream.send(b"220 mail.example.com ESMTP\r\n")


@pytest.mark.parametrize("script", [hang_up, hang_up_midway, break_down, speak_something_else])
async def test_what_is_no_answer_is_a_connection_error(
    script: Callable[[ByteStream, bytes], Awaitable[None]],
) -> None:
    async with RawServer(script).running() as url:
        with pytest.raises(ConnectionError, match=r"hung up|no upgrade"):
            async with connect(url, "CP_1", **CALM):
                pytest.fail("it is open")


async def test_a_csms_that_does_not_answer_is_given_up() -> None:
    async def say_nothing(stream: ByteStream, asked: bytes) -> None:
        pass

    server = RawServer(say_nothing)
    async with server.running() as url:
        with pytest.raises(TimeoutError, match=r"no WebSocket within 0\.05 s"):
            async with connect(url, "CP_1", **{**CALM, "open_timeout": 0.05}):
                pytest.fail("it is open")
        await eventually(lambda: server.ended == 1)


async def test_where_nobody_listens_it_is_an_os_error() -> None:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as sockets:
        port = sockets.extra(SocketAttribute.local_port)
    async with nothing_left():
        with pytest.raises(OSError):  # noqa: PT011 - in whatever words
            async with connect(f"ws://127.0.0.1:{port}", "CP_1", **CALM):
                pytest.fail("it is open")


async def test_what_comes_in_the_wake_of_the_answer_is_received() -> None:
    heard = b""

    async def script(stream: ByteStream, asked: bytes) -> None:
        nonlocal heard
        await stream.send(upgraded(asked, RIGHT) + b"\x81\x02hi\x89\x00\x81\x02ho\x88\x02\x03\xe8")
        heard = await stream.receive()
        await stream.aclose()

    async with RawServer(script).running() as url, connect(url, "CP_1", **CALM) as station:
        assert [await station.recv(), await station.recv()] == ["hi", "ho"]
        with pytest.raises(ConnectionClosedOK):
            await station.recv()
    assert heard[0] == 0x8A  # the pong comes first


async def test_rubbish_in_the_wake_of_the_answer_is_told_at_once() -> None:
    async def script(stream: ByteStream, asked: bytes) -> None:
        await stream.send(upgraded(asked, RIGHT) + b"\xff\xff\xff\xff")
        heard.append((await stream.receive())[0])
        await stream.aclose()

    heard: list[int] = []
    settings = {**CALM, "close_timeout": 20.0}
    async with RawServer(script).running() as url, connect(url, "CP_1", **settings) as station:
        with anyio.fail_after(5), pytest.raises(ConnectionClosedError):
            await station.recv()
    assert heard == [0x88]


# Wrong arguments.

BOTH: dict[str, tuple[Any, type[Exception]]] = {
    "versions": ("1.6", TypeError),
    "pings": (30, TypeError),
    "compression": (1, TypeError),
    "max_size": (0, ValueError),
    "open_timeout": (0, ValueError),
    "close_timeout": ("5", ValueError),
    "tls": (True, TypeError),
}


@pytest.fixture
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**arguments: Any) -> Any:
        raise AssertionError("that is I/O")

    monkeypatch.setattr(anyio, "connect_tcp", refuse)
    monkeypatch.setattr(anyio, "create_tcp_listener", refuse)


CONNECT: dict[str, tuple[Any, type[Exception]]] = {
    **BOTH,
    "identity": ("", ValueError),
    "password": (1234, TypeError),
    "version": ("1.6", TypeError),  # there is none of that name
}


@pytest.mark.usefixtures("_no_network")
@pytest.mark.parametrize("name", CONNECT)
async def test_connect_names_the_argument_that_is_wrong(name: str) -> None:
    value, kind = CONNECT[name]
    arguments = {"url": "wss://localhost", "identity": "CP_1", name: value}
    with pytest.raises(kind, match=name):
        connect(**arguments)


@pytest.mark.usefixtures("_no_network")
@pytest.mark.parametrize(
    "url",
    ["", "http://localhost", "ws://", "ws://:80", "ws://localhost:x", "ws://localhost:99999", "ws://[::1"],
)
async def test_connect_wants_a_url(url: str) -> None:
    with pytest.raises(ValueError, match=r"^(endpoint is a URL|url has no host)"):
        connect(url, "CP_1")


@pytest.mark.usefixtures("_no_network")
async def test_tls_wants_a_url_that_says_so() -> None:
    with pytest.raises(ValueError, match="tls is for a url that begins with wss://"):
        connect("ws://localhost", "CP_1", tls=ssl.create_default_context())


SERVE: dict[str, tuple[Any, type[Exception]]] = {
    **BOTH,
    "handler": (None, TypeError),
    "authenticate": ("yes", TypeError),
    "base": ("ocpp", ValueError),
    "no_common_version": ("ignore", ValueError),
    "port": (70_000, ValueError),
}


@pytest.mark.usefixtures("_no_network")
@pytest.mark.parametrize("name", SERVE)
async def test_serve_names_the_argument_that_is_wrong(name: str) -> None:
    value, kind = SERVE[name]
    arguments: dict[str, Any] = {"handler": echo, name: value}
    with pytest.raises(kind, match="ignore" if name == "no_common_version" else name):
        await serve(**arguments)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])  # of one address, and perhaps of several
async def test_where_nobody_listens_the_error_says_so(host: str) -> None:
    async with serving() as url:
        port = url.rpartition(":")[2]
    with pytest.raises(ConnectionRefusedError) as caught:
        async with connect(f"ws://{host}:{port}", "CP_1", **CALM):
            pass
    assert caught.value.strerror == os.strerror(errno.ECONNREFUSED)


async def test_a_port_that_is_taken_is_an_os_error() -> None:
    async with serving() as url:
        with pytest.raises(OSError) as caught:  # noqa: PT011 - in the system's words
            await serve(echo, "127.0.0.1", int(url.rpartition(":")[2]))
        assert caught.value.errno == errno.EADDRINUSE


async def test_a_link_may_have_pings_of_its_own() -> None:
    # J16-120
    async with (
        serving(pings=Pings(interval=7)) as url,
        connect(url, "CP_1", **{**CALM, "pings": Pings(interval=3)}) as station,
    ):
        assert station.pings.interval == 3
