"""station.py: one that connects again, boots once and shows signs of life; in memory and on virtual time, on both backends."""

import logging
from contextlib import suppress
from functools import partial
from typing import Any

import anyio
import pytest

from ocpp_sansio import BootStatus, ConnectionClosed, Limits, Raw, StationState, Validation, Version
from ocpp_sansio.errors import GenericError
from ocpp_sansio.handshake import UpgradeFailed
from ocpp_sansio.routing import on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v201 import call as call_201
from ocpp_sansio.v201 import datatypes as datatypes_201
from ocpp_sansio_adapters import charge_point, station, v16, v21, v201
from ocpp_sansio_adapters.records import CallFinished, Record
from ocpp_sansio_adapters.station import Station
from tests.adapters.ether import BOOT, NOW, a_station, answer, ether

pytestmark = pytest.mark.anyio

ANY: Any = object()
STATUS = call.StatusNotification(connector_id=1, error_code="NoError", status="Available")


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


# Booting.


async def test_a_station_boots_once_and_not_after_a_mere_reconnect(monkeypatch: pytest.MonkeyPatch) -> None:
    # J16-129, J201-129
    async with ether(monkeypatch) as air, a_station() as station:
        await anyio.sleep(10)
        air.cut()
        await anyio.sleep(10)
        assert air.asked == [(0, "BootNotification")]
        assert len(air.attempts) == 2
        assert station.state.boot is BootStatus.ACCEPTED
        await station.call(STATUS)


async def test_a_station_that_is_known_to_be_accepted_does_not_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    # J16-129: whoever restarts a program has not restarted a station
    state = StationState("CP_1", BootStatus.ACCEPTED)
    async with ether(monkeypatch) as air, a_station(state=state) as station:
        await station.call(STATUS)
        assert air.asked == [(0, "StatusNotification")]


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
async def test_a_boot_is_tried_again_after_the_interval(status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # J16-502, J16-504, J16-507
    async with ether(monkeypatch) as air:
        air.boots = [answer(status, 30), answer(status, 0), answer("Accepted", 1000)]
        async with a_station() as station:
            await station.call(STATUS)
        assert air.asked == [
            (0, "BootNotification"),
            (30, "BootNotification"),
            (90, "BootNotification"),  # for 0, one that floods nobody
            (90, "StatusNotification"),  # which has waited all the time
        ]


async def test_a_reconnect_is_no_reason_to_boot_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    # J16-502
    async with ether(monkeypatch) as air:
        air.boots = [answer("Pending", 30), answer("Accepted", 1000)]
        async with a_station():
            await anyio.sleep(10)
            air.cut()
            await anyio.sleep(30)
        assert air.asked == [(0, "BootNotification"), (30, "BootNotification")]
        assert len(air.attempts) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        GenericError("not now"),
        None,  # no answer
        Raw("BootNotification", {"currentTime": NOW, "interval": "soon", "status": "Accepted"}),
    ],
)
async def test_a_boot_without_a_usable_answer_is_tried_again(
    wrong: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with ether(monkeypatch) as air:
        air.boots = [wrong, answer("Accepted", 1000)]
        async with a_station(call_timeout=20) as station:
            await station.call(STATUS, timeout=200)
        began, again = [when for when, action in air.asked if action == "BootNotification"]
        assert (began, again) == (0, 60 if wrong is not None else 80)
    assert any("no usable answer to the BootNotification" in line for line in caplog.text.splitlines())


@pytest.mark.parametrize(("interval", "seconds"), [(-5, 60), (10**400, 10**6)], ids=["negative", "huge"])
async def test_no_interval_floods_or_breaks_a_station(
    interval: int, seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(station, "MOST_SECONDS", 10**6)  # a clock of floats may stand still at 2**31
    async with ether(monkeypatch) as air:
        raw = Raw("BootNotification", {"currentTime": NOW, "interval": interval, "status": "Rejected"})
        air.boots = [raw, answer("Accepted", 1000)]
        async with a_station():
            await anyio.sleep(59)
            assert len(air.asked) == 1
            await anyio.sleep(seconds - 58)
            assert [action for _, action in air.asked] == ["BootNotification"] * 2


async def test_a_station_boots_where_nothing_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ether(monkeypatch) as air:
        air.boots = [answer("Pending", 5), answer("Accepted", 5)]
        async with a_station(validation="off") as station:
            await station.call(STATUS, timeout=100)
        assert [action for _, action in air.asked] == ["BootNotification"] * 2 + ["StatusNotification"]


async def test_a_full_queue_does_not_keep_a_station_from_booting(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ether(monkeypatch) as air:
        air.boots = [answer("Pending", 30), answer("Accepted", 1000)]
        async with a_station(limits=Limits(queued_calls=2)) as station, anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(station.call, STATUS)
        assert [when for when, action in air.asked if action == "BootNotification"] == [0, 30]


# Heartbeats.


async def test_heartbeats_come_after_inactivity(monkeypatch: pytest.MonkeyPatch) -> None:
    # J16-123, J201-123
    async with ether(monkeypatch) as air:
        air.boots = [answer("Accepted", 10)]
        async with a_station() as station:
            await anyio.sleep(26)
            await station.call(STATUS)
            await anyio.sleep(13)
        assert air.asked == [
            (0, "BootNotification"),
            (10, "Heartbeat"),
            (20, "Heartbeat"),
            (26, "StatusNotification"),
            (36, "Heartbeat"),
        ]


async def test_an_answer_is_a_sign_of_life_too(monkeypatch: pytest.MonkeyPatch) -> None:
    # J16-123
    class Answers(v16.ChargePoint):
        @on(call.ClearCache)
        def clear_cache(self, request: call.ClearCache) -> call_result.ClearCache:
            return call_result.ClearCache(status="Accepted")

    async with ether(monkeypatch) as air:
        air.boots = [answer("Accepted", 10)]
        async with a_station(Answers):
            for _ in range(5):
                await anyio.sleep(8)
                await air.csms.call(call.ClearCache())
        assert air.asked == [(0, "BootNotification")]


@pytest.mark.parametrize("wrong", [GenericError("busy"), None])
async def test_a_heartbeat_that_fails_is_no_reason_to_hurry(
    wrong: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ether(monkeypatch) as air:
        air.boots = [answer("Accepted", 10)]
        air.heartbeats = [wrong]
        async with a_station(call_timeout=5):
            await anyio.sleep(35)
        beats = [when for when, action in air.asked if action == "Heartbeat"]
        assert beats == [10, 20, 30]


async def test_where_the_queue_is_full_heartbeats_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ether(monkeypatch) as air, anyio.create_task_group() as tasks:
        air.boots = [answer("Accepted", 10)]
        async with a_station(limits=Limits(queued_calls=1), call_timeout=103) as station:
            await anyio.sleep(5)
            air.heartbeats = [None, call_result.Heartbeat(current_time=NOW)]
            tasks.start_soon(_ask, station, call.Heartbeat())
            await anyio.sleep(1)
            tasks.start_soon(_ask, station, STATUS)
            await anyio.sleep(149)
        assert air.asked[1:4] == [(5, "Heartbeat"), (108, "StatusNotification"), (118, "Heartbeat")]


async def _ask(station: Station, request: Any) -> None:
    with suppress(TimeoutError):
        await station.call(request)


async def test_who_boots_by_itself_has_no_heartbeats_either(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ether(monkeypatch) as air:
        async with a_station(boot=()) as station:
            await anyio.sleep(100)
            assert air.asked == []
            await station.call(BOOT)
            await anyio.sleep(100)
        assert air.asked == [(100, "BootNotification")]


# Connecting again.


async def test_attempts_come_after_growing_delays_that_begin_anew_after_a_success(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # J16-116, J201-125, J201-127
    async with ether(monkeypatch) as air:
        air.trouble = [
            OSError("no way"),
            UpgradeFailed(401, "go away"),
            TimeoutError(),
            ConnectionError("hung up"),
        ]
        async with a_station() as station:
            none_yet = station.charge_point
            charge_point = await station.connected()
            assert (none_yet, station.charge_point) == (None, charge_point)
            assert [when for when, _ in air.attempts] == [0, 1.5, 4, 8.5, 13]
            await anyio.sleep(7)
            air.cut()
            air.trouble = [OSError("no way")]
            await anyio.sleep(10)
            assert [when for when, _ in air.attempts][5:] == [21.5, 24]
            assert station.charge_point is not charge_point


async def test_each_delay_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    # J201-125
    draws = iter([0.0, 1.0, 0.25])
    async with ether(monkeypatch) as air:
        air.trouble = [OSError("no way")] * 3
        async with a_station(draw=draws.__next__) as station:
            await station.connected()
        assert [when for when, _ in air.attempts] == [0, 1, 4, pytest.approx(8.2, abs=0.1)]


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011])
async def test_a_station_comes_back_whatever_the_reason_was(
    code: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with ether(monkeypatch) as air, a_station() as station:
        await anyio.sleep(10)
        await air.csms.transport.aclose(code)
        await anyio.sleep(10)
        await station.call(STATUS)
        assert len(air.attempts) == 2
    assert f"CP_1: received {code}" in caplog.text


async def test_a_call_that_the_link_is_lost_under_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ether(monkeypatch) as air, a_station() as station, anyio.create_task_group() as tasks:
        await anyio.sleep(10)
        air.heartbeats = [None]

        async def ask_in_vain() -> None:
            with pytest.raises(ConnectionClosed):
                await station.call(call.Heartbeat())
            ended.append(air.now)

        ended: list[float] = []
        tasks.start_soon(ask_in_vain)
        await anyio.sleep(1)
        air.cut()
        await anyio.sleep(1)
        assert ended == [11]


async def test_the_version_that_was_agreed_on_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ether(monkeypatch) as air:
        air.speaks = v201.ChargePoint
        async with a_station(v21.ChargePoint, v201.ChargePoint, v16.ChargePoint, boot=()) as station:
            charge_point = await station.connected()
            assert type(charge_point) is v201.ChargePoint
            assert charge_point.protocol.version is Version.V201
            await anyio.sleep(1)
            air.cut()
            await anyio.sleep(10)
            assert type(await station.connected()) is v201.ChargePoint
        assert [versions for _, versions in air.attempts] == [["2.1", "2.0.1", "1.6"], ["2.0.1"]]


async def test_settings_are_those_of_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ether(monkeypatch) as air, a_station(settings={"password": "secret", "open_timeout": 3.0}):
        await anyio.sleep(1)
        assert air.settings == {"password": "secret", "open_timeout": 3.0}


class Metered(v16.ChargePoint):
    def __init__(self, *arguments: Any, meter: list[int], **options: Any) -> None:
        super().__init__(*arguments, **options)
        meter.append(len(meter))


async def test_what_outlives_a_link_goes_by_a_partial(monkeypatch: pytest.MonkeyPatch) -> None:
    meter: list[int] = []
    async with ether(monkeypatch) as air, a_station(partial(Metered, meter=meter)):
        await anyio.sleep(1)
        air.cut()
        await anyio.sleep(10)
    assert meter == [0, 1]


async def test_observers_see_each_link_and_heartbeats_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    records: list[Record] = []
    async with ether(monkeypatch) as air, a_station(observers=iter([records.append])) as station:
        air.boots = [answer("Accepted", 30)]
        await anyio.sleep(10)
        air.cut()
        await anyio.sleep(10)
        await station.call(STATUS)
        await anyio.sleep(31)
    actions = [record.action for record in records if isinstance(record, CallFinished)]
    assert actions == ["BootNotification", "StatusNotification", "Heartbeat"]
    assert {record.identity for record in records} == {"CP_1"}


async def test_a_timer_may_be_told_by_its_keywords(monkeypatch: pytest.MonkeyPatch) -> None:
    timer = {"wait_minimum": 5, "random_range": 0, "repeat_times": 1}
    async with ether(monkeypatch) as air:
        air.trouble = [OSError("no way")] * 3
        async with a_station(timer=timer):
            await anyio.sleep(100)
        assert [instant for instant, _ in air.attempts] == [0, 5, 15, 25]


async def test_options_may_name_what_only_some_versions_have(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = Validation(actions={"RemoteStartTransaction": "lenient", "RequestStartTransaction": "lenient"})
    async with (
        ether(monkeypatch),
        a_station(v201.ChargePoint, v16.ChargePoint, boot=(), validation=policy) as station,
    ):
        assert (await station.connected()).version is Version.V16
    wrong = Validation(actions={"RemotStartTransaction": "lenient"})
    with pytest.raises(ValueError, match="did you mean 'RemoteStartTransaction'"):
        Station("ws://localhost", "CP_1", v201.ChargePoint, v16.ChargePoint, validation=wrong)


# Wrong arguments.

BOOT_201 = call_201.BootNotification(
    charging_station=datatypes_201.ChargingStationType(model="One", vendor_name="acme"), reason="PowerUp"
)


@pytest.mark.parametrize("wrong", [v16.ChargePoint("CP_1", ANY), charge_point.ChargePoint, int])
async def test_a_station_takes_classes_of_charge_points(wrong: Any) -> None:
    with pytest.raises(TypeError, match="a station takes classes of charge points that have a version"):
        Station("ws://localhost", "CP_1", wrong)


@pytest.mark.parametrize("classes", [[], [v16.ChargePoint, v16.ChargePoint]])
async def test_a_station_has_one_class_for_each_version(classes: list[Any]) -> None:
    with pytest.raises(ValueError, match="one class of charge points for each version"):
        Station("ws://localhost", "CP_1", *classes)


@pytest.mark.parametrize("boot", [BOOT_201, [BOOT, BOOT_201], call.Heartbeat(), [BOOT, call.Heartbeat()]])
async def test_a_boot_is_one_for_each_version(boot: Any) -> None:
    with pytest.raises(ValueError, match="boot has one BootNotification for each version"):
        Station("ws://localhost", "CP_1", v16.ChargePoint, boot=boot)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"url": "http://localhost"}, "endpoint"),
        ({"identity": "a:b", "settings": {"password": "secret"}}, "identity"),
        ({"settings": {"open_timeout": 0}}, "open_timeout"),
        ({"settings": {"colour": "red"}}, "colour"),
        ({"boot": call.BootNotification(charge_point_vendor="x" * 99, charge_point_model="One")}, "Vendor"),
        ({"call_timeout": -1}, "call_timeout"),
        ({"timer": {"wait_minimum": -1}}, "wait_minimum"),
        ({"timer": {"colour": 1}}, "colour"),
        ({"timer": 5}, "timer is a ReconnectTimer or the keywords of one, not 5"),
        ({"observers": [5]}, "an observer is a function, not 5"),
    ],
)
async def test_what_is_wrong_is_said_before_anything_is_sent(arguments: dict[str, Any], named: str) -> None:
    right = {"url": "ws://localhost", "identity": "CP_1"}
    place = {**right, **{name: arguments[name] for name in right.keys() & arguments.keys()}}
    others = {name: value for name, value in arguments.items() if name not in right}
    with pytest.raises((TypeError, ValueError), match=named):
        Station(*place.values(), v16.ChargePoint, **others)
