"""A charging station for OCPP 2.0.1: boots, stays connected, sends heartbeats, and reports what the CSMS asks for.

    python charging_station.py [url] [identity] [asyncio|trio]

csms.py is a server for it. Stop one of the two and start it again: they find each other.
"""

import sys
from datetime import UTC, datetime

import anyio

from ocpp_sansio.routing import after, on
from ocpp_sansio.v201 import call, call_result
from ocpp_sansio.v201.datatypes import (
    ChargingStationType,
    ComponentType,
    ReportDataType,
    VariableAttributeType,
    VariableType,
)
from ocpp_sansio.v201.enums import BootReasonEnumType, GenericDeviceModelStatusEnumType
from ocpp_sansio_adapters.station import Station
from ocpp_sansio_adapters.v201 import ChargePoint

BOOT = call.BootNotification(
    charging_station=ChargingStationType(model="One", vendor_name="acme"), reason=BootReasonEnumType.power_up
)


class Wallbox(ChargePoint):
    """What the CSMS may ask."""

    @on(call.GetBaseReport)
    def accept_report(self, request: call.GetBaseReport) -> call_result.GetBaseReport:
        return call_result.GetBaseReport(status=GenericDeviceModelStatusEnumType.accepted)

    @after(call.GetBaseReport)
    async def report(self, request: call.GetBaseReport) -> None:
        model = ReportDataType(
            component=ComponentType(name="ChargingStation"),
            variable=VariableType(name="Model"),
            variable_attribute=[VariableAttributeType(value="One")],
        )
        await self.call(
            call.NotifyReport(
                request_id=request.request_id, generated_at=datetime.now(UTC), seq_no=0, report_data=[model]
            )
        )
        print("reported", flush=True)


async def main(url: str = "ws://127.0.0.1:9000", identity: str = "CS_1") -> None:
    async with Station(url, identity, Wallbox, boot=BOOT) as station:
        answer = await station.call(call.Heartbeat())  # waits for the boot to be accepted
        print(f"clock set to {answer.current_time:%H:%M:%S}", flush=True)
        await anyio.sleep_forever()


if __name__ == "__main__":
    anyio.run(main, *sys.argv[1:3], backend=sys.argv[3] if len(sys.argv) > 3 else "asyncio")
