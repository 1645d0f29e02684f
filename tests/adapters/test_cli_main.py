"""The entry of `ocpp-sansio`: subcommands, sentences and statuses."""

import io
import subprocess
import sys
from argparse import ArgumentTypeError

import pytest

from ocpp_sansio import Version
from ocpp_sansio_adapters.cli import main as entry
from ocpp_sansio_adapters.cli._arguments import version, whole
from ocpp_sansio_adapters.cli._command import Problem
from ocpp_sansio_adapters.cli._paint import Paint
from ocpp_sansio_adapters.cli.main import SUBCOMMANDS, main

HEARTBEAT = '[2,"1","Heartbeat",{}]'


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_every_command_has_help_with_an_example(name, capsys):
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    out = capsys.readouterr().out
    assert caught.value.code == 0
    assert out.startswith(f"usage: ocpp-sansio {name}")
    assert "example" in out
    assert f"ocpp-sansio {name}" in out.partition("example")[2]


def test_the_demo_runs_as_a_command(capsys):
    assert main(["demo", "--stations", "1", "--seconds", "0.05"]) == 0
    assert "Every call was answered" in capsys.readouterr().out


def test_without_a_command_it_lists_them(capsys):
    assert main([]) == 2
    out = capsys.readouterr().out
    assert all(f"  {name}" in out and summary in out for name, summary in SUBCOMMANDS.items())


def test_its_own_version_and_help(capsys):
    for option in ("--version", "--help"):
        with pytest.raises(SystemExit) as caught:
            main([option])
        assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("ocpp-sansio ")


def test_an_unknown_command_is_one_sentence(capsys):
    assert main(["decod"]) == 2
    err = capsys.readouterr().err
    assert err == "ocpp-sansio: there is no command 'decod' (did you mean decode?); --help lists them.\n"


def test_a_wrong_option_is_one_sentence(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["decode", HEARTBEAT, "--version", "1.5"])
    assert caught.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("ocpp-sansio decode: argument --version: '1.5' is not a version")
    assert err.count("\n") == 1


@pytest.mark.parametrize("text", ["0", "-1", "x", "nan", "inf"])
def test_seconds_are_a_positive_number(text, capsys):
    with pytest.raises(SystemExit):
        main(["decode", HEARTBEAT, f"--slow={text}"])
    assert f"a number of seconds above 0 is needed, not {text!r}" in capsys.readouterr().err


def stand_in(monkeypatch, error):
    class Module:
        @staticmethod
        def add_arguments(parser):
            pass

        @staticmethod
        def run(options):
            raise error

    monkeypatch.setattr(entry.importlib, "import_module", lambda *names: Module)


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (Problem("it is broken.", 1), 1, "ocpp-sansio decode: it is broken.\n"),
        (KeyboardInterrupt(), 130, "ocpp-sansio decode: interrupted.\n"),
        (
            ModuleNotFoundError("no", name="anyio.abc"),
            2,
            (
                "ocpp-sansio decode: the extra `websockets` is not installed; "
                "install it with `pip install 'ocpp-sansio[websockets]'`.\n"
            ),
        ),
    ],
)
def test_what_ends_a_command_is_a_sentence_and_a_status(error, status, sentence, monkeypatch, capsys):
    stand_in(monkeypatch, error)
    assert main(["decode"]) == status
    assert capsys.readouterr().err == sentence


def test_a_module_of_ours_that_is_missing_is_a_bug(monkeypatch):
    stand_in(monkeypatch, ModuleNotFoundError("no", name="ocpp_sansio.nothing"))
    with pytest.raises(ModuleNotFoundError):
        main(["decode"])


def test_a_reader_that_leaves_ends_it_quietly():
    # A pipe that nobody reads: the program must not complain.
    command = [sys.executable, "-m", "ocpp_sansio_adapters.cli", "schema"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 1


def test_the_offline_commands_load_no_event_loop():
    program = (
        "import sys\n"
        "from ocpp_sansio_adapters.cli.main import main\n"
        f"main(['decode', {HEARTBEAT!r}])\n"
        "main(['schema', 'Heartbeat'])\n"
        "sys.exit(', '.join({'anyio', 'asyncio', 'websockets'} & set(sys.modules)))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert (run.stderr, run.returncode) == ("\n", 1)  # which is how sys.exit shows an empty text


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colours_are_for_terminals_that_want_them(environment, coloured):
    assert (Paint(Terminal(), environment)("red", "x") == "\x1b[31mx\x1b[0m") is coloured


def test_a_stream_that_knows_no_arrows_gets_none():
    ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    paint = Paint(ascii_only, {})
    assert (paint.right, paint.left, paint("red", "x")) == ("->", "<-", "x")


@pytest.mark.parametrize(
    "arguments",
    [
        ["report", "x", "-o", "y", "--most"],
        ["report", "x", "-o", "y", "--slow"],
        ["decode", "x", "--version"],
        ["csms", "--port"],
        ["csms", "--interval"],
        ["csms", "--versions"],
        ["station"],
    ],
)
def test_a_wrong_value_is_not_said_again_at_full_length(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main([*arguments, "9" * 5000 + "x"])
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert f"{'9' * 40}'..." in said
    assert len(said) < 250


@pytest.mark.parametrize("text", ["1.6", "1.6J", "ocpp1.6", " 1.6 "])
def test_a_version_is_what_people_write(text):
    assert version(text) is Version.V16


def test_a_whole_number_may_be_as_large_as_its_bound():
    assert whole(1)("2147483647") == 2147483647
    for text in ("2147483648", "0", "-1", "\u0661", "1.0", ""):
        with pytest.raises(ArgumentTypeError):
            whole(1)(text)


@pytest.mark.parametrize(
    ("name", "statuses"), [("csms", "012"), ("station", "012"), ("demo", "012"), ("schema", "02")]
)
def test_help_tells_the_exit_statuses(name, statuses, capsys):
    with pytest.raises(SystemExit):
        main([name, "--help"])
    told = capsys.readouterr().out.partition("Exit status: ")[2].partition("\n\n")[0]
    assert set(statuses) <= set(told)
