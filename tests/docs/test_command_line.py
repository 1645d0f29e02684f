"""docs/reference/command-line.md names options that there are."""

import re
from pathlib import Path

import pytest

from ocpp_sansio_adapters.cli.main import SUBCOMMANDS, main

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")


def test_every_option_of_the_page_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    for name in SUBCOMMANDS:
        with pytest.raises(SystemExit):
            main([name, "--help"])
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) | {"--help"}
    assert set(re.findall(r"--[a-z][a-z-]+", TEXT)) <= known
