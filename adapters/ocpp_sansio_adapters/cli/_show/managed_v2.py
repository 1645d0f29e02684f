"""The CSMS's view of a station that speaks OCPP 2.0.1 or 2.1: one class for both, made with the modules of either."""

from functools import cache
from typing import TYPE_CHECKING, ClassVar

from ocpp_sansio import Version
from ocpp_sansio.routing import after, on

from .._simulation.modules_v2 import messages_of
from .managed import ManagedStation
from .settings import HEARTBEAT_INTERVAL

__all__ = ["managed_station"]

#: Component and variable.
QUESTIONS = (("SampledDataCtrlr", "TxUpdatedInterval"), ("TxCtrlr", "TxStartPoint"))


@cache
def managed_station(spoken: Version) -> type[ManagedStation]:
    """The class for stations that speak this version, 2.0.1 or 2.1. It accepts whatever they ask for."""
    if TYPE_CHECKING:
        from ocpp_sansio.v201 import call, call_result, datatypes, enums
    else:
        call, call_result, datatypes, enums = messages_of(spoken)

    ACCEPTED = datatypes.IdTokenInfoType(status=enums.AuthorizationStatusEnumType.accepted)

    class Managed(ManagedStation):
        version: ClassVar[Version] = spoken
        transaction_id: str | None = None

        @on(call.BootNotification)
        def on_boot(self, request: call.BootNotification) -> call_result.BootNotification:
            return call_result.BootNotification(
                status=enums.RegistrationStatusEnumType.accepted,
                current_time=self.clock.now(),
                interval=HEARTBEAT_INTERVAL,
            )

        @after(call.BootNotification)
        async def ask_variables(self, request: call.BootNotification) -> None:
            await self.call(
                call.GetVariables(
                    get_variable_data=[
                        datatypes.GetVariableDataType(
                            component=datatypes.ComponentType(name=component),
                            variable=datatypes.VariableType(name=variable),
                        )
                        for component, variable in QUESTIONS
                    ]
                )
            )

        @on(call.StatusNotification)
        def on_status(self, request: call.StatusNotification) -> call_result.StatusNotification:
            return call_result.StatusNotification()

        @on(call.Heartbeat)
        def on_heartbeat(self, request: call.Heartbeat) -> call_result.Heartbeat:
            return call_result.Heartbeat(current_time=self.clock.now())

        @on(call.Authorize)
        async def on_authorize(self, request: call.Authorize) -> call_result.Authorize:
            return call_result.Authorize(id_token_info=ACCEPTED)

        @on(call.TransactionEvent)
        def on_transaction_event(self, request: call.TransactionEvent) -> call_result.TransactionEvent:
            ended = request.event_type is enums.TransactionEventEnumType.ended
            self.transaction_id = None if ended else request.transaction_info.transaction_id
            return call_result.TransactionEvent(id_token_info=ACCEPTED if request.id_token else None)

        @after(call.TransactionEvent)
        def started(self, request: call.TransactionEvent) -> None:
            self.charging.set()

        async def request_stop(self) -> None:
            if self.transaction_id is not None:
                await self.call(call.RequestStopTransaction(transaction_id=self.transaction_id))

    return Managed
