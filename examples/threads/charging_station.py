"""A charging station for OCPP 2.0.1 without an event loop: boots, reports what it is asked for, and leaves.

    python charging_station.py [url] [identity]

csms.py is a server for it, and so is that of examples/v201.
"""

import sys
from datetime import UTC, datetime
from threading import Event

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
from ocpp_sansio_adapters.sync.v201 import ChargePoint
from ocpp_sansio_adapters.sync.websockets import connect

BOOT = call.BootNotification(
    charging_station=ChargingStationType(vendor_name="acme", model="One"), reason=BootReasonEnumType.power_up
)
MODEL = ReportDataType(
    component=ComponentType(name="ChargingStation"),
    variable=VariableType(name="Model"),
    variable_attribute=[VariableAttributeType(value="One")],
)


class Wallbox(ChargePoint):
    """Handlers and hooks run in the thread that reads: they must not call, but may have others call."""

    wanted: int
    asked = Event()

    @on(call.GetBaseReport)
    def promise_report(self, request: call.GetBaseReport) -> call_result.GetBaseReport:
        self.wanted = request.request_id
        return call_result.GetBaseReport(status=GenericDeviceModelStatusEnumType.accepted)

    @after(call.GetBaseReport)
    def remember_report(self, request: call.GetBaseReport) -> None:
        self.asked.set()

    def report(self) -> None:
        now = datetime.now(UTC)
        self.call(call.NotifyReport(request_id=self.wanted, generated_at=now, seq_no=0, report_data=[MODEL]))


def main(url: str = "ws://127.0.0.1:9000", identity: str = "CS_1") -> None:
    with connect(url, identity, versions=["2.0.1"]) as websocket, Wallbox(identity, websocket) as station:
        answer = station.call(BOOT)
        print(f"{answer.status}, clock set to {answer.current_time:%H:%M:%S}", flush=True)
        if station.asked.wait(timeout=10):
            station.report()
            print("reported", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:3])
