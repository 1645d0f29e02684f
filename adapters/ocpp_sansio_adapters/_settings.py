"""What both ends of a WebSocket can be told, on an event loop or with threads; what is known of one that is
open; and what the log is told of it.

Moves no byte.
"""

import logging
import ssl
from collections.abc import Mapping, Sequence
from math import inf
from random import random
from typing import Any, Protocol

import attrs
from websockets.exceptions import ConnectionClosed as LinkClosed
from websockets.exceptions import InvalidURI, PayloadTooBig, ProtocolError
from websockets.protocol import Protocol as WebSocketProtocol
from websockets.uri import WebSocketURI, parse_uri

from ocpp_sansio import ConnectionClosed, Version
from ocpp_sansio.handshake import url_for

from .security import hide_secrets

__all__ = [
    "ACCEPT_PAUSE",
    "CLOSE_TIMEOUT",
    "DEFLATE",
    "LOGGER",
    "MAX_SIZE",
    "NEWEST_FIRST",
    "OPEN_TIMEOUT",
    "PINGS",
    "SHUTDOWN_GRACE",
    "SHUTTING_DOWN",
    "Discreet",
    "Info",
    "Pings",
    "address_of",
    "check",
    "check_function",
    "check_port",
    "check_seconds",
    "is_loss",
    "log_end",
    "log_open",
    "shortened",
    "url_at",
]

LOGGER = logging.getLogger("ocpp_sansio.websockets")
LOGGER.addFilter(hide_secrets)

NEWEST_FIRST = (Version.V21, Version.V201, Version.V16)

MAX_SIZE = 2**20  # bytes of one message; `Limits.frame_size` counts characters
OPEN_TIMEOUT = 20.0
CLOSE_TIMEOUT = 5.0
SHUTDOWN_GRACE = 5.0  # seconds for answers that are owed; with threads, again for handlers to end
SHUTTING_DOWN = "the server shuts down"
ACCEPT_PAUSE = 0.1  # seconds, where the system has no more descriptors

# Where a station idles nearly all of the time, a window of 4 KiB compresses as well as one of 32 KiB.
_WINDOW = 12
DEFLATE: dict[str, Any] = {
    "server_max_window_bits": _WINDOW,
    "client_max_window_bits": _WINDOW,
    "compress_settings": {"memLevel": 5},
}


def check_seconds(name: str, seconds: object) -> None:
    """Raise ValueError unless it is a length of time."""
    if not isinstance(seconds, (int, float)) or not 0 < seconds < inf:
        raise ValueError(f"{name} is a positive number of seconds, not {seconds!r}")


@attrs.frozen(kw_only=True)
class Pings:
    """When to ask the peer for a sign of life (J16-120).

    A ping is sent every `interval` seconds, more or less the part `jitter` of it, so that a thousand stations
    are not asked at once; None sends none. If no sign of life comes for `timeout` seconds after a ping, the
    link is taken for dead; before that, no other is sent. On an event loop, whatever the peer sends is such a
    sign, and the jitter is drawn for each ping; with threads, it is the pong alone, and the jitter is drawn
    once a link.
    """

    interval: float | None = attrs.field(default=30.0)
    timeout: float = attrs.field(default=20.0)
    jitter: float = attrs.field(default=0.1)

    def __attrs_post_init__(self) -> None:
        if self.interval is not None:
            check_seconds("interval", self.interval)
        check_seconds("timeout", self.timeout)
        if not isinstance(self.jitter, (int, float)) or not 0 <= self.jitter <= 1:
            raise ValueError(f"jitter is a part of the interval, from 0 to 1, not {self.jitter!r}")

    def draw(self) -> float:
        """Seconds until the next ping."""
        return inf if self.interval is None else self.interval * (1 + self.jitter * (2 * random() - 1))


PINGS = Pings()


@attrs.frozen(kw_only=True)
class Info:
    """How a WebSocket came about, for a handler that wants to know.

    `headers` are those that the other end sent, in pairs and in order; `peer_certificate` is as
    `ssl.SSLSocket.getpeercert` returns it, None without one.
    """

    path: str
    subprotocol: str | None = None
    headers: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)  # with the password in them
    remote: Any = None
    peer_certificate: Mapping[str, Any] | None = attrs.field(default=None, repr=False)


# What the log is told.


class Discreet(logging.LoggerAdapter[logging.Logger]):
    """What `websockets` logs at DEBUG has passwords in it; at INFO, it does not say of which station."""

    def isEnabledFor(self, level: int) -> bool:
        return level > logging.INFO and super().isEnabledFor(level)


class Opened(Protocol):
    """What the log is told of."""

    identity: str

    @property
    def subprotocol(self) -> str | None: ...
    @property
    def protocol(self) -> WebSocketProtocol: ...


def log_open(websocket: Opened) -> None:
    """Say who is there."""
    LOGGER.info("%s: connected, speaks %s", websocket.identity, websocket.subprotocol)


def log_end(websocket: Opened) -> None:
    """Say how it ended. That a link is lost is everyday life; that the peer cannot speak is not."""
    broken = isinstance(websocket.protocol.parser_exc, (ProtocolError, PayloadTooBig))
    level = logging.WARNING if broken else logging.INFO
    LOGGER.log(level, "%s: closed: %s", websocket.identity, websocket.protocol.close_exc)


def is_loss(error: BaseException) -> bool:
    """Whether this is how a handler ends when its link does, with a task group in it or without."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(is_loss, error.exceptions))
    return isinstance(error, (ConnectionClosed, LinkClosed))


def shortened(reason: str) -> str:
    """The reason, in the 123 bytes of UTF-8 that a close frame has room for."""
    return reason.encode()[:123].decode(errors="ignore")


# What cannot be told.


def check_function(name: str, function: object) -> None:
    """Raise TypeError unless it can be called."""
    if not callable(function):
        raise TypeError(f"{name} is a function, not {function!r:.60}")


def check_port(port: object) -> None:
    """Raise ValueError unless somebody can listen there."""
    if type(port) is not int or not 0 <= port < 2**16:
        raise ValueError(f"port is a whole number from 0 to 65535, not {port!r}")


def address_of(
    url: str, identity: str, versions: Sequence[Version | str], tls: ssl.SSLContext | None
) -> tuple[str, WebSocketURI]:
    """Where a station connects to: whole, and in its parts. Raises TypeError and ValueError."""
    address = url_for(url, identity, versions)
    try:
        uri = parse_uri(address)
    except (InvalidURI, ValueError):  # not quoted: there may be a secret in its query
        raise ValueError("url has no host, or what follows its colon is no port") from None
    if tls is not None and not uri.secure:
        raise ValueError("tls is for a url that begins with wss://")
    return address, uri


def url_at(host: str | None, address: tuple[str, int], *, secure: bool, base: str) -> str:
    """The URL of an endpoint that listens there. Where no host was named, that of this machine."""
    name = "localhost" if host in (None, "", "0.0.0.0", "::") else host
    scheme, place = ("wss" if secure else "ws"), (f"[{name}]" if ":" in name else name)
    return f"{scheme}://{place}:{address[1]}{base.rstrip('/')}"


def check(
    tls: object,
    pings: object,
    compression: object,
    max_size: object,
    open_timeout: object,
    close_timeout: object,
) -> None:
    """Raise TypeError or ValueError for what both ends cannot be told."""
    check_seconds("open_timeout", open_timeout)
    check_seconds("close_timeout", close_timeout)
    if type(max_size) is not int or max_size < 1:
        raise ValueError(f"max_size is a positive number of bytes, not {max_size!r:.60}")
    for name, value, kind in (("pings", pings, Pings), ("compression", compression, bool)):
        if not isinstance(value, kind):
            raise TypeError(f"{name} is a {kind.__name__}, not {value!r:.60}")
    if tls is not None and not isinstance(tls, ssl.SSLContext):
        raise TypeError(f"tls is an ssl.SSLContext, not {tls!r:.60}")
