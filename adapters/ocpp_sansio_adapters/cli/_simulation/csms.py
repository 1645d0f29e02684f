"""What the CSMS of the command answers where more than a yes is wanted, and what it learns of its stations by
that.
"""

from collections.abc import Callable, Mapping
from functools import cache, partial
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import anyio
import attrs

from ocpp_sansio import BootStatus, Role, Version
from ocpp_sansio.routing import after, on

from ...charge_point import ChargePoint
from .clock import Clock
from .modules_v2 import messages_of
from .sensible import Owner, Sensible, Watcher, sensible

__all__ = ["SPOKEN", "Host", "Known", "answering"]

MOST_KNOWN = 1000  # connectors, or transactions, of a station
MOST_STATIONS = 10_000


@attrs.define
class Known:
    """What a station has told of itself."""

    maker: str = ""
    connectors: dict[str, str] = attrs.field(factory=dict[str, str])
    transactions: dict[str, str] = attrs.field(factory=dict[str, str])  # where each one runs

    def connector(self, name: str, status: object) -> None:
        """A connector has this status now."""
        _keep(self.connectors, name, str(status))

    def began(self, transaction: object, place: str) -> None:
        """A transaction runs."""
        _keep(self.transactions, str(transaction), place)

    def values(self, member: str) -> list[str]:
        """What a member of a request to this station may well be."""
        if member == "transactionId":
            return list(self.transactions)
        places = dict.fromkeys(name.partition("/")[0] for name in self.connectors)
        return list(places) if member in ("connectorId", "evseId", "evse.id") else []


def _keep(known: dict[str, str], name: str, value: str) -> None:
    if len(known) < MOST_KNOWN or name in known:
        known[name] = value


class Host(Owner):
    """What the CSMS says to all, and what it knows of each. `interval` is what it tells in answer to a boot, and
    `boot` whether that is accepted.
    """

    def __init__(
        self,
        watcher: Watcher,
        clock: Clock | None = None,
        *,
        interval: int = 300,
        boot: BootStatus = BootStatus.ACCEPTED,
    ) -> None:
        super().__init__(watcher, clock or Clock())
        self.interval = interval
        self.boot = boot
        self.known: dict[str, Known] = {}
        self._awaited: dict[str, anyio.Event] = {}  # the first words of these
        # Not from 1 on: a station may still have one of an earlier run.
        self.transaction_ids = count(int(self.clock.now().timestamp()) % 1_000_000_000)

    def of(self, identity: str) -> Known:
        """What is known of this station."""
        return self.known[identity] if identity in self.known else self.booted(identity, "")

    def booted(self, identity: str, maker: str) -> Known:
        """A station has booted, and what was known of it is no more. Anybody can invent identities: they are
        bounded.
        """
        self.known.pop(identity, None)
        if len(self.known) >= MOST_STATIONS:
            del self.known[next(iter(self.known))]
        known = self.known[identity] = Known(maker)
        return known

    async def word_from(self, station: Sensible) -> None:
        """Wait until it has said something, on this link or on the next."""
        if not station.heard:
            await self._awaited.setdefault(station.id, anyio.Event()).wait()

    def heard(self, charge_point: ChargePoint) -> None:
        awaited = self._awaited.pop(charge_point.id, None)
        if awaited is not None:
            awaited.set()

    def greet(self, station: ChargePoint) -> None:
        """A station has booted, and has heard the answer."""

    def began(self, station: ChargePoint) -> None:
        """A transaction has begun there, and the station has heard the answer."""


def _answering_16() -> type[Sensible]:
    """The class for stations of 1.6."""
    from ocpp_sansio.v16 import call, call_result
    from ocpp_sansio.v16.datatypes import IdTagInfo

    base: Any = sensible(Version.V16, Role.CHARGING_STATION)
    accepted = IdTagInfo(status="Accepted")

    class Answering(base):  # type: ignore[misc]  # made at run time
        owner: Host

        @on(call.BootNotification)
        def boot(self, request: call.BootNotification) -> call_result.BootNotification:
            maker = f"{request.charge_point_vendor} {request.charge_point_model}"
            self.owner.booted(self.id, maker)
            return call_result.BootNotification(
                status=str(self.owner.boot),
                current_time=self.owner.clock.now(),
                interval=self.owner.interval,
            )

        @after(call.BootNotification)
        def greet(self, request: call.BootNotification) -> None:
            self.owner.greet(self)

        @on(call.StatusNotification)
        def status(self, request: call.StatusNotification) -> call_result.StatusNotification:
            self.owner.of(self.id).connector(str(request.connector_id), request.status)
            return call_result.StatusNotification()

        @on(call.StartTransaction)
        def begin(self, request: call.StartTransaction) -> call_result.StartTransaction:
            transaction_id = next(self.owner.transaction_ids)
            self.owner.of(self.id).began(transaction_id, str(request.connector_id))
            return call_result.StartTransaction(transaction_id=transaction_id, id_tag_info=accepted)

        @after(call.StartTransaction)
        def begun(self, request: call.StartTransaction) -> None:
            self.owner.began(self)

        @on(call.StopTransaction)
        def end(self, request: call.StopTransaction) -> call_result.StopTransaction:
            self.owner.of(self.id).transactions.pop(str(request.transaction_id), None)
            return call_result.StopTransaction(id_tag_info=accepted if request.id_tag else None)

    return Answering


def _answering_2(spoken: Version) -> type[Sensible]:
    """The class for stations of 2.0.1 or 2.1: one for both, made with the modules of either."""
    base: Any = sensible(spoken, Role.CHARGING_STATION)
    if TYPE_CHECKING:
        from ocpp_sansio.v201 import call, call_result, datatypes, enums
    else:
        call, call_result, datatypes, enums = messages_of(spoken)

    class Answering(base):  # type: ignore[misc]  # made at run time
        owner: Host

        @on(call.BootNotification)
        def boot(self, request: call.BootNotification) -> call_result.BootNotification:
            maker = f"{request.charging_station.vendor_name} {request.charging_station.model}"
            self.owner.booted(self.id, maker)
            return call_result.BootNotification(
                status=str(self.owner.boot),
                current_time=self.owner.clock.now(),
                interval=self.owner.interval,
            )

        @after(call.BootNotification)
        def greet(self, request: call.BootNotification) -> None:
            self.owner.greet(self)

        @on(call.StatusNotification)
        def status(self, request: call.StatusNotification) -> call_result.StatusNotification:
            name = f"{request.evse_id}/{request.connector_id}"
            self.owner.of(self.id).connector(name, request.connector_status)
            return call_result.StatusNotification()

        @on(call.TransactionEvent)
        def transaction(self, request: call.TransactionEvent) -> call_result.TransactionEvent:
            known, id = self.owner.of(self.id), request.transaction_info.transaction_id
            if request.event_type is enums.TransactionEventEnumType.ended:
                known.transactions.pop(id, None)
            else:
                place = str(request.evse.id) if request.evse is not None else known.transactions.get(id, "?")
                known.began(id, place)
            accepted = datatypes.IdTokenInfoType(status=enums.AuthorizationStatusEnumType.accepted)
            return call_result.TransactionEvent(id_token_info=accepted if request.id_token else None)

        @after(call.TransactionEvent)
        def begun(self, request: call.TransactionEvent) -> None:
            if request.event_type is enums.TransactionEventEnumType.started:
                self.owner.began(self)

    return Answering


#: What makes the class that answers stations of each version, the version that the CSMS likes best first.
_MADE: Mapping[Version, Callable[[], type[Sensible]]] = MappingProxyType(
    {
        Version.V21: partial(_answering_2, Version.V21),
        Version.V201: partial(_answering_2, Version.V201),
        Version.V16: _answering_16,
    }
)

#: The versions that are spoken, in the order of preference.
SPOKEN = tuple(_MADE)


@cache
def answering(version: Version) -> type[Sensible]:
    """The class that answers stations of this version, which is loaded now if it was not before."""
    return _MADE[version]()
