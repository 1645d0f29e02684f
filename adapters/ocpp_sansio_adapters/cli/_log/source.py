"""The lines of a log: from a file or from a pipe, as they come, in whatever encoding, zipped or not. Knows no
frame.
"""

import codecs
import os
import sys
import threading
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from queue import SimpleQueue
from stat import S_ISREG

from .._interrupt import Interruption

__all__ = ["is_live", "lines_of", "lines_of_file", "lines_of_pipe"]

CHUNK = 2**16
#: Characters of a line; what has more is cut, so that what is no text at all does not fill the memory.
LONGEST = 2**26
#: Chunks that are read before anybody asks for them.
AHEAD = 16
GZIP = b"\x1f\x8b"
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def is_live(source: str) -> bool:
    """Whether lines may come at any time: standard input that is no file."""
    if source != "-" or sys.stdin is None:
        return False
    try:
        return not S_ISREG(os.fstat(sys.stdin.fileno()).st_mode)
    except (OSError, ValueError):  # no descriptor, or closed
        return False


def lines_of_file(source: str, progress: Callable[[int, int], object]) -> Iterator[str]:
    """The lines of a file, or of standard input (`-`), to its end. `progress` is told how many bytes of how
    many are read.
    """
    if source == "-":
        yield from lines_of(iter(lambda: sys.stdin.buffer.read(CHUNK), b""))
        return
    with Path(source).open("rb") as file:
        size = os.fstat(file.fileno()).st_size

        def chunks() -> Iterator[bytes]:
            done = 0  # of a pipe nobody can ask for the place
            while chunk := file.read(CHUNK):
                done += len(chunk)
                yield chunk
                progress(done, size)

        yield from lines_of(chunks())


@contextmanager
def lines_of_pipe(
    interruption: Interruption, idle: Callable[[], object] = lambda: None
) -> Generator[Iterator[str]]:
    """The lines of standard input, each when it is there. Ctrl-C ends them, after those that came before it.

    `idle` is called before each time that they are waited for.
    """
    # A thread reads, because a read that waits cannot be told to stop. Its descriptor is read past Python's
    # buffer, whose lock nobody could take from a thread that waits when the process ends.
    waiting: SimpleQueue[bytes] = SimpleQueue()  # the one queue that a signal handler may put something into
    room = threading.Semaphore(AHEAD)
    descriptor = sys.stdin.fileno()

    def pump() -> None:
        try:
            with suppress(OSError):  # the terminal is gone
                while chunk := os.read(descriptor, CHUNK):
                    room.acquire()
                    waiting.put(chunk)
        finally:
            waiting.put(b"")

    def chunks() -> Iterator[bytes]:
        while True:
            if waiting.empty():
                idle()
            chunk = waiting.get()
            if not chunk:
                return
            room.release()
            yield chunk

    threading.Thread(target=pump, daemon=True, name="reads standard input").start()
    with interruption.stopping(lambda: waiting.put(b"")):
        yield lines_of(chunks())


def lines_of(chunks: Iterable[bytes]) -> Iterator[str]:
    """The lines in these bytes. Only a line feed ends one: whatever else Unicode calls a line may be within a
    frame.
    """
    begun: list[str] = []
    length = 0
    for text in _texts(iter(chunks)):
        first, *more = text.split("\n")
        begun.append(first)
        length = length + len(first) if not more else len(more[-1])
        if not more and length > LONGEST:
            more, length = ["", *more], 0
        for line in more:
            yield "".join(begun).removesuffix("\r")
            begun = [line]
    if last := "".join(begun):
        yield last.removesuffix("\r")


def _texts(chunks: Iterator[bytes]) -> Iterator[str]:
    first = _first(chunks)
    if first.startswith(GZIP):
        chunks = _unzipped(chain([first], chunks))
        first = _first(chunks)
    decoder = codecs.getincrementaldecoder(_encoding(first))("replace")
    for chunk in chain([first], chunks):
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


def _first(chunks: Iterator[bytes]) -> bytes:
    """Enough bytes to tell what they are, if there are as many."""
    first = b""
    while len(first) < 4 and (chunk := next(chunks, b"")):
        first += chunk
    return first


def _encoding(first: bytes) -> str:
    """As the mark at the beginning says, else by where the zeros of plain letters stand."""
    for mark, encoding in BOMS:
        if first.startswith(mark):
            return encoding
    begin = first[:4]
    return {(False, True): "utf-16-le", (True, False): "utf-16-be"}.get(
        (begin[0:1] == b"\0", begin[1:2] == b"\0"), "utf-8"
    )


def _unzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """What was zipped, also in several parts, as log rotation appends them; as far as it goes, if it was cut off."""
    inflater = zlib.decompressobj(wbits=31)
    for chunk in chunks:
        rest = chunk
        while rest:
            try:
                text = inflater.decompress(rest)
            except zlib.error:
                return
            if text:
                yield text
            rest = inflater.unused_data
            if inflater.eof:
                inflater = zlib.decompressobj(wbits=31)
