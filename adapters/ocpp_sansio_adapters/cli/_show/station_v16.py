"""A simulated charging station of OCPP 1.6, written as one would write a real one."""

from typing import ClassVar

from ocpp_sansio import Version
from ocpp_sansio.routing import on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v16.datatypes import KeyValue, MeterValue, SampledValue
from ocpp_sansio.v16.enums import (
    AuthorizationStatus,
    ChargePointErrorCode,
    ChargePointStatus,
    Measurand,
    Reason,
    RegistrationStatus,
    RemoteStartStopStatus,
    UnitOfMeasure,
)

from .._simulation.meter import Reading
from .settings import HEARTBEAT_INTERVAL, SAMPLE_INTERVAL
from .station import ChargingStation

__all__ = ["ChargingStation16"]

CONFIGURATION = {
    "HeartbeatInterval": str(HEARTBEAT_INTERVAL),
    "MeterValueSampleInterval": str(SAMPLE_INTERVAL),
    "NumberOfConnectors": "1",
}


class ChargingStation16(ChargingStation):
    """A station that speaks OCPP 1.6."""

    version: ClassVar[Version] = Version.V16
    transaction_id: int | None = None

    @on(call.GetConfiguration)
    def on_get_configuration(self, request: call.GetConfiguration) -> call_result.GetConfiguration:
        asked = request.key or list(CONFIGURATION)
        return call_result.GetConfiguration(
            configuration_key=[
                KeyValue(key=key, readonly=True, value=CONFIGURATION[key])
                for key in asked
                if key in CONFIGURATION
            ],
            unknown_key=[key for key in asked if key not in CONFIGURATION],
        )

    @on(call.RemoteStopTransaction)
    def on_remote_stop(self, request: call.RemoteStopTransaction) -> call_result.RemoteStopTransaction:
        if request.transaction_id != self.transaction_id:
            return call_result.RemoteStopTransaction(status=RemoteStartStopStatus.rejected)
        self.stop_requested.set()
        return call_result.RemoteStopTransaction(status=RemoteStartStopStatus.accepted)

    async def boot(self) -> int:
        while True:
            answer = await self.call(
                call.BootNotification(
                    charge_point_vendor="ocpp-sansio",
                    charge_point_model="Demo",
                    charge_point_serial_number=self.id,
                )
            )
            if answer.status is RegistrationStatus.accepted:
                return answer.interval
            await self.clock.sleep(answer.interval)

    async def beat(self) -> None:
        await self.call(call.Heartbeat())

    async def report_available(self) -> None:
        await self._report_status(0, ChargePointStatus.available)
        await self._report_status(1, ChargePointStatus.available)

    async def serve_customer(self, token: str) -> None:
        answer = await self.call(call.Authorize(id_tag=token))
        if answer.id_tag_info.status is not AuthorizationStatus.accepted:
            return
        await self._report_status(1, ChargePointStatus.preparing)
        await self._start_transaction(token)
        await self._report_status(1, ChargePointStatus.charging)
        while not await self.clock.happens(self.stop_requested, within=SAMPLE_INTERVAL):
            await self._send_meter_values()
        await self._stop_transaction(Reason.remote)
        await self._report_status(1, ChargePointStatus.finishing)
        await self._report_status(1, ChargePointStatus.available)

    async def _report_status(self, connector_id: int, status: ChargePointStatus) -> None:
        await self.call(
            call.StatusNotification(
                connector_id=connector_id,
                error_code=ChargePointErrorCode.no_error,
                status=status,
                timestamp=self.clock.now(),
            )
        )

    async def _start_transaction(self, id_tag: str) -> None:
        reading = self.meter.read(self.clock.now())
        answer = await self.call(
            call.StartTransaction(
                connector_id=1, id_tag=id_tag, meter_start=reading.energy, timestamp=reading.time
            )
        )
        self.transaction_id = answer.transaction_id

    async def _send_meter_values(self) -> None:
        reading = self.meter.read(self.clock.now())
        await self.call(
            call.MeterValues(
                connector_id=1, transaction_id=self.transaction_id, meter_value=[_meter_value(reading)]
            )
        )

    async def _stop_transaction(self, reason: Reason) -> None:
        assert self.transaction_id is not None
        reading = self.meter.read(self.clock.now())
        await self.call(
            call.StopTransaction(
                transaction_id=self.transaction_id,
                meter_stop=reading.energy,
                timestamp=reading.time,
                reason=reason,
            )
        )
        self.transaction_id = None


def _meter_value(reading: Reading) -> MeterValue:
    samples = (
        (reading.energy, Measurand.energy_active_import_register, UnitOfMeasure.wh),
        (reading.power, Measurand.power_active_import, UnitOfMeasure.w),
        (reading.voltage, Measurand.voltage, UnitOfMeasure.v),
        (reading.soc, Measurand.soc, UnitOfMeasure.percent),
    )
    return MeterValue(
        timestamp=reading.time,
        sampled_value=[
            SampledValue(value=str(value), measurand=measurand, unit=unit)
            for value, measurand, unit in samples
        ],
    )
