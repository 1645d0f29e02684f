"""A CSMS beside an application of Quart, as hypercorn puts them together, for `test_asgi_servers`."""

from hypercorn.middleware.dispatcher import AsyncioDispatcherMiddleware
from quart import Quart

from ocpp_sansio.routing import on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio_adapters import v16
from ocpp_sansio_adapters.asgi import CSMSApp
from ocpp_sansio_adapters.csms import CSMS

__all__ = ["app"]


class ChargePoint(v16.ChargePoint):
    @on(call.Heartbeat)
    def heartbeat(self, request: call.Heartbeat) -> call_result.Heartbeat:
        return call_result.Heartbeat(current_time="2025-01-01T12:00:00Z")


csms = CSMS(ChargePoint)
quart = Quart(__name__)


@quart.get("/stations")
async def stations() -> list[str]:
    return list(csms.stations)


app = AsyncioDispatcherMiddleware({"/ocpp": CSMSApp(csms), "": quart})
