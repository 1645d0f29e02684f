"""A simulated charging station as a thing: connectors, cars, reservations, profiles, settings. Knows no link
and no version.

Statuses are texts that all versions share; where one has words of its own, its translation is in
`_simulated_...`.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from math import inf
from random import Random
from typing import Any

import anyio
import attrs

from .meter import Meter, Reading

__all__ = [
    "ALL",
    "Charger",
    "Connector",
    "Period",
    "Phase",
    "Profile",
    "Reservation",
    "Setting",
    "Transaction",
]

#: The number that means the station as a whole.
ALL = 0

MOST_KEPT = 1000  # reservations or profiles, which a CSMS may send without end
VOLTS_TIMES_PHASES = 230 * 3
TX_PROFILE, TX_DEFAULT = "TxProfile", "TxDefaultProfile"

ACCEPTED, REJECTED, SCHEDULED, UNKNOWN = "Accepted", "Rejected", "Scheduled", "Unknown"


class Phase(StrEnum):
    """What a connector is doing, in the words of 1.6."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    FINISHING = "Finishing"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"


@attrs.define(eq=False)
class Transaction:
    """`id` is None until it has one. `stop` is why it is to end, once somebody has asked for that; `over`
    comes last.
    """

    token: str
    token_type: str
    id: Any = None
    remote_start_id: int | None = None
    reservation_id: int | None = None
    seq_no: int = 0  # of the next message about it, in 2.x
    stop: str = ""
    stopping: anyio.Event = attrs.field(factory=anyio.Event)
    over: anyio.Event = attrs.field(factory=anyio.Event)

    def end(self, reason: str) -> None:
        """Ask for its end; the first reason counts."""
        self.stop = self.stop or reason
        self.stopping.set()


@attrs.frozen
class Reservation:
    """Of a connector, or of whichever is free."""

    id: int
    connector: int
    token: str
    until: datetime


@attrs.frozen
class Period:
    """From so many seconds after the beginning of its schedule on, no more than that."""

    start: int
    limit: float


@attrs.frozen
class Profile:
    """A charging profile with one schedule. `raw` is the object that it came as."""

    id: int
    connector: int
    purpose: str
    level: int
    unit: str  # W or A
    periods: tuple[Period, ...]
    begins: datetime
    duration: float = inf
    transaction: Any = None
    raw: Any = None

    def limit(self, now: datetime) -> float | None:
        """The most power that it allows now, in W."""
        elapsed = (now - self.begins).total_seconds()
        current = [period.limit for period in self.periods if period.start <= elapsed < self.duration]
        return current[-1] * (VOLTS_TIMES_PHASES if self.unit == "A" else 1) if current else None


@attrs.define
class Setting:
    """A configuration key of 1.6, or a variable of 2.x. What is `secret` can be set and not be read."""

    value: str
    readonly: bool = False
    secret: bool = False
    reboot: bool = False  # whether a new value counts only after the next boot
    whole: bool = False  # whether it must be a whole number


@attrs.define(eq=False)
class Connector:
    """One connector, which in 2.x is the only one of its EVSE."""

    number: int
    meter: Meter
    operative: bool = True
    phase: Phase = Phase.AVAILABLE
    transaction: Transaction | None = None

    def read(self, now: datetime) -> Reading:
        """What its meter shows now."""
        return self.meter.read(now) if self.phase is Phase.CHARGING else self.meter.idle(now)


@attrs.define(eq=False)
class Charger:
    """A station with so many connectors. `random` makes each one different, and each run the same; `now` is
    its clock.
    """

    random: Random
    count: int
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    connectors: dict[int, Connector] = attrs.field(init=False)
    settings: dict[str, Setting] = attrs.field(factory=dict[str, Setting], init=False)
    reservations: dict[int, Reservation] = attrs.field(factory=dict[int, Reservation], init=False)
    profiles: dict[int, Profile] = attrs.field(factory=dict[int, Profile], init=False)
    list_version: int = 0
    operative: bool = True

    def __attrs_post_init__(self) -> None:
        numbers = range(1, self.count + 1)
        self.connectors = {number: Connector(number, Meter(self.random)) for number in numbers}

    # What it is like.

    def status(self, connector: Connector) -> Phase:
        """The status of a connector. A transaction goes on when the connector has become inoperative."""
        if connector.transaction is not None:
            return connector.phase
        if not (connector.operative and self.operative):
            return Phase.UNAVAILABLE
        return Phase.RESERVED if self.reservation_of(connector.number) else connector.phase

    def some(self, number: int | None) -> list[Connector]:
        """The connector of this number, or all for 0 and None; none for a number that there is not."""
        if not number:
            return list(self.connectors.values())
        return [self.connectors[number]] if number in self.connectors else []

    def running(self) -> Iterator[tuple[Connector, Transaction]]:
        """The transactions, and where each is."""
        for connector in self.connectors.values():
            if connector.transaction is not None:
                yield connector, connector.transaction

    def transaction(self, id: object) -> Transaction | None:
        """The transaction with this id."""
        return next((found for _, found in self.running() if found.id == id), None)

    def reservation_of(self, number: int) -> Reservation | None:
        """The reservation of this connector that counts now."""
        now = self.now()
        return next(
            (each for each in self.reservations.values() if each.connector == number and each.until > now),
            None,
        )

    def free(self, number: int | None, token: str) -> Connector | None:
        """A connector at which somebody with this token may charge now."""
        for connector in self.some(number):
            reservation = self.reservation_of(connector.number)
            status = self.status(connector)
            if status is Phase.AVAILABLE or (reservation is not None and reservation.token == token):
                return connector
        return None

    # What is asked of it: each returns the status of the answer.

    def change_availability(self, number: int | None, operative: bool) -> str:
        """Make a connector operative or not; what is charging goes on."""
        connectors = self.some(number)
        if not connectors:
            return REJECTED
        if not number:
            self.operative = operative
        for connector in connectors:
            connector.operative = operative
        busy = any(connector.transaction is not None for connector in connectors)
        return SCHEDULED if busy and not operative else ACCEPTED

    def reserve(self, id: int, number: int | None, token: str, until: datetime) -> str:
        """Reserve a connector. An id that is known replaces its reservation."""
        connectors = self.some(number)
        held = self.reservations.get(id)
        free = next(
            (each for each in connectors if self.status(each) is Phase.AVAILABLE),
            next((each for each in connectors if held is not None and held.connector == each.number), None),
        )
        if not connectors or len(self.reservations) >= MOST_KEPT:
            return REJECTED
        if free is None:
            gone = all(self.status(connector) is Phase.UNAVAILABLE for connector in connectors)
            return "Unavailable" if gone else "Occupied"
        self.reservations[id] = Reservation(id, free.number, token, until)
        return ACCEPTED

    def use_reservation(self, connector: Connector, token: str) -> int | None:
        """Whoever reserved it has come: the id of the reservation, which is used up."""
        reservation = self.reservation_of(connector.number)
        if reservation is None or reservation.token != token:
            return None
        del self.reservations[reservation.id]
        return reservation.id

    def set_profile(self, profile: Profile) -> str:
        """Take a profile over, in the place of one with its id, or with its purpose and level."""
        running = [each for connector, each in self.running() if connector.number == profile.connector]
        orphan = profile.purpose == TX_PROFILE and not running
        if not self.some(profile.connector) or orphan or len(self.profiles) >= MOST_KEPT:
            return REJECTED
        same = (profile.connector, profile.purpose, profile.level)
        self.profiles = {
            id: each
            for id, each in self.profiles.items()
            if (each.connector, each.purpose, each.level) != same and id != profile.id
        }
        self.profiles[profile.id] = profile
        return ACCEPTED

    def chosen_profiles(
        self,
        ids: Iterable[int] | None = None,
        connector: int | None = None,
        purpose: str | None = None,
        level: int | None = None,
    ) -> list[Profile]:
        """The profiles that match whatever is said of them."""
        wanted = None if ids is None else set(ids)
        return [
            each
            for each in self.profiles.values()
            if (wanted is None or each.id in wanted)
            and connector in (None, each.connector)
            and purpose in (None, each.purpose)
            and level in (None, each.level)
        ]

    def clear_profiles(self, profiles: Iterable[Profile]) -> str:
        """Forget these."""
        ids = [profile.id for profile in profiles]
        for id in ids:
            del self.profiles[id]
        return ACCEPTED if ids else UNKNOWN

    def limit(self, number: int, now: datetime | None = None) -> float | None:
        """The most that a connector may take, in W: the least of what its purposes allow."""
        now = now or self.now()
        best: dict[str, Profile] = {}
        for profile in self.profiles.values():
            counts = profile.connector in (ALL, number) and profile.limit(now) is not None
            if counts and (profile.purpose not in best or best[profile.purpose].level < profile.level):
                best[profile.purpose] = profile
        if TX_PROFILE in best:
            best.pop(TX_DEFAULT, None)
        limits = [limit for profile in best.values() if (limit := profile.limit(now)) is not None]
        return min(limits, default=None)

    def composite(self, number: int, duration: int, unit: str) -> list[Period]:
        """The limits of the next so many seconds, in this unit."""
        now = self.now()
        changes = {0, *(self._changes(now, duration))}
        periods: list[Period] = []
        for start in sorted(changes):
            limit = self.limit(number, now + timedelta(seconds=start))
            watts = sum(connector.meter.most_power for connector in self.some(number))
            allowed = round(
                (watts if limit is None else limit) / (VOLTS_TIMES_PHASES if unit == "A" else 1), 1
            )
            if not periods or periods[-1].limit != allowed:
                periods.append(Period(start, allowed))
        return periods

    def _changes(self, now: datetime, duration: int) -> Iterator[int]:
        """When, in seconds from now, the limit may change."""
        for profile in self.profiles.values():
            offset = (profile.begins - now).total_seconds()
            for seconds in [*(period.start for period in profile.periods), profile.duration]:
                if 0 < offset + seconds < duration:
                    yield int(offset + seconds)

    def set(self, name: str, value: str) -> str:
        """Set a setting: the status, in the words of both SetVariables and ChangeConfiguration."""
        setting = self.settings[name]
        if setting.readonly or (setting.whole and not (value.isascii() and value.isdecimal())):
            return REJECTED
        setting.value = value
        return "RebootRequired" if setting.reboot else ACCEPTED
