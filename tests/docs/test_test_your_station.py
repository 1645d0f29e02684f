"""docs/how-to/test-your-station.md knows all that a script can say, and nothing else."""

import re
from pathlib import Path

from ocpp_sansio_adapters.testing import Expectation, Lane, Pair, ScriptedCSMS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "test-your-station.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_every_verb_of_the_tables_is_there() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"\.(\w+)\b(?! ?=)", row.split(" | ")[0])}
    known = {*dir(ScriptedCSMS), *dir(Expectation), *dir(Lane), *dir(Pair)}
    others = {"inf", "StatusNotification", "Heartbeat", "Authorize", "Reset", "Connection"}
    assert {"expect", "allow", "delay", "wait", "played", "say_text"} <= named
    assert named - known - others <= {"requests", "request", "trace", "to_csms", "to_station"}


def test_the_page_knows_all_that_a_script_can_say() -> None:
    for cls in (Expectation, Lane, ScriptedCSMS):
        verbs = [name for name, found in vars(cls).items() if name[0] != "_" and callable(found)]
        assert [name for name in verbs if name not in TEXT] == []
