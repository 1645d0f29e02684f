"""CALLRESULTERROR, which OCPP 2.1 adds: it answers an answer, and nothing answers it."""

import json

import pytest

from ocpp_sansio import (
    CallErrorReceived,
    CallFailed,
    CallReceived,
    CallResultErrorReceived,
    CallResultReceived,
    Connection,
    ConnectionClosed,
    ErrorCode,
    FrameRejected,
    LocalProtocolError,
    Raw,
    Role,
    Version,
)
from ocpp_sansio.errors import FormatViolationError, GenericError
from ocpp_sansio.v21 import call, call_result
from tests.pair import events_of, frames_of, receive, state_of
from tests.unit.exchange import asked, received, rejected_text, sent

TIME = {"currentTime": "2024-05-01T12:00:00Z"}

before_21 = pytest.mark.parametrize("version", [Version.V16, Version.V201])


@pytest.fixture
def station() -> Connection:
    return Connection(Role.CHARGING_STATION, Version.V21)


@pytest.fixture
def csms() -> Connection:
    return Connection(Role.CSMS, Version.V21)


# A CALLRESULTERROR that we send.


def test_an_answer_is_rejected_under_its_id(station: Connection) -> None:
    # J21-206, J21-305
    pending = asked(station)
    [result] = receive(station, 3, pending.id, TIME)
    assert isinstance(result, CallResultReceived)
    station.reject_result(result, FormatViolationError("no good", {"a": 1}), now=5)
    assert sent(station) == [[5, pending.id, "FormatViolation", "no good", {"a": 1}]]


def result_at(connection: Connection, id: str | None = None) -> CallResultReceived:
    pending = asked(connection, id=id)
    [result] = receive(connection, 3, pending.id, TIME)
    assert isinstance(result, CallResultReceived)
    return result


def test_an_answer_is_rejected_once(station: Connection) -> None:
    result = result_at(station)
    station.reject_result(result, GenericError())
    before = state_of(station)
    with pytest.raises(LocalProtocolError, match="cannot be rejected: it was before"):
        station.reject_result(result, GenericError(), now=1)
    assert state_of(station) == before


def test_an_answer_is_rejected_by_the_connection_that_received_it(station: Connection) -> None:
    other = Connection(Role.CHARGING_STATION, "2.1")
    result = result_at(station, id="same")
    result_at(other, id="same")
    with pytest.raises(LocalProtocolError, match="by another connection"):
        other.reject_result(result, GenericError())


def test_an_answer_of_long_ago_is_not_rejected(station: Connection) -> None:
    results = [result_at(station) for _ in range(9)]
    with pytest.raises(LocalProtocolError, match="came long ago"):
        station.reject_result(results[0], GenericError())
    station.reject_result(results[1], GenericError())


@before_21
def test_a_version_without_callresulterror_rejects_no_answer(version: Version) -> None:
    # J201-435
    connection = Connection(Role.CHARGING_STATION, version)
    result = result_at(connection)
    before = state_of(connection)
    with pytest.raises(LocalProtocolError, match=f"OCPP {version.value} has no CALLRESULTERROR"):
        connection.reject_result(result, GenericError())
    assert state_of(connection) == before


@pytest.mark.parametrize("what", [None, "1", CallErrorReceived])
def test_only_a_result_can_be_rejected(station: Connection, what: object) -> None:
    if what is CallErrorReceived:
        [what] = receive(station, 4, asked(station).id, "GenericError", "", {})
    with pytest.raises(TypeError, match="only a CallResultReceived can be rejected"):
        station.reject_result(what, GenericError())  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [ValueError("x"), GenericError("x", {"a": object()})])
def test_an_answer_is_rejected_with_an_ocpp_error(station: Connection, error: Exception) -> None:
    result = result_at(station)
    before = state_of(station)
    with pytest.raises(TypeError):
        station.reject_result(result, error, now=9)  # type: ignore[arg-type]
    assert state_of(station) == before


def test_no_answer_is_rejected_once_the_link_is_closed(station: Connection) -> None:
    result = result_at(station)
    station.receive_close()
    with pytest.raises(ConnectionClosed):
        station.reject_result(result, GenericError())


@pytest.mark.parametrize(
    ("rest", "code"),
    [
        ([{}], "OccurrenceConstraintViolation"),
        ([None], "OccurrenceConstraintViolation"),  # J21-210
        ([{**TIME, "x": 1}], "ProtocolError"),
        ([{"currentTime": 7}], "TypeConstraintViolation"),
        ([{"currentTime": "noon"}], "PropertyConstraintViolation"),
        ([[]], "FormatViolation"),
        ([], "RpcFrameworkError"),
        ([TIME, {}], "RpcFrameworkError"),
        ([{"currentTime": "\ud800"}], "FormatViolation"),
    ],
)
def test_an_unusable_answer_is_rejected_at_once(station: Connection, rest: list[object], code: str) -> None:
    # J21-305, J21-206
    pending = station.call(call.Heartbeat(), now=0)
    frames_of(station)
    [event] = receive(station, 3, pending.id, *rest)
    assert isinstance(event, CallFailed)
    assert event.pending is pending
    [answer] = sent(station)
    assert answer[:3] == [5, pending.id, code]
    assert answer[3] == str(event.error)


def test_a_truncated_answer_is_rejected_at_once(station: Connection) -> None:
    # J21-305
    pending = asked(station)
    station.receive_text(f'[3,"{pending.id}",{{"currentTi', now=0)
    assert isinstance(events_of(station)[0], CallFailed)
    assert sent(station)[0][:3] == [5, pending.id, "RpcFrameworkError"]


def test_a_truncated_callerror_is_not_answered(station: Connection) -> None:
    # J21-404: nothing is ever sent in answer to an error
    pending = asked(station)
    station.receive_text(f'[4,"{pending.id}","Gener', now=0)
    assert isinstance(events_of(station)[0], CallFailed)
    assert sent(station) == []


def test_an_answer_to_nobody_is_not_rejected(station: Connection) -> None:
    # J21-404, L-307
    receive(station, 3, "1", {"nonsense": 1})
    assert sent(station) == []


# A CALLRESULTERROR that we receive.


def test_a_callresulterror_is_told_with_the_action_of_the_call(csms: Connection) -> None:
    # J21-305, J21-203
    csms.reply(
        received(csms, 2, "1", "Heartbeat", {}), call_result.Heartbeat(current_time="2024-05-01T12:00:00Z")
    )
    frames_of(csms)
    [event] = receive(csms, 5, "1", "FormatViolation", "why", {"a": 1})
    assert isinstance(event, CallResultErrorReceived)
    assert (event.id, event.action, event.error.code) == ("1", "Heartbeat", ErrorCode.FORMAT_VIOLATION)
    assert (event.error.description, event.error.details) == ("why", {"a": 1})
    assert sent(csms) == []  # J21-404


@pytest.mark.parametrize("frame", [[5], [5, 7], [5, "1"], [5, [], None, None, None], [5.0, "1", 7, 7, 7, 7]])
def test_a_crippled_callresulterror_is_told_and_never_answered(csms: Connection, frame: list[object]) -> None:
    # J21-404
    [event] = receive(csms, *frame)
    assert isinstance(event, CallResultErrorReceived)
    assert (event.action, event.error.code) == (None, ErrorCode.GENERIC_ERROR)
    assert sent(csms) == []


def test_a_callresulterror_names_its_call_once(csms: Connection) -> None:
    csms.reply_error(received(csms, 2, "1", "Heartbeat", {}), GenericError())
    actions = [receive(csms, 5, "1", "GenericError", "", {})[0].action for _ in range(2)]
    assert actions == ["Heartbeat", None]


def test_a_broken_callresulterror_is_never_answered(csms: Connection) -> None:
    # J21-404
    event, answers = rejected_text(csms, '[5,"1","FormatViolation","')
    assert isinstance(event, FrameRejected)
    assert answers == []


def test_a_callresulterror_in_answer_to_our_answer_completes_no_call(station: Connection) -> None:
    pending = asked(station, id="1")
    [event] = receive(station, 5, "1", "GenericError", "", {})
    assert isinstance(event, CallResultErrorReceived)
    assert station.calls == (pending,)


def test_both_sides_tell_of_an_answer_that_was_rejected(station: Connection, csms: Connection) -> None:
    # J21-305, J21-203
    for asking, answering, action in ((station, csms, "Heartbeat"), (csms, station, "GetLocalListVersion")):
        pending = asking.call(Raw(action), now=0)
        [text] = frames_of(asking)
        answering.receive_text(text, now=0)
        [call_received] = events_of(answering)
        assert isinstance(call_received, CallReceived)
        answering.reply(call_received, Raw(action, {"odd": 1}))
        [result] = receive(asking, *json.loads(frames_of(answering)[0]))
        asking.reject_result(result, GenericError())  # type: ignore[arg-type]
        [event] = receive(answering, *json.loads(frames_of(asking)[0]))
        assert isinstance(event, CallResultErrorReceived)
        assert (event.id, event.action) == (pending.id, action)
