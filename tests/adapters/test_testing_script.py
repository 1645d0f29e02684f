"""Scripted peers, without an event loop: what they expect, and which call is meant."""

from datetime import UTC, datetime
from math import inf
from typing import Any

import pytest

from ocpp_sansio import (
    Raw,
)
from ocpp_sansio.errors import InternalError
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v201 import call as call_201
from ocpp_sansio_adapters.testing import ScriptedCSMS, ScriptedStation
from tests.adapters.scripted import BOOT, NOW, Bench, status, trouble


@pytest.fixture
def csms() -> ScriptedCSMS:
    return ScriptedCSMS()


# What is expected.


def test_what_is_expected_and_comes_is_answered(csms: ScriptedCSMS) -> None:
    response = call_result.BootNotification(status="Pending", current_time=NOW, interval=7)
    boot = csms.expect(call.BootNotification).reply(response)
    assert Bench(csms).answer(BOOT) == response
    assert boot.requests == [BOOT]
    assert boot.request == BOOT
    csms.check()


def test_what_is_expected_and_does_not_come_is_said_with_its_place(csms: ScriptedCSMS) -> None:
    boot = csms.expect(call.BootNotification, charge_point_vendor="acme")
    text = trouble(csms)
    wanted = "BootNotification(charge_point_vendor='acme')"
    assert f"expected, and did not come: {wanted}, 0 of 1 times  [test_testing_script.py:" in text
    assert f">> 1. {wanted}  0 of 1 times, reply with a plain answer  [test_testing_script.py:" in text
    with pytest.raises(AssertionError, match="has not come"):
        _ = boot.request


def test_a_line_of_the_script_shows_itself(csms: ScriptedCSMS) -> None:
    line = csms.expect(call.Heartbeat).times(2, 3).ignore()
    assert repr(line).startswith("<Heartbeat(): 0 of 2 to 3 times, ignore it  [test_testing_script.py:")


def test_what_comes_unexpected_is_refused_and_said_with_what_was_expected(csms: ScriptedCSMS) -> None:
    csms.expect(call.BootNotification)
    bench = Bench(csms)
    assert bench.refusal(call.Heartbeat()).code == "NotSupported"
    bench.answer(BOOT)
    text = trouble(csms)
    assert "0.000 s: came, and was not expected: [2," in text
    assert "expected next: BootNotification()" in text
    assert "expected, and did not come" not in text


def test_the_order_is_that_of_the_script(csms: ScriptedCSMS) -> None:
    csms.expect(call.StatusNotification, connector_id=1)
    csms.expect(call.StatusNotification, connector_id=2)
    bench = Bench(csms)
    bench.refusal(status(2))
    bench.answer(status(1))
    bench.answer(status(2))
    bench.refusal(status(1))
    assert trouble(csms).count("was not expected") == 2


def test_a_block_of_any_order_is_played_in_any_order(csms: ScriptedCSMS) -> None:
    csms.expect(call.BootNotification)
    with csms.any_order():
        csms.expect(call.StatusNotification, connector_id=1)
        csms.expect(call.StatusNotification, connector_id=2)
    csms.expect(call.Heartbeat)
    bench = Bench(csms)
    bench.refusal(status(2))
    bench.answer(BOOT)
    bench.answer(status(2))
    bench.refusal(call.Heartbeat())
    bench.answer(status(1))
    bench.answer(call.Heartbeat())
    assert trouble(csms).count("was not expected") == 2


def test_a_block_of_any_order_has_no_other_in_it(csms: ScriptedCSMS) -> None:
    with csms.any_order(), pytest.raises(TypeError, match="open already"), csms.any_order():
        pass


def test_something_may_come_a_number_of_times(csms: ScriptedCSMS) -> None:
    csms.expect(call.Heartbeat).times(2)
    bench = Bench(csms)
    bench.answer(call.Heartbeat())
    assert "Heartbeat(), 1 of 2 times" in trouble(csms)
    bench.answer(call.Heartbeat())
    csms.check()
    bench.refusal(call.Heartbeat())


def test_something_may_come_a_few_times_until_the_next_has_come(csms: ScriptedCSMS) -> None:
    csms.expect(call.Heartbeat).times(0, inf)
    csms.expect(call.BootNotification)
    bench = Bench(csms)
    assert "Heartbeat()  0 of 0 to any number of times" in trouble(csms)
    bench.answer(call.Heartbeat())
    bench.answer(call.Heartbeat())
    bench.answer(BOOT)
    csms.check()
    bench.refusal(call.Heartbeat())


@pytest.mark.parametrize("times", [(0,), (-1,), (2, 1), (1.5,), (1, 2.5), ("3",)])
def test_times_are_whole_numbers(csms: ScriptedCSMS, times: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match="times are whole numbers"):
        csms.expect(call.Heartbeat).times(*times)


def test_what_is_allowed_may_come_at_any_time_or_never(csms: ScriptedCSMS) -> None:
    heartbeats = csms.allow(call.Heartbeat)
    csms.allow(call.StatusNotification)
    csms.expect(call.BootNotification)
    bench = Bench(csms)
    for request in (call.Heartbeat(), BOOT, call.Heartbeat()):
        bench.answer(request)
    assert len(heartbeats.requests) == 2
    csms.check()
    assert "allowed: Heartbeat()  2 came, reply with a plain answer" in csms.report()
    with pytest.raises(TypeError, match="any number of times"):
        heartbeats.times(3)


def test_what_is_expected_goes_before_what_is_allowed(csms: ScriptedCSMS) -> None:
    csms.allow(call.StatusNotification)
    faulted = csms.expect(call.StatusNotification, status="Faulted")
    bench = Bench(csms)
    bench.answer(status(1))
    assert faulted.requests == []
    bench.answer(status(1, "Faulted"))
    assert len(faulted.requests) == 1
    csms.check()


def test_what_was_allowed_last_answers(csms: ScriptedCSMS) -> None:
    csms.allow(call.Heartbeat)
    bench = Bench(csms)
    bench.answer(call.Heartbeat())
    csms.allow(call.Heartbeat).reply_error(InternalError("no clock"))
    assert bench.refusal(call.Heartbeat()).description == "no clock"


# Which of them.


@pytest.mark.parametrize(
    ("members", "fits"),
    [
        ({"reason": "PowerUp"}, True),
        ({"reason": "Watchdog"}, False),
        ({"charging_station": {"model": "One"}}, True),
        ({"charging_station": {"model": "Two"}}, False),
        ({"charging_station": {"modem": {"imsi": "1"}}}, True),
        ({"charging_station": {"modem": {"imsi": "2"}}}, False),
        ({"charging_station": {"firmware_version": None}}, True),
        ({"where": lambda request: request.charging_station.vendor_name == "acme"}, True),
        ({"where": lambda request: False}, False),
    ],
)
def test_members_say_which_call_is_meant(csms: ScriptedCSMS, members: dict[str, Any], fits: bool) -> None:
    expected = csms.expect(call_201.BootNotification, **members)
    station = {"model": "One", "vendor_name": "acme", "modem": {"imsi": "1"}}
    Bench(csms, "2.0.1").ask(call_201.BootNotification(charging_station=station, reason="PowerUp"))
    assert bool(expected.requests) is fits


@pytest.mark.parametrize(
    ("members", "fits"),
    [
        ({"timestamp": NOW}, True),
        ({"timestamp": "2025-01-01T13:00:00+01:00"}, True),
        ({"timestamp": datetime(2025, 1, 1, 12, tzinfo=UTC)}, True),
        ({"timestamp": "2025-01-01T12:00:01Z"}, False),
        ({"transaction_data": [{"sampled_value": [{"value": "7"}]}]}, True),
        ({"transaction_data": [{"sampled_value": [{"value": "8"}]}]}, False),
        ({"transaction_data": []}, False),
        ({"transaction_data": {"sampled_value": 1}}, False),
    ],
)
def test_times_and_lists_say_which_call_is_meant(
    csms: ScriptedCSMS, members: dict[str, Any], fits: bool
) -> None:
    expected = csms.expect(call.StopTransaction, **members)
    data = [{"timestamp": NOW, "sampled_value": [{"value": "7"}]}]
    request = call.StopTransaction(transaction_id=1, timestamp=NOW, meter_stop=5, transaction_data=data)
    Bench(csms).ask(request)
    assert bool(expected.requests) is fits


def test_a_member_that_is_none_is_found_at_once(csms: ScriptedCSMS) -> None:
    with pytest.raises(
        TypeError, match="StatusNotification has no conector_id; it has connector_id, error_code"
    ):
        csms.expect(call.StatusNotification, conector_id=1)
    with pytest.raises(TypeError, match="Heartbeat has no now; it has no members"):
        csms.allow(call.Heartbeat, now=1)


@pytest.mark.parametrize("wanted", [call_result.Heartbeat, Raw, call.Heartbeat(), 7])
def test_what_is_no_call_cannot_be_expected(csms: ScriptedCSMS, wanted: Any) -> None:
    with pytest.raises(TypeError, match="a peer expects a class such as"):
        csms.expect(wanted)


def test_what_the_peer_sends_itself_cannot_be_expected(csms: ScriptedCSMS) -> None:
    with pytest.raises(ValueError, match="Reset is what a CSMS sends, and not what it gets"):
        csms.expect(call.Reset)
    with pytest.raises(ValueError, match="Heartbeat is what a Charging Station sends"):
        ScriptedStation().allow(call.Heartbeat)


def test_where_is_a_function(csms: ScriptedCSMS) -> None:
    with pytest.raises(TypeError, match="where is a function of the request"):
        csms.expect(call.Heartbeat, where=True)  # type: ignore[call-overload]


def test_the_name_of_an_action_does_for_every_version(csms: ScriptedCSMS) -> None:
    csms.expect("Heartbeat").times(2)
    boot = csms.expect("BootNotification", reason="PowerUp").reply(interval=9)
    Bench(csms).answer(call.Heartbeat())
    bench = Bench(csms, "2.0.1")
    bench.answer(call_201.Heartbeat())
    station = {"model": "One", "vendor_name": "acme"}
    assert bench.answer(call_201.BootNotification(charging_station=station, reason="PowerUp")).interval == 9
    assert boot.request.charging_station.model == "One"
    csms.check()


def test_a_script_for_another_version_is_found_when_it_is_attached(csms: ScriptedCSMS) -> None:
    csms.expect(call_201.BootNotification)
    with pytest.raises(
        TypeError, match=r"ocpp_sansio\.v201\.call\.BootNotification is expected .* but OCPP 1\.6 is spoken"
    ):
        Bench(csms)


def test_a_line_of_another_version_is_found_when_it_is_written_later(csms: ScriptedCSMS) -> None:
    Bench(csms)
    with pytest.raises(TypeError, match=r"but OCPP 1\.6 is spoken"):
        csms.allow(call_201.BootNotification)
