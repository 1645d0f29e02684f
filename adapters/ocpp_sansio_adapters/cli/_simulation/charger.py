"""A simulated charging station as a thing: connectors, cars, reservations, settings. Knows no link and no
version.

Statuses are texts that all versions share; where one has words of its own, its dialect translates.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from random import Random
from typing import Any

import anyio
import attrs

from .meter import Meter, Reading
from .profiles import MOST_KEPT, TX_PROFILE, Period, Profile, Profiles

__all__ = ["Charger", "Connector", "Phase", "Reservation", "Setting", "Transaction"]

MOST_WHOLE = 2**31 - 1

ACCEPTED, REJECTED, SCHEDULED = "Accepted", "Rejected", "Scheduled"


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
    comes last. `told` says whether the CSMS has answered the last message about it, `void` that it knows
    nothing of it, because it has refused the first.
    """

    token: str
    token_type: str
    id: Any = None
    began: datetime | None = None
    remote_start_id: int | None = None
    reservation_id: int | None = None
    seq_no: int = 0  # of the next message about it, in 2.x
    stop: str = ""
    told: bool = False
    void: bool = False
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


@attrs.define
class Setting:
    """A configuration key of 1.6, or a variable of 2.x. What is `secret` can be set and not be read."""

    value: str
    readonly: bool = False
    secret: bool = False
    reboot: bool = False  # whether a new value counts only after the next boot
    least: int | None = None  # the least whole number that it may be, where it must be one

    def allows(self, value: str) -> bool:
        """Whether it may have this value."""
        if self.least is None:
            return True
        return value.isascii() and value.isdecimal() and self.least <= int(value) <= MOST_WHOLE


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
    profiles: Profiles = attrs.field(init=False)
    list_version: int = 0
    operative: bool = True

    def __attrs_post_init__(self) -> None:
        self.profiles = Profiles(self._plugged)
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
            if status is Phase.AVAILABLE or (
                status is Phase.RESERVED and reservation is not None and reservation.token == token
            ):
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
        """Take a charging profile over; one for a transaction needs that transaction."""
        running = [each.id for connector, each in self.running() if connector.number == profile.connector]
        orphan = profile.purpose == TX_PROFILE and (
            not running or profile.transaction not in (None, *running)
        )
        taken = bool(self.some(profile.connector)) and not orphan and self.profiles.add(profile)
        return ACCEPTED if taken else REJECTED

    def limit(self, connector: Connector) -> float | None:
        """The most that it may take now, in W, if its profiles say that."""
        return self.profiles.limit(connector.number, self.now())

    def composite(self, number: int, duration: int, unit: str) -> list[Period]:
        """The limits of the next so many seconds, in this unit."""
        most = sum(connector.meter.most_power for connector in self.some(number))
        return self.profiles.composite(number, self.now(), duration, unit, most)

    def _plugged(self, number: int) -> datetime:
        """When the transaction there has begun; now, without one."""
        connector = self.connectors.get(number)
        transaction = connector.transaction if connector is not None else None
        return (transaction.began if transaction is not None else None) or self.now()

    def set(self, name: str, value: str) -> str:
        """Set a setting: the status, in the words of both SetVariables and ChangeConfiguration."""
        setting = self.settings[name]
        if setting.readonly or not setting.allows(value):
            return REJECTED
        setting.value = value
        return "RebootRequired" if setting.reboot else ACCEPTED
