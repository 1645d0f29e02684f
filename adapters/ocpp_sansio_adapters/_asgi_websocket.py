"""WebSocket: one WebSocket of an ASGI server, as a transport; and what a server says before it is open.

Moves messages of ASGI; who is let in is decided elsewhere. Knows no OCPP message.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from math import inf
from typing import Any, TypeAlias

import anyio
import anyio.lowlevel
from websockets.frames import CloseCode

from ocpp_sansio import ConnectionClosed, Version

from ._settings import CLOSE_TIMEOUT, Info, shortened
from .security import hide_secrets

__all__ = ["DISCONNECT", "LOGGER", "Ahead", "Message", "Receive", "Send", "WebSocket"]

LOGGER = logging.getLogger("ocpp_sansio.asgi")
LOGGER.addFilter(hide_secrets)

Message: TypeAlias = Mapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Any], Awaitable[object]]

DISCONNECT = "websocket.disconnect"


class WebSocket:
    """One open WebSocket of an ASGI server, as a transport of a `ChargePoint`.

    It has what the `WebSocket` of `websockets.serve` has, except `pings`, which are the server's: uvicorn has
    `ws_ping_interval` and `ws_ping_timeout`; hypercorn has `websocket_ping_interval`, but does not hang up on
    a peer that is silent. `close_code` is what the server makes known, which may be 1005 or 1006 whatever the
    peer has said.

    One task is to call `recv` again and again. All raise `ocpp_sansio.ConnectionClosed` once the link is
    closed or lost.
    """

    def __init__(
        self,
        receive: Receive,
        send: Send,
        *,
        identity: str,
        version: Version,
        info: Info,
        close_timeout: float = CLOSE_TIMEOUT,
    ) -> None:
        self.identity = identity
        self.version = version
        self.info = info
        self.close_timeout = close_timeout
        self.close_code: int | None = None
        self.close_reason: str | None = None
        #: What a graceful end waits for; a `Driver` sets it.
        self.drained: Callable[[], Awaitable[object]] = anyio.lowlevel.checkpoint
        self._receive = receive
        self._send = send
        self._open = True  # nobody has closed it
        self._gone = anyio.Event()  # nothing comes any more
        self._reading = anyio.Lock(fast_acquire=True)
        self._waiting = anyio.CancelScope()  # for what comes next
        self._until = inf  # when it is not waited for any longer

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that was agreed on, such as `ocpp2.0.1`."""
        return self.info.subprotocol

    async def send(self, text: str) -> None:
        """Send a text message."""
        if not self._open:
            raise self._closed()
        LOGGER.debug("%s: sends %s", self.identity, text)
        try:
            await self._send({"type": "websocket.send", "text": text})
        except Exception as error:  # OSError since ASGI 2.4; before, servers raised what they liked
            self._give_up_soon()
            raise ConnectionClosed("the link is lost") from error

    async def recv(self) -> str:
        """The next message."""
        async with self._reading:
            while not self._gone.is_set():
                text = await self._next()
                if text is not None:
                    LOGGER.debug("%s: receives %s", self.identity, text)
                    return text
        raise self._closed()

    async def aclose(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Say so to the peer, and wait for its end for at most `close_timeout` seconds. Nothing that the peer
        does makes this raise. What comes meanwhile, and nobody receives, is dropped.
        """
        await self._say_farewell(code, reason)
        try:
            with anyio.CancelScope(shield=True, deadline=self._until):
                async with self._reading:  # or somebody else is, and will see the end of it
                    while not self._gone.is_set():
                        await self._next()
        finally:  # asyncio has a way to cancel that knows no shield
            self._end()

    async def keep_alive(self) -> None:
        """Nothing is to be done: pings are the server's."""

    async def _leave(self, code: int, reason: str) -> None:
        """Close where the server does not read any more."""
        await self._say_farewell(code, reason)
        self._end()

    async def _say_farewell(self, code: int, reason: str) -> None:
        if self._open:
            self._give_up_soon()
            with anyio.CancelScope(shield=True, deadline=self._until), suppress(Exception):
                await self._send({"type": "websocket.close", "code": int(code), "reason": shortened(reason)})

    async def _next(self) -> str | None:
        """The text that comes next; None if it is something else, or nothing in time."""
        message: Message = {"type": DISCONNECT, "code": CloseCode.ABNORMAL_CLOSURE}
        with anyio.CancelScope(deadline=self._until) as self._waiting:
            try:
                message = await self._receive()
            except Exception as error:
                LOGGER.debug("%s: nothing can be received: %r", self.identity, error)
        if message["type"] == DISCONNECT:
            self._end(message.get("code", CloseCode.NO_STATUS_RCVD), message.get("reason") or "")
            return None
        text: str | None = message.get("text")
        if text is None:
            await self._say_farewell(CloseCode.UNSUPPORTED_DATA, "OCPP messages are text")  # L-132
        return text

    def _give_up_soon(self) -> None:
        """Nothing is sent any more; the server has a time to say how the link has ended."""
        self._open = False
        self._until = anyio.current_time() + self.close_timeout

    def _end(self, code: int = CloseCode.ABNORMAL_CLOSURE, reason: str = "") -> None:
        if not self._gone.is_set():
            self._open = False
            self.close_code, self.close_reason = int(code), reason
            self._gone.set()
            self._waiting.cancel()

    def _closed(self) -> ConnectionClosed:
        if self.close_code is None:
            return ConnectionClosed("the link is being closed")
        return ConnectionClosed(f"the link was closed with {self.close_code} {self.close_reason}".rstrip())


class Ahead:
    """`receive` of a server, called once ahead of time: a station may leave while it is judged.

    A call is never cancelled in order to go on afterwards, for a message may get lost that way.
    """

    def __init__(self, receive: Receive) -> None:
        self.judging = anyio.CancelScope()
        self.left = False
        self._receive = receive
        self._first: Message = {"type": DISCONNECT, "code": CloseCode.ABNORMAL_CLOSURE}
        self._arrived = anyio.Event()
        self._handed_over = False

    async def fetch(self) -> None:
        with suppress(Exception):
            self._first = await self._receive()
        self.left = self._first["type"] == DISCONNECT
        if self.left:
            self.judging.cancel()
        self._arrived.set()

    async def __call__(self) -> Message:
        if self._handed_over:
            return await self._receive()
        await self._arrived.wait()
        self._handed_over = True
        return self._first
