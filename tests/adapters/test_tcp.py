"""_tcp.py: streams that behave alike on both event loops, over real sockets."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from anyio.abc import ByteStream, SocketAttribute
from anyio.lowlevel import checkpoint

from ocpp_sansio_adapters._tcp import MOST_UNREAD, PushedStream, event_clock, listening
from ocpp_sansio_adapters._websocket import LOST
from tests.adapters.sockets import eventually, nothing_left, reset

pytestmark = pytest.mark.anyio

only_asyncio = pytest.mark.parametrize("anyio_backend", ["asyncio"])

#: More than any socket buffers hold.
PLENTY = 32 * 2**20


@asynccontextmanager
async def streams() -> AsyncIterator[tuple[ByteStream, ByteStream]]:
    """Both ends of a connection: the one that was accepted, and the one that connected."""
    sockets = await anyio.create_tcp_listener(local_host="127.0.0.1")
    listener = listening(sockets.listeners[0])
    async with nothing_left(), listener, anyio.create_task_group() as tasks:
        accepted: list[ByteStream] = []
        done = anyio.Event()

        async def keep(stream: ByteStream) -> None:
            accepted.append(stream)
            await done.wait()

        tasks.start_soon(listener.serve, keep, tasks)
        far = await anyio.connect_tcp("127.0.0.1", sockets.extra(SocketAttribute.local_port))
        await eventually(lambda: accepted)
        async with far, accepted[0] as near:
            yield near, far
        tasks.cancel_scope.cancel()


async def all_of(stream: ByteStream) -> bytes:
    octets = b""
    while True:
        try:
            octets += await stream.receive()
        except anyio.EndOfStream:
            return octets


async def test_what_is_sent_arrives_in_pieces_of_the_size_that_is_asked_for() -> None:
    async with streams() as (near, far):
        for stream, peer in ((near, far), (far, near)):
            await stream.send(b"abcde")
            assert await peer.receive(2) == b"ab"
            assert await peer.receive(2) == b"cd"
            assert await peer.receive() == b"e"


async def test_after_the_end_the_other_direction_lives_on() -> None:
    async with streams() as (near, far):
        await near.send(b"the last")
        await near.send_eof()
        assert await all_of(far) == b"the last"
        await far.send(b"answer")
        assert await near.receive() == b"answer"


async def test_a_peer_that_does_not_read_is_waited_for_and_nothing_is_lost() -> None:
    async with streams() as (near, far), anyio.create_task_group() as tasks:
        sent: list[int] = []

        async def send_plenty() -> None:
            for number in range(32):
                await near.send(bytes([number]) * (PLENTY // 32))
                sent.append(number)
            await near.send_eof()

        tasks.start_soon(send_plenty)
        await eventually(lambda: not getattr(near, "writable", False))
        assert len(sent) < 31
        received = 0
        ends = bytearray()
        while received < PLENTY:
            octets = await far.receive()
            received += len(octets)
            ends += octets[:1] + octets[-1:]
        assert set(ends) == set(range(32))
        assert list(ends) == sorted(ends)
        with pytest.raises(anyio.EndOfStream):
            await far.receive()


async def test_what_nobody_reads_is_kept_within_a_bound() -> None:
    async with streams() as (near, far), anyio.create_task_group() as tasks:
        tasks.start_soon(far.send, bytes(PLENTY))
        if isinstance(near, PushedStream):
            await eventually(lambda: near._paused)
            assert len(near._arrived) <= MOST_UNREAD + 2**18  # what the event loop reads in one go
        received = 0
        while received < PLENTY:
            received += len(await near.receive(1000_000))
        assert received == PLENTY


@pytest.mark.parametrize("how", ["receive", "send"])
async def test_closing_wakes_who_waits(how: str) -> None:
    async with streams() as (near, _far), anyio.create_task_group() as tasks:
        failures: list[Exception] = []

        async def wait() -> None:
            try:
                await (near.receive() if how == "receive" else near.send(bytes(PLENTY)))
            except Exception as error:
                failures.append(error)

        tasks.start_soon(wait)
        for _ in range(5):
            await checkpoint()
        assert failures == []
        await near.aclose()
        await eventually(lambda: failures)
        assert type(failures[0]) is anyio.ClosedResourceError


async def test_a_closed_stream_says_so_and_may_be_closed_again() -> None:
    async with streams() as (near, far):
        await near.aclose()
        await near.aclose()
        with pytest.raises(anyio.ClosedResourceError):
            await near.receive()
        with pytest.raises(anyio.ClosedResourceError):
            await near.send(b"x")
        with pytest.raises(LOST):
            await far.receive()


async def test_an_abrupt_end_is_told_from_a_good_one() -> None:
    async with streams() as (near, far):
        reset(far)
        await far.aclose()
        with pytest.raises(anyio.BrokenResourceError):
            await near.receive()
        with pytest.raises(anyio.BrokenResourceError):
            await for_ever(near)


async def for_ever(stream: ByteStream) -> None:
    while True:
        await stream.send(b"x")


async def test_who_is_cancelled_takes_nothing_away() -> None:
    async with streams() as (near, far):
        with anyio.move_on_after(0) as scope:
            await far.receive()
        assert scope.cancelled_caught
        await near.send(b"still here")
        assert await far.receive() == b"still here"


async def test_two_cannot_receive_at_once() -> None:
    async with streams() as (near, far), anyio.create_task_group() as tasks:
        tasks.start_soon(near.receive)
        await checkpoint()
        await checkpoint()
        with pytest.raises(anyio.BusyResourceError):
            await near.receive()
        await far.send(b"x")


async def test_a_peer_that_never_pauses_leaves_time_to_others() -> None:
    async with streams() as (near, far), anyio.create_task_group() as tasks:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await checkpoint()

        await near.send(bytes(1000))
        assert await far.receive(1) == b"\0"
        tasks.start_soon(other)
        for _ in range(500):
            await far.receive(1)
        assert turns >= 400
        tasks.cancel_scope.cancel()


async def test_each_end_knows_the_address_of_the_other() -> None:
    async with streams() as (near, far):
        for stream, peer in ((near, far), (far, near)):
            assert stream.extra(SocketAttribute.family) is socket.AF_INET
            assert stream.extra(SocketAttribute.local_address) == peer.extra(SocketAttribute.remote_address)
            assert stream.extra(SocketAttribute.local_port) == peer.extra(SocketAttribute.remote_port)


async def test_the_clock_is_that_of_the_event_loop() -> None:
    now = event_clock()
    before = anyio.current_time()
    assert before <= now() <= anyio.current_time()


# What asyncio's streams can do besides.


@only_asyncio
async def test_while_it_is_writable_bytes_leave_at_once() -> None:
    async with streams() as (near, far):
        assert isinstance(near, PushedStream)
        assert near.writable
        near.write(b"at once")
        assert near.writable
        assert await far.receive() == b"at once"


@only_asyncio
async def test_what_did_not_leave_at_once_leaves_before_what_is_sent_next() -> None:
    async with streams() as (near, far), anyio.create_task_group() as tasks:
        assert isinstance(near, PushedStream)
        near.write(bytes(PLENTY))
        assert not near.writable
        tasks.start_soon(near.send, b"next")
        received = bytearray()
        while not received.endswith(b"next"):
            received += await far.receive()
        assert len(received) == PLENTY + 4
        await eventually(lambda: near.writable)  # type: ignore[attr-defined]


@only_asyncio
@pytest.mark.parametrize("end", ["close", "loss"])
async def test_a_stream_that_has_ended_is_not_writable(end: str) -> None:
    async with streams() as (near, far):
        stream: Any = near
        if end == "close":
            await near.aclose()
        else:
            reset(far)
            await far.aclose()
        await eventually(lambda: not stream.writable)
