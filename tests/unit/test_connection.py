"""Connection: verbs, pulls, and what each kind of frame does to it. Each rule of the house that is not a property has its test."""

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
    DuplicateCallReceived,
    ErrorCode,
    FrameRejected,
    LateResponseReceived,
    Limits,
    LocalProtocolError,
    QueueFull,
    Rejection,
    RemoteProtocolError,
    Role,
    SchemaViolation,
    UnmatchedResponseReceived,
    Version,
)
from ocpp_sansio.errors import GenericError, NotSupportedError, OccurrenceConstraintViolationError
from ocpp_sansio.messages import Request
from ocpp_sansio.v16 import call, call_result
from tests.pair import Pair, events_of, frames_of, state_of

BOOT = call.BootNotification(charge_point_vendor="acme", charge_point_model="x1")
BOOTED = call_result.BootNotification(current_time="2024-05-01T12:00:00Z", interval=300, status="Accepted")


@pytest.fixture
def pair() -> Pair:
    return Pair()


@pytest.fixture
def station() -> Connection:
    return Connection(Role.CHARGING_STATION, Version.V16, new_id=iter(map(str, range(1, 10**6))).__next__)


@pytest.fixture
def csms() -> Connection:
    return Connection(Role.CSMS, "ocpp1.6")


def receive(connection: Connection, *frame: object, now: float = 0.0) -> list[object]:
    connection.receive_text(json.dumps(frame), now=now)
    return events_of(connection)


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
    station.receive_text('[4,"1","GenericError","\\ud800",{}]', now=1)
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


# Calls of the peer.


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
        ("", Rejection.NOT_JSON),
        ("   ", Rejection.NOT_JSON),
        ("[2,", Rejection.NOT_JSON),
        ('[2,"1","Heartbeat",{}]]', Rejection.NOT_JSON),
        ('[2,"1","Heartbeat",{"a":NaN}]', Rejection.NOT_JSON),
        ("[" * 100_000, Rejection.NOT_JSON),
        (" " + "[" * 100_000, Rejection.NOT_JSON),
        ('[2,"1","Heartbeat",{"a":%s}]' % ("1" * 5000), Rejection.NOT_JSON),
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
    assert second == DuplicateCallReceived(first, '[2, "1", "Authorize", {"idTag": "x"}]')
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


# Verbs that are refused change nothing.


class Vendor(Request["Vendor", call_result.Heartbeat], sender=Role.CHARGING_STATION):
    pass


def test_only_requests_of_the_version_can_be_called(station: Connection) -> None:
    before = state_of(station)
    with pytest.raises(TypeError, match=r"such as call\.Heartbeat\(\)"):
        station.call("Heartbeat", now=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"Vendor is not a request of OCPP 1\.6"):
        station.call(attrs.define(Vendor)(), now=1)
    assert state_of(station) == before


def test_a_request_of_the_other_side_is_a_local_error(station: Connection, csms: Connection) -> None:
    before = state_of(station)
    with pytest.raises(LocalProtocolError, match="Reset is sent by the CSMS; we are the Charging Station"):
        station.call(call.Reset(type="Hard"), now=1)
    assert state_of(station) == before
    with pytest.raises(LocalProtocolError, match="Heartbeat is sent by the Charging Station"):
        csms.call(call.Heartbeat(), now=1)


@pytest.mark.parametrize("role", [*Role, None])
def test_data_transfer_goes_both_ways(role: Role | None) -> None:
    connection = Connection(role, "1.6")
    connection.call(call.DataTransfer(vendor_id="acme"), now=0)
    assert isinstance(receive(connection, 2, "1", "DataTransfer", {"vendorId": "acme"})[0], CallReceived)


def test_without_a_role_directions_are_not_checked() -> None:
    connection = Connection(None, "1.6")
    connection.call(call.Heartbeat(), now=0)
    connection.call(call.Reset(type="Soft"), now=0)
    assert isinstance(receive(connection, 2, "1", "Heartbeat", {})[0], CallReceived)
    assert isinstance(receive(connection, 2, "2", "Reset", {"type": "Soft"})[0], CallReceived)


def test_an_invalid_request_is_not_sent(station: Connection) -> None:
    before = state_of(station)
    with pytest.raises(
        SchemaViolation, match=r"call.Authorize cannot be sent: \$.idTag: 21 characters, at most 20"
    ):
        station.call(call.Authorize(id_tag="x" * 21), now=1)
    assert state_of(station) == before


@pytest.mark.parametrize("id", ["", "x" * 37, "-1", 7])
def test_ids_are_text_of_1_to_36_characters(station: Connection, id: object) -> None:
    before = state_of(station)
    with pytest.raises(ValueError, match="J16-204"):
        station.call(call.Heartbeat(), now=1, id=id)  # type: ignore[arg-type]
    assert state_of(station) == before


def test_an_id_belongs_to_one_live_call(station: Connection) -> None:
    station.call(call.Heartbeat(), now=0, id="a")
    station.call(call.Heartbeat(), now=0, id="b")
    before = state_of(station)
    for id in "ab":
        with pytest.raises(ValueError, match="has not ended"):
            station.call(call.Heartbeat(), now=1, id=id)
    assert state_of(station) == before


def test_ids_come_from_new_id_if_it_is_given(station: Connection) -> None:
    assert [station.call(call.Heartbeat(), now=0).id for _ in range(3)] == ["1", "2", "3"]
    assert station.call(call.Heartbeat(), now=0, id="x" * 36).id == "x" * 36


def test_a_refused_instant_draws_no_id(station: Connection) -> None:
    with pytest.raises(ValueError, match="finite"):
        station.call(call.Heartbeat(), now=math.nan)
    assert station.call(call.Heartbeat(), now=0).id == "1"


def test_an_id_with_half_a_character_is_refused(station: Connection) -> None:
    with pytest.raises(ValueError, match="J16-204"):
        station.call(call.Heartbeat(), now=0, id="\ud800")


def test_ids_are_unique_across_connections_and_at_most_36_characters() -> None:
    ids = set()
    for _ in range(50):
        connection = Connection(Role.CHARGING_STATION, "1.6")
        ids |= {connection.call(call.Heartbeat(), now=0).id for _ in range(20)}
    assert len(ids) == 1000
    assert max(map(len, ids)) <= 36


def test_only_a_received_call_can_be_answered(csms: Connection) -> None:
    with pytest.raises(TypeError, match="only a CallReceived"):
        csms.reply(None, call_result.Heartbeat(current_time="2024-05-01T12:00:00Z"))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="not a request of OCPP"):
        csms.call(Request(), now=0)


def test_an_answer_is_of_the_requests_type(csms: Connection) -> None:
    [received] = receive(csms, 2, "1", "Heartbeat", {})
    before = state_of(csms)
    with pytest.raises(
        TypeError, match=r"Heartbeat is answered with call_result.Heartbeat, not with call_result.Authorize"
    ):
        csms.reply(received, call_result.Authorize(id_tag_info={"status": "Accepted"}))
    with pytest.raises(TypeError, match=r"not with builtins.dict"):
        csms.reply(received, {})  # type: ignore[arg-type]
    assert state_of(csms) == before


def test_an_invalid_response_leaves_the_call_owed(csms: Connection) -> None:
    [received] = receive(csms, 2, "1", "Heartbeat", {})
    before = state_of(csms)
    response = call_result.Heartbeat(current_time="2024-05-01T12:00:00Z")
    response.current_time = None  # type: ignore[assignment]
    with pytest.raises(SchemaViolation, match="currentTime is missing"):
        csms.reply(received, response)
    assert state_of(csms) == before
    csms.reply_error(received, NotSupportedError())


def test_a_call_is_answered_once(csms: Connection) -> None:
    [received] = receive(csms, 2, "1", "Heartbeat", {})
    csms.reply_error(received, NotSupportedError())
    before = state_of(csms)
    with pytest.raises(LocalProtocolError, match="not owed an answer"):
        csms.reply(received, call_result.Heartbeat(current_time="2024-05-01T12:00:00Z"))
    with pytest.raises(LocalProtocolError, match="not owed an answer"):
        csms.reply_error(received, NotSupportedError())
    assert state_of(csms) == before


def test_a_call_is_answered_by_the_connection_that_received_it(csms: Connection) -> None:
    other = Connection(Role.CSMS, "1.6")
    [received] = receive(csms, 2, "1", "Heartbeat", {})
    receive(other, 2, "1", "Heartbeat", {})
    with pytest.raises(LocalProtocolError, match="another connection"):
        other.reply_error(received, NotSupportedError())


@pytest.mark.parametrize(
    ("error", "exception"),
    [
        (ValueError("x"), TypeError),
        (NotSupportedError("x", {"a": object()}), TypeError),
        (NotSupportedError("x", {"a": math.nan}), ValueError),
        (NotSupportedError("x", {"a": "\ud800"}), ValueError),
        (NotSupportedError("x", ["a"]), TypeError),  # type: ignore[arg-type]
        (NotSupportedError("x", code="\ud800"), ValueError),
        (NotSupportedError(b"x"), TypeError),  # type: ignore[arg-type]
    ],
)
def test_an_error_is_an_ocpp_error_with_json_details(
    csms: Connection, error: Exception, exception: type[Exception]
) -> None:
    [received] = receive(csms, 2, "1", "Heartbeat", {})
    before = state_of(csms)
    with pytest.raises(exception):
        csms.reply_error(received, error)  # type: ignore[arg-type]
    assert state_of(csms) == before


def test_a_role_is_a_role() -> None:
    with pytest.raises(TypeError, match=r"Role\.CSMS or Role\.CHARGING_STATION"):
        Connection("CSMS", "1.6")  # type: ignore[arg-type]


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
        "queued_calls": 1000,
        "open_calls": 32,
        "undrained": 1000,
        "remembered_ids": 100,
    }


@pytest.mark.parametrize("value", [0, -1, 1.5, None])
@pytest.mark.parametrize("name", ["frame_size", "queued_calls", "open_calls", "undrained", "remembered_ids"])
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
