"""A simulated station as a thing: availability, reservations, profiles and settings, without a link and
without a version.
"""

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from ocpp_sansio_adapters.cli._simulation.charger import Charger, Phase, Setting, Transaction
from tests.adapters.live_command import EPOCH

HOUR = timedelta(hours=1)


class Clock:
    def __init__(self) -> None:
        self.time = EPOCH

    def __call__(self) -> Any:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def charger(clock: Clock) -> Charger:
    return Charger(Random(1), 2, clock)


def busy(charger: Charger, number: int) -> Transaction:
    connector = charger.connectors[number]
    connector.transaction, connector.phase = Transaction("T", "Central", id=number), Phase.CHARGING
    return connector.transaction


# Availability.


def test_the_station_as_a_whole_makes_all_connectors_unavailable(charger: Charger) -> None:
    assert charger.change_availability(0, False) == "Accepted"
    assert [charger.status(each) for each in charger.connectors.values()] == [Phase.UNAVAILABLE] * 2
    assert charger.change_availability(0, True) == "Accepted"
    assert [charger.status(each) for each in charger.connectors.values()] == [Phase.AVAILABLE] * 2


def test_what_is_charging_goes_on_when_the_connector_becomes_inoperative(charger: Charger) -> None:
    busy(charger, 1)
    assert charger.change_availability(1, False) == "Scheduled"
    assert charger.status(charger.connectors[1]) is Phase.CHARGING
    charger.connectors[1].transaction, charger.connectors[1].phase = None, Phase.AVAILABLE
    assert charger.status(charger.connectors[1]) is Phase.UNAVAILABLE
    assert charger.change_availability(1, True) == "Accepted"


def test_a_connector_that_there_is_not_cannot_change(charger: Charger) -> None:
    assert charger.change_availability(3, False) == "Rejected"


def test_the_first_reason_to_stop_counts() -> None:
    transaction = Transaction("T", "Central")
    transaction.end("Remote")
    transaction.end("PowerLoss")
    assert transaction.stop == "Remote"


# Who may charge where.


def test_a_customer_gets_the_first_free_connector_or_the_one_that_is_wanted(charger: Charger) -> None:
    assert charger.free(None, "A") is charger.connectors[1]
    assert charger.free(2, "A") is charger.connectors[2]
    busy(charger, 1)
    assert charger.free(None, "A") is charger.connectors[2]
    assert charger.free(1, "A") is None
    assert charger.free(9, "A") is None


def test_a_reserved_connector_is_for_its_token_alone_and_only_in_time(charger: Charger, clock: Clock) -> None:
    assert charger.reserve(7, 1, "MINE", EPOCH + HOUR) == "Accepted"
    connector = charger.connectors[1]
    assert charger.status(connector) is Phase.RESERVED
    assert charger.free(1, "OTHER") is None
    assert charger.free(1, "MINE") is connector
    assert charger.use_reservation(connector, "OTHER") is None
    clock.time += HOUR
    assert charger.status(connector) is Phase.AVAILABLE
    assert charger.free(1, "OTHER") is connector
    clock.time -= HOUR
    assert charger.use_reservation(connector, "MINE") == 7
    assert charger.status(connector) is Phase.AVAILABLE


def test_a_reservation_opens_no_connector_that_is_out_of_order(charger: Charger) -> None:
    assert charger.reserve(7, 1, "MINE", EPOCH + HOUR) == "Accepted"
    charger.change_availability(1, False)
    assert charger.status(charger.connectors[1]) is Phase.UNAVAILABLE
    assert charger.free(1, "MINE") is None


def test_a_reservation_says_why_it_is_refused(charger: Charger) -> None:
    assert charger.reserve(1, 9, "A", EPOCH + HOUR) == "Rejected"
    busy(charger, 1)
    assert charger.reserve(1, 1, "A", EPOCH + HOUR) == "Occupied"
    charger.change_availability(2, False)
    assert charger.reserve(1, 2, "A", EPOCH + HOUR) == "Unavailable"


def test_a_reservation_with_the_same_id_replaces_the_first(charger: Charger) -> None:
    assert charger.reserve(1, 1, "A", EPOCH + HOUR) == "Accepted"
    assert charger.reserve(1, 1, "B", EPOCH + HOUR) == "Accepted"
    assert charger.free(1, "B") is charger.connectors[1]
    assert charger.free(1, "A") is None


# Settings.


@pytest.mark.parametrize(
    ("setting", "value", "status"),
    [
        (Setting("a"), "b", "Accepted"),
        (Setting("a", readonly=True), "b", "Rejected"),
        (Setting("a", reboot=True), "b", "RebootRequired"),
        (Setting("1", least=1), "20", "Accepted"),
        (Setting("1", least=1), "0", "Rejected"),
        (Setting("1", least=1), "soon", "Rejected"),
    ],
)
def test_a_setting_is_changed_if_it_may_be(
    charger: Charger, setting: Setting, value: str, status: str
) -> None:
    before = setting.value
    charger.settings["x"] = setting
    assert charger.set("x", value) == status
    assert setting.value == (before if status == "Rejected" else value)


def test_the_meter_stands_still_while_nobody_charges_and_counts_on_for_the_next_car(charger: Charger) -> None:
    connector = charger.connectors[1]
    first = connector.read(EPOCH)
    assert connector.read(EPOCH + HOUR).energy == first.energy
    busy(charger, 1)
    connector.meter.plug_in()
    begin = connector.read(EPOCH + HOUR)
    assert begin.energy == first.energy
    assert connector.read(EPOCH + 2 * HOUR).energy > begin.energy + 3000


def test_a_limit_bounds_the_power(charger: Charger) -> None:
    connector = charger.connectors[1]
    busy(charger, 1)
    connector.meter.limit = 1000.0
    begin = connector.read(EPOCH)
    later = connector.read(EPOCH + HOUR)
    assert later.power == 1000
    assert later.energy - begin.energy == pytest.approx(1000, abs=1)
