"""A CSMS as the pages of mobilityhouse's `ocpp` write it, in our words: see as_written.py."""

import asyncio
from datetime import datetime, timezone

import websockets
from ocpp.routing import on
from ocpp.v201 import ChargePoint as cp
from ocpp.v201 import call_result
from ocpp.v201.enums import Action, RegistrationStatusEnumType


class MyChargePoint(cp):
    @on(Action.boot_notification)
    async def on_boot_notification(self, charging_station, reason, **kwargs):
        print(f"Booted: {charging_station['vendor_name']} {charging_station['model']} after {reason}")
        return call_result.BootNotification(
            current_time=datetime.now(tz=timezone.utc).isoformat(),  # noqa: UP017
            interval=10,
            status=RegistrationStatusEnumType.accepted,
        )


async def on_connect(connection: websockets.ServerConnection):
    charge_point_id = connection.request.path.split("/")[-1]
    charge_point = MyChargePoint(charge_point_id, connection)

    await charge_point.start()


async def main():
    server = await websockets.serve(
        on_connect,
        "0.0.0.0",
        9000,
        subprotocols=["ocpp1.6", "ocpp2.0.1"],
    )
    await server.wait_closed()


if __name__ == "__main__":
    asyncio.run(main())
