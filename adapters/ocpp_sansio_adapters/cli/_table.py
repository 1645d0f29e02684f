"""The live table: an observer of the stations that learns everything from their frames, as somebody on the wire would."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any

import attrs

from ..records import FrameReceived, FrameSent, Record

__all__ = ["Line", "Style", "Table"]

CALL, CALLRESULT = 2, 3

HEADING = ("station", "state", "transaction", "kWh", "kW", "sent", "recv", "last action")

WAITING, FINISHED, FAILED = "waiting", "finished", "FAILED"


class Style(Enum):
    """What a line is, for whoever has colours."""

    PLAIN = "plain"
    HEADING = "heading"
    BUSY = "busy"
    DONE = "done"
    WRONG = "wrong"


@attrs.frozen
class Line:
    """A line of the table, in ASCII."""

    text: str
    style: Style = Style.PLAIN


@attrs.define
class Row:
    """What the frames have told of one station. Energy is that of its transaction, in Wh; power is in W."""

    state: str = WAITING
    transaction: int | None = None
    meter_start: int = 0
    energy: int | None = None
    power: float | None = None
    sent: int = 0
    received: int = 0
    action: str = ""
    asked: dict[str, str] = attrs.field(factory=dict[str, str])  # action by id, of the station's open calls


class Table:
    """One row for each station, in the order given."""

    def __init__(self, identities: Iterable[str]) -> None:
        self._rows = {identity: Row() for identity in identities}
        self._name_width = max(len(HEADING[0]), *map(len, self._rows))

    def __call__(self, record: Record) -> None:
        if isinstance(record, FrameSent):
            row = self._rows[record.identity]
            row.sent += 1
            _read_sent(row, json.loads(record.text))
        elif isinstance(record, FrameReceived):
            row = self._rows[record.identity]
            row.received += 1
            _read_received(row, json.loads(record.text))

    def ended(self, identity: str, failure: str | None) -> None:
        """The station has left."""
        row = self._rows[identity]
        row.state = FINISHED if failure is None else FAILED
        row.power = None

    def totals(self) -> str:
        """All stations in one line."""
        number = len(self._rows)
        frames = sum(row.sent + row.received for row in self._rows.values())
        energy = sum(row.energy or 0 for row in self._rows.values()) / 1000
        states = _states(self._rows.values())
        return f"{number} station{'s' * (number > 1)}: {states}; {energy:.1f} kWh, {frames:,} frames"

    def lines(self, most: int) -> list[Line]:
        """The table in at most this many lines; rows that find no room are counted in the last of them."""
        rows = list(self._rows.items())
        room = max(0, most - 1)
        if len(rows) > room:
            room = max(0, room - 1)
        lines = [Line(self._text(*HEADING), Style.HEADING), *(self._line(*row) for row in rows[:room])]
        hidden = [row for _, row in rows[room:]]
        if hidden:
            lines.append(Line(f"... and {len(hidden)} more: {_states(hidden)}"))
        return lines[: max(0, most)]

    def _line(self, identity: str, row: Row) -> Line:
        transaction = "-" if row.transaction is None else str(row.transaction)
        energy, power = _thousandth(row.energy), _thousandth(row.power)
        cells = (
            identity,
            row.state,
            transaction,
            energy,
            power,
            str(row.sent),
            str(row.received),
            row.action,
        )
        return Line(self._text(*cells), _STYLES.get(row.state, Style.PLAIN))

    def _text(self, *cells: str) -> str:
        # With the longest action, RemoteStopTransaction, it comes to 79 columns.
        name, state, transaction, energy, power, sent, received, action = cells
        numbers = f"{transaction:>11} {energy:>6} {power:>6} {sent:>5} {received:>5}"
        return f"{name:<{self._name_width}}  {state:<9} {numbers}  {action}"


_STYLES = {"Charging": Style.BUSY, FINISHED: Style.DONE, FAILED: Style.WRONG}


def _states(rows: Iterable[Row]) -> str:
    return ", ".join(f"{number} {state}" for state, number in Counter(row.state for row in rows).items())


def _thousandth(value: float | None) -> str:
    return "-" if value is None else f"{value / 1000:.2f}"


# What the frames say.


def _read_sent(row: Row, frame: list[Any]) -> None:
    if frame[0] != CALL:
        return
    _, id, action, payload = frame
    row.asked[id] = row.action = action
    learn = _FROM_CALL.get(action)
    if learn is not None:
        learn(row, payload)


def _read_received(row: Row, frame: list[Any]) -> None:
    if frame[0] == CALL:
        row.action = frame[2]
        return
    action = row.asked.pop(frame[1], None)
    if frame[0] == CALLRESULT and action == "StartTransaction":
        row.transaction = frame[2]["transactionId"]


def _learn_boot(row: Row, payload: dict[str, Any]) -> None:
    row.state = "booting"


def _learn_status(row: Row, payload: dict[str, Any]) -> None:
    if payload["connectorId"] == 1:  # 0 is the station as a whole
        row.state = payload["status"]


def _learn_start(row: Row, payload: dict[str, Any]) -> None:
    row.meter_start = payload["meterStart"]
    row.energy = 0


def _learn_meter(row: Row, payload: dict[str, Any]) -> None:
    for sample in payload["meterValue"][-1]["sampledValue"]:
        if sample["measurand"] == "Energy.Active.Import.Register":
            row.energy = int(sample["value"]) - row.meter_start
        elif sample["measurand"] == "Power.Active.Import":
            row.power = float(sample["value"])


def _learn_stop(row: Row, payload: dict[str, Any]) -> None:
    row.energy = payload["meterStop"] - row.meter_start
    row.power = None


_FROM_CALL: Mapping[str, Callable[[Row, dict[str, Any]], None]] = {
    "BootNotification": _learn_boot,
    "StatusNotification": _learn_status,
    "StartTransaction": _learn_start,
    "MeterValues": _learn_meter,
    "StopTransaction": _learn_stop,
}
