"""A central system for OCPP 1.6 that keeps its charge points' heartbeats going.

    python csms.py [port [seconds between heartbeats]]

Port 0 takes a free one. charge_point.py beside this file is a client for it.
"""

import asyncio
import logging
import sys
from datetime import UTC, datetime

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from ocpp_sansio.routing import after, on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v16.enums import RegistrationStatus
from ocpp_sansio_adapters.v16 import ChargePoint as cp

HOST, PORT = "127.0.0.1", 8765


class ChargePoint(cp):
    """A charge point as the CSMS sees it, with handlers that get the request as one typed object."""

    heartbeat_interval = 10  # seconds

    @on(call.BootNotification)
    def on_boot_notification(self, request: call.BootNotification) -> call_result.BootNotification:
        return call_result.BootNotification(
            current_time=datetime.now(tz=UTC),
            interval=self.heartbeat_interval,
            status=RegistrationStatus.accepted,
        )

    @after(call.BootNotification)
    def after_boot_notification(self, request: call.BootNotification) -> None:
        # The answer has left: time for whatever the charge point need not wait for.
        print(f"{self.id}: {request.charge_point_model} is registered", flush=True)

    @on(call.Heartbeat)
    def on_heartbeat(self, request: call.Heartbeat) -> call_result.Heartbeat:
        print(f"{self.id}: heartbeat", flush=True)
        return call_result.Heartbeat(current_time=datetime.now(tz=UTC))


async def on_connect(connection: ServerConnection) -> None:
    charge_point = ChargePoint(connection.request.path.split("/")[-1], connection)
    try:
        await charge_point.start()
    except ConnectionClosed:
        print(f"{charge_point.id}: disconnected", flush=True)


async def main(port: int = PORT, interval: int = ChargePoint.heartbeat_interval) -> None:
    ChargePoint.heartbeat_interval = interval
    async with serve(on_connect, HOST, port, subprotocols=["ocpp1.6"]) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        print(f"listening on ws://{HOST}:{port}", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(main(*map(int, sys.argv[1:])))
