"""docs/command-line.md: its commands print what the page says."""

import io
import re
import shlex
import sys
from pathlib import Path

import pytest

from ocpp_sansio_adapters.cli.main import SUBCOMMANDS, main

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    """The fenced blocks of a kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def commands() -> list[tuple[str, str]]:
    """Each command of the page, with what it prints."""
    found = [part.partition("\n") for block in blocks("console") for part in f"\n{block}".split("\n$ ")[1:]]
    return [(command, output.rstrip("\n")) for command, _, output in found]


def printed(command: str) -> str:
    """What a command prints, without the lines that `| tail` drops."""
    line, _, tail = command.partition(" | tail -")
    out = sys.stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    try:
        main(shlex.split(line)[1:])
        out.flush()
        text = out.buffer.getvalue().decode()  # type: ignore[attr-defined]
    finally:
        sys.stdout = sys.__stdout__
    lines = text.rstrip("\n").split("\n")
    return "\n".join(lines[-int(tail) :] if tail else lines)


@pytest.mark.parametrize(("command", "output"), commands())
def test_every_command_prints_what_the_page_says(
    command: str, output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    (log,) = blocks("log")
    (tmp_path / "charger.log").write_text(log, encoding="utf-8")
    assert printed(command) == output


def test_there_are_commands() -> None:
    assert len(commands()) == 6


def test_every_option_of_the_page_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("decode", "schema", "replay", "report", "demo"):
        assert name in SUBCOMMANDS
        with pytest.raises(SystemExit):
            main([name, "--help"])
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) | {"--help"}
    assert set(re.findall(r"--[a-z][a-z-]+", TEXT)) <= known
