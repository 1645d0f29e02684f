"""Ctrl-C, and a plain `kill`, as one orderly request to stop."""

import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Self

from ._command import Problem

__all__ = ["SIGNALS", "Interruption"]

#: What asks for an end.
SIGNALS = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if sys.platform != "win32" else []))


class Interruption:
    """In its block, notes the first signal in `number` and passes it on to the block of `stopping`; more are
    ignored.

    No KeyboardInterrupt: it is raised wherever the program happens to be, which may be in the middle of
    cleaning up after the first one, or where Python can do no better than print a traceback and go on.
    """

    def __init__(self) -> None:
        self.number: signal.Signals | None = None
        self._stop: Callable[[], object] | None = None
        self._before: dict[signal.Signals, Any] = {}

    @property
    def happened(self) -> bool:
        return self.number is not None

    def __enter__(self) -> Self:
        for number in SIGNALS:
            # A shell lets its background jobs ignore Ctrl-C; what is ignored stays so.
            if signal.getsignal(number) is not signal.SIG_IGN:
                with suppress(ValueError):  # not the main thread, which alone is told of signals
                    self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *end: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    @contextmanager
    def stopping(self, stop: Callable[[], object]) -> Generator[None]:
        """While the block runs, a signal calls `stop` from its handler; at once if it has come before."""
        self._stop = stop
        if self.happened:
            stop()
        try:
            yield
        finally:
            self._stop = None

    def check(self) -> None:
        """Raise the Problem that a run ends with which was stopped."""
        if self.number is not None:
            sentence = "interrupted." if self.number is signal.SIGINT else f"ended by {self.number.name}."
            raise Problem(sentence, 128 + self.number)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        first, self.number = not self.happened, self.number or signal.Signals(number)
        if first and self._stop is not None:
            self._stop()
