"""The messages that are measured: a CALL as a station sends it, and the answer that the handler makes."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import attrs

from ocpp_sansio.messages import Response
from ocpp_sansio.v16 import call_result

__all__ = ["MESSAGES", "Sample"]

NOW = datetime(2026, 5, 1, 12, 0, 0, 250_000, tzinfo=UTC)


@attrs.frozen
class Sample:
    """One exchange: the frame that arrives, and how either library's handler makes the answer."""

    name: str
    text: str
    response: Callable[[], Response]
    answer: dict[str, Any]  # the same answer under the peer library's snake_case names

    @property
    def action(self) -> str:
        return str(json.loads(self.text)[2])


def _call(action: str, payload: dict[str, Any]) -> str:
    return json.dumps([2, "19223201-7c44-4a5a-9f63-0a1b2c3d4e5f", action, payload], separators=(",", ":"))


def _samples(count: int) -> list[dict[str, str]]:
    measurands = ["Energy.Active.Import.Register", "Power.Active.Import", "Current.Import", "Voltage"]
    return [
        {
            "value": f"{1000 + 17 * n}.{n % 10}",
            "context": "Sample.Periodic",
            "measurand": measurands[n % 4],
            "phase": f"L{n % 3 + 1}",
            "location": "Outlet",
        }
        for n in range(count)
    ]


MESSAGES = [
    Sample(
        "Heartbeat",
        _call("Heartbeat", {}),
        lambda: call_result.Heartbeat(current_time=NOW),
        {"current_time": "2026-05-01T12:00:00.250Z"},
    ),
    Sample(
        "BootNotification",
        _call(
            "BootNotification",
            {
                "chargePointVendor": "Example Vendor",
                "chargePointModel": "EV-22",
                "chargePointSerialNumber": "EV22-0004711",
                "firmwareVersion": "4.2.1-b17",
                "iccid": "8931440400000000001",
                "meterType": "ABC 1234",
            },
        ),
        lambda: call_result.BootNotification(current_time=NOW, interval=300, status="Accepted"),
        {"current_time": "2026-05-01T12:00:00.250Z", "interval": 300, "status": "Accepted"},
    ),
    Sample(
        "StatusNotification",
        _call(
            "StatusNotification",
            {
                "connectorId": 1,
                "errorCode": "NoError",
                "status": "Charging",
                "timestamp": "2026-05-01T12:00:00Z",
            },
        ),
        call_result.StatusNotification,
        {},
    ),
    Sample(
        "MeterValues, 20 samples",
        _call(
            "MeterValues",
            {
                "connectorId": 1,
                "transactionId": 4711,
                "meterValue": [{"timestamp": "2026-05-01T12:00:00Z", "sampledValue": _samples(20)}],
            },
        ),
        call_result.MeterValues,
        {},
    ),
]
