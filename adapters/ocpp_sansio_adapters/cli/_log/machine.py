"""One frame and what is wrong with it, for machines."""

from typing import Any

import attrs

from ocpp_sansio import Role

from .listening import Heard
from .redaction import Redactor
from .spoken import Trouble
from .telling import caption

__all__ = ["deviation_as_json", "frame_as_json"]

_SENDERS = {Role.CHARGING_STATION: "station", Role.CSMS: "csms", None: None}


def frame_as_json(item: Heard, redactor: Redactor) -> dict[str, Any]:
    """A frame, with the lines of the call or the answer that belong to it as far as they are known."""
    spoken, exchange = item.spoken, item.spoken.exchange
    called = exchange.call if exchange is not None and exchange.call is not spoken else None
    answer = exchange.answer if exchange is not None and exchange.call is spoken else None
    raw = redactor.frame(spoken.text)
    return {
        "line": spoken.line,
        "kind": spoken.kind,
        "time": item.found.clues.clock or None,
        "station": spoken.station,
        "version": item.link.version.value,
        "sender": _SENDERS[spoken.sender],
        "action": spoken.action,
        "id": spoken.id,
        "seconds": exchange.seconds if exchange is not None else None,
        "call_line": None if called is None else called.line,
        "answer_line": None if answer is None else answer.line,
        "troubles": [_trouble(trouble, redactor) for trouble in spoken.troubles],
        "raw": raw,
    }


def _trouble(trouble: Trouble, redactor: Redactor) -> dict[str, Any]:
    found = attrs.asdict(trouble, filter=lambda field, value: field.name != "value")
    return {**found, "text": caption(trouble, redactor)}


def deviation_as_json(item: Heard, trouble: Trouble, redactor: Redactor) -> dict[str, Any]:
    """One thing that is other than it should be."""
    return {
        "kind": "note" if trouble.noted else "deviation",
        "line": item.spoken.line,
        "station": item.spoken.station,
        "version": item.link.version.value,
        "action": item.spoken.action,
        "id": item.spoken.id,
        "rule": trouble.rule,
        "path": trouble.path,
        "text": caption(trouble, redactor),
        "code": trouble.code,
    }
