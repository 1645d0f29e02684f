"""A central system for OCPP 1.6 that accepts every charge point.

    python central_system.py [port]

Port 0 takes a free one. charge_point.py is a client for it.
"""

import asyncio
import sys
from datetime import UTC, datetime
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from ocpp_sansio.routing import on
from ocpp_sansio.v16 import call_result
from ocpp_sansio.v16.enums import Action, RegistrationStatus
from ocpp_sansio_adapters.v16 import ChargePoint as cp

HOST, PORT = "127.0.0.1", 9000


class MyChargePoint(cp):
    """A charge point as the central system sees it: one object for each connection."""

    @on(Action.boot_notification)
    async def on_boot_notification(
        self, charge_point_vendor: str, charge_point_model: str, **kwargs: Any
    ) -> call_result.BootNotification:
        print(f"{self.id}: booted, model {charge_point_model} by {charge_point_vendor}", flush=True)
        return call_result.BootNotification(
            current_time=datetime.now(tz=UTC).isoformat(),
            interval=10,
            status=RegistrationStatus.accepted,
        )


async def on_connect(connection: ServerConnection) -> None:
    # OCPP puts the identity of the charge point at the end of the URL.
    charge_point_id = connection.request.path.split("/")[-1]
    charge_point = MyChargePoint(charge_point_id, connection)
    try:
        await charge_point.start()
    except ConnectionClosed:
        print(f"{charge_point_id}: disconnected", flush=True)


async def main(port: int = PORT) -> None:
    async with serve(on_connect, HOST, port, subprotocols=["ocpp1.6"]) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        print(f"listening on ws://{HOST}:{port}", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
