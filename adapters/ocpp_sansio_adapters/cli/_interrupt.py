"""Ctrl-C as one orderly request to stop. Imports next to nothing, so that it can stand guard while everything else is loaded."""

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Interruption"]


class Interruption:
    """Once installed, notes the first Ctrl-C in `happened` and passes it on to the block of `stopping`; more are ignored.

    No KeyboardInterrupt: it is raised wherever the program happens to be, which may be in the middle of cleaning up after the
    first one, or where Python can do no better than print a traceback and go on.
    """

    def __init__(self) -> None:
        self.happened = False
        self._stop: Callable[[], object] | None = None
        self._installed = False

    def install(self) -> None:
        """From now on Ctrl-C comes here, unless somebody ignores or handles it already, as a shell does for background jobs."""
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            try:
                signal.signal(signal.SIGINT, self._receive)
                self._installed = True
            except ValueError:
                pass  # not the main thread, which alone is told of signals

    def remove(self) -> None:
        """Undo `install`."""
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._installed = False

    @contextmanager
    def stopping(self, stop: Callable[[], object]) -> Generator[None]:
        """While the block runs, Ctrl-C calls `stop` from a signal handler; at once if it has come before."""
        self._stop = stop
        if self.happened:
            stop()
        try:
            yield
        finally:
            self._stop = None

    def _receive(self, number: int, frame: FrameType | None) -> None:
        first, self.happened = not self.happened, True
        if first and self._stop is not None:
            self._stop()
