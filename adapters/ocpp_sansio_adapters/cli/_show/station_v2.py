"""A simulated charging station of OCPP 2.0.1 or 2.1: one class for both, made with the modules of either."""

from functools import cache
from typing import TYPE_CHECKING, ClassVar

from ocpp_sansio import Version
from ocpp_sansio.routing import on

from .._simulation.meter import Reading
from .._simulation.modules_v2 import messages_of
from .settings import HEARTBEAT_INTERVAL, SAMPLE_INTERVAL
from .station import ChargingStation

__all__ = ["charging_station"]

#: The device model: values of variables, by component.
VARIABLES = {
    "OCPPCommCtrlr": {"HeartbeatInterval": str(HEARTBEAT_INTERVAL)},
    "SampledDataCtrlr": {"TxUpdatedInterval": str(SAMPLE_INTERVAL)},
    "TxCtrlr": {"TxStartPoint": "PowerPathClosed", "TxStopPoint": "PowerPathClosed"},
}


@cache
def charging_station(spoken: Version) -> type[ChargingStation]:
    """The class of stations that speak this version, 2.0.1 or 2.1."""
    if TYPE_CHECKING:
        from ocpp_sansio.v201 import call, call_result, datatypes, enums
    else:
        call, call_result, datatypes, enums = messages_of(spoken)

    Measurand = enums.MeasurandEnumType
    SAMPLES = (
        ("energy", Measurand.energy_active_import_register, "Wh"),
        ("power", Measurand.power_active_import, "W"),
        ("voltage", Measurand.voltage, "V"),
        ("soc", Measurand.soc, "Percent"),
    )
    EVSE = datatypes.EVSEType(id=1, connector_id=1)

    class Station(ChargingStation):
        version: ClassVar[Version] = spoken
        transaction_id: str | None = None
        events = 0  # of the transaction, so far

        @on(call.GetVariables)
        def on_get_variables(self, request: call.GetVariables) -> call_result.GetVariables:
            return call_result.GetVariables(
                get_variable_result=[look_up(wanted) for wanted in request.get_variable_data]
            )

        @on(call.RequestStopTransaction)
        def on_request_stop(self, request: call.RequestStopTransaction) -> call_result.RequestStopTransaction:
            if request.transaction_id != self.transaction_id:
                return call_result.RequestStopTransaction(
                    status=enums.RequestStartStopStatusEnumType.rejected
                )
            self.stop_requested.set()
            return call_result.RequestStopTransaction(status=enums.RequestStartStopStatusEnumType.accepted)

        async def boot(self) -> int:
            while True:
                answer = await self.call(
                    call.BootNotification(
                        reason=enums.BootReasonEnumType.power_up,
                        charging_station=datatypes.ChargingStationType(
                            vendor_name="ocpp-sansio", model="Demo", serial_number=self.id
                        ),
                    )
                )
                if answer.status is enums.RegistrationStatusEnumType.accepted:
                    return answer.interval
                await self.clock.sleep(answer.interval)

        async def beat(self) -> None:
            await self.call(call.Heartbeat())

        async def report_available(self) -> None:
            await self._report_status(enums.ConnectorStatusEnumType.available)

        async def serve_customer(self, token: str) -> None:
            id_token = datatypes.IdTokenType(id_token=token, type="KeyCode")
            answer = await self.call(call.Authorize(id_token=id_token))
            if answer.id_token_info.status is not enums.AuthorizationStatusEnumType.accepted:
                return
            await self._report_status(enums.ConnectorStatusEnumType.occupied)
            await self._start_transaction(id_token)
            while not await self.clock.happens(self.stop_requested, within=SAMPLE_INTERVAL):
                await self._update_transaction()
            await self._end_transaction(enums.ReasonEnumType.remote)
            await self._report_status(enums.ConnectorStatusEnumType.available)

        async def _report_status(self, status: enums.ConnectorStatusEnumType) -> None:
            await self.call(
                call.StatusNotification(
                    evse_id=1, connector_id=1, connector_status=status, timestamp=self.clock.now()
                )
            )

        async def _start_transaction(self, id_token: datatypes.IdTokenType) -> None:
            self.transaction_id = f"{self.random.getrandbits(32):08x}"
            event = self._event(
                enums.TransactionEventEnumType.started,
                enums.TriggerReasonEnumType.charging_state_changed,
                enums.ReadingContextEnumType.transaction_begin,
                enums.ChargingStateEnumType.charging,
            )
            event.id_token, event.evse = id_token, EVSE
            await self.call(event)

        async def _update_transaction(self) -> None:
            await self.call(
                self._event(
                    enums.TransactionEventEnumType.updated,
                    enums.TriggerReasonEnumType.meter_value_periodic,
                    enums.ReadingContextEnumType.sample_periodic,
                    enums.ChargingStateEnumType.charging,
                )
            )

        async def _end_transaction(self, reason: enums.ReasonEnumType) -> None:
            event = self._event(
                enums.TransactionEventEnumType.ended,
                enums.TriggerReasonEnumType.remote_stop,
                enums.ReadingContextEnumType.transaction_end,
                enums.ChargingStateEnumType.ev_connected,
            )
            event.transaction_info.stopped_reason = reason
            await self.call(event)
            self.transaction_id = None

        def _event(
            self,
            event_type: enums.TransactionEventEnumType,
            trigger_reason: enums.TriggerReasonEnumType,
            context: enums.ReadingContextEnumType,
            charging_state: enums.ChargingStateEnumType,
        ) -> call.TransactionEvent:
            """The transaction's next event, with what the meter shows at this moment."""
            assert self.transaction_id is not None
            seq_no, self.events = self.events, self.events + 1
            reading = self.meter.read(self.clock.now())
            return call.TransactionEvent(
                event_type=event_type,
                timestamp=reading.time,
                trigger_reason=trigger_reason,
                seq_no=seq_no,
                transaction_info=datatypes.TransactionType(
                    transaction_id=self.transaction_id, charging_state=charging_state
                ),
                meter_value=[meter_value(reading, context)],
            )

    def look_up(wanted: datatypes.GetVariableDataType) -> datatypes.GetVariableResultType:
        variables = VARIABLES.get(wanted.component.name, {})
        value = variables.get(wanted.variable.name)
        if value is not None:
            status = enums.GetVariableStatusEnumType.accepted
        elif variables:
            status = enums.GetVariableStatusEnumType.unknown_variable
        else:
            status = enums.GetVariableStatusEnumType.unknown_component
        return datatypes.GetVariableResultType(
            attribute_status=status,
            component=wanted.component,
            variable=wanted.variable,
            attribute_value=value,
        )

    def meter_value(reading: Reading, context: enums.ReadingContextEnumType) -> datatypes.MeterValueType:
        return datatypes.MeterValueType(
            timestamp=reading.time,
            sampled_value=[
                datatypes.SampledValueType(
                    value=getattr(reading, name),
                    context=context,
                    measurand=measurand,
                    unit_of_measure=datatypes.UnitOfMeasureType(unit=unit),
                )
                for name, measurand, unit in SAMPLES
            ],
        )

    return Station
