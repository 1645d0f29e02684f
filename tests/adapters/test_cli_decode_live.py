"""`ocpp-sansio decode`: a log that is being written, and odd places to read from or to write to."""

import errno
import io
import json
import os
import signal
import subprocess
import sys

import pytest

from ocpp_sansio import Version
from ocpp_sansio_adapters.cli._log import input as _input
from ocpp_sansio_adapters.cli._log import source
from ocpp_sansio_adapters.cli._log.finding import Found, find_frames
from ocpp_sansio_adapters.cli._log.listening import Link, Listener
from ocpp_sansio_adapters.cli._log.reading import read
from ocpp_sansio_adapters.cli.main import main
from tests.adapters.charger_log import LOG, NOW, call, decoded, result


def followed(lines, *arguments, monkeypatch):
    """The status of `decode`, to which these lines are piped."""
    read_end, write_end = os.pipe()
    with os.fdopen(read_end) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        with os.fdopen(write_end, "w", encoding="utf-8") as pipe:
            pipe.write("".join(f"{line}\n" for line in lines))
        return main(["decode", *arguments])


def test_what_is_piped_in_is_explained_as_a_file_is(log, monkeypatch, capsys):
    assert followed(LOG.splitlines(), monkeypatch=monkeypatch) == 1
    first, *piped = capsys.readouterr().out.splitlines()
    assert first == "read as OCPP 1.6 from here, a guess so far; --version says otherwise"
    main(["decode", log])
    whole = capsys.readouterr().out.splitlines()
    silence = [line for line in whole if "until the log ends" in line]
    assert len(silence) == 2
    assert piped == [line for line in whole if line not in silence]  # which nobody knows before the end


def test_what_is_piped_in_has_json_as_well(monkeypatch, capsys):
    assert followed(LOG.splitlines(), "--json", "--trouble", monkeypatch=monkeypatch) == 1
    *lines, summary = map(json.loads, capsys.readouterr().out.splitlines())
    assert [line["line"] for line in lines] == [3, 4, 8]
    assert (summary["frames"], summary["unanswered"], summary["slow"]) == (8, [7, 8], [5])


def test_a_pipe_without_a_frame_is_a_sentence(monkeypatch, capsys):
    assert followed(["nothing"], monkeypatch=monkeypatch) == 2
    assert "there is no OCPP frame in standard input" in capsys.readouterr().err


def heard_one_by_one(*frames):
    """What a listener makes of frames that come one after the other."""
    listener = Listener()
    heard = []
    for found in find_frames("\n".join(frames)):
        assert listener.learn(found)
        heard.append(listener.hear(found))
    return heard, listener.reading


def test_a_guess_is_mended_when_more_is_known_and_no_call_is_lost():
    heard, reading = heard_one_by_one(
        f"CP_1: receive message {call('Heartbeat', {}, 'a')}",
        f"CP_1: receive message {call('NotifyEvent', {}, 'b')}",
        f"CP_1: send {result({'currentTime': NOW}, 'a')}",
    )
    assert [item.link.version for item in heard] == [Version.V16, Version.V201, Version.V201]
    assert (heard[2].spoken.action, heard[2].spoken.wrong) == ("Heartbeat", False)
    assert list(reading.conversations) == [Link("CP_1", Version.V201)]
    assert reading.guessed == {Link("CP_1", Version.V201)}
    assert [exchange.call.line for exchange in reading.unanswered] == [2]


def test_a_guess_ends_when_the_log_tells():
    heard, reading = heard_one_by_one(
        f"CP_1: receive message {call('Heartbeat', {}, 'a')}",
        f"ocpp2.1 CP_1: receive message {call('Heartbeat', {}, 'b')}",
        f"CP_1: receive message {call('Heartbeat', {}, 'c')}",
    )
    assert [item.link.version for item in heard] == [Version.V16, Version.V21, Version.V21]
    assert reading.guessed == set()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one child")
def test_each_frame_is_told_when_it_is_there_and_ctrl_c_ends_with_what_was_seen():
    command = [sys.executable, "-m", "ocpp_sansio_adapters.cli", "decode", "--version", "1.6"]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=environment,
    ) as process:
        for line in LOG.splitlines()[:2]:
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
            assert "BootNotification" in process.stdout.readline()  # while the pipe is open
        # A frame that may go on in the next line is not lost either.
        process.stdin.write(f"{LOG.splitlines()[-1]}\n{LOG.splitlines()[2]}\n{LOG.splitlines()[-1]}\n")
        process.stdin.flush()
        while "StatusNotification" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=30)
        assert (process.returncode, errors) == (130, "ocpp-sansio decode: interrupted.\n")
    assert "MeterValues  2" in rest
    assert "5 frames of 2 stations, OCPP 1.6" in rest


def test_long_work_shows_progress_on_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    total = 4 * _input.STEP
    read([Found(text="[]", line=1)] * total, Version.V16, progress=_input.progress_on(total, "judging frame"))
    shown = sys.stderr.getvalue()
    assert "judging frame 500 of 2,000" in shown
    assert shown.endswith("\r\x1b[K")


def test_short_work_and_other_streams_do_not(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    _input.progress_on(10**6, "x")(10**6)
    assert sys.stderr.getvalue() == ""


# Odd logs, and odd places to read from or to write to.


def plain(*arguments, **streams):
    """A run as a process, to its end."""
    command = [sys.executable, "-m", "ocpp_sansio_adapters.cli", *arguments]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    return subprocess.run(command, text=True, check=False, timeout=60, **streams)


@pytest.mark.skipif(not os.path.exists("/dev/stdin"), reason="there is no /dev/stdin")
def test_a_pipe_can_be_named_like_a_file():
    run = plain("decode", "/dev/stdin", "--version", "1.6", input='[2,"1","Heartbeat",{}]\n')
    assert (run.returncode, run.stderr) == (0, "")
    assert "Heartbeat" in run.stdout


def test_what_cannot_tell_its_place_is_read(tmp_path, monkeypatch):
    class Pipe(io.BytesIO):
        def tell(self):
            raise OSError(errno.ESPIPE, "Illegal seek")

        def fileno(self):
            return here.fileno()

    told = []
    with (tmp_path / "a.log").open("w+b") as here:
        monkeypatch.setattr(source.Path, "open", lambda path, mode: Pipe(b"one\ntwo"))
        assert list(source.lines_of_file("pipe", lambda *done: told.append(done))) == ["one", "two"]
    assert told == [(7, 0)]


def test_a_file_that_is_named_like_a_frame_is_read(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "[2,1]").write_text(LOG, encoding="utf-8")
    assert main(["decode", "[2,1]"]) == 1
    assert "8 frames of 2 stations" in capsys.readouterr().out


def test_letters_that_the_output_does_not_have_are_escaped(tmp_path, monkeypatch):
    path = tmp_path / "a.log"
    path.write_text(call("Heartbeat", {"x": "\u5145"}), encoding="utf-8")
    octets = io.BytesIO()
    out = io.TextIOWrapper(octets, encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    assert main(["decode", str(path), "--payload"]) == 1
    assert b'"x": "\\u5145"' in octets.getvalue()


def test_nothing_in_a_log_commands_the_terminal(tmp_path, capsys):
    path = tmp_path / "a.log"
    evil = "\x1b[2J"
    frames = [
        call(f"Heart{evil}", {evil: evil}, f"1{evil}"),
        call(evil, {}, evil),
        result({"status": evil}, evil),
    ]
    lines = [json.dumps({"station": f"CP{evil}", "raw": frame}) for frame in frames]
    lines += [json.dumps({"station": "CP_2", "raw": frame}) for frame in frames]
    path.write_text("\n".join(lines), encoding="utf-8")
    main(["decode", str(path), "--payload", "--slow", "0.001"])
    shown = capsys.readouterr().out
    assert "unanswered" in shown
    assert r"\x1b[2J" in shown
    assert "\x1b" not in shown


def test_unanswered_calls_are_told_in_the_order_of_the_log(tmp_path, capsys):
    path = tmp_path / "a.log"
    texts = [("A", call("Heartbeat", {})), ("A", result({"currentTime": NOW}))]
    texts += [("B", call("Heartbeat", {})), ("B", result({"currentTime": NOW}))]
    texts += [
        (name, call("Heartbeat", {}, id)) for name, id in (("B", "2"), ("A", "2"), ("B", "3"), ("A", "3"))
    ]
    lines = [json.dumps({"station": name, "version": "1.6", "raw": text}) for name, text in texts]
    path.write_text("\n".join(lines), encoding="utf-8")
    _, _, summary = decoded(capsys, str(path))
    assert summary["unanswered"] == [5, 6, 7, 8]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_full_disk_is_a_sentence():
    with open("/dev/full", "w", encoding="utf-8") as full:
        run = plain("decode", '[2,"1","Heartbeat",{}]', stdout=full)
    assert (run.returncode, run.stderr) == (1, "ocpp-sansio decode: no space left for the output.\n")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell closes it")
def test_without_a_stdout_the_verdict_is_the_status():
    program = f'"{sys.executable}" -m ocpp_sansio_adapters.cli decode "$0" >&-'
    for frame, status in (('[2,"1","Heartbeat",{}]', 0), ('[2,"1","Heartbeat",{"x":1}]', 1)):
        run = subprocess.run(
            ["/bin/sh", "-c", program, frame], stderr=subprocess.PIPE, text=True, check=False, timeout=60
        )
        assert (run.returncode, run.stderr) == (status, "")
