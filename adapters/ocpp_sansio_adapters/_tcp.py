"""TCP of a server: anyio's streams on trio, and on asyncio one of our own, which costs less.

anyio's registers the socket with the system and takes it off again for each receive, and gives up its turn for
each send; handling a message of OCPP costs less than that. Knows no WebSocket.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import anyio
from anyio.abc import ByteStream, Listener, SocketAttribute, TaskGroup
from anyio.lowlevel import checkpoint, current_token

__all__ = ["PushedStream", "asyncio_loop", "event_clock", "listening"]

#: Bytes that have come and nobody has asked for, beyond which the peer has to wait.
MOST_UNREAD = 2**16


def asyncio_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop that runs this, if it is one of asyncio."""
    loop = current_token().native_token
    return loop if isinstance(loop, asyncio.AbstractEventLoop) else None


def event_clock() -> Callable[[], float]:
    """What `anyio.current_time` asks, without finding out each time which event loop runs."""
    loop = asyncio_loop()
    return anyio.current_time if loop is None else loop.time


def listening(listener: Listener[Any]) -> Listener[Any]:
    """The listener, such that its streams are the right ones for this event loop."""
    loop = asyncio_loop()
    return listener if loop is None else _PushedListener(listener, loop)


class PushedStream(ByteStream, asyncio.Protocol):
    """A TCP connection of asyncio. What comes is kept until it is asked for.

    While it is `writable`, `write` takes bytes at once; `send` waits for that, and until they have left.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop
        self._transport: asyncio.Transport
        self._arrived = bytearray()
        self._paused = False  # more has arrived than anybody asks for
        self._ended = False  # nothing more will arrive
        self._gone = False  # nothing more can be written
        self._error: Exception | None = None  # by which it went
        self._closed = False
        self._arrival: asyncio.Future[None] | None = None  # which somebody waits for
        self._room: asyncio.Future[None] | None = None  # to write, where there is none

    # What the event loop says.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport  # type: ignore[assignment]
        self._transport.set_write_buffer_limits(0)

    def data_received(self, data: bytes) -> None:
        self._arrived += data
        if not self._paused and len(self._arrived) > MOST_UNREAD:
            self._paused = True
            self._transport.pause_reading()
        _fulfil(self._arrival)

    def eof_received(self) -> bool:
        self._ended = True
        _fulfil(self._arrival)
        return True  # we may still have something to say

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = self._gone = True
        self._error = exc
        _fulfil(self._arrival)
        self.resume_writing()

    def pause_writing(self) -> None:
        self._room = self._loop.create_future()

    def resume_writing(self) -> None:
        room, self._room = self._room, None
        _fulfil(room)

    # What is asked of the stream.

    async def receive(self, max_bytes: int = 65536) -> bytes:
        if self._arrival is not None:
            raise anyio.BusyResourceError("reading from")
        if self._arrived:
            await checkpoint()  # a peer that never pauses is not to have all the time of the event loop
        while not self._arrived:
            if self._closed:
                raise anyio.ClosedResourceError
            if self._error is not None:
                raise anyio.BrokenResourceError from self._error
            if self._ended:
                raise anyio.EndOfStream
            self._arrival = self._loop.create_future()
            try:
                await self._arrival
            finally:
                self._arrival = None
        octets = bytes(self._arrived[:max_bytes])
        del self._arrived[:max_bytes]
        if self._paused and not self._arrived and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()
        return octets

    @property
    def writable(self) -> bool:
        """Whether all that was written has left."""
        return self._room is None and not self._gone and not self._closed

    def write(self, octets: bytes) -> None:
        """Write while this is writable."""
        self._transport.write(octets)

    async def send(self, item: bytes) -> None:
        await self._left()
        self._transport.write(item)
        await self._left()

    async def _left(self) -> None:
        """Wait until all that was written has left."""
        while self._room is not None:
            await asyncio.shield(self._room)
        if self._closed:
            raise anyio.ClosedResourceError
        if self._gone:
            raise anyio.BrokenResourceError from self._error

    async def send_eof(self) -> None:
        with suppress(OSError):
            self._transport.write_eof()

    async def aclose(self) -> None:
        self._closed = True
        self._transport.abort()
        await checkpoint()

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        about = self._transport.get_extra_info
        return {
            SocketAttribute.family: lambda: about("socket").family,
            SocketAttribute.local_address: lambda: about("sockname"),
            SocketAttribute.local_port: lambda: about("sockname")[1],
            SocketAttribute.raw_socket: lambda: about("socket"),
            SocketAttribute.remote_address: lambda: about("peername"),
            SocketAttribute.remote_port: lambda: about("peername")[1],
        }


class _PushedListener(Listener[PushedStream]):
    """Accepts what comes at the socket of another listener."""

    def __init__(self, listener: Listener[Any], loop: asyncio.AbstractEventLoop) -> None:
        self._listener = listener
        self._loop = loop

    async def serve(
        self, handler: Callable[[PushedStream], Any], task_group: TaskGroup | None = None
    ) -> None:
        assert task_group is not None
        sock = self._listener.extra(SocketAttribute.raw_socket)
        while True:
            accepted, _ = await self._loop.sock_accept(sock)
            # asyncio does so where it has made both sockets; without, each answer waits for Nagle.
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _, stream = await self._loop.connect_accepted_socket(PushedStream, accepted)
            task_group.start_soon(handler, stream)

    async def aclose(self) -> None:
        await self._listener.aclose()

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        return self._listener.extra_attributes


def _fulfil(wish: asyncio.Future[None] | None) -> None:
    if wish is not None and not wish.done():
        wish.set_result(None)
