"""A simulated charging station, written as one would write a real one: handlers for what it is asked, a method for what it does."""

import asyncio
from collections.abc import Iterable
from random import Random

from ocpp_sansio.routing import on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v16.datatypes import KeyValue
from ocpp_sansio.v16.enums import (
    AuthorizationStatus,
    ChargePointErrorCode,
    ChargePointStatus,
    Reason,
    RegistrationStatus,
    RemoteStartStopStatus,
)

from ..driver import Transport
from ..records import Observer
from ..v16 import ChargePoint
from ._meter import Meter
from ._settings import HEARTBEAT_INTERVAL, SAMPLE_INTERVAL, Clock

__all__ = ["ChargingStation"]

CONFIGURATION = {
    "HeartbeatInterval": str(HEARTBEAT_INTERVAL),
    "MeterValueSampleInterval": str(SAMPLE_INTERVAL),
    "NumberOfConnectors": "1",
}


class ChargingStation(ChargePoint):
    """A station with one connector, at which one customer charges until the CSMS stops it."""

    def __init__(
        self,
        id: str,
        connection: Transport,
        *,
        clock: Clock,
        call_timeout: float,
        observers: Iterable[Observer],
    ) -> None:
        super().__init__(id, connection, response_timeout=call_timeout, observers=observers)
        self.clock = clock
        self.random = Random(id)  # every run shows the same
        self.meter = Meter(self.random)
        self.transaction_id: int | None = None
        self.stop_requested = asyncio.Event()
        self.customer_left = asyncio.Event()

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

    async def session(self) -> None:
        """Boot, and serve one customer while the heart beats. Needs `start()` to run at the same time."""
        heartbeat_interval = await self._boot()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._beat(heartbeat_interval))
            await self._report_status(0, ChargePointStatus.available)
            await self._report_status(1, ChargePointStatus.available)
            # Customers do not come all at once.
            await self.clock.sleep(self.random.uniform(0, SAMPLE_INTERVAL))
            await self._serve_customer(id_tag=f"TAG-{self.id}")
            self.customer_left.set()

    async def _boot(self) -> int:
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

    async def _beat(self, interval: float) -> None:
        while not await self.clock.happens(self.customer_left, within=interval):
            await self.call(call.Heartbeat())

    async def _serve_customer(self, id_tag: str) -> None:
        answer = await self.call(call.Authorize(id_tag=id_tag))
        if answer.id_tag_info.status is not AuthorizationStatus.accepted:
            return
        await self._report_status(1, ChargePointStatus.preparing)
        await self._start_transaction(id_tag)
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
        self.meter.advance(self.clock.now())
        answer = await self.call(
            call.StartTransaction(
                connector_id=1, id_tag=id_tag, meter_start=self.meter.register_wh, timestamp=self.clock.now()
            )
        )
        self.transaction_id = answer.transaction_id

    async def _send_meter_values(self) -> None:
        self.meter.advance(self.clock.now())
        await self.call(
            call.MeterValues(
                connector_id=1, transaction_id=self.transaction_id, meter_value=[self.meter.read()]
            )
        )

    async def _stop_transaction(self, reason: Reason) -> None:
        assert self.transaction_id is not None
        self.meter.advance(self.clock.now())
        await self.call(
            call.StopTransaction(
                transaction_id=self.transaction_id,
                meter_stop=self.meter.register_wh,
                timestamp=self.clock.now(),
                reason=reason,
            )
        )
        self.transaction_id = None
