"""`testing.Pair`: two connections on a faulty wire and a clock of their own."""

import subprocess
import sys
from collections.abc import Callable
from math import inf
from typing import Any

import pytest

from ocpp_sansio import (
    CallErrorReceived,
    CallLost,
    CallReceived,
    CallResultReceived,
    CallTimedOut,
    Closed,
    Connection,
    DuplicateCallReceived,
    Event,
    FrameRejected,
    LateResponseReceived,
    Role,
    UnmatchedResponseReceived,
)
from ocpp_sansio.errors import SecurityError
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v201 import call as call_201
from ocpp_sansio_adapters import testing
from ocpp_sansio_adapters.testing import Pair, ScriptedCSMS, ScriptedStation, _wire

BOOT = call.BootNotification(charge_point_vendor="acme", charge_point_model="One")
BOOTED = call_result.BootNotification(status="Accepted", current_time="2025-01-01T12:00:00Z", interval=300)
RESET = call.Reset(type="Soft")


def station(version: str = "1.6", **options: Any) -> Connection:
    return Connection(Role.CHARGING_STATION, version, new_id=iter("abcdefgh").__next__, **options)


def csms(version: str = "1.6", **options: Any) -> Connection:
    return Connection(Role.CSMS, version, new_id=iter("ABCDEFGH").__next__, **options)


@pytest.fixture
def pair() -> Pair:
    return Pair(station(), csms(), now=100.0)


def answering(pair: Pair) -> None:
    """Let the CSMS answer every heartbeat."""

    def handle(event: Event) -> None:
        assert isinstance(event, CallReceived)
        pair.csms.connection.reply(event, call_result.Heartbeat(current_time="2025-01-01T12:00:00Z"))

    pair.csms.handler = handle


def trouble(pair: Pair) -> str:
    with pytest.raises(AssertionError) as caught:
        pair.check()
    return str(caught.value)


def test_a_call_and_its_answer_travel_without_any_time_passing(pair: Pair) -> None:
    boot = pair.station.connection.call(BOOT, now=pair.now)
    pair.settle()
    received = pair.csms.take(CallReceived)
    assert received.request == BOOT
    pair.csms.connection.reply(received, BOOTED)
    pair.settle()
    assert boot.response_in(pair.station.take(CallResultReceived)) == BOOTED
    assert pair.now == 100.0
    pair.check()


def test_any_versions_may_be_paired_and_refuse_each_other() -> None:
    pair = Pair(station("2.0.1"), csms("1.6"))
    request = call_201.NotifyReport(request_id=1, generated_at="2025-01-01T12:00:00Z", seq_no=0)
    pair.station.connection.call(request, now=pair.now)
    pair.settle()
    assert pair.csms.take(FrameRejected).reason == "unknown action"
    assert pair.station.take(CallErrorReceived).error.code == "NotImplemented"


def test_the_clock_jumps_to_the_next_deadline(pair: Pair) -> None:
    pair.station.connection.call(BOOT, now=pair.now, timeout=40.0)
    assert pair.step()
    assert pair.now == 140.0
    assert pair.station.take(CallTimedOut).pending.request == BOOT
    assert not pair.step()
    assert pair.now == 140.0


def test_time_that_passes_brings_what_falls_due_meanwhile(pair: Pair) -> None:
    pair.station.connection.call(BOOT, now=pair.now, timeout=40.0)
    pair.run_for(39.5)
    assert pair.station.events == []
    pair.run_for(0.5)
    assert pair.now == 140.0
    assert isinstance(pair.station.events[0], CallTimedOut)


def test_it_runs_until_something_is_true(pair: Pair) -> None:
    pair.to_csms.delay = 1.5
    pair.station.connection.call(BOOT, now=pair.now)
    pair.run_until(lambda: pair.csms.events)
    assert pair.now == 101.5


def test_what_cannot_come_true_is_said_at_once_with_the_trace(pair: Pair) -> None:
    with pytest.raises(AssertionError, match="nothing more can happen") as caught:
        pair.run_until(lambda: pair.csms.events)
    assert "the link is open" in str(caught.value)


def test_what_does_not_come_true_in_time_is_said(pair: Pair) -> None:
    def ask_again(event: Event) -> None:
        pair.station.connection.call(BOOT, now=pair.now)

    pair.station.handler = ask_again
    pair.to_csms.lose(inf)
    ask_again(Closed())
    with pytest.raises(AssertionError, match="not come true within 95 s"):
        pair.run_until(lambda: False, limit=95)
    assert pair.now == 220.0


def test_ends_that_never_fall_silent_are_found(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_wire, "MOST_AT_ONCE", 100)

    def ask_again(event: Event) -> None:
        pair.station.connection.call(call.Heartbeat(), now=pair.now)

    answering(pair)
    pair.station.handler = ask_again
    pair.station.connection._new_id = None
    ask_again(Closed())
    with pytest.raises(AssertionError, match="100 frames without any time passing"):
        pair.settle()


# Faults.


def test_a_frame_takes_its_delay_each_way(pair: Pair) -> None:
    answering(pair)
    pair.to_csms.delay, pair.to_station.delay = 0.2, 0.3
    pair.station.connection.call(call.Heartbeat(), now=pair.now)
    pair.settle()
    assert len(pair.to_csms.in_flight) == 1
    pair.run_until(lambda: pair.station.events)
    assert pair.now == 100.5
    assert [entry.note for entry in pair.trace][1:] == ["takes 0.2 s", "takes 0.3 s"]


def test_frames_keep_their_order_whatever_the_delay(pair: Pair) -> None:
    pair.to_csms.delay = 5.0
    pair.csms.connection.call(RESET, now=pair.now)
    pair.settle()
    pair.station.connection.call(BOOT, now=pair.now)
    pair.settle()
    pair.to_csms.delay = 0.0
    pair.station.connection.reply(pair.station.take(CallReceived), call_result.Reset(status="Accepted"))
    pair.settle()
    assert pair.csms.events == []
    pair.step()
    assert [type(event) for event in pair.csms.events] == [CallReceived, CallResultReceived]


def test_a_lost_frame_is_one_that_the_peer_never_sees(pair: Pair) -> None:
    answering(pair)
    pair.to_csms.lose()
    pair.station.connection.call(call.Heartbeat(), now=pair.now)
    pair.step()
    assert isinstance(pair.station.take(CallTimedOut), CallTimedOut)
    pair.station.connection.call(call.Heartbeat(), now=pair.now)
    pair.settle()
    assert isinstance(pair.station.take(CallResultReceived), CallResultReceived)
    assert [entry.note for entry in pair.trace if entry.direction] == ["lost", "", ""]


def test_only_frames_that_are_meant_are_lost(pair: Pair) -> None:
    pair.to_csms.lose(where=lambda text: "Heartbeat" in text)
    pair.station.connection.call(BOOT, now=pair.now)
    pair.settle()
    assert pair.csms.take(CallReceived).request == BOOT


def test_a_repeated_call_is_a_duplicate_while_it_is_handled(pair: Pair) -> None:
    pair.to_csms.duplicate()
    pair.station.connection.call(BOOT, now=pair.now)
    pair.settle()
    assert [type(event) for event in pair.csms.events] == [CallReceived, DuplicateCallReceived]


def test_a_repeated_answer_answers_nothing_the_second_time(pair: Pair) -> None:
    answering(pair)
    pair.to_station.duplicate()
    pair.station.connection.call(call.Heartbeat(), now=pair.now)
    pair.settle()
    assert [type(event) for event in pair.station.events] == [CallResultReceived, UnmatchedResponseReceived]


def test_an_answer_may_come_too_late(pair: Pair) -> None:
    answering(pair)
    pair.to_station.delay = 31.0
    pair.station.connection.call(call.Heartbeat(), now=pair.now)
    pair.run_for(40)
    assert [type(event) for event in pair.station.events] == [CallTimedOut, LateResponseReceived]


def test_a_mended_wire_has_no_faults(pair: Pair) -> None:
    pair.to_csms.lose(inf)
    pair.to_csms.delay = 3.0
    pair.to_csms.mend()
    assert pair.to_csms.delay == 0
    pair.station.connection.call(BOOT, now=pair.now)
    pair.settle()
    pair.csms.take(CallReceived)


def test_a_cut_loses_what_is_on_its_way_and_tells_both(pair: Pair) -> None:
    pair.to_csms.delay = 1.0
    pair.station.connection.call(BOOT, now=pair.now)
    pair.settle()
    pair.cut()
    assert [type(event) for event in pair.station.events] == [CallLost, Closed]
    assert [type(event) for event in pair.csms.events] == [Closed]
    assert pair.to_csms.in_flight == []
    assert not pair.step()


@pytest.mark.parametrize("seconds", [-1, inf, "1", True])
def test_a_delay_is_a_length_of_time(pair: Pair, seconds: Any) -> None:
    with pytest.raises(ValueError, match="delay is a number of seconds"):
        pair.to_csms.delay = seconds


@pytest.mark.parametrize("times", [0, -1, 1.5, "1"])
def test_faults_are_counted_in_whole_numbers(pair: Pair, times: Any) -> None:
    with pytest.raises(ValueError, match=r"times is a positive whole number or math\.inf"):
        pair.to_csms.lose(times)


# The end.


def leave_an_event(pair: Pair) -> None:
    pair.station.connection.call(BOOT, now=pair.now)
    pair.run_for(31)


def leave_a_call(pair: Pair) -> None:
    pair.to_csms.lose()
    pair.station.connection.call(BOOT, now=pair.now)
    pair.settle()


def leave_a_frame(pair: Pair) -> None:
    pair.to_csms.delay = 1.0
    pair.station.connection.call(BOOT, now=pair.now)
    pair.settle()


def owe_an_answer(pair: Pair) -> None:
    pair.station.connection.call(BOOT, now=pair.now)
    pair.settle()
    pair.csms.events.clear()


@pytest.mark.parametrize(
    ("leave", "said"),
    [
        (leave_an_event, "the station: event not taken: CallTimedOut("),
        (leave_a_call, "the station: call without an end: BootNotification 'a'"),
        (leave_a_frame, 'still on its way: [2,"a","BootNotification"'),
        (owe_an_answer, "the csms: call without an answer: BootNotification 'a'"),
    ],
)
def test_what_is_left_behind_fails_the_check(pair: Pair, leave: Callable[[Pair], None], said: str) -> None:
    leave(pair)
    assert said in trouble(pair)


def test_the_report_is_for_people(pair: Pair) -> None:
    leave_a_call(pair)
    assert trouble(pair) == (
        "the station: call without an end: BootNotification 'a'\n"
        "trace (seconds, frame):\n"
        "     0.000  -- the link is open\n"
        '     0.000  station -> csms  [2,"a","BootNotification",{"chargePointVendor":"acme",'
        '"chargePointModel":"One"}]  (lost)'
    )


def test_a_with_block_is_checked_at_its_end() -> None:
    with pytest.raises(AssertionError, match="call without an end"), Pair(station(), csms()) as pair:
        leave_a_call(pair)


def fail_in_the_middle() -> None:
    with Pair(station(), csms()) as pair:
        leave_a_call(pair)
        raise LookupError


def test_a_with_block_that_raises_has_the_report_as_a_note() -> None:
    with pytest.raises(LookupError) as caught:
        fail_in_the_middle()
    assert "call without an end: BootNotification" in caught.value.__notes__[0]


def test_taking_an_event_that_is_not_there_shows_the_trace(pair: Pair) -> None:
    with pytest.raises(AssertionError, match="there is no CallReceived among") as caught:
        pair.csms.take(CallReceived)
    assert "trace (seconds, frame)" in str(caught.value)


def test_a_long_trace_is_shown_from_its_end(pair: Pair) -> None:
    answering(pair)
    pair.station.connection._new_id = None
    for _ in range(100):
        pair.station.connection.call(call.Heartbeat(), now=pair.now)
        pair.run_for(10)
        pair.station.take(CallResultReceived)
    assert len(pair.trace) == 201
    assert len(str(pair.trace).splitlines()) == 201
    assert len(pair.trace.frames) == 200
    assert pair.report().splitlines()[1] == "... 171 earlier"


def test_a_huge_frame_is_shown_in_part() -> None:
    pair = Pair(station(), csms())
    pair.station.connection.call(call.DataTransfer(vendor_id="acme", data="x\n" * 5000), now=pair.now)
    pair.settle()
    line = str(pair.trace).splitlines()[1]
    assert len(line) < 500
    assert line.endswith("characters)")


# With a script at one end.


def test_a_script_may_sit_at_either_end() -> None:
    peer = ScriptedCSMS()
    peer.expect(call.BootNotification).reply(interval=60).delay(2)
    with Pair(station(), peer) as pair:
        boot = pair.station.connection.call(BOOT, now=pair.now)
        pair.run_until(lambda: pair.station.events)
        answer = boot.response_in(pair.station.take(CallResultReceived))
        assert answer is not None
        assert (pair.now, answer.interval) == (2.0, 60)

    other = ScriptedStation()
    with Pair(other, csms()) as pair:
        asked = other.call(BOOT)
        pair.settle()
        pair.csms.connection.reply(pair.csms.take(CallReceived), BOOTED)
        pair.settle()
        assert asked.result() == BOOTED


def test_the_faults_and_the_trace_of_a_script_are_those_of_the_pair() -> None:
    peer = ScriptedCSMS()
    pair = Pair(station(), peer)
    assert (peer.to_csms, peer.to_station, peer.trace) == (pair.to_csms, pair.to_station, pair.trace)


def test_the_check_of_a_pair_is_that_of_the_script_too() -> None:
    peer = ScriptedCSMS()
    peer.expect(call.BootNotification)
    pair = Pair(station(), peer)
    assert "expected, and did not come: BootNotification()" in trouble(pair)
    assert ">> 1. BootNotification()" in trouble(pair)


def test_a_scripted_peer_cuts_the_link_of_a_pair() -> None:
    peer = ScriptedCSMS()
    peer.expect(call.BootNotification).cut()
    pair = Pair(station(), peer)
    pair.station.connection.call(BOOT, now=pair.now)
    pair.settle()
    assert isinstance(pair.station.take(CallLost), CallLost)
    pair.check()


def test_an_error_that_nobody_asked_for_fails_the_check() -> None:
    peer = ScriptedCSMS()
    pair = Pair(station(), peer)
    asked = peer.call(RESET)
    pair.settle()
    pair.station.connection.reply_error(pair.station.take(CallReceived), SecurityError("not you"))
    pair.settle()
    assert asked.done
    assert "the peer's Reset 'csms-1' has failed, and nobody asked for its result: SecurityError" in trouble(
        pair
    )
    with pytest.raises(SecurityError):
        asked.result()
    pair.check()


def test_wrong_ends_are_refused() -> None:
    with pytest.raises(TypeError, match="a pair is made of two connections"):
        Pair(ScriptedStation(), ScriptedCSMS())
    with pytest.raises(TypeError, match="a pair is made of two connections"):
        Pair(station(), "csms")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a scripted csms cannot be the station of a pair"):
        Pair(ScriptedCSMS(), csms())
    with pytest.raises(TypeError, match="the csms is scripted"):
        _ = Pair(station(), ScriptedCSMS()).csms


def test_the_package_has_what_it_lists_and_nothing_else() -> None:
    for name in testing.__all__:
        assert getattr(testing, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'Pairs'"):
        _ = testing.Pairs  # type: ignore[attr-defined]


def test_a_pair_needs_no_event_loop() -> None:
    code = (
        "import sys; from ocpp_sansio_adapters.testing import Pair; from ocpp_sansio import Connection, Role;"
        "from ocpp_sansio.v16 import call;"
        "pair = Pair(Connection(Role.CHARGING_STATION, '1.6'), Connection(Role.CSMS, '1.6'));"
        "pair.station.connection.call(call.Heartbeat(), now=pair.now); pair.settle();"
        "print({'anyio', 'asyncio', 'trio', 'websockets'} & set(sys.modules), len(pair.csms.events))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "set() 1\n"
