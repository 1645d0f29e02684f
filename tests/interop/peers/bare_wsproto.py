"""A WebSocket client and server of wsproto, which moves no bytes by itself: a socket of anyio does."""

import socket
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit

import anyio
import attrs
from anyio.abc import ByteStream, SocketAttribute
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Event,
    Ping,
    Pong,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate

from ocpp_sansio_adapters._websocket import LOST
from tests.interop.peers.bare import Ended, Listening, NotLetIn, Terms

__all__ = ["Wsproto"]

ABNORMAL = 1006

E = TypeVar("E", bound=Event)


@attrs.define(eq=False)
class WsprotoLink:
    """Either end, for they are alike."""

    stream: ByteStream
    protocol: WSConnection
    subprotocol: str | None = None
    compressed: bool = False
    over: anyio.Event = attrs.field(factory=anyio.Event)
    events: deque[Event] = attrs.field(factory=deque)

    async def send(self, *parts: str) -> None:
        for number, part in enumerate(parts, 1):
            await self.write(TextMessage(part, message_finished=number == len(parts)))

    async def recv(self) -> str:
        parts = []
        while True:
            message = await self.next(TextMessage)
            parts.append(message.data)
            if message.message_finished:
                return "".join(parts)

    async def ping(self, payload: bytes) -> None:
        await self.write(Ping(payload))
        while bytes((await self.next(Pong)).payload) != payload:
            pass

    async def close(self, code: int, reason: str) -> None:
        await self.write(CloseConnection(code, reason))
        with suppress(Ended):
            await self.next(Request)  # which never comes

    async def drop(self) -> None:
        self.stream.extra(SocketAttribute.raw_socket).shutdown(socket.SHUT_RDWR)

    async def write(self, event: Event) -> None:
        await self.stream.send(self.protocol.send(event))

    async def next(self, kind: type[E]) -> E:
        """What happens next of this kind. Pings are answered meanwhile; so is a close, which raises Ended."""
        while True:
            if not self.events:
                await self.read()
            event = self.events.popleft()
            if isinstance(event, kind):
                return event
            if isinstance(event, Ping):
                await self.write(event.response())
            elif isinstance(event, CloseConnection):
                if self.protocol.state is ConnectionState.REMOTE_CLOSING:
                    await self.write(event.response())
                await self.stream.aclose()
                raise Ended(event.code, event.reason or "")
            elif isinstance(event, RejectConnection):
                raise NotLetIn(event.status_code)

    async def read(self) -> None:
        """Take what comes next from the socket."""
        try:
            octets = await self.stream.receive()
        except LOST:
            raise Ended(ABNORMAL, "") from None
        self.protocol.receive_data(octets)
        self.events.extend(self.protocol.events())


class Wsproto:
    """The library."""

    backend = "asyncio"
    fragments = True
    compresses = True
    limits = False

    @asynccontextmanager
    async def client(self, url: str, terms: Terms) -> AsyncIterator[WsprotoLink]:
        address = urlsplit(url)
        assert address.hostname is not None
        assert address.port is not None
        async with await anyio.connect_tcp(address.hostname, address.port) as stream:
            link = WsprotoLink(stream, WSConnection(ConnectionType.CLIENT))
            await link.write(
                Request(
                    host=address.netloc,
                    target=address.path,
                    subprotocols=list(terms.subprotocols),
                    extensions=_extensions(terms),
                    extra_headers=[(name.encode(), value.encode()) for name, value in terms.headers.items()],
                )
            )
            accepted = await link.next(AcceptConnection)
            link.subprotocol, link.compressed = accepted.subprotocol, bool(accepted.extensions)
            yield link

    @asynccontextmanager
    async def server(self, terms: Terms) -> AsyncIterator[Listening]:
        listening = Listening()

        async def handle(stream: ByteStream) -> None:
            async with stream:
                link = WsprotoLink(stream, WSConnection(ConnectionType.SERVER))
                request = await link.next(Request)
                headers = {name.decode().lower(): value.decode() for name, value in request.extra_headers}
                listening.requests.append((request.target, headers))
                if terms.status is not None:
                    await link.write(RejectConnection(status_code=terms.status))
                    return
                common = [name for name in request.subprotocols if name in terms.subprotocols]
                extensions = _extensions(terms)
                link.subprotocol = common[0] if common else None
                await link.write(AcceptConnection(subprotocol=link.subprotocol, extensions=extensions))
                link.compressed = any(extension.enabled() for extension in extensions)
                listening.links.append(link)
                await link.over.wait()

        async with (
            await anyio.create_tcp_listener(local_host="127.0.0.1") as sockets,
            anyio.create_task_group() as tasks,
        ):
            listening.port = sockets.extra(SocketAttribute.local_port)
            tasks.start_soon(sockets.serve, handle)
            yield listening
            tasks.cancel_scope.cancel()


def _extensions(terms: Terms) -> list[Any]:
    return [PerMessageDeflate()] if terms.compression else []
