"""What one run of the demo is asked to do, and the simulated time in which it happens."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import attrs

__all__ = ["HEARTBEAT_INTERVAL", "SAMPLE_INTERVAL", "CannotStart", "Clock", "Settings"]

#: Seconds of simulated time.
SAMPLE_INTERVAL = 60
HEARTBEAT_INTERVAL = 120


class CannotStart(Exception):
    """The demo cannot run here: one sentence for whoever started it."""


@attrs.frozen(kw_only=True)
class Settings:
    """Times are in real seconds."""

    stations: int = 5
    seconds: float = 10.0  # that a station charges at most, before the CSMS stops it
    trace: str | None = None
    call_timeout: float = 10.0
    handshakes: int = 20  # connections that may be in the making at once: below any listen backlog

    @property
    def speed(self) -> float:
        """How many times faster than real time it all happens: a sample each second, and some in a short run too."""
        return SAMPLE_INTERVAL / min(1.0, self.seconds / 8)

    @property
    def patience(self) -> float:
        """How long the whole session of a station may take."""
        return self.seconds + 3 * self.call_timeout


@attrs.frozen
class Clock:
    """Simulated time, `speed` times as fast as real time, so that ten seconds show a car charging."""

    speed: float
    _epoch: datetime = attrs.field(factory=lambda: datetime.now(UTC))
    _began: float = attrs.field(factory=time.monotonic)

    def now(self) -> datetime:
        """The simulated time of day."""
        return self._epoch + timedelta(seconds=(time.monotonic() - self._began) * self.speed)

    async def sleep(self, seconds: float) -> None:
        """Let this many simulated seconds pass."""
        await asyncio.sleep(seconds / self.speed)

    async def happens(self, event: asyncio.Event, *, within: float) -> bool:
        """Wait for the event, at most this many simulated seconds; whether it came."""
        try:
            async with asyncio.timeout(within / self.speed):
                await event.wait()
        except TimeoutError:
            return False
        return True
