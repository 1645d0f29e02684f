"""Broken text: what can still be read of it decides who is told, and how soon."""

import json
from typing import Any

import pytest

from ocpp_sansio import (
    CallErrorReceived,
    CallFailed,
    Connection,
    ErrorCode,
    LateResponseReceived,
    Rejection,
    Role,
    Version,
)
from tests.pair import events_of, receive
from tests.unit.exchange import asked, rejected_text, sent

every_version = pytest.mark.parametrize("version", list(Version))
since_201 = pytest.mark.parametrize("version", [Version.V201, Version.V21])

#: The code for a CALL whose text is broken but whose id could be read.
BROKEN = {
    Version.V16: "FormationViolation",
    Version.V201: "RpcFrameworkError",
    Version.V21: "RpcFrameworkError",
}


def csms(version: Version = Version.V16, **options: Any) -> Connection:
    return Connection(Role.CSMS, version, **options)


# A CALL.


@every_version
@pytest.mark.parametrize(
    "text",
    [
        '[2,"1","Heartbeat",{',
        '[2,"1","Heartbeat",{"a":1,}]',
        '[2,"1","Heartbeat",{}',
        '[2,"1","Heart',
        '[2,"1",',
        '[2,"1"',
        '[2,"1",Heartbeat,{}]',
        '[2,"1","Heartbeat",{}]]',
        '[2,"1","Heartbeat",{}] and more',
        '[2,"1","Heartbeat",{}][2,"2","Heartbeat",{}]',
        '[2,"1","Heartbeat",{}]\x00',
        '[2,"1","Heartbeat",{"a":"\x00"}]',
        '[2,"1","Heartbeat",{"a":"line\nline"}]',
        '[2,"1","Heartbeat",{"a":NaN}]',
        '[2,"1","Heartbeat",{a:1}]',
        '[2,"1","Heartbeat",{"a":"\\x"}]',
        '[2,"1","Heartbeat",{} /* why */]',
        '\ufeff[2,"1","Heartbeat",{}]',
        ' \n[ 2 , "1" , "Heartbeat" , {',
        '[2.0,"1","Heartbeat",{',
    ],
)
def test_a_broken_call_is_answered_at_once_under_its_id(version: Version, text: str) -> None:
    # J*-403, J*-405, L-403; J16-201, J201-201, J21-201
    event, answers = rejected_text(csms(version), text)
    assert [answer[:3] for answer in answers] == [[4, "1", BROKEN[version]]]
    assert (event.reason, event.answered_with, event.text) == (Rejection.BROKEN_CALL, "1", text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        ',[2,"1","Heartbeat",{}]',
        '[,2,"1","Heartbeat",{}]',
        '[2,,"1","Heartbeat",{}]',
        '2,"1","Heartbeat",{}]',
        "[2,",
        '[2,"1',
        "[2,1,Heartbeat",
        "[2,'1','Heartbeat',{}]",
        '["2","1","Heartbeat",{',
        '[22,"1","Heartbeat",{',
        '[-2,"1","Heartbeat",{',
        '[2,"\\q","Heartbeat",{',
        '[2,"\\ud800","Heartbeat",{',
        '[2,"1","\\ud800",{',
        '[2,"' + "x" * 256 + '","Heartbeat",{',
        '{"2":"1"',
    ],
)
def test_where_no_id_can_be_read_nobody_is_named(text: str) -> None:
    # J16-405, J16-207
    event, answers = rejected_text(csms(), text)
    assert event.answered_with is None
    assert answers == []


@since_201
@pytest.mark.parametrize("text", ["hello", '[,2,"1","Heartbeat",{}]', "[2,", '[2,"1', "[2,1,Heartbeat"])
def test_since_2_0_1_who_cannot_be_named_is_answered_all_the_same(version: Version, text: str) -> None:
    # J201-405, J21-405, J201-207, J21-207
    event, answers = rejected_text(csms(version), text)
    assert [answer[:3] for answer in answers] == [[4, "-1", "RpcFrameworkError"]]
    assert (event.reason, event.answered_with) == (Rejection.NOT_JSON, "-1")


@pytest.mark.parametrize("id", ["x" * 36, "x" * 255, "ä😀", '"', "\\", "\n", ""])
def test_the_id_is_read_whatever_it_is_made_of(id: str) -> None:
    # J16-206
    event, answers = rejected_text(csms(), f'[2,{json.dumps(id)},"Heartbeat",{{')
    assert event.answered_with == id
    assert answers[0][1] == id


def test_a_broken_call_under_an_id_that_is_being_handled_is_not_answered() -> None:
    # L-411
    connection = csms()
    receive(connection, 2, "1", "Heartbeat", {})
    event, answers = rejected_text(connection, '[2,"1","Heartbeat",{')
    assert (event.reason, answers) == (Rejection.BROKEN_CALL, [])


@since_201
@pytest.mark.parametrize("text", ['[2,"1","X",{"a":"b', 'she said "no"', "\\", '[2,"1","X",{"a":"\x00"}]'])
def test_an_error_about_broken_text_is_sound_itself(version: Version, text: str) -> None:
    # J201-213, J21-213
    _, [answer] = rejected_text(csms(version), text)
    assert isinstance(answer[3], str)
    assert answer[4] == {}


# An answer.


@every_version
@pytest.mark.parametrize("tail", ['{"currentTime":"2024', '{"a":1,}]', "{}]]", "", "{}] x", '{"a":"\x00"}]'])
def test_a_truncated_callresult_fails_its_call_at_once(version: Version, tail: str) -> None:
    connection = Connection(Role.CHARGING_STATION, version)
    pending = asked(connection, id="1")
    following = connection.call(pending.request, now=0)
    connection.receive_text(f'[3,"1",{tail}', now=1)
    [event] = events_of(connection)
    assert isinstance(event, CallFailed)
    assert (event.pending, event.payload) == (pending, None)
    assert "the answer to Heartbeat '1' cannot be read: not JSON" in str(event.error)
    assert connection.calls == (following,)


@pytest.mark.parametrize("version", [Version.V16, Version.V201])
def test_before_2_1_a_truncated_callresult_is_not_answered(version: Version) -> None:
    # J16-305, J201-305, J16-404, J201-404
    connection = Connection(Role.CHARGING_STATION, version)
    asked(connection, id="1")
    connection.receive_text('[3,"1",{', now=0)
    assert sent(connection) == []


@every_version
@pytest.mark.parametrize("tail", ["", ',"wh', ',"why"', ',"why",{"a":', ',"why",{}]]'])
def test_a_truncated_callerror_ends_its_call_with_its_code(version: Version, tail: str) -> None:
    # L-401
    connection = Connection(Role.CHARGING_STATION, version)
    pending = asked(connection, id="1")
    connection.receive_text(f'[4,"1","NotSupported"{tail}', now=0)
    [event] = events_of(connection)
    assert isinstance(event, CallErrorReceived)
    assert (event.pending, event.error.code) == (pending, ErrorCode.NOT_SUPPORTED)
    assert (event.error.description, event.error.details) == ("", {})
    assert sent(connection) == []  # J*-404


@every_version
@pytest.mark.parametrize("text", ['[4,"1"', '[4,"1",', '[4,"1","NotSupp', '[4,"1",7,'])
def test_a_callerror_without_a_readable_code_fails_its_call(version: Version, text: str) -> None:
    connection = Connection(Role.CHARGING_STATION, version)
    pending = asked(connection, id="1")
    connection.receive_text(text, now=0)
    [event] = events_of(connection)
    assert isinstance(event, CallFailed)
    assert event.pending is pending


@every_version
@pytest.mark.parametrize("text", ['[3,"1",{', '[4,"1","NotSupported","', '[4,"1"'])
def test_a_broken_answer_to_nobody_is_never_answered(version: Version, text: str) -> None:
    # J*-404, L-307
    event, answers = rejected_text(csms(version), text)
    assert (event.reason, answers) == (Rejection.NOT_JSON, [])


@every_version
@pytest.mark.parametrize("text", ["[3,", '[3,"1', "[3,7,{", '[4,"1', "[4,7,", "[ 3 , {"])
def test_a_broken_answer_is_never_answered_even_if_its_id_cannot_be_read(version: Version, text: str) -> None:
    # J*-404
    _, answers = rejected_text(csms(version), text)
    assert answers == []


@pytest.mark.parametrize("text", ["[6,", '[6,"1', '[6,7,"X",', "[5,", '[5,"1'])
def test_a_broken_send_is_never_answered_even_if_its_id_cannot_be_read(text: str) -> None:
    # J21-404
    _, answers = rejected_text(csms(Version.V21), text)
    assert answers == []


@pytest.mark.parametrize(
    ("text", "code"), [('[3,"1",{', None), ('[4,"1","NotSupported",', ErrorCode.NOT_SUPPORTED)]
)
def test_a_broken_late_answer_is_known_as_one(text: str, code: ErrorCode | None) -> None:
    # L-307
    connection = Connection(Role.CHARGING_STATION, "1.6")
    pending = asked(connection, id="1")
    connection.handle_timeout(now=30)
    events_of(connection)
    connection.receive_text(text, now=31)
    [event] = events_of(connection)
    assert isinstance(event, LateResponseReceived)
    assert (event.pending, event.payload) == (pending, None)
    assert (event.error.code if event.error is not None else None) is code
    assert event.text == text


@since_201
def test_a_text_of_a_type_that_nobody_knows_is_answered_under_its_id(version: Version) -> None:
    event, answers = rejected_text(csms(version), '[7,"1","X",{')
    assert (event.reason, answers[0][:3]) == (Rejection.NOT_JSON, [4, "1", "RpcFrameworkError"])


# Nothing in it.


@every_version
@pytest.mark.parametrize("text", ["", " ", "\n", "\r\n\t "])
def test_an_empty_frame_is_ignored(version: Version, text: str) -> None:
    event, answers = rejected_text(csms(version), text)
    assert (event.reason, answers) == (Rejection.EMPTY, [])


@pytest.mark.parametrize("text", ["\ufeff", "\x00", "\u00a0"])
def test_what_only_looks_empty_is_not_json(text: str) -> None:
    event, _ = rejected_text(csms(), text)
    assert event.reason is Rejection.NOT_JSON
