"""Keeps log messages from breaking into the table."""

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager

__all__ = ["HeldBack", "held_back"]

MOST = 20


class HeldBack(logging.Handler):
    """Keeps warnings and worse: the first few whole, of the rest the number."""

    def __init__(self, wanted: Callable[[], bool]) -> None:
        super().__init__(logging.WARNING)
        self._wanted = wanted
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        self._kept: list[str] = []
        self._dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        if not self._wanted():
            return
        if len(self._kept) < MOST:
            self._kept.append(self.format(record))
        else:
            self._dropped += 1

    def lines(self) -> Iterator[str]:
        """What was logged."""
        yield from self._kept
        if self._dropped:
            yield f"... and {self._dropped} more"


@contextmanager
def held_back(wanted: Callable[[], bool]) -> Generator[HeldBack]:
    """Whatever is logged meanwhile goes into the object if it is wanted just then, and not to the terminal."""
    root = logging.getLogger()
    handler = HeldBack(wanted)
    # With a handler at the root, logging's last resort, which writes to stderr, stays silent.
    root.addHandler(handler)
    try:
        yield handler
    finally:
        root.removeHandler(handler)
