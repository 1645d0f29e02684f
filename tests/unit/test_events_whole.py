"""Events compared whole: each member of what is told when an answer comes, when it is no good, and when the link ends."""

import json
from typing import Any

import pytest

from ocpp_sansio import (
    CallErrorReceived,
    CallFailed,
    CallLost,
    CallResultErrorReceived,
    CallResultReceived,
    CallTimedOut,
    Closed,
    CloseRequested,
    Connection,
    FrameRejected,
    LateResponseReceived,
    Limits,
    PendingCall,
    Rejection,
    Role,
    UnmatchedResponseReceived,
    Validation,
    Violation,
)
from ocpp_sansio.errors import FormatViolationError, NotSupportedError, OCPPError, RemoteProtocolError
from ocpp_sansio.messages import Origin, Raw
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v21.send import NotifyPeriodicEventStream
from tests.pair import events_of, frames_of, receive
from tests.unit.exchange import STREAM, asked, received, sent

TIME = "2024-05-01T12:00:00Z"


@pytest.fixture
def station() -> Connection:
    return Connection(Role.CHARGING_STATION, "1.6")


def open_call(connection: Connection, id: str = "1") -> PendingCall[Any]:
    """A Heartbeat on the wire."""
    pending = connection.call(call.Heartbeat(), now=0, id=id)
    frames_of(connection)
    return pending


def timed_out(connection: Connection, id: str = "1") -> PendingCall[Any]:
    pending = open_call(connection, id)
    connection.handle_timeout(now=30)
    assert events_of(connection) == [CallTimedOut(pending)]
    return pending


# An answer.


def test_a_result_is_told_whole(station: Connection) -> None:
    pending = open_call(station)
    payload = {"currentTime": "2024-05-01T12:00:00"}
    words = "'2024-05-01T12:00:00' was read as a time, but not written as RFC 3339 with at most 3 decimals"
    note = Violation("$.currentTime", "format", "2024-05-01T12:00:00", words)
    response = call_result.Heartbeat(current_time=TIME)
    assert receive(station, 3, "1", payload) == [CallResultReceived(pending, response, payload, (note,))]


def test_an_error_is_told_whole(station: Connection) -> None:
    pending = open_call(station)
    text = '[4,"1","NotSupported","why",{"a":1}]'
    station.receive_text(text, now=0)
    [event] = events_of(station)
    assert isinstance(event, CallErrorReceived)
    assert event.pending is pending
    assert repr(event.error) == repr(NotSupportedError("why", {"a": 1}))
    assert event.error.origin == Origin("1.6", 4, "1", text)


@pytest.mark.parametrize(
    ("rest", "problem", "payload", "violation"),
    [
        ([], "has 2 elements; a CALLRESULT has 3", None, None),
        ([{"a": 1}, 7], "has 4 elements; a CALLRESULT has 3", {"a": 1}, None),
        ([None, 7], "has 4 elements; a CALLRESULT has 3", None, None),
        ([[7]], "has a payload that is not an object", [7], None),
        (
            [None],
            "is invalid: $: currentTime is missing",
            {},
            Violation("$", "required", {}, "currentTime is missing"),
        ),
        (
            [{"currentTime": 7}],
            "is invalid: $.currentTime: 7 is not text",
            {"currentTime": 7},
            Violation("$.currentTime", "type", 7, "7 is not text"),
        ),
    ],
)
def test_an_answer_that_is_no_good_is_told_whole(
    station: Connection, rest: list[Any], problem: str, payload: Any, violation: Violation | None
) -> None:
    pending = open_call(station)
    [event] = receive(station, 3, "1", *rest)
    assert isinstance(event, CallFailed)
    assert event == CallFailed(pending, event.error, payload)
    assert repr(event.error) == repr(RemoteProtocolError(f"the answer to Heartbeat '1' {problem}", violation))
    assert event.error.violation == violation


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[3,"1",', "cannot be read: not JSON: Expecting value: line 1 column 8 (char 7)"),
        ('[4,"1",', "cannot be read: not JSON: Expecting value: line 1 column 8 (char 7)"),
        ('[3,"1",{"a":"\\ud800"}]', "cannot be read: contains a lone surrogate, which is not Unicode"),
    ],
)
def test_an_answer_that_is_no_frame_is_told_whole(station: Connection, text: str, problem: str) -> None:
    pending = open_call(station)
    station.receive_text(text, now=0)
    [event] = events_of(station)
    assert isinstance(event, CallFailed)
    assert event == CallFailed(pending, event.error, None)
    assert repr(event.error) == repr(RemoteProtocolError(f"the answer to Heartbeat '1' {problem}"))


def test_what_is_said_of_a_bad_answer_is_said_to_the_peer() -> None:
    # J21-305
    station = Connection(Role.CHARGING_STATION, "2.1")
    pending = asked(station, id="1")
    station.receive_text('[3,"1",7]', now=0)
    [event] = events_of(station)
    sentence = "the answer to Heartbeat '1' has a payload that is not an object"
    assert isinstance(event, CallFailed)
    assert (event.pending, str(event.error)) == (pending, sentence)
    assert sent(station) == [[5, "1", "FormatViolation", sentence, {}]]


# An answer to nobody.


@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize(
    ("rest", "payload"),
    [([{"a": 1}], {"a": 1}), ([None], {}), ([], None), ([[7], 8], [7]), ([None, 8], None)],
)
def test_a_result_for_nobody_is_told_whole(
    station: Connection, late: bool, rest: list[Any], payload: Any
) -> None:
    # L-307
    text = json.dumps([3, "1", *rest])
    if late:
        pending = timed_out(station)
        assert receive(station, 3, "1", *rest) == [LateResponseReceived(pending, payload, None, text)]
    else:
        assert receive(station, 3, "1", *rest) == [UnmatchedResponseReceived("1", payload, None, text)]


@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('[4,"1","FormationViolation","why",{"a":1}]', FormatViolationError("why", {"a": 1})),
        ('[4,"1"]', OCPPError("", {}, code="GenericError")),
    ],
)
def test_an_error_for_nobody_is_told_whole(
    station: Connection, late: bool, text: str, error: OCPPError
) -> None:
    # L-307
    pending = timed_out(station) if late else None
    station.receive_text(text, now=31)
    [event] = events_of(station)
    assert isinstance(event, (LateResponseReceived, UnmatchedResponseReceived))
    told = event.error
    assert told is not None
    assert (told.code, told.description, told.details) == (error.code, error.description, error.details)
    if pending is not None:
        assert event == LateResponseReceived(pending, None, told, text)
    else:
        assert event == UnmatchedResponseReceived("1", None, told, text)


def test_a_broken_late_error_is_told_whole(station: Connection) -> None:
    pending = timed_out(station)
    text = '[4,"1","NotSupported",'
    station.receive_text(text, now=31)
    [event] = events_of(station)
    assert isinstance(event, LateResponseReceived)
    assert event == LateResponseReceived(pending, None, event.error, text)
    assert repr(event.error) == repr(NotSupportedError(""))


@pytest.mark.parametrize("id", [["1"], {}, 7, None])
def test_an_id_that_is_no_text_finds_no_late_call(station: Connection, id: Any) -> None:
    timed_out(station)
    expected = [UnmatchedResponseReceived(id, {}, None, json.dumps([3, id, {}]))]
    assert receive(station, 3, id, {}) == expected


def test_a_frame_of_an_answer_without_an_id_is_told_whole(station: Connection) -> None:
    assert receive(station, 3) == [UnmatchedResponseReceived(None, None, None, "[3]")]


# A CALLRESULTERROR.


def test_a_rejection_is_told_whole() -> None:
    # J21-305
    csms = Connection(Role.CSMS, "2.1")
    csms.reply_error(received(csms, 2, "1", "Heartbeat", {}), NotSupportedError())
    frames_of(csms)
    text = '[5,"1","FormatViolation","why",{"a":1}]'
    csms.receive_text(text, now=0)
    [event] = events_of(csms)
    assert isinstance(event, CallResultErrorReceived)
    assert event == CallResultErrorReceived("1", "Heartbeat", event.error, text)
    assert repr(event.error) == repr(FormatViolationError("why", {"a": 1}))
    assert event.error.origin == Origin("2.1", 5, "1", text)


# Too much, and the end.


def test_events_that_were_not_pulled_stay_when_the_link_closes(station: Connection) -> None:
    pending = station.call(call.Heartbeat(), now=0)
    station.receive_text("{}", now=0)
    station.receive_close()
    rejected, *rest = events_of(station)
    assert isinstance(rejected, FrameRejected)
    assert rejected.reason is Rejection.NOT_A_FRAME
    assert rest == [CallLost(pending), Closed()]


def test_a_text_that_is_dropped_asks_for_a_close_once_and_again_after_something_else() -> None:
    csms = Connection(Role.CSMS, "1.6", limits=Limits(undrained=1))
    too_fast = CloseRequested(1008, "frames arrive faster than they are handled")
    csms.receive_text("{}", now=0)
    csms.receive_text("{}", now=0)
    csms.receive_text("{}", now=0)
    first, *rest = events_of(csms)
    assert isinstance(first, FrameRejected)
    assert rest == [too_fast]


# By action, in both directions.


def test_a_send_may_go_unjudged_by_its_action() -> None:
    basetime = "2024-05-01T12:00:00Z"
    broken = NotifyPeriodicEventStream(data=[], id=1, pending=0, basetime=basetime)
    policy = Validation(actions={"NotifyPeriodicEventStream": Validation("strict", "off")})  # type: ignore[arg-type]
    station = Connection(Role.CHARGING_STATION, "2.1", validation=policy)
    station.send(broken, now=0, id="1")
    assert sent(station) == [[6, "1", "NotifyPeriodicEventStream", {**STREAM, "data": []}]]


def test_a_call_and_its_answer_may_go_unjudged_by_their_action() -> None:
    policy = Validation(actions={"Heartbeat": Validation("strict", "off")})  # type: ignore[arg-type]
    csms = Connection(Role.CSMS, "1.6", validation=policy)
    owed = received(csms, 2, "1", "Heartbeat", {})
    response = call_result.Heartbeat(current_time=TIME)
    response.current_time = None  # type: ignore[assignment]
    csms.reply(owed, response)
    assert sent(csms) == [[3, "1", {}]]
    policy = Validation(actions={"Authorize": Validation("strict", "off")})  # type: ignore[arg-type]
    station = Connection(Role.CHARGING_STATION, "1.6", validation=policy)
    station.call(call.Authorize(id_tag="x" * 30), now=0, id="1")
    assert sent(station) == [[2, "1", "Authorize", {"idTag": "x" * 30}]]


# Passed on with what only their senders could write.


@pytest.mark.parametrize("id", ["", "-1"])
def test_what_is_passed_on_may_hold_what_we_would_not_write(id: str) -> None:
    down = Connection(Role.CSMS, "2.1", validation="off")
    up = Connection(Role.CHARGING_STATION, "2.1", validation="off")
    send = f'[6,"{id}","FooBar",{{"a":1e400}}]'
    asking = f'[2,"{id}","FooBar",{{"a":1e400}}]'
    for text in (send, asking):
        down.receive_text(text, now=0)
    told, owed = events_of(down)
    up.send(told.message, now=0, id=id)  # type: ignore[union-attr]
    up.call(owed.request, now=0, id=id)  # type: ignore[union-attr]
    assert frames_of(up) == [send, asking]
    answer = f'[3,"{id}",{{"a":-1e400}}]'
    up.receive_text(answer, now=0)
    [result] = events_of(up)
    assert isinstance(result, CallResultReceived)
    assert isinstance(result.response, Raw)
    down.reply(owed, result.response)  # type: ignore[arg-type]
    assert frames_of(down) == [answer]
