"""What a simulated charging station of OCPP 2.0.1 or 2.1 says: one class for both, made with the modules of
either.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import uuid4

from ocpp_sansio import Version
from ocpp_sansio.messages import Request

from .answers_v2 import answering as answering_class
from .charger import Connector, Phase, Setting, Transaction
from .dialect import Dialect
from .meter import SAMPLES, Reading
from .modules_v2 import messages_of

__all__ = ["dialect_of"]

#: What triggers the last message of a transaction, by the reason of its end.
TRIGGERS: Mapping[str, str] = MappingProxyType(
    {
        "DeAuthorized": "Deauthorized",
        "ImmediateReset": "ResetCommand",
        "Local": "StopAuthorized",
        "Remote": "RemoteStop",
    }
)

#: Connectors that do something are occupied; other phases have the word that 1.6 has.
OCCUPIED = frozenset({Phase.PREPARING, Phase.CHARGING, Phase.FINISHING})


def dialect_of(spoken: Version) -> Dialect:
    """What a station of this version says, 2.0.1 or 2.1."""
    if TYPE_CHECKING:
        from ocpp_sansio.v201 import call, datatypes, enums
    else:
        call, _, datatypes, enums = messages_of(spoken)

    class Dialect2(Dialect):
        version: ClassVar[Version] = spoken
        sample_interval: ClassVar[str] = "SampledDataCtrlr.TxUpdatedInterval"
        heartbeat_interval: ClassVar[str] = "OCPPCommCtrlr.HeartbeatInterval"
        answering = answering_class(spoken)

        def settings(self, connectors: int, interval: float) -> dict[str, Setting]:
            readonly = {
                "AuthCtrlr.Enabled": "true",
                "ChargingStation.Model": "Simulator",
                "ChargingStation.SupplyPhases": "3",
                "ChargingStation.VendorName": "ocpp-sansio",
                "DeviceDataCtrlr.ItemsPerMessage": "20",
                "OCPPCommCtrlr.WebSocketPingInterval": "30",
                "SampledDataCtrlr.TxUpdatedMeasurands": ",".join(name for _, name, _ in SAMPLES),
                "SecurityCtrlr.SecurityProfile": "0",
                "SmartChargingCtrlr.ProfileStackLevel": "100",
                "TxCtrlr.TxStartPoint": "PowerPathClosed",
                "TxCtrlr.TxStopPoint": "PowerPathClosed",
            }
            return {
                **{name: Setting(value, readonly=True) for name, value in readonly.items()},
                "AuthCtrlr.AuthorizeRemoteStart": Setting("false"),
                self.heartbeat_interval: Setting("300", least=1),
                "OCPPCommCtrlr.MessageTimeout": Setting("30", reboot=True, least=1),
                self.sample_interval: Setting(f"{interval:g}", least=0),
                "SecurityCtrlr.BasicAuthPassword": Setting("", secret=True),
                "TxCtrlr.EVConnectionTimeOut": Setting("60", least=1),
            }

        def boot(self, identity: str) -> Request[Any, Any]:
            return call.BootNotification(
                reason="PowerUp",
                charging_station=datatypes.ChargingStationType(
                    vendor_name="ocpp-sansio",
                    model="Simulator",
                    serial_number=identity[:25],
                    firmware_version="1.0",
                ),
            )

        def whole(self, operative: bool, now: datetime) -> Request[Any, Any] | None:
            return None

        def status(self, connector: Connector, phase: Phase, now: datetime) -> Request[Any, Any]:
            return call.StatusNotification(
                evse_id=connector.number,
                connector_id=1,
                connector_status="Occupied" if phase in OCCUPIED else phase.value,
                timestamp=now,
            )

        def authorize(self, token: str) -> Request[Any, Any]:
            return call.Authorize(id_token=datatypes.IdTokenType(id_token=token, type="ISO14443"))

        def welcome(self, answer: Any) -> bool:
            return answer.id_token_info is None or answer.id_token_info.status == "Accepted"

        def began(
            self, connector: Connector, transaction: Transaction, reading: Reading
        ) -> Request[Any, Any]:
            transaction.id = str(uuid4())
            trigger = "Authorized" if transaction.remote_start_id is None else "RemoteStart"
            event = self._event("Started", trigger, "Transaction.Begin", transaction, reading)
            event.evse = datatypes.EVSEType(id=connector.number, connector_id=1)
            event.id_token = datatypes.IdTokenType(id_token=transaction.token, type=transaction.token_type)
            event.reservation_id = transaction.reservation_id
            event.transaction_info.remote_start_id = transaction.remote_start_id
            return event

        def learn(self, transaction: Transaction, answer: Any) -> None:
            """The id was ours."""

        def sample(
            self,
            connector: Connector,
            transaction: Transaction | None,
            reading: Reading,
            *,
            asked: bool = False,
        ) -> Request[Any, Any]:
            context = "Trigger" if asked else "Sample.Periodic"
            if transaction is None or transaction.id is None:
                return call.MeterValues(
                    evse_id=connector.number, meter_value=[_meter_value(reading, context)]
                )
            trigger = "Trigger" if asked else "MeterValuePeriodic"
            return self._event("Updated", trigger, context, transaction, reading)

        def ended(
            self, connector: Connector, transaction: Transaction, reading: Reading
        ) -> Request[Any, Any]:
            trigger = TRIGGERS.get(transaction.stop, "AbnormalCondition")
            event = self._event("Ended", trigger, "Transaction.End", transaction, reading)
            event.transaction_info.stopped_reason = enums.ReasonEnumType(transaction.stop)
            if transaction.stop == "Local":
                event.id_token = datatypes.IdTokenType(
                    id_token=transaction.token, type=transaction.token_type
                )
            return event

        def _event(
            self, kind: str, trigger: str, context: str, transaction: Transaction, reading: Reading
        ) -> call.TransactionEvent:
            seq_no, transaction.seq_no = transaction.seq_no, transaction.seq_no + 1
            return call.TransactionEvent(
                event_type=kind,
                timestamp=reading.time,
                trigger_reason=trigger,
                seq_no=seq_no,
                transaction_info=datatypes.TransactionType(
                    transaction_id=transaction.id,
                    charging_state="EVConnected" if kind == "Ended" else "Charging",
                ),
                meter_value=[_meter_value(reading, context)],
            )

    def _meter_value(reading: Reading, context: str) -> datatypes.MeterValueType:
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

    return Dialect2()
