"""How texts are parsed: depth, duplicate keys, and parsers of others."""

import json
from typing import Any, NoReturn

import pytest

from ocpp_sansio import (
    CallFailed,
    CallReceived,
    Connection,
    ErrorCode,
    FrameRejected,
    Limits,
    Rejection,
    Role,
    Strictness,
    Version,
)
from ocpp_sansio._frames import Malformed, parse
from ocpp_sansio.v16 import call
from tests.pair import events_of
from tests.unit.exchange import asked, rejected_text, sent

every_version = pytest.mark.parametrize("version", list(Version))


def csms(version: Version = Version.V16, **options: Any) -> Connection:
    return Connection(Role.CSMS, version, **options)


# Depth.


def nested(value: str) -> str:
    """A CALL with one more object and one more array around the value."""
    return f'[2,"1","DataTransfer",{{"vendorId":"x","data":{value}}}]'


@pytest.mark.parametrize("validation", ["strict", "off"])
@pytest.mark.parametrize(
    "value",
    [
        "[[[]]]",
        '[{"a":[]}]',
        '{"a":[{"a":1}]}',
        '[["[[[[[["]]',
        '[["{{{{{{"]]',
        '[["\\"[[[[["]]',
        '["\\\\",[["]"]]]',
        '[[],[],[],{},{},"["]',
        '["]]]]]]]]",[["[[[["]]]',
    ],
)
def test_brackets_are_counted_by_depth_and_not_in_texts(value: str, validation: str) -> None:
    connection = csms(Version.V21, limits=Limits(nesting=5), validation=validation)
    connection.receive_text(nested(value), now=0)
    assert isinstance(events_of(connection)[0], CallReceived)


@pytest.mark.parametrize("validation", ["strict", "off"])
@pytest.mark.parametrize(
    "value",
    ["[[[[]]]]", '[{"a":[{}]}]', '{"a":{"a":{"a":[]}}}', '["]]]]",[["[",[]]]]', '["\\"",[["\\\\",[]]]]'],
)
def test_what_is_deeper_than_allowed_is_refused(value: str, validation: str) -> None:
    # L-218
    connection = csms(Version.V21, limits=Limits(nesting=5), validation=validation)
    event, answers = rejected_text(connection, nested(value))
    assert (event.reason, event.error.description) == (Rejection.TOO_DEEP, "nested deeper than 5 levels")
    assert answers[0][1:3] == ["1", "FormatViolation"]


@every_version
def test_a_call_that_is_much_too_deep_is_refused_under_its_id(version: Version) -> None:
    # L-218
    text = '[2,"1","Heartbeat",{"a":' + "[" * 5000 + "]" * 5000 + "}]"
    event, answers = rejected_text(csms(version), text)
    assert event.reason is Rejection.TOO_DEEP
    assert answers[0][1:3] == ["1", version.rules.spell(ErrorCode.FORMAT_VIOLATION)]


def test_half_a_character_does_not_hide_depth() -> None:
    event, _ = rejected_text(csms(validation="off"), nested('["\ud800",' + "[" * 5000 + "]" * 5000 + "]"))
    assert event.reason in (Rejection.TOO_DEEP, Rejection.NOT_UNICODE)


@pytest.mark.parametrize("depth", [100, 5000])
def test_an_answer_that_is_too_deep_fails_its_call(depth: int) -> None:
    connection = Connection(Role.CHARGING_STATION, "1.6")
    pending = asked(connection, id="1")
    connection.receive_text('[3,"1",{"a":' + "[" * depth + "]" * depth + "}]", now=0)
    [event] = events_of(connection)
    assert isinstance(event, CallFailed)
    assert event.pending is pending
    assert "nested" in str(event.error)


@pytest.mark.parametrize("kind", [3, 4])
def test_an_answer_to_nobody_that_is_too_deep_is_not_answered(kind: int) -> None:
    # J201-404, J21-404
    for version in (Version.V201, Version.V21):
        connection = csms(version)
        connection.receive_text(f'[{kind},"1",{{"a":' + "[" * 5000 + "]" * 5000 + "}]", now=0)
        assert sent(connection) == []


def test_a_send_that_is_too_deep_is_not_answered() -> None:
    # J21-304
    event, answers = rejected_text(csms(Version.V21), '[6,"1","X",{"a":' + "[" * 5000 + "]" * 5000 + "}]")
    assert (event.reason, answers) == (Rejection.TOO_DEEP, [])


# Duplicate keys.

TWICE = '[2,"1","Authorize",{"idTag":"a","idTag":"b"}]'


def test_of_duplicate_keys_the_last_one_wins() -> None:
    # L-218
    connection = csms()
    connection.receive_text(TWICE, now=0)
    [event] = events_of(connection)
    assert isinstance(event, CallReceived)
    assert event.request == call.Authorize(id_tag="b")


@every_version
def test_duplicate_keys_may_be_refused(version: Version) -> None:
    # L-218
    event, answers = rejected_text(csms(version, limits=Limits(reject_duplicate_keys=True)), TWICE)
    assert (event.reason, event.error.description) == (Rejection.DUPLICATE_KEYS, "the key 'idTag' twice")
    assert answers[0][1:3] == ["1", version.rules.spell(ErrorCode.FORMAT_VIOLATION)]


def test_an_answer_with_duplicate_keys_fails_its_call() -> None:
    connection = Connection(Role.CHARGING_STATION, "1.6", limits=Limits(reject_duplicate_keys=True))
    pending = asked(connection, id="1")
    connection.receive_text('[3,"1",{"a":{"x":1,"x":1}}]', now=0)
    [event] = events_of(connection)
    assert isinstance(event, CallFailed)
    assert event.pending is pending


def test_who_refuses_duplicate_keys_still_reads_the_rest() -> None:
    connection = csms(limits=Limits(reject_duplicate_keys=True))
    connection.receive_text(' [2,"1","Authorize",{"idTag":"a"}] ', now=0)
    assert isinstance(events_of(connection)[0], CallReceived)
    assert rejected_text(connection, "[NaN]")[0].reason is Rejection.NOT_JSON


# Another parser.


class Odd(Exception):
    """What no parser of ours raises."""


def raising(error: BaseException) -> Any:
    def loads(text: str) -> NoReturn:
        raise error

    return loads


def test_another_parser_is_used_for_every_text() -> None:
    seen = []

    def loads(text: str) -> Any:
        seen.append(text)
        return json.loads(text)

    connection = csms(loads=loads)
    connection.receive_text(b'[2,"1","Heartbeat",{}]', now=0)
    assert isinstance(events_of(connection)[0], CallReceived)
    assert seen == ['[2,"1","Heartbeat",{}]']


@pytest.mark.parametrize("error", [Odd("x"), ValueError("x"), KeyError("x"), MemoryError(), StopIteration(7)])
def test_whatever_another_parser_raises_is_not_json(error: Exception) -> None:
    connection = csms(loads=raising(error))
    event, answers = rejected_text(connection, '[2,"1","Heartbeat",{}]')
    assert event.reason is Rejection.BROKEN_CALL
    assert answers[0][1] == "1"


def test_another_parser_may_find_a_text_too_deep() -> None:
    event, _ = rejected_text(csms(loads=raising(RecursionError())), '[2,"1","Heartbeat",{}]')
    assert event.reason is Rejection.TOO_DEEP


def test_another_parser_may_say_much_or_half_a_character() -> None:
    event, [answer] = rejected_text(csms(loads=raising(Odd("\ud800" + "x" * 10**6))), '[2,"1","X",{}]')
    assert len(event.error.description) < 300
    assert answer[3].startswith("not JSON: ?xxx")


def test_a_parser_whose_errors_have_no_words_breaks_nothing() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise Odd

    event, _ = rejected_text(csms(loads=raising(Mute())), '[2,"1","Heartbeat",{}]')
    assert event.reason is Rejection.BROKEN_CALL


@pytest.mark.parametrize("found", [None, 7, {}, "x", (2, "1", "Heartbeat", {}), []])
def test_what_another_parser_finds_must_be_a_frame(found: object) -> None:
    with pytest.raises(Malformed) as caught:
        parse("anything", lambda text: found)
    assert caught.value.reason is Rejection.NOT_A_FRAME


def test_an_interrupt_is_not_swallowed() -> None:
    with pytest.raises(KeyboardInterrupt):
        csms(loads=raising(KeyboardInterrupt())).receive_text("[2]", now=0)


def test_an_empty_text_is_empty_to_any_parser() -> None:
    event, _ = rejected_text(csms(loads=raising(Odd())), " ")
    assert isinstance(event, FrameRejected)
    assert event.reason is Rejection.EMPTY


@pytest.mark.parametrize("key", [1, None, 1.5, (1, 2), True, b"x", frozenset()], ids=repr)
@pytest.mark.parametrize("members", [{}, {"chargePointVendor": "a", "chargePointModel": "b"}], ids=len)
@pytest.mark.parametrize("strictness", Strictness)
def test_a_parser_that_makes_keys_which_json_does_not_have_harms_nobody(
    key: Any, members: dict[Any, Any], strictness: Strictness
) -> None:
    payload = {**members, key: {key: [{key: 1}]}}
    csms = Connection(
        Role.CSMS, "1.6", loads=lambda text: [2, "1", "BootNotification", payload], validation=strictness
    )
    csms.receive_text("x", now=0.0)
    event = csms.next_event()
    assert isinstance(event, CallReceived if strictness is Strictness.OFF else (CallReceived, FrameRejected))
    assert csms.next_event() is None
