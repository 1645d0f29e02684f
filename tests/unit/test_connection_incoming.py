"""Connection: what arrives from the peer, good and bad, and what it earns in OCPP 1.6."""

import json

import pytest

from ocpp_sansio import (
    CallFailed,
    CallReceived,
    CloseRequested,
    Connection,
    DuplicateCallReceived,
    FrameRejected,
    Limits,
    Rejection,
    Role,
)
from ocpp_sansio.errors import NotSupportedError
from ocpp_sansio.v16 import call
from tests.pair import events_of, frames_of, receive


@pytest.mark.parametrize(
    ("frame", "code", "reason"),
    [
        ([2, "a", "Heartbeat"], "FormationViolation", Rejection.MALFORMED_CALL),  # J16-408
        ([2, "a"], "FormationViolation", Rejection.MALFORMED_CALL),
        ([2, "a", "Heartbeat", {}, {}], "FormationViolation", Rejection.MALFORMED_CALL),
        ([2, "a", [], {}], "FormationViolation", Rejection.MALFORMED_CALL),
        ([2, "a" * 37, "Heartbeat", {}], "FormationViolation", Rejection.ID_TOO_LONG),  # J16-410
        ([2, "a", "FooBar", {}], "NotImplemented", Rejection.UNKNOWN_ACTION),  # J16-412
        ([2, "a", "heartbeat", {}], "NotImplemented", Rejection.UNKNOWN_ACTION),  # J16-208
        ([2, "a", "HeartbeatRequest", {}], "NotImplemented", Rejection.UNKNOWN_ACTION),
        ([2, "a", "TransactionEvent", {}], "NotImplemented", Rejection.UNKNOWN_ACTION),
        ([2, "a", "Reset", {"type": "Hard"}], "NotSupported", Rejection.WRONG_DIRECTION),  # J16-413
        ([2, "a", "Heartbeat", []], "FormationViolation", Rejection.PAYLOAD_NOT_AN_OBJECT),  # J16-414
        ([2, "a", "Heartbeat", "{}"], "FormationViolation", Rejection.PAYLOAD_NOT_AN_OBJECT),
        ([2, "a", "BootNotification", {}], "ProtocolError", Rejection.INVALID_PAYLOAD),  # J16-415
        ([2, "a", "BootNotification", None], "ProtocolError", Rejection.INVALID_PAYLOAD),  # J16-210
        ([2, "a", "Heartbeat", {"x": 1}], "FormationViolation", Rejection.INVALID_PAYLOAD),  # J16-416
        (
            [2, "a", "Authorize", {"idTag": 7}],
            "TypeConstraintViolation",
            Rejection.INVALID_PAYLOAD,
        ),  # J16-417
        ([2, "a", "Authorize", {"idTag": None}], "TypeConstraintViolation", Rejection.INVALID_PAYLOAD),
        (
            [2, "a", "Authorize", {"idTag": "x" * 21}],
            "PropertyConstraintViolation",
            Rejection.INVALID_PAYLOAD,
        ),  # J16-418
        (
            [2, "a", "FirmwareStatusNotification", {"status": "Fine"}],  # J16-419
            "PropertyConstraintViolation",
            Rejection.INVALID_PAYLOAD,
        ),
        (
            [
                2,
                "a",
                "StartTransaction",
                {"connectorId": 1, "idTag": "x", "meterStart": 1, "timestamp": "noon"},
            ],
            "PropertyConstraintViolation",  # J16-420
            Rejection.INVALID_PAYLOAD,
        ),
    ],
)
def test_a_bad_call_gets_the_code_of_the_table(
    csms: Connection, frame: list[object], code: str, reason: Rejection
) -> None:
    [event] = receive(csms, *frame)
    assert isinstance(event, FrameRejected)
    assert event.reason is reason
    assert event.answered_with == frame[1]
    [answer] = map(json.loads, frames_of(csms))
    assert answer[:3] == [4, frame[1], code]
    assert answer[3] == event.error.description
    assert answer[4] == event.error.details
    assert csms.owed == ()


def test_too_few_items_fail_the_call(csms: Connection) -> None:
    pending = csms.call(
        call.GetInstalledCertificateIds(certificate_type="CentralSystemRootCertificate"), now=0
    )
    frames_of(csms)
    [event] = receive(csms, 3, pending.id, {"status": "Accepted", "certificateHashData": []})
    assert isinstance(event, CallFailed)
    assert str(event.error).endswith("$.certificateHashData: 0 items, at least 1")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hello", Rejection.NOT_JSON),  # J16-405
        ("", Rejection.EMPTY),
        (" \r\n", Rejection.EMPTY),
        ("[2,", Rejection.NOT_JSON),
        ("[" * 100_000, Rejection.TOO_DEEP),
        (" " + "[" * 100_000, Rejection.TOO_DEEP),
        ('{"messageTypeId":2}', Rejection.NOT_A_FRAME),  # J16-406
        ("[]", Rejection.NOT_A_FRAME),
        ("7", Rejection.NOT_A_FRAME),
        ("null", Rejection.NOT_A_FRAME),
        ('[9,"x1","Heartbeat",{}]', Rejection.UNKNOWN_MESSAGE_TYPE),  # J16-407
        ('[5,"x1","GenericError","",{}]', Rejection.UNKNOWN_MESSAGE_TYPE),
        ('[6,"x1","Heartbeat",{}]', Rejection.UNKNOWN_MESSAGE_TYPE),
        ('["2","x4","Heartbeat",{}]', Rejection.UNKNOWN_MESSAGE_TYPE),
        ('[true,"x4","Heartbeat",{}]', Rejection.UNKNOWN_MESSAGE_TYPE),
        ('[[2],"x4","Heartbeat",{}]', Rejection.UNKNOWN_MESSAGE_TYPE),
        ('[1e400,"x4","Heartbeat",{}]', Rejection.UNKNOWN_MESSAGE_TYPE),
        ('[2,40417,"Heartbeat",{}]', Rejection.ID_NOT_TEXT),  # J16-409
        ('[2,null,"Heartbeat",{}]', Rejection.ID_NOT_TEXT),
        ('[2,["x"],"Heartbeat"]', Rejection.MALFORMED_CALL),
        ("[2]", Rejection.MALFORMED_CALL),
        ('[2,"%s","Heartbeat",{}]' % ("x" * 256), Rejection.ID_TOO_LONG),
    ],
)
def test_what_1_6_cannot_answer_is_an_event_only(csms: Connection, text: str, reason: Rejection) -> None:
    csms.receive_text(text, now=0)
    [event] = events_of(csms)
    assert isinstance(event, FrameRejected)
    assert (event.reason, event.answered_with, event.text) == (reason, None, text)
    assert frames_of(csms) == []


def test_an_id_of_255_characters_is_echoed(csms: Connection) -> None:
    receive(csms, 2, "x" * 255, "Heartbeat", {})
    [answer] = map(json.loads, frames_of(csms))
    assert answer[1] == "x" * 255


@pytest.mark.parametrize(
    "text", ['[2.0,"z","Heartbeat",{}]', ' [2 , "z",\n"Heartbeat" ,{}] \n', '[2,"z","Heartbeat",null]']
)
def test_other_ways_to_write_a_call_are_read(csms: Connection, text: str) -> None:
    csms.receive_text(text, now=0)
    [event] = events_of(csms)
    assert isinstance(event, CallReceived)
    assert event.request == call.Heartbeat()
    assert event.text == text


def test_the_last_of_duplicate_keys_wins(csms: Connection) -> None:
    csms.receive_text('[2,"z","Authorize",{"idTag":"a","idTag":"b"}]', now=0)
    [event] = events_of(csms)
    assert isinstance(event, CallReceived)
    assert event.request == call.Authorize(id_tag="b")


def test_bytes_are_utf8_text(csms: Connection) -> None:
    csms.receive_text('[2,"z","Authorize",{"idTag":"ä😀"}]'.encode(), now=0)
    [event] = events_of(csms)
    assert isinstance(event, CallReceived)
    assert event.request == call.Authorize(id_tag="ä😀")


def test_invalid_utf8_asks_for_a_close_with_1007(csms: Connection) -> None:
    csms.receive_text(b'[2,"h\xff","Heartbeat",{}]', now=0)
    rejected, close = events_of(csms)
    assert isinstance(rejected, FrameRejected)
    assert rejected.reason is Rejection.NOT_UTF8
    assert rejected.text == '[2,"h\ufffd","Heartbeat",{}]'
    assert isinstance(close, CloseRequested)
    assert close.code == 1007
    assert len(receive(csms, 2, "1", "Heartbeat", {})) == 1


def test_a_frame_over_the_limit_asks_for_a_close_with_1009() -> None:
    csms = Connection(Role.CSMS, "1.6", limits=Limits(frame_size=30))
    csms.receive_text("x" * 30, now=0)
    assert [type(event) for event in events_of(csms)] == [FrameRejected]
    csms.receive_text("x" * 31, now=0)
    rejected, close = events_of(csms)
    assert isinstance(rejected, FrameRejected)
    assert rejected.reason is Rejection.TOO_BIG
    assert isinstance(close, CloseRequested)
    assert close.code == 1009


@pytest.mark.parametrize(
    "text",
    [
        '[2,"z","Authorize",{"idTag":"\\ud800"}]',
        '[2,"z","Authorize",{"\\uDFFFx":1}]',
        '[2,"z","Authorize",{"idTag":"\ud800"}]',
    ],
)
def test_half_a_character_is_refused(csms: Connection, text: str) -> None:
    csms.receive_text(text, now=0)
    [event] = events_of(csms)
    assert isinstance(event, FrameRejected)
    assert (event.reason, event.answered_with) == (Rejection.NOT_UNICODE, "z")
    assert json.loads(frames_of(csms)[0])[2] == "FormationViolation"


def test_half_a_character_in_the_id_is_not_echoed(csms: Connection) -> None:
    csms.receive_text('[2,"\\ud800","Heartbeat",{}]', now=0)
    [event] = events_of(csms)
    assert isinstance(event, FrameRejected)
    assert event.answered_with is None


def test_a_pair_of_surrogate_escapes_is_a_character(csms: Connection) -> None:
    csms.receive_text('[2,"z","Authorize",{"idTag":"\\ud83d\\ude00"}]', now=0)
    [event] = events_of(csms)
    assert isinstance(event, CallReceived)
    assert event.request == call.Authorize(id_tag="😀")


def test_a_call_whose_id_is_being_handled_is_dropped(csms: Connection) -> None:
    [first] = receive(csms, 2, "1", "Heartbeat", {})
    [second] = receive(csms, 2, "1", "Authorize", {"idTag": "x"})
    assert second == DuplicateCallReceived("1", first, '[2, "1", "Authorize", {"idTag": "x"}]')
    assert frames_of(csms) == []
    assert csms.owed == (first,)


@pytest.mark.parametrize("frame", [[2, "1", "FooBar", {}], [2, "1", "Heartbeat"], [2, "1", "Heartbeat", []]])
def test_nothing_is_answered_under_an_id_that_is_being_handled(csms: Connection, frame: list[object]) -> None:
    receive(csms, 2, "1", "Heartbeat", {})
    receive(csms, *frame)
    assert frames_of(csms) == []


def test_an_answered_id_may_come_again(csms: Connection) -> None:
    [first] = receive(csms, 2, "1", "Heartbeat", {})
    csms.reply_error(first, NotSupportedError())
    [second] = receive(csms, 2, "1", "Heartbeat", {})
    assert isinstance(second, CallReceived)


def test_pipelined_calls_are_served_and_bounded() -> None:
    csms = Connection(Role.CSMS, "1.6", limits=Limits(open_calls=3))
    for n in range(3):
        assert isinstance(receive(csms, 2, str(n), "Heartbeat", {})[0], CallReceived)
    [event] = receive(csms, 2, "3", "Heartbeat", {})
    assert isinstance(event, FrameRejected)
    assert event.reason is Rejection.TOO_MANY_CALLS
    assert json.loads(frames_of(csms)[0])[:3] == [4, "3", "GenericError"]
    csms.reply_error(csms.owed[0], NotSupportedError())
    assert isinstance(receive(csms, 2, "4", "Heartbeat", {})[0], CallReceived)


def test_a_zoneless_time_in_a_call_is_understood_and_noted(csms: Connection) -> None:
    sample = {"timestamp": "2023-10-19T15:28:07", "sampledValue": [{"value": "1"}]}
    [event] = receive(csms, 2, "1", "MeterValues", {"connectorId": 1, "meterValue": [sample]})
    assert isinstance(event, CallReceived)
    [violation] = event.violations
    assert violation.path == "$.meterValue[0].timestamp"
    assert violation.value == "2023-10-19T15:28:07"


def test_the_error_text_is_at_most_255_characters(csms: Connection) -> None:
    [received] = receive(csms, 2, "1", "Heartbeat", {})
    csms.reply_error(received, NotSupportedError("x" * 1000))
    assert json.loads(frames_of(csms)[0])[3] == "x" * 255
