"""Stations that cost next to nothing, so that the server is what is measured: bare sockets, frames made beforehand.

Each sends a call, waits for the answer, and sends the next. All contenders have the same ones.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["Stations", "connected"]

_UPGRADE = (
    "GET /{identity} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: {subprotocol}\r\n\r\n"
)


class _Station(asyncio.Protocol):
    """One WebSocket that asks the same again and again."""

    def __init__(self, frame: bytes) -> None:
        self.frame = frame
        self.open = asyncio.get_running_loop().create_future()
        self.left = 0  # answers that are still awaited
        self.done: asyncio.Future[None] | None = None
        self._received = bytearray()
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def ask(self, times: int) -> asyncio.Future[None]:
        """Begin; the result is there with the last answer."""
        self.left = times
        self.done = asyncio.get_running_loop().create_future()
        self._transport.write(self.frame)
        return self.done

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self.open.done():
            head, end, rest = self._received.partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head.partition(b"\r\n")[0]:
                self.open.set_exception(ConnectionError(head.decode(errors="replace")))
                return
            self._received = bytearray(rest)
            self.open.set_result(None)
        while (answer := _text_of(self._received)) is not None:
            if not answer.startswith((b"[3,", b"[2,")):  # a result, or the echo of the call
                self._fail(ConnectionError(f"answered with {answer[:200]!r}"))
                return
            self.left -= 1
            if self.left > 0:
                self._transport.write(self.frame)
            elif self.done is not None and not self.done.done():
                self.done.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(error or ConnectionError("the server has hung up"))

    def _fail(self, error: Exception) -> None:
        for future in (self.open, self.done):
            if future is not None and not future.done():
                future.set_exception(error)

    def close(self) -> None:
        """Hang up, as a station does whose power fails."""
        self._transport.abort()


class Stations:
    """Connected stations of one server."""

    def __init__(self, stations: list[_Station]) -> None:
        self._stations = stations

    async def ask(self, calls: int) -> None:
        """Let each ask so many times, all at once, and wait for the last answer."""
        await asyncio.gather(*(station.ask(calls) for station in self._stations))


@asynccontextmanager
async def connected(port: int, count: int, subprotocol: str, text: str) -> AsyncIterator[Stations]:
    """So many stations, each of which asks this text. Raises ConnectionError if one is not let in."""
    frame = _masked(text.encode())
    stations: list[_Station] = []
    loop = asyncio.get_running_loop()
    try:
        for number in range(count):
            transport, station = await loop.create_connection(lambda: _Station(frame), "127.0.0.1", port)
            stations.append(station)
            upgrade = _UPGRADE.format(identity=f"CP_{number}", subprotocol=subprotocol)
            transport.write(upgrade.encode())
            await station.open
        yield Stations(stations)
    finally:
        for station in stations:
            station.close()


def _masked(payload: bytes) -> bytes:
    """A text frame of a client; by a mask of zeros, it is as it was (RFC 6455, 5.3)."""
    size = len(payload)
    length = bytes([128 | size]) if size < 126 else bytes([128 | 126]) + size.to_bytes(2, "big")
    return b"\x81" + length + bytes(4) + payload


def _text_of(received: bytearray) -> bytes | None:
    """The payload of the first whole frame, which is taken away; pings are left unanswered."""
    while len(received) > 1:
        size, start = received[1] & 127, 2
        if size == 126:
            size, start = int.from_bytes(received[2:4], "big"), 4
        if len(received) < start + size:
            return None
        kind, payload = received[0] & 15, bytes(received[start : start + size])
        del received[: start + size]
        if kind == 1:
            return payload
    return None
