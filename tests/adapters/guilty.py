"""A station and its CSMS over a socket, of which one end does something wrong whenever it is asked for a data transfer."""

from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import anyio
import attrs
import pytest

from ocpp_sansio import ConnectionClosed, Role
from ocpp_sansio.routing import on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio_adapters import v16
from ocpp_sansio_adapters.charge_point import ChargePoint
from ocpp_sansio_adapters.csms import CSMS
from tests.adapters.crowd import NOW, Serving, a_station, at_csms, serving
from tests.adapters.sockets import reset

__all__ = ["DONE", "END", "PLEASANTRY", "TRANSFER", "Deed", "Ends", "in_vain", "link", "lose"]

TRANSFER = call.DataTransfer(vendor_id="acme")
DONE = call_result.DataTransfer(status="Accepted")

#: What a handler does: it is told the charge point that it belongs to.
Deed: TypeAlias = Callable[[ChargePoint], Any]


@attrs.define(eq=False)
class Ends:
    """Both ends of one link. The `guilty` one does the deed whenever it is asked for a data transfer."""

    csms: CSMS
    server: Serving
    guilty: Any
    asking: Any

    async def ask(self, **options: Any) -> call_result.DataTransfer:
        answer: call_result.DataTransfer = await self.asking.call(TRANSFER, **options)
        return answer

    async def still_well(self) -> None:
        """Both ways."""
        for end in (self.asking, self.guilty):
            await end.call(PLEASANTRY[end.protocol.role], timeout=10)


PLEASANTRY: dict[Any, Any] = {Role.CSMS: call.ClearCache(), Role.CHARGING_STATION: call.Heartbeat()}


def classes(deed: Deed) -> tuple[type[ChargePoint], type[ChargePoint]]:
    """For the CSMS and for the station; either does the deed when it is asked for a data transfer."""

    class Guilty(v16.ChargePoint):
        @on(call.DataTransfer)
        def transfer(self, request: call.DataTransfer) -> Any:
            return deed(self)

    class AtCSMS(Guilty):
        boot = at_csms(v16.ChargePoint, Counter()).boot  # type: ignore[attr-defined]

        @on(call.Heartbeat)
        def heartbeat(self, request: call.Heartbeat) -> call_result.Heartbeat:
            return call_result.Heartbeat(current_time=NOW)

    class AtStation(Guilty):
        @on(call.ClearCache)
        def clear_cache(self, request: call.ClearCache) -> call_result.ClearCache:
            return call_result.ClearCache(status="Accepted")

    return AtCSMS, AtStation


@asynccontextmanager
async def link(guilty: str, deed: Deed) -> AsyncGenerator[Ends]:
    """A station and its CSMS, over a socket."""
    for_csms, for_station = classes(deed)
    csms = CSMS(for_csms)
    async with serving(csms) as server, a_station(server.port, "CP_1", cls=for_station) as station:
        far = await csms.stations.wait("CP_1")
        near = await station.connected()
        await station.call(call.Heartbeat())
        yield Ends(csms, server, far, near) if guilty == "CSMS" else Ends(csms, server, near, far)


async def in_vain(ends: Ends) -> None:
    with pytest.raises(ConnectionClosed):
        await ends.ask()


async def hang_up(ends: Ends) -> None:
    await ends.asking.transport.aclose()


async def lose(ends: Ends) -> None:
    reset(ends.asking.transport._stream)
    await anyio.aclose_forcefully(ends.asking.transport._stream)


async def end_the_csms(ends: Ends) -> None:
    ends.server.scope.cancel()


END: dict[str, Callable[[Ends], Awaitable[None]]] = {
    "it is hung up": hang_up,
    "the link is lost": lose,
    "the CSMS ends": end_the_csms,
}
