"""What one run of the demo is asked to do."""

import attrs

__all__ = ["HEARTBEAT_INTERVAL", "SAMPLE_INTERVAL", "Settings"]

#: Seconds of simulated time. A heartbeat comes after silence, and so between two samples.
SAMPLE_INTERVAL = 60
HEARTBEAT_INTERVAL = 45


@attrs.frozen(kw_only=True)
class Settings:
    """Times are in real seconds."""

    stations: int = 5
    seconds: float = 10.0  # that a station charges at most, before the operator stops it
    trace: str | None = None
    report: str | None = None
    call_timeout: float = 10.0

    @property
    def speed(self) -> float:
        """How many times faster than real time it all happens: a sample each second, and some in a short run
        too.
        """
        return SAMPLE_INTERVAL / min(1.0, self.seconds / 8)

    @property
    def patience(self) -> float:
        """How long the whole session of a station may take."""
        return self.seconds + 3 * self.call_timeout
