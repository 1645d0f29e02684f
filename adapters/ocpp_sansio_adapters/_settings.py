"""What both ends of a WebSocket can be told, what is known of one that is open, and what the log is not told.

Moves no byte.
"""

import logging
import ssl
from collections.abc import Mapping
from math import inf
from random import random
from typing import Any

import attrs

from ocpp_sansio import Version

__all__ = [
    "CLOSE_TIMEOUT",
    "DEFLATE",
    "LOGGER",
    "MAX_SIZE",
    "NEWEST_FIRST",
    "OPEN_TIMEOUT",
    "PINGS",
    "Discreet",
    "Info",
    "Pings",
    "check",
    "check_seconds",
]

LOGGER = logging.getLogger("ocpp_sansio.websockets")

NEWEST_FIRST = (Version.V21, Version.V201, Version.V16)

MAX_SIZE = 2**20  # bytes of one message; `Limits.frame_size` counts characters
OPEN_TIMEOUT = 20.0
CLOSE_TIMEOUT = 5.0

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
    are not asked at once; None sends none. If none is answered for `timeout` seconds, the link is taken for
    dead.
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


class Discreet(logging.LoggerAdapter[logging.Logger]):
    """What `websockets` logs at DEBUG has passwords in it; at INFO, it does not say of which station."""

    def isEnabledFor(self, level: int) -> bool:
        return level > logging.INFO and super().isEnabledFor(level)


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
