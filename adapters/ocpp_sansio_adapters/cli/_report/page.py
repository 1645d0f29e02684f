"""The page of a report: one HTML file that loads nothing, and says everything without JavaScript, too."""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files

from .._log.listening import Heard, Reading
from .._log.redaction import Redactor
from .._log.spoken import Spoken
from .._log.telling import caption, title
from .._log.words import counted, duration
from .lanes import lanes
from .rows import sequence

__all__ = ["page"]

#: Troubles that are listed at the top.
LISTED = 20


def page(reading: Reading, name: str, redactor: Redactor, *, most: int, slow: float) -> str:
    """The whole page. `most` is how many frames it shows."""
    heard = reading.heard[:most]
    raws = [redactor.frame(item.spoken.text) for item in heard]
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
{lanes(heard)}
{_troubles(heard, redactor)}
<h2>Sequence</h2>
{sequence(heard, raws, _tools(heard), redactor, slow)}
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
    more = f", the first {most:,} shown" if number > most else ""
    yield f"<b>{number:,}</b> frame{'s' * (number != 1)}{more}"
    stations = len({link.station for link in reading.conversations})
    yield f"<b>{stations:,}</b> station{'s' * (stations != 1)}"
    yield f"OCPP <b>{reading.versions}</b>{' (guessed)' if reading.guessed else ''}"
    wrong = sum(item.spoken.wrong for item in reading.heard)
    yield f'<b class="bad">{wrong:,}</b> with trouble' if wrong else '<b class="good">no</b> trouble'
    unanswered = len(reading.unanswered)
    if unanswered:
        yield f'<b class="bad">{unanswered:,}</b> unanswered'
    times = [exchange.seconds for exchange in reading.timed if exchange.seconds is not None]
    if times:
        yield f"slowest answer <b>{duration(max(times))}</b>"


def _troubles(heard: Sequence[Heard], redactor: Redactor) -> str:
    """What is wrong, each thing once, with a link to the first frame that has it."""
    places: dict[tuple[str, str], list[int]] = {}
    for number, item in enumerate(heard):
        if item.spoken.wrong:
            places.setdefault((title(item.spoken), _first(item.spoken, redactor)), []).append(number)
    if not places:
        return ""
    lines = "".join(
        f'<li><a href="#f{numbers[0]}">{escape(name)}</a> {escape(text)}{_times(heard, numbers)}</li>'
        for (name, text), numbers in list(places.items())[:LISTED]
    )
    more = f'<p class="faint">and {len(places) - LISTED:,} more</p>' if len(places) > LISTED else ""
    return f'<h2>Trouble</h2><ul class="troubles">{lines}</ul>{more}'


def _times(heard: Sequence[Heard], numbers: Sequence[int]) -> str:
    stations = list(dict.fromkeys(heard[number].link.station for number in numbers))
    where = stations[0] if len(stations) == 1 else counted(len(stations), "station")
    often = f"{len(numbers):,} times" if len(numbers) > 1 else ""
    said = ", ".join(part for part in (escape(where), often) if part)
    return f' <span class="faint">{said}</span>' if said else ""


def _first(spoken: Spoken, redactor: Redactor) -> str:
    trouble = next(trouble for trouble in spoken.troubles if not trouble.noted)
    path = f"{trouble.path}: " if trouble.path else ""
    return f"{path}{caption(trouble, redactor)}"


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
        f"{_TROUBLE if any(item.spoken.wrong for item in heard) else ''}"
        f'<button type="button" name="open">Open all</button>'
        f'<output class="faint" aria-live="polite"></output></form>'
    )


_TROUBLE = (
    '<label><input type="checkbox" name="trouble"> Only trouble</label>'
    '<button type="button" name="next">Next trouble</button>'
)


def _option(value: str, shown: str) -> str:
    return f'<option value="{escape(value)}">{escape(shown)}</option>'
