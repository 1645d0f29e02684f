"""One frame and what is wrong with it, in lines for people."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from ocpp_sansio import Role

from .._paint import Paint, printable
from .listening import Heard
from .redaction import Redactor
from .spoken import Spoken, Trouble
from .words import duration

__all__ = ["caption", "pretty", "shown_payload", "status_of", "title", "told_of"]


def told_of(
    item: Heard,
    paint: Paint,
    redactor: Redactor,
    *,
    slow: float,
    names: bool,
    troubles: Sequence[Trouble] | None = None,
    said: str = "",
) -> Iterator[str]:
    """The frame in a line, and a line for each thing that is wrong with it: its own troubles, or `troubles`.
    `names` has each line say the station; `said` ends the line of the frame.
    """
    spoken = item.spoken
    where = f"line {item.found.line}"
    clock = item.found.clues.clock
    station = printable(item.link.station) if names else ""
    arrow = _arrow(spoken.sender, paint)
    head = "  ".join(part for part in (paint("dim", f"{where:<8}"), clock, station, arrow) if part)
    colour = "red" if spoken.wrong else "bold" if spoken.kind in ("CALL", "SEND") else "green"
    name, id = paint(colour, printable(title(spoken))), paint("dim", printable(spoken.id))
    told = f"{head} {name}  {id}{_seconds(spoken, slow, paint)}"
    yield f"{told}  {said}" if said else told
    for trouble in spoken.troubles if troubles is None else troubles:
        yield _line(trouble, paint, redactor)


def title(spoken: Spoken) -> str:
    """What a frame is, in a few words."""
    action = spoken.action or "?"
    match spoken.kind:
        case "CALL":
            return action
        case "SEND":
            return f"{action} (SEND)"
        case "CALLRESULT":
            status = status_of(spoken.payload)
            return f"{action} answered" + (f": {status}" if status else "")
        case "CALLERROR":
            return f"{action} refused" + (f": {spoken.code}" if spoken.code else "")
        case "CALLRESULTERROR":
            return f"answer to {action} rejected"
        case _:
            return "not a frame"


def status_of(payload: Any) -> str:
    """What an answer says at the first glance; empty if it has no status."""
    if not isinstance(payload, dict):
        return ""
    info = next((payload[name] for name in ("idTagInfo", "idTokenInfo") if name in payload), payload)
    status = info.get("status") if isinstance(info, dict) else None
    return status if isinstance(status, str) else ""


def _arrow(sender: Role | None, paint: Paint) -> str:
    # As a reader of the log sees it: the station is on the left, the CSMS on the right.
    return {Role.CHARGING_STATION: paint.right, Role.CSMS: paint.left, None: "?"}[sender]


def _seconds(spoken: Spoken, slow: float, paint: Paint) -> str:
    exchange = spoken.exchange
    if exchange is None or exchange.answer is not spoken or exchange.seconds is None:
        return ""
    return "  " + paint(
        "yellow" if exchange.seconds >= slow else "dim", f"after {duration(exchange.seconds)}"
    )


def caption(trouble: Trouble, redactor: Redactor) -> str:
    """What is wrong, without the values that are to be hidden."""
    if not redactor.hides(trouble.path):
        return redactor.words(trouble.text)
    return redactor.words(trouble.text, [trouble.value])


def _line(trouble: Trouble, paint: Paint, redactor: Redactor) -> str:
    sign = paint("yellow", paint.dot) if trouble.noted else paint("red", paint.cross)
    path = f"{trouble.path}: " if trouble.path else ""
    code = f"  earns {trouble.code}" if trouble.code else ""
    rule = f"  [{trouble.rule}]" if trouble.rule else ""
    return f"          {sign} {path}{caption(trouble, redactor)}{paint('dim', code + rule)}"


def shown_payload(spoken: Spoken, raw: str) -> Iterator[str]:
    """What is in a frame, indented; of a broken one, its text."""
    for line in pretty(spoken.kind, raw).splitlines():
        yield f"            {printable(line)}"


def pretty(kind: str, raw: str) -> str:
    """The payload of a frame; of an error, the frame; of what is no frame, its text."""
    if kind == "broken":
        return raw
    try:
        frame = json.loads(raw)
        index = {"CALL": 3, "SEND": 3, "CALLRESULT": 2}.get(kind)
        return json.dumps(frame if index is None else frame[index], indent=2, ensure_ascii=False)
    except (ValueError, RecursionError, LookupError, TypeError):
        return raw
