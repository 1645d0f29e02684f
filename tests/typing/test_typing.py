"""mypy and pyright over this folder: what users write is typed as they expect, and mistakes are errors."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent

CHECKERS = {
    "mypy": ["--strict", "--warn-unused-ignores", str(FOLDER)],
    # A configuration of its own: `type: ignore` is addressed to mypy here, `pyright: ignore` to pyright.
    "pyright": ["--pythonpath", sys.executable, "--project", str(FOLDER / "pyrightconfig.json")],
}


@pytest.mark.parametrize("checker", CHECKERS)
def test_what_must_be_accepted_is_and_what_must_be_refused_is(checker: str) -> None:
    if find_spec(checker) is None:
        pytest.skip(f"{checker} is not installed")
    command = [sys.executable, "-m", checker, *CHECKERS[checker]]
    done = subprocess.run(command, cwd=FOLDER.parents[1], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
