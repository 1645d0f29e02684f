"""A charge point that answers every action of its version: with a plain yes, or with a no where a yes would
be a promise.

Made from the message classes; a subclass answers better where it knows more.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Protocol

from ocpp_sansio import Connection, Role, Version
from ocpp_sansio.messages import Request, Response
from ocpp_sansio.routing import on

from ..._plain import plain_answer
from ...charge_point import ChargePoint
from ...driver import Transport
from ...records import CallFinished, Observer, Record
from .clock import Clock

__all__ = ["Owner", "Sensible", "Watcher", "sensible"]


class Watcher(Protocol):
    """Who is told what happens on each link, and what befalls each station."""

    def joining(self, charge_point: ChargePoint) -> None: ...
    def left(self, charge_point: ChargePoint, error: Exception | None) -> None: ...
    def note(self, identity: str, sentence: str) -> None: ...
    def __call__(self, record: Record, /) -> object: ...


class Owner:
    """Whom the handlers ask: the station itself, or the CSMS for all that it serves."""

    def __init__(self, watcher: Watcher, clock: Clock) -> None:
        self.watcher = watcher
        self.clock = clock

    def joining(self, charge_point: ChargePoint) -> None:
        """A link begins."""
        self.watcher.joining(charge_point)

    def left(self, charge_point: ChargePoint, error: Exception | None) -> None:
        """A link has ended."""
        self.watcher.left(charge_point, error)

    def heard(self, charge_point: ChargePoint) -> None:
        """A call of the peer is over."""

    def __call__(self, record: Record, /) -> object:
        """Something happens on a link."""
        return self.watcher(record)


#: What is answered instead of Accepted, by action. Nobody here signs certificates, knows contracts, or has
#: firmware to give away, and whoever hears a yes would wait for what follows.
STATUSES: Mapping[str, str] = MappingProxyType(
    {
        "CertificateSigned": "Rejected",
        "ClearDERControl": "NotFound",
        "ClearDisplayMessage": "Unknown",
        "DeleteCertificate": "NotFound",
        "Get15118EVCertificate": "Failed",
        "GetCertificateStatus": "Failed",
        "GetDERControl": "NotFound",
        "GetDisplayMessages": "Unknown",
        "GetInstalledCertificateIds": "NotFound",
        "GetMonitoringReport": "EmptyResultSet",
        "GetTariffs": "NoTariff",
        "PublishFirmware": "Rejected",
        "PullDynamicScheduleUpdate": "Rejected",
        "RequestBatterySwap": "Rejected",
        "SignCertificate": "Rejected",
        "UnpublishFirmware": "NoFirmware",
        "UpdateDynamicSchedule": "Rejected",
    }
)


class Sensible(ChargePoint):
    """Tells its `owner` what happens on its link. `heard` says whether a call of the peer is over."""

    def __init__(
        self,
        id: str,
        connection: Transport,
        *,
        owner: Any,
        protocol: Connection,
        observers: Iterable[Observer] = (),
    ) -> None:
        super().__init__(id, connection, protocol=protocol, observers=[*observers, self._hear, owner])
        self.owner = owner
        self.heard = False

    def _hear(self, record: Record) -> None:
        if isinstance(record, CallFinished) and not record.ours:
            self.heard = True
            self.owner.heard(self)

    async def start(self) -> None:
        self.owner.joining(self)
        end: Exception | None = None
        try:
            await super().start()
        except Exception as error:
            end = error
            raise
        finally:
            self.owner.left(self, end)


@cache
def sensible(version: Version, sender: Role) -> type[Sensible]:
    """The class that has an answer to whatever this end may ask in this version."""
    asked = {name: cls for name, cls in version.load().items() if cls.__sender__ in (sender, None)}
    handlers = {f"on_{action}": on(cls)(_handler(cls)) for action, cls in asked.items()}
    return type(f"Sensible{version.name}", (Sensible,), {"version": version, **handlers})


def _handler(cls: type[Request[Any, Any]]) -> Callable[[Any, Any], Response]:
    given = {"status": STATUSES[cls.__action__]} if cls.__action__ in STATUSES else {}
    answer_class: type[Response] = cls.__answer__

    def handle(self: Any, request: Any) -> Response:
        answer: Response = plain_answer(answer_class, self.owner.clock.now(), given)
        return answer

    return handle
