"""_websocket.py: what comes in one breath is handled bit by bit, so that no peer has all the time or memory for itself."""

from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode

from tests.adapters.pipe import station_and_csms

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


SIZE = 2**16


async def test_others_have_their_turn_between_many_small_messages() -> None:
    station, csms = station_and_csms()
    station._stream.other.room = 2 * SIZE  # type: ignore[attr-defined]
    received, most, turns = 0, 0, 0

    async def receive() -> None:
        nonlocal received
        while True:
            await csms.recv()
            received += 1

    for _ in range(SIZE // 6):
        station.protocol.send_text(b"")
    await station._flush()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(receive)
        while received < SIZE // 6:
            before = received
            await checkpoint()
            most = max(most, received - before)
            turns += 1
        tasks.cancel_scope.cancel()
    assert 0 < most <= 3 * 4096 / 6  # on trio, it may be its turn twice in a row
    assert turns > 10


async def test_what_a_few_bytes_inflate_to_is_not_held_all_at_once() -> None:
    station, csms = station_and_csms()
    station._stream.other.room = 2 * SIZE  # type: ignore[attr-defined]
    csms.protocol.extensions = [PerMessageDeflate(False, False, 12, 12)]
    deflate = PerMessageDeflate(False, False, 12, 12)
    frame = Frame(Opcode.TEXT, b"x" * 2**19)
    octets = b"".join(frame.serialize(mask=True, extensions=[deflate]) for _ in range(100))
    assert 30_000 < len(octets) < SIZE
    await station._stream.send(octets)
    most = 0
    for _ in range(100):
        assert len(await csms.recv()) == 2**19
        most = max(most, len(csms._messages))
    assert 0 < most < 10


async def test_any_number_of_pings_in_one_breath_is_answered_to_one_who_reads() -> None:
    station, csms = station_and_csms()
    station._stream.other.room = 2 * SIZE  # type: ignore[attr-defined]
    pongs = 0
    for number in range(3000):
        station.protocol.send_ping(f"{number}".encode()[:2])

    async def receive() -> None:
        nonlocal pongs
        while True:
            station.protocol.receive_data(await station._stream.receive())
            pongs += len(station.protocol.events_received())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(csms.recv)
        tasks.start_soon(receive)
        await station._flush()
        await anyio.sleep(1)
        tasks.cancel_scope.cancel()
    assert pongs == 3000
