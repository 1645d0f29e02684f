"""What a type checker must accept of OCPP 2.0.1 and 2.1, and the types that it must see. Never run."""

from datetime import datetime
from typing import Any, assert_type

from ocpp_sansio import (
    BootGate,
    BootStatus,
    CallReceived,
    Connection,
    PendingCall,
    Raw,
    Role,
    StationState,
    Strictness,
    Validation,
)
from ocpp_sansio.messages import CustomData
from ocpp_sansio.routing import on
from ocpp_sansio.v21 import call as call21
from ocpp_sansio.v21 import send
from ocpp_sansio.v201 import call, call_result, datatypes, enums
from ocpp_sansio_adapters import v21, v201


async def an_awaited_call_is_its_answer(charge_point: v201.ChargePoint, newer: v21.ChargePoint) -> None:
    answer = await charge_point.call(call.Authorize(id_token={"id_token": "x", "type": "Central"}))
    assert_type(answer, call_result.Authorize)
    assert_type(answer.id_token_info, datatypes.IdTokenInfoType)
    assert_type(answer.custom_data, CustomData | None)
    # The type of a token is an open string in 2.1.
    await newer.call(call21.Authorize(id_token={"id_token": "x", "type": "anything"}))


def members_are_typed(connection: Connection) -> None:
    event = call.TransactionEvent(
        event_type="Started",
        timestamp="2024-05-01T12:00:00Z",
        trigger_reason=enums.TriggerReasonEnumType.authorized,
        seq_no=0,
        transaction_info=datatypes.TransactionType(transaction_id="1"),
        custom_data={"vendorId": "com.example", "anything": 1},
    )
    assert_type(event.event_type, enums.TransactionEventEnumType)
    assert_type(event.timestamp, datetime)
    assert_type(event.meter_value, list[datatypes.MeterValueType] | None)
    assert_type(connection.call(event, now=0.0), PendingCall[call_result.TransactionEvent])
    transfer = call.DataTransfer(vendor_id="com.example", data=None)
    data: object = transfer.data
    assert data is None
    stream = send.NotifyPeriodicEventStream(data=[], id=1, pending=0, basetime="2024-05-01T12:00:00Z")
    assert_type(connection.send(stream, now=0.0), str)


def a_message_without_a_class_is_answered_with_one(connection: Connection, received: CallReceived) -> None:
    assert_type(connection.call(Raw("Sing", {"song": "la"}), now=0.0), PendingCall[Raw])
    connection.send(Raw("Hum"), now=0.0, id="1")
    connection.reply(received, Raw(received.action))


def policies_are_named_or_spelt_out() -> None:
    Connection(Role.CSMS, "2.1", validation="lenient", duplicates="replay", half_duplex=True)
    judged = Validation(
        "lenient", sent="off", actions={"DataTransfer": "off", "Reset": Validation(sent="off")}
    )
    state = StationState("CP_1", boot="Pending")
    Connection(Role.CSMS, "2.1", validation=judged, state=state, boot_gate=BootGate(trust_unknown=False))
    assert_type(state.boot, BootStatus)
    assert_type(judged.received, Strictness)


def a_vendors_action_is_a_request(connection: Connection, document: dict[str, Any]) -> None:
    sing = Raw.declare("Sing", request=document, response=document, sender=Role.CSMS)
    connection.call(sing(payload={"song": "la"}), now=0.0)


class Listener(v21.ChargePoint):
    @on(send.NotifyPeriodicEventStream)
    def hear(self, message: send.NotifyPeriodicEventStream) -> None:
        assert_type(message.pending, int)

    @on(send.NotifyPeriodicEventStream)
    async def hear_later(self, message: send.NotifyPeriodicEventStream) -> None:
        await self.send(message)


class Station(v201.ChargePoint):
    @on(call.Reset)
    async def reset(self, request: call.Reset) -> call_result.Reset:
        assert_type(request.type, enums.ResetEnumType)
        return call_result.Reset(status="Accepted")

    @on(call.ClearCache)
    def clear(self, request: call.ClearCache) -> call_result.ClearCache:
        return call_result.ClearCache(status=enums.ClearCacheStatusEnumType.accepted)
