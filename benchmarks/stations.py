"""Stations that cost next to nothing, so that the server is what is measured: bare sockets, frames made beforehand.

Each sends a call, waits for the answer, and sends the next. All contenders have the same ones.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

__all__ = ["Stations", "connected"]

TEXT, PING, PONG = 1, 9, 10

_UPGRADE = (
    "GET /{identity} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: {subprotocol}\r\n{extension}\r\n"
)
_DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"

#: How many knock at the same time.
AT_ONCE = 100
#: Seconds between attempts, while there is no server.
AGAIN = 0.01


class _Station(asyncio.Protocol):
    """One WebSocket that asks the same again and again."""

    def __init__(self, frame: bytes, upgrade: bytes) -> None:
        loop = asyncio.get_running_loop()
        self.open = loop.create_future()
        self.lost = loop.create_future()
        self.waits: list[float] = []  # seconds, for each answer
        self._frame = frame
        self._upgrade = upgrade
        self._left = 0  # answers that are still awaited
        self._asked = 0.0
        self._done: asyncio.Future[None] | None = None
        self._received = bytearray()
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        transport.write(self._upgrade)

    def ask(self, times: int) -> asyncio.Future[None]:
        """Begin; the result is there with the last answer."""
        self._left = times
        self._done = asyncio.get_running_loop().create_future()
        self._send()
        return self._done

    def _send(self) -> None:
        self._asked = perf_counter()
        self._transport.write(self._frame)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self.open.done():
            head, end, rest = self._received.partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head.partition(b"\r\n")[0]:
                self._fail(ConnectionError(head.decode(errors="replace")))
                return
            self._received = bytearray(rest)
            self.open.set_result(None)
        while (frame := _taken(self._received)) is not None:
            kind, answer = frame
            if kind == PING:
                self._transport.write(_masked(answer, PONG))
                continue
            if not answer.startswith((b"[3,", b"[2,")):  # a result, or the echo of the call
                self._fail(ConnectionError(f"answered with {answer[:200]!r}"))
                return
            self.waits.append(perf_counter() - self._asked)
            self._left -= 1
            if self._left > 0:
                self._send()
            elif self._done is not None and not self._done.done():
                self._done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionError("the server has hung up"))
        if not self.lost.done():
            self.lost.set_result(None)

    def _fail(self, error: Exception) -> None:
        for future in (self.open, self._done):
            if future is not None and not future.done():
                future.set_exception(error)
                future.exception()  # which nobody may be waiting for

    def close(self) -> None:
        """Hang up, as a station does whose power fails."""
        self._transport.abort()


class Stations:
    """Stations of one server, that ask this text."""

    def __init__(self, port: int, count: int, subprotocol: str, text: str, *, deflate: bool = False) -> None:
        self._port = port
        self._frame = _masked(text.encode())
        self._subprotocol = subprotocol
        self._extension = _DEFLATE if deflate else ""
        self._names = [f"CP_{number}" for number in range(count)]
        self._stations: dict[str, _Station] = {}

    async def connect(self) -> None:
        """Let all connect, some at the same time, and try again until they are in."""
        knocking = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(self._connect(name, knocking) for name in self._names))

    async def _connect(self, name: str, knocking: asyncio.Semaphore) -> None:
        loop = asyncio.get_running_loop()
        upgrade = _UPGRADE.format(identity=name, subprotocol=self._subprotocol, extension=self._extension)
        async with knocking:
            while True:
                try:
                    _, station = await loop.create_connection(
                        lambda: _Station(self._frame, upgrade.encode()), "127.0.0.1", self._port
                    )
                    self._stations[name] = station
                    await station.open
                    return
                except OSError:
                    await asyncio.sleep(AGAIN)

    async def ask(self, calls: int) -> list[float]:
        """Let each ask so many times, all at once. Returns the seconds that each answer took."""
        stations = self._stations.values()
        for station in stations:
            station.waits = []
        await asyncio.gather(*(station.ask(calls) for station in stations))
        return [seconds for station in stations for seconds in station.waits]

    async def lost(self) -> None:
        """Wait until all have lost their link."""
        await asyncio.gather(*(station.lost for station in self._stations.values()))

    async def close(self) -> None:
        """Hang up."""
        for station in self._stations.values():
            station.close()
        await self.lost()


@asynccontextmanager
async def connected(
    port: int, count: int, subprotocol: str, text: str, *, deflate: bool = False
) -> AsyncIterator[Stations]:
    """So many stations, connected for as long as the block lasts."""
    stations = Stations(port, count, subprotocol, text, deflate=deflate)
    await stations.connect()
    try:
        yield stations
    finally:
        await stations.close()


def _masked(payload: bytes, kind: int = TEXT) -> bytes:
    """A frame of a client; by a mask of zeros, it is as it was (RFC 6455, 5.3)."""
    size = len(payload)
    length = bytes([128 | size]) if size < 126 else bytes([128 | 126]) + size.to_bytes(2, "big")
    return bytes([128 | kind]) + length + bytes(4) + payload


def _taken(received: bytearray) -> tuple[int, bytes] | None:
    """Kind and payload of the first whole frame, which is taken away."""
    if len(received) < 2:
        return None
    size, start = received[1] & 127, 2
    if size == 126:
        size, start = int.from_bytes(received[2:4], "big"), 4
    if len(received) < start + size:
        return None
    kind, payload = received[0] & 15, bytes(received[start : start + size])
    del received[: start + size]
    return kind, payload
