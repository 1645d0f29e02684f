"""Cancellation at every await: something is run again and again, and cancelled one suspension later each time."""

from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from typing import Any

import attrs

__all__ = ["Stepping", "each_step"]

MOST = 1000  # suspensions


@attrs.define
class Stepping:
    """Awaits `work`, and calls `stop` when it has been suspended `stop_at` times."""

    work: Coroutine[Any, Any, object]
    stop_at: int
    stop: Callable[[], object]
    suspended: int = 0

    def __await__(self) -> Generator[Any, Any, None]:
        work = self.work
        value, error = None, None
        while True:
            try:
                trap = work.send(value) if error is None else work.throw(error)
            except StopIteration:
                return
            self.suspended += 1
            if self.suspended == self.stop_at:
                self.stop()
            value, error = None, None
            try:
                value = yield trap
            except BaseException as thrown:
                error = thrown


async def each_step(run: Callable[[int], Coroutine[Any, Any, int]]) -> AsyncIterator[int]:
    """`run(n)` for n from 1, until it tells that its work was suspended less often than that. Gives each n."""
    for step in range(1, MOST):
        if await run(step) < step:
            return
        yield step
    raise AssertionError("it never runs through")
