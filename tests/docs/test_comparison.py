"""The table in the README that compares libraries speaks of the releases that the tests talk to.

What it says of `ocpp` is tested in test_coming_from_mobilityhouse.py, of `ocpp-rpc` in tests/interop/test_ocpp_rpc.py.
"""

import json
import re
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_releases_compared_are_those_that_are_tested() -> None:
    [head] = re.findall(r"(?m)^\| \| ocpp-sansio \| ocpp ([\d.]+) \| ocpp-rpc ([\d.]+) \|$", README)
    node = json.loads((ROOT / "tests/interop/node/package.json").read_text(encoding="utf-8"))
    assert head == (version("ocpp"), node["dependencies"]["ocpp-rpc"])


def test_each_row_says_something_of_each() -> None:
    table = README.partition("| | ocpp-sansio |")[2].partition("\n\n")[0]
    rows = [line.strip("|").split("|") for line in table.splitlines()[2:]]
    assert len(rows) > 10
    assert [row for row in rows if len(row) != 4 or not all(cell.strip() for cell in row)] == []
