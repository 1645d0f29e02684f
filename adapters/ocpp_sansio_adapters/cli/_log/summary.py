"""The end of an explanation: how much was seen, what was wrong with it, what stayed unanswered, who was slow.

Counts as frames come, and keeps none of them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from .._paint import Paint, printable
from .listening import Reading
from .spoken import Spoken
from .words import counted, duration

__all__ = ["Tally", "silent", "summary", "summary_as_json"]

MOST_LISTED = 10


@attrs.frozen(order=True)
class _Timed:
    """How long an answer took, and to what."""

    seconds: float
    line: int
    name: str


@attrs.define
class Tally:
    """What was counted so far. An answer after `slow` seconds is slow; `latest` is the time of the last frame."""

    slow: float
    frames: int = 0
    wrong: int = 0
    latest: float = 0.0
    codes: Counter[str] = attrs.field(factory=Counter[str])
    late: list[_Timed] = attrs.field(factory=list[_Timed])
    slowest: _Timed | None = None

    def add(self, spoken: Spoken) -> None:
        """Count a frame."""
        self.frames += 1
        self.wrong += spoken.wrong
        self.latest = max(self.latest, spoken.time or 0.0)
        self.codes.update(trouble.code for trouble in spoken.troubles if trouble.code)
        exchange = spoken.exchange
        if exchange is None or exchange.answer is not spoken or exchange.seconds is None:
            return
        timed = _Timed(exchange.seconds, exchange.call.line, _named(exchange.call))
        if self.slowest is None or timed.seconds > self.slowest.seconds:
            self.slowest = timed
        if timed.seconds >= self.slow:
            self.late.append(timed)


def summary(reading: Reading, tally: Tally, hidden: Mapping[str, int], paint: Paint) -> Iterator[str]:
    """It, in lines for people. `hidden` is what they were not shown."""
    yield f"{counted(tally.frames, 'frame')}{_links(reading)}"
    if reading.mirrored:
        yield f"{counted(reading.mirrored, 'frame')} left out that the log has from both ends"
    if tally.wrong:
        yield paint("red", f"{counted(tally.wrong, 'frame')} with something wrong") + _codes(tally)
    else:
        yield paint("green", "nothing is wrong")
    unanswered = reading.unanswered
    for exchange in unanswered[:MOST_LISTED]:
        yield paint("red", "unanswered") + f"  {_named(exchange.call)}"
    if len(unanswered) > MOST_LISTED:
        yield f"... and {len(unanswered) - MOST_LISTED:,} more unanswered"
    yield from silent(reading, "this log")
    yield from _slowest(tally, paint)
    if hidden:
        names = ", ".join(counted(number, kind) for kind, number in hidden.items())
        yield paint("dim", f"hidden: {names}; --secrets shows them")


def silent(reading: Reading, where: str) -> Iterator[str]:
    """The stations that nobody has answered."""
    links = reading.one_sided
    for link in links[:MOST_LISTED]:
        whose = f" for {link.station}" if link.station else ""
        yield f"{where} has no answers{whose}, so unanswered calls are not told"
    if len(links) > MOST_LISTED:
        yield f"... nor for {counted(len(links) - MOST_LISTED, 'more station')}"


def _slowest(tally: Tally, paint: Paint) -> Iterator[str]:
    for timed in sorted(tally.late, key=lambda timed: -timed.seconds)[:MOST_LISTED]:
        yield paint("yellow", f"slow        {duration(timed.seconds)}") + f"  {timed.name}"
    if len(tally.late) > MOST_LISTED:
        yield f"... and {len(tally.late) - MOST_LISTED:,} more slow answers"
    if tally.slowest is not None and not tally.late:
        yield paint("dim", f"slowest answer: {duration(tally.slowest.seconds)}, {tally.slowest.name}")


def _named(call: Spoken) -> str:
    station = f" of {call.station}" if call.station else ""
    return printable(f"{call.action} {call.id}{station} (line {call.line})")


def _links(reading: Reading) -> str:
    stations = {link.station for link in reading.conversations} - {""}
    guessed = " (guessed; --version says otherwise)" if reading.guessed else ""
    of = f" of {counted(len(stations), 'station')}" if stations else ""
    return f"{of}, OCPP {reading.versions}{guessed}"


def _codes(tally: Tally) -> str:
    earned = ", ".join(f"{number:,} {code}" for code, number in tally.codes.most_common())
    return f": {earned}" if earned else ""


def summary_as_json(reading: Reading, tally: Tally) -> dict[str, Any]:
    """It, for machines; calls by their lines."""
    return {
        "kind": "summary",
        "frames": tally.frames,
        "wrong": tally.wrong,
        "unanswered": [exchange.call.line for exchange in reading.unanswered],
        "slow": [timed.line for timed in sorted(tally.late, key=lambda timed: timed.line)],
        "links": [
            {"station": link.station, "version": link.version.value, "guessed": link in reading.guessed}
            for link in reading.conversations
        ],
    }
