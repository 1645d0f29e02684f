"""benchmarks: its messages are valid, and it runs. What it measures is not tested."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import imports
from benchmarks.messages import MESSAGES, Sample
from benchmarks.report import Row, Table, at_least, at_most
from ocpp_sansio.validation import encode, violations

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("sample", MESSAGES, ids=lambda sample: sample.name)
def test_sample_is_valid(sample: Sample) -> None:
    answer = sample.response()
    assert violations(sample.request_class, sample.payload) == ()
    assert type(answer) is sample.request_class.__answer__
    assert violations(type(answer), json.loads(encode(answer))) == ()


def test_there_are_ten_samples() -> None:
    assert len({sample.name for sample in MESSAGES}) == 10


def test_table_says_in_words_what_was_missed() -> None:
    row = Row("a", [1.0, None], [at_most("ours", 1.0, 0.5), at_least("sync/ours", None, 30)], "no such call")
    lines = str(Table("title", ["ours", "sync"], [row], [at_least("mean", 2.0, 1.5)])).splitlines()
    assert lines[2].split()[:3] == ["a", "1.00", "-"]
    assert lines[2].endswith("  NOT MET (ours at most 0.5, sync/ours at least 30); no such call")
    assert lines[3] == "* mean: 2, goal at least 1.5: met"


def test_benchmarks_run(tmp_path: Path) -> None:
    kept = tmp_path / "result.json"
    groups = "receive,call,codec,refusal,memory,flat"
    command = [sys.executable, "-m", "benchmarks", "--rounds", "1", "--only", groups, "--json", str(kept)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "NotifyEVChargingNeeds" in done.stdout
    result = json.loads(kept.read_text(encoding="utf-8"))
    assert result["machine"]["python"]
    assert set(groups.split(",")) < result.keys()


def test_import_is_measured_in_a_new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "GOALS", {"v16": 90.0})
    (table,) = imports.measure(1)
    assert [row.name for row in table.rows] == ["v16"]
