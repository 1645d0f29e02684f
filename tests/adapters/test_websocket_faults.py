"""_websocket.py: peers that flood, lie or do not read, ends that race, and cancellation at every await; in memory and on
virtual time, on both backends.
"""

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import anyio
import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK
from websockets.frames import Close

from ocpp_sansio import Connection, Limits, Role
from ocpp_sansio_adapters import _websocket, v16
from ocpp_sansio_adapters._settings import Pings
from ocpp_sansio_adapters._websocket import WebSocket
from tests.adapters.pipe import pipe, server, station_and_csms, websocket
from tests.adapters.stepping import Stepping, each_step
from tests.adapters.test_websocket import Peer, reading, station_and_peer

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


# Two at once.


async def test_a_close_may_come_while_the_reader_is_busy_with_a_message() -> None:
    station, csms = station_and_csms()
    ends: list[ConnectionClosed] = []

    async def slow_reader() -> None:
        try:
            while True:
                await station.recv()
                await anyio.sleep(1)
        except ConnectionClosed as closed:
            ends.append(closed)

    async with reading(csms), anyio.create_task_group() as tasks:
        tasks.start_soon(slow_reader)
        await csms.send("one")
        await anyio.sleep(0.5)
        tasks.start_soon(station.aclose)
    assert [type(end) for end in ends] == [ConnectionClosedOK]


async def test_a_close_that_waits_for_a_silent_peer_does_not_get_into_the_way_of_a_reader() -> None:
    station, peer = station_and_peer(close_timeout=10.0)
    received: list[Any] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(station.aclose)
        await anyio.sleep(1)
        async with reading(station, received):
            await anyio.sleep(1)
            await peer.do(lambda: peer.protocol.send_text(b"not yet"))
            await anyio.sleep(20)
    assert received[0] == "not yet"
    assert isinstance(received[1], ConnectionClosedError)


async def test_two_may_receive_and_each_message_goes_to_one() -> None:
    station, csms = station_and_csms()
    async with reading(csms):
        async with reading(station) as one, reading(station, one):
            for number in range(10):
                await csms.send(str(number))
            await anyio.sleep(1)
        assert sorted(one) == [str(number) for number in range(10)]


async def test_what_is_there_is_received_without_waiting() -> None:
    station, csms = station_and_csms()
    await csms.send("one")
    await csms.send("two")
    assert await station.recv() == "one"
    with anyio.move_on_after(0):
        assert await station.recv() == "two"
        return
    pytest.fail("it was cancelled before it looked")


async def test_bytes_that_come_at_the_very_end_change_nothing() -> None:
    station, peer = station_and_peer(pings=Pings(interval=10, timeout=5, jitter=0))
    near = peer.stream.other
    close = near.aclose

    async def close_as_something_comes() -> None:
        near.arrived += b"\x81\x02hi"
        await close()

    near.aclose = close_as_something_comes  # type: ignore[method-assign]
    async with reading(station) as received:
        await station.keep_alive()
        await anyio.sleep(0.1)
    assert [type(end) for end in received] == [ConnectionClosedError]


async def test_a_text_is_not_taken_for_sent_that_another_has_failed_to_send() -> None:
    near, far = pipe()
    csms = websocket(near, server())
    far.room = 32
    outcomes: list[Any] = []

    async def send(text: str) -> None:
        try:
            await csms.send(text)
        except ConnectionClosed as closed:
            outcomes.append(closed)
        else:
            outcomes.append(text)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(send, "x" * 100)
        await anyio.sleep(1)
        tasks.start_soon(send, "y" * 100)  # whose frame is written by the other, as soon as its own has left
        await anyio.sleep(1)
        octets = b""
        while b"y" not in octets:
            octets += await far.receive(16)
        near.cut()
        far.room = 2**16
        near.wake()
    assert [type(outcome) for outcome in outcomes] == [ConnectionClosedError] * 2


async def test_a_stream_that_cannot_do_both_at_once_is_lost() -> None:
    # As TLS is, where the peer wants an answer of it while we write.
    station, peer = station_and_peer()
    peer.stream.other.receiving = True
    with pytest.raises(ConnectionClosedError):
        await station.recv()
    assert peer.stream.other.closed


@pytest.mark.parametrize("virtual_time", ["asyncio"], indirect=True)
async def test_a_close_that_asyncio_cancels_hangs_up_at_once() -> None:
    station, peer = station_and_peer(close_timeout=1000.0)
    began = anyio.current_time()
    closing = asyncio.create_task(station.aclose())
    await asyncio.sleep(1)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert anyio.current_time() < began + 2
    assert peer.stream.other.closed


# Peers that flood.


async def test_nothing_is_received_after_a_binary_message() -> None:
    # L-132
    station, peer = station_and_peer()
    protocol = peer.protocol
    async with reading(station) as received:
        await peer.do(
            lambda: protocol.send_text(b"before"),
            lambda: protocol.send_binary(b"[2", fin=False),
            lambda: protocol.send_continuation(b"]", fin=True),
            lambda: protocol.send_text(b"after"),
        )
        await anyio.sleep(10)
    assert received[0] == "before"
    assert received[1].sent == Close(1003, "OCPP messages are text")
    assert len(received) == 2


async def test_empty_fragments_take_no_room() -> None:
    station, peer = station_and_peer()
    protocol = peer.protocol
    fragments = 3000
    async with reading(station) as received:
        await peer.do(lambda: protocol.send_text(b"[2", fin=False))
        await peer.do(*[lambda: protocol.send_continuation(b"", fin=False)] * fragments)
        await anyio.sleep(0.1)
        assert sum(sys.getsizeof(value) for value in vars(station).values()) < fragments
        await peer.do(lambda: protocol.send_continuation(b"]", fin=True))
        await anyio.sleep(0.1)
        assert received == ["[2]"]


async def test_a_peer_that_pings_and_never_reads_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_websocket, "MOST_UNSENT", 50)
    station, peer = station_and_peer()
    peer.stream.room = 32
    async with reading(station) as received:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ping_for_ever, peer)
            with pytest.raises(ConnectionClosedError):
                await station.send("x" * 1000)
            tasks.cancel_scope.cancel()
        await anyio.sleep(0.1)
    assert [type(end) for end in received] == [ConnectionClosedError]
    assert len(station.protocol.writes) < 100


async def ping_for_ever(peer: Peer) -> None:
    with suppress(anyio.BrokenResourceError):
        while True:
            await peer.do(lambda: peer.protocol.send_ping(b"x" * 100))
            await anyio.sleep(0.01)


async def test_a_peer_that_never_reads_is_taken_for_dead_if_it_is_silent_too() -> None:
    # J16-121
    station, peer = station_and_peer(pings=Pings(interval=10, timeout=5, jitter=0))
    peer.stream.room = 32
    began = anyio.current_time()
    async with reading(station), anyio.create_task_group() as tasks:
        tasks.start_soon(station.keep_alive)
        with pytest.raises(ConnectionClosedError):
            await station.send("x" * 1000)
        assert anyio.current_time() == pytest.approx(began + 15, abs=0.2)


async def test_a_peer_that_talks_on_instead_of_closing_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_websocket, "MOST_UNREAD", 5)
    station, peer = station_and_peer(close_timeout=1000.0)

    async def talk_for_ever() -> None:
        with suppress(anyio.BrokenResourceError):
            while True:
                await peer.do(lambda: peer.protocol.send_text(b"and then"))
                await anyio.sleep(1)

    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(talk_for_ever)
        await station.aclose()
        assert anyio.current_time() < began + 20
    assert peer.stream.other.closed


# Pings.


async def test_no_ping_is_sent_while_one_may_still_be_answered() -> None:
    station, peer = station_and_peer(pings=Pings(interval=1, timeout=5, jitter=0))
    began = anyio.current_time()
    async with reading(station), anyio.create_task_group() as tasks:
        tasks.start_soon(station.keep_alive)
        for number in range(3):
            assert (await peer.hear()).opcode.name == "PING"
            assert anyio.current_time() == pytest.approx(began + 1 + 5 * number, abs=0.2)
            await peer.do()
        tasks.cancel_scope.cancel()


async def test_a_ping_that_has_no_answer_because_the_link_closes_is_nothing() -> None:
    station, csms = station_and_csms(pings=Pings(interval=10, timeout=50, jitter=0), close_timeout=15.0)
    async with reading(station), anyio.create_task_group() as tasks:
        tasks.start_soon(station.keep_alive)
        await anyio.sleep(5)
        await station.aclose()  # which the other end does not read
    assert station.close_code == 1006
    assert csms.close_code is None


# What a Connection asks for.


@pytest.mark.parametrize(
    ("octets", "code"), [([b"rubbish"] * 20, 1008), ([b"\xff"], 1007), ([b"x" * 1001], 1009)]
)
async def test_a_charge_point_closes_as_its_connection_asks(octets: list[bytes], code: int) -> None:
    # L-124, L-132
    station, csms = station_and_csms()
    protocol = Connection(Role.CSMS, "1.6", limits=Limits(frame_size=1000))

    async def send_all() -> None:
        for text in octets:
            station.protocol.send_text(text)
            await station._flush()

    async with reading(station) as received, anyio.create_task_group() as tasks:
        tasks.start_soon(send_all)
        with pytest.raises(ConnectionClosed):
            await v16.ChargePoint("CP_1", csms, protocol=protocol).start()
    assert received[-1].rcvd.code == code


# Cancellation at every await.


async def send(station: WebSocket) -> None:
    await station.send("x" * 100)


async def receive(station: WebSocket) -> None:
    assert await station.recv() == "y" * 100


async def close(station: WebSocket) -> None:
    await station.aclose(1001)


@pytest.mark.parametrize(("verb", "least"), [(send, 3), (receive, 2), (close, 2)])
async def test_it_may_be_cancelled_anywhere(verb: Callable[[WebSocket], Any], least: int) -> None:
    async def run(step: int) -> int:
        station, csms = station_and_csms()
        csms._stream.room = 32  # type: ignore[attr-defined]
        async with reading(csms) as received, anyio.create_task_group() as tasks:
            tasks.start_soon(talk, csms)
            with anyio.CancelScope() as scope:
                stepping = Stepping(verb(station), step, scope.cancel)
                await stepping
            await anyio.sleep(0.1)
            if station.close_code is None:  # the link is whole: all that is sent comes, in order
                await station.send("more")
                await anyio.sleep(0.1)
                sent = ["x" * 100] * (received[0] != "more" if received else 0)
                assert received == [*sent, "more"]
                await station.aclose()
        for end in (station, csms):
            assert end.close_code is not None
            assert end._stream.closed  # type: ignore[attr-defined]
        return stepping.suspended

    assert len([step async for step in each_step(run)]) >= least


async def talk(csms: WebSocket) -> None:
    with suppress(ConnectionClosed):
        await csms.send("y" * 100)
