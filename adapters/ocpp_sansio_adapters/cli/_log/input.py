"""Where the frames of a command come from: a file, standard input, or the command line itself."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress

from .._command import Problem
from .finding import Found, frames_in, looks_like_a_frame
from .source import lines_of_file

__all__ = ["frames_of", "no_frame_in", "progress_on", "say_that_input_is_read"]

#: Frames between two signs of life.
STEP = 500
#: Bytes of a file that is not read at once.
LARGE = 2**20


def frames_of(source: str) -> list[Found]:
    """The frames in a file, in standard input (`-`), or in the argument itself. Raises Problem if there are
    none.
    """
    if looks_like_a_frame(source) and not os.path.exists(source):
        return [Found(text=source.strip(), line=1)]
    if source == "-" and sys.stdin is None:
        raise Problem("there is nothing to read: standard input is closed.")
    say_that_input_is_read(source)
    try:
        found = list(frames_in(lines_of_file(source, _progress_of_reading)))
    except OSError as error:
        raise Problem(f"{source!r} cannot be read: {error.strerror}.") from None
    if not found:
        raise no_frame_in(source)
    return found


def say_that_input_is_read(source: str) -> None:
    """To whoever sits at a terminal and wonders what the command waits for."""
    if source == "-" and sys.stdin.isatty():
        print("reading standard input; Ctrl-D ends it, --help says what else there is", file=sys.stderr)


def no_frame_in(source: str) -> Problem:
    """What to say when there is nothing to read."""
    name = "standard input" if source == "-" else repr(source)
    return Problem(f'there is no OCPP frame in {name}: one looks like [2,"1","Heartbeat",{{}}].')


def progress_on(total: int, what: str) -> Callable[[int], None]:
    """Tells on a terminal, in place, how much is done; nothing elsewhere, and nothing of what is done at
    once.
    """
    if total < 4 * STEP or not sys.stderr.isatty():
        return lambda done: None

    def tell(done: int) -> None:
        if done % STEP == 0 or done == total:
            _in_place(f"{what} {done:,} of {total:,}" if done < total else "")

    return tell


def _progress_of_reading(done: int, size: int) -> None:
    """The same of a file, in bytes."""
    if size >= LARGE and sys.stderr.isatty():
        _in_place(f"reading {done // 1000:,} of {size // 1000:,} kB" if done < size else "")


def _in_place(text: str) -> None:
    with suppress(OSError):
        sys.stderr.write(f"\r{text}\x1b[K")
        sys.stderr.flush()
