"""Data types and the places where messages may be extended, on the wire (chapters 2, 10 and 11 of the wire rules)."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from ocpp_sansio import CallReceived, Connection, FrameRejected, Raw, Role, SchemaViolation, Version
from ocpp_sansio.messages import Request
from ocpp_sansio.schema import schema_for
from ocpp_sansio.v16 import call as call16
from ocpp_sansio.v16 import call_result as result16
from ocpp_sansio.v201 import call_result as result201
from tests.pair import events_of, receive
from tests.unit.exchange import received, sent

V16, V201, V21 = Version
every_version = pytest.mark.parametrize("version", list(Version))
since_201 = pytest.mark.parametrize("version", [V201, V21])

TIME = "2024-05-01T12:00:00Z"


def got(version: Version, action: str, payload: dict[str, Any], text: str | None = None) -> Any:
    """The request that a strict peer of either role makes of it; None if it refuses."""
    connection = Connection(None, version)
    connection.receive_text(text or json.dumps([2, "1", action, payload]), now=0)
    [event] = events_of(connection)
    return event.request if isinstance(event, CallReceived) else None


def written(request: Request[Any, Any], version: Version) -> Any:
    """The payload that leaves."""
    connection = Connection(None, version)
    connection.call(request, now=0)
    return sent(connection)[0][3]


def meter(version: Version, **sample: Any) -> dict[str, Any]:
    """A MeterValues with one sample."""
    values = [{"timestamp": TIME, "sampledValue": [sample]}]
    return {("connectorId" if version is V16 else "evseId"): 1, "meterValue": values}


def status201(**changes: Any) -> dict[str, Any]:
    return {"timestamp": TIME, "connectorStatus": "Available", "evseId": 1, "connectorId": 1, **changes}


# What is absent, and what is more.


@every_version
def test_a_member_that_is_left_out_is_absent(version: Version) -> None:
    # J*-211
    boot: Any = (
        call16.BootNotification(charge_point_vendor="a", charge_point_model="b")
        if version is V16
        else version.load()["BootNotification"](
            reason="PowerUp", charging_station={"vendor_name": "a", "model": "b"}
        )
    )
    text = json.dumps(written(boot, version))
    assert "null" not in text
    assert text.count(":") == (2 if version is V16 else 4)


@since_201
def test_a_list_of_one_is_a_list(version: Version) -> None:
    # J201-211, J21-211
    report = version.load()["GetReport"](request_id=1, component_criteria=["Active"])
    assert written(report, version) == {"requestId": 1, "componentCriteria": ["Active"]}


@since_201
def test_an_empty_list_is_not_sent(version: Version) -> None:
    # J201-211, J21-211
    report = version.load()["GetReport"](request_id=1, component_criteria=[])
    with pytest.raises(SchemaViolation, match="0 items, at least 1"):
        Connection(None, version).call(report, now=0)


def test_1_6_may_have_empty_lists() -> None:
    # J16-211: all keys
    assert got(V16, "GetConfiguration", {"key": []}) == call16.GetConfiguration(key=[])
    assert written(call16.GetConfiguration(key=[]), V16) == {"key": []}


@every_version
def test_no_object_inside_a_payload_has_members_that_nobody_knows(version: Version) -> None:
    # J*-214
    value = "1" if version is V16 else 1
    assert got(version, "MeterValues", meter(version, value=value)) is not None
    assert got(version, "MeterValues", meter(version, value=value, extra=1)) is None


def test_1_6_has_no_custom_data() -> None:
    # J16-1001
    assert got(V16, "Heartbeat", {"customData": {"vendorId": "acme"}}) is None


@since_201
def test_custom_data_may_have_any_members(version: Version) -> None:
    # J201-1001, J21-1001, J201-214, J21-214
    custom = {"vendorId": "acme", "snake_case": {"Any": [None, 1.5]}}
    heartbeat = got(version, "Heartbeat", {"customData": custom})
    assert heartbeat.custom_data.vendor_id == "acme"
    assert heartbeat.custom_data.extra == {"snake_case": {"Any": [None, 1.5]}}


@since_201
def test_custom_data_of_a_strange_vendor_is_kept_as_it_is(version: Version) -> None:
    # J201-1002, J21-1002
    custom = {"vendorId": "nobody.knows", "a_b": {"cD": "\u00e4"}, "n": 12345678901234567890}
    assert written(got(version, "Heartbeat", {"customData": custom}), version) == {"customData": custom}


@since_201
def test_custom_data_has_a_vendor(version: Version) -> None:
    # J201-1002, J21-1002
    assert got(version, "Heartbeat", {"customData": {"more": 1}}) is None


# DataTransfer and actions of vendors.


def test_the_data_of_1_6_is_text_of_any_length() -> None:
    # J16-1004
    data = "x" * 100_000
    assert got(V16, "DataTransfer", {"vendorId": "acme", "data": data}).data == data
    for other in ({"a": 1}, 7, [1], None):
        assert got(V16, "DataTransfer", {"vendorId": "acme", "data": other}) is None


@pytest.mark.parametrize(("vendor", "message", "fine"), [(255, 50, True), (256, 50, False), (255, 51, False)])
@every_version
def test_the_names_of_a_data_transfer_are_bounded(
    version: Version, vendor: int, message: int, fine: bool
) -> None:
    # J*-1004
    payload = {"vendorId": "x" * vendor, "messageId": "y" * message}
    assert (got(version, "DataTransfer", payload) is not None) is fine


@every_version
@pytest.mark.parametrize("status", ["Accepted", "Rejected", "UnknownVendorId", "UnknownMessageId"])
def test_an_unknown_vendor_is_no_error(version: Version, status: str) -> None:
    # J*-1004, J*-402
    connection = Connection(Role.CHARGING_STATION, version)
    call = received(connection, 2, "1", "DataTransfer", {"vendorId": "acme"})
    connection.reply(call, call.request.__answer__(status=status))  # type: ignore[call-arg]
    assert sent(connection) == [[3, "1", {"status": status}]]


@since_201
@pytest.mark.parametrize("data", ["text", 7, 1.5, True, None, [], {}, {"a_b": [{"C": None}]}])
def test_the_data_of_2_x_is_any_json(version: Version, data: object) -> None:
    # J201-1004, J21-1004
    request = got(version, "DataTransfer", {"vendorId": "acme", "data": data})
    assert written(request, version) == {"vendorId": "acme", "data": data}


def test_a_vendors_action_needs_to_be_declared_and_no_schema() -> None:
    # L-1007
    sing = Raw.declare("Sing", request={}, response={})
    csms = Connection(Role.CSMS, V16, extensions=[sing])
    assert received(csms, 2, "1", "Sing", {"any": ["thing"]}).request.payload == {"any": ["thing"]}  # type: ignore[attr-defined]
    [event] = receive(csms, 2, "2", "Dance", {})
    assert isinstance(event, FrameRejected)
    assert [answer[2] for answer in sent(csms)] == ["NotImplemented"]


# Time.


@every_version
@pytest.mark.parametrize(
    "text",
    [
        "2024-05-01T12:00:00Z",
        "2024-05-01T12:00:00.000Z",
        "2024-05-01T14:00:00+02:00",
        "2024-05-01T06:30:00-05:30",
        "2024-05-01T12:00:00.000000000Z",
        "2024-05-01T12:00:00",
    ],
)
def test_a_time_may_come_with_any_offset_and_fraction(version: Version, text: str) -> None:
    # J*-1101, L-1101: without a zone it is UTC
    payload = meter(version, value="1" if version is V16 else 1)
    payload["meterValue"][0]["timestamp"] = text
    values = got(version, "MeterValues", payload).meter_value
    assert values[0].timestamp == datetime(2024, 5, 1, 12, tzinfo=UTC)


@every_version
def test_a_time_without_a_zone_is_noted(version: Version) -> None:
    # L-1101
    payload = meter(version, value="1" if version is V16 else 1)
    payload["meterValue"][0]["timestamp"] = "2024-05-01T12:00:00"
    event = received(Connection(Role.CSMS, version), 2, "1", "MeterValues", payload)
    assert [violation.path for violation in event.violations] == ["$.meterValue[0].timestamp"]


@every_version
def test_a_time_is_sent_in_utc_with_at_most_milliseconds(version: Version) -> None:
    # J*-1101
    moment = datetime(2024, 5, 1, 14, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    connection = Connection(Role.CSMS, version)
    call = received(connection, 2, "1", "Heartbeat", {})
    connection.reply(call, call.request.__answer__(current_time=moment))  # type: ignore[call-arg]
    assert sent(connection)[0][2] == {"currentTime": "2024-05-01T12:00:00.123Z"}


# Text.


def test_text_keeps_its_case() -> None:
    # J16-1102: to compare without case is for the application
    assert got(V16, "Authorize", {"idTag": "aBcD"}).id_tag == "aBcD"
    assert written(call16.Authorize(id_tag="aBcD"), V16) == {"idTag": "aBcD"}


@pytest.mark.parametrize("length", [1, 20])
def test_the_number_of_a_text_is_its_greatest_length(length: int) -> None:
    # J16-1102
    assert got(V16, "Authorize", {"idTag": "x" * length}) is not None
    assert got(V16, "Authorize", {"idTag": "x" * 21}) is None


def authorize(token: str, kind: str = "Central") -> dict[str, Any]:
    return {"idToken": {"idToken": token, "type": kind}}


@pytest.mark.parametrize(("version", "most"), [(V201, 36), (V21, 255)])
def test_identifiers_are_bounded_by_length(version: Version, most: int) -> None:
    # J201-1103, J21-1103
    assert got(version, "Authorize", authorize("x" * most)) is not None
    assert got(version, "Authorize", authorize("x" * (most + 1))) is None


@since_201
@pytest.mark.parametrize("token", ["AZaz09*-_=:+|@.", "with a space", "ä😀", ""])
def test_the_characters_of_identifiers_are_not_enforced(version: Version, token: str) -> None:
    # J201-1103, J21-1103
    assert got(version, "Authorize", authorize(token)).id_token.id_token == token


def test_2_1_takes_kinds_of_tokens_that_nobody_knows() -> None:
    # J21-1006
    assert got(V21, "Authorize", authorize("1", "Telepathy")).id_token.type == "Telepathy"
    assert got(V21, "Authorize", authorize("1", "x" * 21)) is None
    assert got(V201, "Authorize", authorize("1", "Telepathy")) is None


@since_201
def test_the_length_of_a_text_is_counted_in_characters(version: Version) -> None:
    # J201-1104, J21-1104
    for text, fine in (("😀" * 255, True), ("😀" * 256, False)):
        payload = {"customData": {"vendorId": text}}
        assert (got(version, "Heartbeat", payload) is not None) is fine


@since_201
def test_a_reason_code_has_at_most_20_characters(version: Version) -> None:
    # J201-1109, J21-1109
    for code, fine in (
        ("MissingDevModelInfo", True),
        ("InvalidMessageSeq", True),
        ("MissingDeviceModelInfo", False),
    ):
        connection = Connection(Role.CHARGING_STATION, version)
        call = received(connection, 2, "1", "ClearCache", {})
        answer = call.request.__answer__(status="Rejected", status_info={"reason_code": code})  # type: ignore[call-arg]
        if fine:
            connection.reply(call, answer)
            assert sent(connection)[0][2]["statusInfo"]["reasonCode"] == code
        else:
            with pytest.raises(SchemaViolation, match="22 characters, at most 20"):
                connection.reply(call, answer)


# Numbers.


@since_201
@pytest.mark.parametrize("value", [2**31 - 1, 2**31, 2**53 + 1, 10**18 + 1])
def test_an_integer_beyond_32_bits_is_understood_and_not_rounded(version: Version, value: int) -> None:
    # J201-1105, J21-1105, L-218
    text = json.dumps([2, "1", "StatusNotification", status201(evseId=value)])
    request = got(version, "StatusNotification", {}, text)
    assert request.evse_id == value
    assert written(request, version)["evseId"] == value


@since_201
@pytest.mark.parametrize("number", ["01", "+1", "0x1"])
def test_an_integer_has_no_leading_zero_or_plus(version: Version, number: str) -> None:
    # J201-1105, J21-1105
    text = json.dumps([2, "1", "StatusNotification", status201(evseId=7)]).replace("7", number)
    assert got(version, "StatusNotification", {}, text) is None


def test_the_transaction_may_be_minus_one() -> None:
    # J16-314
    stop = {"transactionId": -1, "meterStop": 0, "timestamp": TIME}
    assert got(V16, "StopTransaction", stop).transaction_id == -1
    values = call16.MeterValues(
        connector_id=1, transaction_id=-1, meter_value=[{"timestamp": TIME, "sampled_value": []}]
    )
    assert written(values, V16)["transactionId"] == -1


@pytest.mark.parametrize("limit", [0.3, 8.1, 21.4, 16, 0])
def test_tenths_are_judged_as_they_are_written(limit: float) -> None:
    # J16-216
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}
    request = got(V16, "RemoteStartTransaction", {"idTag": "x", "chargingProfile": profile(schedule)})
    periods = request.charging_profile.charging_schedule.charging_schedule_period
    assert periods[0].limit == limit


def profile(schedule: dict[str, Any]) -> dict[str, Any]:
    return {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": schedule,
    }


@since_201
@pytest.mark.parametrize("value", [8.15, 0.1, 1.234567, 123456.789012, 1e-7, 0])
def test_decimals_keep_their_digits(version: Version, value: float) -> None:
    # J201-216, J21-216
    request = got(version, "MeterValues", meter(version, value=value))
    assert written(request, version)["meterValue"][0]["sampledValue"][0]["value"] == value


def test_a_sampled_value_of_1_6_is_text() -> None:
    # J16-1106
    assert got(V16, "MeterValues", meter(V16, value="12.50")).meter_value[0].sampled_value[0].value == "12.50"
    assert got(V16, "MeterValues", meter(V16, value=12.5)) is None


@since_201
def test_a_sampled_value_of_2_x_is_a_number(version: Version) -> None:
    # J201-1106, J21-1106
    assert (
        got(version, "MeterValues", meter(version, value=12.5)).meter_value[0].sampled_value[0].value == 12.5
    )
    assert got(version, "MeterValues", meter(version, value="12.5")) is None


@since_201
@pytest.mark.parametrize(
    ("value", "fine"), [(True, True), (False, True), ("true", False), (1, False), (0, False)]
)
def test_a_boolean_is_true_or_false(version: Version, value: object, fine: bool) -> None:
    # J201-1107, J21-1107
    payload = {"requestId": 1, "report": value, "clear": False}
    assert (got(version, "CustomerInformation", payload) is not None) is fine


# Where the schemas stand.


@pytest.mark.parametrize(("unit", "sent_too"), [("Celsius", True), ("Celcius", True), ("Hertz", False)])
def test_units_are_understood_in_both_spellings(unit: str, sent_too: bool) -> None:
    # J16-1108, J16-1112: Hertz is no unit of 1.6, and stations send it
    request = got(V16, "MeterValues", meter(V16, value="1", unit=unit))
    assert request.meter_value[0].sampled_value[0].unit == unit
    if sent_too:
        assert written(request, V16)["meterValue"][0]["sampledValue"][0]["unit"] == unit
    else:
        with pytest.raises(SchemaViolation, match="'Hertz' is not one of"):
            written(request, V16)


def test_corrected_schemas_of_1_6_are_the_ones_in_use() -> None:
    # J16-1108
    stop = schema_for(call16.StopTransaction)
    assert "reason" in stop["properties"]
    assert "reason" not in stop["required"]
    boot = schema_for(result16.BootNotification)
    assert boot["properties"]["interval"] == {"type": "integer"}


def test_schemas_are_those_of_the_alliance() -> None:
    # J16-1112, J201-1112: where the copy of another library departs from them
    definitions = schema_for(call16.MeterValues)["definitions"]
    assert "minItems" not in definitions["MeterValue"]["properties"]["sampledValue"]
    assert "minItems" not in schema_for(call16.MeterValues)["properties"]["meterValue"]
    response = schema_for(result201.Get15118EVCertificate)
    assert response["properties"]["exiResponse"]["maxLength"] == 5600
