"""A charging station as the README of mobilityhouse's `ocpp` writes it, in our words: see as_written.py."""

import asyncio
import logging

import websockets
from ocpp.v201 import ChargePoint as cp
from ocpp.v201 import call
from ocpp.v201.enums import RegistrationStatusEnumType

logging.basicConfig(level=logging.INFO)


class ChargePoint(cp):
    async def send_boot_notification(self):
        request = call.BootNotificationPayload(
            charging_station={"model": "One", "vendor_name": "acme"},
            reason="PowerUp",
        )
        response = await self.call(request)

        if response.status == RegistrationStatusEnumType.accepted:
            print("Connected to our CSMS.")


async def main():
    async with websockets.connect("ws://localhost:9000/CP_1", subprotocols=["ocpp2.0.1"]) as ws:
        cp = ChargePoint("CP_1", ws)

        await asyncio.gather(cp.start(), cp.send_boot_notification())


if __name__ == "__main__":
    asyncio.run(main())
