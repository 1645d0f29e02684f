"""A simulated station answers whatever a CSMS may ask, in every version, and does what it has said."""

from datetime import timedelta
from typing import Any

import anyio
import pytest

from ocpp_sansio import Role, Version
from ocpp_sansio.v16 import call as call_16
from ocpp_sansio.v21 import call as call_21
from ocpp_sansio.v201 import call as call_201
from tests.adapters.live_command import EPOCH, playground
from tests.adapters.test_cli_csms_answers import requests_of

pytestmark = pytest.mark.anyio

HOUR = EPOCH + timedelta(hours=1)
PROFILE: dict[str, Any] = {
    "id": 5,
    "stack_level": 1,
    "charging_profile_purpose": "TxDefaultProfile",
    "charging_profile_kind": "Relative",
    "charging_schedule": [
        {
            "id": 1,
            "charging_rate_unit": "A",
            "charging_schedule_period": [
                {"start_period": 0, "limit": 16.0},
                {"start_period": 600, "limit": 8.0},
            ],
        }
    ],
}


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


@pytest.mark.parametrize("version", Version)
async def test_every_action_of_a_csms_is_answered(version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    async with playground(monkeypatch) as ground:
        ground.life(version)
        for request in requests_of(version, Role.CSMS):
            await anyio.sleep(30)  # for all that the last request has set in motion
            answer = await ground.csms.stations["CP_1"].call(request)
            assert type(answer) is type(request).__answer__
        await anyio.sleep(30)
    assert "refused" not in ground.out.getvalue() + ground.shown.getvalue()


async def test_configuration_of_1_6_is_read_and_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playground(monkeypatch) as ground:
        ground.life("1.6")
        station = await ground.joined()

        async def change(key: str, value: str) -> str:
            return str((await station.call(call_16.ChangeConfiguration(key=key, value=value))).status)

        assert await change("ConnectionTimeOut", "90") == "Accepted"
        assert await change("NumberOfConnectors", "9") == "Rejected"
        assert await change("HeartbeatInterval", "0") == "Rejected"
        assert await change("NoSuchKey", "9") == "NotSupported"
        asked = ["ConnectionTimeOut", "NumberOfConnectors", "AuthorizationKey", "NoSuchKey"]
        answer = await station.call(call_16.GetConfiguration(key=asked))
        found = {each.key: (each.value, each.readonly) for each in answer.configuration_key or []}
        assert found == {
            "ConnectionTimeOut": ("90", False),
            "NumberOfConnectors": ("2", True),
            "AuthorizationKey": (None, False),
        }
        assert answer.unknown_key == ["NoSuchKey"]


async def test_a_new_password_counts_from_the_next_link_on_and_is_shown_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # J16-705
    async with playground(monkeypatch) as ground:
        life = ground.life("1.6", reconnect=1)
        station = await ground.joined()
        change = call_16.ChangeConfiguration(key="AuthorizationKey", value="s3cret-s3cret-s3cret")
        assert (await station.call(change)).status == "Accepted"
        await anyio.sleep(10)
        assert life.station._settings["password"] == "s3cret-s3cret-s3cret"
        assert len(ground.said("connected")) == 2
    assert "s3cret" not in ground.out.getvalue() + ground.shown.getvalue()


async def test_variables_of_2_0_1_are_read_set_and_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playground(monkeypatch) as ground:
        ground.life("2.0.1")
        station = await ground.joined()

        def place(component: str, variable: str) -> dict[str, Any]:
            return {"component": {"name": component}, "variable": {"name": variable}}

        wanted: Any = [
            place("TxCtrlr", "EVConnectionTimeOut"),
            place("TxCtrlr", "Nothing"),
            place("Nobody", "Nothing"),
            place("SecurityCtrlr", "BasicAuthPassword"),
            {**place("TxCtrlr", "TxStartPoint"), "attribute_type": "Target"},
        ]
        answer = await station.call(call_201.GetVariables(get_variable_data=wanted))
        assert [
            (str(each.attribute_status), each.attribute_value) for each in answer.get_variable_result
        ] == [
            ("Accepted", "60"),
            ("UnknownVariable", None),
            ("UnknownComponent", None),
            ("Rejected", None),
            ("NotSupportedAttributeType", None),
        ]
        new: Any = [
            {**place("TxCtrlr", "EVConnectionTimeOut"), "attribute_value": "90"},
            {**place("TxCtrlr", "TxStartPoint"), "attribute_value": "EVConnected"},
            {**place("Nobody", "Nothing"), "attribute_value": ""},
        ]
        results = (await station.call(call_201.SetVariables(set_variable_data=new))).set_variable_result
        assert [str(each.attribute_status) for each in results] == [
            "Accepted",
            "Rejected",
            "UnknownComponent",
        ]
        report = call_201.GetBaseReport(request_id=3, report_base="FullInventory")
        assert (await station.call(report)).status == "Accepted"
        some: Any = [{"component": {"name": "TxCtrlr"}}]
        filtered = call_201.GetReport(request_id=4, component_variable=some)
        assert (await station.call(filtered)).status == "Accepted"
        none: Any = [{"component": {"name": "Nobody"}}]
        nothing = call_201.GetReport(request_id=5, component_variable=none)
        assert (await station.call(nothing)).status == "EmptyResultSet"
        await anyio.sleep(10)
        reports = ground.said("-> NotifyReport {")
        assert len(reports) == 2
        assert '"value": "90"' in reports[0]
        assert reports[1].count('"name": "TxCtrlr"') == 3


async def test_availability_of_1_6_is_told_and_lasts_until_it_is_changed_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with playground(monkeypatch) as ground:
        life = ground.life("1.6")
        station = await ground.joined()
        off = call_16.ChangeAvailability(connector_id=1, type="Inoperative")
        assert (await station.call(off)).status == "Accepted"
        await anyio.sleep(1)
        assert ground.host.known["CP_1"].connectors["1"] == "Unavailable"
        start = call_16.RemoteStartTransaction(id_tag="A", connector_id=1)
        assert (await station.call(start)).status == "Rejected"
        on = call_16.ChangeAvailability(connector_id=0, type="Operative")
        assert (await station.call(on)).status == "Accepted"
        await anyio.sleep(1)
        assert ground.host.known["CP_1"].connectors["1"] == "Available"
        nowhere = call_16.ChangeAvailability(connector_id=9, type="Operative")
        assert (await station.call(nowhere)).status == "Rejected"
        life.begin(life.charger.connectors[2], "A")
        await anyio.sleep(1)
        later = call_16.ChangeAvailability(connector_id=2, type="Inoperative")
        assert (await station.call(later)).status == "Scheduled"


async def test_a_reservation_is_kept_for_its_token_and_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playground(monkeypatch) as ground:
        ground.life("2.0.1", connectors=1)
        station = await ground.joined()
        token: Any = {"id_token": "MINE", "type": "Central"}
        reserve = call_201.ReserveNow(id=1, expiry_date_time=HOUR, id_token=token, evse_id=1)
        assert (await station.call(reserve)).status == "Accepted"
        await anyio.sleep(1)
        assert ground.host.known["CP_1"].connectors == {"1/1": "Reserved"}
        other: Any = {"id_token": "OTHER", "type": "Central"}
        start = call_201.RequestStartTransaction(id_token=other, remote_start_id=1, evse_id=1)
        assert (await station.call(start)).status == "Rejected"
        second = call_201.ReserveNow(id=2, expiry_date_time=HOUR, id_token=other, evse_id=1)
        assert (await station.call(second)).status == "Occupied"
        await anyio.sleep(3700)
        assert ground.host.known["CP_1"].connectors == {"1/1": "Available"}
        assert len(ground.said("-> ReservationStatusUpdate {")) == 1
        cancel = call_201.CancelReservation(reservation_id=1)
        assert (await station.call(cancel)).status == "Rejected"


async def test_profiles_are_set_reported_composed_and_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playground(monkeypatch) as ground:
        ground.life("2.1")
        station = await ground.joined()
        request = call_21.SetChargingProfile(evse_id=1, charging_profile=PROFILE)
        assert (await station.call(request)).status == "Accepted"
        get = call_21.GetChargingProfiles(request_id=1, charging_profile={"charging_profile_id": [5]})
        assert (await station.call(get)).status == "Accepted"
        ask = call_21.GetCompositeSchedule(duration=1200, evse_id=1, charging_rate_unit="A")
        composite = await station.call(ask)
        assert composite.schedule is not None
        periods = [(each.start_period, each.limit) for each in composite.schedule.charging_schedule_period]
        assert periods[0] == (0, min(16.0, periods[0][1]))
        assert periods[-1][1] == 8.0
        assert 590 <= periods[-1][0] <= 600
        await anyio.sleep(5)
        assert len(ground.said("-> ReportChargingProfiles {")) == 1
        clear = call_21.ClearChargingProfile(charging_profile_id=5)
        assert (await station.call(clear)).status == "Accepted"
        assert (await station.call(clear)).status == "Unknown"
        assert (await station.call(get)).status == "NoProfiles"


@pytest.mark.parametrize(
    ("wanted", "status", "told"),
    [
        ("BootNotification", "Accepted", ["BootNotification"]),
        ("Heartbeat", "Accepted", ["Heartbeat"]),
        ("StatusNotification", "Accepted", ["StatusNotification"] * 3),
        ("MeterValues", "Accepted", ["MeterValues"] * 2),
        ("FirmwareStatusNotification", "Accepted", ["FirmwareStatusNotification"]),
        ("DiagnosticsStatusNotification", "Accepted", ["DiagnosticsStatusNotification"]),
    ],
)
async def test_what_the_csms_triggers_follows_the_answer(
    wanted: str, status: str, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with playground(monkeypatch) as ground:
        ground.life("1.6")
        station = await ground.joined()
        before = len(ground.said("->"))
        answer = await station.call(call_16.TriggerMessage(requested_message=wanted))
        assert answer.status == status
        await anyio.sleep(10)
        said = [line.split()[1:3] for line in ground.said("->")[before:]]
        assert said[0] == ["TriggerMessage", "="]
        assert [action for action, _ in said[1:]] == told


async def test_what_cannot_be_triggered_is_not_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playground(monkeypatch) as ground:
        ground.life("2.0.1")
        station = await ground.joined()
        sign = call_201.TriggerMessage(requested_message="SignChargingStationCertificate")
        assert (await station.call(sign)).status == "NotImplemented"
        nothing_runs = call_201.TriggerMessage(requested_message="TransactionEvent")
        assert (await station.call(nothing_runs)).status == "Rejected"
        nowhere = call_201.TriggerMessage(requested_message="StatusNotification", evse={"id": 9})
        assert (await station.call(nowhere)).status == "Rejected"


async def test_new_firmware_and_logs_are_told_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playground(monkeypatch) as ground:
        ground.life("1.6")
        station = await ground.joined()
        await station.call(call_16.UpdateFirmware(location="ftp://x", retrieve_date=EPOCH))
        await station.call(call_16.GetDiagnostics(location="ftp://x"))
        await anyio.sleep(20)
        firmware = [line.split('"')[3] for line in ground.said("-> FirmwareStatusNotification {")]
        assert firmware == ["Downloading", "Downloaded", "Installing", "Installed"]
        uploads = [line.split('"')[3] for line in ground.said("-> DiagnosticsStatusNotification {")]
        assert uploads == ["Uploading", "Uploaded"]


async def test_a_local_list_is_versioned(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playground(monkeypatch) as ground:
        ground.life("1.6")
        station = await ground.joined()
        full = call_16.SendLocalList(list_version=7, update_type="Full")
        assert (await station.call(full)).status == "Accepted"
        assert (await station.call(call_16.GetLocalListVersion())).list_version == 7
        stale = call_16.SendLocalList(list_version=7, update_type="Differential")
        assert (await station.call(stale)).status == "VersionMismatch"


async def test_unlocking_ends_what_goes_on_there(monkeypatch: pytest.MonkeyPatch) -> None:
    async with playground(monkeypatch) as ground:
        life = ground.life("1.6")
        station = await ground.joined()
        life.begin(life.charger.connectors[1], "A")
        await anyio.sleep(1)
        assert (await station.call(call_16.UnlockConnector(connector_id=1))).status == "Unlocked"
        await anyio.sleep(1)
        [stop] = ground.said("-> StopTransaction {")
        assert "UnlockCommand" in stop
        assert (await station.call(call_16.UnlockConnector(connector_id=9))).status == "NotSupported"
