"""What was said, and what was found out about it: one frame, the call that it belongs to, what is wrong with
either.
"""

import json
import re
from typing import Any

import attrs

from ocpp_sansio import CallReceived, OCPPError, Role
from ocpp_sansio.messages import Response

__all__ = ["Exchange", "Spoken", "Trouble", "look"]


@attrs.frozen(kw_only=True)
class Trouble:
    """One thing that is wrong, or, if only `noted`, odd.

    `code` is the error that it earns in this version, empty if there is no answer to it; `rule` is the number
    of the wire rule.
    """

    text: str
    path: str = ""
    keyword: str = ""
    code: str = ""
    rule: str = ""
    noted: bool = False
    value: Any = attrs.field(default=None, repr=False)


@attrs.define(kw_only=True, eq=False)
class Spoken:
    """One frame, and what was found out about it. `line` and `station` say where a log has it."""

    text: str
    kind: str = "broken"
    id: str = ""
    action: str = ""
    payload: Any = None
    sender: Role | None = None
    time: float | None = None
    line: int = 0
    station: str = ""
    error: OCPPError | None = None  # of a CALLERROR
    code: str = ""  # of that, as its version spells it
    exchange: "Exchange | None" = None
    troubles: list[Trouble] = attrs.field(factory=list[Trouble])

    @property
    def wrong(self) -> bool:
        """Whether something is wrong with it."""
        return any(not trouble.noted for trouble in self.troubles)


@attrs.define(kw_only=True, eq=False)
class Exchange:
    """A call, and the answer to it if one came; `answerable` unless no end of this version would answer it."""

    call: Spoken
    answer: Spoken | None = None
    answerable: bool = True
    received: CallReceived | None = None
    response: Response | None = None
    overtaken_by: Spoken | None = None  # the next call of the same end, before the answer came

    @property
    def seconds(self) -> float | None:
        """How long the answer took, if the log tells times; of clocks that go back, such as at midnight, not."""
        if self.answer is None or self.answer.time is None or self.call.time is None:
            return None
        seconds = self.answer.time - self.call.time
        return seconds if seconds >= 0 else None


#: What can be shown of a call that is cut off.
_BROKEN_CALL = re.compile(r'\ufeff?\s*\[\s*2\b(?:\s*,\s*"([^"\\]*)"(?:\s*,\s*"(\w*)")?)?')

_KINDS = {2: "CALL", 3: "CALLRESULT", 4: "CALLERROR", 5: "CALLRESULTERROR", 6: "SEND"}


def look(spoken: Spoken) -> None:
    """Note what a frame seems to be, before anybody judges it."""
    try:
        frame = json.loads(spoken.text)
    except (ValueError, RecursionError):
        head = _BROKEN_CALL.match(spoken.text)
        if head is not None:
            spoken.kind, spoken.id, spoken.action = "CALL", head[1] or "", head[2] or ""
        return
    if not isinstance(frame, list) or not frame or isinstance(frame[0], (bool, list, dict)):
        return
    kind = spoken.kind = _KINDS.get(frame[0], "broken")  # also of 2.0, which is 2 to JSON
    spoken.id = frame[1] if len(frame) > 1 and isinstance(frame[1], str) else ""
    if kind in ("CALL", "SEND"):
        spoken.action = frame[2] if len(frame) > 2 and isinstance(frame[2], str) else ""
        spoken.payload = frame[3] if len(frame) > 3 else None
    elif kind == "CALLRESULT":
        spoken.payload = frame[2] if len(frame) > 2 else None
    elif kind in ("CALLERROR", "CALLRESULTERROR"):
        spoken.payload = frame[4] if len(frame) > 4 else None
