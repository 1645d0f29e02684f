"""The search without end: `python3 run.py fuzz model --steps N`."""

import argparse
import signal
import sys
import time
import traceback
from random import Random

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from ocpp_sansio import Version

from .machine import Model

__all__ = ["main"]

STEPS = 100  # of a run, unless it fails
RUNS = 100  # that share a seed


class Search:
    """So many steps, in runs of a hundred. `done` are the rules that were executed."""

    def __init__(self, first_seed: int, steps: int) -> None:
        self.seed, self.steps = first_seed, steps
        self.done, self.start, self.shown = 0, time.monotonic(), 0.0
        self.is_stopped = False

    def go(self) -> None:
        """Raise what is found, with the program that leads to it in its notes."""
        while self.done < self.steps:
            runs = min(RUNS, -((self.done - self.steps) // STEPS))
            run_state_machine_as_test(seed(self.seed)(self._counted()), settings=_settings(runs))
            self.seed += 1

    def _counted(self) -> type[Model]:
        search = self

        class Counted(Model):
            def teardown(self) -> None:
                search.count(self.steps)
                super().teardown()

        # The name that a program has which was found.
        Counted.__name__ = Model.__name__
        return Counted

    def count(self, steps: int) -> None:
        """A run is over."""
        self.done += steps
        if self.is_stopped:
            raise KeyboardInterrupt
        passed = time.monotonic() - self.start
        if passed - self.shown > 2:
            self.shown = passed
            print(self, file=sys.stderr, flush=True)

    def stop(self, *_: object) -> None:
        """Ctrl-C: when this run is over. Raised at any instant, it would get lost in callbacks now and then."""
        self.is_stopped = True

    def __str__(self) -> str:
        passed = time.monotonic() - self.start
        return f"{self.done:>11,} steps, {self.done / max(passed, 1e-9):,.0f} a second, {passed:.0f} s"


def _settings(runs: int) -> settings:
    return settings(
        max_examples=runs,
        stateful_step_count=STEPS,
        phases=[Phase.generate, Phase.shrink],
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def main(arguments: list[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="run.py fuzz model", description="Two peers on a faulty wire.")
    parser.add_argument(
        "--steps", type=int, default=1_000_000, help="rules to execute (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=None, help="repeat an earlier run (default: drawn)")
    options = parser.parse_args(arguments)
    search = Search(Random().randrange(10**9) if options.seed is None else options.seed, options.steps)
    print(f"seed {search.seed}")
    # Hypothesis likes to draw what stands as a constant in the modules that are loaded: with all of them there
    # from the start, a seed draws the same wherever the search began.
    for version in Version:
        version.load()
        version.load_sends()
    signal.signal(signal.SIGINT, search.stop)
    try:
        search.go()
    except KeyboardInterrupt:
        print(f"{search}, stopped; nothing was found")
        return 130
    except Exception as found:
        traceback.print_exception(found, file=sys.stdout)
        print(f"{search}, one disagreement; --seed {search.seed} finds it again")
        return 1
    print(f"{search}, nothing was found")
    return 0
