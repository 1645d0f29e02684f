"""Calls that come twice: handled again, or answered with what the first one got."""

import json

import pytest

from ocpp_sansio import (
    BootGate,
    BootStatus,
    CallReceived,
    Connection,
    DuplicateCallReceived,
    Duplicates,
    Raw,
    Rejection,
    Role,
    StationState,
    Version,
)
from ocpp_sansio.errors import NotSupportedError
from ocpp_sansio.state import MOST_ANSWERS
from ocpp_sansio.v16 import call_result
from tests.pair import events_of, frames_of, receive
from tests.unit.exchange import received, rejected, sent

ASKED = (2, "1", "DataTransfer", {"vendorId": "acme"})
TIME = "2024-05-01T12:00:00Z"
OTHER_TIME = "2024-05-01T12:00:01Z"

every_version = pytest.mark.parametrize("version", list(Version))


def csms(
    duplicates: Duplicates | str = "replay",
    state: StationState | None = None,
    version: Version | str = "1.6",
) -> Connection:
    return Connection(Role.CSMS, version, duplicates=duplicates, state=state)


def answered(connection: Connection, *frame: object, time: str = TIME) -> str:
    """A call that was handled; the frame of its answer."""
    call = received(connection, *frame)
    connection.reply(call, Raw(call.action, {"currentTime": time}))
    [answer] = frames_of(connection)
    return answer


# While it is being handled.


@every_version
@pytest.mark.parametrize("duplicates", list(Duplicates))
def test_a_call_that_is_being_handled_is_not_handled_again(version: Version, duplicates: Duplicates) -> None:
    # J*-411, L-411: no error either, which the peer would take for the answer
    connection = csms(duplicates, version=version)
    first = received(connection, *ASKED)
    [event] = receive(connection, *ASKED)
    assert event == DuplicateCallReceived("1", first, json.dumps(ASKED))
    assert frames_of(connection) == []
    assert connection.owed == (first,)


@every_version
def test_another_call_under_an_id_that_is_being_handled_is_dropped_too(version: Version) -> None:
    # J*-411, L-411
    connection = csms(version=version)
    first = received(connection, *ASKED)
    [event] = receive(connection, 2, "1", "FooBar", {"nonsense": 1})
    assert isinstance(event, DuplicateCallReceived)
    assert event.call is first
    assert frames_of(connection) == []


def test_the_first_call_is_answered_as_if_there_had_been_no_second() -> None:
    connection = csms()
    first = received(connection, *ASKED)
    receive(connection, *ASKED)
    connection.reply(first, call_result.DataTransfer(status="Accepted"))
    assert sent(connection) == [[3, "1", {"status": "Accepted"}]]


# Handled again.


@every_version
def test_a_call_that_was_answered_is_handled_again(version: Version) -> None:
    # L-205: a retry is legal
    connection = csms("handle", version=version)
    answered(connection, *ASKED)
    answer = answered(connection, *ASKED, time=OTHER_TIME)
    assert json.loads(answer) == [3, "1", {"currentTime": OTHER_TIME}]


def test_calls_are_handled_again_unless_said_otherwise() -> None:
    connection = Connection(Role.CSMS, "1.6", state=StationState())
    answered(connection, *ASKED)
    assert isinstance(receive(connection, *ASKED)[0], CallReceived)


def test_where_calls_are_handled_again_no_answer_is_remembered() -> None:
    state = StationState()
    answered(csms("handle", state), *ASKED)
    assert isinstance(receive(csms("replay", state), *ASKED)[0], CallReceived)


# Answered again.


@every_version
def test_a_call_that_was_answered_gets_the_same_answer(version: Version) -> None:
    # L-205
    connection = csms(version=version)
    answer = answered(connection, *ASKED)
    [event] = receive(connection, *ASKED)
    assert event == DuplicateCallReceived("1", None, json.dumps(ASKED))
    assert frames_of(connection) == [answer]
    assert connection.owed == ()


def test_an_error_is_not_repeated() -> None:
    """Whoever asks again hopes that what went wrong has passed."""
    connection = csms()
    connection.reply_error(received(connection, *ASKED), NotSupportedError("no", {"a": 1}))
    frames_of(connection)
    assert isinstance(receive(connection, *ASKED)[0], CallReceived)


@pytest.mark.parametrize("action", ["BootNotification", "Heartbeat"])
def test_what_was_true_only_then_is_not_repeated(action: str) -> None:
    connection = Connection(Role.CSMS, "1.6", duplicates="replay", validation="off")
    for _ in range(2):
        answered(connection, 2, "1", action, {})


def test_a_boot_makes_the_answers_before_it_void() -> None:
    """Stations that count their ids begin again at 1, with the same calls."""
    connection = Connection(Role.CSMS, "1.6", duplicates="replay", validation="off")
    answered(connection, *ASKED)
    answered(connection, 2, "2", "BootNotification", {})
    assert isinstance(receive(connection, *ASKED)[0], CallReceived)


def test_an_answer_is_repeated_as_often_as_the_call() -> None:
    connection = csms()
    answer = answered(connection, *ASKED)
    for _ in range(3):
        receive(connection, *ASKED)
    assert frames_of(connection) == [answer] * 3


def test_another_call_of_the_same_id_is_handled() -> None:
    """Stations that count their ids begin again at 1."""
    connection = csms()
    answered(connection, *ASKED)
    [event] = receive(connection, 2, "1", "Authorize", {"idTag": "a"})
    assert isinstance(event, CallReceived)
    assert frames_of(connection) == []


def test_the_same_call_with_another_payload_is_handled() -> None:
    connection = csms()
    answered(connection, 2, "1", "DataTransfer", {"vendorId": "a"})
    assert isinstance(receive(connection, 2, "1", "DataTransfer", {"vendorId": "b"})[0], CallReceived)


def test_the_same_call_under_another_id_is_handled() -> None:
    connection = csms()
    answered(connection, *ASKED)
    assert isinstance(receive(connection, 2, "2", "Heartbeat", {})[0], CallReceived)


def test_a_call_that_was_refused_is_refused_anew() -> None:
    connection = csms()
    for _ in range(2):
        _, answers = rejected(connection, 2, "1", "FooBar", {})
        assert [answer[2] for answer in answers] == ["NotImplemented"]


def test_after_another_call_of_its_id_the_first_is_handled_again() -> None:
    connection = csms()
    answered(connection, *ASKED)
    answered(connection, 2, "1", "DataTransfer", {"vendorId": "a"})
    assert isinstance(receive(connection, *ASKED)[0], CallReceived)


# From one socket to the next.


@every_version
def test_a_retry_on_the_next_socket_gets_the_answer(version: Version) -> None:
    # L-205
    state = StationState()
    first = csms("replay", state, version)
    answer = answered(first, *ASKED)
    first.receive_close()
    following = csms("replay", state, version)
    [event] = receive(following, *ASKED)
    assert isinstance(event, DuplicateCallReceived)
    assert frames_of(following) == [answer]


def test_a_call_that_the_old_socket_never_answered_is_handled() -> None:
    # L-308
    state = StationState()
    first = csms("replay", state)
    receive(first, *ASKED)
    first.receive_close()
    assert isinstance(receive(csms("replay", state), *ASKED)[0], CallReceived)


def test_another_station_gets_no_answer_of_this_one() -> None:
    answered(csms("replay", StationState("CP1")), *ASKED)
    assert isinstance(receive(csms("replay", StationState("CP2")), *ASKED)[0], CallReceived)


def test_without_a_state_a_connection_remembers_for_itself() -> None:
    answered(csms(), *ASKED)
    assert isinstance(receive(csms(), *ASKED)[0], CallReceived)


def test_a_station_replays_as_a_csms_does() -> None:
    station = Connection(Role.CHARGING_STATION, "1.6", duplicates="replay")
    call = received(station, 2, "1", "ClearCache", {})
    station.reply(call, call_result.ClearCache(status="Accepted"))
    answer = frames_of(station)
    receive(station, 2, "1", "ClearCache", {})
    assert frames_of(station) == answer


def test_the_two_directions_have_ids_of_their_own() -> None:
    # L-205
    connection = csms()
    pending = connection.call(Raw("ClearCache"), now=0, id="1")
    frames_of(connection)
    answered(connection, *ASKED)
    receive(connection, *ASKED)
    frames_of(connection)
    [event] = receive(connection, 3, "1", {"status": "Accepted"})
    assert pending.response_in(event) is not None


def test_answers_are_remembered_within_a_bound() -> None:
    connection = csms()
    for n in range(MOST_ANSWERS + 1):
        answered(connection, 2, str(n), *ASKED[2:])
    assert isinstance(receive(connection, 2, "1", *ASKED[2:])[0], DuplicateCallReceived)
    assert isinstance(receive(connection, 2, "0", *ASKED[2:])[0], CallReceived)


def test_a_repeated_answer_waits_for_no_call_of_ours() -> None:
    # J16-303
    connection = csms()
    answer = answered(connection, *ASKED)
    connection.call(Raw("ClearCache"), now=0)
    frames_of(connection)
    receive(connection, *ASKED)
    assert frames_of(connection) == [answer]
    assert events_of(connection) == []


def test_a_rejected_station_of_1_6_repeats_no_answer_either() -> None:
    # J16-505, L-425: the gate comes first
    state = StationState(boot=BootStatus.ACCEPTED)
    station = Connection(Role.CHARGING_STATION, "1.6", duplicates="replay", state=state, boot_gate=BootGate())
    call = received(station, 2, "1", "ClearCache", {})
    station.reply(call, call_result.ClearCache(status="Accepted"))
    frames_of(station)
    state.boot = BootStatus.REJECTED
    event, answers = rejected(station, 2, "1", "ClearCache", {})
    assert (event.reason, answers) == (Rejection.NOT_ACCEPTED, [])
