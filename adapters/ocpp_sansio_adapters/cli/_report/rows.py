"""The sequence of a report: a lifeline for each station and one for the CSMS, and an arrow for each frame."""

import re
from collections.abc import Iterator, Sequence
from html import escape

from ocpp_sansio import Role

from .._log.listening import Heard
from .._log.redaction import Redactor
from .._log.spoken import Spoken, Trouble
from .._log.telling import caption, title
from .._log.words import duration
from .payload import pretty_html

__all__ = ["sequence"]

#: Stations that have a lifeline each; more share one.
LIFELINES = 8


def sequence(heard: Sequence[Heard], raws: Sequence[str], tools: str, redactor: Redactor, slow: float) -> str:
    """The whole of it, below the tools that filter it. `raws` are the frames as they may be shown."""
    stations = list(dict.fromkeys(item.link.station for item in heard))
    lifelines = stations if len(stations) <= LIFELINES else [""]
    places = {station: place for place, station in enumerate(lifelines)} if len(lifelines) > 1 else {}
    numbers = {id(item.spoken): number for number, item in enumerate(heard)}
    rows = "\n".join(
        _row(number, item, raw, places, numbers, redactor, slow)
        for number, (item, raw) in enumerate(zip(heard, raws, strict=True))
    )
    return (
        f'<div class="sequence n{len(lifelines)}"><div class="bar">{tools}{_ends(lifelines)}</div>'
        f'<ol class="frames">\n{rows}\n</ol></div>'
    )


def _ends(lifelines: Sequence[str]) -> str:
    names = lifelines if len(lifelines) > 1 else ["station"]
    shared = len(_shared(names))
    heads = "".join(
        f'<span title="{escape(name)}"><s>{escape(name[:shared])}</s>{escape(name[shared:]) or "(no name)"}</span>'
        for name in names
    )
    return f'<div class="ends" aria-hidden="true"><div class="heads">{heads}<b>CSMS</b></div></div>'


def _shared(names: Sequence[str]) -> str:
    """What all names begin with, up to the last sign that is no letter and no digit: a phone has no room for it."""
    if len(names) < 2:
        return ""
    first, last = min(names), max(names)  # whatever these two share, all between them do
    length = next((at for at, sign in enumerate(first) if last[at : at + 1] != sign), len(first))
    return re.sub(r"[^\W_]+$", "", first[:length])


_WAYS = {Role.CHARGING_STATION: "right", Role.CSMS: "left", None: "unknown"}
_ASKERS = {Role.CHARGING_STATION: " station", Role.CSMS: " csms", None: ""}
_ANSWERS = ("CALLRESULT", "CALLERROR", "CALLRESULTERROR")


def _row(
    number: int,
    item: Heard,
    raw: str,
    places: dict[str, int],
    numbers: dict[int, int],
    redactor: Redactor,
    slow: float,
) -> str:
    spoken, station = item.spoken, item.link.station
    asker = spoken.exchange.call.sender if spoken.exchange is not None else spoken.sender
    kinds = _WAYS[spoken.sender] + _ASKERS[asker]
    kinds += " answer" * (spoken.kind in _ANSWERS) + " wrong" * spoken.wrong
    kinds += f" i{places[station]}" if places else ""
    trouble = " data-trouble" if spoken.wrong else ""
    return (
        f'<li class="frame {kinds}" id="f{number}" '
        f'data-action="{escape(spoken.action)}" data-station="{escape(station)}"{trouble}>'
        f"<details><summary><time>{escape(_clock(item))}</time>"
        f'<span class="who">{escape(station)}</span>'
        f'<span class="box"><span class="name">{escape(title(spoken))}</span>{_badge(spoken.troubles)}'
        f'<span class="arrow"></span></span>'
        f'<span class="took">{_took(spoken, slow)}</span></summary>'
        f'<div class="inside">{_inside(item, raw, numbers, redactor)}</div></details></li>'
    )


def _clock(item: Heard) -> str:
    clock = item.found.clues.clock
    if "T" in clock or " " in clock:  # a date, which is the same nearly everywhere
        clock = clock.replace("T", " ").split(" ", 1)[1]
    return clock[:12] or f"line {item.found.line}"


def _badge(troubles: Sequence[Trouble]) -> str:
    wrong = [trouble for trouble in troubles if not trouble.noted]
    odd = len(troubles) - len(wrong)
    if len(wrong) == 1 and wrong[0].text.startswith("no answer"):
        return ' <span class="badge bad">no answer</span>'
    if wrong:
        return f' <span class="badge bad">{len(wrong)} wrong</span>'
    return f' <span class="badge odd">{odd} odd</span>' if odd else ""


def _took(spoken: Spoken, slow: float) -> str:
    exchange = spoken.exchange
    if exchange is None or exchange.answer is not spoken or exchange.seconds is None:
        return ""
    shown = duration(exchange.seconds)
    return f'<span class="odd">{shown}</span>' if exchange.seconds >= slow else shown


def _inside(item: Heard, raw: str, numbers: dict[int, int], redactor: Redactor) -> str:
    spoken = item.spoken
    said = "".join(_said(trouble, redactor) for trouble in spoken.troubles)
    facts = [
        spoken.kind if spoken.kind != "broken" else "not a frame",
        f"id {spoken.id}" if spoken.id else "",
        item.link.station,
        f"OCPP {item.link.version.value}",
        item.found.clues.clock,
        f"line {item.found.line}",
    ]
    shown = " · ".join([*(escape(fact) for fact in facts if fact), *_other_half(spoken, numbers)])
    troubles = f"<ul>{said}</ul>" if said else ""
    return f'<p class="faint">{shown}</p>{troubles}<pre>{pretty_html(spoken, raw, redactor)}</pre>'


def _other_half(spoken: Spoken, numbers: dict[int, int]) -> Iterator[str]:
    """A link from a call to its answer, and back."""
    exchange = spoken.exchange
    if exchange is None:
        return
    other = exchange.answer if exchange.call is spoken else exchange.call
    if other is not None and id(other) in numbers:
        name = "its answer" if exchange.call is spoken else "its call"
        yield f'<a href="#f{numbers[id(other)]}">{name}</a>'


def _said(trouble: Trouble, redactor: Redactor) -> str:
    path = f"<code>{escape(trouble.path)}</code> " if trouble.path else ""
    earns = f' <span class="faint">earns {escape(trouble.code)}</span>' if trouble.code else ""
    rule = f' <span class="faint">[{escape(trouble.rule)}]</span>' if trouble.rule else ""
    colour = "odd" if trouble.noted else "bad"
    return f'<li><span class="{colour}">{path}{escape(caption(trouble, redactor))}</span>{earns}{rule}</li>'
