"""Frames as lines: who says what, with nothing secret in them, and nothing that a terminal obeys."""

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ocpp_sansio import Role
from ocpp_sansio_adapters.cli._desk.shown import LONGEST, MOST_OPEN, Narrator, pretty, printable
from ocpp_sansio_adapters.cli._paint import Paint
from ocpp_sansio_adapters.records import FrameReceived, FrameSent

NOW = datetime(2026, 1, 1, 12, 30, 15, 123000, tzinfo=UTC)


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def a_narrator(role: Role = Role.CSMS) -> Narrator:
    return Narrator(role, Paint(io.StringIO(), {}), lambda: NOW)


def received(frame: Any, identity: str = "CP_1") -> FrameReceived:
    return FrameReceived(0.0, identity, frame if isinstance(frame, str) else json.dumps(frame))


def sent(frame: Any) -> FrameSent:
    return FrameSent(0.0, "CP_1", frame if isinstance(frame, str) else json.dumps(frame))


def test_a_call_and_its_answer_are_named_by_the_action() -> None:
    narrator = a_narrator()
    assert narrator.frame(received([2, "1", "Heartbeat", {}])) == "12:30:15.123 CP_1 -> Heartbeat {}"
    answer = narrator.frame(sent([3, "1", {"currentTime": "now"}]))
    assert answer == '12:30:15.123 CP_1 <- Heartbeat = {"currentTime": "now"}'


def test_arrows_tell_who_spoke_at_either_end() -> None:
    assert " <- Reset " in a_narrator(Role.CSMS).frame(sent([2, "1", "Reset", {}]))
    assert " -> Heartbeat " in a_narrator(Role.CHARGING_STATION).frame(sent([2, "1", "Heartbeat", {}]))


def test_calls_of_both_ends_may_have_the_same_id() -> None:
    narrator = a_narrator()
    narrator.frame(received([2, "1", "Heartbeat", {}]))
    narrator.frame(sent([2, "1", "Reset", {}]))
    assert "-> Reset = " in narrator.frame(received([3, "1", {}]))
    assert "<- Heartbeat = " in narrator.frame(sent([3, "1", {}]))


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ([4, "1", "NotSupported", "no", {}], "unknown call '1' refused: NotSupported: no"),
        ([4, "1", "NotSupported", "", {"a": 1}], "unknown call '1' refused: NotSupported {\"a\": 1}"),
        ([5, "1", "FormatViolation", "bad", {}], "our answer is refused: FormatViolation: bad"),
        ([6, "1", "NotifyPeriodicEventStream", {"id": 1}], 'NotifyPeriodicEventStream ~ {"id": 1}'),
        ([2, 7, "Heartbeat", {}], '? [2, 7, "Heartbeat", {}]'),
        ("no frame", "? no frame"),
        ("[" * 100_000, "characters)"),
    ],
)
def test_whatever_comes_is_shown(frame: Any, said: str) -> None:
    assert said in a_narrator().frame(received(frame))


def test_what_a_terminal_would_obey_is_escaped() -> None:
    line = a_narrator().frame(
        received('[2,"1","Heart\\u001b[2Jbeat",{"a":"\\u009b31m"}]', identity="CP\x1b[1m")
    )
    assert line.isprintable()
    assert "Heart\\x1b[2Jbeat" in line
    assert printable("half \ud800") == "half \\ud800"


def test_passwords_are_not_shown() -> None:
    secret = [2, "1", "ChangeConfiguration", {"key": "AuthorizationKey", "value": "s3cret"}]
    line = a_narrator().frame(sent(secret))
    assert "s3cret" not in line
    assert '"***"' in line
    assert pretty('{"a": "\\u009b31m"}') == '{\n  "a": "\\x9b31m"\n}'


def test_a_long_frame_is_cut_and_says_so() -> None:
    line = a_narrator().frame(received([2, "1", "DataTransfer", {"data": "x" * 10_000}]))
    assert len(line) < LONGEST + 200
    assert line.endswith("characters)")


def test_calls_that_nobody_answers_are_forgotten() -> None:
    narrator = a_narrator()
    for number in range(MOST_OPEN + 10):
        narrator.frame(received([2, str(number), "Heartbeat", {}]))
    assert "unknown call '0'" in narrator.frame(sent([3, "0", {}]))
    assert "Heartbeat = {}" in narrator.frame(sent([3, "100", {}]))


def test_a_line_is_coloured_by_what_it_says() -> None:
    narrator = Narrator(Role.CSMS, Paint(Terminal(), {}), lambda: NOW)
    line = narrator.frame(received([4, "1", "NotSupported", "no", {}]))
    assert "\x1b[36mCP_1\x1b[0m" in line
    assert "\x1b[31m refused: NotSupported: no\x1b[0m" in line
