"""A central system as an older page on mobilityhouse's `ocpp` has it, in our words: see as_written.py."""

import asyncio
from datetime import datetime

import websockets
from ocpp.routing import on
from ocpp.v16 import ChargePoint as cp
from ocpp.v16 import call_result
from ocpp.v16.enums import Action, RegistrationStatus


class MyChargePoint(cp):
    @on(Action.BootNotification)
    async def on_boot_notification(self, charge_point_vendor, charge_point_model, **kwargs):
        return call_result.BootNotificationPayload(
            current_time=datetime.utcnow().isoformat(),  # noqa: DTZ003
            interval=10,
            status=RegistrationStatus.accepted,
        )


async def on_connect(websocket, path):
    charge_point_id = path.strip("/")
    cp = MyChargePoint(charge_point_id, websocket)

    await cp.start()


async def main():
    server = await websockets.serve(
        on_connect,
        "0.0.0.0",
        9000,
        subprotocols=["ocpp1.6"],
    )
    await server.wait_closed()


if __name__ == "__main__":
    asyncio.run(main())
