"""Charging profiles of a simulated station: which limit holds when, and what becomes of them; without a link and
without a version.
"""

from datetime import datetime, timedelta
from math import inf
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from ocpp_sansio_adapters.cli._simulation.charger import Charger, Phase, Transaction
from ocpp_sansio_adapters.cli._simulation.profiles import MOST_KEPT, Period, Profile, profile_from
from tests.adapters.live_command import EPOCH

DAY = 86_400


class Clock:
    def __init__(self) -> None:
        self.time = EPOCH

    def __call__(self) -> datetime:
        return self.time

    def at(self, seconds: float) -> None:
        self.time = EPOCH + timedelta(seconds=seconds)


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


def profile(id: int, purpose: str = "TxDefaultProfile", level: int = 0, **more: Any) -> Profile:
    details: dict[str, Any] = {"connector": 1, "unit": "W", "periods": (Period(0, 5000.0),), "begins": EPOCH}
    return Profile(id=id, purpose=purpose, level=level, **{**details, **more})


def limit(charger: Charger, number: int) -> float | None:
    return charger.limit(charger.connectors[number])


def limits(charger: Charger, clock: Clock, *instants: float) -> list[float | None]:
    found = []
    for seconds in instants:
        clock.at(seconds)
        found.append(limit(charger, 1))
    return found


def test_of_one_purpose_the_highest_level_counts_and_of_all_the_least(charger: Charger) -> None:
    assert limit(charger, 1) is None
    assert charger.set_profile(profile(1, level=0)) == "Accepted"
    assert charger.set_profile(profile(2, level=3, periods=(Period(0, 9000.0),))) == "Accepted"
    assert limit(charger, 1) == 9000
    assert charger.set_profile(
        profile(3, "ChargePointMaxProfile", connector=0, periods=(Period(0, 2000.0),))
    ) == ("Accepted")
    assert limit(charger, 1) == 2000
    assert limit(charger, 2) == 2000


def test_a_profile_of_the_transaction_stands_in_for_the_default(charger: Charger) -> None:
    charger.set_profile(profile(1))
    assert charger.set_profile(profile(2, "TxProfile", periods=(Period(0, 11000.0),))) == "Rejected"
    busy(charger, 1)
    assert charger.set_profile(profile(2, "TxProfile", periods=(Period(0, 11000.0),))) == "Accepted"
    assert limit(charger, 1) == 11000


def test_periods_follow_each_other_until_the_schedule_is_over(charger: Charger, clock: Clock) -> None:
    charger.set_profile(profile(1, unit="A", periods=(Period(0, 16.0), Period(600, 8.0)), duration=1200.0))
    assert limit(charger, 1) == 16 * 690
    clock.time += timedelta(seconds=600)
    assert limit(charger, 1) == 8 * 690
    clock.time += timedelta(seconds=600)
    assert limit(charger, 1) is None


def test_a_composite_schedule_names_each_change_in_the_unit_that_is_asked_for(charger: Charger) -> None:
    charger.set_profile(profile(1, unit="A", periods=(Period(0, 10.0), Period(600, 5.0)), duration=1200.0))
    most = charger.connectors[1].meter.most_power
    assert charger.composite(1, 3600, "W") == [Period(0, 6900.0), Period(600, 3450.0), Period(1200, most)]
    assert charger.composite(1, 900, "A") == [Period(0, 10.0), Period(600, 5.0)]
    both = sum(connector.meter.most_power for connector in charger.connectors.values())
    assert charger.composite(0, 60, "W") == [Period(0, both)]


def test_a_profile_replaces_one_with_its_id_or_its_place(charger: Charger) -> None:
    charger.set_profile(profile(1, level=0))
    charger.set_profile(profile(2, level=0))
    assert list(charger.profiles.by_id) == [2]
    charger.set_profile(profile(2, level=5))
    assert [each.level for each in charger.profiles.by_id.values()] == [5]


def test_profiles_are_found_and_cleared_by_whatever_is_said_of_them(charger: Charger) -> None:
    charger.set_profile(profile(1, level=1))
    charger.set_profile(profile(2, level=2, connector=2))
    charger.set_profile(profile(3, "ChargePointMaxProfile", connector=0))
    assert [each.id for each in charger.profiles.chosen()] == [1, 2, 3]
    assert [each.id for each in charger.profiles.chosen(connector=2)] == [2]
    assert [each.id for each in charger.profiles.chosen(purpose="ChargePointMaxProfile")] == [3]
    assert [each.id for each in charger.profiles.chosen([1, 2], level=1)] == [1]
    assert charger.profiles.clear(charger.profiles.chosen(level=2)) == "Accepted"
    assert charger.profiles.clear(charger.profiles.chosen(level=2)) == "Unknown"
    assert list(charger.profiles.by_id) == [1, 3]


def test_nothing_that_a_csms_sends_is_kept_without_end(charger: Charger) -> None:
    statuses = {charger.set_profile(profile(id, level=id)) for id in range(MOST_KEPT)}
    assert statuses == {"Accepted"}
    assert charger.set_profile(profile(MOST_KEPT, level=MOST_KEPT)) == "Rejected"


def test_a_profile_of_a_transaction_is_for_that_one_alone(charger: Charger) -> None:
    busy(charger, 1)
    assert charger.set_profile(profile(1, "TxProfile", transaction=7)) == "Rejected"
    assert charger.set_profile(profile(1, "TxProfile", transaction=1)) == "Accepted"


def test_a_daily_profile_begins_anew_each_day(charger: Charger, clock: Clock) -> None:
    periods = (Period(0, 2000.0), Period(3600, 9000.0))
    charger.set_profile(profile(1, periods=periods, duration=7200.0, recurs=float(DAY)))
    assert limits(charger, clock, -1, 0, 3600, 7200, DAY - 1, DAY, DAY + 3600) == [
        None,
        2000,
        9000,
        None,
        None,
        2000,
        9000,
    ]
    clock.at(DAY - 60)
    most = charger.connectors[1].meter.most_power
    assert charger.composite(1, 4000, "W") == [Period(0, most), Period(60, 2000.0), Period(3660, 9000.0)]
    assert len(charger.composite(1, 7 * DAY, "W")) == 3 * 7 + 1


def test_a_relative_profile_begins_with_the_transaction(charger: Charger, clock: Clock) -> None:
    periods = (Period(0, 2000.0), Period(600, 9000.0))
    charger.set_profile(profile(1, periods=periods, begins=None))
    clock.at(10_000)
    assert limit(charger, 1) == 2000
    assert charger.composite(1, 900, "W") == [Period(0, 2000.0), Period(600, 9000.0)]
    busy(charger, 1).began = EPOCH + timedelta(seconds=9700)
    assert charger.composite(1, 900, "W") == [Period(0, 2000.0), Period(300, 9000.0)]
    assert limits(charger, clock, 10_299, 10_300) == [2000, 9000]


def test_a_profile_counts_while_it_is_valid(charger: Charger, clock: Clock) -> None:
    since, until = EPOCH + timedelta(seconds=100), EPOCH + timedelta(seconds=200)
    charger.set_profile(profile(1, since=since, until=until))
    assert limits(charger, clock, 99, 100, 199, 200) == [None, 5000, 5000, None]
    clock.at(0)
    most = charger.connectors[1].meter.most_power
    assert charger.composite(1, 300, "W") == [Period(0, most), Period(100, 5000.0), Period(200, most)]


def test_a_profile_that_recurs_for_ever_makes_no_endless_schedule(charger: Charger) -> None:
    charger.set_profile(profile(1, recurs=float(DAY), duration=60.0))
    assert len(charger.composite(1, 2**31 - 1, "W")) == 10_000


@pytest.mark.parametrize(
    ("kind", "recurrency", "begins", "recurs"),
    [
        ("Absolute", None, EPOCH, inf),
        ("Relative", None, None, inf),
        ("Recurring", "Daily", EPOCH, DAY),
        ("Recurring", "Weekly", EPOCH, 7 * DAY),
    ],
)
def test_a_profile_is_read_as_it_came(kind: str, recurrency: str | None, begins: Any, recurs: float) -> None:
    period = SimpleNamespace(start_period=5, limit=None)
    schedule = SimpleNamespace(
        start_schedule=None, duration=10 * DAY, charging_rate_unit="A", charging_schedule_period=[period]
    )
    raw = SimpleNamespace(
        charging_profile_kind=kind,
        recurrency_kind=recurrency,
        charging_profile_purpose="TxDefaultProfile",
        stack_level=3,
        valid_from=EPOCH,
        valid_to=None,
        transaction_id="T",
    )
    found = profile_from(raw, 9, schedule, 2, EPOCH)
    assert (found.id, found.connector, found.level, found.begins, found.recurs) == (9, 2, 3, begins, recurs)
    assert found.duration == min(10 * DAY, recurs)
    assert (found.since, found.until, found.transaction) == (EPOCH, None, "T")
    assert found.periods == (Period(5, 1e6),)
