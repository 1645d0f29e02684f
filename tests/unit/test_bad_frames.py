"""When a connection asks to be closed: too big, not UTF-8, too many unreadable frames; and what is kept of them."""

import pytest

from ocpp_sansio import (
    CallReceived,
    CloseRequested,
    Connection,
    FrameRejected,
    Limits,
    Rejection,
    Role,
    Version,
)
from tests.pair import events_of, frames_of, receive
from tests.unit.exchange import asked

GOOD = '[2,"1","Heartbeat",{}]'

every_version = pytest.mark.parametrize("version", list(Version))


def csms(**limits: int) -> Connection:
    return Connection(Role.CSMS, "1.6", limits=Limits(**limits))


def closes(connection: Connection) -> list[CloseRequested]:
    frames_of(connection)
    return [event for event in events_of(connection) if isinstance(event, CloseRequested)]


# Unreadable frames.


@every_version
def test_too_many_unreadable_frames_in_a_row_ask_for_a_close_with_1008(version: Version) -> None:
    # L-124
    connection = Connection(Role.CSMS, version, limits=Limits(bad_frames=3))
    for _ in range(2):
        connection.receive_text("hello", now=0)
    assert closes(connection) == []
    connection.receive_text("hello", now=0)
    assert closes(connection) == [CloseRequested(1008, "3 unreadable frames in a row")]


def test_the_close_comes_after_the_event_of_the_last_frame() -> None:
    connection = csms(bad_frames=1)
    connection.receive_text("hello", now=0)
    assert [type(event) for event in events_of(connection)] == [FrameRejected, CloseRequested]


def test_the_count_begins_again_after_the_request() -> None:
    connection = csms(bad_frames=2)
    for _ in range(5):
        connection.receive_text("hello", now=0)
    assert len(closes(connection)) == 2


@pytest.mark.parametrize("good", [GOOD, '[3,"9",{}]', '[4,"9","GenericError","",{}]'])
def test_a_frame_that_can_be_read_begins_the_count_again(good: str) -> None:
    connection = csms(bad_frames=2)
    for text in ("hello", good, "hello", good, "hello"):
        connection.receive_text(text, now=0)
    assert closes(connection) == []


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "{}",
        "[]",
        "[9]",
        "[2]",
        '["2"]',
        "[2,7,7,{}]",
        '[2,"1","Heartbeat",{',
        '[2,"1","\\ud800",{}]',
        '[2,"1","Heartbeat",' + '{"a":' * 200 + "1" + "}" * 200 + "]",
    ],
)
def test_what_leaves_nothing_of_a_frame_counts(text: str) -> None:
    connection = csms(bad_frames=2)
    for _ in range(2):
        connection.receive_text(text, now=0)
    assert len(closes(connection)) == 1


@pytest.mark.parametrize(
    "frame",
    [
        (2, "1", "FooBar", {}),
        (2, "1", "Reset", {}),
        (2, "1", "Heartbeat", {"x": 1}),
        (2, "1", "Heartbeat", []),
        (2, "x" * 37, "Heartbeat", {}),
    ],
)
def test_a_call_that_is_refused_does_not_count(frame: tuple[object, ...]) -> None:
    connection = csms(bad_frames=2)
    for _ in range(4):
        assert len(receive(connection, *frame)) == 1
        connection.receive_text("hello", now=0)
        assert closes(connection) == []


def test_an_empty_text_begins_the_count_again() -> None:
    connection = csms(bad_frames=2)
    for text in ("hello", "", "hello"):
        connection.receive_text(text, now=0)
    assert closes(connection) == []


def test_after_the_request_the_connection_is_usable() -> None:
    connection = csms(bad_frames=1)
    connection.receive_text("hello", now=0)
    closes(connection)
    assert isinstance(receive(connection, 2, "1", "Heartbeat", {})[0], CallReceived)
    assert not connection.closed


def test_broken_answers_count_as_well() -> None:
    station = Connection(Role.CHARGING_STATION, "1.6", limits=Limits(bad_frames=2))
    for _ in range(2):
        pending = asked(station)
        station.receive_text(f'[3,"{pending.id}",', now=0)
    assert len(closes(station)) == 1


# Size.


def test_the_default_size_is_a_mebi_character() -> None:
    # L-132
    connection = Connection(Role.CSMS, "1.6")
    text = '[2,"1","DataTransfer",{"vendorId":"a","data":"%s"}]'
    connection.receive_text(text % ("x" * (2**20 - len(text) + 2)), now=0)
    assert isinstance(events_of(connection)[0], CallReceived)
    connection.receive_text(text % ("x" * (2**20 - len(text) + 3)), now=0)
    assert [event.code for event in closes(connection)] == [1009]


def test_a_text_of_the_greatest_size_is_read() -> None:
    connection = csms(frame_size=len(GOOD))
    connection.receive_text(GOOD, now=0)
    assert isinstance(events_of(connection)[0], CallReceived)


def test_a_text_beyond_that_is_too_big() -> None:
    # L-132, L-124
    connection = csms(frame_size=len(GOOD))
    connection.receive_text(GOOD + " ", now=0)
    rejected, close = events_of(connection)
    assert isinstance(rejected, FrameRejected)
    assert (rejected.reason, rejected.answered_with) == (Rejection.TOO_BIG, None)
    assert "23 characters, at most 22" in rejected.error.description
    assert close == CloseRequested(1009, rejected.error.description)
    assert frames_of(connection) == []


def test_bytes_are_counted_in_characters() -> None:
    text = '[2,"1","DataTransfer",{"vendorId":"%s"}]' % ("😀" * 20)
    connection = csms(frame_size=len(text))
    connection.receive_text(text.encode(), now=0)
    assert isinstance(events_of(connection)[0], CallReceived)


def test_bytes_of_too_many_characters_are_too_big() -> None:
    connection = csms(frame_size=len(GOOD))
    connection.receive_text(GOOD.encode() + b" ", now=0)
    rejected, close = events_of(connection)
    assert isinstance(rejected, FrameRejected)
    assert (rejected.reason, rejected.text) == (Rejection.TOO_BIG, GOOD + " ")
    assert isinstance(close, CloseRequested)
    assert close.code == 1009


def test_more_bytes_than_any_text_of_that_size_has_are_not_decoded() -> None:
    connection = csms(frame_size=10)
    connection.receive_text(b"\xff" * 41, now=0)
    rejected, close = events_of(connection)
    assert isinstance(rejected, FrameRejected)
    assert rejected.reason is Rejection.TOO_BIG
    assert rejected.text == "\ufffd" * 41
    assert isinstance(close, CloseRequested)
    assert close.code == 1009


@pytest.mark.parametrize("text", ["x" * 3000, b"x" * 3000, b"x" * 9000])
def test_of_a_text_that_is_too_big_only_the_beginning_is_kept(text: str | bytes) -> None:
    connection = csms(frame_size=2000)
    connection.receive_text(text, now=0)
    [rejected] = [event for event in events_of(connection) if isinstance(event, FrameRejected)]
    assert rejected.text == "x" * 1000


def test_of_a_text_that_is_not_utf_8_only_the_beginning_is_kept() -> None:
    # L-124, J16-201
    connection = csms(frame_size=2000)
    connection.receive_text(b"x" * 1500 + b"\xff", now=0)
    rejected, close = events_of(connection)
    assert isinstance(rejected, FrameRejected)
    assert (rejected.reason, rejected.text) == (Rejection.NOT_UTF8, "x" * 1000)
    assert rejected.error.description == "not UTF-8: invalid start byte at byte 1500"
    assert close == CloseRequested(1007, "text is not UTF-8")


@every_version
def test_what_is_not_utf_8_is_not_answered(version: Version) -> None:
    # J*-201
    connection = Connection(Role.CSMS, version)
    connection.receive_text(b'[2,"1","Heartbeat",{"a":"\xff"}]', now=0)
    assert frames_of(connection) == []
    assert [event.code for event in closes(connection)] == [1007]


def test_a_text_that_is_too_big_does_not_count_as_unreadable() -> None:
    connection = csms(frame_size=10, bad_frames=1)
    connection.receive_text("x" * 11, now=0)
    assert [event.code for event in closes(connection)] == [1009]
