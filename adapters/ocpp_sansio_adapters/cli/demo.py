"""The demo's command line: one CSMS and many charging stations talk OCPP 1.6, 2.0.1 and 2.1 over real WebSockets on loopback.

Knows options, sentences for people and exit statuses; what happens in between is in `_run`.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from math import inf
from typing import NoReturn

from ._interrupt import Interruption
from ._status import CANNOT_START, NOT_FINE

__all__ = ["main"]

#: What the extra `websockets` brings.
EXTRA = frozenset({"anyio", "websockets"})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo and return its exit status: 0 if every call was answered and every station finished, else 1.

    2 means that it could not start, 130 that Ctrl-C ended it. Wrong arguments and `--help` raise SystemExit.
    """
    interruption = Interruption()
    interruption.install()
    try:
        return _main(argv, interruption)
    finally:
        interruption.remove()


def _main(argv: Sequence[str] | None, interruption: Interruption) -> int:
    options = _parser().parse_args(argv)
    try:
        return _run(options, interruption)
    except BrokenPipeError:
        # Whoever read our output has left. The interpreter flushes once more at its end, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOT_FINE


def _run(options: argparse.Namespace, interruption: Interruption) -> int:
    try:
        # Loaded only now, so that a missing extra is a sentence, and Ctrl-C while this takes its time no traceback.
        from ._show.run import run
        from ._show.settings import CannotStart, Settings
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in EXTRA:
            raise
        cure = "install it with `pip install 'ocpp-sansio[websockets]'`"
        return _refuse(f"the extra `websockets` is not installed; {cure}.")
    try:
        settings = Settings(stations=options.stations, seconds=options.seconds, trace=options.trace)
        return run(settings, sys.stdout, interruption)
    except CannotStart as problem:
        return _refuse(str(problem))


def _refuse(sentence: str) -> int:
    print(f"demo: {sentence}", file=sys.stderr)
    return CANNOT_START


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with an argument in one sentence, without the usage around it."""

    def error(self, message: str) -> NoReturn:
        self.exit(CANNOT_START, f"{self.prog}: {message}; --help lists the options.\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="demo",
        description="One CSMS and charging stations talk OCPP 1.6, 2.0.1 and 2.1 over real WebSockets.",
    )
    parser.add_argument(
        "--stations", metavar="N", type=_count, default=5, help="how many stations (default: %(default)s)"
    )
    parser.add_argument(
        "--seconds",
        metavar="S",
        type=_duration,
        default=10.0,
        help="how long each of them charges at most (default: %(default)g)",
    )
    parser.add_argument("--trace", metavar="FILE", help="write every frame to FILE, as JSON Lines")
    return parser


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"a whole number of at least 1 is needed, not {text!r}")
    return number


def _duration(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < inf:
        raise argparse.ArgumentTypeError(f"a number of seconds above 0 is needed, not {text!r}")
    return number


if __name__ == "__main__":
    guard = Interruption()
    guard.install()
    status = _main(None, guard)
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # one more Ctrl-C while the interpreter leaves would be a traceback
    sys.exit(status)
