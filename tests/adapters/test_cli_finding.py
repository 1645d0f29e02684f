"""Frames in logs: where they are, and what the words round them say."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpp_sansio import Role, Version
from ocpp_sansio_adapters.cli._log.clues import Way, clues_in_members, clues_in_words
from ocpp_sansio_adapters.cli._log.finding import find_frames

CALL = '[2,"1","Heartbeat",{}]'
RESULT = '[3,"1",{"currentTime":"2026-05-01T12:00:00Z"}]'
ESCAPED = json.dumps(CALL)[1:-1]


def texts(log):
    return [found.text for found in find_frames(log)]


@pytest.mark.parametrize(
    "line",
    [
        CALL,
        f"  {CALL}  ",
        f"\ufeff{CALL}",
        f"INFO:ocpp:CP_1: receive message {CALL}",
        f"2026-05-01 [12] sent '{CALL}' ok",
        f'{{"msg": "{ESCAPED}"}}',
        f'{{"level": "info", "event": {{"text": "got {ESCAPED} from CP_1"}}}}',
        json.dumps({"msg": json.dumps({"inner": CALL})}),
        f'{{"raw": "{ESCAPED}", "dir": "in"}}',
        f'{{"message": {CALL}}}',
        f'time=1 msg="{ESCAPED}" level=info',
        json.dumps(json.dumps(CALL)),
        "received [2, '1', 'Heartbeat', {}] as Python writes it",
    ],
)
def test_a_frame_is_found_wherever_it_stands(line):
    (found,) = texts(line)
    assert json.loads(found) == json.loads(CALL)


def test_a_frame_is_given_as_it_was_sent():
    spaced = '[ 2, "1",\t"Heartbeat", {} ]'
    assert texts(f"got {spaced} there") == [spaced]


def test_several_frames_stand_in_a_line():
    assert texts(f"> {CALL} < {RESULT} > {CALL}") == [CALL, RESULT, CALL]


def test_a_frame_goes_over_several_lines():
    log = f'RX [2,"1",\n  "Heartbeat",\n\t{{\n}}]\nTX {RESULT}\n'
    assert [(found.line, json.loads(found.text)[0]) for found in find_frames(log)] == [(1, 2), (5, 3)]


@pytest.mark.parametrize("follows", ["12:00:01 nothing", f"INFO {RESULT}", ""])
def test_a_frame_that_is_cut_off_ends_with_its_line(follows):
    cut = '[2,"1","Authorize",{"idTag":"04E9'
    assert texts(f"receive {cut}\n{follows}")[0] == cut


def test_a_broken_frame_does_not_swallow_the_next():
    broken = '[2,"1","Heartbeat",{,}]'
    assert texts(f"{broken} {RESULT}") == [broken, RESULT]


def test_a_broken_frame_loses_the_quotes_of_the_log():
    assert texts("x \"[2,'1'\" y") == []
    assert texts('frame=\'[2,"1","Heartbeat",{,}]\'') == ['[2,"1","Heartbeat",{,}]']


@pytest.mark.parametrize(
    "line",
    [
        "",
        "no frame",
        "[2, 3] and [4, 5, 6]",
        "[INFO] [12:00] x",
        "[2026-05-01] y",
        "a[1]",
        '{"a": [1, 2, 3]}',
    ],
)
def test_brackets_are_no_frame(line):
    assert texts(line) == []


def test_an_id_that_is_a_number_is_found():
    assert texts('got [2,17,"Heartbeat",{}]') == ['[2,17,"Heartbeat",{}]']


def test_deep_nesting_is_found_and_harms_nobody():
    deep = '[2,"1","Heartbeat",' + "[" * 100_000
    assert texts(deep) == [deep]
    assert texts('{"a":' * 100_000) == []


def test_deep_objects_of_a_log_are_not_followed_for_ever():
    for depth in (100, 900):
        assert texts('{"a":' * depth + "1" + "}" * depth) == []


WORDS = st.text(st.characters(blacklist_characters="[{\n\r", blacklist_categories=["Cs"]), max_size=30)
LINES = st.lists(
    st.one_of(
        st.text(max_size=40),
        st.sampled_from(
            [CALL, ESCAPED, "[2,'1','x',{}]", '[2,"', "[2,", '{"raw":"[2', '"', "\\", "[", "}", " ", "\n"]
        ),
    ),
    max_size=8,
).map("".join)


@given(LINES)
def test_any_text_can_be_searched(text):
    assert all(found.text and 1 <= found.line <= 1 + len(text.splitlines()) for found in find_frames(text))


@given(WORDS, WORDS)
def test_a_frame_is_found_between_any_words(before, after):
    assert CALL in texts(f"{before} {CALL} {after}")


@pytest.mark.parametrize(
    ("words", "way"),
    [
        ("INFO:ocpp:CP_1: receive message ", Way.IN),
        ("INFO:ocpp:CP_1: send ", Way.OUT),
        ("Received: ", Way.IN),
        ("<< ", Way.IN),
        ("[OUT] ", Way.OUT),
        ("TX ", Way.OUT),
        ("resending, then received ", Way.IN),
        ("something else ", None),
    ],
)
def test_words_say_which_way(words, way):
    assert clues_in_words(words).way is way


@pytest.mark.parametrize(
    ("words", "sender"),
    [
        ("CP_1 -> CSMS ", Role.CHARGING_STATION),
        ("CSMS -> CP_1 ", Role.CSMS),
        ("from central system: ", Role.CSMS),
        ("CSMS <- CP_1 ", Role.CHARGING_STATION),
        ("CP_1: ", None),
    ],
)
def test_words_say_who(words, sender):
    assert clues_in_words(words).sender is sender


@pytest.mark.parametrize(
    ("words", "station"),
    [
        ("INFO:ocpp:CP_1: receive message ", "CP_1"),
        ("DEBUG charge_point_id=abc.7 ", "abc.7"),
        ("station: 'S-9' ", "S-9"),
        ("[EVSE-12] ", "EVSE-12"),
        ("ws://host:9000/ocpp/XY7 ", "XY7"),
        ("nothing ", ""),
    ],
)
def test_words_say_which_station(words, station):
    assert clues_in_words(words).station == station


@pytest.mark.parametrize(
    ("words", "time"),
    [
        ("2026-05-01T12:00:00Z ", 1777636800.0),
        ("2026-05-01 12:00:00,500 ", 1777636800.5),
        ("2026-05-01T14:00:00+0200 ", 1777636800.0),
        ("[12:00:01.250] ", 43201.25),
        ("1777636800.25 ", 1777636800.25),
        ("1777636800250 ", 1777636800.25),
        ("2026-13-01T12:00:00Z ", None),
        ("port 9000 ", None),
    ],
)
def test_words_say_when(words, time):
    assert clues_in_words(words).time == time


@pytest.mark.parametrize(
    ("words", "version"), [("ocpp1.6: ", Version.V16), ("OCPP 2.0.1", Version.V201), ("x", None)]
)
def test_words_say_which_version(words, version):
    assert clues_in_words(words).version is version


def test_members_say_all_of_it():
    clues = clues_in_members(
        {
            "timestamp": 1777636800250,
            "chargePointId": "CP_1",
            "direction": "CS -> CSMS",
            "protocol": "ocpp2.0.1",
        }
    )
    assert (clues.time, clues.station, clues.sender, clues.version) == (
        1777636800.25,
        "CP_1",
        Role.CHARGING_STATION,
        Version.V201,
    )


def test_a_line_of_our_trace_says_all_of_it():
    line = {"t": 1.5, "station": "CS-001", "dir": "CSMS->CS", "version": "2.1", "raw": "not even a frame"}
    (found,) = find_frames(json.dumps(line))
    assert found.text == "not even a frame"
    assert (found.clues.time, found.clues.clock) == (1.5, "1.500")
    assert (found.clues.station, found.clues.sender, found.clues.version) == (
        "CS-001",
        Role.CSMS,
        Version.V21,
    )


def test_frames_of_a_line_share_its_time_and_station():
    first, second = find_frames(f"12:00:00 CP_1: receive message {CALL} send {RESULT}")
    assert first.clues.time == second.clues.time == 43200
    assert first.clues.station == second.clues.station == "CP_1"
    assert (first.clues.way, second.clues.way) == (Way.IN, Way.OUT)
