"""A WebSocket client and server of trio-websocket.

The sockets are ours: its client leaves its own open when the server closes first, or does not let it in.
"""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import urlsplit

import attrs
import trio
from trio_websocket import (
    ConnectionClosed,
    ConnectionRejected,
    WebSocketConnection,
    wrap_client_stream,
    wrap_server_stream,
)

from tests.interop.peers.bare import Ended, Listening, NotLetIn, Terms

__all__ = ["TrioWebsocket"]

ABNORMAL = 1006


@attrs.define(eq=False)
class TrioLink:
    """Either end, for they are alike."""

    stream: trio.SocketStream
    websocket: WebSocketConnection
    over: trio.Event = attrs.field(factory=trio.Event)
    compressed: bool = False

    @property
    def subprotocol(self) -> str | None:
        return self.websocket.subprotocol

    async def send(self, *parts: str) -> None:
        [text] = parts  # it does not make fragments
        await self.websocket.send_message(text)

    async def recv(self) -> str:
        try:
            return str(await self.websocket.get_message())
        except ConnectionClosed as closed:
            await self.stream.aclose()
            reason = closed.reason
            raise Ended(reason.code if reason else ABNORMAL, (reason and reason.reason) or "") from closed

    async def ping(self, payload: bytes) -> None:
        await self.websocket.ping(payload)

    async def close(self, code: int, reason: str) -> None:
        await self.websocket.aclose(code, reason)

    async def drop(self) -> None:
        self.stream.socket.shutdown(socket.SHUT_RDWR)


class TrioWebsocket:
    """The library."""

    backend = "trio"
    fragments = False
    compresses = False
    limits = True

    @asynccontextmanager
    async def client(self, url: str, terms: Terms) -> AsyncIterator[TrioLink]:
        address = urlsplit(url)
        assert address.hostname is not None
        assert address.port is not None
        try:
            async with (
                await trio.open_tcp_stream(address.hostname, address.port) as stream,
                trio.open_nursery() as nursery,
            ):
                websocket = await wrap_client_stream(
                    nursery,
                    stream,
                    address.netloc,
                    address.path,
                    subprotocols=terms.subprotocols,
                    extra_headers=[(name.encode(), value.encode()) for name, value in terms.headers.items()],
                    max_message_size=terms.max_size,
                )
                yield TrioLink(stream, websocket)
                nursery.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            [refusal] = group.exceptions
            if isinstance(refusal, ConnectionRejected):
                raise NotLetIn(refusal.status_code) from None
            raise

    @asynccontextmanager
    async def server(self, terms: Terms) -> AsyncIterator[Listening]:
        listening = Listening()

        async def handle(stream: trio.SocketStream) -> None:
            request = await wrap_server_stream(nursery, stream, max_message_size=terms.max_size)
            headers = {name.decode().lower(): value.decode() for name, value in request.headers}
            listening.requests.append((request.path, headers))
            if terms.status is not None:
                await request.reject(terms.status)
                return
            common = [name for name in request.proposed_subprotocols if name in terms.subprotocols]
            websocket = await request.accept(subprotocol=common[0] if common else None)
            link = TrioLink(stream, websocket)
            listening.links.append(link)
            await link.over.wait()

        async with trio.open_nursery() as nursery:
            [listener] = await nursery.start(partial(trio.serve_tcp, handle, 0, host="127.0.0.1"))
            listening.port = listener.socket.getsockname()[1]
            yield listening
            nursery.cancel_scope.cancel()
