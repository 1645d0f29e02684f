"""A charge point that answers every action of its version: with a plain yes, or with a no where a yes would
be a promise.

Made from the message classes; a subclass answers better where it knows more.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar, Protocol

from ocpp_sansio import Connection, Role, Version
from ocpp_sansio.messages import Request, Response
from ocpp_sansio.routing import on

from ...charge_point import ChargePoint
from ...driver import Transport
from ...records import Observer, Record
from ...testing._answers import plain_answer

__all__ = ["Sensible", "Watcher", "attended", "sensible"]


class Watcher(Protocol):
    """Who is told what happens on each link."""

    def joining(self, charge_point: ChargePoint) -> None: ...
    def left(self, charge_point: ChargePoint, error: Exception | None) -> None: ...
    def __call__(self, record: Record, /) -> object: ...


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
    """Tells `watcher` what happens on its link. `owner` is whom its handlers ask; `attended` sets both."""

    watcher: ClassVar[Watcher]
    owner: ClassVar[Any]

    def __init__(
        self,
        id: str,
        connection: Transport,
        *,
        protocol: Connection,
        observers: Iterable[Observer] = (),
    ) -> None:
        super().__init__(id, connection, protocol=protocol, observers=[*observers, self.watcher])

    async def start(self) -> None:
        self.watcher.joining(self)
        end: Exception | None = None
        try:
            await super().start()
        except Exception as error:
            end = error
            raise
        finally:
            self.watcher.left(self, end)


@cache
def sensible(version: Version, sender: Role) -> type[Sensible]:
    """The class that has an answer to whatever this end may ask in this version."""
    asked = {name: cls for name, cls in version.load().items() if cls.__sender__ in (sender, None)}
    handlers = {f"on_{action}": on(cls)(_handler(cls)) for action, cls in asked.items()}
    return type(f"Sensible{version.name}", (Sensible,), {"version": version, **handlers})


def attended(cls: type[Sensible], watcher: Watcher, owner: object) -> type[Sensible]:
    """The class, with somebody who watches its links, and somebody whom its handlers may ask."""
    return type(cls.__name__, (cls,), {"watcher": watcher, "owner": owner})


def _handler(cls: type[Request[Any, Any]]) -> Callable[[Any, Any], Response]:
    given = {"status": STATUSES[cls.__action__]} if cls.__action__ in STATUSES else {}
    answer_class: type[Response] = cls.__answer__

    def handle(self: Any, request: Any) -> Response:
        answer: Response = plain_answer(answer_class, datetime.now(UTC), given)
        return answer

    return handle
