"""The time line of a report: a lane for each station, one under the other, with a mark for each call."""

from collections.abc import Iterator, Sequence
from html import escape
from math import ceil, floor, log10

import attrs

from ocpp_sansio import Role

from .._log.listening import Heard, Link
from .._log.telling import title
from .._log.words import duration

__all__ = ["lanes"]

#: Units across a lane, and how many marks find room beside each other.
WIDTH, MARKS = 1000, 500
HEIGHT = 26
#: Stations that have lanes of full height; more have lower ones, in a window.
MANY = 10


@attrs.frozen
class _Mark:
    at: float
    until: float
    kind: str
    wrong: bool
    number: int
    says: str


def lanes(heard: Sequence[Heard]) -> str:
    """The lanes as HTML. Without times in the log, frames stand in their order."""
    times = _times(heard)
    if not heard or times is None or max(times) <= min(times):
        return _section(heard, [float(number) for number in range(len(heard))], timed=False)
    return _section(heard, times, timed=True)


def _times(heard: Sequence[Heard]) -> list[float] | None:
    """When each frame was sent; those without a time came with the one before. None if hardly any has one."""
    known = [item.found.clues.time for item in heard if item.found.clues.time is not None]
    if 2 * len(known) < len(heard) or not known:
        return None
    times: list[float] = []
    latest = known[0]
    for item in heard:
        latest = latest if item.found.clues.time is None else item.found.clues.time
        times.append(latest)
    return times


def _section(heard: Sequence[Heard], times: Sequence[float], *, timed: bool) -> str:
    begin, end = min(times, default=0.0), max(times, default=0.0)
    if end <= begin:
        end = begin + 1
    scale = WIDTH / (end - begin)
    numbers = {id(item.spoken): number for number, item in enumerate(heard)}
    by_link: dict[Link, list[_Mark]] = {}
    for number, (item, time) in enumerate(zip(heard, times, strict=True)):
        marks = by_link.setdefault(item.link, [])
        exchange = item.spoken.exchange
        if exchange is not None and exchange.answer is item.spoken:
            continue  # it is the end of its call's mark
        # An answer may be beyond the frames that are shown.
        answer = exchange.answer if exchange is not None and id(exchange.answer) in numbers else None
        until = times[numbers[id(answer)]] if answer is not None else time
        wrong = item.spoken.wrong or (answer is not None and answer.wrong)
        kind = "csms" if item.spoken.sender is Role.CSMS else "station"
        at = (time - begin) * scale
        marks.append(_Mark(at, (until - begin) * scale, kind, wrong, number, title(item.spoken)))
    length = end - begin
    step = _step(length, timed=timed)
    ticks = [step * number for number in range(int(length / step + 1e-9) + 1)]
    grid = "".join(f"M{WIDTH * tick / length:.0f} 0V{HEIGHT}" for tick in ticks[1:])
    drawn = "".join(_lane(link, marks, grid) for link, marks in by_link.items())
    many = len(by_link) > MANY
    # What can be scrolled must be reached with the keyboard, too.
    reached = ' tabindex="0" role="group" aria-label="Time line"' if many else ""
    axis = _axis(ticks, length, timed=timed)
    return (
        f'<div class="lanes{" many" * many}"><div class="scroll"{reached}>{drawn}</div>{axis}{_LEGEND}</div>'
    )


_KEYS = (("station", "asked by the station"), ("csms", "asked by the CSMS"), ("wrong", "trouble"))
_LEGEND = (
    '<p class="legend faint">'
    + " ".join(f'<span class="key"><span class="swatch {kind}"></span>{says}</span>' for kind, says in _KEYS)
    + "</p>"
)

#: Lengths between two ticks that people count in, above ten seconds.
_STEPS = (15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
TICKS = 5


def _step(length: float, *, timed: bool) -> float:
    """A round length that is in it a few times."""
    least = length / TICKS
    if timed and least > 10:
        days = ceil(least / _STEPS[-1]) * _STEPS[-1]
        return float(next((step for step in _STEPS if step >= least), days))
    unit = 10.0 ** floor(log10(least))
    step = next(step * unit for step in (1, 2, 5, 10) if step * unit >= least * (1 - 1e-9))
    return step if timed else max(1.0, step)


def _axis(ticks: Sequence[float], length: float, *, timed: bool) -> str:
    drawn = "".join(
        f'<text x="{100 * tick / length:.2f}%" y="13" text-anchor="{_anchor(tick / length)}">{_tick(tick, timed=timed)}</text>'
        for tick in ticks
    )
    return f'<div class="lane faint"><span></span><svg class="axis" aria-hidden="true">{drawn}</svg></div>'


def _anchor(place: float) -> str:
    return "start" if place < 0.02 else "end" if place > 0.95 else "middle"


def _tick(offset: float, *, timed: bool) -> str:
    if not timed:
        return f"frame {offset + 1:.0f}"
    if offset < 60:
        return duration(offset)
    minutes, seconds = divmod(round(offset), 60)
    if minutes < 60:
        return f"{minutes}:{seconds:02} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02} h" if hours < 48 else f"{hours / 24:.3g} days"


def _lane(link: Link, marks: Sequence[_Mark], grid: str) -> str:
    name = escape(link.station or "the station")
    return (
        f'<div class="lane"><span title="{name}">{name} <span class="faint">{link.version.value}</span></span>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true">'
        f'<path d="{grid}"/>{"".join(_rects(marks))}</svg></div>'
    )


def _rects(marks: Sequence[_Mark]) -> Iterator[str]:
    """Trouble last, on top; of marks at one place, the first."""
    taken: set[tuple[int, str, bool]] = set()
    for mark in sorted(marks, key=lambda mark: mark.wrong):
        place = int(mark.at * MARKS / WIDTH), mark.kind, mark.wrong
        if place in taken:
            continue
        taken.add(place)
        top = 3 if mark.kind == "station" else HEIGHT / 2 + 1
        width = max(mark.until - mark.at, WIDTH / MARKS)
        colour = "wrong" if mark.wrong else mark.kind
        x = max(0.0, min(mark.at, WIDTH - width))
        yield (
            f'<a href="#f{mark.number}" tabindex="-1"><rect class="{colour}" x="{x:.1f}" y="{top:g}" '
            f'width="{width:.1f}" height="{HEIGHT / 2 - 4:g}"><title>{escape(mark.says)}</title></rect></a>'
        )
