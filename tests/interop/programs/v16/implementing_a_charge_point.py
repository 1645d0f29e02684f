"""A charge point as the tutorial of mobilityhouse's `ocpp` writes it, in our words: see as_written.py."""

import asyncio
import logging

from ocpp.v16 import ChargePoint as cp
from ocpp.v16 import call, enums
from websockets import connect
from websockets.exceptions import ConnectionClosedOK


class ChargePoint(cp):
    async def send_boot_notification(self):
        request = call.BootNotification(charge_point_model="One", charge_point_vendor="acme")

        response = await self.call(request)

        if response.status == enums.RegistrationStatus.accepted:
            await self.synchronize_internal_clock(response.current_time)
            await self.send_heartbeats(response.interval)
            print("Never reached: heartbeats have no end.")

        if response.status == enums.RegistrationStatus.rejected:
            print("We were rejected.")
            await self._connection.close()

        if response.status == enums.RegistrationStatus.pending:
            print("Status pending: we wait to be asked.")

    async def synchronize_internal_clock(self, time):
        print("Setting system time to that of the CSMS.")

    async def send_heartbeats(self, interval):
        while True:
            await asyncio.sleep(interval)
            response = await self.call(call.Heartbeat())
            await self.synchronize_internal_clock(response.current_time)


async def main():
    async with connect("ws://localhost:8765/SOME_ID", subprotocols=["ocpp1.6"]) as connection:
        cp = ChargePoint("SOME_ID", connection)

        try:
            await asyncio.gather(cp.start(), cp.send_boot_notification())
        except ConnectionClosedOK:
            print("Somebody closed the connection.")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(main())
