"""A CSMS as the README of mobilityhouse's `ocpp` writes it, in our words: see as_written.py."""

import asyncio
import logging
from datetime import datetime

import websockets
from ocpp.routing import on
from ocpp.v201 import ChargePoint as cp
from ocpp.v201 import call_result
from ocpp.v201.enums import RegistrationStatusEnumType

logging.basicConfig(level=logging.INFO)


class ChargePoint(cp):
    @on("BootNotification")
    async def on_boot_notification(self, charging_station, reason, **kwargs):
        return call_result.BootNotificationPayload(
            current_time=datetime.utcnow().isoformat(),  # noqa: DTZ003
            interval=10,
            status=RegistrationStatusEnumType.accepted,
        )


async def on_connect(websocket, path):
    try:
        asked_for = websocket.request_headers["Sec-WebSocket-Protocol"]
    except KeyError:
        logging.info("No subprotocol asked for: closing.")  # noqa: LOG015
        await websocket.close()
        return

    if websocket.subprotocol:
        logging.info("Protocols Matched: %s", websocket.subprotocol)  # noqa: LOG015
    else:
        logging.warning("Not %s but %s.", websocket.available_subprotocols, asked_for)  # noqa: LOG015
        await websocket.close()
        return

    charge_point_id = path.strip("/")
    cp = ChargePoint(charge_point_id, websocket)

    await cp.start()


async def main():
    server = await websockets.serve(on_connect, "0.0.0.0", 9000, subprotocols=["ocpp2.0.1"])
    logging.info("WebSocket Server Started: it listens.")  # noqa: LOG015
    await server.wait_closed()


if __name__ == "__main__":
    asyncio.run(main())
