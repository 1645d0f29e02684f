"""A charging station as the tutorial of mobilityhouse's `ocpp` writes it, in our words: see as_written.py."""

import asyncio
import logging

from ocpp.v201 import ChargePoint as cp
from ocpp.v201 import call, enums
from ocpp.v201.datatypes import ChargingStationType
from websockets import connect
from websockets.exceptions import ConnectionClosedOK


class ChargePoint(cp):
    async def send_boot_notification(self):
        station = ChargingStationType(vendor_name="acme", model="One")
        request = call.BootNotification(charging_station=station, reason=enums.BootReasonEnumType.power_up)

        response = await self.call(request)

        if response.status == enums.RegistrationStatusEnumType.accepted:
            await self.synchronize_internal_clock(response.current_time)
            await self.send_heartbeats(response.interval)
            print("Never reached: heartbeats have no end.")

        if response.status == enums.RegistrationStatusEnumType.rejected:
            print("We were rejected.")
            await self._connection.close()

        if response.status == enums.RegistrationStatusEnumType.pending:
            print("Status pending: we wait to be asked.")

    async def synchronize_internal_clock(self, time):
        print("Setting system time to that of the CSMS.")

    async def send_heartbeats(self, interval):
        while True:
            await asyncio.sleep(interval)
            response = await self.call(call.Heartbeat())
            await self.synchronize_internal_clock(response.current_time)


async def main():
    async with connect("ws://localhost:8765/SOME_ID", subprotocols=["ocpp2.0.1"]) as connection:
        cp = ChargePoint("SOME_ID", connection)

        try:
            await asyncio.gather(cp.start(), cp.send_boot_notification())
        except ConnectionClosedOK:
            print("Somebody closed the connection.")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(main())
