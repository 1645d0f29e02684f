"""The payload of a frame as HTML, with what is wrong beside the value.

Keys are `b`, texts `i` and other values `u`: of the tags that a page may have thousands of, the shortest.
"""

import json
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from ocpp_sansio._paths import step

from .._log.redaction import Redactor
from .._log.spoken import Spoken, Trouble
from .._log.telling import caption

__all__ = ["pretty_html"]

#: Characters of what is said beside a value.
SAID = 70

_PAYLOADS = {"CALL": 3, "SEND": 3, "CALLRESULT": 2}


def pretty_html(spoken: Spoken, raw: str, redactor: Redactor) -> str:
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
                yield f"<b>{_text(key)}</b>: "
            yield from _value(item, path + step(key), f"{indent}  ", marks, redactor)
            yield "," if number < len(items) - 1 else ""
        yield f"\n{indent}{closing}"
        return
    tag = "i" if isinstance(value, str) else "u"
    yield _marked(f"<{tag}>{_text(value)}</{tag}>", found, redactor)


def _text(value: Any) -> str:
    return escape(json.dumps(value, ensure_ascii=False), quote=False)


def _marked(shown: str, found: Sequence[Trouble], redactor: Redactor) -> str:
    if not found:
        return shown
    colour = "odd" if all(trouble.noted for trouble in found) else "bad"
    said = "; ".join(caption(trouble, redactor) for trouble in found)
    short = said if len(said) <= SAID else f"{said[:SAID].rsplit(' ', 1)[0]} ..."  # it stands above, too
    return f'<mark class="{colour}">{shown}</mark> <span class="said">{escape(short)}</span>'
