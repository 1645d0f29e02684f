"""Numbers that a CSMS gives, and a station says again: in a recording they are those of then, on a live link
those of today.
"""

from typing import Any

__all__ = ["Numbers"]

#: Members that hold such a number: 1.6 has the first, 2.0.1 and 2.1 the others.
MEMBERS = frozenset({"transactionId", "requestId", "remoteStartId", "reservationId"})


class Numbers:
    """Which number of today stands for which of then."""

    def __init__(self) -> None:
        self._today: dict[tuple[str, int], int] = {}

    def learn(self, then: Any, now: Any) -> None:
        """Compare what the CSMS has said then with what it says now."""
        if not isinstance(then, dict) or not isinstance(now, dict):
            return
        for name in MEMBERS & then.keys() & now.keys():
            if type(then[name]) is int and type(now[name]) is int:
                self._today[name, then[name]] = now[name]

    def today(self, payload: Any) -> Any:
        """What the station has said then, with the numbers of now."""
        if isinstance(payload, dict):
            return {name: self._member(name, value) for name, value in payload.items()}
        if isinstance(payload, list):
            return [self.today(item) for item in payload]
        return payload

    def _member(self, name: str, value: Any) -> Any:
        if type(value) is int:
            return self._today.get((name, value), value)
        return self.today(value)
