"""Peers of a CSMS that do it harm, byte by byte over real sockets: each is a function that tells how it ended.

`HOSTILE` says of each how it is to end: with the code of the close frame that it gets, with `DROPPED` if it is hung up
on without one, or with `DONE` if it has got what it wanted and left by itself.
"""

import json
import os
import socket
import struct
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Container, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

import anyio
import attrs
from anyio.abc import ByteStream, SocketAttribute

from ocpp_sansio_adapters._websocket import LOST
from tests.adapters.sockets import PATIENCE, eventually, hung_up, raw, request, reset, response_of

__all__ = ["DONE", "DROPPED", "HOSTILE", "Attack", "Target", "frame", "narrow", "read_all"]

DROPPED = "dropped"
DONE = "done"

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


@attrs.frozen
class Target:
    """A CSMS: where it listens, and whom it serves."""

    url: str
    stations: Container[str]


#: An attack is told where to and under which identity, and returns how it ended.
Attack: TypeAlias = Callable[[Target, str], Awaitable[int | str]]


def frame(opcode: int, payload: bytes = b"", *, head: int = 0x80, masked: bool = True) -> bytes:
    """A frame of a client. `head` are FIN and the reserved bits."""
    size = len(payload)
    flag = 0x80 if masked else 0
    if size < 126:
        length = struct.pack("!B", flag | size)
    elif size < 2**16:
        length = struct.pack("!BH", flag | 126, size)
    else:
        length = struct.pack("!BQ", flag | 127, size)
    return bytes([head | opcode]) + length + (bytes(4) if masked else b"") + payload


def text(said: str) -> bytes:
    return frame(TEXT, said.encode())


def heartbeats(count: int) -> bytes:
    return b"".join(text(f'[2,"{number}","Heartbeat",{{}}]') for number in range(count))


def narrow(stream: ByteStream) -> None:
    """Let the system keep little of what is to be sent, or it takes megabytes until a peer is found not to read."""
    stream.extra(SocketAttribute.raw_socket).setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)


@attrs.define
class Reader:
    """Frames of a server, from its bytes."""

    stream: ByteStream
    octets: bytes = b""

    async def next(self) -> tuple[int, bytes]:
        """Opcode and payload. Raises one of LOST where there are no more."""
        size = await self._size()
        while len(self.octets) < sum(size):
            self.octets += await self.stream.receive()
        opcode = self.octets[0] & 0x0F
        payload = self.octets[size[0] : sum(size)]
        self.octets = self.octets[sum(size) :]
        return opcode, payload

    async def _size(self) -> tuple[int, int]:
        """Bytes of head and payload."""
        while len(self.octets) < 10 and not self._short():
            self.octets += await self.stream.receive()
        match self.octets[1]:
            case 126:
                return 4, int.from_bytes(self.octets[2:4])
            case 127:
                return 10, int.from_bytes(self.octets[2:10])
            case short:
                return 2, short

    def _short(self) -> bool:
        """Whether the head is here."""
        sizes = {126: 4, 127: 10}
        return len(self.octets) >= 2 and len(self.octets) >= sizes.get(self.octets[1], 2)

    async def answer(self) -> list[Any]:
        """The next CALLRESULT or CALLERROR, whatever comes meanwhile. Pings are answered."""
        while True:
            opcode, payload = await self.next()
            if opcode == PING:
                await self.stream.send(frame(PONG, payload))
            said = json.loads(payload) if opcode == TEXT else [0]
            if said[0] in (3, 4):
                return list(said)

    async def end(self) -> int | str:
        """The code of the close frame, once the server has hung up; DROPPED without one."""
        code: int | str = DROPPED
        with suppress(*LOST), anyio.fail_after(PATIENCE):
            while True:
                opcode, payload = await self.next()
                if opcode == CLOSE:
                    code = int.from_bytes(payload[:2])
                    await self.stream.send(frame(CLOSE, payload[:2]))
        return code


async def read_all(stream: ByteStream) -> int | str:
    """How the server ends this."""
    return await Reader(stream).end()


@asynccontextmanager
async def upgraded(at: Target, identity: str, *headers: str) -> AsyncGenerator[Reader]:
    """A WebSocket that this is let in by."""
    async with raw(at.url) as stream:
        await stream.send(request(f"/{identity}", *headers))
        answer = await response_of(stream)
        assert answer.status == 101
        yield Reader(stream, answer.rest)


# Before there is a WebSocket.


def says(octets: bytes) -> Attack:
    """Sends this instead of a request, and waits for the end."""

    async def attack(at: Target, identity: str) -> int | str:
        async with raw(at.url) as stream:
            with suppress(*LOST):
                await stream.send(octets)
            assert b" 101 " not in await hung_up(stream)
        return DROPPED

    return attack


async def drips(at: Target, identity: str) -> int | str:
    """A request that never ends, a line at a time."""
    async with raw(at.url) as stream:
        await stream.send(b"GET /slow HTTP/1.1\r\n")
        with suppress(*LOST), anyio.fail_after(PATIENCE):
            while True:
                await stream.send(b"X-More: of this\r\n")
                with anyio.move_on_after(0.02):
                    await stream.receive()
    return DROPPED


async def resets_at_once(at: Target, identity: str) -> int | str:
    async with raw(at.url) as stream:
        await stream.send(request(f"/{identity}"))
        reset(stream)
    return DONE


# WebSocket.


def frames(*octets: bytes) -> Attack:
    """Sends these on an open WebSocket, reads all that comes, and waits for the end."""

    async def attack(at: Target, identity: str) -> int | str:
        async with upgraded(at, identity) as reader:
            with suppress(*LOST):
                for part in octets:
                    await reader.stream.send(part)
            return await reader.end()

    return attack


def deflated(*messages: bytes) -> bytes:
    """Each in a frame of its own, compressed."""
    compressor = zlib.compressobj(9, wbits=-12)
    parts = (compressor.compress(octets) + compressor.flush(zlib.Z_SYNC_FLUSH) for octets in messages)
    return b"".join(frame(TEXT, part[:-4], head=0xC0) for part in parts)


def inflates(octets: bytes) -> Attack:
    """Sends what is compressed."""
    extension = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"

    async def attack(at: Target, identity: str) -> int | str:
        async with upgraded(at, identity, extension) as reader:
            with suppress(*LOST):
                await reader.stream.send(octets)
            return await reader.end()

    return attack


async def pings_of_every_size(at: Target, identity: str) -> int | str:
    """Each is answered, and the link is left in good order."""
    async with upgraded(at, identity) as reader:
        sizes = [os.urandom(size) for size in range(126)]
        await reader.stream.send(b"".join(frame(PING, payload) for payload in sizes))
        for payload in sizes:
            while await reader.next() != (PONG, payload):
                pass
        await reader.stream.send(frame(CLOSE, struct.pack("!H", 1000)))
        assert await reader.end() == 1000
    return DONE


async def asks_in_one_breath(at: Target, identity: str) -> int | str:
    """Hundreds of calls before it reads any answer: each is answered, if only to say that there are too many."""
    async with upgraded(at, identity) as reader:
        await reader.stream.send(heartbeats(300))
        answered = [int((await reader.answer())[1]) for _ in range(300)]
        assert sorted(answered) == list(range(300))
    return DONE


async def asks_what_is_never_answered(at: Target, identity: str) -> int | str:
    """As many calls as it likes, to a handler that hangs: what is one too many is refused at once."""
    async with upgraded(at, identity) as reader:
        said = (f'[2,"{number}","DataTransfer",{{"vendorId":"acme"}}]' for number in range(100))
        await reader.stream.send(b"".join(map(text, said)))
        refused = [await reader.answer() for _ in range(100 - 32)]
        assert {tuple(error[:3:2]) for error in refused} == {(4, "GenericError")}
        assert [error[1] for error in refused] == [str(number) for number in range(32, 100)]
    return DONE


def deaf(octets: bytes, times: int = 10**6) -> Attack:
    """Sends this as long as it can, reads nothing, and waits until it is no longer served."""

    async def attack(at: Target, identity: str) -> int | str:
        async with upgraded(at, identity) as reader:
            await eventually(lambda: identity in at.stations)
            with suppress(*LOST), anyio.fail_after(PATIENCE):
                for _ in range(times):
                    await reader.stream.send(octets)
            await eventually(lambda: identity not in at.stations)
        return DROPPED

    return attack


async def is_reset_in_a_frame(at: Target, identity: str) -> int | str:
    async with upgraded(at, identity) as reader:
        await reader.stream.send(heartbeats(1)[:20])
        reset(reader.stream)
    return DONE


async def is_reset_while_it_is_written_to(at: Target, identity: str) -> int | str:
    async with upgraded(at, identity) as reader:
        await reader.stream.send(heartbeats(500))
        await reader.stream.receive(10)
        reset(reader.stream)
    return DONE


async def is_half_a_crowd(at: Target, identity: str) -> int | str:
    """One identity, again and again: each link takes the place of the one before."""
    async with upgraded(at, identity) as first, upgraded(at, identity) as second:
        assert await first.end() == 1008
        async with upgraded(at, identity):
            assert await second.end() == 1008
    return DONE


def transfer(size: int) -> bytes:
    """A call of so many bytes and a few more."""
    return json.dumps([2, "1", "DataTransfer", {"vendorId": "acme", "data": "x" * size}]).encode()


GARBAGE = text("rubbish")
PART = frame(TEXT, b"x" * 60_000, head=0)
MORE = frame(0, b"x" * 60_000, head=0)
TOO_BIG = frame(TEXT, b"x" * 2**20 + b"x")

HOSTILE: Mapping[str, tuple[Attack, int | str]] = {
    "HTTP": (says(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), DROPPED),
    "POST": (says(b"POST /CP HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"), DROPPED),
    "TLS": (says(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(512)), DROPPED),
    "zeros": (says(bytes(100_000)), DROPPED),
    "silence": (says(b""), DROPPED),
    "half-a-request": (says(request("/CP")[:-2]), DROPPED),
    "drips": (drips, DROPPED),
    "reset-at-once": (resets_at_once, DONE),
    "reserved-bit": (frames(frame(TEXT, b"[]", head=0xC0)), 1002),
    "reserved-opcode": (frames(frame(3, b"[]")), 1002),
    "unmasked": (frames(frame(TEXT, b"[]", masked=False)), 1002),
    "noise": (frames(b"\xff" * 1000), 1002),
    "a-ping-too-long": (frames(frame(PING, bytes(126))), 1002),
    "a-ping-in-parts": (frames(frame(PING, b"x", head=0)), 1002),
    "a-part-of-nothing": (frames(MORE), 1002),
    "a-close-of-one-byte": (frames(frame(CLOSE, b"\x03")), 1002),
    "a-close-that-may-not-be": (frames(frame(CLOSE, struct.pack("!H", 1005))), 1002),
    "bad-UTF-8": (frames(frame(TEXT, b'[2,"1","\xff\xfe",{}]')), 1007),
    "bad-UTF-8-of-a-reason": (frames(frame(CLOSE, b"\x03\xe8\xff")), 1007),
    "binary": (frames(frame(BINARY, b"[]")), 1003),
    "no-JSON": (frames(GARBAGE * 20), 1008),
    "no-JSON-for-ever": (frames(GARBAGE * 2000), 1008),
    "too-big": (frames(TOO_BIG), 1009),
    "too-big-as-it-says": (frames(TOO_BIG[:14]), 1009),
    "too-big-in-parts": (frames(PART, *[MORE] * 20), 1009),
    "too-big-inflated": (inflates(deflated(bytes(2**24))), 1009),
    "inflated-one-by-one": (inflates(deflated(*[transfer(1_000_000)] * 20)), DROPPED),
    "big": (frames(frame(TEXT, transfer(1_000_000))), DROPPED),
    "a-part-and-silence": (frames(PART), DROPPED),
    "nothing-and-silence": (frames(), DROPPED),
    "empty-parts-and-silence": (frames(frame(TEXT, head=0), frame(0, head=0) * 5000), DROPPED),
    "pings-of-every-size": (pings_of_every_size, DONE),
    "asks-in-one-breath": (asks_in_one_breath, DONE),
    "asks-what-is-never-answered": (asks_what_is_never_answered, DONE),
    "asks-and-is-deaf": (deaf(heartbeats(500)), DROPPED),
    "asks-much-and-is-deaf": (deaf(frame(TEXT, transfer(100_000)), times=10), DROPPED),
    "pings-and-is-deaf": (deaf(frame(PING, bytes(125)) * 500), DROPPED),
    "pongs-and-is-deaf": (deaf(frame(PONG, bytes(125)) * 500, times=10), DROPPED),
    "reset-in-a-frame": (is_reset_in_a_frame, DONE),
    "reset-while-written-to": (is_reset_while_it_is_written_to, DONE),
    "one-identity-for-all": (is_half_a_crowd, DONE),
}
