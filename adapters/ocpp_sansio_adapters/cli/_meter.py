"""The energy meter of a simulated station and the car that is plugged in. Knows electricity, and nothing of connections."""

from datetime import datetime
from random import Random

from ocpp_sansio.v16.datatypes import MeterValue, SampledValue
from ocpp_sansio.v16.enums import Measurand, UnitOfMeasure

__all__ = ["Meter"]

TAPER = 80.0  # per cent; above it a battery takes less and less


class Meter:
    """Counts what a car takes, moment after moment. Two meters made from equal randomness show equal values."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._most_power = random.choice([3_700.0, 7_400.0, 11_000.0, 22_000.0])
        self._battery_wh = random.uniform(35_000, 75_000)
        self._soc = random.uniform(20, 75)
        self._register_wh = random.uniform(10_000, 900_000)
        self._power = 0.0
        self._read_at: datetime | None = None

    @property
    def register_wh(self) -> int:
        """What was ever delivered, in whole Wh, as transactions report it."""
        return int(self._register_wh)

    def advance(self, now: datetime) -> None:
        """The car has been charging until now."""
        seconds = 0.0 if self._read_at is None else (now - self._read_at).total_seconds()
        self._read_at = now
        headroom = min(1.0, max(0.0, 100 - self._soc) / (100 - TAPER))
        self._power = self._most_power * headroom * self._random.uniform(0.97, 1.0)
        energy = self._power * seconds / 3600
        self._register_wh += energy
        self._soc = min(100.0, self._soc + 100 * energy / self._battery_wh)

    def read(self) -> MeterValue:
        """What the meter showed at the last moment that it was told of."""
        assert self._read_at is not None
        voltage = self._random.gauss(230, 1)
        return MeterValue(
            timestamp=self._read_at,
            sampled_value=[
                SampledValue(
                    value=str(self.register_wh),
                    measurand=Measurand.energy_active_import_register,
                    unit=UnitOfMeasure.wh,
                ),
                SampledValue(
                    value=f"{self._power:.0f}", measurand=Measurand.power_active_import, unit=UnitOfMeasure.w
                ),
                SampledValue(value=f"{voltage:.1f}", measurand=Measurand.voltage, unit=UnitOfMeasure.v),
                SampledValue(value=f"{self._soc:.0f}", measurand=Measurand.soc, unit=UnitOfMeasure.percent),
            ],
        )
