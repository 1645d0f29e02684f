"""Virtual time on trio: its own clock that jumps, which is patient while threads are at work."""

from typing import Any

import trio
import trio.testing

__all__ = ["jumping"]


def jumping(patience: float, threads: float) -> dict[str, Any]:
    """Options of `trio.run` for a clock that jumps when every task waits, after `patience` seconds of real
    time, or `threads` seconds while there are threads at work.
    """
    clock = trio.testing.MockClock(autojump_threshold=patience)
    return {"clock": clock, "instruments": [_Patience(clock, patience, max(patience, threads))]}


class _Patience(trio.abc.Instrument):
    """Sets the patience of a clock whenever a thread has begun or ended."""

    def __init__(self, clock: trio.testing.MockClock, idle: float, busy: float) -> None:
        self._clock = clock
        self._idle = idle
        self._busy = busy

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        at_work = trio.to_thread.current_default_thread_limiter().borrowed_tokens
        threshold = self._busy if at_work else self._idle
        if self._clock.autojump_threshold != threshold:
            self._clock.autojump_threshold = threshold
