"""What the frames tell of one station, to somebody who reads them on the wire. Knows the JSON of each version, and
no message class.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import attrs

from ocpp_sansio import Version

__all__ = ["WAITING", "Row"]

CALL, CALLRESULT = 2, 3

WAITING = "waiting"


@attrs.define
class Row:
    """One station. Energy is that of its transaction, in Wh; power is in W."""

    version: Version
    state: str = WAITING
    transaction: str | None = None
    meter_start: float = 0
    energy: float | None = None
    power: float | None = None
    sent: int = 0
    received: int = 0
    action: str = ""
    asked: dict[str, str] = attrs.field(factory=dict[str, str])  # action by id, of the station's open calls
    ended: bool = False

    def end(self, state: str) -> None:
        """The station has left."""
        self.state, self.power, self.ended = state, None, True

    def read_sent(self, text: str) -> None:
        """The station sends this frame."""
        self.sent += 1
        frame = json.loads(text)
        if frame[0] != CALL:
            return
        _, id, action, payload = frame
        self.asked[id] = self.action = action
        learn = _FROM_CALL[self.version].get(action)
        if learn is not None and not self.ended:
            learn(self, payload)

    def read_received(self, text: str) -> None:
        """The station gets this frame."""
        self.received += 1
        frame = json.loads(text)
        if frame[0] == CALL:
            self.action = frame[2]
            return
        action = self.asked.pop(frame[1], None)
        if frame[0] == CALLRESULT and action == "StartTransaction":
            self.transaction = str(frame[2]["transactionId"])


Learn: TypeAlias = Callable[[Row, dict[str, Any]], None]


def _learn_boot(row: Row, payload: dict[str, Any]) -> None:
    row.state = "booting"


def _learn_samples(row: Row, payload: dict[str, Any]) -> None:
    for sample in payload["meterValue"][-1]["sampledValue"]:
        if sample["measurand"] == "Energy.Active.Import.Register":
            row.energy = float(sample["value"]) - row.meter_start
        elif sample["measurand"] == "Power.Active.Import":
            row.power = float(sample["value"])


def _learn_status_16(row: Row, payload: dict[str, Any]) -> None:
    if payload["connectorId"] == 1:  # 0 is the station as a whole
        row.state = payload["status"]


def _learn_start_16(row: Row, payload: dict[str, Any]) -> None:
    row.meter_start = payload["meterStart"]
    row.energy = 0


def _learn_stop_16(row: Row, payload: dict[str, Any]) -> None:
    row.energy = payload["meterStop"] - row.meter_start
    row.power = None


def _learn_status_2(row: Row, payload: dict[str, Any]) -> None:
    row.state = payload["connectorStatus"]


def _learn_transaction_2(row: Row, payload: dict[str, Any]) -> None:
    transaction = payload["transactionInfo"]
    row.transaction = transaction["transactionId"]
    row.state = transaction["chargingState"]
    _learn_samples(row, payload)
    if payload["eventType"] == "Started":
        row.meter_start, row.energy = row.energy or 0, 0
    elif payload["eventType"] == "Ended":
        row.state, row.power = "Ended", None


_FROM_CALL_2: Mapping[str, Learn] = {
    "BootNotification": _learn_boot,
    "StatusNotification": _learn_status_2,
    "TransactionEvent": _learn_transaction_2,
}
_FROM_CALL: Mapping[Version, Mapping[str, Learn]] = {
    Version.V16: {
        "BootNotification": _learn_boot,
        "StatusNotification": _learn_status_16,
        "StartTransaction": _learn_start_16,
        "MeterValues": _learn_samples,
        "StopTransaction": _learn_stop_16,
    },
    Version.V201: _FROM_CALL_2,
    Version.V21: _FROM_CALL_2,
}
