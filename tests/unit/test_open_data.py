"""What a message of 2.x may hold beside its members: custom data, and any JSON in DataTransfer."""

import copy
import json
import pickle
from types import MappingProxyType
from typing import Any

import pytest

from ocpp_sansio import Connection, Role, SchemaViolation
from ocpp_sansio._codec import Refused, decoder
from ocpp_sansio.messages import ABSENT, Absent, CustomData, Unconfirmed, asdict
from ocpp_sansio.schema import schema_for
from ocpp_sansio.v21 import call, send
from ocpp_sansio.validation import encode

BOOT = {"reason": "PowerUp", "chargingStation": {"model": "m", "vendorName": "v"}}


def decoded(custom_data: Any) -> CustomData | None:
    return decoder(call.BootNotification)({**BOOT, "customData": custom_data}, []).custom_data  # type: ignore[no-any-return]


def test_unknown_members_of_custom_data_stay_untouched_and_in_order() -> None:
    wire = {"z_last": {"snakeCase": [1, None]}, "vendorId": "com.example", "aFirst": "x", "soC": 1}
    found = decoded(wire)
    assert found == CustomData(
        vendor_id="com.example", extra={"z_last": {"snakeCase": [1, None]}, "aFirst": "x", "soC": 1}
    )
    assert found is not None
    assert list(found.extra) == ["z_last", "aFirst", "soC"]
    assert encode(found) == '{"vendorId":"com.example","z_last":{"snakeCase":[1,null]},"aFirst":"x","soC":1}'


@pytest.mark.parametrize(
    "wire",
    [{}, {"vendorId": 7}, {"vendorId": "x" * 256}, [], "x", None, {"vendorId": "x", "a": float("inf")}],
)
def test_custom_data_needs_a_vendor_and_json(wire: Any) -> None:
    with pytest.raises(Refused):
        decoded(wire)


@pytest.mark.parametrize("name", ["vendorId", "vendor_id"])
def test_a_mapping_is_custom_data(name: str) -> None:
    message = call.ClearCache(custom_data={name: "com.example", "my_key": {"aB": 1}})
    assert message.custom_data == CustomData(vendor_id="com.example", extra={"my_key": {"aB": 1}})
    assert json.loads(encode(message)) == {"customData": {"vendorId": "com.example", "my_key": {"aB": 1}}}


def test_custom_data_without_a_vendor_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="vendorId"):
        call.ClearCache(custom_data={"a": 1})


def test_extra_may_not_repeat_a_member() -> None:
    message = call.ClearCache(custom_data=CustomData(vendor_id="a", extra={"vendorId": "b"}))
    with pytest.raises(SchemaViolation, match="extra repeats a member"):
        encode(message)


def test_custom_data_of_another_type_is_left_for_the_encoder_to_name() -> None:
    message = call.ClearCache(custom_data=7)  # type: ignore[arg-type]
    with pytest.raises(SchemaViolation, match=r"\$\.customData: 7 is not an object"):
        encode(message)


def test_the_schema_of_custom_data_is_open() -> None:
    assert "additionalProperties" not in schema_for(CustomData)
    assert schema_for(CustomData)["required"] == ["vendorId"]


@pytest.mark.parametrize("data", [None, 0, False, "", [], {}, {"my_key": {"SoCketURL": [None]}}, [1.5, "ä"]])
def test_any_json_is_carried_as_it_is(data: Any) -> None:
    message = call.DataTransfer(vendor_id="a", data=data)
    assert json.loads(encode(message)) == {"vendorId": "a", "data": data}
    again = decoder(call.DataTransfer)({"vendorId": "a", "data": data}, [])
    assert again == message
    assert again.data == data
    assert "data=" in repr(message)
    assert asdict(message)["data"] == data


def test_null_is_not_absent() -> None:
    absent = decoder(call.DataTransfer)({"vendorId": "a"}, [])
    assert absent.data is ABSENT
    assert not absent.data
    assert encode(absent) == '{"vendorId":"a"}'
    assert absent == call.DataTransfer(vendor_id="a") != call.DataTransfer(vendor_id="a", data=None)
    assert repr(absent) == "DataTransfer(vendor_id='a')"
    assert "data" not in asdict(absent)


def test_absent_is_one_object() -> None:
    assert copy.deepcopy(ABSENT) is ABSENT
    assert pickle.loads(pickle.dumps(ABSENT)) is ABSENT
    assert repr(ABSENT) == "ABSENT"
    assert isinstance(ABSENT, Absent)


@pytest.mark.parametrize("data", [object(), float("nan"), {1, 2}, {"a": float("inf")}])
def test_what_is_no_json_is_named(data: Any) -> None:
    with pytest.raises(SchemaViolation, match=r"\$\.data: cannot be written as JSON"):
        encode(call.DataTransfer(vendor_id="a", data=data))


def test_an_unconfirmed_message_is_declared_and_is_no_request() -> None:
    stream = send.NotifyPeriodicEventStream
    assert issubclass(stream, Unconfirmed)
    assert (stream.__action__, stream.__sender__) == ("NotifyPeriodicEventStream", Role.CHARGING_STATION)
    message = stream(data=[{"t": 0.5, "v": "1"}], id=1, pending=0, basetime="2024-05-01T12:00:00Z")
    assert decoder(stream)(json.loads(encode(message)), []) == message
    with pytest.raises(TypeError, match=r"takes a request"):
        Connection(Role.CHARGING_STATION, "2.1").call(message, now=0.0)  # type: ignore[arg-type]


def test_names_that_no_case_conversion_survives_reach_the_wire() -> None:
    from ocpp_sansio.v21 import datatypes

    period = datatypes.ChargingSchedulePeriodType(
        start_period=0, limit=1.5, limit_l2=2, discharge_limit_l3=-1
    )
    assert json.loads(encode(period)) == {
        "startPeriod": 0,
        "limit": 1.5,
        "limit_L2": 2,
        "dischargeLimit_L3": -1,
    }
    battery = datatypes.BatteryDataType(evse_id=1, serial_number="x", soc=50, soh=99)
    assert json.loads(encode(battery)) == {"evseId": 1, "serialNumber": "x", "soC": 50, "soH": 99}


def test_the_rest_of_an_open_object_may_be_any_mapping() -> None:
    station = Connection(Role.CHARGING_STATION, "2.1", new_id=lambda: "1")
    data = CustomData(vendor_id="acme", extra=MappingProxyType({"a": 1}))  # type: ignore[arg-type]
    station.call(call.Heartbeat(custom_data=data), now=0)
    assert station.next_frame() == '[2,"1","Heartbeat",{"customData":{"vendorId":"acme","a":1}}]'


@pytest.mark.parametrize("odd", [[], "a", None, 3])
def test_the_rest_of_an_open_object_is_not_lost_in_silence(odd: Any) -> None:
    station = Connection(Role.CHARGING_STATION, "2.1")
    with pytest.raises(SchemaViolation, match="extra is a mapping, not "):
        station.call(call.Heartbeat(custom_data=CustomData(vendor_id="acme", extra=odd)), now=0)


def test_a_vendor_may_be_nameless() -> None:
    assert call.Heartbeat(custom_data={"vendorId": "", "a": 1}).custom_data == CustomData(
        vendor_id="", extra={"a": 1}
    )


def test_what_was_set_by_hand_and_has_odd_keys_is_refused_in_words() -> None:
    station = Connection(Role.CHARGING_STATION, "2.1")
    request = call.Heartbeat()
    request.custom_data = {None: 2}  # type: ignore[assignment, dict-item]
    with pytest.raises(SchemaViolation, match=r"\$\.customData: vendorId is missing"):
        station.call(request, now=0)
