"""WebSocket: one open WebSocket of `websockets.sync`, as a transport of a `ChargePoint`.

`websockets.sync` moves the bytes, in threads of its own. This room sees to it that a link always ends: a
`sendall` to a peer that does not read holds the one lock of a connection there, and closing a socket does not
wake those who use it. Knows no OCPP message.
"""

from collections.abc import Callable
from contextlib import suppress
from socket import SHUT_RDWR, socket
from ssl import SSLSocket
from threading import Timer
from typing import Any

from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.protocol import Protocol
from websockets.sync.client import ClientConnection
from websockets.sync.connection import Connection
from websockets.sync.server import ServerConnection

from ocpp_sansio import Version
from ocpp_sansio.handshake import Upgrade

from .._settings import CLOSE_TIMEOUT, LOGGER, Info, shortened

__all__ = ["CSMSConnection", "StationConnection", "WebSocket", "info_of", "shut_down"]


class _Waking(Connection):
    """A connection that wakes those who use its socket before it closes that."""

    def close_socket(self) -> None:
        shut_down(self.socket)
        super().close_socket()


class StationConnection(_Waking, ClientConnection):
    """The end of a station."""


class CSMSConnection(_Waking, ServerConnection):
    """The end of a CSMS, and what the station there has asked for."""

    upgrade: Upgrade | None = None


class WebSocket:
    """One open WebSocket, as a transport of a `ChargePoint`.

    `identity` and `version` are what was agreed on when it opened. One thread at a time calls `recv`, one
    `send`; all other methods may be called by any. `recv` and `send` raise
    `websockets.exceptions.ConnectionClosed` once the link is closed or lost.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        identity: str,
        version: Version,
        info: Info | None = None,
    ) -> None:
        self.identity = identity
        self.version = version
        self.info = info or info_of(connection)
        #: What a graceful end waits for, so many seconds at most; a `Driver` sets it.
        self.drained: Callable[[float], object] = lambda seconds: None
        self._connection = connection

    @property
    def protocol(self) -> Protocol:
        """The one of `websockets`; it tells the side, among others."""
        return self._connection.protocol

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that was agreed on, such as `ocpp2.0.1`."""
        return self.info.subprotocol

    @property
    def close_code(self) -> int | None:
        """The code that the peer has closed with, 1006 if it has not; None while the link is open."""
        return self._connection.close_code

    @property
    def close_reason(self) -> str | None:
        """The reason that the peer gave for closing."""
        return self._connection.close_reason

    def send(self, text: str) -> None:
        """Send a text message. Blocks while the peer does not read."""
        LOGGER.debug("%s: sends %s", self.identity, text)
        self._connection.send(text)

    def recv(self) -> str:
        """The next message."""
        message = self._connection.recv()
        while not isinstance(message, str):
            self.close(CloseCode.UNSUPPORTED_DATA, "OCPP messages are text")  # L-132
            message = self._connection.recv()  # which raises, once what has come before is read
        LOGGER.debug("%s: receives %s", self.identity, message)
        return message

    def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Say so to the peer, wait for its word for a few seconds, and hang up. Nothing that the peer does
        makes this raise, or last longer.
        """
        seconds = self._connection.close_timeout
        limit = Timer(CLOSE_TIMEOUT if seconds is None else seconds, self.cut)
        limit.daemon = True
        limit.start()
        try:
            self._connection.close(code, shortened(reason))
        finally:
            limit.cancel()
            limit.join()

    def cut(self) -> None:
        """Hang up at once. Whoever sends or receives comes back."""
        shut_down(self._connection.socket)

    def __repr__(self) -> str:
        return f"<WebSocket of {self.identity}, {self.subprotocol}>"


def info_of(connection: Connection, subprotocol: str | None = None) -> Info:
    """What a handler may want to know."""
    request: Request | None = connection.request
    heard: Request | Response | None = (
        request if isinstance(connection, ServerConnection) else connection.response
    )
    remote: Any = None
    with suppress(OSError):
        remote = connection.remote_address
    tls = connection.socket
    return Info(
        path="" if request is None else request.path,
        subprotocol=subprotocol or connection.subprotocol,
        headers=() if heard is None else tuple(heard.headers.raw_items()),
        remote=remote,
        peer_certificate=tls.getpeercert() if isinstance(tls, SSLSocket) else None,
    )


def shut_down(endpoint: socket) -> None:
    """End both directions. Not by SSLSocket.shutdown: the other threads would go on in plain text."""
    with suppress(OSError):  # it has ended
        socket.shutdown(endpoint, SHUT_RDWR)
