"""Measures and prints the table; `--json FILE` keeps the result with machine and versions."""

import argparse
import json
import platform
import statistics
import sys
import time
from importlib.metadata import version
from pathlib import Path

from .messages import MESSAGES, Sample
from .receive import Round, contenders

SLICE = 0.004  # seconds that one contender runs before the next has its turn: shorter than most disturbances


def measure(sample: Sample, rounds: int) -> dict[str, float]:
    """Median µs per message of each contender, in turns."""
    found = contenders(sample)
    counts = {name: _count_for(run) for name, run in found.items()}
    times: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(rounds):
        for name, run in found.items():
            times[name].append(_time(run, counts[name]))
    return {name: statistics.median(values) * 1e6 for name, values in times.items()}


def _time(run: Round, count: int) -> float:
    start = time.perf_counter()
    run(count)
    return (time.perf_counter() - start) / count


def _count_for(run: Round) -> int:
    run(3)  # compiles, fills caches
    return max(1, round(SLICE / _time(run, 5)))


def main() -> int:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(prog="run.py bench", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=60, help="turns of each contender (default: %(default)s)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there, too")
    options = parser.parse_args()
    results = {}
    print(
        f"{'µs per message, OCPP 1.6':26}{'ours':>8}{'floor':>8}{'sync':>9}{'default':>9}   ours/floor  sync/ours  default/ours"
    )
    for sample in MESSAGES:
        if sys.stderr.isatty():
            print(f"measuring {sample.name} ...", end="\r", file=sys.stderr)
        result = results[sample.name] = measure(sample, options.rounds)
        ours, floor, sync, default = (
            result["ours"],
            result["floor"],
            result["peer sync"],
            result["peer default"],
        )
        print(
            f"{sample.name:26}{ours:8.2f}{floor:8.2f}{sync:9.1f}{default:9.1f}"
            f"{ours / floor:13.2f}{sync / ours:11.1f}{default / ours:14.1f}"
        )
    ratios = [result["ours"] / result["floor"] for result in results.values()]
    print(f"{'geometric mean':26}{statistics.geometric_mean(ratios):47.2f}")
    if options.json:
        options.json.write_text(
            json.dumps({"machine": _machine(), "receive": results}, indent=1) + "\n", encoding="utf-8"
        )
    return 0


def _machine() -> dict[str, str]:
    packages = {name: version(name) for name in ("ocpp-sansio", "ocpp", "attrs", "jsonschema")}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": platform.machine(),
        **packages,
    }


if __name__ == "__main__":
    sys.exit(main())
