"""WebSocket: one open WebSocket over a byte stream, for asyncio and trio alike.

`websockets` is the protocol here, as a state machine of its own; this room moves its bytes. How a WebSocket
opens is decided in `websockets`. Knows no OCPP message.
"""

import ssl
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from math import inf
from typing import Any

import anyio
import anyio.lowlevel
from anyio.abc import ByteStream
from anyio.streams.tls import TLSStream
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed, ConnectionClosedError
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from ocpp_sansio import Version

from ._settings import LOGGER, Info, Pings, shortened
from ._tcp import PushedStream, event_clock

__all__ = ["LOST", "WebSocket"]

#: What a byte stream raises once it is of no use. anyio says EndOfStream where a TLS stream writes, too, and
#: BusyResourceError where the peer's TLS wants an answer while we write.
LOST = (
    anyio.EndOfStream,
    anyio.BrokenResourceError,
    anyio.BusyResourceError,
    anyio.ClosedResourceError,
    OSError,
    ssl.SSLError,
)

#: Bytes whose messages are handled in one go, before others have their turn. They may be many, or inflate.
AT_ONCE = 4096
#: Messages that nobody has received, while a link is closed that nobody reads; a peer that sends more is hung
#: up on. It has a few seconds to do so.
MOST_UNREAD = 64
#: Writes that wait for a peer that does not read, such as the pongs to its pings. Beyond, it is hung up on.
MOST_UNSENT = 1000


class WebSocket:
    """One open WebSocket, as a transport of a `ChargePoint`.

    `identity` and `version` are what was agreed on when it opened. One task is to call `recv` again and
    again, for only then is anything answered, pings among it; another runs `keep_alive`. A `ChargePoint` does
    both. All raise `websockets.exceptions.ConnectionClosed` once the link is closed or lost.
    """

    def __init__(
        self,
        stream: ByteStream,
        protocol: ClientProtocol | ServerProtocol,
        frames: Iterable[Frame] = (),
        *,
        identity: str,
        version: Version,
        info: Info,
        pings: Pings,
        close_timeout: float,
    ) -> None:
        self.identity = identity
        self.version = version
        self.info = info
        self.protocol = protocol  # of `websockets`; it tells the side, among others
        self.close_timeout = close_timeout
        #: What a graceful end waits for; a `Driver` sets it.
        self.drained: Callable[[], Awaitable[object]] = anyio.lowlevel.checkpoint
        self._stream = stream
        self._pings = pings
        self._heard = -inf  # when something came last
        self._arrived = b""  # what no message has been made of yet
        self._messages: list[str | bytes] = []
        self._part = bytearray()  # of a message in fragments
        self._reading = False  # a task does
        self._has_read: anyio.Event | None = None  # for others, who want to know when it has
        self._writing = anyio.Lock(fast_acquire=True)
        self._woken = anyio.Event()  # for keep_alive: something has changed
        self._gone = False
        self._clock = event_clock()
        self._take(frames)  # which have come already

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that was agreed on, such as `ocpp2.0.1`."""
        return self.info.subprotocol

    @property
    def close_code(self) -> int | None:
        """The code that the peer has closed with, 1006 if it has not; None while the link is open."""
        return self.protocol.close_code

    @property
    def close_reason(self) -> str | None:
        """The reason that the peer gave for closing."""
        return self.protocol.close_reason

    @property
    def pings(self) -> Pings:
        """When to ask for a sign of life; may be set at any time."""
        return self._pings

    @pings.setter
    def pings(self, pings: Pings) -> None:
        self._pings = pings
        self._woken.set()

    async def send(self, text: str) -> None:
        """Send a text message. Cancelled while the text leaves, this hangs up: nobody could go on after half a
        frame.
        """
        if self.protocol.state is not State.OPEN:
            raise self._closed()
        LOGGER.debug("%s: sends %s", self.identity, text)
        self.protocol.send_text(text.encode())
        await self._flush()

    @property
    def writable(self) -> bool:
        """Whether `write` may be called: what it takes leaves at once."""
        return (
            isinstance(self._stream, PushedStream)
            and self._stream.writable
            and self.protocol.state is State.OPEN
            and not self._writing.locked()
        )

    def write(self, text: str) -> None:
        """Send a text message while this is `writable`."""
        assert isinstance(self._stream, PushedStream)
        LOGGER.debug("%s: sends %s", self.identity, text)
        self.protocol.send_text(text.encode())
        for octets in self.protocol.data_to_send():
            self._stream.write(octets)

    async def recv(self) -> str | bytes:
        """The next message. A text that is not UTF-8 comes as bytes, for `Connection` to refuse."""
        while not self._messages:
            if self._gone:
                raise self._closed()
            await self._read()
        message = self._messages.pop(0)
        LOGGER.debug("%s: receives %s", self.identity, message)
        return message

    async def aclose(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Say so to the peer, wait for its word for at most `close_timeout` seconds, and hang up. Nothing that
        the peer does makes this raise.

        Messages that come meanwhile can still be received.
        """
        if self.protocol.state is State.OPEN:
            self.protocol.send_close(code, shortened(reason))
        try:
            with anyio.CancelScope(shield=True, deadline=anyio.current_time() + self.close_timeout):
                await self._part_with_peer()
        finally:  # asyncio has a way to cancel that knows no shield
            await self._hang_up()

    async def _part_with_peer(self) -> None:
        with suppress(ConnectionClosed):
            await self._flush()
            while not self._gone and len(self._messages) <= MOST_UNREAD:
                await self._read()

    async def keep_alive(self) -> None:
        """Send pings as `pings` says, and hang up if nothing comes of one. Ends with the link."""
        asked = anyio.current_time()
        while not self._gone:
            self._woken = anyio.Event()
            pings = self._pings
            if not await self._undisturbed(asked + pings.draw()):
                asked = anyio.current_time()
                continue
            asked = anyio.current_time()
            with suppress(ConnectionClosed), anyio.move_on_after(pings.timeout):
                if self.protocol.state is State.OPEN:
                    self.protocol.send_ping(b"")
                    await self._flush()
            if await self._undisturbed(asked + pings.timeout) and self._heard < asked:
                self.protocol.fail(CloseCode.INTERNAL_ERROR, "no sign of life")
                await self._hang_up()

    async def _undisturbed(self, until: float) -> bool:
        """Wait so long; False at once when the pings are changed or the link is gone."""
        with anyio.CancelScope(deadline=until):
            await self._woken.wait()
        return not self._woken.is_set()

    # Bytes in and out.

    async def _read(self) -> None:
        """Take what comes next, or wait for the task that is doing so."""
        if self._reading:
            self._has_read = self._has_read or anyio.Event()
            await self._has_read.wait()
            return
        self._reading = True
        try:
            await self._receive()
        finally:
            self._reading = False
            if self._has_read is not None:
                self._has_read.set()
                self._has_read = None

    async def _receive(self) -> None:
        """Take what comes next, as far as the next messages or pings, once what came before is answered: pings, and a
        farewell. Hangs up once the peer has.
        """
        if self.protocol.writes and not self._writing.locked():  # else whoever writes will write that, too
            with suppress(ConnectionClosed):
                await self._flush()
        if self._arrived or isinstance(self._stream, TLSStream):  # nor does TLS wait for what it has at hand
            await anyio.lowlevel.checkpoint()
        if not self._arrived:
            try:
                if self.protocol.state is State.OPEN:
                    self._arrived = await self._stream.receive()
                else:
                    self._arrived = await self._last_words()
            except LOST:
                pass
            self._heard = self._clock()
        if not self._arrived or self._gone or len(self.protocol.writes) > MOST_UNSENT:
            await self._hang_up()
            return
        known = len(self._messages)
        while self._arrived:
            octets, self._arrived = self._arrived[:AT_ONCE], self._arrived[AT_ONCE:]
            self.protocol.receive_data(octets)
            self._take(self.protocol.events_received())
            if len(self._messages) > known or self.protocol.writes:
                return

    async def _last_words(self) -> bytes:
        """What comes before the peer hangs up; nothing if it was to, and does not."""
        with anyio.move_on_after(self.close_timeout):
            return await self._stream.receive()
        return b""

    def _take(self, frames: Iterable[Any]) -> None:
        for frame in frames:
            if frame.opcode is Opcode.BINARY:
                self.protocol.fail(CloseCode.UNSUPPORTED_DATA, "OCPP messages are text")  # L-132
                return
            if frame.opcode in (Opcode.TEXT, Opcode.CONT):
                self._part += frame.data
                if frame.fin:
                    self._messages.append(_decoded(bytes(self._part)))
                    self._part.clear()

    async def _flush(self) -> None:
        """Write what waits. Raises ConnectionClosed if that cannot be done."""
        if not self.protocol.writes and not self._writing.locked():
            return
        async with self._writing:
            whole = False
            try:
                while self.protocol.writes:
                    for octets in self.protocol.data_to_send():
                        await (self._stream.send(octets) if octets else self._end())
                whole = True
            except LOST:
                pass
            finally:
                if not whole:
                    await self._hang_up()
        if self._gone:
            raise self._closed()

    async def _end(self) -> None:
        """Nothing follows. TLS has no way to say so but to hang up."""
        if isinstance(self._stream, TLSStream):
            await self._hang_up()
        else:
            await self._stream.send_eof()

    async def _hang_up(self) -> None:
        if not self._gone:
            self._gone = True
            self._woken.set()
            self.protocol.receive_eof()
            await anyio.aclose_forcefully(self._stream)

    def _closed(self) -> ConnectionClosed:
        protocol = self.protocol
        if protocol.state is State.CLOSED:
            return protocol.close_exc
        return ConnectionClosedError(protocol.close_rcvd, protocol.close_sent, protocol.close_rcvd_then_sent)


def _decoded(octets: bytes) -> str | bytes:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets
