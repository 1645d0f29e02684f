"""Scripted peers, without an event loop: how they answer, what goes wrong meanwhile, and what they say of their own."""

from collections.abc import Callable
from typing import Any

import pytest

from ocpp_sansio import (
    CallFailed,
    CallReceived,
    CallTimedOut,
    Connection,
    LocalProtocolError,
    Raw,
    Role,
    SchemaViolation,
    Version,
)
from ocpp_sansio.errors import InternalError, SecurityError
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v21 import call as call_21
from ocpp_sansio.v21 import send
from ocpp_sansio.v201 import call_result as call_result_201
from ocpp_sansio.validation import encode
from ocpp_sansio_adapters._plain import plain_answer
from ocpp_sansio_adapters.testing import Pair, ScriptedCSMS, ScriptedStation
from ocpp_sansio_adapters.testing._answers import EPOCH
from tests.adapters.scripted import BOOT, NOW, Bench, trouble


@pytest.fixture
def csms() -> ScriptedCSMS:
    return ScriptedCSMS()


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
    with pytest.raises(ValueError, match="'Maybe' is not one of Accepted, Pending, Rejected"):
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
