"""`ocpp-sansio demo`: a CSMS and charging stations talk OCPP 1.6, 2.0.1 and 2.1 over real WebSockets on loopback.

`python -m ocpp_sansio_adapters.cli.demo` is the same.
"""

import sys
from argparse import ArgumentParser, Namespace

from ._arguments import some_seconds, whole
from ._command import examples
from ._interrupt import Interruption

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """What `demo` can be told."""
    parser.description = (
        "One CSMS and charging stations talk OCPP 1.6, 2.0.1 and 2.1 over real WebSockets.\n\n"
        "Exit status: 0 if every call was answered and every station finished its session, 1 if not,\n"
        "2 if it cannot start, 130 after Ctrl-C."
    )
    parser.epilog = examples(
        ("ocpp-sansio demo --stations 50", "fifty stations, each with a car that charges"),
        ("ocpp-sansio demo --report demo.html", "a page on what they have said, to look at afterwards"),
    )
    parser.add_argument(
        "--stations",
        metavar="N",
        type=whole(1, 10_000),
        default=5,
        help="how many stations (default: %(default)s)",
    )
    parser.add_argument(
        "--seconds",
        metavar="S",
        type=some_seconds,
        default=10.0,
        help="how long each of them charges at most (default: %(default)g)",
    )
    parser.add_argument("--trace", metavar="FILE", help="write every frame to FILE, for decode and replay")
    parser.add_argument("--report", metavar="FILE", help="write a page on the session to FILE")


def run(options: Namespace) -> int:
    """Run it, with a Ctrl-C that closes all links in good order."""
    from ._show.run import run as play  # which takes its time, and is not needed for --help
    from ._show.settings import Settings

    settings = Settings(
        stations=options.stations, seconds=options.seconds, trace=options.trace, report=options.report
    )
    with Interruption() as interruption:
        return play(settings, sys.stdout, interruption)


if __name__ == "__main__":
    from .main import main

    sys.argv.insert(1, "demo")
    sys.exit(main())
