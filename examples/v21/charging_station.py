"""A charging station for OCPP 2.1 that streams readings to its CSMS.

    python charging_station.py [url] [identity] [asyncio|trio]

csms.py is a server for it.
"""

import sys
from datetime import UTC, datetime

import anyio

from ocpp_sansio.v21 import call, send
from ocpp_sansio.v21.datatypes import (
    ChargingStationType,
    ConstantStreamDataType,
    PeriodicEventStreamParamsType,
    StreamDataElementType,
)
from ocpp_sansio.v21.enums import BootReasonEnumType
from ocpp_sansio_adapters.station import Station
from ocpp_sansio_adapters.v21 import ChargePoint

BOOT = call.BootNotification(
    charging_station=ChargingStationType(model="One", vendor_name="acme"), reason=BootReasonEnumType.power_up
)
STREAM = ConstantStreamDataType(
    id=1, variable_monitoring_id=1, params=PeriodicEventStreamParamsType(interval=1)
)


async def main(url: str = "ws://127.0.0.1:9000", identity: str = "CS_1") -> None:
    async with Station(url, identity, ChargePoint, boot=BOOT) as station:
        # Waits until the boot is accepted.
        answer = await station.call(call.OpenPeriodicEventStream(constant_stream_data=STREAM))
        print(f"stream {answer.status}", flush=True)
        for volts in range(228, 233):
            charge_point = await station.connected()
            reading = StreamDataElementType(t=0, v=f"{volts} V")
            await charge_point.send(
                send.NotifyPeriodicEventStream(
                    id=STREAM.id, pending=0, basetime=datetime.now(UTC), data=[reading]
                )
            )
        print("done", flush=True)


if __name__ == "__main__":
    anyio.run(main, *sys.argv[1:3], backend=sys.argv[3] if len(sys.argv) > 3 else "asyncio")
