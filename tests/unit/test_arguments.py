"""Wrong arguments of a Connection: refused when it is made, by name, and not when a peer happens to speak."""

from math import inf, nan, nextafter
from typing import Any

import pytest

from ocpp_sansio import BootGate, Connection, Limits, Raw, Role, StationState, Validation
from ocpp_sansio.messages import Request
from ocpp_sansio.v16 import call
from ocpp_sansio.v21 import send

SING = Raw.declare("Sing", request={"type": "object"}, response={"type": "object"})


@pytest.mark.parametrize(
    ("keyword", "value", "message"),
    [
        ("limits", {"open_calls": 3}, "limits is a Limits"),
        ("limits", Limits, "limits is a Limits"),
        ("state", "CP_1", "state is a StationState, not 'CP_1'"),
        ("boot_gate", True, "boot_gate is a BootGate"),
        ("boot_gate", BootGate, "boot_gate is a BootGate"),
        ("new_id", "x", "new_id is a Callable, not 'x'"),
        ("loads", 3, "loads is a Callable, not 3"),
        ("half_duplex", "no", "half_duplex is a bool, not 'no'"),
        ("half_duplex", None, "half_duplex is a bool, not None"),
        ("extensions", "Sing", "extensions is a list of request classes, not 'Sing'"),
        ("extensions", SING, "extensions is a list of request classes"),
        ("extensions", [3], "an extension is a request class, not 3"),
        ("extensions", [Request], "an extension is a request class"),
        ("field_lengths", [("AuthorizeRequest.idTag", 30)], "field_lengths is a mapping"),
    ],
)
def test_an_argument_of_the_wrong_kind(keyword: str, value: Any, message: str) -> None:
    arguments: dict[str, Any] = {keyword: value}
    with pytest.raises(TypeError, match=message):
        Connection(Role.CSMS, "1.6", **arguments)


@pytest.mark.parametrize(
    ("version", "keyword", "value", "message"),
    [
        ("1.6", "call_timeout", "30", "call_timeout is a positive number of seconds, not '30'"),
        ("1.6", "validation", "loose", "'loose' is not a valid Strictness"),
        ("1.6", "validation", Validation(actions={"Autorize": "lenient"}), "there is no action 'Autorize'"),
        ("1.6", "duplicates", "drop", "'drop' is not a valid Duplicates"),
        ("1.6", "extensions", [SING, SING], "there are two extensions Sing"),
        ("1.6", "field_lengths", {3: 1}, "3: there is no such message"),
        ("1.6", "field_lengths", {"SingRequest.song": 5}, "there is no such message"),
        (
            "1.6",
            "field_lengths",
            {"AuthorizeRequest.idTag": True},
            "a positive number of characters, not True",
        ),
        ("1.6", "field_lengths", {"AuthorizeRequest.idTag": 19}, "more than 19 characters already"),
    ],
)
def test_an_argument_that_makes_no_sense(version: str, keyword: str, value: Any, message: str) -> None:
    arguments: dict[str, Any] = {keyword: value}
    with pytest.raises(ValueError, match=message):
        Connection(Role.CSMS, version, **arguments)


def test_an_extension_has_no_name_of_a_send() -> None:
    taken = Raw.declare("NotifyPeriodicEventStream", request={}, response={})
    with pytest.raises(ValueError, match=r"is an action of OCPP 2\.1 already"):
        Connection(Role.CSMS, "2.1", extensions=[taken])
    assert Connection(Role.CSMS, "1.6", extensions=[taken])
    assert send.NotifyPeriodicEventStream.__action__ == taken.__action__


def test_an_unknown_action_may_be_judged_off() -> None:
    assert Connection(Role.CSMS, "1.6", validation=Validation(actions={"Sing": "off"}))


@pytest.mark.parametrize("value", ["no", 1, None])
def test_whether_duplicate_keys_are_rejected_is_a_boolean(value: Any) -> None:
    with pytest.raises(ValueError, match="reject_duplicate_keys is True or False"):
        Limits(reject_duplicate_keys=value)


def test_exceptions_of_a_policy_are_a_mapping() -> None:
    with pytest.raises(TypeError, match="actions is a mapping of action names, not"):
        Validation(actions=[("Heartbeat", "off")])  # type: ignore[arg-type]


def test_an_exception_by_the_name_of_a_strictness_is_about_what_is_received() -> None:
    policy = Validation("off", "off", {"DataTransfer": "lenient"})
    assert policy.of_action("DataTransfer") == Validation("lenient", "off")
    assert policy.of_action("Heartbeat") is policy


def test_policies_are_values() -> None:
    one, other = (Validation("lenient", actions={"A": "off", "B": "strict"}) for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert one != Validation("lenient")


def test_the_state_of_a_connection_can_be_handed_on() -> None:
    state = StationState("CP_1")
    assert Connection(Role.CSMS, "1.6", state=state).state is state
    assert Connection(Role.CSMS, "1.6").state is None
    first = Connection(Role.CSMS, "1.6", boot_gate=BootGate())
    assert isinstance(first.state, StationState)
    assert Connection(Role.CSMS, "1.6", state=first.state, boot_gate=BootGate()).state is first.state


def test_a_wrong_length_is_seen_where_an_equal_one_was_right_before() -> None:
    Connection(Role.CSMS, "1.6", field_lengths={"AuthorizeRequest.idTag": 31})
    with pytest.raises(ValueError, match=r"a positive number of characters, not 31\.0"):
        Connection(Role.CSMS, "1.6", field_lengths={"AuthorizeRequest.idTag": 31.0})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "verb", ["call", "receive_text", "handle_timeout", "snapshot", "abandon", "receive_close"]
)
@pytest.mark.parametrize("now", [inf, -inf, nan, 10**400, -(10**400), 1e300, "1", [1.0]])
def test_an_instant_is_a_finite_number_or_nothing_happens(verb: str, now: Any) -> None:
    station = Connection(Role.CHARGING_STATION, "1.6")
    pending = station.call(call.Heartbeat(), now=1.0)
    before = station.snapshot(now=1.0)
    first = {"call": [call.Heartbeat()], "receive_text": ["[3]"], "abandon": [pending]}.get(verb, [])
    with pytest.raises((TypeError, ValueError)):
        getattr(station, verb)(*first, now=now)
    assert station.snapshot(now=1.0) == before


@pytest.mark.parametrize("seconds", [0, -1, inf, nan, 10**400, 1e300, "1", None])
def test_a_length_of_time_is_positive_and_finite(seconds: Any) -> None:
    station = Connection(Role.CHARGING_STATION, "1.6")
    before = station.snapshot(now=1.0)
    with pytest.raises(ValueError, match="call_timeout is a positive number of seconds"):
        Connection(Role.CSMS, "1.6", call_timeout=seconds)
    for name in ("timeout", "queue_timeout"):
        given: dict[str, Any] = {name: "none" if seconds is None else seconds}
        with pytest.raises(ValueError, match=f"{name} is a positive number of seconds"):
            station.call(call.Heartbeat(), now=1.0, **given)
    assert station.snapshot(now=1.0) == before


def test_the_longest_time_is_as_good_as_any() -> None:
    longest = nextafter(1e300, 0)
    station = Connection(Role.CHARGING_STATION, "1.6", call_timeout=int(longest))
    station.call(call.Heartbeat(), now=longest)
    station.call(call.Heartbeat(), now=longest, queue_timeout=int(longest))
    assert station.deadline == 2 * longest
    there = Connection.restore(station.snapshot(now=longest), now=-longest)
    assert there.deadline == 0
    there.handle_timeout(now=longest)
    assert there.calls == ()


@pytest.mark.parametrize("verb", ["call", "receive_text", "handle_timeout", "snapshot"])
def test_time_goes_on_only_where_it_is_told(verb: str) -> None:
    station = Connection(Role.CHARGING_STATION, "1.6")
    first = {"call": [call.Heartbeat()], "receive_text": ["[3]"]}.get(verb, [])
    with pytest.raises(TypeError):
        getattr(station, verb)(*first, now=None)
