"""A CSMS for OCPP 2.0.1 without an event loop: accepts every station, and asks each for a report once it has
booted.

    python csms.py [port]

Port 0 takes a free one. Each station has a thread of its own, which reads; handlers run in a pool, so that
they may call the station. charging_station.py is a client for it, and so is that of examples/v201.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime

from websockets.exceptions import ConnectionClosed

from ocpp_sansio.routing import after, on
from ocpp_sansio.v201 import call, call_result
from ocpp_sansio.v201.enums import RegistrationStatusEnumType, ReportBaseEnumType
from ocpp_sansio_adapters.sync.v201 import ChargePoint
from ocpp_sansio_adapters.sync.websockets import WebSocket, serve


class Station(ChargePoint):
    """A station as the CSMS sees it: one object for each connection."""

    @on(call.BootNotification)
    def boot(self, request: call.BootNotification) -> call_result.BootNotification:
        print(f"{self.id}: booted, {request.charging_station.model}", flush=True)
        return call_result.BootNotification(
            current_time=datetime.now(UTC), interval=10, status=RegistrationStatusEnumType.accepted
        )

    @after(call.BootNotification)
    def ask_for_report(self, request: call.BootNotification) -> None:
        report = call.GetBaseReport(request_id=1, report_base=ReportBaseEnumType.full_inventory)
        answer = self.call(report)
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


def main(port: int = 9000) -> None:
    def attend(websocket: WebSocket) -> None:
        with suppress(ConnectionClosed):
            Station(websocket.identity, websocket, pool=pool).start()
        print(f"{websocket.identity}: left", flush=True)

    with ThreadPoolExecutor() as pool, serve(attend, "127.0.0.1", port, versions=["2.0.1"]) as server:
        host, port = server.address
        print(f"listening on ws://{host}:{port}", flush=True)
        with suppress(KeyboardInterrupt):
            server.serve_forever()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
