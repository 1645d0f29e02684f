"""What OCPP 2.0.1 and 2.1 answer where 1.6 has another word, or none."""

import json

import pytest

from ocpp_sansio import CallReceived, Connection, FrameRejected, Rejection, Role
from tests.pair import events_of, frames_of

BOOT = {"reason": "PowerUp", "chargingStation": {"model": "m", "vendorName": "v"}}
STATUS = {"timestamp": "2024-05-01T12:00:00Z", "connectorStatus": "Available", "evseId": 1, "connectorId": 1}

both = pytest.mark.parametrize("version", ["2.0.1", "2.1"])


def answer_to(version: str, text: str) -> tuple[FrameRejected, list[object] | None]:
    csms = Connection(Role.CSMS, version)
    csms.receive_text(text, now=0.0)
    [event] = events_of(csms)
    assert isinstance(event, FrameRejected)
    answers = [json.loads(frame) for frame in frames_of(csms)]
    return event, answers[0] if answers else None


@both
@pytest.mark.parametrize(
    ("text", "id", "code"),
    [
        ("hello", "-1", "RpcFrameworkError"),  # J201-405, J21-405
        ("{}", "-1", "RpcFrameworkError"),  # J201-406
        ("[]", "-1", "RpcFrameworkError"),
        ('[2,"a","Heartbeat"]', "a", "RpcFrameworkError"),  # J201-408
        ('[2,7,"Heartbeat",{}]', "-1", "RpcFrameworkError"),  # J201-409
        ('[2,"%s","Heartbeat",{}]' % ("x" * 37), "x" * 37, "RpcFrameworkError"),  # J201-410
        ('[2,"%s","Heartbeat",{}]' % ("x" * 256), "-1", "RpcFrameworkError"),
        ('[2,"a","FooBar",{}]', "a", "NotImplemented"),  # J201-412
        ('[2,"a","Reset",{"type":"Immediate"}]', "a", "NotSupported"),  # J201-413
        ('[2,"a","Heartbeat",[]]', "a", "FormatViolation"),  # J201-414
        ('[2,"a","BootNotification",{}]', "a", "OccurrenceConstraintViolation"),  # J201-415
        ('[2,"a","Heartbeat",{"x":1}]', "a", "ProtocolError"),  # J201-416
        ('[2,"a","Heartbeat",{"customData":{}}]', "a", "OccurrenceConstraintViolation"),  # J201-1002
    ],
)
def test_a_bad_frame_gets_the_code_of_the_table(version: str, text: str, id: str, code: str) -> None:
    event, answer = answer_to(version, text)
    assert answer is not None
    assert answer[:3] == [4, id, code]
    assert event.answered_with == id


@both
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"evseId": "1"}, "TypeConstraintViolation"),  # J201-417
        ({"evseId": None}, "TypeConstraintViolation"),
        ({"connectorStatus": "Fine"}, "PropertyConstraintViolation"),  # J201-419
        ({"timestamp": "noon"}, "PropertyConstraintViolation"),  # J201-420
        ({"customData": {"vendorId": "x" * 256}}, "PropertyConstraintViolation"),  # J201-418
    ],
)
def test_a_bad_member_gets_the_code_of_its_keyword(
    version: str, changes: dict[str, object], code: str
) -> None:
    _, answer = answer_to(version, json.dumps([2, "a", "StatusNotification", {**STATUS, **changes}]))
    assert answer is not None
    assert answer[2] == code


@both
def test_too_few_items_are_an_occurrence_violation(version: str) -> None:  # J201-421, J21-421
    _, answer = answer_to(version, '[2,"a","MeterValues",{"evseId":1,"meterValue":[]}]')
    assert answer is not None
    assert answer[2] == "OccurrenceConstraintViolation"


def test_an_unknown_message_type_is_answered_in_2_0_1_and_ignored_in_2_1() -> None:  # J201-407, J21-407
    event, answer = answer_to("2.0.1", '[9,"x1","Heartbeat",{}]')
    assert event.reason is Rejection.UNKNOWN_MESSAGE_TYPE
    assert answer is not None
    assert answer[:3] == [4, "x1", "MessageTypeNotSupported"]
    assert answer_to("2.1", '[9,"x1","Heartbeat",{}]')[1] is None


@both
def test_an_answer_is_never_answered_whatever_is_wrong_with_it(version: str) -> None:
    csms = Connection(Role.CSMS, version)
    for text in (
        '[3,"x",{"a":"\\ud800"}]',
        '[4,"\\ud800","x","",{}]',
        "[3]",
        '[4,"-1","RpcFrameworkError","",{}]',
    ):
        csms.receive_text(text, now=0.0)
    assert frames_of(csms) == []


@both
def test_12_0_is_an_integer(version: str) -> None:  # J201-215, J21-215
    csms = Connection(Role.CSMS, version)
    csms.receive_text(json.dumps([2, "a", "StatusNotification", {**STATUS, "evseId": 12.0}]), now=0.0)
    [event] = events_of(csms)
    assert isinstance(event, CallReceived)
    assert event.payload["evseId"] == 12


@both
def test_a_call_of_another_version_is_not_known(version: str) -> None:
    _, answer = answer_to(version, '[2,"a","StartTransaction",{}]')
    assert answer is not None
    assert answer[2] == "NotImplemented"
