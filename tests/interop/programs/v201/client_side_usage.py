"""A charging station as the pages of mobilityhouse's `ocpp` write it, in our words: see as_written.py."""

import asyncio

import websockets
from ocpp.v201 import ChargePoint as cp
from ocpp.v201 import call, call_result
from ocpp.v201.enums import BootReasonEnumType, RegistrationStatusEnumType


class ChargePoint(cp):
    async def send_boot_notification(self):
        request = call.BootNotification(
            charging_station={"model": "One", "vendor_name": "acme"},
            reason=BootReasonEnumType.power_up,
        )
        response: call_result.BootNotification = await self.call(request)

        if response.status == RegistrationStatusEnumType.accepted:
            print("Connected to our central system.")


async def main():
    async with websockets.connect("ws://localhost:9000/CP_1", subprotocols=["ocpp2.0.1"]) as ws:
        charge_point = ChargePoint("CP_1", ws)

        await asyncio.gather(
            charge_point.start(),
            charge_point.send_boot_notification(),
        )


if __name__ == "__main__":
    asyncio.run(main())
