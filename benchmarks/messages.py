"""The ten messages that are measured: a CALL as it arrives, and how a handler makes its answer.

Payloads are what real stations send, in size and in choice of members; a test holds them valid.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import attrs

from ocpp_sansio import Role, Version
from ocpp_sansio.messages import Request, Response
from ocpp_sansio.v16 import call_result as answers_16
from ocpp_sansio.v21 import call_result as answers_21
from ocpp_sansio.v201 import call_result as answers_201
from ocpp_sansio.v201.datatypes import IdTokenInfoType

from .payloads import charging_needs, charging_profile, report_items, samples

__all__ = ["MESSAGES", "Sample"]

NOW = datetime(2026, 5, 1, 12, 0, 0, 250_000, tzinfo=UTC)
TIME = "2026-05-01T12:00:00Z"
ID = "19223201-7c44-4a5a-9f63-0a1b2c3d4e5f"


@attrs.frozen
class Sample:
    """One exchange. `response` is what a handler of ours does."""

    version: str
    title: str
    payload: dict[str, Any]
    response: Callable[[], Response]

    @property
    def name(self) -> str:
        return f"{self.version} {self.title}"

    @property
    def action(self) -> str:
        return self.title.partition(",")[0]

    @property
    def text(self) -> str:
        return json.dumps([2, ID, self.action, self.payload], separators=(",", ":"))

    @property
    def request_class(self) -> type[Request[Any, Any]]:
        return Version(self.version).load()[self.action]

    @property
    def sender(self) -> Role:
        return self.request_class.__sender__ or Role.CHARGING_STATION

    @property
    def receiver(self) -> Role:
        return Role.CSMS if self.sender is Role.CHARGING_STATION else Role.CHARGING_STATION


_STATION = {
    "model": "EV-22",
    "vendorName": "Example Vendor",
    "serialNumber": "EV22-0004711",
    "firmwareVersion": "4.2.1-b17",
    "modem": {"iccid": "8931440400000000001", "imsi": "204046201234567"},
}

_TRANSACTION = {
    "eventType": "Updated",
    "timestamp": TIME,
    "triggerReason": "MeterValuePeriodic",
    "seqNo": 17,
    "transactionInfo": {
        "transactionId": "5f0c2a4e-8d11-4c3b-9b1e-7a1b2c3d4e5f",
        "chargingState": "Charging",
        "timeSpentCharging": 3600,
    },
    "evse": {"id": 1, "connectorId": 1},
    "idToken": {"idToken": "04A7B2C3D4E5F6", "type": "ISO14443"},
    "offline": False,
    "numberOfPhasesUsed": 3,
    "meterValue": [{"timestamp": TIME, "sampledValue": samples(8, as_text=False)}],
}

MESSAGES = [
    Sample("1.6", "Heartbeat", {}, lambda: answers_16.Heartbeat(current_time=NOW)),
    Sample(
        "1.6",
        "BootNotification",
        {
            "chargePointVendor": "Example Vendor",
            "chargePointModel": "EV-22",
            "chargePointSerialNumber": "EV22-0004711",
            "firmwareVersion": "4.2.1-b17",
            "iccid": "8931440400000000001",
            "meterType": "ABC 1234",
        },
        lambda: answers_16.BootNotification(current_time=NOW, interval=300, status="Accepted"),
    ),
    Sample(
        "1.6",
        "StatusNotification",
        {"connectorId": 1, "errorCode": "NoError", "status": "Charging", "timestamp": TIME},
        answers_16.StatusNotification,
    ),
    Sample(
        "1.6",
        "MeterValues, 20 samples",
        {
            "connectorId": 1,
            "transactionId": 4711,
            "meterValue": [{"timestamp": TIME, "sampledValue": samples(20, as_text=True)}],
        },
        answers_16.MeterValues,
    ),
    Sample(
        "1.6",
        "SetChargingProfile, 24 periods",
        {"connectorId": 1, "csChargingProfiles": charging_profile(24)},
        lambda: answers_16.SetChargingProfile(status="Accepted"),
    ),
    Sample(
        "2.0.1",
        "BootNotification",
        {"reason": "PowerUp", "chargingStation": _STATION},
        lambda: answers_201.BootNotification(current_time=NOW, interval=300, status="Accepted"),
    ),
    Sample(
        "2.0.1",
        "TransactionEvent",
        _TRANSACTION,
        lambda: answers_201.TransactionEvent(
            total_cost=4.25, id_token_info=IdTokenInfoType(status="Accepted")
        ),
    ),
    Sample(
        "2.0.1",
        "NotifyReport, 50 items",
        {"requestId": 42, "generatedAt": TIME, "seqNo": 3, "tbc": True, "reportData": report_items(50)},
        answers_201.NotifyReport,
    ),
    Sample(
        "2.1",
        "NotifyEVChargingNeeds",
        {"evseId": 1, "maxScheduleTuples": 24, "timestamp": TIME, "chargingNeeds": charging_needs()},
        lambda: answers_21.NotifyEVChargingNeeds(status="Accepted"),
    ),
    Sample(
        "2.1",
        "MeterValues, 20 samples",
        {"evseId": 1, "meterValue": [{"timestamp": TIME, "sampledValue": samples(20, as_text=False)}]},
        answers_21.MeterValues,
    ),
]
