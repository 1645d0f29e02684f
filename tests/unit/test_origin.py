"""Passing on: what leaves under the version, type and id that it came with leaves byte for byte."""

import json

import pytest

from ocpp_sansio import (
    CallErrorReceived,
    CallResultErrorReceived,
    CallResultReceived,
    Connection,
    ErrorCode,
    OCPPError,
    Raw,
    Role,
    SendReceived,
    Version,
)
from ocpp_sansio.messages import Origin
from tests.pair import events_of, frames_of
from tests.unit.exchange import asked, received, sent

every_version = pytest.mark.parametrize("version", list(Version))

#: As none of our own encoders would write it.
CALL = '[ 2,\t"id-1", "DataTransfer",{"vendorId" : "\u00e4","data":"1.50","data":"1.5e0"} ]'
RESULT = '[3 ,"id-1",{ "status":"Accepted","data":"\\u00e4\\/"}]'
ERROR = '[4.0,"id-1", "NotSupported","sorry" ,{"a":1e2},"more"]'
RESULT_ERROR = '[5,"id-1", "GenericError",null]'
SEND = '[6,"id-1", "FooBar",{"a":1e2}]'


def csms(version: Version | str = "1.6") -> Connection:
    """What is received without being judged."""
    return Connection(Role.CSMS, version, validation="off")


def station(version: Version | str = "1.6") -> Connection:
    return Connection(Role.CHARGING_STATION, version, validation="off")


def call_in(text: str, version: Version | str = "1.6") -> Raw:
    connection = csms(version)
    connection.receive_text(text, now=0)
    [event] = events_of(connection)
    assert isinstance(event.request, Raw)  # type: ignore[union-attr]
    return event.request  # type: ignore[union-attr]


def result_in(text: str, version: Version | str = "1.6") -> Raw:
    connection = csms(version)
    asked(connection, "DataTransfer", id="id-1")
    connection.receive_text(text, now=0)
    [event] = events_of(connection)
    assert isinstance(event, CallResultReceived)
    assert isinstance(event.response, Raw)
    return event.response


def error_in(text: str, version: Version | str = "1.6") -> OCPPError:
    connection = csms(version)
    asked(connection, "DataTransfer", id="id-1")
    connection.receive_text(text, now=0)
    [event] = events_of(connection)
    assert isinstance(event, (CallErrorReceived, CallResultErrorReceived))
    return event.error


def owed(version: Version | str = "1.6", id: str = "id-1") -> tuple[Connection, object]:
    connection = csms(version)
    return connection, received(connection, 2, id, "DataTransfer", {"vendorId": "a"})


# A call.


@every_version
def test_a_call_is_passed_on_byte_for_byte(version: Version) -> None:
    # J201-904, J21-904
    upstream = station(version)
    upstream.call(call_in(CALL, version), now=0, id="id-1")
    assert frames_of(upstream) == [CALL]


def test_a_call_that_was_received_knows_where_it_came_from() -> None:
    assert call_in(CALL).origin == Origin("1.6", 2, "id-1", CALL)


def test_a_call_that_was_changed_is_written_anew() -> None:
    request = call_in(CALL)
    request.payload["data"] = "changed"
    upstream = station()
    upstream.call(request, now=0, id="id-1")
    assert json.loads(frames_of(upstream)[0])[3]["data"] == "changed"


def test_a_call_whose_action_was_changed_is_written_anew() -> None:
    request = call_in(CALL)
    request.action = "Heartbeat"
    upstream = station()
    assert upstream.call(request, now=0, id="id-1").action == "Heartbeat"
    assert json.loads(frames_of(upstream)[0])[2] == "Heartbeat"


def test_an_error_that_was_changed_is_written_anew() -> None:
    connection, call = owed()
    error = error_in('[4,"id-1","GenericError","a",{}]')
    error.description = "b"
    connection.reply_error(call, error)  # type: ignore[arg-type]
    assert sent(connection) == [[4, "id-1", "GenericError", "b", {}]]


@pytest.mark.parametrize("id", [None, "id-2"])
def test_under_another_id_a_call_is_written_anew(id: str | None) -> None:
    upstream = station()
    pending = upstream.call(call_in(CALL), now=0, id=id)
    assert sent(upstream) == [[2, pending.id, "DataTransfer", {"vendorId": "ä", "data": "1.5e0"}]]


def test_in_another_version_a_call_is_written_anew() -> None:
    upstream = station("2.0.1")
    upstream.call(call_in(CALL), now=0, id="id-1")
    [frame] = frames_of(upstream)
    assert frame != CALL
    assert json.loads(frame) == json.loads(CALL)


def test_a_call_that_waits_its_turn_is_passed_on_byte_for_byte() -> None:
    upstream = station()
    first = asked(upstream)
    upstream.call(call_in(CALL), now=0, id="id-1")
    upstream.receive_text(f'[3,"{first.id}",{{}}]', now=0)
    assert frames_of(upstream) == [CALL]


def test_a_message_of_ones_own_has_no_origin() -> None:
    assert Raw("DataTransfer", {"vendorId": "a"}).origin is None


def test_the_origin_makes_no_difference_to_equality_and_repr() -> None:
    request = call_in(CALL)
    own = Raw("DataTransfer", {"vendorId": "ä", "data": "1.5e0"})
    assert request == own
    assert repr(request) == repr(own)


# An answer.


@every_version
def test_a_result_is_passed_on_byte_for_byte(version: Version) -> None:
    # J201-904, J21-904
    connection, call = owed(version)
    connection.reply(call, result_in(RESULT, version))  # type: ignore[arg-type]
    assert frames_of(connection) == [RESULT]


def test_under_another_id_a_result_is_written_anew() -> None:
    connection, call = owed(id="other")
    connection.reply(call, result_in(RESULT))  # type: ignore[arg-type]
    assert sent(connection) == [[3, "other", {"status": "Accepted", "data": "ä/"}]]


def test_in_another_version_a_result_is_written_anew() -> None:
    connection, call = owed("2.1")
    connection.reply(call, result_in(RESULT))  # type: ignore[arg-type]
    [frame] = frames_of(connection)
    assert frame != RESULT
    assert json.loads(frame) == json.loads(RESULT)


def test_a_call_in_the_place_of_an_answer_is_written_anew() -> None:
    connection, call = owed()
    connection.reply(call, call_in(CALL))  # type: ignore[arg-type]
    assert sent(connection) == [[3, "id-1", {"vendorId": "ä", "data": "1.5e0"}]]


@every_version
def test_an_error_is_passed_on_byte_for_byte(version: Version) -> None:
    # J201-904, J21-904
    connection, call = owed(version)
    connection.reply_error(call, error_in(ERROR, version))  # type: ignore[arg-type]
    assert frames_of(connection) == [ERROR]


def test_under_another_id_an_error_is_written_anew() -> None:
    connection, call = owed(id="other")
    connection.reply_error(call, error_in(ERROR))  # type: ignore[arg-type]
    assert sent(connection) == [[4, "other", "NotSupported", "sorry", {"a": 100.0}]]


def test_in_another_version_an_error_is_spelled_anew() -> None:
    # J16-401, J201-401
    connection, call = owed("2.0.1")
    connection.reply_error(call, error_in('[4,"id-1","FormationViolation","",{}]'))  # type: ignore[arg-type]
    assert sent(connection) == [[4, "id-1", "FormatViolation", "", {}]]


def test_an_error_that_came_with_another_type_is_written_anew() -> None:
    connection, call = owed("2.1")
    connection.reply_error(call, error_in(RESULT_ERROR, "2.1"))  # type: ignore[arg-type]
    assert sent(connection) == [[4, "id-1", "GenericError", "", {}]]


def test_an_error_whose_id_is_no_text_has_no_origin() -> None:
    connection = csms("2.1")
    connection.receive_text('[5,7,"GenericError","",{}]', now=0)
    [event] = events_of(connection)
    assert isinstance(event, CallResultErrorReceived)
    assert event.error.origin is None


def test_what_is_passed_on_can_be_written_as_utf_8() -> None:
    # L-218
    connection, call = owed()
    connection.reply_error(call, error_in('[4,"id-1","GenericError","\ud800",{}]'))  # type: ignore[arg-type]
    [frame] = frames_of(connection)
    assert json.loads(frame.encode())[:3] == [4, "id-1", "GenericError"]


def test_a_code_that_nobody_knows_is_passed_on() -> None:
    # L-401
    connection, call = owed(id="other")
    connection.reply_error(call, error_in('[4,"id-1","Weird","",{}]'))  # type: ignore[arg-type]
    assert sent(connection)[0][2] == "Weird"


# What 2.1 adds.


def test_a_send_is_passed_on_byte_for_byte() -> None:
    # J21-904
    downstream = csms("2.1")
    downstream.receive_text(SEND, now=0)
    [event] = events_of(downstream)
    assert isinstance(event, SendReceived)
    upstream = station("2.1")
    upstream.send(event.message, now=0, id="id-1")
    assert frames_of(upstream) == [SEND]


def test_under_another_id_a_send_is_written_anew() -> None:
    downstream = csms("2.1")
    downstream.receive_text(SEND, now=0)
    [event] = events_of(downstream)
    assert isinstance(event, SendReceived)
    upstream = station("2.1")
    id = upstream.send(event.message, now=0)
    assert sent(upstream) == [[6, id, "FooBar", {"a": 100.0}]]


def test_a_rejection_is_passed_on_byte_for_byte() -> None:
    # J21-904
    upstream = station("2.1")
    asked(upstream, "DataTransfer", id="id-1")
    upstream.receive_text(RESULT, now=0)
    [result] = events_of(upstream)
    upstream.reject_result(result, error_in(RESULT_ERROR, "2.1"))  # type: ignore[arg-type]
    assert frames_of(upstream) == [RESULT_ERROR]


def test_an_error_of_ones_own_has_no_origin() -> None:
    assert OCPPError("x", code=ErrorCode.GENERIC_ERROR).origin is None
