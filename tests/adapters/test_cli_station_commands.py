"""What `station` does with its own commands, and for what `wait` waits at the CSMS; in memory, on virtual time."""

from argparse import ArgumentParser
from typing import Any

import anyio
import pytest

from ocpp_sansio import BootStatus
from ocpp_sansio.v16 import call
from ocpp_sansio_adapters.cli._desk.desk import Failed
from ocpp_sansio_adapters.cli.csms import _ready
from ocpp_sansio_adapters.cli.station import _Command, add_arguments
from ocpp_sansio_adapters.v16 import ChargePoint
from tests.adapters.live_command import Playground, playground
from tests.adapters.pipe import station_and_csms

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


def command_of(ground: Playground) -> _Command:
    """`station` with the stations that are there."""
    parser = ArgumentParser()
    add_arguments(parser)
    command = _Command(parser.parse_args(["ws://127.0.0.1"]))
    command.lives = {life.identity: life for life in ground.lives}
    return command


@pytest.mark.parametrize(("version", "longest"), [("1.6", 20), ("2.0.1", 36), ("2.1", 255)])
async def test_a_token_is_not_cut_but_refused(
    version: str, longest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with playground(monkeypatch) as ground:
        life = ground.life(version)
        await ground.joined()
        command = command_of(ground)
        with pytest.raises(Failed) as caught:
            await command._start(f"CP_1 2 {'X' * (longest + 1)}")
        assert str(caught.value) == f"CP_1: a token has {longest} characters at most, and not {longest + 1}"
        assert not list(life.charger.running())
        await command._start(f"CP_1 2 {'X' * longest}")
        await anyio.sleep(60)
        [[connector, transaction]] = life.charger.running()
        assert (connector.number, transaction.token) == (2, "X" * longest)
        assert transaction.id is not None


async def test_wait_waits_for_the_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playground(monkeypatch) as ground:
        life = ground.life("1.6")
        station: Any = await ground.csms.stations.wait("CP_1")
        assert station.protocol.state.boot is BootStatus.UNKNOWN
        await _ready(ground.csms, ground.host, "CP_1")
        assert station.protocol.state.boot is BootStatus.ACCEPTED
        began = anyio.current_time()
        await life.station.reconnect()
        await _ready(ground.csms, ground.host, "CP_1")  # which has booted on an earlier link
        await _ready(ground.csms, ground.host, "CP_1")
        assert anyio.current_time() - began < 60


async def test_wait_is_content_with_a_station_that_goes_on_where_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with playground(monkeypatch) as ground:
        near, far = station_and_csms(identity="CP_1")
        ground.served.start_soon(ground._serve, far)
        station = ChargePoint("CP_1", near)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(station.start)
            with anyio.move_on_after(50) as scope:
                await _ready(ground.csms, ground.host, "CP_1")
            assert scope.cancelled_caught
            await station.call(call.Heartbeat())
            await _ready(ground.csms, ground.host, "CP_1")
            tasks.cancel_scope.cancel()
        await near.aclose()


async def test_wait_does_not_hang_on_a_link_that_is_lost_before_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with playground(monkeypatch) as ground, anyio.create_task_group() as tasks:
        near, far = station_and_csms(identity="CP_1")
        ground.served.start_soon(ground._serve, far)
        await ground.csms.stations.wait("CP_1")
        began = anyio.current_time()
        tasks.start_soon(_ready, ground.csms, ground.host, "CP_1")
        await anyio.sleep(1)
        await near.aclose()
        ground.life("1.6")
    assert anyio.current_time() - began < 60
