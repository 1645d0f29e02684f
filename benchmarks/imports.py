"""What the first `import` of a version's messages costs, each time in a new process, from compiled bytecode."""

import os
import subprocess
import sys
import tempfile

from .report import Row, Table, at_least, at_most
from .timing import median, progress

__all__ = ["measure"]

GOALS = {"v16": 90.0, "v201": 130.0, "v21": 200.0}  # ms
PROCESSES = 15  # at most, of each: a new process is slow, and its import is not
_PROGRAM = """
import time
start = time.process_time()
import {package}.{version}.call, {package}.{version}.call_result
print((time.process_time() - start) * 1000)
"""


def measure(rounds: int) -> list[Table]:
    """Ours beside the peer's, which has no smaller part to import either."""
    with tempfile.TemporaryDirectory() as bytecode:
        return [_table(rounds, bytecode)]


def _table(rounds: int, bytecode: str) -> Table:
    rows = []
    for version, goal in GOALS.items():
        progress(f"the import of {version}")
        times: dict[str, list[float]] = {"ocpp_sansio": [], "ocpp": []}
        for package in times:
            _import_once(package, version, bytecode)  # compiles
        for _ in range(min(rounds, PROCESSES)):
            for package, found in times.items():
                found.append(_import_once(package, version, bytecode))
        ours, theirs = (median(found) for found in times.values())
        checks = [at_most("ours", ours, goal), at_least("peer/ours", theirs / ours, 1)]
        rows.append(Row(version, [ours, theirs, theirs / ours], checks))
    return Table("Import of call and call_result, ms", ["ours", "peer", "peer/ours"], rows)


def _import_once(package: str, version: str, bytecode: str) -> float:
    # Wherever the environment keeps bytecode, or says that it keeps none: both packages are treated alike.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = bytecode
    command = [sys.executable, "-c", _PROGRAM.format(package=package, version=version)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)
