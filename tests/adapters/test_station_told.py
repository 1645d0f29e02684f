"""station.py: what a station is told while it runs, how often heartbeats come and that it is to boot again, and what it
tells of its boot; in memory and on virtual time, on both backends.
"""

from typing import Any

import anyio
import pytest

from ocpp_sansio import BootStatus, StationState
from ocpp_sansio.errors import GenericError, LocalProtocolError
from ocpp_sansio.v16 import call
from tests.adapters.ether import a_station, answer, ether

pytestmark = pytest.mark.anyio

STATUS = call.StatusNotification(connector_id=1, error_code="NoError", status="Available")


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


async def test_whoever_wants_to_know_is_told_of_the_answer_that_has_accepted_the_boot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with ether(monkeypatch) as air:
        air.boots = [answer("Pending", 30), answer("Accepted", 1000)]
        told: list[Any] = []
        async with a_station(on_boot=told.append):
            await anyio.sleep(40)
            air.cut()
            await anyio.sleep(40)
        assert told == [answer("Accepted", 1000)]


async def test_who_fails_when_told_harms_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(response: Any) -> None:
        raise LookupError("no clock")

    async with ether(monkeypatch) as air, a_station(on_boot=fail) as station:
        await station.call(STATUS)
        assert [action for _, action in air.asked] == ["BootNotification", "StatusNotification"]
    assert "CP_1: on_boot failed" in caplog.text
    assert "LookupError: no clock" in caplog.text


async def test_a_boot_that_the_csms_triggers_is_sent_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ether(monkeypatch) as air:
        air.boots = [answer("Pending", 1000), answer("Accepted", 50)]
        told: list[Any] = []
        async with a_station(on_boot=told.append) as station:
            await anyio.sleep(10)
            station.boot_again()
            await station.call(STATUS)
            assert (station.heartbeat_interval, len(told)) == (50, 1)
            await anyio.sleep(10)
            station.boot_again()
            await anyio.sleep(10)
        boots = [when for when, action in air.asked if action == "BootNotification"]
        assert boots == [0, 10, 20]
        assert len(told) == 2


async def test_a_boot_that_is_wanted_without_a_link_is_sent_over_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with ether(monkeypatch) as air, a_station() as station:
        await anyio.sleep(10)
        air.cut()
        await anyio.sleep(0.1)
        station.boot_again()
        await anyio.sleep(10)
        assert len([when for when, action in air.asked if action == "BootNotification"]) == 2


async def test_a_boot_that_was_triggered_and_refused_leaves_the_station_accepted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with ether(monkeypatch) as air, a_station() as station:
        await anyio.sleep(10)
        air.boots = [GenericError("busy")]
        station.boot_again()
        await anyio.sleep(200)
        assert [when for when, action in air.asked if action == "BootNotification"] == [0, 10]
        assert station.state.boot is BootStatus.ACCEPTED


async def test_who_boots_by_itself_boots_again_by_itself() -> None:
    with pytest.raises(LocalProtocolError, match="CP_1 was given no BootNotification"):
        a_station(boot=()).boot_again()


async def test_heartbeats_come_as_often_as_they_are_wanted_from_then_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with ether(monkeypatch) as air:
        air.boots = [answer("Accepted", 1000)]
        async with a_station() as station:
            await anyio.sleep(50)
            assert station.heartbeat_interval == 1000
            station.heartbeat_every(10)
            await anyio.sleep(25)
            station.heartbeat_every(300)
            await anyio.sleep(290)
            assert station.heartbeat_interval == 300
        beats = [when for when, action in air.asked if action == "Heartbeat"]
        assert beats == [50, 60, 70]


async def test_the_next_boot_says_again_how_often_heartbeats_come(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ether(monkeypatch) as air:
        air.boots = [answer("Accepted", 100)]
        async with a_station() as station:
            await anyio.sleep(1)
            station.heartbeat_every(10)
            air.cut()
            await anyio.sleep(5)
            assert station.heartbeat_interval == 10  # a mere reconnect changes nothing
            station.state = StationState("CP_1")
            await station.reconnect()
            await anyio.sleep(5)
            assert station.heartbeat_interval == 100


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("inf"), 10**400, "5"])
async def test_heartbeats_come_after_a_number_of_seconds(wrong: Any) -> None:
    station = a_station()
    with pytest.raises(ValueError, match="heartbeats come every so many seconds"):
        station.heartbeat_every(wrong)
    assert station.heartbeat_interval == 60
