"""The time line of a report: a lane for each station, one under the other, with a mark for each call."""

from collections.abc import Iterator, Sequence
from html import escape

import attrs

from ocpp_sansio import Role

from .._log.reading import Heard, Link
from .._log.telling import duration, title

__all__ = ["lanes"]

#: Units across a lane, and how many marks find room beside each other.
WIDTH, MARKS = 1000, 500
HEIGHT = 26


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
    if not heard or times is None:
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
    scale = WIDTH / max(end - begin, 1e-9)
    numbers = {id(item.spoken): number for number, item in enumerate(heard)}
    by_link: dict[Link, list[_Mark]] = {}
    for number, (item, time) in enumerate(zip(heard, times, strict=True)):
        marks = by_link.setdefault(item.link, [])
        exchange = item.spoken.exchange
        if exchange is not None and exchange.answer is item.spoken:
            continue  # it is the end of its call's mark
        answer = exchange.answer if exchange is not None else None
        until = times[numbers[id(answer)]] if answer is not None else time
        wrong = item.spoken.wrong or (answer is not None and answer.wrong)
        kind = "csms" if item.spoken.sender is Role.CSMS else "station"
        at = (time - begin) * scale
        marks.append(_Mark(at, (until - begin) * scale, kind, wrong, number, title(item.spoken)))
    drawn = "".join(_lane(link, marks) for link, marks in by_link.items())
    ticks = "".join(f"<span>{_tick(part / 4 * (end - begin), timed=timed)}</span>" for part in range(5))
    return f'{drawn}<div class="lane faint"><span></span><div class="axis">{ticks}</div></div>{_LEGEND}'


_KEYS = (("station", "asked by the station"), ("csms", "asked by the CSMS"), ("wrong", "trouble"))
_LEGEND = (
    '<p class="legend faint">'
    + " ".join(f'<span class="key"><span class="swatch {kind}"></span>{says}</span>' for kind, says in _KEYS)
    + "</p>"
)


def _tick(offset: float, *, timed: bool) -> str:
    if not timed:
        return f"frame {offset + 1:.0f}"
    if offset < 120:
        return duration(offset) if offset else "0 s"
    hours, minutes = divmod(round(offset / 60), 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def _lane(link: Link, marks: Sequence[_Mark]) -> str:
    name = escape(link.station or "the station")
    drawn = "".join(_rects(marks))
    return (
        f'<div class="lane"><span title="{name}">{name} <span class="faint">{link.version.value}</span></span>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true">{drawn}</svg></div>'
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
        yield (
            f'<a href="#f{mark.number}" tabindex="-1"><rect class="{colour}" x="{min(mark.at, WIDTH - width):.1f}" '
            f'y="{top:g}" width="{width:.1f}" height="{HEIGHT / 2 - 4:g}"><title>{escape(mark.says)}</title></rect></a>'
        )
