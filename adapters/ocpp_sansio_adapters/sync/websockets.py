"""connect() and serve(): OCPP over WebSockets, with threads.

The library `websockets.sync` speaks the protocol and moves the bytes, and `ocpp_sansio.handshake` decides who
is let in and what is spoken. What is open then is a `WebSocket`: give it to a `ChargePoint`.
"""

import socket
import ssl
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from inspect import iscoroutinefunction
from time import monotonic
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.sync import client
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI

from ocpp_sansio import Version
from ocpp_sansio.handshake import NoCommonVersion, UpgradeFailed, authorization, offer, read_answer
from ocpp_sansio.security import SecurityProfile

from .._admission import Admission
from .._settings import (
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
)
from ..security import check_client, check_server
from ._server import Authenticate, Server
from ._websocket import StationConnection, WebSocket, info_of

__all__ = ["NEWEST_FIRST", "Authenticate", "Pings", "Server", "WebSocket", "connect", "serve"]

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
) -> AbstractContextManager[WebSocket]:
    """Connect a station to its CSMS: `with connect(...) as websocket`. At the end of the block the link is
    closed.

    `url` is the endpoint, such as `wss://example.com/ocpp`: the identity is appended to it. `versions` are
    offered in this order, the preferred one first. `password` is text, or the raw bytes of 1.6. `tls` is for
    `wss` URLs; without it, the system's certificate authorities count. `profile` is the security profile,
    from 0 to 3: with it, url, password and tls must be what it wants.

    Raises TypeError and ValueError for wrong arguments. The block is not entered, but raises OSError if there
    is no way to the CSMS, or it does not speak WebSocket; UpgradeFailed if it does not let us in or agrees to
    no version; TimeoutError after `open_timeout` seconds.
    """
    address, uri = address_of(url, identity, versions, tls)
    check(tls, pings, compression, max_size, open_timeout, close_timeout)
    check_client(profile, map(Version, versions), tls, uri.secure, password is not None)
    headers = {} if password is None else {"Authorization": authorization(identity, password)}
    settings: dict[str, Any] = {
        "subprotocols": [Subprotocol(name) for name in offer(versions)],
        "extensions": [ClientPerMessageDeflateFactory(**DEFLATE)] if compression else None,
        "compression": None,
        "additional_headers": headers,
        "user_agent_header": None,
        "ssl": (tls or ssl.create_default_context()) if uri.secure else None,
        "ping_interval": None if pings.interval is None else pings.draw(),
        "ping_timeout": pings.timeout,
        "close_timeout": close_timeout,
        "max_size": max_size,
        "logger": Discreet(LOGGER, {}),
    }
    return _connected(address, uri, identity, versions, open_timeout, settings)


@contextmanager
def _connected(
    address: str,
    uri: WebSocketURI,
    identity: str,
    versions: Sequence[Version | str],
    open_timeout: float,
    settings: dict[str, Any],
) -> Generator[WebSocket, None, None]:
    late = f"no WebSocket within {open_timeout:g} s"
    began = monotonic()
    try:
        # One of our own: websockets would follow a redirection, and show others our password.
        stream = socket.create_connection((uri.host, uri.port), timeout=open_timeout)
    except TimeoutError:
        raise TimeoutError(late) from None
    stream.settimeout(None)
    made: list[StationConnection] = []

    def make(*arguments: Any, **options: Any) -> StationConnection:
        made.append(StationConnection(*arguments, **options))
        return made[0]

    settings["create_connection"] = make
    with closing(stream):  # where TLS has not taken it over
        rest = max(open_timeout - (monotonic() - began), 0.001)
        try:
            opening: Any = client.connect(address, **settings, sock=stream, open_timeout=rest)
            connection: StationConnection = opening.__enter__()
        except TimeoutError:
            raise TimeoutError(late) from None
        except OSError:
            raise  # also if it is a ValueError, as that of a certificate is
        except (InvalidHandshake, ConnectionClosed, EOFError, ValueError) as error:
            response = made[0].response if made else None
            if response is None:
                raise ConnectionError("the other end hung up before there was a WebSocket") from error
            read_answer(response.status_code, response.headers.raw_items(), versions)
            raise UpgradeFailed(response.status_code, str(error)) from error
        version = _agreed(connection, versions)
        websocket = WebSocket(
            connection, identity=identity, version=version, info=info_of(connection, version.subprotocol)
        )
        log_open(websocket)
        try:
            yield websocket
        finally:
            websocket.close()
            log_end(websocket)


def _agreed(connection: StationConnection, versions: Sequence[Version | str]) -> Version:
    """The version that the CSMS chose. Raises UpgradeFailed, after having said so."""
    response = connection.response
    assert response is not None
    try:
        return read_answer(response.status_code, response.headers.raw_items(), versions)
    except UpgradeFailed as failure:
        assert failure.closing is not None
        connection.close(failure.closing.code, failure.closing.reason)
        raise


# The end of the CSMS.


def serve(
    handler: Callable[[WebSocket], object],
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
) -> Server:
    """Let stations connect, and run `handler` with the `WebSocket` of each, in a thread of its own.

    `with serve(...) as server:` lets them connect for as long as the block lasts; `server.serve_forever()` in
    it waits, until it is interrupted or another thread calls `server.shutdown()`. `server.address` is host
    and port. `base` is the path of the endpoint, below which stations connect. Without `authenticate`, every
    station is let in. `profile` is the security profile, from 0 to 3: with it, `tls` and `authenticate` must
    be what it wants, and stations with another are refused before `authenticate` is asked. Compression is a
    station's to ask for.

    At the end, nobody is let in any more, answers that are owed have a few seconds to leave, then links are
    closed with 1001. An exception of `handler` is logged and ends its link alone; one of `authenticate` is
    logged and answered with 500. Raises OSError if it cannot listen there, TypeError and ValueError for wrong
    arguments.
    """
    check_function("handler", handler)
    for name, function in (("handler", handler), ("authenticate", authenticate)):
        if iscoroutinefunction(function):
            raise TypeError(f"{name} is async, and nobody awaits it here: it is a plain function")
    check_port(port)
    check(tls, pings, compression, max_size, open_timeout, close_timeout)
    spoken = [Version(name) for name in offer(versions)]
    return Server(
        host,
        port,
        handler=handler,
        admission=Admission(
            logger=LOGGER,
            versions=spoken,
            authenticate=authenticate,
            profile=check_server(profile, spoken, tls, authenticate is not None),
            base=base,
            no_common_version=NoCommonVersion(no_common_version),
        ),
        tls=tls,
        pings=pings,
        compression=compression,
        max_size=max_size,
        open_timeout=open_timeout,
        close_timeout=close_timeout,
    )
