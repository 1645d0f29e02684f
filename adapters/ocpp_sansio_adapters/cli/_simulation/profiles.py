"""Charging profiles of a simulated station: which limit holds at a connector, now and later. Knows no version.

Of a connector's profiles, in each purpose the highest level counts; of the purposes, the least limit.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from math import ceil, inf
from types import MappingProxyType
from typing import Any

import attrs

__all__ = ["ALL", "MOST_KEPT", "TX_PROFILE", "Period", "Profile", "Profiles", "profile_from"]

#: The number that means the station as a whole.
ALL = 0

MOST_KEPT = 1000  # profiles or reservations, which a CSMS may send without end
MOST_CHANGES = 10_000  # of one profile in one composite schedule: a profile may recur for years
VOLTS_TIMES_PHASES = 230 * 3
MOST_POWER = 1e6  # W; for a period of 2.1 that says something else than a limit
TX_PROFILE, TX_DEFAULT = "TxProfile", "TxDefaultProfile"

#: How long a profile takes to begin anew, in seconds.
RECURRING: Mapping[str, float] = MappingProxyType({"Daily": 86_400.0, "Weekly": 604_800.0})


@attrs.frozen
class Period:
    """From so many seconds after the beginning of its schedule on, no more than that."""

    start: int
    limit: float


@attrs.frozen
class Profile:
    """A charging profile with one schedule, which `begins` then, or with the transaction (None).

    `recurs` is how many seconds it takes to begin anew; `raw` is the object that it came as.
    """

    id: int
    connector: int
    purpose: str
    level: int
    unit: str  # W or A
    periods: tuple[Period, ...]
    begins: datetime | None
    duration: float = inf
    recurs: float = inf
    since: datetime | None = None
    until: datetime | None = None
    transaction: Any = None
    raw: Any = None

    def limit(self, now: datetime, plugged: datetime) -> float | None:
        """The most power that it allows now, in W. `plugged` is when the transaction has begun."""
        elapsed = (now - (self.begins or plugged)).total_seconds()
        if elapsed < 0 or not self._valid(now):
            return None
        elapsed = elapsed if self.recurs == inf else elapsed % self.recurs
        current = [period.limit for period in self.periods if period.start <= elapsed < self.duration]
        return current[-1] * (VOLTS_TIMES_PHASES if self.unit == "A" else 1) if current else None

    def _valid(self, now: datetime) -> bool:
        return (self.since is None or self.since <= now) and (self.until is None or now < self.until)

    def changes(self, now: datetime, plugged: datetime, within: float) -> Iterator[int]:
        """When, in whole seconds from now, its limit may change."""
        for moment in (self.since, self.until):
            if moment is not None:
                yield ceil((moment - now).total_seconds())
        steps = sorted({*(float(period.start) for period in self.periods), self.duration} - {inf})
        begin = ((self.begins or plugged) - now).total_seconds()
        if self.recurs < inf and begin < 0:
            begin += -begin // self.recurs * self.recurs
        while begin < within:
            yield from (ceil(begin + step) for step in steps if step < self.recurs)
            begin += self.recurs


def profile_from(raw: Any, id: int, schedule: Any, connector: int, now: datetime) -> Profile:
    """A profile as a CSMS has sent it, of 1.6 or of 2.x, with this schedule of it."""
    recurs = RECURRING.get(str(raw.recurrency_kind), inf) if raw.charging_profile_kind == "Recurring" else inf
    relative = raw.charging_profile_kind == "Relative"
    return Profile(
        id,
        connector,
        str(raw.charging_profile_purpose),
        raw.stack_level,
        str(schedule.charging_rate_unit),
        tuple(
            Period(each.start_period, MOST_POWER if each.limit is None else each.limit)
            for each in schedule.charging_schedule_period
        ),
        None if relative else schedule.start_schedule or now,
        min(inf if schedule.duration is None else schedule.duration, recurs),
        recurs,
        raw.valid_from,
        raw.valid_to,
        raw.transaction_id,
        raw,
    )


class Profiles:
    """All profiles of a station. `plugged` tells when the transaction at a connector has begun, or is to be
    thought to: now, where there is none.
    """

    def __init__(self, plugged: Callable[[int], datetime]) -> None:
        self._plugged = plugged
        self.by_id: dict[int, Profile] = {}

    def add(self, profile: Profile) -> bool:
        """Take it over, in the place of one with its id, or with its purpose and level; False if there is no
        room.
        """
        same = (profile.connector, profile.purpose, profile.level)
        others = {
            id: each
            for id, each in self.by_id.items()
            if (each.connector, each.purpose, each.level) != same and id != profile.id
        }
        if len(others) >= MOST_KEPT:
            return False
        self.by_id = {**others, profile.id: profile}
        return True

    def chosen(
        self,
        ids: Iterable[int] | None = None,
        connector: int | None = None,
        purpose: str | None = None,
        level: int | None = None,
    ) -> list[Profile]:
        """Those that match whatever is said of them."""
        wanted = None if ids is None else set(ids)
        return [
            each
            for each in self.by_id.values()
            if (wanted is None or each.id in wanted)
            and connector in (None, each.connector)
            and purpose in (None, each.purpose)
            and level in (None, each.level)
        ]

    def clear(self, profiles: Iterable[Profile]) -> str:
        """Forget these."""
        ids = [profile.id for profile in profiles]
        for id in ids:
            del self.by_id[id]
        return "Accepted" if ids else "Unknown"

    def limit(self, connector: int, now: datetime, plugged: datetime | None = None) -> float | None:
        """The most that a connector may take, in W."""
        plugged = plugged or self._plugged(connector)
        best: dict[str, tuple[int, float]] = {}  # by purpose: level and limit
        for profile in self.by_id.values():
            limit = profile.limit(now, plugged) if profile.connector in (ALL, connector) else None
            if limit is not None and best.get(profile.purpose, (-1, 0.0))[0] < profile.level:
                best[profile.purpose] = profile.level, limit
        if TX_PROFILE in best:
            best.pop(TX_DEFAULT, None)
        return min((limit for _, limit in best.values()), default=None)

    def composite(
        self, connector: int, now: datetime, duration: int, unit: str, most_power: float
    ) -> list[Period]:
        """The limits of the next so many seconds, in this unit."""
        plugged = self._plugged(connector)
        changes = {0}
        for profile in self.by_id.values():
            moments = islice(profile.changes(now, plugged, duration), MOST_CHANGES)
            changes.update(moment for moment in moments if 0 < moment < duration)
        periods: list[Period] = []
        for start in sorted(changes):
            limit = self.limit(connector, now + timedelta(seconds=start), plugged)
            watts = most_power if limit is None else limit
            allowed = round(watts / (VOLTS_TIMES_PHASES if unit == "A" else 1), 1)
            if not periods or periods[-1].limit != allowed:
                periods.append(Period(start, allowed))
        return periods
