"""Measures and prints the tables; `--json FILE` keeps them with machine and versions.

Medians of many short turns, all in one process but for the imports: read the ratios.
"""

import argparse
import json
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from . import calls, codec, flat, imports, loopback, memory, receive, refusal, scale
from .timing import CLOCKS, progress, use_clock

GROUPS = {
    "receive": receive.measure,
    "call": calls.measure,
    "codec": codec.measure,
    "refusal": refusal.measure,
    "import": imports.measure,
    "memory": memory.measure,
    "flat": flat.measure,
    "loopback": loopback.measure,
    "scale": scale.measure,
}
PACKAGES = ("ocpp-sansio", "ocpp", "attrs", "jsonschema", "anyio", "trio", "websockets")


def main() -> int:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(prog="run.py bench", description=__doc__)
    parser.add_argument(
        "--rounds", type=_positive, default=60, help="turns of each contender (default: %(default)s)"
    )
    parser.add_argument(
        "--only", type=_groups, default=list(GROUPS), metavar="GROUP,...", help=f"of {', '.join(GROUPS)}"
    )
    parser.add_argument(
        "--clock", choices=CLOCKS, default="cpu", help="wall: on a quiet machine (default: %(default)s)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there, too")
    options = parser.parse_args()
    use_clock(options.clock)
    results = {}
    print("sync, default, peer: mobilityhouse's ocpp, without and with its thread; -: it cannot do this\n")
    for name in options.only:
        tables = GROUPS[name](options.rounds)
        progress("")
        for table in tables:
            print(table, flush=True)
        results[name] = [table.as_json() for table in tables]
    if options.json:
        kept = {"machine": _machine(), "rounds": options.rounds, "clock": options.clock, **results}
        options.json.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return 0


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _groups(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in GROUPS]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no {', '.join(unknown)}; there is {', '.join(GROUPS)}")
    return names


def _machine() -> dict[str, str | int | None]:
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "processors": os.cpu_count(),
        **{name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


if __name__ == "__main__":
    sys.exit(main())
