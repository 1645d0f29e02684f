"""The live table: an observer of the stations that learns everything from their frames, as somebody on the wire
would.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import Enum

import attrs

from ocpp_sansio import Version

from ...records import FrameReceived, FrameSent, Record
from .row import Row

__all__ = ["Line", "Style", "Table"]

HEADING = ("station", "OCPP", "state", "tx id", "kWh", "kW", "sent", "recv", "last action")

FINISHED, FAILED = "finished", "FAILED"
ID_WIDTH = 8  # characters of a transaction id


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


class Table:
    """One row for each station, in the order given; `stations` tells the version that each speaks."""

    def __init__(self, stations: Mapping[str, Version]) -> None:
        self._rows = {identity: Row(version) for identity, version in stations.items()}
        self._name_width = max(len(HEADING[0]), *map(len, self._rows))

    def __call__(self, record: Record) -> None:
        if isinstance(record, FrameSent):
            self._rows[record.identity].read_sent(record.text)
        elif isinstance(record, FrameReceived):
            self._rows[record.identity].read_received(record.text)

    def ended(self, identity: str, *, failed: bool) -> None:
        """The station has left; what it says afterwards changes nothing."""
        self._rows[identity].end(FAILED if failed else FINISHED)

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
        energy, power = _thousandth(row.energy), _thousandth(row.power)
        cells = (
            identity,
            row.version.value,
            row.state,
            (row.transaction or "-")[:ID_WIDTH],
            energy,
            power,
            str(row.sent),
            str(row.received),
            row.action,
        )
        return Line(self._text(*cells), _STYLES.get(row.state, Style.PLAIN))

    def _text(self, *cells: str) -> str:
        # With the longest action, RequestStopTransaction, it comes to 79 columns.
        name, version, state, transaction, energy, power, sent, received, action = cells
        numbers = f"{transaction:>{ID_WIDTH}} {energy:>5} {power:>5} {sent:>4} {received:>4}"
        return f"{name:<{self._name_width}}  {version:<5} {state:<9} {numbers}  {action}"


_STYLES = {"Charging": Style.BUSY, FINISHED: Style.DONE, FAILED: Style.WRONG}


def _states(rows: Iterable[Row]) -> str:
    return ", ".join(f"{number} {state}" for state, number in Counter(row.state for row in rows).items())


def _thousandth(value: float | None) -> str:
    return "-" if value is None else f"{value / 1000:.2f}"
