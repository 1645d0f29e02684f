"""A WebSocket client and server of aiohttp."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import attrs
from aiohttp import WSMsgType, web

from tests.interop.peers.bare import Ended, Listening, NotLetIn, Terms

__all__ = ["Aiohttp"]

OVER = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)
ABNORMAL = 1006


@attrs.define(eq=False)
class AiohttpLink:
    """Either end, for they are alike."""

    websocket: Any
    subprotocol: str | None
    compressed: bool
    over: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def send(self, *parts: str) -> None:
        [text] = parts  # it does not make fragments
        await self.websocket.send_str(text)

    async def recv(self) -> str:
        return str(await self._next(WSMsgType.TEXT))

    async def ping(self, payload: bytes) -> None:
        await self.websocket.ping(payload)
        while bytes(await self._next(WSMsgType.PONG)) != payload:
            pass

    async def close(self, code: int, reason: str) -> None:
        await self.websocket.close(code=code, message=reason.encode())

    async def drop(self) -> None:
        self.websocket.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    async def _next(self, kind: WSMsgType) -> Any:
        """What comes next of this kind. Pings are answered here, because pongs come here, too."""
        while True:
            message = await self.websocket.receive()
            if message.type is kind:
                return message.data
            if message.type is WSMsgType.PING:
                await self.websocket.pong(message.data)
            elif message.type in OVER:
                said = message.type is WSMsgType.CLOSE
                raise Ended(
                    message.data if said else self.websocket.close_code or ABNORMAL, message.extra or ""
                )


class Aiohttp:
    """The library."""

    backend = "asyncio"
    fragments = False
    compresses = True
    limits = True

    @asynccontextmanager
    async def client(self, url: str, terms: Terms) -> AsyncIterator[AiohttpLink]:
        async with aiohttp.ClientSession() as session:
            try:
                websocket = await session.ws_connect(
                    url,
                    protocols=terms.subprotocols,
                    headers=terms.headers,
                    compress=15 if terms.compression else 0,
                    max_msg_size=terms.max_size,
                    autoping=False,
                )
            except aiohttp.WSServerHandshakeError as refusal:
                raise NotLetIn(refusal.status) from refusal
            async with websocket:
                yield AiohttpLink(websocket, websocket.protocol, bool(websocket.compress))

    @asynccontextmanager
    async def server(self, terms: Terms) -> AsyncIterator[Listening]:
        listening = Listening()
        links: list[AiohttpLink] = []

        async def handle(request: web.Request) -> web.StreamResponse:
            headers = {name.lower(): value for name, value in request.headers.items()}
            listening.requests.append((request.raw_path, headers))
            if terms.status is not None:
                return web.Response(status=terms.status)
            websocket = web.WebSocketResponse(
                protocols=terms.subprotocols,
                compress=terms.compression,
                max_msg_size=terms.max_size,
                autoping=False,
            )
            await websocket.prepare(request)
            links.append(AiohttpLink(websocket, websocket.ws_protocol, bool(websocket.compress)))
            listening.links.append(links[-1])
            await links[-1].over.wait()
            return websocket

        application = web.Application()
        application.router.add_get("/{path:.*}", handle)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        listening.port = runner.addresses[0][1]
        try:
            yield listening
        finally:
            for link in links:
                link.over.set()
            await runner.cleanup()
