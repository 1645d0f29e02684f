"""The CSMS's view of a station that speaks OCPP 1.6."""

from typing import ClassVar

from ocpp_sansio import Version
from ocpp_sansio.routing import after, on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v16.datatypes import IdTagInfo
from ocpp_sansio.v16.enums import AuthorizationStatus, RegistrationStatus

from .managed import ManagedStation
from .settings import HEARTBEAT_INTERVAL

__all__ = ["ManagedStation16"]

ACCEPTED = IdTagInfo(status=AuthorizationStatus.accepted)


class ManagedStation16(ManagedStation):
    """Accepts whatever the station asks for."""

    version: ClassVar[Version] = Version.V16
    transaction_id: int | None = None

    @on(call.BootNotification)
    def on_boot(self, request: call.BootNotification) -> call_result.BootNotification:
        return call_result.BootNotification(
            status=RegistrationStatus.accepted, current_time=self.clock.now(), interval=HEARTBEAT_INTERVAL
        )

    @after(call.BootNotification)
    async def ask_configuration(self, request: call.BootNotification) -> None:
        await self.call(call.GetConfiguration(key=["MeterValueSampleInterval", "NumberOfConnectors"]))

    @on(call.StatusNotification)
    def on_status(self, request: call.StatusNotification) -> call_result.StatusNotification:
        return call_result.StatusNotification()

    @on(call.Heartbeat)
    def on_heartbeat(self, request: call.Heartbeat) -> call_result.Heartbeat:
        return call_result.Heartbeat(current_time=self.clock.now())

    @on(call.Authorize)
    async def on_authorize(self, request: call.Authorize) -> call_result.Authorize:
        return call_result.Authorize(id_tag_info=ACCEPTED)

    @on(call.StartTransaction)
    def on_start(self, request: call.StartTransaction) -> call_result.StartTransaction:
        self.transaction_id = next(self.transaction_ids)
        return call_result.StartTransaction(transaction_id=self.transaction_id, id_tag_info=ACCEPTED)

    @after(call.StartTransaction)
    def started(self, request: call.StartTransaction) -> None:
        self.charging.set()

    @on(call.MeterValues)
    def on_meter_values(self, request: call.MeterValues) -> call_result.MeterValues:
        return call_result.MeterValues()

    @on(call.StopTransaction)
    def on_stop(self, request: call.StopTransaction) -> call_result.StopTransaction:
        self.transaction_id = None
        return call_result.StopTransaction(id_tag_info=ACCEPTED)

    async def request_stop(self) -> None:
        if self.transaction_id is not None:
            await self.call(call.RemoteStopTransaction(transaction_id=self.transaction_id))
