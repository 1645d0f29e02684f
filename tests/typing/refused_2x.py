"""What a type checker must refuse of OCPP 2.x: each marked line is an error, or the marker itself is. Never run."""

# A consequence of the errors in decorators, not one more.
# pyright: reportUntypedFunctionDecorator=false

from ocpp_sansio import Connection
from ocpp_sansio.routing import on
from ocpp_sansio.v21 import call_result as call_result21
from ocpp_sansio.v21 import send
from ocpp_sansio.v201 import call, call_result
from ocpp_sansio_adapters import v21, v201


def wrong_members(connection: Connection) -> None:
    call.Authorize()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    call.Authorize(id_token="x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    call.GetBaseReport(request_id="1", report_base="FullInventory")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    call.ClearCache(custom_data="x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    stream = send.NotifyPeriodicEventStream(data=[], id=1, pending=0, basetime="2024-05-01T12:00:00Z")
    connection.send(call.ClearCache(), now=0.0)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    connection.call(stream, now=0.0)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class Listener(v21.ChargePoint):
    @on(send.NotifyPeriodicEventStream)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    def a_send_has_no_answer(self, message: send.NotifyPeriodicEventStream) -> call_result21.Reset:
        return call_result21.Reset(status="Accepted")


class Station(v201.ChargePoint):
    @on(call.Reset)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    def another_versions_answer(self, request: call.Reset) -> call_result21.Reset:
        return call_result21.Reset(status="Accepted")

    @on(call.ClearCache)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    def another_request(self, request: call.Reset) -> call_result.ClearCache:
        return call_result.ClearCache(status="Accepted")
