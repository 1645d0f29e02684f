"""`ocpp-sansio csms` and `ocpp-sansio station` run whole, as processes that talk to each other; and how they
end.
"""

import asyncio
import json
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme

from ocpp_sansio_adapters.cli.main import main
from tests.adapters.live_command import Typed, program

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one child")

OLD = ("--versions", "1.6")
QUICK = ("--charge", "0", "--sample", "0.05", "--reconnect", "0.01")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # of the tests; the commands have `--backend`


async def address_of(csms: Typed) -> str:
    line = await csms.line("Listening at ")
    return line.split()[2].removesuffix("/IDENTITY")


@needs_signals
@pytest.mark.anyio
@pytest.mark.parametrize(("backend", "version"), [("asyncio", "1.6"), ("trio", "2.0.1")])
async def test_a_session_from_the_first_word_to_the_last(backend: str, version: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    common = ("--backend", backend)
    async with program("csms", "--port", "0", "--trace", str(trace), "--versions", version, *common) as csms:
        url = await address_of(csms)
        async with program("station", url, "--id", "CP_1", "--version", version, *QUICK, *common) as station:
            csms.type("wait CP_1")
            await csms.lines(
                "CP_1 connected, OCPP " + version, "-> BootNotification {", "<- BootNotification = {"
            )
            station.type("start CP_1 1 04E9A1")
            energy = ("StartTransaction {", "MeterValues {") if version == "1.6" else ("Started", "Updated")
            await csms.lines(*energy, energy[-1])
            csms.type("stations", "call CP_1 ClearCache")
            await csms.lines(
                "CP_1: OCPP " + version, "CP_1: ClearCache was answered after", '"status": "Accepted"'
            )
            station.process.send_signal(signal.SIGINT)
            assert await station.ended() == 130
            await csms.lines("PowerLoss", "CP_1 disconnected")
        csms.end_of_input()
        assert await csms.ended() == 0
    assert "Traceback" not in "\n".join([*csms.printed, *station.printed])
    assert "04E9A1" not in "\n".join([*csms.printed, *station.printed])
    assert station.printed[-2:] == [station.printed[-2], "ocpp-sansio station: interrupted."]
    assert station.printed[-2].endswith("CP_1 disconnected")
    check_trace(trace, version)


def check_trace(trace: Path, version: str) -> None:
    """Every frame is there, from the side that sent it; and no id token."""
    lines = [json.loads(line) for line in trace.read_text(encoding="utf-8").splitlines()]
    assert {(line["station"], line["version"]) for line in lines} == {("CP_1", version)}
    frames = [(line["dir"], json.loads(line["raw"])) for line in lines]
    assert [frame[1][2] for frame in frames[:1]] == ["BootNotification"]
    asked = {frame[1]: direction for direction, frame in frames if frame[0] == 2}
    answered = {frame[1]: direction for direction, frame in frames if frame[0] != 2}
    assert asked.keys() == answered.keys()
    assert all(answered[id] != direction for id, direction in asked.items())
    assert "04E9A1" not in trace.read_text(encoding="utf-8")


@needs_signals
@pytest.mark.anyio
async def test_a_station_comes_back_when_its_csms_does_and_passwords_are_asked_for(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text(
        "# of the stations\nCS-001:right-right-right\n\n*:other-other-other\n", encoding="utf-8"
    )
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = str(found.getsockname()[1])
    listening = ("csms", "--port", port, "--auth", str(passwords), "--quiet", *OLD)
    url = f"ws://127.0.0.1:{port}"
    stations = (
        "station",
        url,
        "--count",
        "3",
        "--version",
        "1.6",
        "--auth",
        str(passwords),
        "--quiet",
        *QUICK,
    )
    async with program(*stations, stdin=asyncio.subprocess.DEVNULL) as fleet:
        await fleet.line(f"CS-001 Connection refused; {url} is tried again in 0.01 s or more")
        await fleet.line("0 of 3 stations are connected")
        async with program(*listening) as csms:
            csms.type("wait CS-001", "wait CS-002", "wait CS-003", "stations", "call CS-* ClearCache")
            await csms.lines(*(["ClearCache was answered"] * 3))
            csms.process.send_signal(signal.SIGTERM)
            assert await csms.ended() == 143
            assert csms.printed[-1] == "ocpp-sansio csms: ended by SIGTERM."
        await fleet.line("disconnected: ")
        async with program(*listening) as csms:
            await csms.lines(*(["connected, OCPP 1.6"] * 3))
            async with program("station", url, "--id", "CS-001", "--version", "1.6", *QUICK) as stranger:
                await stranger.line("401")
            await csms.line("'/CS-001': refused: ")
            csms.type("quit")
            assert await csms.ended() == 0
    assert "BootNotification" not in "".join(fleet.printed)  # they are quiet
    ends = [line for line in fleet.printed if "CS-001" in line and "1001 (going away)" in line]
    assert len(ends) <= 2  # each is told once, and not again by the log


@pytest.mark.anyio
async def test_a_script_that_fails_says_so_by_its_status() -> None:
    async with program("csms", "--port", "0", *OLD) as csms:
        csms.type("help", "boot pending", "boot maybe", "call CP_1 Reset type=Soft")
        csms.end_of_input()
        assert await csms.ended() == 1
    assert csms.printed[-2] == "failed: usage: boot accepted|pending|rejected."
    assert csms.printed[-1] == "failed: CP_1 is not connected; nobody is."


@needs_signals
@pytest.mark.anyio
async def test_without_input_it_serves_until_it_is_ended() -> None:
    async with program("csms", "--port", "0", *OLD, stdin=asyncio.subprocess.DEVNULL) as csms:
        await address_of(csms)
        csms.process.send_signal(signal.SIGINT)
        assert await csms.ended() == 130


@pytest.mark.anyio
async def test_over_tls_with_certificates_at_both_ends(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    for name, certificate in (
        ("csms", authority.issue_cert("127.0.0.1")),
        ("cp", authority.issue_cert("cp-1.example", common_name="CP_1")),
    ):
        certificate.cert_chain_pems[0].write_to_path(tmp_path / f"{name}.pem")
        certificate.private_key_pem.write_to_path(tmp_path / f"{name}.key")
    ca = str(tmp_path / "ca.pem")
    own = f"{tmp_path / 'csms.pem'},{tmp_path / 'csms.key'}"
    async with program("csms", "--port", "0", "--tls", own, "--stations-ca", ca, *OLD) as csms:
        url = await address_of(csms)
        assert url.startswith("wss://127.0.0.1:")
        cert = f"{tmp_path / 'cp.pem'},{tmp_path / 'cp.key'}"
        async with program("station", url, "--ca", ca, "--cert", cert, "--version", "1.6", *QUICK) as station:
            await station.line("<- BootNotification = ")


# What ends before it begins.


def problem(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    try:
        status = main(list(arguments))
    except SystemExit as exit:
        status = exit.code  # type: ignore[assignment]
    said = capsys.readouterr().err
    assert status == 2
    assert len(said.splitlines()) == 1
    return said


def test_a_port_that_is_taken_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = problem(capsys, "csms", "--port", str(taken.getsockname()[1]))
    assert said.startswith("ocpp-sansio csms: cannot listen at 127.0.0.1, port ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["csms", "--port", "70000"], "a whole number from 0 to 65535 is needed"),
        (["csms", "--port", "x"], "a whole number from 0 to 65535 is needed, not 'x'"),
        (["csms", "--versions", "1.5"], "'1.5' is not a version of OCPP known here"),
        (["csms", "--versions", "1.6,1.6"], "'1.6,1.6' has a version twice"),
        (["csms", "--interval", "0"], "a whole number from 1 to 2147483647 is needed"),
        (["csms", "--auth", "/no/such/file"], "'/no/such/file' cannot be read: No such file or directory."),
        (["csms", "--tls", "/no/such/file"], "no TLS with /no/such/file: No such file or directory."),
        (["csms", "--stations-ca", "x"], "--stations-ca needs --tls."),
        (["csms", "--port", "0", "--base", "no-slash"], "base"),
        (
            ["csms", "--port", "0", "--trace", "/no/such/trace"],
            "the trace cannot be written to '/no/such/trace'",
        ),
        (["csms", "--timeout", "0"], "a number of seconds above 0 is needed, not '0'"),
        (["station", "ws://x", "--pause", "-1"], "a number of seconds is needed, not '-1'"),
        (["csms", "--boot", "maybe"], "invalid choice: 'maybe'"),
        (["station"], "URL"),
        (["station", "http://x"], "a URL that begins with ws:// or wss:// is needed, not 'http://x'"),
        (["station", "ws://x", "--version", "3"], "'3' is not a version of OCPP known here"),
        (["station", "ws://x", "--count", "0"], "a whole number from 1 to 10000 is needed, not '0'"),
        (["station", "ws://x", "--connectors", "x"], "a whole number from 1 to 100 is needed, not 'x'"),
        (
            ["station", "ws://x", "--ca", "/no/such/file"],
            "no TLS with /no/such/file: No such file or directory.",
        ),
        (["station", "ws://x", "--id", "a/b"], "identity"),
    ],
)
def test_wrong_arguments_are_one_sentence(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in problem(capsys, *arguments)


def test_a_line_without_a_password_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "passwords"
    path.write_text("A:b\nonly-a-name\n", encoding="utf-8")
    said = problem(capsys, "csms", "--auth", str(path))
    assert "line 2 of" in said
    assert "IDENTITY:PASSWORD" in said


@pytest.mark.parametrize("command", ["csms", "station"])
def test_help_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        main([command, "--help"])
    assert exit.value.code == 0
    assert f"ocpp-sansio {command}" in capsys.readouterr().out.partition("examples:")[2]


def test_the_handlers_of_signals_are_put_back(capsys: pytest.CaptureFixture[str]) -> None:
    before: Any = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    problem(capsys, "csms", "--port", "0", "--trace", "/no/such/trace")
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
