"""Frames as lines for people: who says what to whom, without passwords, and with nothing to obey in them."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from ocpp_sansio import Role
from ocpp_sansio.security import without_secrets

from ...records import FrameReceived, FrameSent
from .._paint import Paint, printable

__all__ = ["COLOURS", "Narrator", "pretty", "printable"]

LONGEST = 4000  # characters of a frame that are shown
MOST_OPEN = 10_000  # calls whose answers are still to be named; a peer could leave all of them open

#: In which colour things are shown.
COLOURS: Mapping[str, str] = {"station": "cyan", "action": "bold", "wrong": "red", "note": "dim"}


def pretty(payload: str) -> str:
    """A payload of JSON over several lines."""
    document = json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    return "\n".join(printable(line) for line in document.split("\n"))


class Narrator:
    """Says each frame in one line. `role` is the end that is observed; `hide` takes what is secret out of a
    text.
    """

    def __init__(
        self,
        role: Role,
        paint: Paint,
        now: Callable[[], datetime],
        hide: Callable[[str], str] = without_secrets,
    ) -> None:
        self.hide = hide
        self._role = role
        self._colour = paint
        self._now = now
        self._open: dict[tuple[str, bool, str], str] = {}  # identity, asked by the station, id: action

    def frame(self, record: FrameSent | FrameReceived) -> str:
        """The line of a frame: `->` is from the station, `<-` to it."""
        sent = isinstance(record, FrameSent)
        from_station = sent is (self._role is Role.CHARGING_STATION)
        said = self._said(record.identity, from_station, self.hide(record.text))
        return self.line(record.identity, f"{'->' if from_station else '<-'} {said}")

    def line(self, identity: str, said: str) -> str:
        """A line about a station."""
        clock = self._now().strftime("%H:%M:%S.%f")[:-3]
        return f"{self._paint(clock, 'note')} {self._paint(printable(identity), 'station')} {said}"

    def _said(self, identity: str, from_station: bool, text: str) -> str:
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError):
            frame = None
        match frame:
            case [2, str(id), str(action), dict(payload)]:
                self._remember((identity, from_station, id), action)
                return f"{self._name(action)} {_short(payload)}"
            case [3, str(id), dict(payload)]:
                return f"{self._name(self._action(identity, not from_station, id))} = {_short(payload)}"
            case [4, str(id), str(code), *rest]:
                action = self._action(identity, not from_station, id)
                return self._name(action) + self._paint(f" refused: {_error(code, rest)}", "wrong")
            case [5, str(_), str(code), *rest]:
                return self._paint(f"our answer is refused: {_error(code, rest)}", "wrong")
            case [6, str(_), str(action), dict(payload)]:
                return f"{self._name(action)} ~ {_short(payload)}"
            case _:
                return self._paint(f"? {_cut(printable(text))}", "wrong")

    def _remember(self, call: tuple[str, bool, str], action: str) -> None:
        self._open[call] = action
        if len(self._open) > MOST_OPEN:
            del self._open[next(iter(self._open))]

    def _action(self, identity: str, from_station: bool, id: str) -> str:
        return self._open.pop((identity, from_station, id), f"unknown call {id[:40]!r}")

    def _paint(self, text: str, what: str) -> str:
        return self._colour(COLOURS[what], text)

    def _name(self, action: str) -> str:
        return self._paint(printable(action[:100]), "action")


def _short(payload: Any) -> str:
    return _cut(printable(json.dumps(payload, ensure_ascii=False)))


def _error(code: str, rest: list[Any]) -> str:
    description = rest[0] if rest and isinstance(rest[0], str) else ""
    details = f" {_short(rest[1])}" if len(rest) > 1 and rest[1] else ""
    return _cut(printable(f"{code}: {description}" if description else code)) + details


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} characters)"
