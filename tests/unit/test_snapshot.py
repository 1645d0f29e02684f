"""State that travels: a connection and what is known of a station, as JSON and back."""

import copy
import json
from typing import Any

import pytest

from ocpp_sansio import (
    CallReceived,
    CallResultReceived,
    CallTimedOut,
    Connection,
    ConnectionClosed,
    DuplicateCallReceived,
    LateResponseReceived,
    LocalProtocolError,
    Raw,
    Role,
    StationState,
)
from ocpp_sansio.errors import GenericError
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v21 import call as call21
from tests.pair import events_of, frames_of, receive

TIME = "2024-05-01T12:00:00Z"
SING = Raw.declare("Sing", request={"type": "object"}, response={"type": "object"})


def station(**options: Any) -> Connection:
    return Connection(Role.CHARGING_STATION, "1.6", **options)


def travelled(connection: Connection, *, now: float = 100.0, to: float = 7.0, **options: Any) -> Connection:
    """The connection in another process, under another clock."""
    snapshot = json.loads(json.dumps(connection.snapshot(now=now)))
    return Connection.restore(snapshot, now=to, **options)


def test_role_and_version_are_those_that_were() -> None:
    for role in (Role.CSMS, Role.CHARGING_STATION, None):
        there = travelled(Connection(role, "2.0.1"))
        assert (there.role, there.version.value, there.closed) == (role, "2.0.1", False)


def test_a_call_that_was_not_pulled_goes_out_there() -> None:
    here = station()
    pending = here.call(call.Authorize(id_tag="x"), now=100.0, timeout=9.0)
    there = travelled(here)
    [again] = there.calls
    assert (again.id, again.action, again.request, again.timeout) == (
        pending.id,
        "Authorize",
        call.Authorize(id_tag="x"),
        9.0,
    )
    assert not again.released
    [frame] = frames_of(there)
    assert json.loads(frame) == [2, pending.id, "Authorize", {"idTag": "x"}]
    assert again.released


def test_a_call_on_the_wire_is_answered_there() -> None:
    here = station()
    here.call(call.Heartbeat(), now=100.0)
    frames_of(here)
    there = travelled(here)
    [pending] = there.calls
    [event] = receive(there, 3, pending.id, {"currentTime": TIME}, now=8.0)
    assert isinstance(event, CallResultReceived)
    assert pending.response_in(event) == call_result.Heartbeat(current_time=TIME)
    assert frames_of(there) == []


def test_time_that_remains_remains() -> None:
    here = station()
    here.call(call.Heartbeat(), now=100.0, timeout=10.0)
    waits = here.call(call.Authorize(id_tag="x"), now=100.0, queue_timeout=6.0)
    frames_of(here)
    there = travelled(here, now=104.0, to=1.0)
    assert there.deadline == 1.0 + 2.0
    there.handle_timeout(now=3.0)
    [event] = events_of(there)
    assert isinstance(event, CallTimedOut)
    assert event.pending.id == waits.id
    assert there.deadline == 1.0 + 6.0


def test_a_time_that_is_over_is_over_there() -> None:
    here = station()
    here.call(call.Heartbeat(), now=0.0, timeout=10.0)
    there = travelled(here, now=50.0, to=0.0)
    there.handle_timeout(now=0.0)
    assert [type(event) for event in events_of(there)] == [CallTimedOut]


def test_a_late_answer_is_known_as_one() -> None:
    here = station()
    here.call(call.Heartbeat(), now=0.0, timeout=1.0, id="late")
    frames_of(here)
    here.handle_timeout(now=1.0)
    events_of(here)
    there = travelled(here, now=1.0)
    assert there.consecutive_timeouts == 1
    [event] = receive(there, 3, "late", {"currentTime": TIME}, now=8.0)
    assert isinstance(event, LateResponseReceived)


def test_ids_go_on_where_they_were() -> None:
    here = station()
    first = here.call(call.Heartbeat(), now=100.0)
    second = travelled(here).call(call.Heartbeat(), now=8.0)
    assert first.id.rpartition("-")[0] == second.id.rpartition("-")[0]
    assert first.id != second.id


def test_what_is_owed_is_answered_there() -> None:
    here = Connection(Role.CSMS, "1.6")
    [received] = receive(here, 2, "1", "Authorize", {"idTag": "x"}, now=99.0)
    assert isinstance(received, CallReceived)
    there = travelled(here)
    assert there.owed == (received,)
    [owed] = there.owed
    there.reply(owed, call_result.Authorize(id_tag_info={"status": "Accepted"}))
    assert [json.loads(frame)[:2] for frame in frames_of(there)] == [[3, "1"]]


def test_a_call_that_comes_again_is_known_there() -> None:
    here = Connection(Role.CSMS, "1.6")
    receive(here, 2, "1", "Heartbeat", {}, now=99.0)
    [event] = receive(travelled(here), 2, "1", "Heartbeat", {}, now=8.0)
    assert isinstance(event, DuplicateCallReceived)


def test_answers_that_were_not_pulled_are_inside() -> None:
    here = Connection(Role.CSMS, "1.6")
    receive(here, 2, "1", "FooBar", {}, now=99.0)
    assert [json.loads(frame)[:3] for frame in frames_of(travelled(here))] == [[4, "1", "NotImplemented"]]


@pytest.mark.parametrize(
    ("request_", "options"),
    [
        (Raw("Authorize", {"idTag": 7}), {}),
        (SING({"song": "la"}), {"extensions": [SING]}),
        (
            call.Authorize(id_tag="x" * 30),
            {"validation": "lenient", "field_lengths": {"AuthorizeRequest.idTag": 30}},
        ),
    ],
)
def test_requests_of_every_kind_travel(request_: Any, options: dict[str, Any]) -> None:
    here = station(**options)
    here.call(request_, now=100.0)
    here.call(request_, now=100.0)
    there = travelled(here, **options)
    assert [pending.request for pending in there.calls] == [request_, request_]
    assert all(type(pending.request) is type(request_) for pending in there.calls)


def test_a_request_that_makes_no_sense_there_is_kept_raw() -> None:
    here = station(extensions=[SING])
    here.call(SING({"song": "la"}), now=100.0)
    [pending] = travelled(here).calls
    assert pending.request == Raw("Sing", {"song": "la"})


def test_a_request_that_its_own_policy_let_out_broken_is_kept_raw() -> None:
    here = station(validation="off")
    here.call(Raw("Authorize", {"idTag": {}}), now=100.0)
    snapshot = here.snapshot(now=100.0)
    snapshot["slot"]["raw"] = False
    [pending] = Connection.restore(snapshot, now=0.0).calls
    assert pending.request == Raw("Authorize", {"idTag": {}})


def test_what_2_1_remembers_travels() -> None:
    here = Connection(Role.CHARGING_STATION, "2.1")
    here.call(call21.Heartbeat(), now=100.0, id="q")
    frames_of(here)
    receive(here, 3, "q", {"currentTime": TIME}, now=100.0)
    [received] = receive(here, 2, "1", "ClearCache", {}, now=100.0)
    assert isinstance(received, CallReceived)
    here.reply(received, Raw("ClearCache", {"status": "Accepted"}))
    frames_of(here)
    snapshot = here.snapshot(now=100.0)
    assert [entry["id"] for entry in snapshot["rejectable"]] == ["q"]
    assert snapshot["answered"] == [["1", "ClearCache"]]
    there = Connection.restore(snapshot, now=0.0)
    [event] = receive(there, 5, "1", "GenericError", "", {}, now=1.0)
    assert event.action == "ClearCache"  # type: ignore[union-attr]


def test_a_closed_connection_is_closed_there() -> None:
    here = station()
    here.receive_close()
    events_of(here)
    there = travelled(here)
    assert there.closed
    with pytest.raises(ConnectionClosed):
        there.call(call.Heartbeat(), now=8.0)


def test_events_are_pulled_first() -> None:
    here = Connection(Role.CSMS, "1.6")
    here.receive_text('[2,"1","Heartbeat",{}]', now=1.0)
    with pytest.raises(LocalProtocolError, match="pull events first: 1 would be lost"):
        here.snapshot(now=2.0)
    assert len(events_of(here)) == 1


@pytest.mark.parametrize("found", [None, {}, {"format": "ocpp-sansio connection 0"}, {"format": 7}, []])
def test_another_format_is_refused_with_a_sentence(found: Any) -> None:
    with pytest.raises(ValueError, match="not a snapshot that can be restored here: its format is"):
        Connection.restore(found, now=0.0)
    with pytest.raises(ValueError, match="not a snapshot that can be restored here: its format is"):
        StationState.restore(found)


def full() -> dict[str, Any]:
    """A snapshot with something in every place."""
    here = Connection(Role.CHARGING_STATION, "2.1", call_timeout=5.0)
    for id in ("late", "answered", "slot", "waits"):
        here.call(call21.Heartbeat(), now=0.0, id=id, queue_timeout=90.0)
    frames_of(here)
    here.handle_timeout(now=5.0)
    frames_of(here)
    receive(here, 3, "answered", {"currentTime": TIME}, now=5.0)
    for id in ("1", "2"):
        [received] = receive(here, 2, id, "ClearCache", {}, now=5.0)
    assert isinstance(received, CallReceived)
    here.reply_error(received, GenericError())
    snapshot: dict[str, Any] = json.loads(json.dumps(here.snapshot(now=6.0)))
    assert all(
        snapshot[name] for name in ("slot", "queue", "late", "rejectable", "owed", "answered", "frames")
    )
    return snapshot


def places(value: Any, trail: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [trail, *(place for key, child in children for place in places(child, (*trail, key)))]


FULL = full()


@pytest.mark.parametrize(
    ("place", "odd", "message"),
    [
        (("closed",), 0, "closed is not of type bool"),
        (("queue",), {}, "queue is not of type list"),
        (("slot", "timeout"), "5", r"slot\.timeout is not a number"),
        (("slot", "timeout"), None, r"slot\.timeout is missing"),
        (("slot", "time_left"), None, r"slot\.time_left is missing"),
        (("slot", "frame"), None, r"slot\.frame is missing"),
        (("queue", 0, "payload"), [], r"queue\[0\]\.payload is not of type dict"),
        (("answered", 0), ["1"], r"answered\[0\] is not a pair of texts"),
        (("frames", 0), 7, r"frames\[0\] is no frame"),
        (("ids",), [1], "malformed snapshot"),
    ],
)
def test_what_is_wrong_is_named(place: tuple[Any, ...], odd: Any, message: str) -> None:
    snapshot = copy.deepcopy(FULL)
    inner: Any = snapshot
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = odd
    with pytest.raises(ValueError, match=message):
        Connection.restore(snapshot, now=0.0)


@pytest.mark.parametrize(
    "place", [place for place in places(FULL) if place and "payload" not in place], ids=str
)
@pytest.mark.parametrize("odd", [None, "odd", -1, {"odd": 1}, [["odd"]], True], ids=str)
def test_a_malformed_snapshot_is_refused_or_harmless(place: tuple[Any, ...], odd: Any) -> None:
    snapshot = copy.deepcopy(FULL)
    inner: Any = snapshot
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = odd
    try:
        there = Connection.restore(snapshot, now=0.0)
    except ValueError:
        return
    frames_of(there)
    there.handle_timeout(now=1e9)
    receive(there, 2, "still works", "ClearCache", {}, now=1e9)
    assert there.snapshot(now=1e9)["format"] == FULL["format"]


def test_a_snapshot_for_a_version_that_is_unknown_is_refused() -> None:
    with pytest.raises(ValueError, match=r"malformed snapshot: '3\.0' is not a version"):
        Connection.restore({**FULL, "version": "3.0"}, now=0.0)


def test_a_wrong_option_is_not_blamed_on_the_snapshot() -> None:
    with pytest.raises(TypeError, match=r"^limits is a Limits"):
        Connection.restore(FULL, now=0.0, limits=5)
    with pytest.raises(TypeError, match="unexpected keyword argument 'limit'"):
        Connection.restore(FULL, now=0.0, limit=5)


def test_a_call_that_this_connection_refuses_cannot_be_owed() -> None:
    snapshot = {**FULL, "owed": ['[2,"1","ClearCache",{"x":1}]']}
    with pytest.raises(ValueError, match=r"owed\[0\] is not a call that this connection can read"):
        Connection.restore(snapshot, now=0.0)


# What is known of a station.


def test_the_state_of_a_station_travels() -> None:
    state = StationState("CP_1", "Pending", ["Heartbeat"])  # type: ignore[arg-type]
    state.remember_answer("1", "ClearCache", "call", "answer")
    there = StationState.restore(json.loads(json.dumps(state.snapshot())))
    assert there == state
    assert there.answer_to("1", "call") == "answer"


@pytest.mark.parametrize(
    "wrong",
    [
        {"identity": 3},
        {"boot": "Fine"},
        {"requested": 7},
        {"answers": [["1"]]},
        {"answers": [["1", "x", "y"]]},
        {"answers": [["1", float("inf"), "y"]]},
    ],
)
def test_a_malformed_state_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="malformed snapshot"):
        StationState.restore({**StationState("CP_1").snapshot(), **wrong})
