"""Scripted peers: what they expect, how they answer, and what they say at the end. Without an event loop."""

from collections.abc import Callable
from datetime import UTC, datetime
from math import inf
from typing import Any

import pytest

from ocpp_sansio import (
    CallErrorReceived,
    CallFailed,
    CallReceived,
    CallResultReceived,
    CallTimedOut,
    Connection,
    LocalProtocolError,
    Raw,
    Role,
    SchemaViolation,
    Version,
)
from ocpp_sansio.errors import InternalError, SecurityError
from ocpp_sansio.messages import Request
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v21 import call as call_21
from ocpp_sansio.v21 import send
from ocpp_sansio.v201 import call as call_201
from ocpp_sansio.v201 import call_result as call_result_201
from ocpp_sansio.validation import encode
from ocpp_sansio_adapters.testing import Pair, ScriptedCSMS, ScriptedPeer, ScriptedStation
from ocpp_sansio_adapters.testing._answers import EPOCH, plain_answer

BOOT = call.BootNotification(charge_point_vendor="acme", charge_point_model="One")
NOW = "2025-01-01T12:00:00Z"


def status(connector: int, status: str = "Available") -> call.StatusNotification:
    return call.StatusNotification(connector_id=connector, error_code="NoError", status=status)


class Bench:
    """A bare station against a script. `ask` gives the event that ends a call, or None if none does."""

    def __init__(self, peer: ScriptedPeer, version: str = "1.6", **options: Any) -> None:
        self.peer = peer
        self.pair = Pair(Connection(Role.CHARGING_STATION, version, **options), peer)
        self.connection = self.pair.station.connection

    def ask(self, request: Request[Any, Any]) -> Any:
        self.connection.call(request, now=self.pair.now)
        self.pair.settle()
        return self.pair.station.events.pop(0) if self.pair.station.events else None

    def answer(self, request: Request[Any, Any]) -> Any:
        event = self.ask(request)
        assert isinstance(event, CallResultReceived)
        return event.response

    def refusal(self, request: Request[Any, Any]) -> Any:
        event = self.ask(request)
        assert isinstance(event, CallErrorReceived)
        return event.error


@pytest.fixture
def csms() -> ScriptedCSMS:
    return ScriptedCSMS()


def trouble(peer: ScriptedPeer) -> str:
    with pytest.raises(AssertionError) as caught:
        peer.check()
    return str(caught.value)


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


# How it is answered.


def test_without_a_word_the_answer_is_a_plain_yes(csms: ScriptedCSMS) -> None:
    csms.expect(call.BootNotification)
    bench = Bench(csms)
    bench.pair.run_for(90)
    answer = bench.answer(BOOT)
    assert (answer.status, answer.interval) == ("Accepted", 300)
    assert (answer.current_time - EPOCH).total_seconds() == 90


def test_members_replace_those_of_the_plain_answer(csms: ScriptedCSMS) -> None:
    csms.expect(call.BootNotification).reply(status="Rejected", interval=60)
    answer = Bench(csms).answer(BOOT)
    assert (answer.status, answer.interval, answer.current_time) == ("Rejected", 60, EPOCH)


def test_a_function_makes_the_answer_of_the_request(csms: ScriptedCSMS) -> None:
    def answer(request: call.DataTransfer) -> call_result.DataTransfer:
        return call_result.DataTransfer(status="Accepted", data=request.vendor_id.upper())

    csms.expect(call.DataTransfer).reply(answer)
    assert Bench(csms).answer(call.DataTransfer(vendor_id="acme")).data == "ACME"
    assert "reply answer(request)" in csms.report()


def test_an_error_is_an_answer(csms: ScriptedCSMS) -> None:
    csms.expect(call.Heartbeat).reply_error(SecurityError("not you"))
    error = Bench(csms).refusal(call.Heartbeat())
    assert (error.code, error.description) == ("SecurityError", "not you")
    csms.check()


def test_an_answer_may_take_its_time(csms: ScriptedCSMS) -> None:
    csms.expect(call.Heartbeat).reply(current_time=NOW).delay(12.5)
    bench = Bench(csms)
    assert bench.ask(call.Heartbeat()) is None
    assert "call without an answer: Heartbeat" in trouble(csms)
    bench.pair.run_until(lambda: bench.pair.station.events)
    assert bench.pair.now == 12.5
    assert "reply current_time='2025-01-01T12:00:00Z' after 12.5 s" in csms.report()
    csms.check()


def test_answers_that_take_their_time_come_when_each_is_due() -> None:
    station = ScriptedStation()
    station.expect(call.Reset).delay(3)
    station.expect(call.ClearCache).delay(1)
    central = Connection(Role.CSMS, "1.6")
    pair = Pair(station, central)
    central.call(call.Reset(type="Soft"), now=pair.now, timeout=2)
    pair.run_for(2)
    central.call(call.ClearCache(), now=pair.now)
    pair.run_for(1)
    assert [type(event).__name__ for event in pair.csms.events] == [
        "CallTimedOut",
        "LateResponseReceived",
        "CallResultReceived",
    ]
    station.check()


def test_what_is_ignored_is_never_answered_however_often_it_comes(csms: ScriptedCSMS) -> None:
    csms.allow(call.Heartbeat).ignore()
    bench = Bench(csms)
    for _ in range(40):
        assert bench.ask(call.Heartbeat()) is None
        bench.pair.run_for(30)
        assert isinstance(bench.pair.station.take(CallTimedOut), CallTimedOut)
    csms.check()


def test_a_raw_answer_goes_out_however_wrong_it_is(csms: ScriptedCSMS) -> None:
    csms.expect(call.Heartbeat).reply(Raw("Heartbeat", {"currentTime": 7}))
    assert isinstance(Bench(csms).ask(call.Heartbeat()), CallFailed)
    csms.check()


def test_what_is_no_answer_is_refused_in_the_line_of_the_script(csms: ScriptedCSMS) -> None:
    with pytest.raises(
        TypeError, match="BootNotification is answered with a BootNotification of its version"
    ):
        csms.expect(call.BootNotification).reply(call_result.Heartbeat(current_time=NOW))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="of its version"):
        csms.expect(call.Heartbeat).reply(call_result_201.Heartbeat(current_time=NOW))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="BootNotification has no state"):
        csms.expect(call.BootNotification).reply(state="Accepted")
    with pytest.raises(ValueError, match="'Maybe' is not a valid RegistrationStatus"):
        csms.expect(call.BootNotification).reply(status="Maybe")
    with pytest.raises(SchemaViolation):
        csms.expect(call.BootNotification).reply(interval="soon")
    with pytest.raises(TypeError, match="a response or members, not both"):
        csms.expect(call.Heartbeat).reply(call_result.Heartbeat(current_time=NOW), current_time=NOW)
    with pytest.raises(TypeError, match="reply takes a response or a function"):
        csms.expect(call.Heartbeat).reply("Accepted")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="reply_error takes an OCPPError"):
        csms.expect(call.Heartbeat).reply_error(ValueError())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "again",
    [
        lambda line: line.reply(),
        lambda line: line.reply_error(InternalError()),
        lambda line: line.ignore(),
        lambda line: line.cut(),
    ],
)
def test_there_is_one_answer(csms: ScriptedCSMS, again: Callable[[Any], object]) -> None:
    line = csms.expect(call.Heartbeat).reply()
    with pytest.raises(TypeError, match="Heartbeat has its answer already: reply plainly"):
        again(line)


@pytest.mark.parametrize("version", Version)
def test_there_is_a_plain_answer_to_everything(version: Version) -> None:
    for cls in version.load().values():
        encode(plain_answer(cls.__answer__, EPOCH, {}))


# What goes wrong while it is played.


def test_a_script_that_raises_is_said_with_its_traceback(csms: ScriptedCSMS) -> None:
    def where(request: call.Heartbeat) -> bool:
        raise LookupError("no such thing")

    csms.expect(call.Heartbeat, where=where)
    assert Bench(csms).refusal(call.Heartbeat()).code == "InternalError"
    text = trouble(csms)
    assert "the script failed at Heartbeat:" in text
    assert 'raise LookupError("no such thing")' in text
    assert "where=where" in text


def test_a_function_that_makes_no_answer_is_said(csms: ScriptedCSMS) -> None:
    csms.expect(call.Heartbeat).reply(lambda request: call_result.ClearCache(status="Accepted"))  # type: ignore[arg-type,return-value]
    assert Bench(csms).refusal(call.Heartbeat()).code == "InternalError"
    assert "the script's answer to Heartbeat is none: " in trouble(csms)


def test_an_error_that_cannot_be_sent_is_said(csms: ScriptedCSMS) -> None:
    csms.expect(call.Heartbeat).reply_error(InternalError("no disk", {"disks": {1, 2}}))
    assert Bench(csms).refusal(call.Heartbeat()).description != "no disk"
    assert "the script's answer to Heartbeat is none: " in trouble(csms)


def test_a_frame_that_is_refused_is_said(csms: ScriptedCSMS) -> None:
    csms.allow(call.Heartbeat)
    bench = Bench(csms)
    bench.connection.call(Raw("BootNotification", {"chargePointVendor": 7}), now=bench.pair.now)
    bench.pair.settle()
    assert "came, and was refused (invalid payload: " in trouble(csms)


def test_options_are_those_of_the_connection() -> None:
    csms = ScriptedCSMS(validation="lenient")
    csms.allow(call.BootNotification)
    bench = Bench(csms)
    payload = {"chargePointVendor": 7, "chargePointModel": "One"}
    bench.connection.call(Raw("BootNotification", payload), now=bench.pair.now)
    bench.pair.settle()
    csms.check()


def test_what_is_not_judged_is_scripted_by_name() -> None:
    csms = ScriptedCSMS(validation="off")
    csms.expect("Sing", song="Ode").reply(heard=True)
    bench = Bench(csms, validation="off")
    assert bench.answer(Raw("Sing", {"song": "Ode"})).payload == {"heard": True}
    csms.check()


def test_vendors_calls_are_scripted_by_their_class() -> None:
    document = {"type": "object", "properties": {"song": {"type": "string"}}}
    sing = Raw.declare("Sing", request=document, response=document)
    csms = ScriptedCSMS(extensions=[sing])
    csms.expect(sing, song="Ode").reply(Raw("Sing", {"song": "Joy"}))
    bench = Bench(csms, extensions=[sing])
    assert bench.answer(sing({"song": "Ode"})).payload == {"song": "Joy"}
    csms.check()


def test_an_answer_to_nothing_is_said_unless_somebody_spoke_out_of_turn(csms: ScriptedCSMS) -> None:
    bench = Bench(csms)
    bench.peer._now_playing().receive_text('[3,"unknown",{}]', now=0.0)
    assert 'came, and answers nothing: [3,"unknown",{}]' in trouble(csms)

    outspoken = ScriptedCSMS()
    bench = Bench(outspoken)
    outspoken.say_text('[2,"by hand","ClearCache",{}]')
    bench.pair.settle()
    bench.connection.reply(bench.pair.station.take(CallReceived), call_result.ClearCache(status="Accepted"))
    bench.pair.settle()
    outspoken.check()


def test_a_repeated_frame_makes_no_fault_of_its_second_answer(csms: ScriptedCSMS) -> None:
    bench = Bench(csms)
    csms.to_csms.duplicate()
    asked = csms.call(call.ClearCache())
    bench.pair.settle()
    bench.connection.reply(bench.pair.station.take(CallReceived), call_result.ClearCache(status="Accepted"))
    bench.pair.settle()
    assert asked.result().status == "Accepted"
    csms.check()


def test_any_text_may_be_said(csms: ScriptedCSMS) -> None:
    bench = Bench(csms, "2.0.1")
    csms.say_text("rubbish")
    bench.pair.settle()
    assert bench.pair.station.events[0].reason == "not JSON"  # type: ignore[union-attr]
    assert csms.trace.frames[0] == "rubbish"
    csms.check()


# SENDs of OCPP 2.1.

STREAM = send.NotifyPeriodicEventStream(id=1, pending=0, basetime=NOW, data=[{"t": 0.0, "v": "1"}])


def test_what_is_told_is_expected_and_not_answered(csms: ScriptedCSMS) -> None:
    told = csms.expect(send.NotifyPeriodicEventStream, id=1)
    csms.allow(call_21.Heartbeat)
    bench = Bench(csms, "2.1")
    bench.connection.send(STREAM, now=bench.pair.now)
    bench.pair.settle()
    assert told.request == STREAM
    csms.check()
    with pytest.raises(TypeError, match="is a SEND, which has no answer"):
        told.reply()


def test_what_is_told_unexpected_is_said_and_not_answered(csms: ScriptedCSMS) -> None:
    bench = Bench(csms, "2.1")
    bench.connection.send(STREAM, now=bench.pair.now)
    bench.pair.settle()
    assert "came, and was not expected: [6," in trouble(csms)
    assert len(csms.trace.frames) == 1


def test_what_is_told_may_cut_the_link(csms: ScriptedCSMS) -> None:
    csms.expect(send.NotifyPeriodicEventStream).cut()
    bench = Bench(csms, "2.1")
    bench.connection.send(STREAM, now=bench.pair.now)
    bench.pair.settle()
    assert bench.connection.closed


# Calls of the peer's own.


def test_a_call_of_the_peer_has_a_result_once_it_is_done(csms: ScriptedCSMS) -> None:
    bench = Bench(csms)
    asked = csms.call(call.Reset(type="Soft"))
    with pytest.raises(LocalProtocolError, match="Reset has not been answered yet"):
        asked.result()
    bench.pair.settle()
    bench.connection.reply(bench.pair.station.take(CallReceived), call_result.Reset(status="Rejected"))
    bench.pair.settle()
    assert asked.result().status == "Rejected"
    csms.check()


def test_a_call_of_the_peer_that_nobody_answers_is_said(csms: ScriptedCSMS) -> None:
    bench = Bench(csms)
    csms.call(call.Reset(type="Soft"))
    bench.pair.settle()
    assert "the peer's Reset 'csms-1' has no answer" in trouble(csms)


def test_a_peer_without_a_link_says_nothing(csms: ScriptedCSMS) -> None:
    with pytest.raises(LocalProtocolError, match="nothing is attached to the scripted csms"):
        csms.call(call.Reset(type="Soft"))
    bench = Bench(csms)
    bench.pair.cut()
    with pytest.raises(LocalProtocolError, match="there is no link"):
        csms.say_text("hello")
    with pytest.raises(LocalProtocolError, match="there is no link"):
        _ = csms.connection


def test_the_connection_of_the_peer_can_be_looked_at(csms: ScriptedCSMS) -> None:
    bench = Bench(csms, "2.0.1")
    assert csms.connection.version is Version.V201
    assert csms.connection.role is Role.CSMS
    assert bench.pair.station.connection is not csms.connection
