"""Taking turns, ends of calls and ids, in every version (chapters 2 and 3 of the wire rules)."""

import json
import re
from collections.abc import Callable

import pytest

from ocpp_sansio import (
    CallErrorReceived,
    CallFailed,
    CallLost,
    CallReceived,
    CallResultReceived,
    CallTimedOut,
    Closed,
    Connection,
    LateResponseReceived,
    LocalProtocolError,
    Raw,
    Role,
    StationState,
    UnmatchedResponseReceived,
    Version,
)
from ocpp_sansio.errors import NotSupportedError
from ocpp_sansio.messages import Request
from ocpp_sansio.v16 import call as call16
from tests.pair import events_of, frames_of, receive
from tests.unit.exchange import asked, received, sent

HEARTBEAT = Raw("Heartbeat")
TIME = {"currentTime": "2024-05-01T12:00:00Z"}

every_version = pytest.mark.parametrize("version", list(Version))


def station(version: Version) -> Connection:
    return Connection(Role.CHARGING_STATION, version)


def csms(version: Version) -> Connection:
    return Connection(Role.CSMS, version)


def typed_heartbeat(version: Version) -> Request:  # type: ignore[type-arg]
    return version.load()["Heartbeat"]()


# Taking turns.


@every_version
def test_a_call_waits_for_the_end_of_the_one_before(version: Version) -> None:
    # J*-301
    connection = station(version)
    first, second = connection.call(HEARTBEAT, now=0), connection.call(HEARTBEAT, now=0)
    assert [frame[1] for frame in sent(connection)] == [first.id]
    receive(connection, 3, first.id, TIME)
    assert [frame[1] for frame in sent(connection)] == [second.id]


@every_version
@pytest.mark.parametrize("frame", [(3, TIME), (4, "GenericError", "", {})])
def test_an_answer_ends_the_call(version: Version, frame: tuple[object, ...]) -> None:
    # J*-302
    connection = station(version)
    pending = asked(connection)
    kind, *rest = frame
    [event] = receive(connection, kind, pending.id, *rest)
    assert isinstance(event, (CallResultReceived, CallErrorReceived))
    assert event.pending is pending
    assert connection.calls == ()


@every_version
def test_silence_ends_the_call_and_nothing_else_does(version: Version) -> None:
    # J*-302
    connection = station(version)
    pending = asked(connection)
    following = connection.call(HEARTBEAT, now=0)
    receive(connection, 3, "other", TIME)
    receive(connection, 2, "1", "ClearCache", {})
    frames_of(connection)
    assert connection.calls == (pending, following)
    connection.handle_timeout(now=30)
    assert events_of(connection) == [CallTimedOut(pending)]
    assert [frame[1] for frame in sent(connection)] == [following.id]


@every_version
def test_calls_that_cross_are_both_answered(version: Version) -> None:
    # J*-303, J*-203
    ends = station(version), csms(version)
    asking = [
        end.call(Raw(action), now=0) for end, action in zip(ends, ("Heartbeat", "ClearCache"), strict=True)
    ]
    texts = [frames_of(end) for end in ends]
    for end, [text] in zip(ends, reversed(texts), strict=True):
        end.receive_text(text, now=0)
        [event] = events_of(end)
        assert isinstance(event, CallReceived)
        end.reply(event, Raw(event.action, {}))
    answers = [frames_of(end) for end in ends]
    for end, [text], pending in zip(ends, reversed(answers), asking, strict=True):
        end.receive_text(text, now=0)
        [event] = events_of(end)
        assert pending.response_in(event) is not None


@every_version
def test_a_handler_may_call_before_it_answers(version: Version) -> None:
    # J*-303
    connection = csms(version)
    owed = received(connection, 2, "1", "Heartbeat", {})
    pending = connection.call(Raw("ClearCache"), now=0)
    frames_of(connection)
    [event] = receive(connection, 3, pending.id, {"status": "Accepted"})
    assert pending.response_in(event) is not None
    connection.reply(owed, Raw("Heartbeat", TIME))
    assert [frame[:2] for frame in sent(connection)] == [[3, "1"]]


@every_version
def test_calls_that_the_peer_pipelines_are_served_in_order(version: Version) -> None:
    # L-303
    connection = csms(version)
    owed = [received(connection, 2, str(n), "Heartbeat", {}) for n in range(5)]
    assert connection.owed == tuple(owed)
    for call in owed:
        connection.reply(call, Raw("Heartbeat", TIME))
    assert [frame[1] for frame in sent(connection)] == [str(n) for n in range(5)]


# Time.


@every_version
def test_how_long_an_answer_may_take_is_ours_to_say(version: Version) -> None:
    # J*-306
    patient = Connection(Role.CHARGING_STATION, version, call_timeout=120)
    patient.call(HEARTBEAT, now=0)
    assert patient.deadline == 120
    hasty = station(version)
    hasty.call(HEARTBEAT, now=0, timeout=5)
    assert hasty.deadline == 5
    usual = station(version)
    usual.call(HEARTBEAT, now=0)
    assert usual.deadline == 30


@every_version
@pytest.mark.parametrize("rest", [[TIME], [{"nonsense": 1}], [], [[]]])
def test_a_late_answer_is_told_and_dropped(version: Version, rest: list[object]) -> None:
    # L-307, J*-404
    connection = station(version)
    late = connection.call(typed_heartbeat(version), now=0)
    frames_of(connection)
    connection.handle_timeout(now=30)
    events_of(connection)
    following = asked(connection)
    [event] = receive(connection, 3, late.id, *rest, now=31)
    assert isinstance(event, LateResponseReceived)
    assert event.pending is late
    assert (connection.calls, sent(connection)) == ((following,), [])


@every_version
def test_an_answer_that_is_there_before_anybody_looked_at_the_clock_counts(version: Version) -> None:
    # L-307: only handle_timeout ends a call; a loop that was held up must not lose what it has read.
    connection = station(version)
    pending = connection.call(typed_heartbeat(version), now=0)
    frames_of(connection)
    [event] = receive(connection, 3, pending.id, TIME, now=31)
    assert isinstance(event, CallResultReceived)
    assert event.pending is pending
    connection.handle_timeout(now=32)
    assert (events_of(connection), connection.calls, connection.deadline) == ([], (), None)


@every_version
@pytest.mark.parametrize("frame", [(3, "x", TIME), (4, "x", "GenericError", "", {}), (3,), (4, 7)])
def test_an_answer_to_nobody_is_told_and_dropped(version: Version, frame: tuple[object, ...]) -> None:
    # L-307, J*-404
    connection = station(version)
    pending = asked(connection)
    [event] = receive(connection, *frame)
    assert isinstance(event, UnmatchedResponseReceived)
    assert (connection.calls, sent(connection)) == ((pending,), [])


def test_a_connection_knows_what_it_was_made_with() -> None:
    connection = Connection(Role.CSMS, "ocpp2.1", call_timeout=7)
    assert (connection.role, connection.version, connection.call_timeout) == (Role.CSMS, Version.V21, 7)
    assert Connection(None, "1.6").role is None


# The end of the link.


@every_version
def test_a_lost_link_ends_every_call(version: Version) -> None:
    # L-308
    connection = station(version)
    calls = [connection.call(HEARTBEAT, now=0) for _ in range(3)]
    frames_of(connection)
    connection.receive_close()
    assert events_of(connection) == [*map(CallLost, calls), Closed()]


@every_version
def test_a_call_of_the_old_link_is_not_answered_on_the_new_one(version: Version) -> None:
    # L-308
    state = StationState()
    first = Connection(Role.CSMS, version, state=state)
    owed = received(first, 2, "1", "Heartbeat", {})
    first.receive_close()
    second = Connection(Role.CSMS, version, state=state)
    with pytest.raises(LocalProtocolError, match="is not owed an answer"):
        second.reply(owed, Raw("Heartbeat", TIME))
    assert sent(second) == []


@every_version
def test_an_answer_to_a_call_of_the_old_link_completes_none_of_the_new_one(version: Version) -> None:
    # L-308, L-205
    first = station(version)
    lost = asked(first)
    first.receive_close()
    second = station(version)
    pending = asked(second)
    [event] = receive(second, 3, lost.id, TIME)
    assert isinstance(event, UnmatchedResponseReceived)
    assert second.calls == (pending,)


# An answer that is no good.


@pytest.mark.parametrize("version", [Version.V16, Version.V201])
@pytest.mark.parametrize("rest", [[], [[]], [{"nonsense": 1}], [{}, {}], [{"currentTime": "noon"}]])
def test_before_2_1_a_bad_answer_is_a_local_failure(version: Version, rest: list[object]) -> None:
    # J16-305, J201-305, J16-404, J201-404
    connection = station(version)
    pending = connection.call(typed_heartbeat(version), now=0)
    frames_of(connection)
    [event] = receive(connection, 3, pending.id, *rest)
    assert isinstance(event, CallFailed)
    assert sent(connection) == []


def test_the_printed_example_of_an_answer_breaks_its_schema() -> None:
    # J16-219
    connection = station(Version.V16)
    boot = call16.BootNotification(charge_point_vendor="VendorX", charge_point_model="SingleSocketCharger")
    pending = connection.call(boot, now=0)
    frames_of(connection)
    printed = {"status": "Accepted", "currentTime": "2013-02-01T20:53:32.486Z", "heartbeatInterval": 300}
    assert isinstance(receive(connection, 3, pending.id, printed)[0], CallFailed)


# Ids.


@every_version
def test_every_call_has_an_id_of_its_own(version: Version) -> None:
    # J*-205, J*-204
    ids = []
    for _ in range(3):
        connection = station(version)
        ids += [connection.call(HEARTBEAT, now=0).id for _ in range(10)]
    assert len(set(ids)) == 30
    assert max(map(len, ids)) <= 36


def test_an_id_of_our_own_is_96_random_bits_and_a_count() -> None:
    # L-205
    connection = station(Version.V16)
    first, second = (connection.call(HEARTBEAT, now=0).id for _ in range(2))
    assert re.fullmatch(r"[0-9a-f]{24}-1", first)
    assert second == first.removesuffix("1") + "2"


@every_version
def test_an_id_is_not_given_to_a_second_live_call(version: Version) -> None:
    # J*-205
    connection = station(version)
    connection.call(HEARTBEAT, now=0, id="a")
    with pytest.raises(ValueError, match="belongs to a call that has not ended"):
        connection.call(HEARTBEAT, now=0, id="a")


@every_version
def test_a_retry_may_have_the_id_of_the_first_attempt(version: Version) -> None:
    # L-205
    connection = station(version)
    first = asked(connection, id="a")
    connection.handle_timeout(now=30)
    events_of(connection)
    second = asked(connection, id=first.id)
    [event] = receive(connection, 3, "a", TIME, now=31)
    assert second.response_in(event) is not None


@every_version
@pytest.mark.parametrize("id", ["x" * 37, "", "-1", "\ud800"])
def test_an_id_that_the_peer_could_not_read_is_not_sent(version: Version, id: str) -> None:
    # J*-204, J*-207
    connection = station(version)
    with pytest.raises(ValueError, match="a message id is text of 1 to 36 characters and not '-1'"):
        connection.call(HEARTBEAT, now=0, id=id)
    assert sent(connection) == []


@every_version
def test_the_length_of_an_id_is_counted_in_characters(version: Version) -> None:
    # J*-204
    connection = station(version)
    pending = connection.call(HEARTBEAT, now=0, id="😀" * 36)
    assert sent(connection)[0][1] == pending.id


Answer = Callable[[Connection, CallReceived], None]


@every_version
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda end, call: end.reply(call, Raw("Heartbeat", TIME)), 3),
        (lambda end, call: end.reply_error(call, NotSupportedError()), 4),
    ],
)
def test_an_answer_has_the_id_of_its_call(version: Version, answer: Answer, kind: int) -> None:
    # J*-206
    connection = csms(version)
    id = ' ä"\\/😀\n'
    answer(connection, received(connection, 2, id, "Heartbeat", {}))
    assert [frame[:2] for frame in sent(connection)] == [[kind, id]]


# What a frame is made of.


@every_version
def test_a_frame_is_a_json_array_in_ascii(version: Version) -> None:
    # J*-201, J*-202, J*-203
    connection = station(version)
    connection.call(Raw("DataTransfer", {"vendorId": "ä😀"}), now=0, id="ö")
    connection.receive_text('[2,"1","Heartbeat",{}]', now=0)
    for text in frames_of(connection):
        assert text.isascii()
        frame = json.loads(text)
        assert len(frame) == {2: 4, 3: 3, 4: 5}[frame[0]]


@every_version
@pytest.mark.parametrize("text", ['[2,"1","Heartbeat",{}]', ' [ 2.0 ,"1","Heartbeat",{ } ]\r\n'])
def test_a_frame_is_read_from_text_and_from_utf_8(version: Version, text: str) -> None:
    # J*-201, J*-203
    for given in (text, text.encode()):
        connection = csms(version)
        connection.receive_text(given, now=0)
        assert isinstance(events_of(connection)[0], CallReceived)


@every_version
def test_the_action_is_the_name_of_the_message(version: Version) -> None:
    # J*-208
    connection = station(version)
    connection.call(typed_heartbeat(version), now=0)
    assert sent(connection)[0][2] == "Heartbeat"


@every_version
def test_an_empty_payload_is_sent_as_an_object(version: Version) -> None:
    # J*-210
    connection = station(version)
    connection.call(typed_heartbeat(version), now=0)
    assert sent(connection)[0][3] == {}


@every_version
def test_a_null_payload_is_an_empty_one(version: Version) -> None:
    # J*-210
    connection = csms(version)
    assert received(connection, 2, "1", "Heartbeat", None).payload == {}
    clear = asked(connection, "ClearCache")
    [event] = receive(connection, 3, clear.id, None)
    assert isinstance(event, CallResultReceived)
    assert event.payload == {}


@every_version
@pytest.mark.parametrize("rest", [[], ["NotSupported"], ["NotSupported", "no"], ["NotSupported", None, None]])
def test_a_callerror_with_something_missing_is_filled_in(version: Version, rest: list[object]) -> None:
    # L-202, J*-212
    connection = station(version)
    pending = asked(connection)
    [event] = receive(connection, 4, pending.id, *rest)
    assert isinstance(event, CallErrorReceived)
    assert isinstance(event.error.description, str)
    assert event.error.details == {}


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
def test_an_overdue_call_ends_when_the_next_is_asked_for(version: str) -> None:
    station = Connection(Role.CHARGING_STATION, version, call_timeout=5)
    heartbeat = station.version.load()["Heartbeat"]
    first = station.call(heartbeat(), now=0.0)
    station.next_frame()
    second = station.call(heartbeat(), now=10.0)
    assert station.next_event() == CallTimedOut(first)
    assert station.calls == (second,)
    assert station.next_frame() is not None
    assert station.deadline == 15.0
