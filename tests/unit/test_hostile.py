"""Frames that are made to be expensive. Work is bounded: what is counted is steps, for time depends on the machine."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ocpp_sansio import (
    CallFailed,
    CallReceived,
    Connection,
    FrameRejected,
    Limits,
    Rejection,
    Role,
    _paths,
    validation,
)
from ocpp_sansio.v16 import call
from tests.pair import events_of, frames_of


@pytest.fixture
def csms() -> Connection:
    return Connection(Role.CSMS, "1.6")


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every error that jsonschema finds while a refusal is explained."""
    found: list[Any] = []
    make_judge = validation.make_judge

    def counting(schema: Any) -> Any:
        judge = make_judge(schema)

        class Counting:
            def iter_errors(self, node: Any) -> Iterator[Any]:
                for error in judge.iter_errors(node):
                    found.append(error)
                    yield error

        return Counting()

    monkeypatch.setattr(validation, "make_judge", counting)
    monkeypatch.setattr(validation, "_judges", {})
    return found


def refused(connection: Connection, frame: list[Any]) -> FrameRejected:
    connection.receive_text(json.dumps(frame), now=0.0)
    [event] = events_of(connection)
    assert isinstance(event, FrameRejected)
    return event


def test_departures_are_noted_up_to_16_and_found_in_one_walk(
    csms: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    walks = []
    paths_to = _paths.paths_to
    monkeypatch.setattr(validation, "paths_to", lambda root, nodes: walks.append(1) or paths_to(root, nodes))
    item = {"timestamp": "2024-05-01T12:00:00", "sampledValue": []}
    csms.receive_text(
        json.dumps([2, "1", "MeterValues", {"connectorId": 1, "meterValue": [item] * 4000}]), now=0.0
    )
    [event] = events_of(csms)
    assert isinstance(event, CallReceived)
    assert [violation.path for violation in event.violations] == [
        f"$.meterValue[{n}].timestamp" for n in range(16)
    ]
    assert len(walks) == 1


def test_a_long_array_of_faults_is_explained_by_the_first(csms: Connection, words: list[Any]) -> None:
    station = Connection(Role.CHARGING_STATION, "1.6")
    event = refused(station, [2, "1", "GetConfiguration", {"key": [1] * 100_000}])
    assert event.error.description == "$.key[0]: 1 is not text"
    assert len(words) == 1


def test_a_fault_at_the_end_of_a_long_array_is_found(csms: Connection, words: list[Any]) -> None:
    station = Connection(Role.CHARGING_STATION, "1.6")
    event = refused(station, [2, "1", "GetConfiguration", {"key": [*["a", "b"] * 50_000, "x" * 51]}])
    assert event.error.description == "$.key[100000]: 51 characters, at most 50"
    assert len(words) == 1


def test_a_fault_beside_much_that_is_fine_does_not_look_at_it(csms: Connection, words: list[Any]) -> None:
    event = refused(csms, [2, "1", "MeterValues", {"connectorId": "x", "meterValue": [{}] * 100_000}])
    # The decoder stops at the first fault in its order; either is true, and only one is looked for.
    assert event.error.description in (
        "$.connectorId: 'x' is not an integer",
        "$.meterValue[0]: timestamp, sampledValue is missing",
    )
    assert len(words) <= 2


def test_a_deep_and_wide_unknown_member_is_not_walked(words: list[Any]) -> None:
    wide: Any = [[]] * 50_000
    for _ in range(300):
        wide = {"k" * 500: wide}
    csms = Connection(Role.CSMS, "1.6", limits=Limits(nesting=400))
    event = refused(csms, [2, "1", "MeterValues", {"connectorId": 1, "meterValue": [{}], "x": wide}])
    assert "$.meterValue[0]" in event.error.description
    assert len(words) <= 2


def test_thousands_of_unknown_members_are_not_all_compared(csms: Connection) -> None:
    payload = {f"chargePointVendo{n}": 1 for n in range(30_000)}
    event = refused(csms, [2, "1", "BootNotification", payload])
    assert event.reason is Rejection.INVALID_PAYLOAD


#: As deep as the interpreter can follow, which is what these tests are about.
UNLIMITED = Limits(nesting=10**6)


@pytest.mark.parametrize("depth", range(900, 1000))
def test_a_deep_value_in_the_place_of_a_text_is_a_wrong_type_or_too_deep(depth: int) -> None:
    csms = Connection(Role.CSMS, "1.6", limits=UNLIMITED)
    csms.receive_text('[2,"1","Authorize",{"idTag":' + "[" * depth + "]" * depth + "}]", now=0.0)
    [event] = events_of(csms)
    assert isinstance(event, FrameRejected)
    if event.reason is Rejection.INVALID_PAYLOAD:
        assert event.error.description == "$.idTag: an array is not text"
        assert json.loads(frames_of(csms)[0])[2] == "TypeConstraintViolation"
    else:
        assert event.reason is Rejection.TOO_DEEP


@pytest.mark.parametrize("depth", range(900, 1000))
def test_a_deep_answer_fails_its_call_and_the_next_goes_out(depth: int) -> None:
    station = Connection(Role.CHARGING_STATION, "1.6", limits=UNLIMITED)
    first = station.call(call.Heartbeat(), now=0.0, id="1")
    second = station.call(call.Heartbeat(), now=0.0, id="2")
    frames_of(station)
    station.receive_text('[3,"1",{"currentTime":' + "[" * depth + "]" * depth + "}]", now=0.0)
    [event] = events_of(station)
    if isinstance(event, CallFailed):
        assert event.pending is first
        assert station.calls == (second,)
        assert json.loads(frames_of(station)[0])[1] == "2"
    else:
        assert isinstance(event, FrameRejected)
        assert event.reason is Rejection.TOO_DEEP


@pytest.mark.parametrize("depth", range(900, 1000, 7))
def test_depth_is_no_lone_surrogate(depth: int) -> None:
    csms = Connection(Role.CSMS, "1.6", limits=UNLIMITED)
    csms.receive_text('[2,"ä","Authorize",{"idTag":' + "[" * depth + "]" * depth + "}]", now=0.0)
    [event] = events_of(csms)
    assert isinstance(event, FrameRejected)
    assert event.reason in (Rejection.INVALID_PAYLOAD, Rejection.TOO_DEEP)


def test_the_path_of_what_is_not_there_is_empty() -> None:
    assert _paths.between([{"a": 1}, {}]) == "$"
    assert _paths.paths_to({"a": [{}]}, [{}]) == {}


@pytest.mark.parametrize("depth", range(930, 1000, 3))
def test_a_refusal_with_half_a_character_and_great_depth_is_heard(depth: int) -> None:
    station = Connection(Role.CHARGING_STATION, "1.6", limits=UNLIMITED)
    station.call(call.Heartbeat(), now=0.0, id="1")
    frames_of(station)
    station.receive_text('[4,"1","X","\\ud800",' + "[" * depth + "]" * depth + "]", now=0.0)
    assert [type(event).__name__ for event in events_of(station)] in (
        ["CallErrorReceived"],
        ["CallFailed"],
        ["FrameRejected"],
    )


def test_finding_a_duplicate_key_among_many_takes_no_longer_than_reading_them() -> None:
    csms = Connection(Role.CSMS, "1.6", limits=Limits(reject_duplicate_keys=True))
    members = ",".join(f'"k{n}":0' for n in range(60_000))
    before = time.process_time()
    csms.receive_text(f'[2,"1","Heartbeat",{{{members},"k59999":1}}]', now=0.0)
    assert time.process_time() - before < 5.0  # seconds; it was minutes
    [event] = events_of(csms)
    assert isinstance(event, FrameRejected)
    assert event.error.description == "the key 'k59999' twice"


def test_half_a_character_hidden_by_a_duplicate_key_is_found() -> None:
    csms = Connection(Role.CSMS, "1.6", validation="off", duplicates="replay")
    csms.receive_text('[2,"1","Heartbeat",{"a":"\ud800","a":1}]', now=0.0)
    [event] = events_of(csms)
    assert isinstance(event, FrameRejected)
    assert event.reason is Rejection.NOT_UNICODE
    frames_of(csms)[0].encode()
