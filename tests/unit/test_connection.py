"""Connection: calls and their ends, time, and what is left when nobody waits or drains."""

import json
import math

import attrs
import pytest

from ocpp_sansio import (
    CallErrorReceived,
    CallFailed,
    CallLost,
    CallReceived,
    CallResultReceived,
    CallTimedOut,
    Closed,
    CloseRequested,
    Connection,
    ConnectionClosed,
    ErrorCode,
    FrameRejected,
    LateResponseReceived,
    Limits,
    QueueFull,
    Rejection,
    RemoteProtocolError,
    Role,
    UnmatchedResponseReceived,
)
from ocpp_sansio.errors import GenericError, NotSupportedError, OccurrenceConstraintViolationError
from ocpp_sansio.v16 import call, call_result
from tests.pair import Pair, events_of, frames_of, receive, state_of

BOOT = call.BootNotification(charge_point_vendor="acme", charge_point_model="x1")
BOOTED = call_result.BootNotification(current_time="2024-05-01T12:00:00Z", interval=300, status="Accepted")


# A call and its end.


def test_a_call_is_asked_received_answered_and_typed(pair: Pair) -> None:
    pending, received = pair.ask(BOOT)
    assert received.request == BOOT
    assert received.action == "BootNotification"
    assert received.payload == {"chargePointVendor": "acme", "chargePointModel": "x1"}
    assert pair.csms.owed == (received,)
    assert pair.station.calls == (pending,)
    pair.csms.reply(received, BOOTED)
    pair.deliver()
    [event] = events_of(pair.station)
    assert isinstance(event, CallResultReceived)
    assert event.pending is pending
    assert pending.response_in(event) == BOOTED
    assert pair.csms.owed == ()
    assert pair.station.calls == ()
    assert pair.station.deadline is None


def test_events_match_by_the_type_of_their_request(pair: Pair) -> None:
    _, received = pair.ask(BOOT)
    match received:
        case CallReceived(request=call.BootNotification(charge_point_vendor=vendor)):
            assert vendor == "acme"
        case _:
            pytest.fail("a request is matched by its class")


def test_response_in_is_none_for_any_other_event(pair: Pair) -> None:
    first, received = pair.ask(BOOT)
    second = pair.station.call(call.Heartbeat(), now=pair.now)
    pair.csms.reply(received, BOOTED)
    pair.deliver()
    [event] = events_of(pair.station)
    assert second.response_in(event) is None
    assert first.response_in(Closed()) is None
    assert first.response_in(None) is None


def test_a_callerror_ends_the_call_with_code_description_and_details(pair: Pair) -> None:
    pending, received = pair.ask(BOOT)
    pair.csms.reply_error(received, OccurrenceConstraintViolationError("too few", {"field": "x"}))
    [frame] = frames_of(pair.csms)
    # J16-401: the misspelling is the wire's
    assert json.loads(frame) == [4, pending.id, "OccurenceConstraintViolation", "too few", {"field": "x"}]
    pair.station.receive_text(frame, now=pair.now)
    [event] = events_of(pair.station)
    assert isinstance(event, CallErrorReceived)
    assert isinstance(event.error, OccurrenceConstraintViolationError)
    assert event.error.code is ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION
    assert (event.error.description, event.error.details) == ("too few", {"field": "x"})


def test_an_unknown_error_code_still_completes_the_call(station: Connection) -> None:
    pending = station.call(call.Heartbeat(), now=0)
    frames_of(station)
    [event] = receive(station, 4, pending.id, "CompletelyUnknownCode", "why", {"a": 1})
    assert isinstance(event, CallErrorReceived)
    assert type(event.error) is GenericError
    assert event.error.code == "CompletelyUnknownCode"


@pytest.mark.parametrize(
    "rest",
    [
        [],
        ["NotSupported"],
        ["NotSupported", "text"],
        [None, None, None],
        [{}],
        [7, 7, 7],
        ["", "", {}, "more"],
    ],
)
def test_a_crippled_callerror_completes_the_call(station: Connection, rest: list[object]) -> None:
    pending = station.call(call.Heartbeat(), now=0)
    frames_of(station)
    [event] = receive(station, 4, pending.id, *rest)
    assert isinstance(event, CallErrorReceived)
    assert event.pending is pending
    assert isinstance(event.error.details, dict)
    assert station.calls == ()


@pytest.mark.parametrize(
    ("rest", "problem"),
    [
        ([], "has 2 elements"),
        ([{}, "x"], "has 4 elements"),
        ([[]], "not an object"),
        (["{}"], "not an object"),
        ([{}], "currentTime is missing"),
        ([None], "currentTime is missing"),  # J16-210: null is {}
        ([{"currentTime": "now"}], "$.currentTime: 'now' is not a date and time"),
        ([{"currentTime": "2024-05-01T12:00:00Z", "x": 1}], "unknown member 'x'"),
    ],
)
def test_an_unusable_callresult_fails_the_call(station: Connection, rest: list[object], problem: str) -> None:
    pending = station.call(call.Heartbeat(), now=0)
    frames_of(station)
    [event] = receive(station, 3, pending.id, *rest)
    assert isinstance(event, CallFailed)
    assert event.pending is pending
    assert isinstance(event.error, RemoteProtocolError)
    assert problem in str(event.error)
    assert str(event.error).startswith(f"the answer to Heartbeat {pending.id!r} ")
    assert event.payload == ({} if rest == [None] else rest[0] if rest else None)
    assert frames_of(station) == []  # J16-404: a CALLRESULT is never answered
    assert station.calls == ()


def test_a_null_callresult_is_an_empty_one(station: Connection) -> None:
    pending = station.call(
        call.StatusNotification(connector_id=1, error_code="NoError", status="Available"), now=0
    )
    frames_of(station)
    [event] = receive(station, 3, pending.id, None)
    assert pending.response_in(event) == call_result.StatusNotification()
    assert event.payload == {}


def test_an_answer_with_half_a_character_fails_its_call(station: Connection) -> None:
    pending = station.call(call.Heartbeat(), now=0)
    following = station.call(call.Heartbeat(), now=0)
    frames_of(station)
    station.receive_text(f'[3,"{pending.id}",{{"currentTime":"\\ud800"}}]', now=1)
    [event] = events_of(station)
    assert isinstance(event, CallFailed)
    assert "lone surrogate" in str(event.error)
    assert station.calls == (following,)


def test_a_strangers_answer_with_half_a_character_is_rejected_and_never_answered(station: Connection) -> None:
    station.receive_text('[3,"1",{"currentTime":"\\ud800"}]', now=1)
    [event] = events_of(station)
    assert isinstance(event, FrameRejected)
    assert (event.reason, event.answered_with) == (Rejection.NOT_UNICODE, None)
    assert frames_of(station) == []


def test_a_zoneless_time_in_an_answer_is_understood_and_noted(station: Connection) -> None:
    pending = station.call(call.Heartbeat(), now=0)
    frames_of(station)
    [event] = receive(station, 3, pending.id, {"currentTime": "2024-05-01T12:00:00"})
    assert isinstance(event, CallResultReceived)
    [violation] = event.violations
    assert (violation.path, violation.keyword) == ("$.currentTime", "format")


# One at a time.


def test_calls_go_out_one_at_a_time_in_order(station: Connection) -> None:
    first, second, third = (station.call(call.Heartbeat(), now=0) for _ in range(3))
    assert len(frames_of(station)) == 1
    assert station.calls == (first, second, third)
    receive(station, 4, first.id, "GenericError", "", {})
    assert [json.loads(frame)[1] for frame in frames_of(station)] == [second.id]
    receive(station, 3, second.id, {"currentTime": "2024-05-01T12:00:00Z"})
    assert [json.loads(frame)[1] for frame in frames_of(station)] == [third.id]


def test_answers_never_wait_for_our_own_call(csms: Connection) -> None:
    csms.call(call.ClearCache(), now=0)
    frames_of(csms)
    [received] = receive(csms, 2, "1", "Heartbeat", {})
    csms.reply(received, call_result.Heartbeat(current_time="2024-05-01T12:00:00Z"))
    assert [json.loads(frame)[0] for frame in frames_of(csms)] == [3]


def test_the_queue_is_bounded() -> None:
    station = Connection(Role.CHARGING_STATION, "1.6", limits=Limits(queued_calls=2))
    for _ in range(3):
        station.call(call.Heartbeat(), now=0)
    before = state_of(station)
    with pytest.raises(QueueFull, match="2 calls are waiting"):
        station.call(call.Heartbeat(), now=5)
    assert state_of(station) == before


def test_released_says_whether_the_peer_may_have_seen_the_call(station: Connection) -> None:
    first = station.call(call.Heartbeat(), now=0)
    second = station.call(call.Heartbeat(), now=0)
    assert not first.released
    station.next_frame()
    assert first.released
    assert not second.released


def test_an_answer_to_a_frame_that_was_not_pulled_is_a_strangers(station: Connection) -> None:
    pending = station.call(call.Heartbeat(), now=0)
    [event] = receive(station, 3, pending.id, {"currentTime": "2024-05-01T12:00:00Z"})
    assert isinstance(event, UnmatchedResponseReceived)
    assert station.calls == (pending,)


# Time.


def test_the_clock_of_a_call_starts_at_its_turn_and_not_in_the_queue(station: Connection) -> None:
    first = station.call(call.Heartbeat(), now=0)
    second = station.call(call.Heartbeat(), now=0, timeout=7)
    frames_of(station)
    assert station.deadline == 30
    receive(station, 4, first.id, "GenericError", "", {}, now=20)
    assert station.deadline == 27
    station.handle_timeout(now=math.nextafter(27, 0))
    assert events_of(station) == []
    station.handle_timeout(now=27)
    assert events_of(station) == [CallTimedOut(second)]
    assert station.deadline is None


def test_a_time_out_ends_the_call_and_lets_the_next_go(station: Connection) -> None:
    first = station.call(call.Heartbeat(), now=0, timeout=10)
    second = station.call(call.Heartbeat(), now=0)
    frames_of(station)
    station.handle_timeout(now=10)
    assert events_of(station) == [CallTimedOut(first)]
    assert [json.loads(frame)[1] for frame in frames_of(station)] == [second.id]
    assert station.deadline == 40
    assert station.consecutive_timeouts == 1


def test_consecutive_timeouts_count_until_any_answer(station: Connection) -> None:
    for attempt in range(1, 4):
        station.call(call.Heartbeat(), now=attempt * 100, timeout=10)
        frames_of(station)
        station.handle_timeout(now=attempt * 100 + 10)
        assert station.consecutive_timeouts == attempt
    pending = station.call(call.Heartbeat(), now=500)
    frames_of(station)
    receive(station, 4, pending.id, "InternalError", "", {}, now=501)
    assert station.consecutive_timeouts == 0


def test_a_result_ends_the_count_of_timeouts(station: Connection) -> None:
    station.call(call.Heartbeat(), now=0, timeout=1)
    frames_of(station)
    station.handle_timeout(now=1)
    pending = station.call(call.Heartbeat(), now=2)
    frames_of(station)
    receive(station, 3, pending.id, {"currentTime": "2024-05-01T12:00:00Z"}, now=3)
    assert station.consecutive_timeouts == 0


def test_queue_timeout_ends_a_call_that_never_had_its_turn(station: Connection) -> None:
    first = station.call(call.Heartbeat(), now=0)
    second = station.call(call.Heartbeat(), now=1, queue_timeout=5)
    third = station.call(call.Heartbeat(), now=1)
    frames_of(station)
    assert station.deadline == 6
    station.handle_timeout(now=6)
    assert events_of(station) == [CallTimedOut(second)]
    assert not second.released
    assert station.calls == (first, third)
    assert station.deadline == 30
    assert station.consecutive_timeouts == 0


def test_a_call_whose_queue_timeout_is_over_is_not_sent_when_the_slot_frees(station: Connection) -> None:
    first = station.call(call.Heartbeat(), now=0)
    second = station.call(call.Heartbeat(), now=0, queue_timeout=5)
    frames_of(station)
    events = receive(station, 4, first.id, "GenericError", "", {}, now=9)
    assert isinstance(events[0], CallErrorReceived)
    assert events[1:] == [CallTimedOut(second)]
    assert frames_of(station) == []


def test_calls_whose_turn_never_came_end_in_the_order_of_asking(station: Connection) -> None:
    station.call(call.Heartbeat(), now=0, timeout=100)
    waiting = [station.call(call.Heartbeat(), now=0, queue_timeout=5) for _ in range(4)]
    station.handle_timeout(now=5)
    assert [event.pending for event in events_of(station) if isinstance(event, CallTimedOut)] == waiting


def test_queue_timeouts_expire_in_order_of_their_instants(station: Connection) -> None:
    station.call(call.Heartbeat(), now=0)
    late = station.call(call.Heartbeat(), now=0, queue_timeout=9)
    early = station.call(call.Heartbeat(), now=0, queue_timeout=3)
    frames_of(station)
    assert station.deadline == 3
    station.handle_timeout(now=20)
    assert events_of(station) == [CallTimedOut(early), CallTimedOut(late)]


def test_a_call_that_times_out_before_its_frame_was_pulled_is_never_sent(station: Connection) -> None:
    first = station.call(call.Heartbeat(), now=0)
    station.handle_timeout(now=30)
    assert events_of(station) == [CallTimedOut(first)]
    assert frames_of(station) == []
    assert station.consecutive_timeouts == 0


def test_a_clock_that_runs_back_is_clamped(station: Connection) -> None:
    station.call(call.Heartbeat(), now=100)
    frames_of(station)
    station.call(call.Heartbeat(), now=50)
    station.handle_timeout(now=-1e9)
    assert events_of(station) == []
    assert station.deadline == 130


@pytest.mark.parametrize("now", [math.inf, -math.inf, math.nan])
def test_an_instant_is_a_finite_number(station: Connection, now: float) -> None:
    station.call(call.Heartbeat(), now=0)
    before = state_of(station)
    for verb in (
        lambda: station.call(call.Heartbeat(), now=now),
        lambda: station.receive_text("[]", now=now),
        lambda: station.handle_timeout(now=now),
        lambda: station.receive_close(now=now),
    ):
        with pytest.raises(ValueError, match="finite"):
            verb()
    assert state_of(station) == before


@pytest.mark.parametrize("seconds", [0, -1, math.inf, math.nan])
def test_timeouts_are_positive_and_finite(station: Connection, seconds: float) -> None:
    before = state_of(station)
    with pytest.raises(ValueError, match="timeout is a positive number of seconds"):
        station.call(call.Heartbeat(), now=1, timeout=seconds)
    with pytest.raises(ValueError, match="queue_timeout is a positive number of seconds"):
        station.call(call.Heartbeat(), now=1, queue_timeout=seconds)
    with pytest.raises(ValueError, match="call_timeout is a positive number of seconds"):
        Connection(Role.CSMS, "1.6", call_timeout=seconds)
    assert state_of(station) == before


# Answers that nobody waits for.


def test_a_late_answer_is_an_event_and_nothing_else(station: Connection) -> None:
    pending = station.call(call.Heartbeat(), now=0, timeout=1)
    frames_of(station)
    station.handle_timeout(now=1)
    events_of(station)
    following = station.call(call.Heartbeat(), now=2)
    frames_of(station)
    [event] = receive(station, 3, pending.id, {"currentTime": "x"}, now=3)
    assert isinstance(event, LateResponseReceived)
    assert event.pending is pending
    assert event.payload == {"currentTime": "x"}
    assert event.error is None
    assert station.calls == (following,)
    assert frames_of(station) == []
    [again] = receive(station, 4, pending.id, "InternalError", "", {}, now=4)
    assert isinstance(again, UnmatchedResponseReceived)
    assert again.error is not None


def test_a_late_callerror_carries_its_error(station: Connection) -> None:
    pending = station.call(call.Heartbeat(), now=0, timeout=1)
    frames_of(station)
    station.handle_timeout(now=1)
    events_of(station)
    [event] = receive(station, 4, pending.id, "InternalError", "sorry", {}, now=4)
    assert isinstance(event, LateResponseReceived)
    assert event.error is not None
    assert event.error.description == "sorry"


def test_a_retry_with_the_same_id_takes_the_answer(station: Connection) -> None:
    first = station.call(call.Heartbeat(), now=0, timeout=1, id="retry")
    frames_of(station)
    station.handle_timeout(now=1)
    events_of(station)
    second = station.call(call.Heartbeat(), now=2, id=first.id)
    frames_of(station)
    [event] = receive(station, 3, "retry", {"currentTime": "2024-05-01T12:00:00Z"}, now=3)
    assert second.response_in(event) is not None


def test_a_late_answer_is_known_while_its_retry_waits(station: Connection) -> None:
    late = station.call(call.Heartbeat(), now=0, timeout=1, id="retry")
    frames_of(station)
    station.handle_timeout(now=1)
    station.call(call.Heartbeat(), now=2)
    station.call(call.Heartbeat(), now=2, id="retry")
    frames_of(station)
    events_of(station)
    [event] = receive(station, 3, "retry", {}, now=3)
    assert isinstance(event, LateResponseReceived)
    assert event.pending is late


def test_timed_out_ids_are_remembered_within_a_bound() -> None:
    station = Connection(Role.CHARGING_STATION, "1.6", limits=Limits(remembered_ids=2))
    ids = []
    for n in range(3):
        ids.append(station.call(call.Heartbeat(), now=n * 100).id)
        frames_of(station)
        station.handle_timeout(now=n * 100 + 30)
    events_of(station)
    kinds = [type(receive(station, 3, id, {}, now=1000)[0]) for id in ids]
    assert kinds == [UnmatchedResponseReceived, LateResponseReceived, LateResponseReceived]


@pytest.mark.parametrize(
    "frame", [[3], [4], [3, None], [3, ["x"], {}], [3, {}, {}], [4, 7, "x", "", {}], [3, "-1", {}]]
)
def test_answers_to_nobody_are_events_whatever_their_id(station: Connection, frame: list[object]) -> None:
    pending = station.call(call.Heartbeat(), now=0)
    frames_of(station)
    [event] = receive(station, *frame)
    assert isinstance(event, UnmatchedResponseReceived)
    assert event.id == (frame[1] if len(frame) > 1 else None)
    assert frames_of(station) == []
    assert station.calls == (pending,)


def test_a_second_answer_to_the_same_call_is_a_strangers(station: Connection) -> None:
    pending = station.call(call.Heartbeat(), now=0)
    frames_of(station)
    receive(station, 4, pending.id, "InternalError", "", {})
    [event] = receive(station, 4, pending.id, "InternalError", "", {})
    assert isinstance(event, UnmatchedResponseReceived)


# Abandoned calls.


def test_a_queued_call_that_is_abandoned_is_never_sent_and_ends_as_lost(station: Connection) -> None:
    first = station.call(call.Heartbeat(), now=0)
    second = station.call(call.Heartbeat(), now=0, queue_timeout=5)
    third = station.call(call.Heartbeat(), now=0)
    frames_of(station)
    station.abandon(second)
    assert events_of(station) == [CallLost(second)]
    assert station.calls == (first, third)
    assert station.deadline == 30


def test_a_call_on_the_wire_that_is_abandoned_keeps_its_slot(station: Connection) -> None:
    first = station.call(call.Heartbeat(), now=0)
    station.call(call.Heartbeat(), now=0)
    frames_of(station)
    station.abandon(first, now=5)
    assert events_of(station) == []
    assert frames_of(station) == []
    [event] = receive(station, 4, first.id, "InternalError", "", {}, now=6)
    assert isinstance(event, CallErrorReceived)
    assert len(frames_of(station)) == 1


def test_an_unpulled_call_that_is_abandoned_makes_room_for_the_next(station: Connection) -> None:
    first = station.call(call.Heartbeat(), now=0)
    second = station.call(call.Heartbeat(), now=0)
    station.abandon(first, now=4)
    assert events_of(station) == [CallLost(first)]
    assert [json.loads(frame)[1] for frame in frames_of(station)] == [second.id]
    assert station.deadline == 34


def test_abandoning_a_call_that_has_ended_does_nothing(station: Connection) -> None:
    pending = station.call(call.Heartbeat(), now=0)
    frames_of(station)
    receive(station, 4, pending.id, "InternalError", "", {})
    station.abandon(pending)
    assert events_of(station) == []


# The end.


def test_when_the_link_closes_every_call_ends_as_lost(station: Connection) -> None:
    calls = [station.call(call.Heartbeat(), now=0) for _ in range(3)]
    [received] = receive(station, 2, "1", "ClearCache", {})
    station.receive_close()
    assert events_of(station) == [*map(CallLost, calls), Closed()]
    assert station.closed
    assert (station.calls, station.owed, station.deadline) == ((), (), None)
    assert station.next_frame() is None
    for verb in (
        lambda: station.call(call.Heartbeat(), now=1),
        lambda: station.reply(received, call_result.ClearCache(status="Accepted")),
        lambda: station.reply_error(received, NotSupportedError()),
    ):
        with pytest.raises(ConnectionClosed):
            verb()
    station.receive_text('[2,"1","ClearCache",{}]', now=5)
    station.handle_timeout(now=1e9)
    station.receive_close()
    assert events_of(station) == []
    assert station.next_frame() is None


# Nothing unbounded.


def test_frames_are_dropped_while_nobody_drains_and_one_close_is_requested() -> None:
    csms = Connection(Role.CSMS, "1.6", limits=Limits(undrained=10))
    for n in range(1000):
        csms.receive_text(f'[2,"{n}","FooBar",{{}}]', now=0)
    events = events_of(csms)
    assert len(events) == 6
    assert events[-1] == CloseRequested(1008, "frames arrive faster than they are handled")
    assert len(frames_of(csms)) == 5
    assert len(receive(csms, 2, "1", "Heartbeat", {})) == 1


def test_the_default_limits() -> None:
    assert attrs.asdict(Limits()) == {
        "frame_size": 2**20,
        "nesting": 64,
        "queued_calls": 1000,
        "open_calls": 32,
        "undrained": 1000,
        "remembered_ids": 100,
        "bad_frames": 20,
        "reject_duplicate_keys": False,
    }


@pytest.mark.parametrize("value", [0, -1, 1.5, None])
@pytest.mark.parametrize(
    "name", [name for name in attrs.fields_dict(Limits) if name != "reject_duplicate_keys"]
)
def test_limits_are_positive_whole_numbers(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"Limits.{name} is a positive whole number"):
        Limits(**{name: value})


def test_calls_still_end_while_nobody_drains() -> None:
    station = Connection(Role.CHARGING_STATION, "1.6", limits=Limits(undrained=2))
    pending = station.call(call.Heartbeat(), now=0)
    frames_of(station)
    for _ in range(5):
        station.receive_text("[]", now=0)
    station.handle_timeout(now=30)
    assert events_of(station)[-1] == CallTimedOut(pending)


def test_an_answer_may_tell_the_time(csms: Connection) -> None:
    """`now` is optional where no time starts to count, and counts where it is given."""
    csms.call(call.ClearCache(), now=0)
    for id, now in (("1", 10.0), ("2", 20.0)):
        [received] = receive(csms, 2, id, "Heartbeat", {})
        if id == "1":
            csms.reply(received, call_result.Heartbeat(current_time="2024-05-01T12:00:00Z"), now=now)
        else:
            csms.reply_error(received, NotSupportedError(), now=now)
        assert csms._now == now


@pytest.mark.parametrize("name", ["role", "version", "call_timeout", "deadline", "calls", "owed", "closed"])
def test_properties_are_read_only(csms: Connection, name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(csms, name, None)
