"""Single values: what codec and judge both need to know about times, numbers and text. Knows no message."""

import json
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeGuard

from ._datetime import format_datetime, normal_form, parse_datetime

__all__ = [
    "ANY_JSON",
    "FOREVER",
    "MOST_NOTES",
    "NO_JSON",
    "OPEN_ENDED",
    "Note",
    "Unusual",
    "any_text",
    "brief",
    "check_instant",
    "checked_any",
    "checked_open",
    "integral",
    "is_json",
    "is_multiple",
    "is_number",
    "is_unicode",
    "plain_value",
    "read_time",
    "time_text",
]

#: More seconds than any clock or time-out has, few enough for sums of them to be numbers still.
FOREVER = 1e300

#: The greatest double. What is beyond cannot be read back as it was written.
MOST = sys.float_info.max

#: A time that was understood and is not in normal form: the object, the member, the text.
Note = tuple[dict[str, Any], str, str]

#: A note of another kind, always the first: the message holds JSON of any depth.
OPEN_ENDED: Note = ({}, "", "")

#: A schema keyword of our own, for values without a type: what stands there can be written as JSON.
ANY_JSON = "json"

#: How many departures of one message are noted; OPEN_ENDED is none.
MOST_NOTES = 16


class Unusual(Exception):
    """The fast encoder does not handle this value."""


def read_time(text: Any, node: dict[str, Any], member: str, notes: list[Note]) -> datetime:
    """A time of the wire; noted if it is not in normal form. Raises TypeError or ValueError if it is none."""
    # The first test is the form that nearly every sender uses; fromisoformat alone would also take week dates
    # and compact forms.
    if (
        type(text) is str
        and (len(text) == 20 or (len(text) == 24 and text[19] == "."))
        and text[-1] == "Z"
        and text[4] == text[7] == "-"
        and text[10] == "T"
        and text[13] == text[16] == ":"
    ):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    moment = parse_datetime(text)
    if len(notes) < MOST_NOTES + _is_open_ended(notes) and not normal_form(text):
        notes.append((node, member, text))
    return moment


def time_text(moment: Any) -> str:
    """A datetime as JSON text. Raises Unusual for anything else."""
    if type(moment) is not datetime:
        raise Unusual
    return f'"{format_datetime(moment)}"'


def check_instant(now: float) -> None:
    """Raise ValueError or TypeError unless this is a number of seconds on a clock."""
    if not -FOREVER < now < FOREVER:
        raise ValueError(f"now is a finite number of seconds, not {now!r}")


def integral(value: Any) -> int:
    """The integer that a JSON number is to draft 6, where 12.0 is one (J16-215). Raises TypeError."""
    if type(value) is float and value.is_integer():
        return int(value)
    raise TypeError(value)


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a finite number: 1e400 is JSON, and no number."""
    return type(value) is int or (type(value) is float and value - value == 0)


def is_multiple(value: float, step: float) -> bool:
    """Whether a number is a multiple by its decimal text, as a reader would say (J16-216): 0.3 is one of 0.1."""
    if step == 0.1:  # the only one in official schemas, and the only one that has to be fast
        if type(value) is int:
            return True
        return abs(value) >= 1e15 or round(value * 10) / 10 == value or round(value, 1) == value
    if value == 0:
        return True
    quotient = Decimal(repr(value)) / Decimal(repr(step))
    return quotient == quotient.to_integral_value()


def is_unicode(value: Any) -> bool:
    """Whether JSON data has no lone surrogate anywhere, in keys either (L-218)."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    except (TypeError, ValueError, RecursionError):  # a parser of the user's may make what JSON does not know
        return all(_is_unicode_text(text) for text in _texts_in(value))
    return True


def _is_unicode_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _texts_in(value: Any) -> Iterator[str]:
    """Every text in data, however deep, even if it contains itself."""
    trail, seen = [value], set[int]()
    while trail:
        item = trail.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, (dict, list, tuple)) and id(item) not in seen:
            seen.add(id(item))
            trail += item
            trail += item.values() if isinstance(item, dict) else ()


def brief(value: Any) -> str:
    """Anything in a `repr`: cut short where it is long, and without fail."""
    try:
        text = repr(value)
    except Exception:  # such as of an integer with more digits than Python writes
        text = f"<{type(value).__name__}>"
    return text if len(text) <= 1000 else f"{text[:1000]}..."


#: Any JSON value as text; raises one of NO_JSON if it is none. Made once: json.dumps would make an encoder for
#: each value.
any_text: Callable[[Any], str] = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode

#: What `any_text` raises: of an object of Python's, a number beyond all bounds, a list that contains itself.
NO_JSON = (TypeError, ValueError, RecursionError)


def is_json(value: Any) -> bool:
    """Whether the value can be written as JSON."""
    try:
        any_text(value)
    except NO_JSON:
        return False
    return True


def checked_any(value: Any) -> Any:
    """The value, if it is JSON that can be written again. Raises as `any_text`."""
    any_text(value)
    return value


def checked_open(value: Any, notes: list[Note]) -> Any:
    """As `checked_any`; noted, once, where no class bounds how deep it is."""
    if value and isinstance(value, (dict, list)) and not _is_open_ended(notes):
        notes.insert(0, OPEN_ENDED)
    return checked_any(value)


def _is_open_ended(notes: list[Note]) -> bool:
    return bool(notes) and notes[0] is OPEN_ENDED


def plain_value(value: Any) -> Any:
    """A value of JSON's own types where that loses nothing, else the value itself."""
    if isinstance(value, (list, tuple)):
        return [plain_value(item) for item in value]
    if isinstance(value, datetime):
        try:
            return format_datetime(value)
        except OverflowError:  # beyond the years of UTC: no text, which the judge will say
            return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return int(value) if isinstance(value, int) else float(value)
    if isinstance(value, Decimal) and value.is_finite() and -MOST <= value <= MOST:
        if value == value.to_integral_value():
            return int(value)
        if Decimal(repr(float(value))) == value:
            return float(value)
    return value
