"""Simulated time: as fast as real time, or so many times faster that ten seconds show a car charging."""

from collections.abc import Callable
from datetime import UTC, datetime

import anyio
import attrs

__all__ = ["Clock"]


def _time_of_day() -> datetime:
    return datetime.now(UTC)


@attrs.frozen
class Clock:
    """Begins at the time of day, and runs `speed` times as fast. `wall` is real time."""

    speed: float = 1.0
    wall: Callable[[], datetime] = _time_of_day
    _began: datetime = attrs.field(
        init=False, default=attrs.Factory(lambda clock: clock.wall(), takes_self=True)
    )

    def now(self) -> datetime:
        """The simulated time of day."""
        return self._began + (self.wall() - self._began) * self.speed

    def real(self, seconds: float) -> float:
        """How long so many simulated seconds really last."""
        return seconds / self.speed

    async def sleep(self, seconds: float) -> None:
        """Let so many simulated seconds pass."""
        await anyio.sleep(self.real(seconds))
