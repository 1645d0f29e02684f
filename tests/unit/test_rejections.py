"""What is told of a frame that is not accepted: the whole event, word for word, and the whole answer."""

import json
from typing import Any

import pytest

from ocpp_sansio import (
    BootGate,
    CallReceived,
    CallResultErrorReceived,
    CloseRequested,
    Connection,
    FrameRejected,
    Limits,
    Rejection,
    Role,
    SendReceived,
    StationState,
    Validation,
)
from ocpp_sansio.errors import (
    FormatViolationError,
    GenericError,
    MessageTypeNotSupportedError,
    NotImplementedError,
    NotSupportedError,
    OccurrenceConstraintViolationError,
    OCPPError,
    RpcFrameworkError,
    SecurityError,
    TypeConstraintViolationError,
)
from ocpp_sansio.messages import Raw
from tests.pair import events_of, frames_of, receive
from tests.unit.exchange import STREAM, known, received, rejected_text, sent

NOTIFY = "NotifyPeriodicEventStream"
STATION, CSMS = Role.CHARGING_STATION, Role.CSMS


def end_of(role: Role, version: str, boot: str | None = None) -> Connection:
    """One end; with a gate, if the station has this boot status."""
    if boot is None:
        return Connection(role, version)
    return Connection(role, version, state=known(boot), boot_gate=BootGate())


def is_told(event: FrameRejected, text: str, reason: Rejection, error: OCPPError, to: str | None) -> bool:
    """Whether an event says this; errors have no equality of their own."""
    return event == FrameRejected(text, reason, event.error, to) and repr(event.error) == repr(error)


# What is wrong with a frame, and the answer that it gets.


@pytest.mark.parametrize(
    ("end", "text", "reason", "error"),
    [
        (
            (CSMS, "2.0.1"),
            '[9,"1"]',
            Rejection.UNKNOWN_MESSAGE_TYPE,
            MessageTypeNotSupportedError("no message type 9"),
        ),
        (
            (CSMS, "2.0.1"),
            f'[{"9" * 30},"1"]',
            Rejection.UNKNOWN_MESSAGE_TYPE,
            MessageTypeNotSupportedError(f"no message type {'9' * 20}"),
        ),
        (
            (CSMS, "2.0.1"),
            '[5,"1","X"]',
            Rejection.UNKNOWN_MESSAGE_TYPE,
            MessageTypeNotSupportedError("no message type 5 in OCPP 2.0.1"),
        ),
        (
            (STATION, "2.0.1"),
            f'[6,"1","{NOTIFY}",{{}}]',
            Rejection.UNKNOWN_MESSAGE_TYPE,
            MessageTypeNotSupportedError("no message type 6 in OCPP 2.0.1"),
        ),
        (
            (CSMS, "1.6"),
            '[2,"1","ClearCache",{}]',
            Rejection.WRONG_DIRECTION,
            NotSupportedError("ClearCache is sent by the CSMS, not to it"),
        ),
        (
            (STATION, "2.1"),
            '[2,"1","Heartbeat",{}]',
            Rejection.WRONG_DIRECTION,
            NotSupportedError("Heartbeat is sent by the Charging Station, not to it"),
        ),
        (
            (CSMS, "2.1"),
            f'[2,"1","{NOTIFY}",{{}}]',
            Rejection.ONLY_AS_SEND,
            NotSupportedError(f"{NOTIFY} travels as a SEND, not as a CALL"),
        ),
        (
            (CSMS, "1.6"),
            '[2,"1","Sing",{}]',
            Rejection.UNKNOWN_ACTION,
            NotImplementedError("unknown action 'Sing'"),
        ),
        (
            (CSMS, "1.6"),
            f'[2,"1","{"A" * 70}",{{}}]',
            Rejection.UNKNOWN_ACTION,
            NotImplementedError(f"unknown action '{'A' * 59}"),
        ),
        (
            (CSMS, "1.6"),
            '[2,"1","Heartbeat",[]]',
            Rejection.PAYLOAD_NOT_AN_OBJECT,
            FormatViolationError("the payload is not an object"),
        ),
        (
            (CSMS, "1.6"),
            '[2,"1","Heartbeat"]',
            Rejection.MALFORMED_CALL,
            FormatViolationError("a CALL has 4 elements, not 3"),
        ),
        (
            (CSMS, "2.0.1"),
            '[2,"1","Heartbeat"',
            Rejection.BROKEN_CALL,
            RpcFrameworkError("not JSON: Expecting ',' delimiter: line 1 column 19 (char 18)"),
        ),
        (
            (CSMS, "1.6"),
            '[2,"1","Authorize",{"idTag":7}]',
            Rejection.INVALID_PAYLOAD,
            TypeConstraintViolationError("$.idTag: 7 is not text", {"path": "$.idTag", "keyword": "type"}),
        ),
        (
            (CSMS, "1.6", "Pending"),
            '[2,"1","Heartbeat",{}]',
            Rejection.NOT_ACCEPTED,
            SecurityError("Heartbeat may not be sent while the station is Pending"),
        ),
        (
            (STATION, "2.0.1", "Rejected"),
            '[2,"1","RequestStartTransaction",{}]',
            Rejection.NOT_ACCEPTED,
            SecurityError("RequestStartTransaction may not be sent while the station is Rejected"),
        ),
    ],
)
def test_a_frame_that_earns_an_answer_is_told_as_it_is_answered(
    end: tuple[Any, ...], text: str, reason: Rejection, error: OCPPError
) -> None:
    connection = end_of(*end)
    event, answers = rejected_text(connection, text)
    assert is_told(event, text, reason, error, "1")
    spelt = connection.version.rules.spell(error.code)
    assert answers == [[4, "1", spelt, error.description, error.details]]


@pytest.mark.parametrize(
    ("end", "text", "reason", "error"),
    [
        (
            (CSMS, "1.6"),
            '[5,"1","X"]',
            Rejection.UNKNOWN_MESSAGE_TYPE,
            FormatViolationError("no message type 5 in OCPP 1.6"),
        ),
        (
            (CSMS, "2.1"),
            '[6,"1","Sing",{}]',
            Rejection.UNKNOWN_ACTION,
            NotImplementedError("no message 'Sing' is a SEND"),
        ),
        (
            (STATION, "2.1"),
            f'[6,"1","{NOTIFY}",{{}}]',
            Rejection.WRONG_DIRECTION,
            NotSupportedError(f"{NOTIFY} is sent by the Charging Station, not to it"),
        ),
        (
            (CSMS, "2.1"),
            f'[6,"1","{NOTIFY}",{{}}]',
            Rejection.INVALID_PAYLOAD,
            OccurrenceConstraintViolationError(
                "$: data, id, pending, basetime are missing", {"path": "$", "keyword": "required"}
            ),
        ),
        (
            (CSMS, "2.1"),
            f'[6,"1","{NOTIFY}",7]',
            Rejection.PAYLOAD_NOT_AN_OBJECT,
            FormatViolationError("the payload is not an object"),
        ),
        (
            (CSMS, "2.1", "Pending"),
            f'[6,"1","{NOTIFY}",{{}}]',
            Rejection.NOT_ACCEPTED,
            SecurityError(f"{NOTIFY} may not be sent before the station is accepted"),
        ),
        (
            (STATION, "1.6", "Rejected"),
            '[2,"1","Reset",{}]',
            Rejection.NOT_ACCEPTED,
            SecurityError("Reset may not be sent while the station is Rejected"),
        ),
        (
            (CSMS, "2.1"),
            '[3,"1",[1',
            Rejection.NOT_JSON,
            RpcFrameworkError("not JSON: Expecting ',' delimiter: line 1 column 10 (char 9)"),
        ),
    ],
)
def test_a_frame_that_earns_none_is_told_all_the_same(
    end: tuple[Any, ...], text: str, reason: Rejection, error: OCPPError
) -> None:
    connection = end_of(*end)
    event, answers = rejected_text(connection, text)
    assert is_told(event, text, reason, error, None)
    assert answers == []


@pytest.mark.parametrize(
    ("version", "action"), [("1.6", "RemoteStartTransaction"), ("2.1", "RequestStopTransaction")]
)
def test_a_remote_start_that_comes_too_soon_is_rejected_in_its_own_words(version: str, action: str) -> None:
    # J16-503, J201-503, J21-503
    text = f'[2,"1","{action}",{{}}]'
    event, answers = rejected_text(end_of(STATION, version, "Pending"), text)
    error = SecurityError(f"{action} may not be sent while the station is Pending")
    assert is_told(event, text, Rejection.NOT_ACCEPTED, error, "1")
    assert answers == [[3, "1", {"status": "Rejected"}]]


def test_one_call_too_many_is_told_with_how_many_there_are() -> None:
    connection = Connection(CSMS, "1.6", limits=Limits(open_calls=1))
    received(connection, 2, "1", "Heartbeat", {})
    event, answers = rejected_text(connection, '[2,"2","Heartbeat",{}]')
    error = GenericError("1 calls wait for an answer already")
    assert is_told(event, '[2,"2","Heartbeat",{}]', Rejection.TOO_MANY_CALLS, error, "2")
    assert answers == [[4, "2", "GenericError", "1 calls wait for an answer already", {}]]


# What is too big, or not UTF-8.


@pytest.mark.parametrize(
    ("text", "shown", "size"),
    [
        ("x" * 11, "x" * 11, "11 characters, at most 10 characters"),
        (b"x" * 11, "x" * 11, "11 characters, at most 10 characters"),
        (b"\xff" * 41, "\ufffd" * 41, "41 bytes, at most 10 characters"),
        (bytearray(b"x" * 2000), "x" * 1000, "2000 bytes, at most 10 characters"),
    ],
)
def test_of_what_is_too_big_the_size_is_told(text: str | bytes | bytearray, shown: str, size: str) -> None:
    # L-132, L-124
    connection = Connection(CSMS, "2.0.1", limits=Limits(frame_size=10))
    connection.receive_text(text, now=0)
    event, close = events_of(connection)
    assert isinstance(event, FrameRejected)
    answered = event.answered_with
    assert is_told(event, shown, Rejection.TOO_BIG, type(event.error)(size), answered)
    assert close == CloseRequested(1009, size)
    assert [answer[3] for answer in sent(connection)] == ([size] if answered is not None else [])


def test_bytes_of_four_for_each_character_are_read() -> None:
    # L-132: no text of the greatest size has more
    connection = Connection(CSMS, "1.6", limits=Limits(frame_size=10))
    text = "😀" * 10
    connection.receive_text(text.encode(), now=0)
    [event] = events_of(connection)
    assert isinstance(event, FrameRejected)
    assert (event.text, event.reason) == (text, Rejection.NOT_JSON)


def test_of_what_is_not_utf_8_the_place_is_told() -> None:
    connection = Connection(CSMS, "1.6")
    connection.receive_text(b"ab\xff", now=0)
    event, close = events_of(connection)
    assert isinstance(event, FrameRejected)
    error = FormatViolationError("not UTF-8: invalid start byte at byte 2")
    assert is_told(event, "ab\ufffd", Rejection.NOT_UTF8, error, None)
    assert close == CloseRequested(1007, "text is not UTF-8")


# A SEND is judged by its action.


def test_a_send_that_a_pending_station_was_asked_for_passes_both_gates() -> None:
    # L-511
    state = StationState("CP1", boot="Pending", requested={NOTIFY})  # type: ignore[arg-type]
    station = Connection(STATION, "2.1", state=state, boot_gate=BootGate())
    assert station.send(Raw(NOTIFY, STREAM), now=0, id="1") == "1"
    [text] = frames_of(station)
    csms = Connection(CSMS, "2.1", state=state, boot_gate=BootGate())
    csms.receive_text(text, now=0)
    [event] = events_of(csms)
    assert isinstance(event, SendReceived)
    assert (event.id, event.action, event.payload) == ("1", NOTIFY, STREAM)


def test_a_vendors_send_without_a_schema_needs_no_class() -> None:
    # L-1007
    csms = Connection(CSMS, "2.1", validation=Validation(actions={"Sing": "off"}))
    assert receive(csms, 6, "1", "Sing", {"song": 1}) == [
        SendReceived("1", "Sing", Raw("Sing", {"song": 1}), {"song": 1}, (), '[6, "1", "Sing", {"song": 1}]')
    ]
    [event] = receive(csms, 6, "2", "Dance", {})
    assert isinstance(event, FrameRejected)
    assert event.reason is Rejection.UNKNOWN_ACTION


# A CALLRESULTERROR that says little.


@pytest.mark.parametrize("rest", [[], ["FormatViolation"]])
def test_a_callresulterror_is_told_of_by_its_id_alone(rest: list[Any]) -> None:
    # J21-305
    csms = Connection(CSMS, "2.1")
    csms.reply_error(received(csms, 2, "1", "Heartbeat", {}), GenericError())
    frames_of(csms)
    [event] = receive(csms, 5, "1", *rest)
    assert isinstance(event, CallResultErrorReceived)
    assert (event.id, event.action, event.text) == ("1", "Heartbeat", json.dumps([5, "1", *rest]))


def test_a_call_is_told_whole() -> None:
    csms = Connection(CSMS, "2.1")
    text = '[2,"1","Sing",{"a":1}]'
    free = Connection(CSMS, "2.1", validation="off")
    free.receive_text(text, now=0)
    assert events_of(free) == [CallReceived("1", "Sing", Raw("Sing", {"a": 1}), {"a": 1}, (), text)]
    csms.receive_text('[2,"1","Heartbeat",null]', now=0)
    heartbeat = csms.version.load()["Heartbeat"]()
    assert events_of(csms) == [CallReceived("1", "Heartbeat", heartbeat, {}, (), '[2,"1","Heartbeat",null]')]
