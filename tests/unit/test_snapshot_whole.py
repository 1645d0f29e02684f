"""A snapshot compared whole, what a connection makes of each part, and each sentence about one that is broken."""

import copy
import json
import re
from decimal import Decimal
from functools import partial
from typing import Any
from zlib import crc32

import pytest

from ocpp_sansio import (
    BootStatus,
    CallReceived,
    CallResultReceived,
    Connection,
    Limits,
    LocalProtocolError,
    Raw,
    Role,
    StationState,
)
from ocpp_sansio.errors import GenericError
from ocpp_sansio.messages import Origin
from ocpp_sansio.v16 import call as call16
from ocpp_sansio.v21 import call, call_result
from tests.pair import events_of, frames_of, receive

TIME = "2024-05-01T12:00:00Z"


def busy(**options: Any) -> Connection:
    """A station with something in every place, at 6 seconds."""
    station = Connection(Role.CHARGING_STATION, "2.1", call_timeout=5.0, **options)
    for id in ("late", "answered"):
        station.call(call.Heartbeat(), now=0.0, id=id, queue_timeout=90.0)
    station.call(Raw("DataTransfer", {"vendorId": "v", "data": [None]}), now=0.0, id="slot")
    station.call(call.ClearedChargingLimit(charging_limit_source="CSO"), now=0.0, id="waits", timeout=7.0)
    station.call(call.Heartbeat(), now=0.0, id="in vain", queue_timeout=90.0)
    frames_of(station)
    station.handle_timeout(now=5.0)
    frames_of(station)
    receive(station, 3, "answered", {"currentTime": TIME}, now=5.0)
    for id in ("1", "2"):
        [received] = receive(station, 2, id, "ClearCache", {}, now=5.0)
    assert isinstance(received, CallReceived)
    station.reply_error(received, GenericError("no"))
    station.receive_text("hello", now=6.0)
    events_of(station)
    return station


def of_call(id: str, **changes: Any) -> dict[str, Any]:
    """A call of ours as it stands in a snapshot."""
    plain: dict[str, Any] = {
        "id": id,
        "action": "Heartbeat",
        "payload": {},
        "raw": False,
        "timeout": 5.0,
        "released": True,
        "frame": None,
        "time_left": None,
        "turn_left": None,
    }
    return {**plain, **changes}


def whole() -> dict[str, Any]:
    """What is in the snapshot of the busy station, but for its random prefix."""
    return {
        "format": "ocpp-sansio connection 1",
        "role": "CHARGING_STATION",
        "version": "2.1",
        "ids": ["prefix", 0],
        "closed": False,
        "timeouts": 0,
        "bad_frames": 1,
        "slot": of_call(
            "slot",
            action="DataTransfer",
            payload={"vendorId": "v", "data": [None]},
            raw=True,
            released=False,
            frame='[2,"slot","DataTransfer",{"vendorId":"v","data":[null]}]',
            time_left=4.0,
        ),
        "queue": [
            of_call(
                "waits",
                action="ClearedChargingLimit",
                payload={"chargingLimitSource": "CSO"},
                timeout=7.0,
                released=False,
                frame='[2,"waits","ClearedChargingLimit",{"chargingLimitSource":"CSO"}]',
            ),
            of_call("in vain", released=False, frame='[2,"in vain","Heartbeat",{}]', turn_left=84.0),
        ],
        "late": [of_call("late", time_left=-1.0)],
        "rejectable": [of_call("answered", time_left=4.0)],
        "owed": ['[2, "1", "ClearCache", {}]'],
        "answered": [["2", "ClearCache"]],
        "frames": [
            None,
            '[4,"2","GenericError","no",{}]',
            '[4,"-1","RpcFrameworkError","not JSON: Expecting value: line 1 column 1 (char 0)",{}]',
        ],
    }


def changed(*place: Any, to: Any) -> dict[str, Any]:
    """The whole snapshot with something else in one place."""
    snapshot = copy.deepcopy(whole())
    inner: Any = snapshot
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = to
    return snapshot


def test_a_snapshot_has_all_of_a_connection() -> None:
    snapshot = busy().snapshot(now=6.0)
    assert {**snapshot, "ids": ["prefix", 0]} == whole()
    assert json.loads(json.dumps(snapshot)) == snapshot


@pytest.mark.parametrize("now", [6.0, 0.0, 1000.0])
def test_what_was_restored_has_the_same_snapshot(now: float) -> None:
    assert Connection.restore(whole(), now=now).snapshot(now=now) == whole()


def test_a_connection_that_is_closed_or_without_a_role_has_the_same_snapshot() -> None:
    connection = Connection(None, "1.6")
    connection.call(call16.Heartbeat(), now=0.0, timeout=1.0)
    frames_of(connection)
    connection.handle_timeout(now=1.0)
    connection.receive_close()
    events_of(connection)
    snapshot = connection.snapshot(now=2.0)
    assert (snapshot["role"], snapshot["closed"], snapshot["timeouts"]) == (None, True, 1)
    assert snapshot["ids"][1] == 1
    assert Connection.restore(snapshot, now=2.0).snapshot(now=2.0) == snapshot


def test_each_call_is_where_it_was() -> None:
    there = Connection.restore(whole(), now=100.0)
    slot, waits, in_vain = there.calls
    request = Raw("DataTransfer", {"vendorId": "v", "data": [None]})
    assert (slot.id, slot.action, slot.request, slot.released) == ("slot", "DataTransfer", request, False)
    assert waits.request == call.ClearedChargingLimit(charging_limit_source="CSO")
    assert (waits.timeout, in_vain.timeout) == (7.0, 5.0)
    assert there.deadline == 104.0
    assert frames_of(there) == [whole()["slot"]["frame"], *whole()["frames"][1:]]
    assert slot.released
    there.handle_timeout(now=104.0)
    assert there.calls == (waits, in_vain)
    assert there.deadline == 111.0


def test_time_goes_on_from_the_instant_that_is_told() -> None:
    there = Connection.restore(whole(), now=100.0)
    pending = there.call(call.Heartbeat(), now=50.0, queue_timeout=3.0)  # a clock that runs back is clamped
    there.handle_timeout(now=102.9)
    assert pending in there.calls
    there.handle_timeout(now=103.0)
    assert pending not in there.calls


def test_an_answer_may_still_be_rejected_there() -> None:
    here = Connection(Role.CHARGING_STATION, "2.1")
    pending = here.call(call.Heartbeat(), now=0.0, id="1")
    frames_of(here)
    receive(here, 3, "1", {"currentTime": TIME})
    there = Connection.restore(here.snapshot(now=0.0), now=0.0)
    result = CallResultReceived(pending, call_result.Heartbeat(current_time=TIME), {}, ())
    with pytest.raises(LocalProtocolError, match="by another connection"):
        there.reject_result(result, GenericError())
    [entry] = there.snapshot(now=0.0)["rejectable"]
    assert entry == of_call("1", timeout=30.0, time_left=30.0)


def test_the_counts_of_timeouts_and_bad_frames_go_on() -> None:
    there = Connection.restore(changed("timeouts", to=3), now=0.0, limits=Limits(bad_frames=2))
    assert there.consecutive_timeouts == 3
    there.receive_text("hello", now=0.0)
    assert [type(event).__name__ for event in events_of(there)] == ["FrameRejected", "CloseRequested"]


# What is read again.


def test_an_owed_call_that_nobody_knows_there_is_kept_raw() -> None:
    text = '[2,"9","Sing",{"a":1}]'
    free = Connection(Role.CSMS, "1.6", validation="off")
    free.receive_text(text, now=0.0)
    events_of(free)
    there = Connection.restore(free.snapshot(now=0.0), now=0.0)
    [owed] = there.owed
    assert owed == CallReceived("9", "Sing", Raw("Sing", {"a": 1}), {"a": 1}, (), text)
    assert isinstance(owed.request, Raw)
    assert owed.request.origin == Origin("1.6", 2, "9", text)


def test_an_owed_call_is_read_by_the_parser_that_is_given() -> None:
    loads = partial(json.loads, parse_float=Decimal)
    snapshot = changed("owed", to=['[2,"9","DataTransfer",{"vendorId":"v","data":1.10}]'])
    [owed] = Connection.restore(snapshot, now=0.0, loads=loads, validation="off").owed
    assert repr(owed.payload) == "{'vendorId': 'v', 'data': Decimal('1.10')}"


def test_an_owed_call_with_a_departure_keeps_its_note() -> None:
    text = '[2,"9","DataTransfer",{"vendorId":"v","x":1}]'
    [owed] = Connection.restore(changed("owed", to=[text]), now=0.0, validation="lenient").owed
    assert [violation.path for violation in owed.violations] == ["$.x"]


def test_a_request_of_a_class_that_is_gone_is_kept_raw() -> None:
    snapshot = changed("slot", "action", to="Sing")
    snapshot["slot"]["raw"] = False
    [slot, *_] = Connection.restore(snapshot, now=0.0).calls
    assert slot.request == Raw("Sing", {"vendorId": "v", "data": [None]})


def test_before_2_1_nothing_can_be_rejected() -> None:
    snapshot = {**Connection(Role.CSMS, "1.6").snapshot(now=0.0), "rejectable": [of_call("1")]}
    there = Connection.restore(snapshot, now=0.0)
    assert there.snapshot(now=0.0)["rejectable"] == []


# What is broken.


@pytest.mark.parametrize(
    ("place", "odd", "sentence"),
    [
        (("closed",), 0, "closed is not of type bool"),
        (("timeouts",), True, "timeouts is not of type int"),
        (("bad_frames",), 1.0, "bad_frames is not of type int"),
        (("queue",), {}, "queue is not of type list"),
        (("late",), None, "late is not of type list"),
        (("rejectable",), "", "rejectable is not of type list"),
        (("owed",), {}, "owed is not of type list"),
        (("answered",), {}, "answered is not of type list"),
        (("frames",), {}, "frames is not of type list"),
        (("slot",), 7, "slot.action is not of type str"),
        (("slot", "id"), 7, "slot.id is not of type str"),
        (("slot", "action"), None, "slot.action is not of type str"),
        (("slot", "payload"), [], "slot.payload is not of type dict"),
        (("slot", "raw"), 1, "slot.raw is not of type bool"),
        (("slot", "released"), 0, "slot.released is not of type bool"),
        (("slot", "timeout"), "5", "slot.timeout is not a number of seconds"),
        (("slot", "timeout"), None, "slot.timeout is missing"),
        (("slot", "time_left"), float("inf"), "slot.time_left is not a number of seconds"),
        (("slot", "time_left"), None, "slot.time_left is missing"),
        (("slot", "turn_left"), True, "slot.turn_left is not a number of seconds"),
        (("slot", "frame"), None, "slot.frame is missing"),
        (("slot", "time_left"), 10**400, "slot.time_left is not a number of seconds"),
        (("slot", "time_left"), 1e300, "slot.time_left is not a number of seconds"),
        (("slot", "turn_left"), -1e300, "slot.turn_left is not a number of seconds"),
        (("queue", 0, "turn_left"), -(10**400), "queue[0].turn_left is not a number of seconds"),
        (("queue", 1, "timeout"), float("nan"), "queue[1].timeout is not a number of seconds"),
        (("late", 0, "payload"), [], "late[0].payload is not of type dict"),
        (("rejectable", 0, "id"), 7, "rejectable[0].id is not of type str"),
        (("answered", 0), ["1"], "answered[0] is not a pair of texts"),
        (("answered", 0), ["1", 2], "answered[0] is not a pair of texts"),
        (("answered", 0), "12", "answered[0] is not a pair of texts"),
        (("frames", 1), 7, "frames[1] is no frame"),
        (("slot",), None, "frames[0] is no frame"),
        (("slot", "released"), True, "frames[0] is no frame"),
        (("ids",), [1], "not enough values to unpack (expected 2, got 1)"),
        (("ids",), ["x", "y"], "invalid literal for int() with base 10: 'y'"),
        (("ids",), ["x", float("inf")], "cannot convert float infinity to integer"),
        (("ids",), ["", 1], "ids are the beginning of a message id and a number, not ('', 1)"),
        (("queue", 1, "id"), "waits", "queue[1].id is that of another call"),
        (("queue", 0, "id"), "slot", "queue[0].id is that of another call"),
        (("owed",), ['[2,"1","ClearCache",{}]'] * 2, "owed[1] has the id of another call"),
        (("frames",), [None, None], "frames[1] is no frame"),
        (("role",), "Nobody", "'Nobody'"),
        (
            ("owed", 0),
            '[2,"1","ClearCache"]',
            "owed[0] is not a call that this connection can read: a CALL has 4 elements, not 3",
        ),
        (
            ("owed", 0),
            '[2,"1","ClearCache",[]]',
            "owed[0] is not a call that this connection can read: the payload is not an object",
        ),
    ],
)
def test_what_is_wrong_is_named_by_its_place(place: tuple[Any, ...], odd: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^malformed snapshot: {re.escape(sentence)}$"):
        Connection.restore(changed(*place, to=odd), now=0.0)


@pytest.mark.parametrize("now", [float("inf"), float("nan")])
def test_the_instant_of_restoring_is_finite(now: float) -> None:
    with pytest.raises(ValueError, match=r"^now is a finite number of seconds"):
        Connection.restore(whole(), now=now)


# What is known of a station.


def test_the_snapshot_of_a_station_has_all_of_it() -> None:
    state = StationState("CP_1", BootStatus.PENDING, {"B", "A"})
    state.remember_answer("1", "ClearCache", "call", "answer")
    snapshot = state.snapshot()
    assert snapshot == {
        "format": "ocpp-sansio station 1",
        "identity": "CP_1",
        "boot": "Pending",
        "requested": ["A", "B"],
        "answers": [["1", crc32(b"call"), "answer"]],
    }
    there = StationState.restore(snapshot)
    assert there.snapshot() == snapshot
    assert (there.identity, there.boot, there.requested) == ("CP_1", BootStatus.PENDING, {"A", "B"})
    assert there.answer_to("1", "call") == "answer"
    assert there.answer_to("1", "another call") is None


@pytest.mark.parametrize(
    ("name", "odd", "sentence"),
    [
        ("boot", "Fine", "'Fine' is not a valid BootStatus"),
        ("requested", 7, "'int' object is not iterable"),
        ("answers", [["1"]], "not enough values to unpack (expected 3, got 1)"),
        ("answers", [["1", "x", "y"]], "invalid literal for int() with base 10: 'x'"),
    ],
)
def test_what_is_wrong_with_a_station_is_told(name: str, odd: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^malformed snapshot: {re.escape(sentence)}$"):
        StationState.restore({**StationState("CP_1").snapshot(), name: odd})


def test_what_is_text_in_a_station_is_made_text() -> None:
    snapshot = {**StationState("CP_1").snapshot(), "requested": [7], "answers": [[1, "2", 3]]}
    there = StationState.restore(snapshot)
    assert there.snapshot()["requested"] == ["7"]
    assert there.snapshot()["answers"] == [["1", 2, "3"]]


def test_what_is_owed_is_answered_by_its_class_there() -> None:
    there = Connection.restore(whole(), now=0.0)
    [owed] = there.owed
    assert owed == CallReceived("1", "ClearCache", call.ClearCache(), {}, (), '[2, "1", "ClearCache", {}]')
    there.reply(owed, call_result.ClearCache(status="Accepted"))
    assert frames_of(there)[-1] == '[3,"1",{"status":"Accepted"}]'
