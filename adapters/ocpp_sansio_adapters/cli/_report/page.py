"""The page of a report: one HTML file that loads nothing, and says everything without JavaScript, too."""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files
from typing import Any

from ocpp_sansio import Role
from ocpp_sansio._paths import step

from .._log.reading import Heard, Reading
from .._log.redaction import Redactor
from .._log.spoken import Spoken, Trouble
from .._log.telling import caption, counted, duration, title
from .lanes import lanes

__all__ = ["page"]

#: Troubles that are listed at the top.
LISTED = 20
#: Characters of what is said beside a value.
SAID = 70


def page(reading: Reading, name: str, redactor: Redactor, *, most: int, slow: float) -> str:
    """The whole page. `most` is how many frames it shows."""
    heard = reading.heard[:most]
    raws = [redactor.frame(item.spoken.text) for item in heard]
    rows = "\n".join(
        _row(number, item, raw, redactor, slow)
        for number, (item, raw) in enumerate(zip(heard, raws, strict=True))
    )
    css, script = _asset("report.css"), _asset("report.js")
    policy = f"default-src 'none'; style-src '{_hash(css)}'; script-src '{_hash(script)}'; base-uri 'none'"
    shown = escape(name)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>OCPP: {shown}</title>
<style>{css}</style>
</head>
<body>
<header>
<h1>{shown}</h1>
<ul class="facts">{"".join(f"<li>{fact}</li>" for fact in _facts(reading, most))}</ul>
</header>
<main>
<h2>Stations</h2>
<div class="lanes">{lanes(heard)}</div>
{_troubles(heard, redactor)}
{_tools(heard)}
<h2>Sequence</h2>
<div class="ends" aria-hidden="true"><span>station</span><span>CSMS</span></div>
<ol class="frames">
{rows}
</ol>
</main>
<footer>Made by ocpp-sansio. {_hidden(redactor)}{_KEYS}</footer>
<script>{script}</script>
</body>
</html>
"""


_KEYS = "Keys: n and p go to the next and the previous trouble, t shows only trouble."


def _asset(name: str) -> str:
    return files(__name__.rpartition(".")[0]).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _hidden(redactor: Redactor) -> str:
    if not redactor.hidden:
        return ""
    hidden = ", ".join(counted(number, kind) for kind, number in redactor.hidden.items())
    return f"Hidden: {escape(hidden)}. "


# The beginning.


def _facts(reading: Reading, most: int) -> Iterator[str]:
    number = len(reading.heard)
    yield f"<b>{number:,}</b>frame{'s' * (number != 1)}" + (
        f", the first {most:,} shown" if number > most else ""
    )
    stations = len(reading.conversations)
    yield f"<b>{stations}</b>station{'s' * (stations != 1)}"
    versions = ", ".join(sorted({link.version.value for link in reading.conversations}))
    yield f"OCPP <b>{versions}</b>{'(guessed)' if reading.guessed else ''}"
    wrong = sum(item.spoken.wrong for item in reading.heard)
    yield f'<b class="bad">{wrong:,}</b>with trouble' if wrong else '<b class="good">no</b>trouble'
    if reading.unanswered:
        yield f'<b class="bad">{len(reading.unanswered):,}</b>unanswered'
    times = [exchange.seconds for exchange in reading.answered() if exchange.seconds is not None]
    if times:
        yield f"slowest answer <b>{duration(max(times))}</b>"


def _troubles(heard: Sequence[Heard], redactor: Redactor) -> str:
    wrong = [(number, item) for number, item in enumerate(heard) if item.spoken.wrong]
    if not wrong:
        return ""
    lines = "".join(
        f'<li><a href="#f{number}">{escape(title(item.spoken))}</a>'
        f"{f' of {escape(item.link.station)}' if item.link.station else ''}: "
        f"{escape(_first(item.spoken, redactor))}</li>"
        for number, item in wrong[:LISTED]
    )
    more = f'<p class="faint">and {len(wrong) - LISTED:,} more</p>' if len(wrong) > LISTED else ""
    return f'<h2>Trouble</h2><ul class="troubles">{lines}</ul>{more}'


def _first(spoken: Spoken, redactor: Redactor) -> str:
    trouble = next(trouble for trouble in spoken.troubles if not trouble.noted)
    return f"{trouble.path} {caption(trouble, redactor)}".strip()


def _tools(heard: Sequence[Heard]) -> str:
    actions = Counter(item.spoken.action for item in heard if item.spoken.action)
    stations = dict.fromkeys(item.link.station for item in heard)
    chosen = "".join(_option(action, f"{action} ({number})") for action, number in sorted(actions.items()))
    who = "".join(_option(station, station or "(no name)") for station in sorted(stations))
    by_station = f'<select name="station" aria-label="Station">{_option("", "All stations")}{who}</select>'
    return (
        f'<form class="tools" aria-label="Filter">'
        f'<select name="action" aria-label="Action">{_option("", "All actions")}{chosen}</select>'
        f"{by_station if len(stations) > 1 else ''}"
        f'<label><input type="checkbox" name="trouble"> Only trouble</label>'
        f'<button type="button" name="next">Next trouble</button>'
        f'<button type="button" name="open">Open all</button>'
        f'<output class="faint" aria-live="polite"></output></form>'
    )


def _option(value: str, shown: str) -> str:
    return f'<option value="{escape(value)}">{escape(shown)}</option>'


# A frame.

_WAYS = {Role.CHARGING_STATION: "right", Role.CSMS: "left", None: "unknown"}


def _row(number: int, item: Heard, raw: str, redactor: Redactor, slow: float) -> str:
    spoken = item.spoken
    answer = " answer" if spoken.kind in ("CALLRESULT", "CALLERROR", "CALLRESULTERROR") else ""
    wrong = " wrong" if spoken.wrong else ""
    trouble = " data-trouble" if spoken.wrong else ""
    badge = _badge(spoken.troubles)
    return (
        f'<li class="frame {_WAYS[spoken.sender]}{answer}{wrong}" id="f{number}" '
        f'data-action="{escape(spoken.action)}" data-station="{escape(item.link.station)}"{trouble}>'
        f'<details><summary><span class="when">{escape(_clock(item))}</span>'
        f'<span class="who">{escape(item.link.station)}</span>'
        f'<span class="arrowbox"><span class="name">{escape(title(spoken))}</span>{badge}<span class="arrow"></span></span>'
        f'<span class="took">{_took(spoken, slow)}</span></summary>'
        f'<div class="inside">{_inside(item, raw, redactor)}</div></details></li>'
    )


def _clock(item: Heard) -> str:
    clock = item.found.clues.clock
    if "T" in clock or " " in clock:  # a date, which is the same nearly everywhere
        clock = clock.replace("T", " ").split(" ", 1)[1]
    return clock[:12] or f"line {item.found.line}"


def _badge(troubles: Sequence[Trouble]) -> str:
    wrong = sum(not trouble.noted for trouble in troubles)
    odd = len(troubles) - wrong
    if wrong:
        return f'<span class="badge bad">{wrong} wrong</span>'
    return f'<span class="badge odd">{odd} odd</span>' if odd else ""


def _took(spoken: Spoken, slow: float) -> str:
    exchange = spoken.exchange
    if exchange is None or exchange.answer is not spoken or exchange.seconds is None:
        return ""
    shown = duration(exchange.seconds)
    return f'<span class="odd">{shown}</span>' if exchange.seconds >= slow else shown


def _inside(item: Heard, raw: str, redactor: Redactor) -> str:
    spoken = item.spoken
    said = "".join(_said(trouble, redactor) for trouble in spoken.troubles)
    facts = [
        spoken.kind if spoken.kind != "broken" else "not a frame",
        f"id {spoken.id}" if spoken.id else "",
    ]
    facts += [
        item.link.station,
        f"OCPP {item.link.version.value}",
        item.found.clues.clock,
        f"line {item.found.line}",
    ]
    shown = " · ".join(escape(fact) for fact in facts if fact)
    return f'<p class="faint">{shown}</p>{f"<ul>{said}</ul>" if said else ""}<pre>{_pretty(spoken, raw, redactor)}</pre>'


def _said(trouble: Trouble, redactor: Redactor) -> str:
    path = f"<code>{escape(trouble.path)}</code> " if trouble.path else ""
    earns = f' <span class="faint">earns {escape(trouble.code)}</span>' if trouble.code else ""
    rule = f' <span class="faint">[{escape(trouble.rule)}]</span>' if trouble.rule else ""
    colour = "odd" if trouble.noted else "bad"
    return f'<li><span class="{colour}">{path}{escape(caption(trouble, redactor))}</span>{earns}{rule}</li>'


_PAYLOADS = {"CALL": 3, "SEND": 3, "CALLRESULT": 2}


def _pretty(spoken: Spoken, raw: str, redactor: Redactor) -> str:
    """The payload with what is wrong beside it; the text of what has none."""
    try:
        frame = json.loads(raw)
        value = frame[_PAYLOADS[spoken.kind]] if spoken.kind in _PAYLOADS else frame
    except (ValueError, RecursionError, LookupError, TypeError):
        return escape(raw)
    if spoken.kind == "broken":
        return escape(raw)
    marks: dict[str, list[Trouble]] = {}
    for trouble in spoken.troubles:
        if trouble.path:
            marks.setdefault(trouble.path, []).append(trouble)
    try:
        return "".join(_value(value, "$", "", marks, redactor))
    except RecursionError:
        return escape(raw)


def _value(
    value: Any, path: str, indent: str, marks: dict[str, list[Trouble]], redactor: Redactor
) -> Iterator[str]:
    found = marks.get(path, [])
    if isinstance(value, (dict, list)) and value:
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        yield _marked(opening, found, redactor)
        items = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
        for number, (key, item) in enumerate(items):
            yield f"\n{indent}  "
            if isinstance(key, str):
                yield f'<span class="k">{_text(key)}</span>: '
            yield from _value(item, path + step(key), f"{indent}  ", marks, redactor)
            yield "," if number < len(items) - 1 else ""
        yield f"\n{indent}{closing}"
        return
    kind = "s" if isinstance(value, str) else "n"
    yield _marked(f'<span class="{kind}">{_text(value)}</span>', found, redactor)


def _text(value: Any) -> str:
    return escape(json.dumps(value, ensure_ascii=False), quote=False)


def _marked(shown: str, found: Sequence[Trouble], redactor: Redactor) -> str:
    if not found:
        return shown
    colour = "odd" if all(trouble.noted for trouble in found) else "bad"
    said = "; ".join(caption(trouble, redactor) for trouble in found)
    short = said if len(said) <= SAID else f"{said[:SAID].rsplit(' ', 1)[0]} ..."  # it stands above, too
    return f'<mark class="{colour}">{shown}</mark> <span class="said">{escape(short)}</span>'
