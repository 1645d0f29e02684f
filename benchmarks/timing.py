"""Taking turns: each contender runs for a few milliseconds, then the next, for many rounds.

Whatever disturbs the machine disturbs all of them alike, so the ratios hold where the times do not.
"""

import statistics
import sys
import time
from collections.abc import Callable

__all__ = ["CLOCKS", "Run", "Times", "in_turns", "median", "progress", "use_clock"]

Run = Callable[[int], None]  # does its work that many times
Times = dict[str, list[float]]  # µs of each contender in each round

SLICE = 0.004  # seconds: shorter than most disturbances

#: CPU time of all threads does not count what else runs on the machine, nor the peer's waiting for its own thread.
CLOCKS = {"cpu": time.process_time, "wall": time.perf_counter}
_clock = CLOCKS["cpu"]


def use_clock(name: str) -> None:
    """Measure all that follows by this clock."""
    global _clock  # noqa: PLW0603 - one program, one clock
    _clock = CLOCKS[name]


def in_turns(runs: dict[str, Run], rounds: int) -> Times:
    """µs of one piece of work, for each contender and round."""
    counts = {name: _count_for(run) for name, run in runs.items()}
    times: Times = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(_time(run, counts[name]))
    return times


def median(times: list[float]) -> float:
    """The median, to the nanosecond."""
    return round(statistics.median(times), 3)


def progress(what: str) -> None:
    """Say what is being measured, if somebody is looking."""
    if sys.stderr.isatty():
        print(f"\r\x1b[Kmeasuring {what} ..." if what else "\r\x1b[K", end="", file=sys.stderr, flush=True)


def _time(run: Run, count: int) -> float:
    start = _clock()
    run(count)
    return (_clock() - start) / count * 1e6


def _count_for(run: Run) -> int:
    run(2)  # compiles, fills caches
    return max(1, round(SLICE * 1e6 / max(0.1, _time(run, 3))))
