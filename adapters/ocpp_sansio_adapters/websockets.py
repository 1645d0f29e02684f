"""connect() and serve(): OCPP over WebSockets, on asyncio and trio alike.

The library `websockets` speaks the protocol, anyio moves the bytes, and `ocpp_sansio.handshake` decides who is
let in and what is spoken. What is open then is a `WebSocket`: give it to a `ChargePoint`.
"""

import os
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

import anyio
import attrs
from anyio.abc import ByteStream, SocketAttribute, TaskStatus
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI

from ocpp_sansio import Version
from ocpp_sansio.handshake import (
    NoCommonVersion,
    UpgradeFailed,
    authorization,
    offer,
    read_answer,
)
from ocpp_sansio.security import SecurityProfile

from ._admission import Admission
from ._hosting import Authenticate
from ._server import Server, accept
from ._settings import (
    CLOSE_TIMEOUT,
    DEFLATE,
    LOGGER,
    MAX_SIZE,
    NEWEST_FIRST,
    OPEN_TIMEOUT,
    PINGS,
    Discreet,
    Pings,
    address_of,
    check,
    check_function,
    check_port,
    log_end,
    log_open,
    url_at,
)
from ._tls import TLSStream
from ._websocket import WebSocket
from ._websocket_opening import close_at_once, handshake, info_of
from .security import check_client, check_server

__all__ = ["NEWEST_FIRST", "Authenticate", "Endpoint", "Pings", "WebSocket", "connect", "serve", "serving"]

# The station's end.


def connect(
    url: str,
    identity: str,
    *,
    versions: Sequence[Version | str] = NEWEST_FIRST,
    password: str | bytes | None = None,
    tls: ssl.SSLContext | None = None,
    profile: SecurityProfile | int | None = None,
    pings: Pings = PINGS,
    compression: bool = False,
    max_size: int = MAX_SIZE,
    open_timeout: float = OPEN_TIMEOUT,
    close_timeout: float = CLOSE_TIMEOUT,
) -> AbstractAsyncContextManager[WebSocket]:
    """Connect a station to its CSMS: `async with connect(...) as websocket`. At the end of the block the link is
    closed.

    `url` is the endpoint, such as `wss://example.com/ocpp`: the identity is appended to it. `versions` are
    offered in this order, the preferred one first. `password` is text, or the raw bytes of 1.6. `tls` is for
    `wss` URLs; without it, the system's certificate authorities count. `profile` is the security profile,
    from 0 to 3: with it, url, password and tls must be what it wants.

    Raises TypeError and ValueError for wrong arguments. The block is not entered, but raises OSError if there
    is no way to the CSMS, or it does not speak WebSocket; UpgradeFailed if it does not let us in or agrees to
    no version; TimeoutError after `open_timeout` seconds.
    """
    _, uri = address_of(url, identity, versions, tls)
    check(tls, pings, compression, max_size, open_timeout, close_timeout)
    check_client(profile, map(Version, versions), tls, uri.secure, password is not None)
    protocol = ClientProtocol(
        uri,
        subprotocols=[Subprotocol(name) for name in offer(versions)],
        extensions=[ClientPerMessageDeflateFactory(**DEFLATE)] if compression else None,
        max_size=max_size,
        logger=Discreet(LOGGER, {}),
    )
    request = protocol.connect()
    if password is not None:
        request.headers["Authorization"] = authorization(identity, password)
    protocol.send_request(request)
    settings = {"identity": identity, "pings": pings, "close_timeout": close_timeout}
    return _connected(uri, protocol, versions, tls, open_timeout, settings)


@asynccontextmanager
async def _connected(
    uri: WebSocketURI,
    protocol: ClientProtocol,
    versions: Sequence[Version | str],
    tls: ssl.SSLContext | None,
    open_timeout: float,
    settings: dict[str, Any],
) -> AsyncGenerator[WebSocket, None]:
    websocket = None
    with anyio.move_on_after(open_timeout):
        websocket = await _opened(uri, protocol, versions, tls, settings)
    if websocket is None:
        raise TimeoutError(f"no WebSocket within {open_timeout:g} s")
    log_open(websocket)
    try:
        yield websocket
    finally:
        await websocket.aclose()
        log_end(websocket)


async def _dialled(host: str, port: int) -> ByteStream:
    """A TCP connection. Raises an OSError that says why not: anyio's says that all attempts failed."""
    try:
        return await anyio.connect_tcp(host, port)
    except OSError as error:
        cause: object = error.__cause__
        if isinstance(cause, BaseExceptionGroup):  # one for each address of the host
            cause = cause.exceptions[0]
        if error.errno is None and isinstance(cause, OSError) and cause.errno is not None:
            raise OSError(cause.errno, os.strerror(cause.errno)) from error
        raise


async def _opened(
    uri: WebSocketURI,
    protocol: ClientProtocol,
    versions: Sequence[Version | str],
    tls: ssl.SSLContext | None,
    settings: dict[str, Any],
) -> WebSocket:
    stream = await _dialled(uri.host, uri.port)
    try:
        if uri.secure:
            context = tls or ssl.create_default_context()
            stream = await TLSStream.wrap(
                stream, hostname=uri.host, ssl_context=context, standard_compatible=False
            )
        response, frames = await handshake(stream, protocol)
        version = await _agreed(stream, protocol, response, versions, settings["close_timeout"])
    except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
        await anyio.aclose_forcefully(stream)
        raise ConnectionError("the other end hung up before there was a WebSocket") from error
    except BaseException:
        await anyio.aclose_forcefully(stream)
        raise
    info = info_of(stream, uri.resource_name, response, version.subprotocol)
    return WebSocket(stream, protocol, frames, version=version, info=info, **settings)


async def _agreed(
    stream: ByteStream,
    protocol: ClientProtocol,
    response: Response,
    versions: Sequence[Version | str],
    close_timeout: float,
) -> Version:
    """The version that the CSMS chose. Raises UpgradeFailed, after having said so if the WebSocket is open."""
    try:
        version = read_answer(response.status_code, response.headers.raw_items(), versions)
    except UpgradeFailed as failure:
        if failure.closing is not None and protocol.state is State.OPEN:
            await close_at_once(stream, protocol, failure.closing, close_timeout)
        raise
    if protocol.handshake_exc is not None:
        raise UpgradeFailed(response.status_code, str(protocol.handshake_exc)) from protocol.handshake_exc
    return version


# The end of the CSMS.


async def serve(
    handler: Callable[[WebSocket], Awaitable[object]],
    host: str | None = None,
    port: int = 0,
    *,
    versions: Sequence[Version | str] = NEWEST_FIRST,
    authenticate: Authenticate | None = None,
    tls: ssl.SSLContext | None = None,
    profile: SecurityProfile | int | None = None,
    base: str = "/",
    no_common_version: NoCommonVersion | str = NoCommonVersion.CLOSE,
    pings: Pings = PINGS,
    compression: bool = True,
    max_size: int = MAX_SIZE,
    open_timeout: float = OPEN_TIMEOUT,
    close_timeout: float = CLOSE_TIMEOUT,
    task_status: TaskStatus[tuple[str, int]] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Let stations connect, and run `handler` with the `WebSocket` of each, until cancelled.

    Start it with `await task_group.start(serve, handler, ...)`, which returns the address: host and port; or
    let `serving` do that.
    `base` is the path of the endpoint, below which stations connect. Without `authenticate`, every station is
    let in. `profile` is the security profile, from 0 to 3: with it, `tls` and `authenticate` must be what it
    wants, and stations with another are refused before `authenticate` is asked. Compression is a station's to
    ask for.

    When it is cancelled, nobody is let in any more, answers that are owed have a few seconds to leave, then
    links are closed with 1001. An exception of `handler` is logged and ends its link alone; one of
    `authenticate` is logged and answered with 500. Raises OSError if it cannot listen there, TypeError and
    ValueError for wrong arguments.
    """
    check_function("handler", handler)
    check_port(port)
    check(tls, pings, compression, max_size, open_timeout, close_timeout)
    spoken = [Version(name) for name in offer(versions)]
    server = Server(
        handler=handler,
        admission=Admission(
            logger=LOGGER,
            versions=spoken,
            authenticate=authenticate,
            profile=check_server(profile, spoken, tls, authenticate is not None),
            base=base,
            no_common_version=NoCommonVersion(no_common_version),
        ),
        compression=compression,
        max_size=max_size,
        open_timeout=open_timeout,
        settings={"pings": pings, "close_timeout": close_timeout},
    )
    sockets = await anyio.create_tcp_listener(local_host=host, local_port=port)
    async with anyio.create_task_group() as links:
        try:
            for listener in sockets.listeners:
                links.start_soon(accept, listener, tls, server, links)
            address = sockets.extra(SocketAttribute.local_address)
            task_status.started((str(address[0]), int(address[1])))
            await anyio.sleep_forever()
        finally:
            server.part(links)


@attrs.frozen
class Endpoint:
    """Where stations connect to: `url`, behind which they put their identity, and `address`, host and port.

    Where it listens at all addresses of this machine, the url is one for stations on it.
    """

    url: str
    address: tuple[str, int]


def serving(
    handler: Callable[[WebSocket], Awaitable[object]],
    host: str | None = None,
    port: int = 0,
    **settings: Any,
) -> AbstractAsyncContextManager[Endpoint]:
    """Let stations connect for as long as the block lasts: `async with serving(...) as endpoint`.

    The arguments are those of `serve`, and so is the end, which comes after the block whether that was left,
    has raised, or was cancelled. Exceptions of the block and of `serve` come as they are, not in a group.
    """
    return _serving(partial(serve, handler, host, port, **settings), host, settings)


@asynccontextmanager
async def _serving(
    work: Callable[..., Awaitable[None]], host: str | None, settings: dict[str, Any]
) -> AsyncGenerator[Endpoint, None]:
    life = anyio.CancelScope()

    async def live(*, task_status: TaskStatus[tuple[str, int]]) -> None:
        with life:
            await work(task_status=task_status)

    try:
        async with anyio.create_task_group() as tasks:
            try:
                address = await tasks.start(live)
                life.shield = True  # what cancels the block cancels this once the block has ended
                secure, base = settings.get("tls") is not None, settings.get("base", "/")
                yield Endpoint(url_at(host, address, secure=secure, base=base), address)
            finally:
                life.cancel()
        return
    except BaseExceptionGroup as group:
        alone, *others = group.exceptions
        if others:
            raise
    raise alone
