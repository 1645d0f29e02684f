"""A simulated charging station of OCPP 1.6: what it says, and what it answers."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar

from ocpp_sansio import Role, Version
from ocpp_sansio.messages import Request
from ocpp_sansio.routing import on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v16.datatypes import (
    ChargingProfile,
    ChargingSchedule,
    ChargingSchedulePeriod,
    KeyValue,
    MeterValue,
    SampledValue,
)

from .charger import Connector, Phase, Setting, Transaction
from .dialect import Dialect
from .life import Life
from .meter import SAMPLES, Reading
from .profiles import ALL, Profile, profile_from
from .sensible import sensible

__all__ = ["Dialect16"]

PROFILES = "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger"

#: Steps of an upload, and of a new firmware.
UPLOAD = ("Uploading", "Uploaded")
FIRMWARE = ("Downloading", "Downloaded", "Installing", "Installed")
SIGNED_FIRMWARE = ("Downloading", "Downloaded", "SignatureVerified", "Installing", "Installed")


class Answering(sensible(Version.V16, Role.CSMS)):  # type: ignore[misc]  # made at run time
    """Answers for a station."""

    owner: Life

    @on(call.ChangeAvailability)
    def availability(self, request: call.ChangeAvailability) -> call_result.ChangeAvailability:
        operative = request.type == "Operative"
        status = self.owner.charger.change_availability(request.connector_id, operative)
        self.owner.soon(self.owner.report_all)
        return call_result.ChangeAvailability(status=status)

    @on(call.GetConfiguration)
    def get_configuration(self, request: call.GetConfiguration) -> call_result.GetConfiguration:
        settings = self.owner.charger.settings
        asked = request.key or list(settings)
        found = [
            KeyValue(key=key, readonly=setting.readonly, value=None if setting.secret else setting.value)
            for key in asked
            if (setting := settings.get(key)) is not None
        ]
        unknown = [key for key in asked if key not in settings]
        return call_result.GetConfiguration(configuration_key=found, unknown_key=unknown or None)

    @on(call.ChangeConfiguration)
    def change_configuration(self, request: call.ChangeConfiguration) -> call_result.ChangeConfiguration:
        known = request.key in self.owner.charger.settings
        status = self.owner.set(request.key, request.value) if known else "NotSupported"
        return call_result.ChangeConfiguration(status=status)

    @on(call.RemoteStartTransaction)
    def remote_start(self, request: call.RemoteStartTransaction) -> call_result.RemoteStartTransaction:
        charger = self.owner.charger
        connector = charger.free(request.connector_id, request.id_tag)
        if connector is None:
            return call_result.RemoteStartTransaction(status="Rejected")
        self.owner.begin(connector, request.id_tag, remote_start_id=0)
        if request.charging_profile is not None:
            charger.set_profile(_profile(request.charging_profile, connector.number, charger.now()))
        return call_result.RemoteStartTransaction(status="Accepted")

    @on(call.RemoteStopTransaction)
    def remote_stop(self, request: call.RemoteStopTransaction) -> call_result.RemoteStopTransaction:
        transaction = self.owner.charger.transaction(request.transaction_id)
        if transaction is None:
            return call_result.RemoteStopTransaction(status="Rejected")
        transaction.end("Remote")
        return call_result.RemoteStopTransaction(status="Accepted")

    @on(call.UnlockConnector)
    def unlock(self, request: call.UnlockConnector) -> call_result.UnlockConnector:
        connector = self.owner.charger.connectors.get(request.connector_id)
        if connector is None:
            return call_result.UnlockConnector(status="NotSupported")
        if connector.transaction is not None:
            connector.transaction.end("UnlockCommand")
        return call_result.UnlockConnector(status="Unlocked")

    @on(call.Reset)
    def reset(self, request: call.Reset) -> call_result.Reset:
        self.owner.reset(f"{request.type}Reset")
        return call_result.Reset(status="Accepted")

    @on(call.ReserveNow)
    def reserve(self, request: call.ReserveNow) -> call_result.ReserveNow:
        status = self.owner.charger.reserve(
            request.reservation_id, request.connector_id, request.id_tag, request.expiry_date
        )
        self.owner.soon(self.owner.report_all)
        self.owner.expire_reservation(request.reservation_id, None)
        return call_result.ReserveNow(status=status)

    @on(call.CancelReservation)
    def cancel(self, request: call.CancelReservation) -> call_result.CancelReservation:
        found = self.owner.charger.reservations.pop(request.reservation_id, None)
        self.owner.soon(self.owner.report_all)
        return call_result.CancelReservation(status="Accepted" if found is not None else "Rejected")

    @on(call.SetChargingProfile)
    def set_profile(self, request: call.SetChargingProfile) -> call_result.SetChargingProfile:
        profile = _profile(request.cs_charging_profiles, request.connector_id, self.owner.charger.now())
        return call_result.SetChargingProfile(status=self.owner.charger.set_profile(profile))

    @on(call.ClearChargingProfile)
    def clear_profile(self, request: call.ClearChargingProfile) -> call_result.ClearChargingProfile:
        charger = self.owner.charger
        found = charger.profiles.chosen(
            None if request.id is None else [request.id],
            request.connector_id,
            request.charging_profile_purpose,
            request.stack_level,
        )
        return call_result.ClearChargingProfile(status=charger.profiles.clear(found))

    @on(call.GetCompositeSchedule)
    def composite(self, request: call.GetCompositeSchedule) -> call_result.GetCompositeSchedule:
        charger, unit = self.owner.charger, str(request.charging_rate_unit or "W")
        if request.connector_id and request.connector_id not in charger.connectors:
            return call_result.GetCompositeSchedule(status="Rejected")
        periods = charger.composite(request.connector_id, request.duration, unit)
        now = charger.now()
        schedule = ChargingSchedule(
            charging_rate_unit=unit,
            charging_schedule_period=[
                ChargingSchedulePeriod(start_period=period.start, limit=period.limit) for period in periods
            ],
            duration=request.duration,
            start_schedule=now,
        )
        return call_result.GetCompositeSchedule(
            status="Accepted",
            connector_id=request.connector_id,
            schedule_start=now,
            charging_schedule=schedule,
        )

    @on(call.GetLocalListVersion)
    def list_version(self, request: call.GetLocalListVersion) -> call_result.GetLocalListVersion:
        return call_result.GetLocalListVersion(list_version=self.owner.charger.list_version)

    @on(call.SendLocalList)
    def local_list(self, request: call.SendLocalList) -> call_result.SendLocalList:
        charger = self.owner.charger
        if request.update_type == "Differential" and request.list_version <= charger.list_version:
            return call_result.SendLocalList(status="VersionMismatch")
        charger.list_version = request.list_version
        return call_result.SendLocalList(status="Accepted")

    @on(call.TriggerMessage)
    def trigger(self, request: call.TriggerMessage) -> call_result.TriggerMessage:
        return call_result.TriggerMessage(
            status=self._trigger(request.requested_message, request.connector_id)
        )

    @on(call.ExtendedTriggerMessage)
    def extended(self, request: call.ExtendedTriggerMessage) -> call_result.ExtendedTriggerMessage:
        status = self._trigger(request.requested_message, request.connector_id)
        return call_result.ExtendedTriggerMessage(status=status)

    def _trigger(self, wanted: str, number: int | None) -> str:
        """Send what is wanted, after the answer."""
        life, connectors = self.owner, self.owner.charger.some(number)
        idle = _IDLE.get(wanted)
        if number and not connectors:
            return "Rejected"
        if wanted == "BootNotification":
            life.station.boot_again()
        elif wanted == "StatusNotification":
            life.tell_statuses(number)
        elif wanted == "MeterValues":
            for each in connectors:
                life.tell_meter(each, each.transaction)
        elif idle is not None:
            life.tell(idle)
        else:
            return "NotImplemented"
        return "Accepted"

    @on(call.GetDiagnostics)
    def diagnostics(self, request: call.GetDiagnostics) -> call_result.GetDiagnostics:
        self.owner.tell(*(call.DiagnosticsStatusNotification(status=status) for status in UPLOAD))
        return call_result.GetDiagnostics(file_name="diagnostics.log")

    @on(call.GetLog)
    def log(self, request: call.GetLog) -> call_result.GetLog:
        id = request.request_id
        self.owner.tell(*(call.LogStatusNotification(status=status, request_id=id) for status in UPLOAD))
        return call_result.GetLog(status="Accepted", filename=f"{request.log_type}.log")

    @on(call.UpdateFirmware)
    def firmware(self, request: call.UpdateFirmware) -> call_result.UpdateFirmware:
        self.owner.tell(*(call.FirmwareStatusNotification(status=status) for status in FIRMWARE))
        return call_result.UpdateFirmware()

    @on(call.SignedUpdateFirmware)
    def signed_firmware(self, request: call.SignedUpdateFirmware) -> call_result.SignedUpdateFirmware:
        id = request.request_id
        self.owner.tell(
            *(
                call.SignedFirmwareStatusNotification(status=status, request_id=id)
                for status in SIGNED_FIRMWARE
            )
        )
        return call_result.SignedUpdateFirmware(status="Accepted")


#: What is sent when the CSMS triggers it, whatever else goes on.
_IDLE: Mapping[str, Request[Any, Any]] = MappingProxyType(
    {
        "Heartbeat": call.Heartbeat(),
        "DiagnosticsStatusNotification": call.DiagnosticsStatusNotification(status="Idle"),
        "FirmwareStatusNotification": call.FirmwareStatusNotification(status="Idle"),
        "LogStatusNotification": call.LogStatusNotification(status="Idle"),
    }
)


def _profile(profile: ChargingProfile, connector: int, now: datetime) -> Profile:
    return profile_from(profile, profile.charging_profile_id, profile.charging_schedule, connector, now)


class Dialect16(Dialect):
    """What a station of 1.6 says."""

    version: ClassVar[Version] = Version.V16
    sample_interval: ClassVar[str] = "MeterValueSampleInterval"
    heartbeat_interval: ClassVar[str] = "HeartbeatInterval"
    answering = Answering

    def settings(self, connectors: int, interval: float) -> dict[str, Setting]:
        return {
            "AuthorizationKey": Setting("", secret=True),
            "AuthorizeRemoteTxRequests": Setting("false", readonly=True),
            "ConnectionTimeOut": Setting("60", least=1),
            "GetConfigurationMaxKeys": Setting("100", readonly=True),
            "HeartbeatInterval": Setting("300", least=1),
            "LocalPreAuthorize": Setting("false"),
            "MeterValueSampleInterval": Setting(f"{interval:g}", least=0),
            "MeterValuesSampledData": Setting(",".join(name for _, name, _ in SAMPLES), readonly=True),
            "NumberOfConnectors": Setting(str(connectors), readonly=True),
            "ResetRetries": Setting("1", least=0),
            "StopTransactionOnInvalidId": Setting("true", readonly=True),
            "SupportedFeatureProfiles": Setting(PROFILES, readonly=True),
            "TransactionMessageAttempts": Setting("3", readonly=True),
            "WebSocketPingInterval": Setting("30", readonly=True),
        }

    def boot(self, identity: str) -> Request[Any, Any]:
        return call.BootNotification(
            charge_point_vendor="ocpp-sansio",
            charge_point_model="Simulator",
            charge_point_serial_number=identity[:25],
            firmware_version="1.0",
        )

    def whole(self, operative: bool, now: datetime) -> Request[Any, Any] | None:
        return self._status(ALL, Phase.AVAILABLE if operative else Phase.UNAVAILABLE, now)

    def status(self, connector: Connector, phase: Phase, now: datetime) -> Request[Any, Any]:
        return self._status(connector.number, phase, now)

    def _status(self, number: int, phase: Phase, now: datetime) -> Request[Any, Any]:
        return call.StatusNotification(
            connector_id=number, error_code="NoError", status=phase.value, timestamp=now
        )

    def authorize(self, token: str) -> Request[Any, Any]:
        return call.Authorize(id_tag=token)

    def welcome(self, answer: Any) -> bool:
        return answer.id_tag_info is None or answer.id_tag_info.status == "Accepted"

    def began(self, connector: Connector, transaction: Transaction, reading: Reading) -> Request[Any, Any]:
        return call.StartTransaction(
            connector_id=connector.number,
            id_tag=transaction.token,
            meter_start=reading.energy,
            timestamp=reading.time,
            reservation_id=transaction.reservation_id,
        )

    def learn(self, transaction: Transaction, answer: Any) -> None:
        transaction.id = answer.transaction_id

    def sample(
        self, connector: Connector, transaction: Transaction | None, reading: Reading, *, asked: bool = False
    ) -> Request[Any, Any]:
        context = "Trigger" if asked else "Sample.Periodic"
        values = [
            SampledValue(value=str(getattr(reading, name)), measurand=measurand, unit=unit, context=context)
            for name, measurand, unit in SAMPLES
        ]
        return call.MeterValues(
            connector_id=connector.number,
            transaction_id=transaction.id if transaction is not None else None,
            meter_value=[MeterValue(timestamp=reading.time, sampled_value=values)],
        )

    def ended(self, connector: Connector, transaction: Transaction, reading: Reading) -> Request[Any, Any]:
        return call.StopTransaction(
            transaction_id=transaction.id,
            meter_stop=reading.energy,
            timestamp=reading.time,
            reason=transaction.stop,
            id_tag=transaction.token if transaction.stop == "Local" else None,
        )
