"""The energy meter of a simulated station and the car that is plugged in. Knows electricity, and nothing of
OCPP.
"""

from datetime import datetime
from random import Random

import attrs

__all__ = ["SAMPLES", "Meter", "Reading"]

#: What is told of a reading: the attribute, its measurand and its unit, in the words of all versions.
SAMPLES = (
    ("energy", "Energy.Active.Import.Register", "Wh"),
    ("power", "Power.Active.Import", "W"),
    ("voltage", "Voltage", "V"),
    ("soc", "SoC", "Percent"),
)

TAPER = 80.0  # per cent; above it a battery takes less and less


@attrs.frozen
class Reading:
    """What the meter and the car show at one moment: Wh ever delivered, W, V, and per cent of the battery."""

    time: datetime
    energy: int
    power: float
    voltage: float
    soc: float


class Meter:
    """Counts what a car takes, moment after moment. Two meters made from equal randomness show equal values.

    `limit` is the most that may be drawn, in W, if there is such a limit; it may change at any time.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self.most_power = random.choice([3_700.0, 7_400.0, 11_000.0, 22_000.0])
        self._battery_wh = random.uniform(35_000, 75_000)
        self._soc = random.uniform(20, 75)
        self._register_wh = random.uniform(10_000, 900_000)
        self._power = 0.0
        self._read_at: datetime | None = None
        self.limit: float | None = None

    def plug_in(self) -> None:
        """Another car comes; the register counts on."""
        self._battery_wh = self._random.uniform(35_000, 75_000)
        self._soc = self._random.uniform(20, 75)
        self._read_at = None

    def idle(self, now: datetime) -> Reading:
        """What it shows while no car is charging."""
        self._read_at = None
        return Reading(time=now, energy=int(self._register_wh), power=0, voltage=230.0, soc=round(self._soc))

    def read(self, now: datetime) -> Reading:
        """What it shows now, the car having been charging since it was last read."""
        self._advance(now)
        return Reading(
            time=now,
            energy=int(self._register_wh),
            power=round(self._power),
            voltage=round(self._random.gauss(230, 1), 1),
            soc=round(self._soc),
        )

    def _advance(self, now: datetime) -> None:
        seconds = 0.0 if self._read_at is None else (now - self._read_at).total_seconds()
        self._read_at = now
        headroom = min(1.0, max(0.0, 100 - self._soc) / (100 - TAPER))
        self._power = self.most_power * headroom * self._random.uniform(0.97, 1.0)
        if self.limit is not None:
            self._power = min(self._power, self.limit)
        energy = self._power * seconds / 3600
        self._register_wh += energy
        self._soc = min(100.0, self._soc + 100 * energy / self._battery_wh)
