"""Clocks that jump to the next deadline whenever every task waits: no test sleeps, on asyncio as on trio.

For in-memory streams only: nobody can tell when a socket will have something to read.
"""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
import trio
from trio.testing import MockClock

__all__ = ["BACKENDS", "backend", "only_asyncio", "run"]

BACKENDS = ("asyncio", "trio")


class JumpingSelector(selectors.DefaultSelector):
    """Moves its clock instead of waiting for input."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.step = 0.0  # the least that it moves

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("every task waits, and for nothing that could happen")
        if not ready and timeout:
            self.now += max(timeout, self.step)
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop on the clock of its selector."""

    def __init__(self) -> None:
        self.clock = JumpingSelector()
        super().__init__(self.clock)

    def time(self) -> float:
        return self.clock.now


class CoarseLoop(JumpingLoop):
    """Its clock ticks 64 times a second, as Windows' does, and so its timers run up to a tick early."""

    TICK = 1 / 64

    def __init__(self) -> None:
        super().__init__()
        self._clock_resolution = self.TICK
        self.clock.step = self.TICK / 16  # the time that a turn of the loop takes

    def time(self) -> float:
        return self.clock.now // self.TICK * self.TICK


LOOPS = {"asyncio": JumpingLoop, "asyncio, coarse clock": CoarseLoop}


def backend(name: str) -> tuple[str, dict[str, Any]]:
    """Name and options of a backend, as anyio wants them, with a new clock."""
    if name == "trio":
        return name, {"clock": MockClock(autojump_threshold=0)}
    return "asyncio", {"loop_factory": LOOPS[name]}


def run(function: Callable[[], Awaitable[None]], name: str) -> None:
    """What `anyio.run` does, whose older versions forget the clock of trio."""
    library, options = backend(name)
    if library == "trio":
        trio.run(function, **options)
    else:
        anyio.run(function, backend=library, backend_options=options)


#: For what only asyncio can do to us: cancel one task, and gather.
only_asyncio = pytest.mark.parametrize("virtual_time", ["asyncio"], indirect=True)
