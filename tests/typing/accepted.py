"""What a type checker must accept, and the types that it must see. Checked by test_typing.py, never run."""

from datetime import UTC, datetime
from typing import Any, assert_type

from ocpp_sansio import CallReceived, Connection, Event, PendingCall, Raw, Role, Version
from ocpp_sansio.routing import after, on
from ocpp_sansio.v16 import call, call_result, datatypes, enums
from ocpp_sansio_adapters.v16 import ChargePoint


def a_call_knows_its_answer(conn: Connection, event: Event | None) -> None:
    pending = conn.call(call.Heartbeat(), now=0.0)
    assert_type(pending, PendingCall[call_result.Heartbeat])
    answer = pending.response_in(event)
    assert_type(answer, call_result.Heartbeat | None)
    if answer is not None:
        assert_type(answer.current_time, datetime)


async def an_awaited_call_is_its_answer(charge_point: ChargePoint) -> None:
    answer = await charge_point.call(call.Authorize(id_tag="x"))
    assert_type(answer, call_result.Authorize)
    assert_type(answer.id_tag_info, datatypes.IdTagInfo)
    assert_type(answer.id_tag_info.status, enums.AuthorizationStatus)
    assert_type(answer.id_tag_info.expiry_date, datetime | None)


async def as_programs_for_mobilityhouse_call(charge_point: ChargePoint, may_fail: bool) -> None:
    request = call.Authorize(id_tag="x")
    assert_type(await charge_point.call(request, False), call_result.Authorize)
    assert_type(await charge_point.call(payload=request, unique_id="1"), call_result.Authorize)
    assert_type(await charge_point.call(request, skip_schema_validation=True), call_result.Authorize)
    assert_type(await charge_point.call(request, True), call_result.Authorize | None)
    assert_type(await charge_point.call(request, suppress=may_fail), call_result.Authorize | None)
    assert_type(await charge_point.call(request, True, "1", True), call_result.Authorize | None)
    assert_type(await charge_point.call(Raw("Sing"), skip_schema_validation=True), Raw)


def an_event_is_told_by_its_request(conn: Connection) -> None:
    match conn.next_event():
        case CallReceived(request=call.BootNotification(charge_point_vendor=vendor) as request) as received:
            assert_type(vendor, str)
            assert_type(request.meter_type, str | None)
            assert_type(received, CallReceived)
        case CallReceived(request=call.MeterValues(meter_value=values)):
            assert_type(values, list[datatypes.MeterValue])
            assert_type(values[0].sampled_value[0].measurand, enums.Measurand | None)
        case _:
            pass


def a_version_may_be_written_out() -> None:
    Connection(Role.CSMS, "1.6")
    Connection(Role.CHARGING_STATION, Version.V16, call_timeout=5)
    Connection(None, "ocpp1.6")


def constructors_take_what_is_at_hand() -> None:
    now = datetime.now(UTC)
    call_result.BootNotification(status=enums.RegistrationStatus.accepted, current_time=now, interval=300)
    call_result.BootNotification(status="Accepted", current_time="2025-01-01T12:00:00Z", interval=300)

    info = datatypes.IdTagInfo(status="Accepted", expiry_date="2025-01-01T12:00:00Z")
    call_result.Authorize(id_tag_info=info)
    call_result.Authorize(id_tag_info={"status": "Accepted"})

    power = datatypes.SampledValue(value="11000", measurand=enums.Measurand.power_active_import, unit="W")
    meter_value = datatypes.MeterValue(timestamp=now, sampled_value=[power, {"value": "7"}])
    call.MeterValues(connector_id=1, meter_value=[meter_value])
    call.MeterValues(
        connector_id=1,
        meter_value=[{"timestamp": "2025-01-01T12:00:00Z", "sampled_value": [{"value": "7"}]}],
    )
    call.StopTransaction(meter_stop=9, timestamp=now, transaction_id=7, reason=None)


class TypedHandlers(ChargePoint):
    @on(call.BootNotification)
    def on_boot(self, request: call.BootNotification) -> call_result.BootNotification:
        return call_result.BootNotification(status="Accepted", current_time=datetime.now(UTC), interval=300)

    @after(call.BootNotification)
    def after_boot(self, request: call.BootNotification) -> None: ...

    @on(call.Heartbeat)
    async def on_heartbeat(self, request: call.Heartbeat) -> call_result.Heartbeat:
        return call_result.Heartbeat(current_time=datetime.now(UTC))

    @after(call.Heartbeat)
    async def after_heartbeat(self, request: call.Heartbeat) -> None:
        assert_type(await self.call(call.GetLocalListVersion()), call_result.GetLocalListVersion)


class DerivedHandlers(TypedHandlers):
    def on_boot(self, request: call.BootNotification) -> call_result.BootNotification:
        answer = super().on_boot(request)
        answer.interval = 60
        return answer

    @on(call.Heartbeat)
    async def on_heartbeat(self, request: call.Heartbeat) -> call_result.Heartbeat:
        return await super().on_heartbeat(request)


class KeywordHandlers(ChargePoint):
    @on(enums.Action.boot_notification)
    async def on_boot(
        self, charge_point_vendor: str, charge_point_model: str, **kwargs: Any
    ) -> call_result.BootNotification:
        return call_result.BootNotification(status="Accepted", current_time=datetime.now(UTC), interval=300)

    @on("Heartbeat")
    def on_heartbeat(self) -> call_result.Heartbeat:
        return call_result.Heartbeat(current_time=datetime.now(UTC))

    @after("Heartbeat", inject_response=True)
    def after_heartbeat(self) -> int:
        return 1

    @on("DataTransfer", skip_schema_validation=True)
    async def on_data_transfer(self, vendor_id: str, **members: Any) -> call_result.DataTransfer:
        return call_result.DataTransfer(status="Accepted")

    @on(enums.Action.diagnostics_status_notification, skip_schema_validation=False)
    def on_diagnostics(self, **members: Any) -> Raw:
        return Raw("DiagnosticsStatusNotification")


class OverridingCall(ChargePoint):
    async def call(
        self,
        payload: Any,
        suppress: bool = True,
        unique_id: str | None = None,
        skip_schema_validation: bool = False,
        *,
        timeout: float | None = None,
        queue_timeout: float | None = None,
    ) -> Any:
        return await super().call(payload, suppress, unique_id, skip_schema_validation, timeout=timeout)


async def a_decorated_method_keeps_its_type(typed: TypedHandlers, keyword: KeywordHandlers) -> None:
    boot = call.BootNotification(charge_point_vendor="acme", charge_point_model="One")
    assert_type(typed.on_boot(boot), call_result.BootNotification)
    assert_type(await typed.on_heartbeat(call.Heartbeat()), call_result.Heartbeat)
    typed.after_boot(boot)
    await typed.after_heartbeat(call.Heartbeat())
    assert_type(
        await keyword.on_boot(charge_point_vendor="acme", charge_point_model="One", iccid="8944"),
        call_result.BootNotification,
    )
    assert_type(keyword.on_heartbeat(), call_result.Heartbeat)
    assert_type(keyword.after_heartbeat(), int)
