"""`ocpp-sansio report`: one self-contained page of a recorded session."""

import argparse
import os
import sys
from pathlib import Path

from ._arguments import add_version, some_seconds, whole
from ._command import FINE, Problem, examples
from ._log.input import frames_of, progress_on
from ._log.reading import read
from ._log.redaction import Redactor
from ._log.words import counted
from ._report.page import page

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `report`."""
    parser.description = (
        "Makes one page of a recorded session that needs no network: the stations on a time line, who said what\n"
        "to whom, each frame with what is wrong in it, filters by action, station and trouble. Reads what\n"
        "`decode` reads. Passwords, id tokens and certificates are hidden.\n\n"
        "Exit status: 0 if the page is written, 2 if it cannot be."
    )
    parser.epilog = examples(
        ("ocpp-sansio report trace.jsonl -o report.html", "a page to look at, and to send to somebody"),
        ("ocpp-sansio report charger.log -o - > report.html", "write it to standard output"),
    )
    parser.add_argument("source", metavar="TRACE", help="a trace or a log; - is standard input")
    parser.add_argument(
        "-o", "--output", metavar="FILE", required=True, help="where to write the page; - is standard output"
    )
    add_version(parser)
    parser.add_argument(
        "--title", metavar="TEXT", help="what stands above it (default: the name of the trace)"
    )
    parser.add_argument(
        "--most",
        metavar="N",
        type=whole(1),
        default=5000,
        help="frames that it shows at most (default: 5000)",
    )
    parser.add_argument(
        "--slow",
        metavar="S",
        type=some_seconds,
        default=5.0,
        help="answers after S seconds are slow (default: 5)",
    )
    parser.add_argument("--secrets", action="store_true", help="show passwords, id tokens and certificates")
    parser.set_defaults(to_see_more="--most shows more")


def run(options: argparse.Namespace) -> int:
    """Write the page of `options.source`."""
    if os.path.realpath(options.output) == os.path.realpath(options.source):
        raise Problem(f"the page would overwrite {options.source!r}.")
    frames = frames_of(options.source)
    reading = read(frames, options.version, progress=progress_on(len(frames), "judging frame"))
    name = options.title or ("standard input" if options.source == "-" else Path(options.source).name)
    text = page(reading, name, Redactor(off=options.secrets), most=options.most, slow=options.slow)
    if options.output == "-":
        sys.stdout.buffer.write(text.encode(errors="replace"))
        return FINE
    try:
        Path(options.output).write_bytes(text.encode(errors="replace"))
    except OSError as error:
        raise Problem(f"the page cannot be written to {options.output!r}: {error.strerror}.") from None
    left_out = len(reading.heard) - options.most
    more = f"; {counted(left_out, 'frame')} left out, {options.to_see_more}" if left_out > 0 else ""
    wrong = sum(item.spoken.wrong for item in reading.heard)
    trouble = f"{wrong:,} with trouble" if wrong else "no trouble"
    print(f"{options.output}: {counted(len(reading.heard), 'frame')}, {trouble}{more}.")
    return FINE
