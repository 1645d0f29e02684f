"""Server: what `websockets.serve` does with each who connects, from the first byte to the last.

Asks the application who is let in, answers the upgrade, runs the handler, and ends all in good order. Nothing
that one of them does may harm another.
"""

import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http.client import responses
from inspect import isawaitable
from math import inf
from typing import Any, TypeAlias

import anyio
import attrs
from anyio.abc import ByteStream, Listener, TaskGroup
from websockets import exceptions
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol

from ocpp_sansio import ConnectionClosed, Version
from ocpp_sansio.handshake import (
    SWITCHING_PROTOCOLS,
    Credentials,
    NoCommonVersion,
    Upgrade,
    UpgradeRefused,
    read_upgrade,
)
from ocpp_sansio.security import SecurityProfile, admit, rejection

from ._tcp import listening
from ._tls import TLSStream, listening_with_tls
from ._websocket import LOGGER, LOST, Info, WebSocket
from ._websocket_opening import (
    DEFLATE,
    Discreet,
    close_at_once,
    handshake,
    info_of,
    log_end,
    log_open,
    write,
)

__all__ = ["Authenticate", "Server", "accept"]

SHUTDOWN_GRACE = 5.0  # seconds for answers that are owed
ACCEPT_PAUSE = 0.1  # seconds, where the system has no more descriptors

#: `authenticate(identity, credentials, peer_certificate)`: whether to let this station in, True or False, now
#: or awaited. It may raise `UpgradeRefused(404, ...)` for a station that it does not know.
Authenticate: TypeAlias = Callable[
    [str, Credentials | None, Mapping[str, Any] | None], bool | Awaitable[bool]
]


@attrs.define(eq=False, kw_only=True)
class Server:
    """What one call of serve() was told, and the links that it has: each with the scope of its handler, which
    is shielded so that it can end in good order.
    """

    handler: Callable[[WebSocket], Awaitable[object]]
    versions: Sequence[Version]
    authenticate: Authenticate | None
    profile: SecurityProfile | None
    base: str
    no_common_version: NoCommonVersion
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
            upgrade = await self.judged(request, info, isinstance(stream, TLSStream))
        except UpgradeRefused as refusal:
            LOGGER.info("%.100r: refused: %s", request.path.partition("?")[0], refusal)
            protocol.send_response(_refusal(protocol, refusal))
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

    async def judged(self, request: Request, info: Info, secure: bool) -> Upgrade:
        """What is asked for, if the application lets the station in. Raises UpgradeRefused."""
        upgrade = read_upgrade(
            request.path,
            admit(self.profile, info.headers, secure=secure, certificate=info.peer_certificate),
            self.versions,
            base=self.base,
            no_common_version=self.no_common_version,
        )
        if self.authenticate is None:
            return upgrade
        try:
            verdict = self.authenticate(upgrade.identity, upgrade.credentials, info.peer_certificate)
            welcome = await verdict if isawaitable(verdict) else verdict
        except UpgradeRefused:
            raise
        except (Exception, anyio.get_cancelled_exc_class()) as error:
            _raise_if_cancelled(error)
            LOGGER.exception("%s: authenticate has crashed", upgrade.identity)
            raise UpgradeRefused(500, "whether you may come in could not be found out") from error
        if not welcome:
            raise rejection(self.profile)
        return upgrade

    async def run(self, websocket: WebSocket) -> None:
        """Let the handler have the link, and close it afterwards."""
        with anyio.CancelScope(shield=True) as scope:
            self.open[websocket] = scope
            log_open(websocket)
            try:
                await self.handler(websocket)
            except (Exception, anyio.get_cancelled_exc_class()) as error:
                _raise_if_cancelled(error)
                if not _is_loss(error):
                    LOGGER.exception("%s: the handler of the link has crashed", websocket.identity)
                    await websocket.aclose(CloseCode.INTERNAL_ERROR)
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
            scope.deadline = anyio.current_time() + SHUTDOWN_GRACE + websocket.close_timeout
            with anyio.move_on_after(SHUTDOWN_GRACE):
                await websocket.drained()
            await self.farewell(websocket)

    async def farewell(self, websocket: WebSocket) -> None:
        """Close a link because the server shuts down."""
        await websocket.aclose(CloseCode.GOING_AWAY, "the server shuts down")


def _raise_if_cancelled(error: BaseException) -> None:
    """On asyncio, a function of the user may raise CancelledError, although it was not we who cancelled it."""
    if not isinstance(error, Exception) and anyio.current_effective_deadline() == -inf:
        raise error


def _is_loss(error: BaseException) -> bool:
    """Whether this is how a handler ends when its link does, with a task group in it or without."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_loss, error.exceptions))
    return isinstance(error, (ConnectionClosed, exceptions.ConnectionClosed))


def _refusal(protocol: ServerProtocol, refusal: UpgradeRefused) -> Response:
    response = protocol.reject(400, f"{refusal.reason}\n")  # which knows fewer statuses than there are
    response.status_code = refusal.status
    response.reason_phrase = responses.get(refusal.status, "")
    response.headers.update(refusal.headers)
    return response


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
