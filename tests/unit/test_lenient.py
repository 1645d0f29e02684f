"""LENIENT: what is mended and in which words, what stays refused."""

import copy
import json
import math
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import attrs
import pytest

from ocpp_sansio import converters as to
from ocpp_sansio._codec import Refused, decoder
from ocpp_sansio._lenient import read_leniently, unregistered
from ocpp_sansio.messages import ABSENT, CustomData, Message, Raw, Response, limits
from ocpp_sansio.v16 import call, call_result, enums
from ocpp_sansio.v201 import call as call201
from ocpp_sansio.v201 import enums as enums201
from ocpp_sansio.validation import Violation, explain, noted
from tests.unit.declared import Colour, Inner, Paint, Strict, paint, wire


def mended(cls: type[Message], payload: dict[str, Any]) -> tuple[Any, list[str]]:
    """The message, and the departures as text. The strict decoder refuses the payload, which stays as it is."""
    before = json.dumps(payload)
    with pytest.raises(Refused):
        decoder(cls)(payload, [])
    message, departures = read_leniently(cls, payload)
    assert json.dumps(payload) == before
    assert type(message) is cls
    return message, [str(departure) for departure in departures]


def painted(**changes: object) -> tuple[Paint, list[str]]:
    return mended(Paint, wire(**changes))


def refused(cls: type[Message], payload: dict[str, Any]) -> str:
    """Why both the strict decoder and the lenient reader refuse it, in the words of the latter's refusal."""
    return str(refusal(cls, payload))


def refusal(cls: type[Message], payload: dict[str, Any]) -> Violation:
    with pytest.raises(Refused):
        decoder(cls)(payload, [])
    with pytest.raises(Refused) as lenient:
        read_leniently(cls, payload)
    return explain(lenient.value, receiving=True)


# What real stations and central systems send.


def test_a_meter_value_without_its_array_is_taken_as_the_only_one() -> None:
    value = {"timestamp": "2024-05-01T12:00:00Z", "sampledValue": {"value": "1.5"}}
    message, departures = mended(call.MeterValues, {"connectorId": 1, "meterValue": value})
    assert message == call.MeterValues(
        connector_id=1,
        meter_value=[{"timestamp": "2024-05-01T12:00:00Z", "sampled_value": [{"value": "1.5"}]}],
    )
    assert departures == [
        "$.meterValue: an object is not an array, taken as its only item",
        "$.meterValue.sampledValue: an object is not an array, taken as its only item",
    ]


def test_sampled_values_may_be_none_or_missing() -> None:
    time = "2024-05-01T12:00:00Z"
    values = [
        {"timestamp": time, "sampledValue": []},
        {"timestamp": time},
        {"timestamp": time, "sampledValue": None},
    ]
    message, departures = mended(call201.MeterValues, {"evseId": 1, "meterValue": values})
    assert [value.sampled_value for value in message.meter_value] == [[], [], []]
    assert departures == [
        "$.meterValue[0].sampledValue: 0 items, at least 1",
        "$.meterValue[1].sampledValue: missing, taken as an empty array",
        "$.meterValue[2].sampledValue: null, taken as an empty array",
    ]


def test_a_number_where_text_is_wanted_is_its_json_text() -> None:
    samples = [{"value": 3.2}, {"value": 7}, {"value": True}]
    value = {"timestamp": "2024-05-01T12:00:00Z", "sampledValue": samples}
    message, departures = mended(call.MeterValues, {"connectorId": 1, "meterValue": [value]})
    assert [sample.value for sample in message.meter_value[0].sampled_value] == ["3.2", "7", "true"]
    assert departures == [
        "$.meterValue[0].sampledValue[0].value: 3.2 is not text, taken as '3.2'",
        "$.meterValue[0].sampledValue[1].value: 7 is not text, taken as '7'",
        "$.meterValue[0].sampledValue[2].value: true is not text, taken as 'true'",
    ]


def test_values_of_1_5_is_no_spelling_of_value() -> None:
    sample = {"values": "1"}
    value = {"timestamp": "2024-05-01T12:00:00Z", "sampledValue": [sample]}
    why = refused(call.MeterValues, {"connectorId": 1, "meterValue": [value]})
    assert why.startswith("$.meterValue[0].sampledValue[0]: value is missing")


def test_text_may_be_too_long() -> None:
    message, departures = mended(
        call.BootNotification, {"chargePointVendor": "Acme", "chargePointModel": "x" * 25}
    )
    assert message == call.BootNotification(charge_point_vendor="Acme", charge_point_model="x" * 25)
    assert departures == ["$.chargePointModel: 25 characters, at most 20"]
    pair = {"key": "a", "readonly": False, "value": "v" * 501}
    message, departures = mended(call_result.GetConfiguration, {"configurationKey": [pair]})
    assert message.configuration_key[0].value == "v" * 501
    assert departures == ["$.configurationKey[0].value: 501 characters, at most 500"]


def test_an_unknown_error_code_keeps_its_text() -> None:
    message, departures = mended(
        call.StatusNotification, {"connectorId": 0, "errorCode": "Error", "status": "Faulted"}
    )
    assert message.error_code == "Error"
    assert isinstance(message.error_code, enums.ChargePointErrorCode)
    assert message.status is enums.ChargePointStatus.faulted
    assert departures == ["$.errorCode: 'Error' is no ChargePointErrorCode, taken as it is"]


@pytest.mark.parametrize(
    ("member", "text", "kind"),
    [
        ("unit", "Hz", "UnitOfMeasure"),
        ("unit", "C", "UnitOfMeasure"),
        ("context", "periodic", "ReadingContext"),
    ],
)
def test_unknown_units_and_contexts_keep_their_text(member: str, text: str, kind: str) -> None:
    value = {"timestamp": "2024-05-01T12:00:00Z", "sampledValue": [{"value": "1", member: text}]}
    message, departures = mended(call.MeterValues, {"connectorId": 1, "meterValue": [value]})
    assert getattr(message.meter_value[0].sampled_value[0], member) == text
    assert departures == [f"$.meterValue[0].sampledValue[0].{member}: '{text}' is no {kind}, taken as it is"]


@pytest.mark.parametrize("unit", ["Celcius", "Celsius"])
def test_both_spellings_of_celsius_are_known_without_leniency(unit: str) -> None:
    value = {"timestamp": "2024-05-01T12:00:00Z", "sampledValue": [{"value": "1", "unit": unit}]}
    message, departures = read_leniently(call.MeterValues, {"connectorId": 1, "meterValue": [value]})
    assert message.meter_value[0].sampled_value[0].unit in list(enums.UnitOfMeasure)
    assert departures == ()


def test_null_for_optional_members_is_absent() -> None:
    message, departures = mended(
        call.StatusNotification,
        {
            "connectorId": 1,
            "errorCode": "NoError",
            "status": "Available",
            "info": None,
            "timestamp": None,
        },
    )
    assert (message.info, message.timestamp) == (None, None)
    assert departures == ["$.info: null, taken as absent", "$.timestamp: null, taken as absent"]


def test_null_for_an_optional_array_is_absent() -> None:
    message, departures = mended(call_result.GetConfiguration, {"unknownKey": None})
    assert message == call_result.GetConfiguration()
    assert departures == ["$.unknownKey: null, taken as absent"]


def test_null_for_a_required_member_stays_refused() -> None:
    assert refused(call.Authorize, {"idTag": None}) == "$.idTag: null is not text"
    stop = {"transactionId": None, "meterStop": 1, "timestamp": "2024-05-01T12:00:00Z"}
    assert refused(call.StopTransaction, stop) == "$.transactionId: null is not an integer"


def test_empty_text_for_an_optional_enum_or_time_is_absent() -> None:
    message, departures = mended(
        call.GetDiagnostics, {"location": "ftp://example.org", "startTime": "", "stopTime": ""}
    )
    assert message == call.GetDiagnostics(location="ftp://example.org")
    assert departures == [
        f"$.{name}: '' is not a date and time such as 2024-05-01T12:00:00Z, taken as absent"
        for name in ("startTime", "stopTime")
    ]
    assert painted(maybeColour="") == (paint(), ["$.maybeColour: '' is no Colour, taken as absent"])


def test_empty_text_elsewhere_is_text() -> None:
    message, departures = read_leniently(
        call.BootNotification, {"chargePointVendor": "", "chargePointModel": "m", "iccid": "", "imsi": ""}
    )
    assert (message.charge_point_vendor, message.iccid, message.imsi) == ("", "", "")
    assert departures == ()
    message, departures_of_colour = painted(colour="")
    assert message.colour == ""
    assert departures_of_colour == ["$.colour: '' is no Colour, taken as it is"]


def test_members_of_the_vendor_are_left_out() -> None:
    payload = {"chargePointVendor": "Acme", "chargePointModel": "m", "chargerId": "7", "charger ip": None}
    message, departures = mended(call.BootNotification, payload)
    assert message == call.BootNotification(charge_point_vendor="Acme", charge_point_model="m")
    assert departures == [
        "$.chargerId: unknown member, left out",
        "$['charger ip']: unknown member, left out",
    ]


def test_members_of_the_vendor_in_nested_objects_and_responses_are_left_out() -> None:
    info = {"status": "Accepted", "customData": {"vendorId": "v"}}
    message, departures = mended(
        call_result.StartTransaction, {"transactionId": 1, "idTagInfo": info, "status": "Accepted"}
    )
    assert message == call_result.StartTransaction(transaction_id=1, id_tag_info={"status": "Accepted"})
    assert departures == [
        "$.idTagInfo.customData: unknown member, left out",
        "$.status: unknown member, left out",
    ]


def test_custom_data_may_hold_what_it_likes() -> None:
    payload = {"customData": {"vendorId": "v", "x": None, "y": [1]}, "status": "Accepted"}
    message, departures = mended(call201.Heartbeat, payload)
    assert message.custom_data == CustomData(vendor_id="v", extra={"x": None, "y": [1]})
    assert departures == ["$.status: unknown member, left out"]


def test_custom_data_without_a_vendor_stays_refused() -> None:
    assert refused(call201.Heartbeat, {"customData": {"x": 1}}).startswith(
        "$.customData: vendorId is missing"
    )


def test_a_null_that_is_a_value_stays_one() -> None:
    message, departures = mended(call201.DataTransfer, {"vendorId": "v", "data": None, "more": 1})
    assert message.data is None
    assert departures == ["$.more: unknown member, left out"]
    message, _ = mended(call201.DataTransfer, {"vendorId": "v", "more": 1})
    assert message.data is ABSENT


@pytest.mark.parametrize("id", [0, -1, 2**63 - 1])
def test_odd_transaction_ids_need_no_leniency(id: int) -> None:
    assert read_leniently(call.RemoteStopTransaction, {"transactionId": id}) == (
        call.RemoteStopTransaction(transaction_id=id),
        (),
    )


def test_numbers_may_lie_outside_their_limits() -> None:
    assert painted(number=-1.5) == (paint(number=-1.5), ["$.number: -1.5, at least -1"])
    assert painted(number=101.5) == (paint(number=101.5), ["$.number: 101.5, at most 100"])
    assert painted(tenth=8.15) == (paint(tenth=8.15), ["$.tenth: 8.15 is not a multiple of 0.1"])


def test_an_id_tag_echoed_too_long_is_kept() -> None:
    tag = "04:a2:b3:c4:d5:e6:f7:08:19"
    assert mended(call.Authorize, {"idTag": tag}) == (
        call.Authorize(id_tag=tag),
        ["$.idTag: 26 characters, at most 20"],
    )


def test_a_payload_of_another_version_stays_refused() -> None:
    station = {"reason": "PowerUp", "chargingStation": {"model": "m", "vendorName": "v"}}
    assert refused(call.BootNotification, station).startswith("$: chargePointVendor, chargePointModel are")


# Times.


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-05-01T12:00:00", datetime(2024, 5, 1, 12, tzinfo=UTC)),
        ("2024-05-01T12:00:00.377", datetime(2024, 5, 1, 12, 0, 0, 377000, tzinfo=UTC)),
        ("2024-05-01T14:00:00+02", datetime(2024, 5, 1, 12, tzinfo=UTC)),
        ("2024-05-01T12:00:00.1240977Z", datetime(2024, 5, 1, 12, 0, 0, 124097, tzinfo=UTC)),
        ("2024-05-01T3:11:55Z", datetime(2024, 5, 1, 3, 11, 55, tzinfo=UTC)),
        ("2024-5-1T3:1:5.5Z", datetime(2024, 5, 1, 3, 1, 5, 500000, tzinfo=UTC)),
        (
            "2024-05-01T3:11:55,5+2:00",
            datetime(2024, 5, 1, 3, 11, 55, 500000, tzinfo=timezone(timedelta(hours=2))),
        ),
    ],
)
def test_times_are_read_however_they_are_written(text: str, moment: datetime) -> None:
    message, departures = painted(when=text, unknown=1)
    assert message.when == moment
    assert departures == [
        f"$.when: '{text}' was read as a time, but not written as RFC 3339 with at most 3 decimals",
        "$.unknown: unknown member, left out",
    ]


def test_a_time_before_the_first_synchronisation_is_a_time() -> None:
    message, departures = painted(when="1970-01-01T00:00:07Z", unknown=1)
    assert message.when == datetime(1970, 1, 1, 0, 0, 7, tzinfo=UTC)
    assert departures == ["$.unknown: unknown member, left out"]


def test_departures_of_times_are_worded_as_those_of_the_strict_decoder() -> None:
    payload = wire(maybeWhen="2024-05-01T12:00:00")
    notes: list[Any] = []
    decoder(Paint)(payload, notes)
    assert read_leniently(Paint, payload)[1] == noted(payload, notes)


@pytest.mark.parametrize(
    "text", [" ", "noon", "0000-00-00T00:00:00Z", "2024-05-01T123:00:00Z", "31.12.2020 12:00"]
)
def test_a_time_that_cannot_be_read_is_refused_even_if_it_is_optional(text: str) -> None:
    why = f"'{text}' is not a date and time such as 2024-05-01T12:00:00Z"
    assert refused(Paint, wire(maybeWhen=text)) == f"$.maybeWhen: {why}"
    assert refused(Paint, wire(when=text)) == f"$.when: {why}"
    assert refused(Paint, wire(whens=[text])) == f"$.whens[0]: {why}"


def test_no_time_is_taken_as_absent_only_where_it_is_optional() -> None:
    why = "'' is not a date and time such as 2024-05-01T12:00:00Z"
    assert painted(maybeWhen="") == (paint(), [f"$.maybeWhen: {why}, taken as absent"])
    assert refused(Paint, wire(when="")) == f"$.when: {why}"
    assert refused(Paint, wire(whens=[""])) == f"$.whens[0]: {why}"


def test_an_expiry_date_that_cannot_be_read_is_not_no_limit() -> None:
    info = {"status": "Accepted", "expiryDate": "31.12.2020 12:00", "more": 1}
    assert refused(call_result.Authorize, {"idTagInfo": info, "more": 1}) == (
        "$.idTagInfo.expiryDate: '31.12.2020 12:00' is not a date and time such as 2024-05-01T12:00:00Z"
    )


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (1714564800, "1714564800"), (False, "false"), ({}, "an object")]
)
def test_what_is_no_text_is_no_time_even_if_it_is_optional(value: Any, shown: str) -> None:
    assert refused(Paint, wire(maybeWhen=value)) == f"$.maybeWhen: {shown} is not text"


# Every kind of member.


@pytest.mark.parametrize(
    ("changes", "changed", "departure"),
    [
        ({"text": 7}, {"text": "7"}, "$.text: 7 is not text, taken as '7'"),
        ({"text": False}, {"text": "false"}, None),
        ({"whole": "12"}, {"whole": 12}, "$.whole: '12' is not an integer, taken as 12"),
        ({"whole": "12.0"}, {"whole": 12}, "$.whole: '12.0' is not an integer, taken as 12"),
        ({"whole": "-1e2"}, {"whole": -100}, "$.whole: '-1e2' is not an integer, taken as -100"),
        ({"number": "3.2"}, {"number": 3.2}, "$.number: '3.2' is not a number, taken as 3.2"),
        ({"number": "200"}, {"number": 200}, None),
        ({"flag": "True"}, {"flag": True}, "$.flag: 'True' is not true or false, taken as true"),
        ({"flag": "false"}, {"flag": False}, "$.flag: 'false' is not true or false, taken as false"),
        ({"flag": 1}, {"flag": True}, "$.flag: 1 is not true or false, taken as true"),
        ({"flag": 0}, {"flag": False}, "$.flag: 0 is not true or false, taken as false"),
        ({"texts": "ab"}, {"texts": ["ab"]}, "$.texts: 'ab' is not an array, taken as its only item"),
        ({"texts": []}, {"texts": []}, "$.texts: 0 items, at least 1"),
        ({"texts": ["a"] * 4}, {"texts": ["a"] * 4}, "$.texts: 4 items, at most 3"),
        ({"texts": ["a", "abc"]}, {"texts": ["a", "abc"]}, "$.texts[1]: 3 characters, at most 2"),
        ({"wholes": [1, 0, 2]}, {"wholes": [1, 0, 2]}, "$.wholes[1]: 0, at least 1"),
        ({"flags": ["TRUE"]}, {"flags": [True]}, "$.flags[0]: 'TRUE' is not true or false, taken as true"),
        ({"numbers": 1.5}, {"numbers": [1.5]}, "$.numbers: 1.5 is not an array, taken as its only item"),
        ({"colours": None}, {}, "$.colours: null, taken as absent"),
        (
            {"inners": [{"count": 1}] * 3},
            {"inners": [{"count": 1}] * 3},
            "$.inners: 3 items, at most 2",
        ),
        (
            {"inner": {"count": 11}},
            {"inner": Inner(count=11)},
            "$.inner.count: 11, at most 10",
        ),
        (
            {"it's {odd}": 1},
            {"odd_name": "1"},
            "$[\"it's {odd}\"]: 1 is not text, taken as '1'",
        ),
    ],
)
def test_mended(changes: dict[str, Any], changed: dict[str, Any], departure: str | None) -> None:
    message, departures = painted(**changes)
    assert message == paint(**changed)
    assert [type(getattr(message, name)) for name in changed] == [type(value) for value in changed.values()]
    if departure is not None:
        assert departures == [departure]


def test_what_is_mended_may_depart_again() -> None:
    assert painted(text=1234) == (
        paint(text="1234"),
        ["$.text: 1234 is not text, taken as '1234'", "$.text: 4 characters, at most 3"],
    )
    message, departures = painted(maybeColour=5)
    assert message.maybe_colour == "5"
    assert departures == [
        "$.maybeColour: 5 is not text, taken as '5'",
        "$.maybeColour: 5 is no Colour, taken as it is",
    ]


def test_an_unknown_element_of_an_array_of_enums_keeps_its_place() -> None:
    message, departures = painted(colours=["Red", "", "red"])
    assert message.colours == ["Red", "", "red"]
    assert departures == [
        "$.colours[1]: '' is no Colour, taken as it is",
        "$.colours[2]: 'red' is no Colour, taken as it is",
    ]


def test_an_integer_written_with_a_fraction_is_one_to_either_draft() -> None:
    assert mended(Strict, {"whole": 12.0}) == (
        Strict(whole=12),
        ["$.whole: 12.0 is not an integer, taken as 12"],
    )
    message, departures = painted(whole=12.0, unknown=1)
    assert (message.whole, type(message.whole)) == (12, int)
    assert departures == ["$.unknown: unknown member, left out"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"text": {}}, "$.text: an object is not text"),
        ({"text": ["a"]}, "$.text: an array is not text"),
        ({"text": math.inf}, "$.text: a number beyond all bounds is not text"),
        ({"texts": ["a", None]}, "$.texts[1]: null is not text"),
        ({"whole": 1.5}, "$.whole: 1.5 is not an integer"),
        ({"whole": "1.5"}, "$.whole: '1.5' is not an integer"),
        ({"whole": "0x10"}, "$.whole: '0x10' is not an integer"),
        ({"whole": " 1"}, "$.whole: ' 1' is not an integer"),
        ({"whole": "1" * 5000}, "$.whole: '1111111111111111111111111111111111111...' is not an integer"),
        ({"whole": True}, "$.whole: true is not an integer"),
        ({"number": math.inf}, "$.number: a number beyond all bounds is not a number"),
        ({"number": -math.inf}, "$.number: a number beyond all bounds is not a number"),
        ({"number": "1e400"}, "$.number: '1e400' is not a number"),
        ({"number": "NaN"}, "$.number: 'NaN' is not a number"),
        ({"number": "\u0661"}, "$.number: '\u0661' is not a number"),
        ({"number": ""}, "$.number: '' is not a number"),
        ({"number": False}, "$.number: false is not a number"),
        ({"flag": 2}, "$.flag: 2 is not true or false"),
        ({"flag": "yes"}, "$.flag: 'yes' is not true or false"),
        ({"flag": []}, "$.flag: an array is not true or false"),
        ({"colour": []}, "$.colour: an array is not text"),
        ({"inner": []}, "$.inner: an array is not an object"),
        ({"inner": None}, "$.inner: null is not an object"),
        ({"maybeInner": ""}, "$.maybeInner: '' is not an object"),
        ({"maybeInner": {"note": "n"}}, "$.maybeInner: count is missing; was it written 'note'?"),
        ({"inners": [{"count": 1}, 7]}, "$.inners[1]: 7 is not an object"),
    ],
)
def test_not_mended(changes: dict[str, Any], why: str) -> None:
    assert refused(Paint, wire(**changes)).split(";")[0] == why.split(";")[0]


def test_a_missing_member_that_is_no_array_stays_refused() -> None:
    payload = wire(whole="1")
    del payload["flag"]
    assert refused(Paint, payload) == "$: flag is missing"


def test_json_that_cannot_be_written_again_stays_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"a": deep}
    for data in (deep, math.inf):
        assert refused(call201.DataTransfer, {"vendorId": "v", "data": data}).startswith("$.data: ")
        assert refused(call201.Heartbeat, {"customData": {"vendorId": "v", "x": data}}).startswith(
            "$.customData"
        )


def test_a_payload_described_by_a_schema_document_is_judged_by_it_alone() -> None:
    cls = Raw.declare("Ping", request={"required": ["x"]}, response={})
    assert refused(cls, {"y": 1}) == "$: x is missing"
    assert read_leniently(cls, {"x": 1})[1] == ()


def test_what_only_the_strict_decoder_understands_is_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr("ocpp_sansio._lenient.members", exhausted)
    message, departures = read_leniently(Paint, wire(when="2024-05-01T12:00:00"))
    assert message == paint()
    assert [departure.path for departure in departures] == ["$.when"]


@attrs.define(kw_only=True, eq=False, repr=False, weakref_slot=False, on_setattr=attrs.setters.NO_OP)
class Folder(Response):
    anything: Any
    link: str = attrs.field(metadata=limits(format="uri"))
    open: list[Any] | None = attrs.field(default=None, metadata=limits(max_items=1))
    inners: list[Inner] = attrs.field(converter=to.datatype_list[Inner])


def test_arrays_of_anything_and_limits_that_nobody_judges() -> None:
    message, departures = mended(Folder, {"anything": None, "link": "no uri", "open": [None, 1]})
    assert message == Folder(anything=None, link="no uri", open=[None, 1], inners=[])
    assert departures == [
        "$.inners: missing, taken as an empty array",
        "$.open: 2 items, at most 1",
    ]
    message, departures = mended(Folder, {"anything": 1, "link": "", "open": None, "inners": []})
    assert message == read_leniently(Folder, {"anything": 1, "link": "", "inners": []})[0]
    assert departures == ["$.open: null, taken as absent"]


# Whom a refusal blames.


@pytest.mark.parametrize(
    ("cls", "payload", "keyword", "why"),
    [
        (call.Authorize, {"idTag": None, "chargerIp": "x"}, "type", "$.idTag: null is not text"),
        (
            call.StatusNotification,
            {"connectorId": "one", "errorCode": "Strange", "status": "Available", "chargerIp": "x"},
            "type",
            "$.connectorId: 'one' is not an integer",
        ),
        (
            call_result.StartTransaction,  # the strict decoder gets no further than the object in the object
            {"idTagInfo": {"status": "Accepted", "more": 1}, "transactionId": None},
            "type",
            "$.transactionId: null is not an integer",
        ),
        (call.MeterValues, {"meterValue": 7}, "required", "$: connectorId is missing"),
        (
            call.MeterValues,
            {"connectorId": 1, "meterValue": 7, "more": 1},
            "type",
            "$.meterValue: 7 is not an array",
        ),
        (call.MeterValues, {"more": 1}, "required", "$: connectorId is missing"),
        (
            call.MeterValues,
            {"connectorId": "1", "meterValue": [{"timestamp": "noon", "more": 1, "sampledValue": 7}]},
            "format",
            "$.meterValue[0].timestamp: 'noon' is not a date and time such as 2024-05-01T12:00:00Z",
        ),
        (Paint, wire(texts=["abc", {}], more=1), "type", "$.texts[1]: an object is not text"),
        (Paint, wire(inners=[{"count": "11"}, 7]), "type", "$.inners[1]: 7 is not an object"),
        (
            call201.Heartbeat,
            {"more": 1, "customData": {"vendorId": 7, "a": 1, "b": [math.inf], "c": math.inf}},
            "json",
            "$.customData.b: cannot be written as JSON: Out of range float values are not JSON compliant",
        ),
        (
            call201.DataTransfer,
            {"more": 1, "vendorId": 7, "data": math.inf},
            "json",
            "$.data: cannot be written as JSON: Out of range float values are not JSON compliant",
        ),
    ],
)
def test_what_could_not_be_mended_is_blamed_and_not_what_could(
    cls: type[Message], payload: dict[str, Any], keyword: str, why: str
) -> None:
    violation = refusal(cls, payload)
    assert str(violation).startswith(why)
    assert violation.keyword == keyword


def test_a_place_blamed_for_nothing_leaves_it_to_the_whole_object() -> None:
    for place in (("text",), ("texts", 0), ("unknown",)):
        payload = wire(texts=["a"], unknown=1)
        blaming = Refused(Paint, payload, blamed=place)
        assert str(explain(blaming, receiving=True)) == "$: unknown member 'unknown'"


# Longer members, and the list of departures.


def test_lengths_widen_members_of_the_message_itself() -> None:
    payload = wire(text="abcd", unknown=1)
    _, departures = read_leniently(Paint, payload, {"text": 4})
    assert [str(departure) for departure in departures] == ["$.unknown: unknown member, left out"]
    _, departures = read_leniently(Paint, {**payload, "text": "abcde"}, {"text": 4})
    assert str(departures[0]) == "$.text: 5 characters, at most 4"
    with pytest.raises(Refused) as caught:
        read_leniently(Paint, {**payload, "text": "abcd", "whole": None}, {"text": 4})
    assert caught.value.lengths == {"text": 4}


def test_departures_say_what_they_are_about_in_order_of_the_class() -> None:
    payload = wire(unknown=[1], maybeWhen="", number="1000", flag="TRUE")
    _, departures = read_leniently(Paint, payload)
    assert [(found.path, found.keyword, found.value) for found in departures] == [
        ("$.number", "type", "1000"),
        ("$.number", "maximum", 1000),
        ("$.flag", "type", "TRUE"),
        ("$.maybeWhen", "format", ""),
        ("$.unknown", "additionalProperties", [1]),
    ]


def test_at_most_16_departures_are_listed_and_all_are_mended() -> None:
    value = {"timestamp": "2024-05-01T12:00:00Z", "sampledValue": [{"value": n} for n in range(100)]}
    message, departures = mended(call.MeterValues, {"connectorId": 1, "meterValue": [value]})
    assert [sample.value for sample in message.meter_value[0].sampled_value] == list(map(str, range(100)))
    assert len(departures) == 16
    assert departures[-1] == "$.meterValue[0].sampledValue[15].value: 15 is not text, taken as '15'"


def test_long_values_of_a_peer_are_repeated_in_part() -> None:
    _, departures = painted(colour="x" * 10_000, number="0." + "1" * 1000)
    assert max(map(len, departures)) < 150


# Unregistered members of an enum.


def test_an_unregistered_member_is_text_and_a_member() -> None:
    member = unregistered(Colour, "Green")
    assert member == "Green"
    assert hash(member) == hash("Green")
    assert isinstance(member, Colour)
    assert (member.name, member.value, str(member)) == ("Green", "Green", "Green")
    assert repr(member) == "<Colour.Green: 'Green'>"
    assert f"{member:>6}" == " Green"
    assert json.dumps(member) == '"Green"'


def test_an_unregistered_member_leaves_the_enum_as_it_is() -> None:
    before = (list(Colour), dict(Colour.__members__), dict(Colour._value2member_map_))
    unregistered(Colour, "Green")
    assert (list(Colour), dict(Colour.__members__), dict(Colour._value2member_map_)) == before
    with pytest.raises(ValueError, match="Green"):
        Colour("Green")


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_members_can_be_copied_whether_registered_or_not(copied: Any) -> None:
    strange = copied(unregistered(enums201.ConnectorStatusEnumType, "Asleep"))
    assert strange == "Asleep"
    assert type(strange) is enums201.ConnectorStatusEnumType
    assert copied(enums201.ConnectorStatusEnumType.available) is enums201.ConnectorStatusEnumType.available


def test_before_python_3_11_5_copies_are_asked_of_the_class(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("__copy__", "__deepcopy__"):
        monkeypatch.delattr(f"enum.Enum.{name}", raising=False)
    strange = unregistered(Colour, "Green")
    assert [copy.copy(strange), copy.deepcopy(strange)] == [strange, strange]


def test_messages_with_an_unregistered_member_can_be_shown_and_copied() -> None:
    message, _ = painted(colour="Green")
    assert "colour=<Colour.Green: 'Green'>" in repr(message)
    assert copy.deepcopy(message) == message
    assert attrs.evolve(message, whole=1) == message
