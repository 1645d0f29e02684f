"""_websocket.py: one open WebSocket over a byte stream, in memory and on virtual time, on both backends."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK
from websockets.server import ServerProtocol

from ocpp_sansio_adapters._settings import Pings
from ocpp_sansio_adapters._websocket import WebSocket
from tests.adapters.pipe import Pipe, client, pipe, server, station_and_csms, websocket

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


@asynccontextmanager
async def reading(link: WebSocket, into: list[Any] | None = None) -> AsyncIterator[list[Any]]:
    """Something that reads all the time, as a driver does; what ends it comes last."""
    received: list[Any] = [] if into is None else into

    async def read() -> None:
        try:
            while True:
                received.append(await link.recv())
        except ConnectionClosed as closed:
            received.append(closed)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        yield received
        tasks.cancel_scope.cancel()


class Peer:
    """The other end by hand: the state machine of `websockets`, whose bytes go when the test says so."""

    def __init__(self, stream: Pipe, protocol: ServerProtocol) -> None:
        self.stream = stream
        self.protocol = protocol
        self.heard: list[Any] = []

    async def do(self, *acts: Callable[[], object]) -> None:
        for act in acts:
            act()
        for octets in self.protocol.data_to_send():
            await (self.stream.send(octets) if octets else self.stream.send_eof())

    async def hear(self) -> Any:
        """The next frame."""
        while not self.heard:
            self.protocol.receive_data(await self.stream.receive())
            self.heard += self.protocol.events_received()
        return self.heard.pop(0)


def station_and_peer(**options: Any) -> tuple[WebSocket, Peer]:
    near, far = pipe()
    protocol = server()
    return websocket(near, client(), **options), Peer(far, protocol)


# Messages.


async def test_texts_go_both_ways_in_order() -> None:
    station, csms = station_and_csms()
    for text in ("one", "zwei", "три"):
        await station.send(text)
        await csms.send(text.upper())
    assert [await csms.recv() for _ in range(3)] == ["one", "zwei", "три"]
    assert [await station.recv() for _ in range(3)] == ["ONE", "ZWEI", "ТРИ"]


async def test_fragments_are_one_message() -> None:
    station, peer = station_and_peer()
    protocol = peer.protocol
    await peer.do(lambda: protocol.send_text(b"a\xc3", fin=False), lambda: protocol.send_ping(b""))
    await peer.do(lambda: protocol.send_continuation(b"\xa4b", fin=False))
    await peer.do(lambda: protocol.send_continuation(b"c", fin=True), lambda: protocol.send_text(b"d"))
    assert await station.recv() == "aäbc"
    assert await station.recv() == "d"


async def test_what_is_not_utf_8_comes_as_bytes_for_the_connection_to_refuse() -> None:
    station, peer = station_and_peer()
    await peer.do(lambda: peer.protocol.send_text(b"\xff"))
    assert await station.recv() == b"\xff"


async def test_binary_messages_are_refused() -> None:
    # L-132
    station, peer = station_and_peer()
    async with reading(station) as received:
        await peer.do(lambda: peer.protocol.send_binary(b"[2]"))
        close = await peer.hear()
        assert peer.protocol.close_rcvd is not None
        assert peer.protocol.close_rcvd.code == 1003, close
        await peer.do()
        await anyio.sleep(1)
    assert [type(end) for end in received] == [ConnectionClosedError]


async def test_a_message_that_is_too_big_closes_with_1009() -> None:
    # L-132
    near, far = pipe()
    station, csms = websocket(near, client(max_size=10)), websocket(far, server())
    await csms.send("x" * 11)
    async with reading(csms), reading(station) as received:
        await anyio.sleep(10)
    assert [end.sent.code for end in received] == [1009]


async def test_senders_do_not_mix_their_frames() -> None:
    station, csms = station_and_csms()
    texts = [letter * 1000 for letter in "abcdefgh"]
    async with anyio.create_task_group() as tasks:
        for text in texts:
            tasks.start_soon(station.send, text)
    assert sorted([await csms.recv() for _ in texts]) == texts


async def test_a_frame_may_arrive_byte_by_byte() -> None:
    station, peer = station_and_peer()
    peer.protocol.send_text("häppchen".encode())
    for octets in peer.protocol.data_to_send():
        for octet in octets:
            await peer.stream.send(bytes([octet]))
            with anyio.move_on_after(0.1):
                assert await station.recv() == "häppchen"
                return
    pytest.fail("it never came")


# Signs of life.


async def test_pings_are_answered_while_somebody_reads() -> None:
    station, peer = station_and_peer()
    async with reading(station):
        await peer.do(lambda: peer.protocol.send_ping(b"hello"))
        pong = await peer.hear()
        assert pong.opcode.name == "PONG"
        assert pong.data == b"hello"


async def test_a_ping_is_sent_in_each_interval() -> None:
    # J16-120
    station, peer = station_and_peer(pings=Pings(interval=10, timeout=5, jitter=0))
    began = anyio.current_time()
    async with reading(station), anyio.create_task_group() as tasks:
        tasks.start_soon(station.keep_alive)
        for number in range(1, 4):
            assert (await peer.hear()).opcode.name == "PING"
            assert anyio.current_time() == pytest.approx(began + 10 * number, abs=0.2)
            await peer.do()  # the pong
        tasks.cancel_scope.cancel()


async def test_jitter_spreads_pings_around_the_interval() -> None:
    waits = [Pings(interval=100, jitter=0.2).draw() for _ in range(200)]
    assert 80 <= min(waits) < 90
    assert 110 < max(waits) <= 120


async def test_a_peer_that_is_silent_is_hung_up_on() -> None:
    # J16-121
    station, peer = station_and_peer(pings=Pings(interval=10, timeout=5, jitter=0))
    began = anyio.current_time()
    async with reading(station) as received:
        await station.keep_alive()
        assert anyio.current_time() == pytest.approx(began + 15, abs=0.2)
        await checkpoint()
        await anyio.sleep(0.1)
        assert [type(end) for end in received] == [ConnectionClosedError]
        assert station.close_code == 1006
    assert peer.stream.other.closed


async def test_anything_that_comes_is_a_sign_of_life() -> None:
    station, peer = station_and_peer(pings=Pings(interval=10, timeout=5, jitter=0))
    async with reading(station) as received, anyio.create_task_group() as tasks:
        tasks.start_soon(station.keep_alive)
        for _ in range(10):
            await anyio.sleep(4)
            await peer.do(lambda: peer.protocol.send_text(b"alive, but no pong"))
        await anyio.sleep(1)
        assert received == ["alive, but no pong"] * 10
        tasks.cancel_scope.cancel()


async def test_no_pings_where_they_are_off_and_again_when_they_are_on() -> None:
    # J16-120
    station, peer = station_and_peer()
    async with reading(station), anyio.create_task_group() as tasks:
        tasks.start_soon(station.keep_alive)
        with anyio.move_on_after(10_000) as silence:
            await peer.hear()
        assert silence.cancelled_caught
        station.pings = Pings(interval=3, timeout=5, jitter=0)
        changed = anyio.current_time()
        assert (await peer.hear()).opcode.name == "PING"
        assert anyio.current_time() == pytest.approx(changed + 3, abs=0.2)
        await peer.do()
        station.pings = Pings(interval=None)
        with anyio.move_on_after(10_000) as silence:
            await peer.hear()
        assert silence.cancelled_caught
        tasks.cancel_scope.cancel()


async def test_pings_end_with_the_link() -> None:
    station, csms = station_and_csms(pings=Pings(interval=10))
    async with reading(csms), anyio.create_task_group() as tasks:
        tasks.start_soon(station.keep_alive)
        await station.aclose()
    # The group has ended, so the task has.


@pytest.mark.parametrize(
    "wrong",
    [
        {"interval": 0},
        {"interval": -1},
        {"interval": "30"},
        {"timeout": 0},
        {"timeout": float("inf")},
        {"timeout": None},
        {"jitter": 1.5},
        {"jitter": None},
    ],
)
async def test_a_policy_makes_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Pings(**wrong)


async def test_a_peer_that_pings_and_does_not_read_cannot_hold_up_a_reader_whose_writer_waits() -> None:
    station, peer = station_and_peer()
    peer.stream.room = 32
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(station.send, "x" * 1000)
        await anyio.sleep(1)
        await peer.do(lambda: peer.protocol.send_ping(b""), lambda: peer.protocol.send_text(b"hello"))
        with anyio.fail_after(1):
            assert await station.recv() == "hello"
        peer.stream.room = 2**16
        peer.stream.wake()
    assert [(await peer.hear()).opcode.name for _ in range(2)] == ["TEXT", "PONG"]


# The end.


async def test_closing_is_agreed_on() -> None:
    # L-124
    station, csms = station_and_csms()
    async with reading(csms) as at_csms, reading(station) as at_station:
        await station.aclose(1000, "good night")
        await anyio.sleep(0.1)
    assert [type(end) for end in at_csms + at_station] == [ConnectionClosedOK] * 2
    assert (csms.close_code, csms.close_reason) == (1000, "good night")
    assert station.close_code == 1000


@pytest.mark.parametrize("end", [0, 1])
async def test_a_peer_that_does_not_close_is_hung_up_on(end: int) -> None:
    link = station_and_csms(close_timeout=3.0)[end]
    began = anyio.current_time()
    async with reading(link) as received:
        await link.aclose()
        assert anyio.current_time() == pytest.approx(began + 3, abs=0.2)
        await anyio.sleep(0.1)
    assert [type(closed) for closed in received] == [ConnectionClosedError]


async def test_closing_without_a_reader_reads() -> None:
    station, csms = station_and_csms()
    async with reading(csms):
        began = anyio.current_time()
        await station.aclose()
        assert anyio.current_time() == pytest.approx(began, abs=0.2)


async def test_closing_twice_is_closing_once() -> None:
    station, csms = station_and_csms()
    async with reading(csms) as received:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(station.aclose, 1001)
            tasks.start_soon(station.aclose, 1002)
        await station.aclose(1008)
        await anyio.sleep(0.1)
    [closed] = received
    assert closed.rcvd.code in (1001, 1002)  # whoever came first


async def test_what_came_before_the_end_is_received_before_it() -> None:
    station, csms = station_and_csms()
    await csms.send("one")
    await csms.send("two")
    async with reading(csms), anyio.create_task_group() as tasks:
        tasks.start_soon(csms.aclose)
        await anyio.sleep(0.1)
        assert [await station.recv(), await station.recv()] == ["one", "two"]
        with pytest.raises(ConnectionClosedOK):
            await station.recv()


async def test_a_long_reason_is_cut_between_characters() -> None:
    station, csms = station_and_csms()
    async with reading(csms) as received:
        await station.aclose(1008, "ä" * 100)
        await anyio.sleep(0.1)
    assert received[0].rcvd.reason == "ä" * 61


async def test_a_cancelled_close_hangs_up() -> None:
    near, far = pipe()
    station = websocket(near, client(), close_timeout=1000.0)
    with anyio.move_on_after(1):
        try:
            await anyio.sleep(2)
        finally:
            with anyio.move_on_after(3000):
                await station.aclose()
    assert near.closed
    assert far.eof


@pytest.mark.parametrize("verb", ["send", "recv"])
async def test_after_the_end_everything_says_so(verb: str) -> None:
    station, csms = station_and_csms()
    async with reading(csms):
        await station.aclose()
    with pytest.raises(ConnectionClosedOK):
        await (station.send("x") if verb == "send" else station.recv())


@pytest.mark.parametrize("loss", ["cut", "hang up", "half close"])
async def test_a_link_that_is_lost_ends_with_1006(loss: str) -> None:
    station, peer = station_and_peer()
    async with reading(station) as received:
        await anyio.sleep(1)
        if loss == "cut":
            peer.stream.cut()
        elif loss == "hang up":
            await peer.stream.aclose()
        else:
            await peer.stream.send_eof()
        await anyio.sleep(10)
    assert [type(end) for end in received] == [ConnectionClosedError]
    assert station.close_code == 1006
    with pytest.raises(ConnectionClosedError):
        await station.send("x")


async def test_a_link_that_is_lost_in_the_middle_of_a_frame_ends_with_1006() -> None:
    station, peer = station_and_peer()
    async with reading(station) as received:
        peer.protocol.send_text(b"[2,1]")
        [octets] = peer.protocol.data_to_send()
        await peer.stream.send(octets[:4])
        await anyio.sleep(1)
        peer.stream.cut()
        await anyio.sleep(1)
    assert [type(end) for end in received] == [ConnectionClosedError]


async def test_a_write_that_fails_ends_the_link() -> None:
    station, peer = station_and_peer()
    peer.stream.cut()
    with pytest.raises(ConnectionClosedError):
        await station.send("x")
    with pytest.raises(ConnectionClosedError):
        await station.recv()


async def test_a_send_that_is_cancelled_before_it_begins_leaves_the_link_whole() -> None:
    station, peer = station_and_peer()
    peer.stream.room = 32
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(station.send, "x" * 100)
        await anyio.sleep(1)
        with anyio.move_on_after(1):
            await station.send("waits for the other")
        peer.stream.room = 2**16
        peer.stream.wake()
    assert (await peer.hear()).data == b"x" * 100
    assert (await peer.hear()).data == b"waits for the other"


async def test_a_send_that_is_cancelled_midway_ends_the_link() -> None:
    station, peer = station_and_peer()
    peer.stream.room = 32
    with anyio.move_on_after(1) as scope:
        await station.send("x" * 100)
    assert scope.cancelled_caught
    assert peer.stream.other.closed
    with pytest.raises(ConnectionClosedError):
        await station.send("y")


async def test_rubbish_ends_the_link_with_a_protocol_error() -> None:
    station, peer = station_and_peer()
    async with reading(station) as received:
        await peer.stream.send(b"\xff\xff\xff\xff")
        await anyio.sleep(10)
    assert [end.sent.code for end in received] == [1002]
