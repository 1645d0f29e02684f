"""The life of a simulated station: customers, transactions, lost links and the end; in memory, on virtual
time.
"""

import json
from datetime import datetime
from itertools import pairwise
from typing import Any

import anyio
import pytest

from ocpp_sansio import BootStatus, Version
from ocpp_sansio.v16 import call as call_16
from ocpp_sansio.v201 import call as call_201
from tests.adapters.live_command import playground

pytestmark = pytest.mark.anyio

STEADY: dict[str, Any] = {"charge": 1e8, "pause": 1, "connectors": 1}
BRIEF: dict[str, Any] = {**STEADY, "charge": 600}


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


def payload(line: str) -> Any:
    return json.loads(line[line.index("{") :])


def actions(lines: list[str]) -> list[str]:
    return [line.split()[1] for line in lines if " = " not in line[:60]]


async def test_a_station_boots_reports_and_sends_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playground(monkeypatch) as ground:
        ground.host.interval = 100
        ground.life("1.6")
        await anyio.sleep(250)
        assert actions(ground.said("->")) == [
            "BootNotification",
            *["StatusNotification"] * 3,
            "Heartbeat",
            "Heartbeat",
        ]


async def test_a_customer_of_1_6_charges_with_rising_energy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playground(monkeypatch) as ground:
        life = ground.life("1.6", **BRIEF)
        await ground.joined()
        await anyio.sleep(30)
        [[_, transaction]] = life.charger.running()
        await transaction.over.wait()
        await anyio.sleep(0.1)  # for the last status
        [start] = [payload(line) for line in ground.said("-> StartTransaction {")]
        values = [payload(line) for line in ground.said("-> MeterValues {")]
        stop = payload(ground.said("-> StopTransaction {")[0])
        readings = [
            start["meterStart"],
            *(int(each["meterValue"][0]["sampledValue"][0]["value"]) for each in values),
            stop["meterStop"],
        ]
        assert len(values) >= 6
        assert readings == sorted(set(readings))
        # 3.7 to 22 kW for seven to ten minutes
        assert 3700 * 400 / 3600 < readings[-1] - readings[0] < 22000 * 600 / 3600
        assert stop["reason"] == "Local"
        assert {each["transactionId"] for each in values} == {stop["transactionId"]}
        statuses = [payload(line) for line in ground.said("-> StatusNotification {")]
        told = [each["status"] for each in statuses if each["connectorId"] == 1]
        assert told[:5] == ["Available", "Preparing", "Charging", "Finishing", "Available"]


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_a_transaction_of_2_x_is_numbered_from_start_to_end(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with playground(monkeypatch) as ground:
        life = ground.life(version, **BRIEF)
        await ground.joined()
        await anyio.sleep(30)
        [[_, transaction]] = life.charger.running()
        await transaction.over.wait()
        events = [payload(line) for line in ground.said("-> TransactionEvent {")]
        events = [each for each in events if each["transactionInfo"]["transactionId"] == transaction.id]
        assert [each["seqNo"] for each in events] == list(range(len(events)))
        kinds = [each["eventType"] for each in events]
        assert kinds == ["Started", *["Updated"] * (len(events) - 2), "Ended"]
        assert len(events) > 6
        assert events[-1]["transactionInfo"]["stoppedReason"] == "Local"
        assert events[-1]["triggerReason"] == "StopAuthorized"


async def test_somebody_whom_the_csms_does_not_know_does_not_charge(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playground(monkeypatch) as ground:
        life = ground.life("1.6")
        await ground.joined()
        monkeypatch.setattr(life.dialect, "welcome", lambda answer: False)
        life.begin(life.charger.connectors[1], "UNKNOWN")
        await anyio.sleep(10)
        assert actions(ground.said("->"))[-3:] == ["StatusNotification", "Authorize", "StatusNotification"]
        assert not list(life.charger.running())


async def test_a_transaction_outlives_its_link_and_the_station_does_not_boot_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # J16-129
    async with playground(monkeypatch) as ground:
        life = ground.life("1.6", **STEADY, reconnect=200)
        await anyio.sleep(200)
        before = len(ground.said("-> MeterValues {"))
        ground.cut()
        await anyio.sleep(1000)
        values = [payload(line) for line in ground.said("-> MeterValues {")]
        assert len(values) >= before + 5
        assert len({each["transactionId"] for each in values}) == 1
        assert len(ground.said("-> BootNotification {")) == 1
        assert len(ground.said("connected")) == 2
        statuses = [payload(line)["status"] for line in ground.said("-> StatusNotification {")]
        assert statuses[-1] == "Charging"  # told again on the new link
        assert len(list(life.charger.running())) == 1


@pytest.mark.parametrize("version", Version)
async def test_at_the_end_transactions_are_stopped_before_the_link_closes(
    version: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with playground(monkeypatch) as ground:
        ground.life(version, **STEADY)
        await anyio.sleep(100)
        ground.tasks.cancel_scope.cancel()
    spoken = ground.said("->", "disconnected")
    assert "PowerLoss" in "".join(spoken[-4:])
    assert spoken[-1] == "disconnected"
    [stopped] = ground.said("-> StopTransaction {", '-> TransactionEvent {"eventType": "Ended"')
    assert ground.host.known["CP_1"].transactions == {}, stopped


async def test_without_a_link_the_end_is_not_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playground(monkeypatch) as ground:
        ground.life("1.6", **STEADY, reconnect=100000)
        await anyio.sleep(100)
        ground.cut()
        await anyio.sleep(100)
        began = anyio.current_time()
        ground.tasks.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            await anyio.sleep(1)
    assert anyio.current_time() - began < 10


async def test_a_reset_ends_the_transaction_and_boots_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playground(monkeypatch) as ground:
        ground.life("1.6", **STEADY, reconnect=1)
        await anyio.sleep(100)
        answer = await ground.csms.stations["CP_1"].call(call_16.Reset(type="Hard"))
        assert answer.status == "Accepted"
        await anyio.sleep(60)
        [stop] = [payload(line) for line in ground.said("-> StopTransaction {")]
        assert stop["reason"] == "HardReset"
        assert len(ground.said("-> BootNotification {")) == 2


async def test_remote_start_and_stop_of_1_6(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playground(monkeypatch) as ground:
        life = ground.life("1.6")
        station = await ground.joined()
        start = call_16.RemoteStartTransaction(id_tag="REMOTE", connector_id=2)
        assert (await station.call(start)).status == "Accepted"
        await anyio.sleep(1)
        [[connector, transaction]] = life.charger.running()
        assert (connector.number, transaction.token) == (2, "REMOTE")
        assert (await station.call(start)).status == "Rejected"
        wrong = call_16.RemoteStopTransaction(transaction_id=transaction.id + 1)
        assert (await station.call(wrong)).status == "Rejected"
        right = call_16.RemoteStopTransaction(transaction_id=transaction.id)
        assert (await station.call(right)).status == "Accepted"
        await transaction.over.wait()
        assert payload(ground.said("-> StopTransaction {")[0])["reason"] == "Remote"
        assert not ground.said("-> Authorize")


async def test_remote_start_and_stop_of_2_1(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playground(monkeypatch) as ground:
        life = ground.life("2.0.1")
        station = await ground.joined()
        start = call_201.RequestStartTransaction(
            id_token={"id_token": "REMOTE", "type": "Central"}, remote_start_id=7, evse_id=1
        )
        assert (await station.call(start)).status == "Accepted"
        await anyio.sleep(1)
        [[_, transaction]] = life.charger.running()
        started = payload(ground.said("-> TransactionEvent {")[0])
        assert started["transactionInfo"]["remoteStartId"] == 7
        assert started["idToken"] == {"idToken": "REMOTE", "type": "Central"}
        status = await station.call(call_201.GetTransactionStatus(transaction_id=transaction.id))
        assert status.ongoing_indicator is True
        stop = call_201.RequestStopTransaction(transaction_id=transaction.id)
        assert (await station.call(stop)).status == "Accepted"
        await transaction.over.wait()
        ended = payload(ground.said("-> TransactionEvent {")[-1])
        assert ended["transactionInfo"]["stoppedReason"] == "Remote"


async def test_a_new_sample_interval_counts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playground(monkeypatch) as ground:
        ground.life("1.6", **STEADY)
        await anyio.sleep(100)
        before = len(ground.said("-> MeterValues {"))
        change = call_16.ChangeConfiguration(key="MeterValueSampleInterval", value="5")
        assert (await ground.csms.stations["CP_1"].call(change)).status == "Accepted"
        await anyio.sleep(160)
        assert len(ground.said("-> MeterValues {")) - before > 18


async def test_a_limit_shows_in_the_meter_values(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playground(monkeypatch) as ground:
        ground.life("1.6", **STEADY)
        await anyio.sleep(100)
        profile = {
            "charging_profile_id": 1,
            "stack_level": 0,
            "charging_profile_purpose": "TxDefaultProfile",
            "charging_profile_kind": "Relative",
            "charging_schedule": {
                "charging_rate_unit": "W",
                "charging_schedule_period": [{"start_period": 0, "limit": 1500}],
            },
        }
        request: Any = call_16.SetChargingProfile(connector_id=1, cs_charging_profiles=profile)
        assert (await ground.csms.stations["CP_1"].call(request)).status == "Accepted"
        await anyio.sleep(130)
        last = payload(ground.said("-> MeterValues {")[-1])
        power = float(last["meterValue"][0]["sampledValue"][1]["value"])
        assert power == 1500


# What a CSMS makes of a boot.


@pytest.mark.parametrize("status", [BootStatus.PENDING, BootStatus.REJECTED])
async def test_nobody_charges_before_the_boot_is_accepted(
    status: BootStatus, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with playground(monkeypatch) as ground:
        ground.host.boot, ground.host.interval = status, 100
        life = ground.life("2.0.1", **STEADY)
        await anyio.sleep(250)
        assert actions(ground.said("->")) == ["BootNotification"] * 3
        assert list(life.overview())[:2] == ["OCPP 2.0.1", f"boot {status}"]
        ground.host.boot = BootStatus.ACCEPTED
        await anyio.sleep(100)
        assert "TransactionEvent" in actions(ground.said("->"))
        assert f"boot {status}" not in list(life.overview())


async def test_a_boot_that_is_triggered_is_the_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playground(monkeypatch) as ground:
        ground.host.boot, ground.host.interval = BootStatus.PENDING, 10_000
        life = ground.life("1.6", **STEADY)
        station = await ground.joined()
        ground.host.boot = BootStatus.ACCEPTED
        trigger = call_16.TriggerMessage(requested_message="BootNotification")
        assert (await station.call(trigger)).status == "Accepted"
        await anyio.sleep(10)
        assert len(list(life.charger.running())) == 1
        assert life.station.heartbeat_interval == 10_000


async def test_a_station_that_is_pending_is_not_kept_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playground(monkeypatch) as ground:
        ground.host.boot = BootStatus.PENDING
        ground.life("1.6")
        await ground.joined()
        began = anyio.current_time()
        ground.tasks.cancel_scope.cancel()
    assert anyio.current_time() - began < 1


async def test_heartbeats_come_as_often_as_the_csms_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playground(monkeypatch) as ground:
        ground.host.interval = 1000
        life = ground.life("1.6")
        station = await ground.joined()
        assert life.charger.settings["HeartbeatInterval"].value == "1000"
        change = call_16.ChangeConfiguration(key="HeartbeatInterval", value="10")
        assert (await station.call(change)).status == "Accepted"
        await anyio.sleep(35)
        assert len(ground.said("-> Heartbeat {")) == 3
        life.reset("SoftReset")
        await anyio.sleep(30)
        assert life.charger.settings["HeartbeatInterval"].value == "1000"


# Simulated time.


async def test_a_station_in_fast_time_does_in_seconds_what_takes_hours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with playground(monkeypatch) as ground:
        ground.host.interval = 45
        life = ground.life("1.6", **BRIEF, speed=100.0)
        await anyio.sleep(8)
        [_, *values] = [payload(line) for line in ground.said("-> MeterValues {")][:5]
        times = [datetime.fromisoformat(each["meterValue"][0]["timestamp"]) for each in values]
        assert [(after - before).total_seconds() for before, after in pairwise(times)] == [
            pytest.approx(60, abs=0.1)
        ] * 3
        assert len(ground.said("-> Heartbeat {")) >= 5
        assert life.charger.settings["HeartbeatInterval"].value == "45"


async def test_a_station_that_is_to_leave_says_its_last_words_first(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playground(monkeypatch) as ground:
        life = ground.life("2.1", **STEADY)
        await anyio.sleep(100)
        life.leave()
        await anyio.sleep(5)
        assert ground.said("disconnected") == ["disconnected"]
        assert '"Ended"' in ground.said("-> TransactionEvent {")[-1]
        assert ground.csms.stations.keys() == set()
