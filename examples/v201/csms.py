"""A CSMS for OCPP 2.0.1: accepts every station, and asks each for a report once it has booted.

    python csms.py [port] [asyncio|trio]

Port 0 takes a free one. charging_station.py is a client for it.
"""

import sys
from datetime import UTC, datetime

import anyio

from ocpp_sansio.routing import after, on
from ocpp_sansio.v201 import call, call_result
from ocpp_sansio.v201.enums import RegistrationStatusEnumType, ReportBaseEnumType
from ocpp_sansio_adapters.csms import CSMS
from ocpp_sansio_adapters.v201 import ChargePoint


class Station(ChargePoint):
    """A station as the CSMS sees it: one object for each connection."""

    @on(call.BootNotification)
    def boot(self, request: call.BootNotification) -> call_result.BootNotification:
        print(f"{self.id}: booted, {request.charging_station.model}", flush=True)
        return call_result.BootNotification(
            current_time=datetime.now(UTC), interval=10, status=RegistrationStatusEnumType.accepted
        )

    @after(call.BootNotification)
    async def ask_for_report(self, request: call.BootNotification) -> None:
        report = call.GetBaseReport(request_id=1, report_base=ReportBaseEnumType.full_inventory)
        answer = await self.call(report)
        print(f"{self.id}: report {answer.status}", flush=True)

    @on(call.NotifyReport)
    def report(self, request: call.NotifyReport) -> call_result.NotifyReport:
        for found in request.report_data or []:
            value = found.variable_attribute[0].value
            print(f"{self.id}: {found.component.name}.{found.variable.name} = {value}", flush=True)
        return call_result.NotifyReport()

    @on(call.Heartbeat)
    def heartbeat(self, request: call.Heartbeat) -> call_result.Heartbeat:
        return call_result.Heartbeat(current_time=datetime.now(UTC))


async def main(port: int = 9000) -> None:
    csms = CSMS(Station)
    changes = csms.stations.changes()
    async with csms.serving("127.0.0.1", port) as endpoint:
        print(f"listening on {endpoint.url}", flush=True)
        async for change in changes:
            print(f"{change.charge_point.id}: {type(change).__name__.lower()}", flush=True)


if __name__ == "__main__":
    anyio.run(main, *map(int, sys.argv[1:2]), backend=sys.argv[2] if len(sys.argv) > 2 else "asyncio")
