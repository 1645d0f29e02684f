"""Frames in logs: where they are, and what the words round them say."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpp_sansio import Role, Version
from ocpp_sansio_adapters.cli._log import source
from ocpp_sansio_adapters.cli._log.clues import Way, clues_in_members, clues_in_words
from ocpp_sansio_adapters.cli._log.finding import find_frames, frames_in
from ocpp_sansio_adapters.cli._log.source import lines_of

CALL = '[2,"1","Heartbeat",{}]'
RESULT = '[3,"1",{"currentTime":"2026-05-01T12:00:00Z"}]'
ESCAPED = json.dumps(CALL)[1:-1]
TEXT = "one \u2028 ünd\r\ntwo\n\nthree"


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
        "received [ 2, '1', 'Heartbeat', {} ] as Node.js writes it",
        f"recv {CALL.encode()!r}",
        f'1777636800,CP_1,in,"{CALL.replace(chr(34), 2 * chr(34))}",x',
        f"<td><pre>{CALL.replace(chr(34), '&quot;')}</pre></td>",
        '"GET /CP_1" 101 "' + CALL.replace('"', r"\x22") + '"',
        f"\x1b[32mINFO\x1b[0m got {CALL.replace('2,', chr(27) + '[1;34m2' + chr(27) + '[0m,')}",
        json.dumps([{"_source": {"message": f"got {CALL}"}}]),
    ],
)
def test_a_frame_is_found_wherever_it_stands(line):
    (found,) = texts(line)
    assert json.loads(found) == json.loads(CALL)


def test_a_frame_is_given_as_it_was_sent():
    spaced = '[ 2, "1",\t"Heartbeat", {} ]'
    assert texts(f"got {spaced} there") == [spaced]


@pytest.mark.parametrize(
    ("written", "payload"),
    [
        ("{ vendorId: 'v', data: 'a: true' }", {"vendorId": "v", "data": "a: true"}),
        ("{ on: true, off: false, none: null, not: undefined }", {"on": True, "off": False, "none": None, "not": None}),
        ("{ 'a': True, 'b': None }", {"a": True, "b": None}),
    ],
)  # fmt: skip
def test_objects_are_read_as_javascript_and_python_write_them(written, payload):
    (found,) = texts(f"received [ 2, '1', 'DataTransfer', {written} ]")
    assert json.loads(found) == [2, "1", "DataTransfer", payload]


@pytest.mark.parametrize(
    "log",
    [
        'CP_1 received [\n  2,\n  "1",\n  "Heartbeat",\n  {}\n]\nCP_1 sent ' + RESULT,
        "CP_1 received [\n  2,\n  '1',\n  'Heartbeat',\n  {}\n]\nCP_1 sent " + RESULT,
        'CP_1 received [\r\n\t2,\r\n\t"1", "Heartbeat", {}]\r\n\r\nCP_1 sent ' + RESULT,
    ],
)
def test_a_frame_begins_with_a_bracket_alone(log):
    first, second = find_frames(log)
    assert json.loads(first.text) == json.loads(CALL)
    assert (first.line, first.clues.station, second.text) == (1, "CP_1", RESULT)


@pytest.mark.parametrize("log", ["list = [\n  2,\n  3\n]", "x [\nINFO y", "x [", "x [\n  2,\n  '1', oops\n]"])
def test_a_bracket_alone_is_no_frame(log):
    assert texts(log) == []


@pytest.mark.parametrize("sign", ["\u2028", "\x85", "\x0b", "\x0c", "\x1c", "&quot;"])
def test_what_unicode_calls_a_line_does_not_end_one(sign):
    frame = f'[2,"1","DataTransfer",{{"vendorId":"v","data":"a{sign}b"}}]'
    assert texts(f"got {frame}\ngot {CALL}") == [frame, CALL]


def test_no_line_is_read_before_the_frames_of_the_last_are_given():
    read = []

    def lines():
        for line in (CALL, RESULT, CALL):
            read.append(line)
            yield line

    for number, _ in enumerate(frames_in(lines())):
        assert len(read) == number + 1


def test_the_nearest_words_count_most():
    inner = json.dumps({"chargePointId": "CP_7", "time": "2026-05-01T12:00:00Z", "payload": CALL})
    line = json.dumps({"log": inner + "\n", "stream": "stderr", "time": "2026-05-01T12:00:09Z"})
    (found,) = find_frames(line)
    assert (found.clues.station, found.clues.clock) == ("CP_7", "2026-05-01T12:00:00Z")


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


@pytest.mark.parametrize("number", ["Infinity", "-Infinity", "NaN", "1" + "0" * 400, "1" + "0" * 5000])
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_number_beyond_all_time_is_no_time(number, quote):
    (found,) = find_frames(f'{{"t": {quote}{number}{quote}, "raw": "[2,\\"1\\",\\"Heartbeat\\",{{}}]"}}')
    assert (found.text, found.clues.time) == ('[2,"1","Heartbeat",{}]', None)


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


# Files.


ENCODED = {
    "UTF-8": TEXT.encode(),
    "UTF-8 with a mark": b"\xef\xbb\xbf" + TEXT.encode(),
    "UTF-16 with a mark": TEXT.encode("utf-16"),
    "UTF-16-LE": TEXT.encode("utf-16-le"),
    "UTF-16-BE": TEXT.encode("utf-16-be"),
    "gzip": gzip.compress(TEXT.encode()),
    "gzip in two": gzip.compress(TEXT[:20].encode()) + gzip.compress(TEXT[20:].encode()),
    "gzip of UTF-16": gzip.compress(TEXT.encode("utf-16")),
}


@pytest.mark.parametrize("encoded", ENCODED.values(), ids=ENCODED)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_lines_are_read_in_any_encoding_and_in_any_pieces(encoded, size):
    chunks = [encoded[at : at + size] for at in range(0, len(encoded), size)]
    assert list(lines_of(chunks)) == ["one \u2028 ünd", "two", "", "three"]


def test_a_zipped_log_that_is_cut_off_has_what_was_there():
    text = "".join(f"{number * 7919}\n" for number in range(20_000))
    whole = gzip.compress(text.encode())
    lines = list(lines_of([whole[: len(whole) // 2]]))
    assert 100 < len(lines) < 20_000
    assert text.startswith("\n".join(lines[:-1]))
    assert list(lines_of([whole, b"no more of it"])) == text.splitlines()


@pytest.mark.parametrize("data", [b"", b"\n", b"a", b"\xff\xfe", b"\x1f\x8b", b"\x1f\x8bnot"])
def test_hardly_anything_is_read_as_well(data):
    assert len(list(lines_of([data]))) <= 1


def test_what_has_no_lines_at_all_is_cut(monkeypatch):
    monkeypatch.setattr(source, "LONGEST", 10)
    lines = list(lines_of([b"a" * 6, b"b" * 6, b"c", b"d\ne", b"f\n"]))
    assert lines == ["aaaaaabbbbbb", "cd", "ef"]
