"""The demo, run whole against its own CSMS, and its parts where a run cannot reach."""

import asyncio
import errno
import io
import itertools
import json
import logging
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from ocpp_sansio import Version
from ocpp_sansio.routing import on
from ocpp_sansio.v16 import call as call16
from ocpp_sansio.v21 import call as call21
from ocpp_sansio.v201 import call as call201
from ocpp_sansio.validation import violations
from ocpp_sansio_adapters.cli import report
from ocpp_sansio_adapters.cli._command import Problem
from ocpp_sansio_adapters.cli._descriptors import ensure_descriptors
from ocpp_sansio_adapters.cli._interrupt import Interruption
from ocpp_sansio_adapters.cli._paint import Paint
from ocpp_sansio_adapters.cli._show.logs import MOST, held_back
from ocpp_sansio_adapters.cli._show.operator import Operator
from ocpp_sansio_adapters.cli._show.run import roster, run
from ocpp_sansio_adapters.cli._show.screen import PlainLines, Screen, display_for
from ocpp_sansio_adapters.cli._show.settings import Settings
from ocpp_sansio_adapters.cli._show.table import Table
from ocpp_sansio_adapters.cli._simulation.csms import answering
from ocpp_sansio_adapters.cli.main import main as ocpp_sansio

STATIONS = {"CS-001": Version.V16, "CS-002": Version.V201, "CS-003": Version.V21}


def main(arguments):
    return ocpp_sansio(["demo", *arguments])


needs_posix = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no SIGINT for one child, and no limit"
)


# One whole run, looked at from several sides.


@pytest.fixture(scope="module")
def performance(tmp_path_factory):
    """Status, output and trace of three stations that charge for 0.3 s."""
    trace = tmp_path_factory.mktemp("demo") / "trace.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", io.StringIO())
        page = trace.with_name("report.html")
        status = main(["--stations", "3", "--seconds", "0.3", "--trace", str(trace), "--report", str(page)])
        output = sys.stdout.getvalue()
    lines = [json.loads(line) for line in trace.read_text(encoding="utf-8").splitlines()]
    return SimpleNamespace(status=status, output=output, trace=lines, page=page)


def frames(performance, station):
    return [
        (line["dir"], json.loads(line["raw"])) for line in performance.trace if line["station"] == station
    ]


def asked(performance, station, direction):
    return [frame[2] for sent, frame in frames(performance, station) if sent == direction and frame[0] == 2]


def test_a_run_in_which_everything_was_answered_is_fine(performance):
    assert performance.status == 0
    assert performance.output.endswith("Every call was answered, and every station finished its session.\n")


def test_the_trace_tells_when_who_which_way_and_what(performance):
    assert [set(line) for line in performance.trace] == [{"t", "station", "dir", "version", "raw"}] * len(
        performance.trace
    )
    assert {line["station"] for line in performance.trace} == set(STATIONS)
    assert {line["dir"] for line in performance.trace} == {"CS->CSMS", "CSMS->CS"}
    versions = {line["station"]: line["version"] for line in performance.trace}
    assert versions == {"CS-001": "1.6", "CS-002": "2.0.1", "CS-003": "2.1"}
    assert all(line["version"] == versions[line["station"]] for line in performance.trace)
    times = [line["t"] for line in performance.trace]
    assert times == sorted(times) == [round(time, 6) for time in times]
    assert 0 < times[0] < times[-1] < 5


def test_every_call_of_the_trace_is_answered_once_and_from_the_other_side(performance):
    for station in STATIONS:
        open_calls = {}
        for direction, frame in frames(performance, station):
            if frame[0] == 2:
                assert frame[1] not in open_calls
                open_calls[frame[1]] = direction
            else:
                assert frame[0] == 3
                assert open_calls.pop(frame[1]) != direction
        assert open_calls == {}


@pytest.mark.parametrize(("station", "version"), STATIONS.items())
def test_every_payload_of_the_trace_is_valid_for_its_version(performance, station, version):
    requests = {}
    for _, frame in frames(performance, station):
        if frame[0] == 2:
            requests[frame[1]] = cls = version.load()[frame[2]]
        else:
            cls = requests[frame[1]].__answer__
        assert violations(cls, frame[-1]) == ()


def test_a_station_of_1_6_goes_through_the_session_in_order(performance):
    calls = asked(performance, "CS-001", "CS->CSMS")
    assert calls.count("Heartbeat") >= 1
    assert calls.count("MeterValues") >= 2
    repeated = ("Heartbeat", "MeterValues")
    assert [action for action in calls if action not in repeated] == [
        "BootNotification",
        *["StatusNotification"] * 3,
        "Authorize",
        "StartTransaction",
        "StatusNotification",
        "StopTransaction",
        *["StatusNotification"] * 2,
    ]
    values = [index for index, action in enumerate(calls) if action == "MeterValues"]
    assert calls.index("StartTransaction") < values[0] < values[-1] < calls.index("StopTransaction")
    assert asked(performance, "CS-001", "CSMS->CS") == ["GetConfiguration", "RemoteStopTransaction"]


def payloads(performance, station, action):
    return [frame[3] for _, frame in frames(performance, station) if frame[0] == 2 and frame[2] == action]


def test_the_energy_of_1_6_rises_from_start_to_stop(performance):
    [start], values, [stop] = (
        payloads(performance, "CS-001", action)
        for action in ("StartTransaction", "MeterValues", "StopTransaction")
    )
    readings = [
        start["meterStart"],
        *(int(value["meterValue"][0]["sampledValue"][0]["value"]) for value in values),
        stop["meterStop"],
    ]
    assert readings == sorted(readings)
    assert readings[0] < readings[1] < readings[-1]


@pytest.mark.parametrize("station", ["CS-002", "CS-003"])
def test_a_station_of_2_x_goes_through_the_session_in_order(performance, station):
    calls = asked(performance, station, "CS->CSMS")
    assert calls.count("Heartbeat") >= 1
    grouped = [action for action, _ in itertools.groupby(call for call in calls if call != "Heartbeat")]
    assert grouped == [
        "BootNotification",
        "StatusNotification",
        "Authorize",
        "TransactionEvent",
        "StatusNotification",
    ]
    assert asked(performance, station, "CSMS->CS") == ["GetVariables", "RequestStopTransaction"]


@pytest.mark.parametrize("station", ["CS-002", "CS-003"])
def test_a_transaction_of_2_x_is_told_event_by_event(performance, station):
    events = payloads(performance, station, "TransactionEvent")
    assert len(events) >= 4
    assert [event["eventType"] for event in events] == ["Started", *["Updated"] * (len(events) - 2), "Ended"]
    assert [event["seqNo"] for event in events] == list(range(len(events)))
    [stop] = payloads(performance, station, "RequestStopTransaction")
    assert {event["transactionInfo"]["transactionId"] for event in events} == {stop["transactionId"]}
    assert events[-1]["transactionInfo"]["stoppedReason"] == "Remote"
    samples = [
        {sample["measurand"]: sample["value"] for sample in event["meterValue"][0]["sampledValue"]}
        for event in events
    ]
    measurands = {"Energy.Active.Import.Register", "Power.Active.Import", "Voltage", "SoC"}
    assert all(set(sample) == measurands for sample in samples)
    energy = [sample["Energy.Active.Import.Register"] for sample in samples]
    assert energy == sorted(energy)
    assert energy[0] < energy[1] < energy[-1]


@pytest.mark.parametrize("station", ["CS-002", "CS-003"])
def test_a_station_of_2_x_knows_the_variables_that_it_is_asked_for(performance, station):
    [answer] = [
        frame[2]["getVariableResult"]
        for _, frame in frames(performance, station)
        if frame[0] == 3 and "getVariableResult" in frame[2]
    ]
    assert [(result["variable"]["name"], result["attributeValue"]) for result in answer] == [
        ("TxUpdatedInterval", "60"),
        ("TxStartPoint", "PowerPathClosed"),
    ]


def test_the_report_shows_every_frame_and_the_last_words_say_where_it_is(performance):
    page = performance.page.read_text(encoding="utf-8")
    assert page.count('<li class="frame ') == len(performance.trace)
    assert "A demo with 3 stations" in page
    where = f"{performance.page}: {len(performance.trace):,} frames, no trouble."
    assert where in performance.output.splitlines()


def test_the_title_names_the_versions(performance):
    title = "One CSMS, 3 stations, OCPP 1.6, 2.0.1 and 2.1, 1600 times faster than life.\n"
    assert performance.output.startswith(title)


def test_a_single_station_speaks_1_6(capsys):
    assert main(["--stations", "1", "--seconds", "0.05"]) == 0
    assert capsys.readouterr().out.startswith("One CSMS, 1 station, OCPP 1.6, ")


def test_the_stations_speak_all_versions_in_turn():
    assert [version.value for version in roster(5).values()] == ["1.6", "2.0.1", "2.1", "1.6", "2.0.1"]


def test_the_summary_counts_what_the_trace_shows(performance):
    counts = Counter(
        (line["dir"], frame[2]) for line in performance.trace if (frame := json.loads(line["raw"]))[0] == 2
    )
    head, _, rest = performance.output.partition("from the CSMS")
    for direction, text in (("CS->CSMS", head), ("CSMS->CS", rest)):
        rows = re.findall(r"^  (\w+) +(\d+) +(\d+) +(\d+) +(\d+) +([\d.]+) +([\d.]+)$", text, re.MULTILINE)
        assert {(direction, row[0]): int(row[1]) for row in rows} == {
            key: count for key, count in counts.items() if key[0] == direction
        }
        for _, calls, answered, refused, unanswered, median, most in rows:
            assert (answered, refused, unanswered) == (calls, "0", "0")
            assert 0 < float(median) <= float(most)
    assert f"{len(performance.trace):,} frames in " in performance.output


def test_nothing_but_a_terminal_gets_escape_codes_or_more_than_79_columns(performance):
    assert "\x1b" not in performance.output
    assert "\r" not in performance.output
    lines = [line for line in performance.output.splitlines() if str(performance.page) not in line]
    assert max(map(len, lines)) <= 79
    assert "3 stations: 3 finished;" in performance.output


def test_frames_are_not_logged_to_the_terminal(performance):
    assert "receive message" not in performance.output


# Trouble.


def behaving(*classes):
    """How the CSMS behaves if these classes take the place of its own."""
    others = {cls.version: cls for cls in classes}
    return lambda version: others.get(version) or answering(version)


def complaint_of(settings, **cast):
    """The sentence with which a run ends that is not fine."""
    with pytest.raises(Problem) as caught:
        run(settings, sys.stdout, Interruption(), **cast)
    assert caught.value.status == 1
    return str(caught.value)


class Mute(answering(Version.V201)):
    @on(call201.Authorize)
    async def on_authorize(self, request):
        await asyncio.Event().wait()  # until the link is lost


def test_a_call_without_answer_is_status_1_and_a_sentence(capsys):
    # A second for an answer: a busy machine must not be the first trouble.
    settings = Settings(stations=3, seconds=0.1, call_timeout=1)
    assert re.fullmatch(
        r"\w+ calls? w\w+ not answered; 1 of 3 stations did not finish; "
        r"the first trouble was: CS-002: no answer to Authorize '[-\w]+' within 1 s\.",
        complaint_of(settings, answers=behaving(Mute)),
    )
    out = capsys.readouterr().out
    assert re.search(r"^  Authorize +3 +2 +0 +1 ", out, re.MULTILINE)
    assert re.search(r"3 stations: .*\b1 FAILED\b", out)


class Crashing16(answering(Version.V16)):
    @on(call16.StartTransaction)
    def begin(self, request):
        raise RuntimeError("disk on fire")


class Crashing21(answering(Version.V21)):
    @on(call21.TransactionEvent)
    def transaction(self, request):
        raise RuntimeError("disk on fire")


def test_a_refused_call_is_counted_and_warnings_stay_out_of_the_table(capsys):
    settings = Settings(stations=3, seconds=0.1)
    sentence = complaint_of(settings, answers=behaving(Crashing16, Crashing21))
    assert re.search(r"^2 of 3 stations did not finish; .* was refused: InternalError", sentence)
    captured = capsys.readouterr()
    assert re.search(r"^  StartTransaction +1 +0 +1 +0 ", captured.out, re.MULTILINE)
    assert captured.err.count("RuntimeError: disk on fire") == 2


class Forgetful(Operator):
    async def stop(self, station):
        pass


def test_a_station_that_nobody_stops_does_not_finish(capsys):
    settings = Settings(stations=1, seconds=0.05, call_timeout=0.5)
    patience = f"{settings.patience:g} s"
    assert complaint_of(settings, operator=Forgetful) == (
        f"1 of 1 stations did not finish; the first trouble was: CS-001: not finished within {patience}."
    )
    # It has left in good order all the same.
    assert re.search(r"^  StopTransaction +1 +1 +0 +0 ", capsys.readouterr().out, re.MULTILINE)


class Rude(answering(Version.V16)):
    @on(call16.Authorize)
    async def on_authorize(self, request):
        await self.transport.aclose()


def test_a_lost_link_ends_the_session_at_once():
    settings = Settings(stations=1, seconds=0.1, call_timeout=30)
    sentence = complaint_of(settings, answers=behaving(Rude))
    assert "1 of 1 stations did not finish; the first trouble was: CS-001: " in sentence


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--stations", "0"], "argument --stations: a whole number from 1 to 10000 is needed, not '0'"),
        (["--stations", "many"], "argument --stations: a whole number from 1 to 10000 is needed, not 'many'"),
        (["--seconds", "0"], "argument --seconds: a number of seconds above 0 is needed, not '0'"),
        (["--seconds", "nan"], "argument --seconds: a number of seconds above 0 is needed, not 'nan'"),
        (["--seconds", "soon"], "argument --seconds: a number of seconds above 0 is needed, not 'soon'"),
        (["--tracks"], "unrecognized arguments: --tracks"),
    ],
)
def test_a_wrong_argument_is_one_sentence(arguments, complaint, capsys):
    with pytest.raises(SystemExit) as exit:
        main(arguments)
    assert exit.value.code == 2
    assert capsys.readouterr() == ("", f"ocpp-sansio demo: {complaint}; --help lists the options.\n")


def test_an_unwritable_trace_is_one_sentence(tmp_path, capsys):
    assert main(["--trace", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"ocpp-sansio demo: the trace cannot be written to '.*': .*\.\n", err)


def test_an_unwritable_report_is_one_sentence_before_anything_begins(tmp_path, capsys):
    assert main(["--report", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"ocpp-sansio demo: the report cannot be written to '.*': .*\.\n", err)


def test_a_report_needs_no_trace_and_leaves_none(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    page = tmp_path / "report.html"
    assert main(["--stations", "1", "--seconds", "0.05", "--report", str(page)]) == 0
    assert f"{page}: " in capsys.readouterr().out
    assert page.stat().st_size > 10_000
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--report", "-"], "the report needs a file: standard output has the table."),
        (["--report", "a", "--trace", "./a"], "the trace and the report cannot be the same file."),
    ],
)
def test_a_report_has_a_file_of_its_own(options, complaint, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*options, "--stations", "1", "--seconds", "0.05"]) == 2
    assert capsys.readouterr().err == f"ocpp-sansio demo: {complaint}\n"


@pytest.mark.parametrize(
    ("trace", "how"),
    [
        ([], "with --trace FILE, `ocpp-sansio report FILE -o PAGE --most N` shows more."),
        (["--trace", "t.jsonl"], "left out, `ocpp-sansio report t.jsonl -o PAGE --most N` shows more."),
    ],
)
def test_a_report_with_less_than_all_says_where_the_rest_is(trace, how, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    add_arguments = report.add_arguments

    def with_less(parser):
        add_arguments(parser)
        parser.set_defaults(most=2)

    monkeypatch.setattr(report, "add_arguments", with_less)
    assert main(["--stations", "1", "--seconds", "0.05", "--report", "a.html", *trace]) == 0
    assert how in capsys.readouterr().out


def test_a_full_disk_is_told_at_the_end(capsys):
    assert main(["--stations", "1", "--seconds", "0.05", "--trace", "/dev/full"]) == 1
    assert (
        capsys.readouterr().err
        == f"ocpp-sansio demo: the trace is incomplete: {os.strerror(errno.ENOSPC)}.\n"
    )


def test_a_missing_extra_is_one_sentence_with_the_cure(monkeypatch, capsys):
    for name in [name for name in sys.modules if name.startswith("ocpp_sansio_adapters.cli._show")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "anyio", None)
    assert main([]) == 2
    assert "pip install 'ocpp-sansio[websockets]'" in capsys.readouterr().err


@needs_posix
def test_too_low_a_descriptor_limit_is_raised(monkeypatch):
    raised = []
    monkeypatch.setattr("resource.getrlimit", lambda which: (256, 4096))
    monkeypatch.setattr("resource.setrlimit", lambda which, limits: raised.append(limits))
    ensure_descriptors(5)
    ensure_descriptors(200)
    assert raised == [(464, 4096)]


@needs_posix
def test_a_descriptor_limit_that_cannot_be_raised_is_one_sentence(monkeypatch):
    def refuse(which, limits):
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr("resource.getrlimit", lambda which: (256, 300))
    monkeypatch.setattr("resource.setrlimit", refuse)
    with pytest.raises(Problem, match=r"^200 stations need 464 open files, and 300 are allowed here: .*\.$"):
        ensure_descriptors(200)


def test_of_many_warnings_the_first_are_kept_and_the_rest_counted():
    with held_back(wanted=lambda: True) as log:
        for number in range(MOST + 3):
            logging.getLogger("ocpp").warning("trouble %d", number)
        logging.getLogger("ocpp").info("a frame")
    lines = list(log.lines())
    assert lines[0] == "WARNING ocpp: trouble 0"
    assert lines[MOST:] == ["... and 3 more"]


# Ctrl-C.


@needs_posix
def test_ctrl_c_stops_the_stations_and_still_gives_the_summary(tmp_path):
    trace = tmp_path / "trace.jsonl"
    command = [
        sys.executable,
        "-m",
        "ocpp_sansio_adapters.cli.demo",
        "--stations",
        "2",
        "--trace",
        str(trace),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        while "0 frames" not in demo.stdout.readline():  # the table stands: it runs
            assert demo.poll() is None
        demo.send_signal(signal.SIGINT)
        demo.send_signal(signal.SIGINT)  # some are impatient
        out, err = demo.communicate(timeout=10)
    assert demo.returncode == 130
    assert err == "ocpp-sansio demo: interrupted.\n"
    assert "frames/s." in out
    lines = trace.read_text(encoding="utf-8").splitlines(keepends=True)
    assert all(json.loads(line) and line.endswith("\n") for line in lines)


@pytest.fixture(autouse=True)
def ctrl_c_is_heard():
    """Also where the tests run in the background of a shell, which lets its jobs ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_while_it_starts_ends_it_before_a_station_boots(capsys):
    with Interruption() as interruption:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(Problem, match=r"^interrupted\.$") as caught:
            run(Settings(stations=3), sys.stdout, interruption)
    assert caught.value.status == 130
    out = capsys.readouterr().out
    assert "BootNotification" not in out
    assert "0 frames in " in out


def test_only_the_first_signal_counts():
    calls = []
    with Interruption() as interruption, interruption.stopping(lambda: calls.append("stop")):
        assert calls == []
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert calls == ["stop"]
    with pytest.raises(Problem, match=r"^ended by SIGTERM\.$") as caught:
        interruption.check()
    assert caught.value.status == 143
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_when_there_is_nothing_left_to_stop_is_noted():
    with Interruption() as interruption:
        with interruption.stopping(pytest.fail):
            pass
        signal.raise_signal(signal.SIGINT)
    assert interruption.happened


@needs_posix
def test_a_terminal_that_is_closed_asks_for_an_end_too():
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup has it ignored
    try:
        with Interruption() as interruption:
            signal.raise_signal(signal.SIGHUP)
            with pytest.raises(Problem, match=r"^ended by SIGHUP\.$") as caught:
                interruption.check()
    finally:
        signal.signal(signal.SIGHUP, before)
    assert caught.value.status == 128 + signal.SIGHUP


def test_an_ignored_ctrl_c_stays_ignored():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Interruption() as interruption:
        signal.raise_signal(signal.SIGINT)
    assert not interruption.happened
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


# The terminal.


class Terminal(io.StringIO):
    """Understands what the demo writes, as a terminal of this size would; complains of anything that would scroll or wrap."""

    TOKEN = re.compile(r"\x1b\[(\d*(?:;\d+)*)([A-Zm])|\r|\n|[ -~]+")

    def __init__(self, columns, lines):
        super().__init__()
        self.columns, self.lines = columns, lines
        self.screen, self.row, self.column = [""], 0, 0
        self.colours = set()

    def isatty(self):
        return True

    def write(self, text):
        end = 0
        for token in self.TOKEN.finditer(text):
            assert token.start() == end, f"not understood: {text[end : token.start()]!r}"
            end = token.end()
            self._obey(token)
        assert end == len(text), f"not understood: {text[end:]!r}"
        return super().write(text)

    def _obey(self, token):
        number, command = token.groups()
        if command == "A":
            top = max(0, len(self.screen) - self.lines)
            assert self.row - int(number) >= top, "moves above the screen"
            self.row -= int(number)
        elif command == "K":
            self.screen[self.row] = self.screen[self.row][: self.column]
        elif command == "J":
            assert self.column == 0
            del self.screen[self.row :]
            self.screen.append("")
        elif command == "m":
            self.colours.add(number)
        elif token[0] == "\r":
            self.column = 0
        elif token[0] == "\n":
            self.row, self.column = self.row + 1, 0
            if self.row == len(self.screen):
                self.screen.append("")
        else:
            old = self.screen[self.row].ljust(self.column)
            self.screen[self.row] = old[: self.column] + token[0] + old[self.column + len(token[0]) :]
            self.column += len(token[0])
            assert self.column < self.columns, "wraps"


@pytest.fixture
def terminal(monkeypatch):
    def make(columns, lines, **environment):
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("LINES", str(lines))
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.delenv("NO_COLOR", raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return Terminal(columns, lines)

    return make


def test_on_a_terminal_the_table_is_redrawn_in_place(terminal):
    screen = terminal(80, 24)
    assert run(Settings(stations=3, seconds=0.15), screen, Interruption()) == 0
    tables = [line for line in screen.screen if line.startswith("station ")]
    assert len(tables) == 1
    assert screen.getvalue().count("station  OCPP  state") > 1
    rows = [line.split() for line in screen.screen if line.startswith("CS-")]
    assert [row[:3] for row in rows] == [
        [station, version.value, "finished"] for station, version in STATIONS.items()
    ]
    assert all(re.fullmatch("100[1-9]|[0-9a-f]{8}", row[3]) and float(row[4]) > 0 for row in rows)
    assert all(row[6] == row[7] for row in rows)
    assert {row[8] for row in rows} <= {"StatusNotification", "Heartbeat"}  # which may come in between
    assert {"1", "32", "2", "0"} >= screen.colours >= {"1", "2", "0"}


def test_more_stations_than_lines_are_counted_in_the_last(terminal):
    screen = terminal(80, 10)
    table = Table(roster(30))
    display = display_for(screen)
    for elapsed in range(3):
        display.show(table, elapsed)
    assert len(screen.screen) == 10
    assert screen.screen[0].startswith("station  OCPP  state")
    assert [line[:6] for line in screen.screen[1:7]] == [f"CS-{number:03}" for number in range(1, 7)]
    assert screen.screen[7:] == [
        "... and 24 more: 24 waiting",
        "2.0 s, 30 stations: 30 waiting; 0.0 kWh, 0 frames",
        "",
    ]


@pytest.mark.parametrize("size", [(80, 24), (20, 5), (10, 3), (5, 2), (2, 1)])
def test_no_terminal_is_too_small(terminal, size):
    screen = terminal(*size)
    table = Table(STATIONS)
    display = display_for(screen)
    for elapsed in range(3):
        display.show(table, elapsed)
    assert len(screen.screen) <= max(2, size[1])


def test_the_wrapped_lines_of_a_terminal_made_narrower_are_redrawn_too(monkeypatch):
    out = io.StringIO()
    display = Screen(out, Paint(out))
    monkeypatch.setenv("COLUMNS", "80")
    display.show(Table(roster(1)), 0)
    heights = [-(-len(line) // 40) for line in out.getvalue().replace("\x1b[K", "").splitlines()[:3]]
    out.truncate(0)
    monkeypatch.setenv("COLUMNS", "40")
    display.show(Table(roster(1)), 1)
    assert sum(heights) == 6
    assert out.getvalue().lstrip("\0").startswith("\r\x1b[6A")


def test_no_color_takes_the_colours_and_leaves_the_redrawing(terminal):
    screen = terminal(80, 24, NO_COLOR="1")
    display = display_for(screen)
    assert isinstance(display, Screen)
    display.show(Table(STATIONS), 0)
    display.show(Table(STATIONS), 1)
    assert screen.colours == set()
    assert "\x1b[5A" in screen.getvalue()


def test_a_dumb_terminal_gets_plain_lines(terminal):
    assert isinstance(display_for(terminal(80, 24, TERM="dumb")), PlainLines)
