"""A CSMS for OCPP 2.1 that listens to a stream of readings, which 2.1 sends without asking for an answer.

    python csms.py [port] [asyncio|trio]

Port 0 takes a free one. charging_station.py is a client for it.
"""

import sys
from datetime import UTC, datetime

import anyio

from ocpp_sansio.routing import on
from ocpp_sansio.v21 import call, call_result, send
from ocpp_sansio.v21.enums import GenericStatusEnumType, RegistrationStatusEnumType
from ocpp_sansio_adapters.csms import CSMS
from ocpp_sansio_adapters.v21 import ChargePoint


class Station(ChargePoint):
    """A station as the CSMS sees it: one object for each connection."""

    @on(call.BootNotification)
    def boot(self, request: call.BootNotification) -> call_result.BootNotification:
        print(f"{self.id}: booted, {request.charging_station.model}", flush=True)
        return call_result.BootNotification(
            current_time=datetime.now(UTC), interval=10, status=RegistrationStatusEnumType.accepted
        )

    @on(call.OpenPeriodicEventStream)
    def open_stream(self, request: call.OpenPeriodicEventStream) -> call_result.OpenPeriodicEventStream:
        print(f"{self.id}: opens stream {request.constant_stream_data.id}", flush=True)
        return call_result.OpenPeriodicEventStream(status=GenericStatusEnumType.accepted)

    @on(send.NotifyPeriodicEventStream)
    def readings(self, message: send.NotifyPeriodicEventStream) -> None:
        print(f"{self.id}: {', '.join(reading.v for reading in message.data)}", flush=True)

    @on(call.Heartbeat)
    def heartbeat(self, request: call.Heartbeat) -> call_result.Heartbeat:
        return call_result.Heartbeat(current_time=datetime.now(UTC))


async def main(port: int = 9000) -> None:
    csms = CSMS(Station)
    async with csms.serving("127.0.0.1", port) as endpoint:
        print(f"listening on {endpoint.url}", flush=True)
        await anyio.sleep_forever()


if __name__ == "__main__":
    anyio.run(main, *map(int, sys.argv[1:2]), backend=sys.argv[2] if len(sys.argv) > 2 else "asyncio")
