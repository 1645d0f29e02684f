"""Where the frames of a command come from: a file, standard input, or the command line itself."""

import argparse
import sys
from collections.abc import Callable
from contextlib import suppress
from math import inf
from pathlib import Path

from ocpp_sansio import Version

from .._command import Problem
from .finding import Found, find_frames, looks_like_a_frame

__all__ = ["add_version", "count", "frames_of", "positive", "progress_on", "version_of"]

#: Frames between two signs of life.
STEP = 500


def add_version(parser: argparse.ArgumentParser) -> None:
    """The option `--version`."""
    parser.add_argument(
        "--version",
        metavar="V",
        type=version_of,
        help="1.6, 2.0.1 or 2.1 (default: what the log says, or a guess)",
    )


def version_of(text: str) -> Version:
    """A version as people write it: 1.6, ocpp1.6, 2.0.1."""
    try:
        return Version(text.lower().removesuffix("j"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def positive(text: str) -> float:
    """A number of seconds."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < inf:
        raise argparse.ArgumentTypeError(f"a number of seconds above 0 is needed, not {text!r}")
    return number


def count(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a whole number of at least 1 is needed, not {text!r}")
    return int(text)


def frames_of(source: str) -> list[Found]:
    """The frames in a file, in standard input (`-`), or in the argument itself. Raises Problem if there are
    none.
    """
    if looks_like_a_frame(source):
        return [Found(text=source.strip(), line=1)]
    found = list(find_frames(_text_of(source)))
    if not found:
        raise Problem(f'there is no OCPP frame in {_name(source)}: one looks like [2,"1","Heartbeat",{{}}].')
    return found


def _text_of(source: str) -> str:
    if source == "-":
        if sys.stdin.isatty():
            print("reading standard input; Ctrl-D ends it, --help says what else there is", file=sys.stderr)
        return sys.stdin.buffer.read().decode(errors="replace")
    try:
        return Path(source).read_bytes().decode(errors="replace")
    except OSError as error:
        raise Problem(f"{source!r} cannot be read: {error.strerror}.") from None


def _name(source: str) -> str:
    return "standard input" if source == "-" else repr(source)


def progress_on(total: int, what: str) -> Callable[[int], None]:
    """Tells on a terminal, in place, how much is done; nothing elsewhere, and nothing of what is done at
    once.
    """
    err = sys.stderr
    if total < 4 * STEP or not err.isatty():
        return lambda done: None

    def tell(done: int) -> None:
        if done % STEP == 0 or done == total:
            with suppress(OSError):
                err.write(f"\r{what} {done:,} of {total:,}\x1b[K" if done < total else "\r\x1b[K")
                err.flush()

    return tell
