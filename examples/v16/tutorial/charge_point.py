"""A charge point for OCPP 1.6 that obeys the CSMS's answer to its BootNotification, and sends heartbeats.

    python charge_point.py [url]

The last part of the URL is its identity. csms.py beside this file is a server for it.
"""

import asyncio
import logging
import sys
from datetime import datetime

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedOK

from ocpp_sansio.v16 import call, enums
from ocpp_sansio_adapters.v16 import ChargePoint as cp

URL = "ws://127.0.0.1:8765/SOME_ID"


class ChargePoint(cp):
    """This charge point."""

    async def send_boot_notification(self) -> None:
        request = call.BootNotification(charge_point_model="One", charge_point_vendor="acme")
        response = await self.call(request)

        if response.status == enums.RegistrationStatus.accepted:
            print("accepted", flush=True)
            self.set_clock(response.current_time)
            await self.send_heartbeats(response.interval)

        if response.status == enums.RegistrationStatus.rejected:
            print("rejected", flush=True)
            await self.transport.close()

        if response.status == enums.RegistrationStatus.pending:
            print("pending: the CSMS will ask, and we send nothing meanwhile", flush=True)

    async def send_heartbeats(self, interval: int) -> None:
        while True:
            await asyncio.sleep(interval)
            response = await self.call(call.Heartbeat())
            self.set_clock(response.current_time)

    def set_clock(self, time: datetime) -> None:
        print(f"clock set to {time:%H:%M:%S}", flush=True)


async def main(url: str = URL) -> None:
    async with connect(url, subprotocols=["ocpp1.6"]) as connection:
        charge_point = ChargePoint(url.split("/")[-1], connection)
        try:
            await asyncio.gather(charge_point.start(), charge_point.send_boot_notification())
        except ConnectionClosedOK:
            print("the connection was closed", flush=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(main(*sys.argv[1:]))
