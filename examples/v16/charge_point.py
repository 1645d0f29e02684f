"""A charge point for OCPP 1.6 that tells a central system that it has booted, and stays connected.

    python charge_point.py [url]

The last part of the URL is its identity. central_system.py is a server for it.
"""

import asyncio
import sys

from websockets.asyncio.client import connect

from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v16.enums import RegistrationStatus
from ocpp_sansio_adapters.v16 import ChargePoint as cp

URL = "ws://127.0.0.1:9000/CP_1"


class ChargePoint(cp):
    """This charge point."""

    async def send_boot_notification(self) -> None:
        request = call.BootNotification(charge_point_model="One", charge_point_vendor="acme")
        response: call_result.BootNotification = await self.call(request)

        if response.status == RegistrationStatus.accepted:
            print("accepted by the central system", flush=True)


async def main(url: str = URL) -> None:
    async with connect(url, subprotocols=["ocpp1.6"]) as connection:
        charge_point = ChargePoint(url.split("/")[-1], connection)
        # start() reads what the central system sends, the answer included, so the two run side by side.
        await asyncio.gather(charge_point.start(), charge_point.send_boot_notification())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
