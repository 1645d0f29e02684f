"""Trace: what went over a wire and when, for people to read when a test fails.

Pure: instants are told.
"""

from collections.abc import Iterator
from typing import final

import attrs

__all__ = ["Entry", "Trace", "shortened"]

#: Characters of one frame that are shown.
WIDTH = 400
#: Entries that a report shows: the last ones.
SHOWN = 30


@final
@attrs.frozen
class Entry:
    """One frame, or one thing that happened to the link.

    `time` is seconds since the first link of the trace was opened. `direction` is `"station -> csms"` or
    `"station <- csms"`, empty for what concerns the link; `note` says what became of the frame, if that is
    not what becomes of all.
    """

    time: float
    direction: str
    text: str
    note: str = ""

    def __str__(self) -> str:
        what = f"{self.direction}  {shortened(self.text)}" if self.direction else f"-- {self.text}"
        return f"{self.time:10.3f}  {what}" + (f"  ({self.note})" if self.note else "")


class Trace:
    """The entries, in order. `str(trace)` has one a line."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._began: float | None = None
        self._latest = 0.0

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __str__(self) -> str:
        return "\n".join(map(str, self._entries))

    @property
    def frames(self) -> list[str]:
        """The texts of the frames, lost ones included, in the order in which they were sent."""
        return [entry.text for entry in self._entries if entry.direction]

    def last(self, most: int = SHOWN) -> str:
        """The end of it, one entry a line."""
        left_out = len(self._entries) - most
        lines = [f"... {left_out} earlier"] if left_out > 0 else []
        return "\n".join([*lines, *map(str, self._entries[-most:])])

    def _begin(self, now: float) -> None:
        """A link is opened. On a clock that began anew, the time of the trace goes on from where it was."""
        if self._began is None:
            self._began = now
        elif now - self._began < self._latest:
            self._began = now - self._latest

    def _time(self, now: float) -> float:
        """An instant as seconds since the beginning."""
        self._latest = max(self._latest, now - (now if self._began is None else self._began))
        return self._latest

    def _add(self, now: float, text: str, direction: str = "", note: str = "") -> None:
        """Note a frame, or, without a direction, what happened to the link."""
        self._entries.append(Entry(self._time(now), direction, text, note))


def shortened(text: str) -> str:
    """A frame, on one line of bounded width."""
    line = text.replace("\r", " ").replace("\n", " ")
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 60]} ... ({len(line)} characters)"
