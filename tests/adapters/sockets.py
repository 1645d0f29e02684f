"""Real sockets on 127.0.0.1: servers in a task, peers by hand, and a count of what is left open.

Nothing here waits for a time to pass: conditions are looked at until they hold.
"""

import gc
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import attrs
from anyio.abc import ByteStream, Listener, SocketAttribute, TaskGroup

from ocpp_sansio_adapters._websocket import LOST
from ocpp_sansio_adapters.websockets import Pings, WebSocket, serve

__all__ = [
    "CALM",
    "RawServer",
    "ask",
    "echo",
    "eventually",
    "hung_up",
    "nothing_left",
    "open_sockets",
    "raw",
    "request",
    "reset",
    "response_of",
    "serving",
]

#: Settings with which nothing happens but what a test brings about, however slow the machine is.
CALM: dict[str, Any] = {"open_timeout": 10.0, "close_timeout": 10.0, "pings": Pings(interval=None)}

DESCRIPTORS = Path("/dev/fd")  # not on Windows

PATIENCE = 10.0  # seconds that a loaded machine may take for what takes milliseconds


def open_sockets() -> set[int]:
    """The descriptors of all sockets of this process that are open."""
    if DESCRIPTORS.is_dir():
        return {int(entry.name) for entry in DESCRIPTORS.iterdir() if entry.is_socket()}
    objects = (thing for thing in gc.get_objects() if issubclass(type(thing), socket.socket))
    return {thing.fileno() for thing in objects} - {-1}


async def eventually(holds: Callable[[], object]) -> None:
    """Come back once this holds."""
    give_up = anyio.current_time() + PATIENCE
    while not holds():
        assert anyio.current_time() < give_up, "it never holds"
        await anyio.sleep(0.002)


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """Fails if the block leaves a socket or a task behind, or if it hangs."""
    sockets = open_sockets()
    tasks = {task.id for task in anyio.get_running_tasks()}
    with anyio.fail_after(3 * PATIENCE):
        yield
        await eventually(lambda: open_sockets() <= sockets)
        await eventually(lambda: {task.id for task in anyio.get_running_tasks()} <= tasks)


async def echo(websocket: WebSocket) -> None:
    """A handler."""
    while True:
        text = await websocket.recv()
        assert isinstance(text, str)
        await websocket.send(text)


@asynccontextmanager
async def serving(
    handler: Callable[[WebSocket], Awaitable[object]] = echo, **settings: Any
) -> AsyncIterator[str]:
    """The URL of a server, for as long as the block lasts. Fails if something is left of it."""
    async with nothing_left(), anyio.create_task_group() as tasks:
        host, port = await _started(tasks, handler, settings)
        yield f"ws://{host}:{port}"
        tasks.cancel_scope.cancel()


async def _started(tasks: TaskGroup, handler: Any, settings: dict[str, Any]) -> tuple[str, int]:
    async def run(*, task_status: Any) -> None:
        await serve(handler, "127.0.0.1", task_status=task_status, **{**CALM, **settings})

    address: tuple[str, int] = await tasks.start(run)
    return address


# Peers by hand.


@asynccontextmanager
async def raw(url: str) -> AsyncIterator[ByteStream]:
    """A TCP connection to that server."""
    host, _, port = url.partition("://")[2].partition("/")[0].partition(":")
    async with await anyio.connect_tcp(host, int(port)) as stream:
        yield stream


def request(path: str = "/CP_1", *headers: str, subprotocol: str | None = "ocpp1.6") -> bytes:
    """A request to upgrade, as it travels."""
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: localhost",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==",
        "Sec-WebSocket-Version: 13",
        *([f"Sec-WebSocket-Protocol: {subprotocol}"] if subprotocol else []),
        *headers,
    ]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")


@attrs.frozen
class Answer:
    """What a server has answered: status, headers by name in lower case, and all that came afterwards."""

    status: int
    headers: dict[str, str]
    rest: bytes


async def response_of(stream: ByteStream) -> Answer:
    """The head of a response, and what came with it."""
    octets = b""
    while b"\r\n\r\n" not in octets:
        octets += await stream.receive()
    head, _, rest = octets.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = (line.partition(": ") for line in lines)
    return Answer(int(status_line.split(" ")[1]), {name.lower(): value for name, _, value in headers}, rest)


async def hung_up(stream: ByteStream) -> bytes:
    """What comes until the other end hangs up. Fails if it does not."""
    octets = b""
    try:
        with anyio.fail_after(PATIENCE):
            while True:
                octets += await stream.receive()
    except LOST:
        return octets


async def ask(url: str, octets: bytes) -> Answer:
    """Send that, answer a close with 1002, and read until the server hangs up."""
    async with raw(url) as stream:
        await stream.send(octets)
        answer = await response_of(stream)
        if answer.status == 101:
            await stream.send(b"\x88\x82\0\0\0\0\x03\xea")
        return attrs.evolve(answer, rest=answer.rest + await hung_up(stream))


def reset(stream: ByteStream) -> None:
    """Let the end of this connection be abrupt, as that of a modem is."""
    stream.extra(SocketAttribute.raw_socket).setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )


class RawServer:
    """A server by hand. `script` has each connection once its request has come."""

    def __init__(self, script: Callable[[ByteStream, bytes], Awaitable[object]]) -> None:
        self.script = script
        self.requests: list[bytes] = []
        self.ended = 0  # connections whose other end has hung up

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Its URL, for as long as the block lasts. Fails if something is left of it, or of its clients."""
        async with nothing_left(), anyio.create_task_group() as tasks:
            sockets = await anyio.create_tcp_listener(local_host="127.0.0.1")
            tasks.start_soon(self.listen, sockets)
            yield f"ws://127.0.0.1:{sockets.extra(SocketAttribute.local_port)}"
            tasks.cancel_scope.cancel()

    async def listen(self, sockets: Listener[ByteStream]) -> None:
        async with sockets:
            await sockets.serve(self.welcome)

    async def welcome(self, stream: ByteStream) -> None:
        async with stream:
            octets = b""
            while b"\r\n\r\n" not in octets:
                octets += await stream.receive()
            self.requests.append(octets)
            await self.script(stream, octets)
            await hung_up(stream)
            self.ended += 1
