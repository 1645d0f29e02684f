"""What a simulated charging station of OCPP 2.0.1 or 2.1 answers: one class for both, made with the modules
of either.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ocpp_sansio import Role, Version
from ocpp_sansio.routing import on

from .charger import Setting
from .life import Life
from .modules_v2 import messages_of
from .profiles import ALL, Profile, profile_from
from .sensible import Sensible, sensible

__all__ = ["answering", "variable_name"]

#: Steps of an upload, and of a new firmware.
UPLOAD = ("Uploading", "Uploaded")
FIRMWARE = ("Downloading", "Downloaded", "SignatureVerified", "Installing", "Installed")

VARIABLES_IN_ONE = 20  # of a report


def variable_name(component: Any, variable: Any) -> str:
    """The name of the setting that a variable of this component is."""
    return f"{component.name}.{variable.name}"


def answering(spoken: Version) -> type[Sensible]:
    """The class that answers for a station of this version, 2.0.1 or 2.1."""
    base: Any = sensible(spoken, Role.CSMS)
    if TYPE_CHECKING:
        from ocpp_sansio.v201 import call, call_result, datatypes
    else:
        call, call_result, datatypes, _ = messages_of(spoken)

    class Answering(base):  # type: ignore[misc]  # made at run time
        owner: Life

        @on(call.GetVariables)
        def get_variables(self, request: call.GetVariables) -> call_result.GetVariables:
            return call_result.GetVariables(
                get_variable_result=[self._get(each) for each in request.get_variable_data]
            )

        def _get(self, wanted: datatypes.GetVariableDataType) -> datatypes.GetVariableResultType:
            setting = self.owner.charger.settings.get(variable_name(wanted.component, wanted.variable))
            status = self._unknown(wanted, wanted.attribute_type) or (
                "Rejected" if setting is None or setting.secret else "Accepted"
            )
            return datatypes.GetVariableResultType(
                attribute_status=status,
                component=wanted.component,
                variable=wanted.variable,
                attribute_type=wanted.attribute_type,
                attribute_value=setting.value if setting is not None and status == "Accepted" else None,
            )

        def _unknown(self, wanted: Any, attribute_type: str | None) -> str | None:
            """What to say of a variable that there is not, or not with this attribute."""
            settings = self.owner.charger.settings
            if variable_name(wanted.component, wanted.variable) in settings:
                actual = attribute_type in (None, "Actual")
                return None if actual else "NotSupportedAttributeType"
            known = any(name.startswith(f"{wanted.component.name}.") for name in settings)
            return "UnknownVariable" if known else "UnknownComponent"

        @on(call.SetVariables)
        def set_variables(self, request: call.SetVariables) -> call_result.SetVariables:
            results = [self._set(each) for each in request.set_variable_data]
            return call_result.SetVariables(set_variable_result=results)

        def _set(self, wanted: datatypes.SetVariableDataType) -> datatypes.SetVariableResultType:
            name = variable_name(wanted.component, wanted.variable)
            status = self._unknown(wanted, wanted.attribute_type)
            return datatypes.SetVariableResultType(
                attribute_status=status or self.owner.set(name, wanted.attribute_value),
                component=wanted.component,
                variable=wanted.variable,
                attribute_type=wanted.attribute_type,
            )

        @on(call.GetBaseReport)
        def base_report(self, request: call.GetBaseReport) -> call_result.GetBaseReport:
            self._report(request.request_id, self.owner.charger.settings)
            return call_result.GetBaseReport(status="Accepted")

        @on(call.GetReport)
        def report(self, request: call.GetReport) -> call_result.GetReport:
            wanted = request.component_variable
            names = [
                name
                for name in self.owner.charger.settings
                if wanted is None or any(_is_wanted(name, each) for each in wanted)
            ]
            if not names:
                return call_result.GetReport(status="EmptyResultSet")
            self._report(request.request_id, names)
            return call_result.GetReport(status="Accepted")

        def _report(self, request_id: int, names: Iterable[str]) -> None:
            """Tell these variables, a few at a time."""
            settings, rest = self.owner.charger.settings, list(names)
            parts = [
                rest[start : start + VARIABLES_IN_ONE] for start in range(0, len(rest), VARIABLES_IN_ONE)
            ]
            self.owner.tell(
                *(
                    call.NotifyReport(
                        request_id=request_id,
                        generated_at=self.owner.clock.now(),
                        seq_no=number,
                        tbc=number < len(parts) - 1,
                        report_data=[_described(name, settings[name]) for name in part],
                    )
                    for number, part in enumerate(parts)
                )
            )

        @on(call.ChangeAvailability)
        def availability(self, request: call.ChangeAvailability) -> call_result.ChangeAvailability:
            number = request.evse.id if request.evse is not None else ALL
            status = self.owner.charger.change_availability(number, request.operational_status == "Operative")
            self.owner.soon(self.owner.report_all)
            return call_result.ChangeAvailability(status=status)

        @on(call.RequestStartTransaction)
        def request_start(self, request: call.RequestStartTransaction) -> call_result.RequestStartTransaction:
            charger, token = self.owner.charger, request.id_token
            connector = charger.free(request.evse_id, token.id_token)
            if connector is None:
                return call_result.RequestStartTransaction(status="Rejected")
            self.owner.begin(
                connector,
                token.id_token,
                token_type=str(token.type),
                remote_start_id=request.remote_start_id,
            )
            if request.charging_profile is not None:
                charger.set_profile(_profile(request.charging_profile, connector.number, charger.now()))
            return call_result.RequestStartTransaction(status="Accepted")

        @on(call.RequestStopTransaction)
        def request_stop(self, request: call.RequestStopTransaction) -> call_result.RequestStopTransaction:
            transaction = self.owner.charger.transaction(request.transaction_id)
            if transaction is None:
                return call_result.RequestStopTransaction(status="Rejected")
            transaction.end("Remote")
            return call_result.RequestStopTransaction(status="Accepted")

        @on(call.GetTransactionStatus)
        def transaction_status(self, request: call.GetTransactionStatus) -> call_result.GetTransactionStatus:
            id = request.transaction_id
            ongoing = None if id is None else self.owner.charger.transaction(id) is not None
            waiting = len(self.owner.outbox) > 0
            return call_result.GetTransactionStatus(messages_in_queue=waiting, ongoing_indicator=ongoing)

        @on(call.UnlockConnector)
        def unlock(self, request: call.UnlockConnector) -> call_result.UnlockConnector:
            connector = self.owner.charger.connectors.get(request.evse_id)
            if connector is None or request.connector_id != 1:
                return call_result.UnlockConnector(status="UnknownConnector")
            if connector.transaction is not None:
                return call_result.UnlockConnector(status="OngoingAuthorizedTransaction")
            return call_result.UnlockConnector(status="Unlocked")

        @on(call.Reset)
        def reset(self, request: call.Reset) -> call_result.Reset:
            if request.evse_id is not None:
                return call_result.Reset(status="Rejected")  # AllowReset of an EVSE is false
            self.owner.reset("ImmediateReset")
            return call_result.Reset(status="Accepted")

        @on(call.ReserveNow)
        def reserve(self, request: call.ReserveNow) -> call_result.ReserveNow:
            status = self.owner.charger.reserve(
                request.id, request.evse_id, request.id_token.id_token, request.expiry_date_time
            )
            self.owner.soon(self.owner.report_all)
            expired = call.ReservationStatusUpdate(
                reservation_id=request.id, reservation_update_status="Expired"
            )
            self.owner.expire_reservation(request.id, expired)
            return call_result.ReserveNow(status=status)

        @on(call.CancelReservation)
        def cancel(self, request: call.CancelReservation) -> call_result.CancelReservation:
            found = self.owner.charger.reservations.pop(request.reservation_id, None)
            self.owner.soon(self.owner.report_all)
            return call_result.CancelReservation(status="Accepted" if found is not None else "Rejected")

        @on(call.SetChargingProfile)
        def set_profile(self, request: call.SetChargingProfile) -> call_result.SetChargingProfile:
            status = self.owner.charger.set_profile(
                _profile(request.charging_profile, request.evse_id, self.owner.charger.now())
            )
            return call_result.SetChargingProfile(status=status)

        @on(call.ClearChargingProfile)
        def clear_profile(self, request: call.ClearChargingProfile) -> call_result.ClearChargingProfile:
            charger, wanted = self.owner.charger, request.charging_profile_criteria
            ids = None if request.charging_profile_id is None else [request.charging_profile_id]
            found = (
                charger.profiles.chosen(ids)
                if wanted is None
                else charger.profiles.chosen(
                    ids, wanted.evse_id, wanted.charging_profile_purpose, wanted.stack_level
                )
            )
            return call_result.ClearChargingProfile(status=charger.profiles.clear(found))

        @on(call.GetChargingProfiles)
        def get_profiles(self, request: call.GetChargingProfiles) -> call_result.GetChargingProfiles:
            wanted = request.charging_profile
            found = self.owner.charger.profiles.chosen(
                wanted.charging_profile_id,
                request.evse_id,
                wanted.charging_profile_purpose,
                wanted.stack_level,
            )
            if not found:
                return call_result.GetChargingProfiles(status="NoProfiles")
            self.owner.tell(
                *(
                    call.ReportChargingProfiles(
                        request_id=request.request_id,
                        charging_limit_source="CSO",
                        evse_id=profile.connector,
                        charging_profile=[profile.raw],
                        tbc=profile is not found[-1],
                    )
                    for profile in found
                )
            )
            return call_result.GetChargingProfiles(status="Accepted")

        @on(call.GetCompositeSchedule)
        def composite(self, request: call.GetCompositeSchedule) -> call_result.GetCompositeSchedule:
            charger, unit = self.owner.charger, str(request.charging_rate_unit or "W")
            if request.evse_id and request.evse_id not in charger.connectors:
                return call_result.GetCompositeSchedule(status="Rejected")
            schedule = datatypes.CompositeScheduleType(
                evse_id=request.evse_id,
                duration=request.duration,
                schedule_start=charger.now(),
                charging_rate_unit=unit,
                charging_schedule_period=[
                    datatypes.ChargingSchedulePeriodType(start_period=each.start, limit=each.limit)
                    for each in charger.composite(request.evse_id, request.duration, unit)
                ],
            )
            return call_result.GetCompositeSchedule(status="Accepted", schedule=schedule)

        @on(call.GetLocalListVersion)
        def list_version(self, request: call.GetLocalListVersion) -> call_result.GetLocalListVersion:
            return call_result.GetLocalListVersion(version_number=self.owner.charger.list_version)

        @on(call.SendLocalList)
        def local_list(self, request: call.SendLocalList) -> call_result.SendLocalList:
            charger = self.owner.charger
            if request.update_type == "Differential" and request.version_number <= charger.list_version:
                return call_result.SendLocalList(status="VersionMismatch")
            charger.list_version = request.version_number
            return call_result.SendLocalList(status="Accepted")

        @on(call.SetVariableMonitoring)
        def set_monitoring(self, request: call.SetVariableMonitoring) -> call_result.SetVariableMonitoring:
            return call_result.SetVariableMonitoring(
                set_monitoring_result=[
                    datatypes.SetMonitoringResultType(
                        status=self._unknown(each, None) or "UnsupportedMonitorType",
                        type=each.type,
                        component=each.component,
                        variable=each.variable,
                        severity=each.severity,
                    )
                    for each in request.set_monitoring_data
                ]
            )

        @on(call.ClearVariableMonitoring)
        def clear_monitoring(
            self, request: call.ClearVariableMonitoring
        ) -> call_result.ClearVariableMonitoring:
            return call_result.ClearVariableMonitoring(
                clear_monitoring_result=[
                    datatypes.ClearMonitoringResultType(status="NotFound", id=id) for id in request.id
                ]
            )

        @on(call.CustomerInformation)
        def customer(self, request: call.CustomerInformation) -> call_result.CustomerInformation:
            if request.report:
                self.owner.tell(
                    call.NotifyCustomerInformation(
                        request_id=request.request_id,
                        data="Nothing is known of this customer.",
                        seq_no=0,
                        generated_at=self.owner.clock.now(),
                    )
                )
            return call_result.CustomerInformation(status="Accepted")

        @on(call.GetLog)
        def log(self, request: call.GetLog) -> call_result.GetLog:
            id = request.request_id
            self.owner.tell(*(call.LogStatusNotification(status=status, request_id=id) for status in UPLOAD))
            return call_result.GetLog(status="Accepted", filename=f"{request.log_type}.log")

        @on(call.UpdateFirmware)
        def firmware(self, request: call.UpdateFirmware) -> call_result.UpdateFirmware:
            id = request.request_id
            self.owner.tell(
                *(call.FirmwareStatusNotification(status=status, request_id=id) for status in FIRMWARE)
            )
            return call_result.UpdateFirmware(status="Accepted")

        @on(call.TriggerMessage)
        def trigger(self, request: call.TriggerMessage) -> call_result.TriggerMessage:
            number = request.evse.id if request.evse is not None else ALL
            return call_result.TriggerMessage(status=self._trigger(str(request.requested_message), number))

        def _trigger(self, wanted: str, number: int) -> str:
            """Send what is wanted, after the answer."""
            life, connectors = self.owner, self.owner.charger.some(number)
            running = [(each, each.transaction) for each in connectors if each.transaction is not None]
            idle = IDLE.get(wanted)
            if not connectors or (wanted == "TransactionEvent" and not running):
                return "Rejected"
            if wanted == "BootNotification":
                life.station.boot_again()
            elif wanted == "StatusNotification":
                life.tell_statuses(number)
            elif wanted == "MeterValues":
                for each in connectors:
                    life.tell_meter(each, None)
            elif wanted == "TransactionEvent":
                for each, transaction in running:
                    life.tell_meter(each, transaction)
            elif idle is not None:
                life.tell(idle)
            else:
                return "NotImplemented"
            return "Accepted"

    IDLE: dict[str, Any] = {
        "Heartbeat": call.Heartbeat(),
        "FirmwareStatusNotification": call.FirmwareStatusNotification(status="Idle"),
        "LogStatusNotification": call.LogStatusNotification(status="Idle"),
    }

    def _described(name: str, setting: Setting) -> datatypes.ReportDataType:
        component, _, variable = name.partition(".")
        mutability = "WriteOnly" if setting.secret else "ReadOnly" if setting.readonly else "ReadWrite"
        return datatypes.ReportDataType(
            component=datatypes.ComponentType(name=component),
            variable=datatypes.VariableType(name=variable),
            variable_attribute=[
                datatypes.VariableAttributeType(
                    value=None if setting.secret else setting.value, mutability=mutability
                )
            ],
        )

    return Answering


def _is_wanted(name: str, wanted: Any) -> bool:
    component, _, variable = name.partition(".")
    return bool(
        wanted.component.name == component and (wanted.variable is None or wanted.variable.name == variable)
    )


def _profile(profile: Any, connector: int, now: datetime) -> Profile:
    """Of the schedules, which are alternatives for a car to choose from, the first."""
    return profile_from(profile, profile.id, profile.charging_schedule[0], connector, now)
