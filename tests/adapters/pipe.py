"""A byte stream in memory with the faults of a TCP connection, and WebSockets over it under virtual time."""

from typing import Any

import anyio
from anyio.abc import ByteStream
from anyio.lowlevel import checkpoint
from websockets.client import ClientProtocol
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from ocpp_sansio import Version
from ocpp_sansio_adapters._settings import Info, Pings
from ocpp_sansio_adapters._websocket import WebSocket

__all__ = ["Pipe", "client", "pipe", "server", "station_and_csms", "websocket"]


class Pipe(ByteStream):
    """One end. `room` is what the other end's receive buffer takes before `send` waits."""

    def __init__(self) -> None:
        self.other: Pipe
        self.room = 2**16
        self.arrived = bytearray()
        self.eof = False  # the other end sends no more
        self.closed = False
        self.broken = False
        self.sending = False
        self.receiving = False
        self.changed = anyio.Event()

    def wake(self) -> None:
        for end in (self, self.other):
            end.changed.set()
            end.changed = anyio.Event()

    async def receive(self, max_bytes: int = 65536) -> bytes:
        if self.receiving:
            raise anyio.BusyResourceError("receiving")
        self.receiving = True
        try:
            await checkpoint()
            while not self.arrived:
                if self.closed:
                    raise anyio.ClosedResourceError
                if self.broken:
                    raise anyio.BrokenResourceError
                if self.eof:
                    raise anyio.EndOfStream
                await self.changed.wait()
        finally:
            self.receiving = False
        octets = bytes(self.arrived[:max_bytes])
        del self.arrived[:max_bytes]
        self.wake()
        return octets

    async def send(self, item: bytes) -> None:
        if self.sending:
            raise anyio.BusyResourceError("sending")
        self.sending = True
        try:
            await checkpoint()
            for start in range(0, len(item), 16):
                while len(self.other.arrived) >= self.other.room and not self.other.closed:
                    if self.closed:
                        raise anyio.ClosedResourceError
                    await self.changed.wait()
                if self.closed:
                    raise anyio.ClosedResourceError
                if self.broken or self.other.closed:
                    raise anyio.BrokenResourceError
                self.other.arrived += item[start : start + 16]
                self.wake()
        finally:
            self.sending = False

    async def send_eof(self) -> None:
        self.other.eof = True
        self.wake()
        await checkpoint()

    async def aclose(self) -> None:
        self.closed = True
        self.other.eof = True
        self.wake()
        await checkpoint()

    def cut(self) -> None:
        """The cable is gone, and both ends notice."""
        self.broken = self.other.broken = True
        self.wake()


def pipe() -> tuple[Pipe, Pipe]:
    """Two ends."""
    one, two = Pipe(), Pipe()
    one.other, two.other = two, one
    return one, two


def websocket(stream: Pipe, protocol: ClientProtocol | ServerProtocol, **options: Any) -> WebSocket:
    """A WebSocket whose upgrade has been."""
    settings: dict[str, Any] = {
        "identity": "CP_1",
        "version": Version.V201,
        "pings": Pings(interval=None),
        "close_timeout": 5.0,
        **options,
    }
    info = Info(path=f"/{settings['identity']}", subprotocol=settings["version"].subprotocol)
    return WebSocket(stream, protocol, info=info, **settings)


def client(**options: Any) -> ClientProtocol:
    return ClientProtocol(parse_uri("ws://localhost/CP_1"), state=State.OPEN, **options)


def server() -> ServerProtocol:
    return ServerProtocol(state=State.OPEN)


def station_and_csms(**options: Any) -> tuple[WebSocket, WebSocket]:
    """Two WebSockets that talk to each other."""
    near, far = pipe()
    return websocket(near, client(), **options), websocket(far, server(), **options)
