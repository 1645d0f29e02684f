"""What the first `import` of a version's messages costs, each time in a new process, from compiled bytecode:
CPU time, and how much the resident memory of the process grows (Linux only).
"""

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
import mmap, pathlib, time
statm = pathlib.Path("/proc/self/statm")
def memory():
    return int(statm.read_text().split()[1]) * mmap.PAGESIZE if statm.exists() else 0
before = memory()
start = time.process_time()
import {package}.{version}.call, {package}.{version}.call_result
print((time.process_time() - start) * 1000, (memory() - before) / 2**20)
"""


def measure(rounds: int) -> list[Table]:
    """Ours beside the peer's, which has no smaller part to import either."""
    with tempfile.TemporaryDirectory() as bytecode:
        return [_table(rounds, bytecode)]


def _table(rounds: int, bytecode: str) -> Table:
    rows = []
    for version, goal in GOALS.items():
        progress(f"the import of {version}")
        costs: dict[str, list[tuple[float, float]]] = {"ocpp_sansio": [], "ocpp": []}
        for package in costs:
            _import_once(package, version, bytecode)  # compiles
        for _ in range(min(rounds, PROCESSES)):
            for package, found in costs.items():
                found.append(_import_once(package, version, bytecode))
        ours, theirs = (median([time for time, _ in found]) for found in costs.values())
        memory = [median([growth for _, growth in found]) for found in costs.values()]
        checks = [at_most("ours", ours, goal), at_least("peer/ours", theirs / ours, 1)]
        rows.append(Row(version, [ours, theirs, theirs / ours, *memory], checks))
    columns = ["ours", "peer", "peer/ours", "ours, MB", "peer, MB"]
    return Table("Import of call and call_result: ms, and growth of the process", columns, rows)


def _import_once(package: str, version: str, bytecode: str) -> tuple[float, float]:
    """Milliseconds, and MB."""
    # Wherever the environment keeps bytecode, or says that it keeps none: both packages are treated alike.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = bytecode
    command = [sys.executable, "-c", _PROGRAM.format(package=package, version=version)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    time, growth = done.stdout.split()
    return float(time), float(growth)
