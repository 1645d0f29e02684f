"""Two connections in a row: what examples/relay.py passes on, and what it keeps to itself."""

import json
from copy import copy

import attrs
import pytest

from examples import relay as example
from examples.relay import MOST_UNANSWERED, Relay
from ocpp_sansio import (
    CallErrorReceived,
    CallReceived,
    CallResultErrorReceived,
    CallResultReceived,
    CallTimedOut,
    Closed,
    Connection,
    DuplicateCallReceived,
    Event,
    FrameRejected,
    LateResponseReceived,
    Raw,
    Role,
    Validation,
)
from ocpp_sansio.v16 import call
from ocpp_sansio.v21 import call as call_21
from ocpp_sansio.v21 import send as send_21
from tests.pair import events_of, frames_of

#: Frames as their senders spell them, in an order in which they may come: who sends, and what.
SESSIONS = {
    "1.6": [
        ("station", '[2,"boot","BootNotification",{"chargePointModel":"m","chargePointVendor":"v"}]'),
        (
            "CSMS",
            '[3, "boot", {"status": "Accepted", "interval": 300, "currentTime": "2025-01-01T12:00:00"}]',
        ),
        ("station", '[\n  2,\n  "1",\n  "Heartbeat",\n  {}\n]\n'),
        ("CSMS", '\t[3,"1",{"currentTime":"2025-01-01T12:00:00.0000000+01:00"} ]'),
        ("station", '[2,"1","Heartbeat",null]'),
        ("CSMS", '[3,"1",null]'),
        (
            "CSMS",
            '[2,"1","SetChargingProfile",{"limit":1.50,"other":-0.0,"more":1E+2,"most":10000000000000000001}]',
        ),
        (
            "station",
            '[2.0,"umlaut \\u00e4 \\/ ä","StartTransaction",{"idTag":"\\u00E4\\ud83d\\ude00","b":1,"a":2,"a":3}]',
        ),
        ("station", '[3,"1",{"status":"Accepted","subMode":[],"nothing":null}]'),
        ("CSMS", '[4,"umlaut ä / ä","Weird",null]'),
        ("station", '[2,"2","MakeCoffee",{"milk":"none, thanks"}]'),
        ("CSMS", '[4,"2","NotImplemented","",{ }]'),
    ],
    "2.0.1": [
        (
            "station",
            '[2,"1","NotifyReport",{"requestId":1,"seqNo":0,"customData":{"vendorId":"v", "x":[1.0]}}]',
        ),
        ("CSMS", '[2,"1","DataTransfer",{"vendorId":"v","data":null}]'),
        ("CSMS", '[3,"1",{ "customData" : { "vendorId" : "v" } }]'),
        ("station", '[4,"1","OccurenceConstraintViolation","of one r",{"a":[{}]}]'),
        ("CSMS", '[2,"2","GetReport-Signed",{"payload":"e30","protected":"e30","signature":"AA"}]'),
        ("station", '[3,"2",{"payload":"e30","protected":"e30","signature":"AA"}]'),
    ],
    "2.1": [
        ("station", '[6, "s1", "NotifyPeriodicEventStream", {"id":1,"data":[{"t":1.50,"v":"\\u0031"}]}]'),
        ("CSMS", '[2,"1","GetVariables",{}]'),
        ("station", '[6,"s2","NotifyPeriodicEventStream",{}]'),
        ("station", '[3,"1",{"getVariableResult": []}]'),
        ("CSMS", '[5, "1", "OccurrenceConstraintViolation", "too few", {"least":1.0}]'),
        ("station", '[2,"1","Authorize",{"idToken":7}]'),
        ("CSMS", '[3,"1",{"idTokenInfo":8}]'),
        ("station", '[5,"1","TypeConstraintViolation"]'),
    ],
}


@attrs.define
class Line:
    """A relay on a clock. A text that arrives on one side gives the texts that leave on both."""

    relay: Relay
    now: float = 100.0
    rest: list[Event] = attrs.field(factory=list)  # what the relay has told nobody

    def carry(self, sender: str, *texts: str) -> tuple[list[str], list[str]]:
        """Let texts arrive from the station or the CSMS: what goes up, what goes down."""
        for text in texts:
            end = self.relay.down if sender == "station" else self.relay.up
            end.receive_text(text, now=self.now)
        return self.left()

    def wait(self, seconds: float) -> tuple[list[str], list[str]]:
        self.now += seconds
        self.relay.up.handle_timeout(now=self.now)
        self.relay.down.handle_timeout(now=self.now)
        return self.left()

    def left(self) -> tuple[list[str], list[str]]:
        self.rest += self.relay.pass_on(now=self.now)
        return frames_of(self.relay.up), frames_of(self.relay.down)


@pytest.fixture
def line() -> Line:
    return Line(Relay("1.6"))


def heartbeat(id: str) -> str:
    return f'[2,"{id}","Heartbeat",{{}}]'


def time(id: str) -> str:
    return f'[3,"{id}",{{"currentTime":"2025-01-01T12:00:00Z"}}]'


@pytest.mark.parametrize("version", SESSIONS)
def test_each_frame_passes_unchanged(version: str) -> None:
    # J16-206, J201-206, J21-206, J201-904, J21-904: byte for byte, under its own id
    line = Line(Relay(version))
    for sender, text in SESSIONS[version]:
        up, down = line.carry(sender, text)
        assert (up, down) == (([text], []) if sender == "station" else ([], [text]))
    assert line.rest == []
    assert not any(line.relay.asked.values())
    assert line.relay.up.calls == line.relay.down.calls == line.relay.up.owed == line.relay.down.owed == ()


def test_crossing_calls_of_one_id_are_told_apart(line: Line) -> None:
    """The two directions have id spaces of their own (L-205)."""
    from_csms = '[2,"1","ClearCache",{}]'
    assert line.carry("station", heartbeat("1")) == ([heartbeat("1")], [])
    assert line.carry("CSMS", from_csms) == ([], [from_csms])
    assert line.carry("CSMS", time("1")) == ([], [time("1")])
    assert line.carry("station", '[3,"1",{ }]') == (['[3,"1",{ }]'], [])


def test_pipelined_calls_wait_for_their_turn(line: Line) -> None:
    # L-303, J16-301: the peer may pipeline, we do not
    assert line.carry("station", heartbeat("1"), heartbeat("2"), heartbeat("1")) == ([heartbeat("1")], [])
    assert [type(event) for event in line.rest] == [DuplicateCallReceived]
    assert line.carry("CSMS", time("1")) == ([heartbeat("2")], [time("1")])
    assert line.carry("CSMS", time("2")) == ([], [time("2")])


def test_a_whole_session_between_two_ends_that_judge() -> None:
    line = Line(Relay("2.1"))
    station, csms = Connection(Role.CHARGING_STATION, "2.1"), Connection(Role.CSMS, "2.1")

    def carry() -> None:
        up, down = line.carry("station", *(sent := frames_of(station)))
        assert up == sent
        for text in up:
            csms.receive_text(text, now=line.now)
        back, down_again = line.carry("CSMS", *(sent := frames_of(csms)))
        assert (back, down + down_again) == ([], sent)
        for text in down_again:
            station.receive_text(text, now=line.now)

    stream = send_21.NotifyPeriodicEventStream(
        id=1, pending=0, basetime="2025-01-01T12:00:00Z", data=[{"t": 1, "v": "2"}]
    )
    station.send(stream, now=line.now)
    asked = station.call(call_21.Heartbeat(), now=line.now)
    carry()
    [told, received] = events_of(csms)
    assert told.message == stream
    assert received.id == asked.id
    csms.reply(received, Raw("Heartbeat", {"currentTime": "now"}))
    carry()
    assert [type(event).__name__ for event in events_of(station)] == ["CallFailed"]
    carry()
    [refusal] = events_of(csms)
    assert isinstance(refusal, CallResultErrorReceived)
    assert (refusal.id, refusal.action) == (asked.id, "Heartbeat")


def test_a_late_answer_passes_while_the_station_may_wait_for_it(line: Line) -> None:
    """Silence is silence on both sides, and a late answer is late on both (L-307)."""
    station = Connection(Role.CHARGING_STATION, "1.6", call_timeout=10.0)
    station.call(call.Heartbeat(), now=line.now, id="1")
    line.carry("station", *frames_of(station))
    assert line.wait(30.0) == ([], [])
    assert line.carry("station", heartbeat("2")) == ([heartbeat("2")], [])
    assert line.carry("CSMS", time("1")) == ([], [time("1")])
    station.handle_timeout(now=line.now)
    station.receive_text(time("1"), now=line.now)
    assert [type(event) for event in events_of(station)] == [CallTimedOut, LateResponseReceived]
    assert line.carry("CSMS", time("1")) == ([], [])


def test_a_late_error_passes_too(line: Line) -> None:
    refusal = '[4,"1","GenericError", "late" ,{}]'
    line.carry("station", heartbeat("1"))
    line.wait(30.0)
    assert line.carry("CSMS", refusal) == ([], [refusal])


def test_of_calls_without_an_answer_the_oldest_is_given_up(line: Line) -> None:
    for number in range(MOST_UNANSWERED):
        line.carry("station", heartbeat(str(number)))
        assert line.wait(30.0) == ([], [])
    line.carry("station", heartbeat("last"))
    up, [refusal] = line.wait(30.0)
    assert up == []
    assert json.loads(refusal) == [4, "0", "GenericError", "no answer in time", {}]
    assert len(line.relay.down.owed) == MOST_UNANSWERED
    assert line.carry("CSMS", time("0")) == ([], [])
    assert line.carry("CSMS", time("1")) == ([], [time("1")])


def test_when_the_station_leaves_its_calls_are_abandoned(line: Line) -> None:
    # L-308: what waits is never sent, what was sent keeps its slot, no answer goes anywhere
    line.carry("station", heartbeat("1"), heartbeat("2"))
    line.carry("CSMS", '[2,"c","ClearCache",{}]')
    up = line.relay.up
    rest = line.relay.station_left(now=line.now)
    assert [type(event) for event in rest] == [Closed]
    assert [pending.id for pending in up.calls] == ["1"]
    assert [json.loads(text) for text in frames_of(up)] == [
        [4, "c", "GenericError", "the answer was lost", {}]
    ]
    assert line.carry("CSMS", time("1")) == ([], [])
    assert up.calls == ()
    assert not any(line.relay.asked.values())
    refused = line.carry("CSMS", '[2,"d","ClearCache",{}]')
    assert [json.loads(text)[:3] for text in refused[0]] == [[4, "d", "GenericError"]]


def test_what_a_station_answered_before_it_left_is_passed_on(line: Line) -> None:
    line.carry("CSMS", '[2,"c","ClearCache",{}]')
    line.relay.down.receive_text('[3,"c",{}]', now=line.now)
    line.relay.station_left(now=line.now)
    assert line.left() == (['[3,"c",{}]'], [])


def test_without_an_upstream_link_calls_are_refused(line: Line) -> None:
    line.carry("station", heartbeat("1"))
    line.relay.up.receive_close()
    refusals = [json.loads(text) for text in line.carry("station", heartbeat("2"))[1]]
    assert [refusal[:3] for refusal in refusals] == [[4, "2", "GenericError"], [4, "1", "GenericError"]]


def test_answers_to_calls_of_the_relay_itself_go_nowhere(line: Line) -> None:
    # J201-904, J21-904
    pending = line.relay.down.call(Raw("GetConfiguration"), now=line.now)
    asked = line.left()[1]
    assert [json.loads(text)[1] for text in asked] == [pending.id]
    assert line.carry("station", f'[3,"{pending.id}",{{}}]') == ([], [])
    assert [type(event) for event in line.rest] == [CallResultReceived]


def test_what_is_no_frame_is_answered_here_and_goes_nowhere(line: Line) -> None:
    up, [refusal] = line.carry("station", "hello", '[2,"1","Heartbeat"')
    assert up == []
    assert json.loads(refusal)[:3] == [4, "1", "FormationViolation"]
    assert [type(event) for event in line.rest] == [FrameRejected, FrameRejected]


def test_an_answer_that_cannot_be_passed_on_becomes_an_error(line: Line) -> None:
    line.carry("station", heartbeat("1"))
    [truncated] = line.carry("CSMS", '[3,"1",{"currentTime":"2025')[1]
    assert json.loads(truncated)[:3] == [4, "1", "GenericError"]


def test_nor_can_a_late_one_that_is_truncated(line: Line) -> None:
    line.carry("station", heartbeat("1"))
    line.wait(30.0)
    [truncated] = line.carry("CSMS", '[3,"1",{"currentTime":"2025')[1]
    assert json.loads(truncated)[:3] == [4, "1", "GenericError"]


@pytest.mark.parametrize("id", ["-1", ""])
def test_an_id_that_we_would_not_choose_is_passed_on(line: Line, id: str) -> None:
    call = heartbeat(id)
    assert line.carry("station", call) == ([call], [])


def test_a_send_that_may_not_be_sent_is_dropped() -> None:
    line = Line(Relay("2.1"))
    assert line.carry("station", '[6,"1","Reset",{}]') == ([], [])
    assert line.rest == []


def test_results_are_remembered_while_they_can_be_rejected() -> None:
    line = Line(Relay("2.1"))
    for number in range(9):
        line.carry("CSMS", f'[2,"{number}","ClearCache",{{}}]')
        line.carry("station", f'[3,"{number}",{{}}]')
    assert line.carry("CSMS", '[5,"0","GenericError","",{}]') == ([], [])
    assert line.carry("CSMS", '[5,"8","GenericError","",{}]') == ([], ['[5,"8","GenericError","",{}]'])
    assert line.carry("CSMS", '[5,"8","GenericError","",{}]') == ([], [])
    assert line.carry("CSMS", '[5,[],"GenericError","",{}]') == ([], [])


def test_what_came_is_read_again_by_the_parser_that_read_it_first() -> None:
    """A frame that our own parser does not know as JSON, passed on in both directions."""
    odd = {
        "<call>": [2, "1", "Heartbeat", {}],
        "<result>": [3, "1", {"currentTime": "x"}],
        "<error>": [4, "2", "GenericError", "", {}],
        "<another>": [2, "2", "Heartbeat", {}],
    }

    def end(role: Role) -> Connection:
        return Connection(
            role, "1.6", validation=Validation("off", "off"), loads=lambda text: copy(odd[text])
        )

    towards_station, towards_csms = end(Role.CSMS), end(Role.CHARGING_STATION)
    for asked, answered in (("<call>", "<result>"), ("<another>", "<error>")):
        towards_station.receive_text(asked, now=0.0)
        (received,) = events_of(towards_station)
        assert isinstance(received, CallReceived)
        towards_csms.call(received.request, now=0.0, id=received.id)
        assert frames_of(towards_csms) == [asked]
        towards_csms.receive_text(answered, now=0.0)
        (answer,) = events_of(towards_csms)
        if isinstance(answer, CallResultReceived):
            towards_station.reply(received, answer.response)
        else:
            assert isinstance(answer, CallErrorReceived)
            towards_station.reply_error(received, answer.error)
        assert frames_of(towards_station) == [answered]


def test_the_example_shows_a_session(capsys: pytest.CaptureFixture[str]) -> None:
    example.main()
    *frames, end = capsys.readouterr().out.splitlines()
    asked, asked_on, told, told_on = (line.partition("[")[2] for line in frames)
    assert asked == asked_on
    assert told == told_on
    assert end == "station: Accepted"
