"""Server: what `websockets.serve` does with each who connects, from the first byte to the last.

Asks the application who is let in, answers the upgrade, runs the handler, and ends all in good order. Nothing
that one of them does may harm another.
"""

import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import attrs
from anyio.abc import ByteStream, Listener, TaskGroup
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import CloseCode
from websockets.protocol import State
from websockets.server import ServerProtocol

from ocpp_sansio.handshake import SWITCHING_PROTOCOLS, UpgradeRefused

from ._admission import Admission, response_to
from ._hosting import attend, judged, part
from ._settings import (
    ACCEPT_PAUSE,
    DEFLATE,
    LOGGER,
    SHUTDOWN_GRACE,
    SHUTTING_DOWN,
    Discreet,
    log_end,
    log_open,
)
from ._tcp import listening
from ._tls import TLSStream, listening_with_tls
from ._websocket import LOST, WebSocket
from ._websocket_opening import close_at_once, handshake, info_of, write

__all__ = ["Server", "accept"]


@attrs.define(eq=False, kw_only=True)
class Server:
    """What one call of serve() was told, and the links that it has: each with the scope of its handler, which
    is shielded so that it can end in good order.
    """

    handler: Callable[[WebSocket], Awaitable[object]]
    admission: Admission[bool | Awaitable[bool]]
    compression: bool
    max_size: int
    open_timeout: float
    settings: dict[str, Any]  # of each WebSocket
    open: dict[WebSocket, anyio.CancelScope] = attrs.field(factory=dict)
    parting: bool = False

    async def welcome(self, stream: ByteStream) -> None:
        """Serve one who connects. Raises nothing, for that would end all links."""
        try:
            websocket = None
            with anyio.move_on_after(self.open_timeout):
                websocket = await self.opened(stream)
            if websocket is not None:
                await (self.run(websocket) if not self.parting else self.farewell(websocket))
        except LOST as error:
            LOGGER.debug("somebody connected and left: %r", error)
        except Exception:
            LOGGER.exception("a station could not be served")
        finally:
            await anyio.aclose_forcefully(stream)

    async def opened(self, stream: ByteStream) -> WebSocket | None:
        """The WebSocket, if one could be agreed on; refusals are sent."""
        protocol = ServerProtocol(
            extensions=[ServerPerMessageDeflateFactory(**DEFLATE)] if self.compression else None,
            max_size=self.max_size,
            logger=Discreet(LOGGER, {}),
        )
        request, frames = await handshake(stream, protocol)
        if frames or protocol.eof_sent:  # RFC 6455, 4.1; the last of them may have been the end
            raise ConnectionError("it did not wait for the answer to its upgrade")
        info = info_of(stream, request.path, request)
        try:
            upgrade = await judged(
                self.admission,
                request.path,
                info.headers,
                secure=isinstance(stream, TLSStream),
                certificate=info.peer_certificate,
            )
        except UpgradeRefused as refusal:
            LOGGER.info("%.100r: refused: %s", request.path.partition("?")[0], refusal)
            protocol.send_response(response_to(protocol, refusal))
            await write(stream, protocol)
            return None
        response = protocol.accept(request)
        if response.status_code == SWITCHING_PROTOCOLS and upgrade.subprotocol is not None:
            response.headers["Sec-WebSocket-Protocol"] = upgrade.subprotocol
        protocol.send_response(response)
        await write(stream, protocol)
        if protocol.state is not State.OPEN:
            return None
        if upgrade.version is None:
            assert upgrade.closing is not None
            LOGGER.info("%s: %s", upgrade.identity, upgrade.closing.reason)
            await close_at_once(stream, protocol, upgrade.closing, self.settings["close_timeout"])
            return None
        info = attrs.evolve(info, subprotocol=upgrade.subprotocol)
        return WebSocket(
            stream,
            protocol,
            identity=upgrade.identity,
            version=upgrade.version,
            info=info,
            **self.settings,
        )

    async def run(self, websocket: WebSocket) -> None:
        """Let the handler have the link, and close it afterwards."""
        with anyio.CancelScope(shield=True) as scope:
            self.open[websocket] = scope
            log_open(websocket)
            try:
                await attend(self.handler, websocket, LOGGER)
            finally:
                del self.open[websocket]
                await websocket.aclose()
                log_end(websocket)

    def part(self, links: TaskGroup) -> None:
        """Let nobody in any more, and end all links in good order."""
        self.parting = True
        links.cancel_scope.cancel()
        for websocket, scope in self.open.items():
            links.start_soon(self.part_from, websocket, scope)

    async def part_from(self, websocket: WebSocket, scope: anyio.CancelScope) -> None:
        """End one link in good order."""
        with anyio.CancelScope(shield=True):
            await part(websocket, scope, websocket.aclose, SHUTDOWN_GRACE)

    async def farewell(self, websocket: WebSocket) -> None:
        """Close a link because the server shuts down."""
        await websocket.aclose(CloseCode.GOING_AWAY, SHUTTING_DOWN)


async def accept(
    listener: Listener[Any], tls: ssl.SSLContext | None, server: Server, links: TaskGroup
) -> None:
    """Welcome all who connect here. That one cannot be accepted is no reason to stop, nor that too many come."""
    listener = listening(listener)
    if tls is not None:
        listener = listening_with_tls(listener, tls, server.open_timeout)
    async with listener:
        while True:
            try:
                await listener.serve(server.welcome, links)
            except (OSError, anyio.BrokenResourceError) as error:
                LOGGER.warning("somebody could not be accepted: %s", error.__cause__ or error)
                await anyio.sleep(ACCEPT_PAUSE)
