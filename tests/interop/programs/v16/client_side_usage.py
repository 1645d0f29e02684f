"""A charge point as the pages of mobilityhouse's `ocpp` write it, in our words: see as_written.py."""

import asyncio

import websockets
from ocpp.v16 import ChargePoint as cp
from ocpp.v16 import call, call_result
from ocpp.v16.enums import RegistrationStatus


class ChargePoint(cp):
    async def send_boot_notification(self):
        request = call.BootNotification(
            charge_point_model="One",
            charge_point_vendor="acme",
        )
        response: call_result.BootNotification = await self.call(request)

        if response.status == RegistrationStatus.accepted:
            print("Connected to our central system.")


async def main():
    async with websockets.connect("ws://localhost:9000/CP_1", subprotocols=["ocpp1.6"]) as ws:
        charge_point = ChargePoint("CP_1", ws)

        await asyncio.gather(
            charge_point.start(),
            charge_point.send_boot_notification(),
        )


if __name__ == "__main__":
    asyncio.run(main())
