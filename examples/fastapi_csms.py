"""A CSMS inside a FastAPI application: stations connect below /ocpp, and a web service asks them.

    python fastapi_csms.py [port]
    curl -X POST localhost:9000/stations/CP_7/reset -H 'content-type: application/json' -d '{"type": "Soft"}'

Port 0 takes a free one. `uvicorn fastapi_csms:app` and `hypercorn fastapi_csms:app` run it, too. The station
of v16 is a client for it, at ws://localhost:9000/ocpp/CP_7.
"""

import sys
from datetime import UTC, datetime
from typing import Literal

import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from ocpp_sansio import CallTimeout, OCPPError, Unanswered
from ocpp_sansio.routing import on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio_adapters.asgi import CSMSApp
from ocpp_sansio_adapters.csms import CSMS, NotConnected
from ocpp_sansio_adapters.v16 import ChargePoint


class Station(ChargePoint):
    @on(call.BootNotification)
    def boot(self, request: call.BootNotification) -> call_result.BootNotification:
        return call_result.BootNotification(current_time=datetime.now(UTC), interval=300, status="Accepted")

    @on(call.Heartbeat)
    def heartbeat(self, request: call.Heartbeat) -> call_result.Heartbeat:
        return call_result.Heartbeat(current_time=datetime.now(UTC))


csms = CSMS(Station)
app = FastAPI()
app.mount("/ocpp", CSMSApp(csms))


class Reset(BaseModel):
    """What the web service is asked."""

    type: Literal["Hard", "Soft"]


class Status(BaseModel):
    """What the station has answered."""

    status: Literal["Accepted", "Rejected"]


@app.get("/stations")
async def stations() -> list[str]:
    return list(csms.stations)


@app.post("/stations/{identity}/reset")
async def reset(identity: str, asked: Reset, timeout: float = 30) -> Status:
    try:
        answer = await csms.stations[identity].call(call.Reset(type=asked.type), timeout=timeout)
    except NotConnected as error:
        raise HTTPException(404, str(error)) from None
    except CallTimeout as error:
        raise HTTPException(504, str(error)) from None
    except (OCPPError, Unanswered) as error:
        raise HTTPException(502, str(error)) from None
    return Status(status=answer.status.value)


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]) if len(sys.argv) > 1 else 9000)
