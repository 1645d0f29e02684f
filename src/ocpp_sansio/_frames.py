"""Text to frame and frame to text. Knows the shapes of RPC messages (chapter 2 of the wire rules), and
no action.

A frame is the JSON array as it stands: `[2, id, action, payload]`.
"""

import json
import re
from collections.abc import Callable
from json.encoder import encode_basestring_ascii as quote
from sys import getrecursionlimit
from typing import Any, NoReturn

from ._values import any_text, is_unicode
from .errors import ERRORS_BY_CODE, ErrorCode, GenericError, OCPPError, Rejection

__all__ = [
    "CALL",
    "CALLERROR",
    "CALLRESULT",
    "CALLRESULTERROR",
    "MAX_ECHOED_ID",
    "MAX_ID",
    "SEND",
    "Loads",
    "Malformed",
    "call_text",
    "check_nesting",
    "error_of",
    "error_text",
    "loads_once",
    "object_of",
    "parse",
    "read_call",
    "readable_id",
    "result_text",
]

CALL, CALLRESULT, CALLERROR, CALLRESULTERROR, SEND = 2, 3, 4, 5, 6

MAX_ID = 36  # J16-204, counted in code points
MAX_ECHOED_ID = 255  # rule 9 of the house: a longer one is not repeated to the peer
MAX_DESCRIPTION = 255  # J201-212; no limit in 1.6, whose peers have buffers all the same

#: A parser that recurses stops at the interpreter's limit, which is 1000 unless somebody has raised it. Far
#: beyond, nothing guards the stack of C but we.
SAFE_NESTING = 10_000

#: What a user may give in the place of `json.loads`. It raises on a text that is not JSON.
Loads = Callable[[str], Any]


class Malformed(Exception):
    """The text is not a frame that can be handled.

    `kind` is its message type and `id` its message id, as far as they could be read; `frame` what a broken
    text begins with.
    """

    def __init__(
        self,
        reason: Rejection,
        message: str,
        kind: int | None = None,
        id: str | None = None,
        frame: list[Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.kind = kind
        self.id = id
        self.frame = frame


# Reading.


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


class _DuplicateKeys(ValueError):
    """An object has two members of one name."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _DuplicateKeys(f"the key {twice[:60]!r} twice")
    return found


_decoder = json.JSONDecoder(parse_constant=_refuse_constant)
_scan: Callable[[str, int], tuple[Any, int]] = _decoder.scan_once  # type: ignore[attr-defined]
_surrogate_escape = re.compile(r"\\u[dD][89a-fA-F]")

#: A loader that refuses duplicate keys (L-218).
loads_once: Loads = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_once).decode


def parse(text: str, loads: Loads | None = None) -> list[Any]:
    """The frame: a list that begins with a number. Raises Malformed."""
    if len(text) > SAFE_NESTING and getrecursionlimit() > SAFE_NESTING:
        _check_stack(text)
    if loads is not None:
        frame = _parse_with(loads, text)
    else:
        try:
            frame, end = _scan(text, 0)
            if end != len(text):  # white space around it, or more text behind
                frame = _decoder.decode(text)
        except (ValueError, StopIteration, RecursionError):
            # StopIteration is the scanner's word for a text that does not begin with a value: white space, or
            # nothing sensible.
            frame = _parse_with(_decoder.decode, text)
    if type(frame) is not list or not frame:
        raise Malformed(Rejection.NOT_A_FRAME, "not a JSON array with a message in it")
    kind = frame[0]
    if type(kind) is not int and type(kind) is not float:  # 2.0 is 2 to JSON; true is not
        raise Malformed(
            Rejection.UNKNOWN_MESSAGE_TYPE, "the message type is not a number", id=readable_id(frame)
        )
    escaped = "\\" in text and _surrogate_escape.search(text) is not None and not is_unicode(frame)
    if escaped or not (text.isascii() or _is_utf8(text)):
        return _without_surrogates(frame)
    return frame


def _is_utf8(text: str) -> bool:
    """Whether the text can be sent: half a character can be stored in a str and in no UTF-8 (L-218)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _parse_with(loads: Loads, text: str) -> Any:
    try:
        return loads(text)
    except RecursionError:
        raise _salvaged(text, Rejection.TOO_DEEP, "nested too deeply") from None
    except _DuplicateKeys as error:
        raise _salvaged(text, Rejection.DUPLICATE_KEYS, str(error)) from None
    except Exception as error:  # of whatever kind a user's own loader raises
        if not text.strip(" \t\r\n"):
            raise Malformed(Rejection.EMPTY, "an empty text") from None
        raise _salvaged(text, Rejection.NOT_JSON, f"not JSON: {_words_of(error)}") from None


def _words_of(error: Exception) -> str:
    try:
        return str(error)[:200]
    except Exception:
        return type(error).__name__


_TEXT = r'"((?:[^"\\\x00-\x1f]|\\.){0,255})"'
_HEAD = re.compile(rf"\ufeff?\s*\[\s*([0-9])(?:\.0)?(?![0-9.eE])(?:\s*,\s*{_TEXT}(?:\s*,\s*{_TEXT})?)?")


def _salvaged(text: str, reason: Rejection, message: str) -> Malformed:
    """What to raise of a text that is broken: with its message type, id and beginning as far as they can be
    read.
    """
    found = _HEAD.match(text)
    if found is None:
        return Malformed(reason, message)
    kind = int(found[1])
    try:
        head = [json.loads(f'"{part}"') for part in found.groups()[1:] if part is not None]
    except ValueError:
        head = []
    if not head or not is_unicode(head):
        return Malformed(reason, message, kind)
    if kind == CALL and reason is Rejection.NOT_JSON:
        reason = Rejection.BROKEN_CALL
    return Malformed(reason, message, kind, head[0], [kind, *head])


def check_nesting(frame: list[Any], most: int) -> None:
    """Raise Malformed if objects and arrays lie deeper inside each other than `most` (L-218)."""
    level: list[Any] = [frame]
    for _ in range(most):
        inside = (item.values() if type(item) is dict else item for item in level)
        level = [value for values in inside for value in values if type(value) is dict or type(value) is list]
        if not level:
            return
    message = f"nested deeper than {most} levels"
    raise Malformed(Rejection.TOO_DEEP, message, frame[0], readable_id(frame), frame)


_STRING = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)


def _check_stack(text: str) -> None:
    """Raise Malformed if a parser that recurses would go deeper than the stack of C allows."""
    depth = 0
    for bracket in re.findall(r"[][{}]", _STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > SAFE_NESTING:
            raise _salvaged(text, Rejection.TOO_DEEP, "nested too deeply")


def _without_surrogates(frame: list[Any]) -> list[Any]:
    """What to make of a frame with half a character: a refusal must be heard, whatever it says (L-401)."""
    if frame[0] in (CALLERROR, CALLRESULTERROR):
        try:
            repaired: list[Any] = json.loads(json.dumps(frame, ensure_ascii=False).encode(errors="replace"))
        except (TypeError, ValueError, RecursionError):
            return frame[:2]
        return repaired
    message = "contains a lone surrogate, which is not Unicode"
    raise Malformed(Rejection.NOT_UNICODE, message, frame[0], readable_id(frame))


def readable_id(frame: list[Any]) -> str | None:
    """The message id, if it is one that an answer could carry."""
    return frame[1] if len(frame) > 1 and type(frame[1]) is str and is_unicode(frame[1]) else None


def read_call(frame: list[Any]) -> tuple[str, str, Any]:
    """Id, action and payload of a CALL or a SEND; the payload is judged later (L-425). Raises Malformed."""
    try:
        kind, id, action, payload = frame
    except ValueError:
        count = f"{_NAMES[int(frame[0])]} has 4 elements, not {len(frame)}"
        raise Malformed(Rejection.MALFORMED_CALL, count, frame[0], readable_id(frame)) from None
    if type(id) is not str:
        raise Malformed(Rejection.ID_NOT_TEXT, "the message id is not text", kind)
    if len(id) > MAX_ID:
        raise Malformed(
            Rejection.ID_TOO_LONG, f"the message id has {len(id)} characters, at most {MAX_ID}", kind, id
        )
    if type(action) is not str:
        raise Malformed(Rejection.MALFORMED_CALL, "the action is not text", kind, id)
    return id, action, payload


def object_of(frame: list[Any]) -> dict[str, Any]:
    """The payload of a CALL or a SEND that was read. Raises Malformed."""
    kind, id, _, payload = frame
    if payload is None:  # J16-210: another way to write {}
        return {}
    if type(payload) is not dict:
        raise Malformed(Rejection.PAYLOAD_NOT_AN_OBJECT, "the payload is not an object", kind, id)
    return payload


_NAMES = {CALL: "a CALL", SEND: "a SEND"}

_CODES: dict[str, ErrorCode] = {
    **{code.value: code for code in ErrorCode},
    # How 1.6 spells two of them; peers send either spelling on any version (L-401).
    "FormationViolation": ErrorCode.FORMAT_VIOLATION,
    "OccurenceConstraintViolation": ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION,
}


def error_of(frame: list[Any]) -> OCPPError:
    """The error that a CALLERROR or a CALLRESULTERROR reports.

    Whatever is missing or odd is filled in: a call must end, however it is refused (L-401).
    """
    code, description, details = (*frame[2:5], None, None, None)[:3]
    text = code if isinstance(code, str) else ""
    known = _CODES.get(text)
    error = ERRORS_BY_CODE[known] if known is not None else GenericError
    return error(
        description if isinstance(description, str) else "",
        details if isinstance(details, dict) else {},
        code=known or text or ErrorCode.GENERIC_ERROR,
    )


# Writing. Compact, pure ASCII: what every peer reads.


def call_text(id: str, action: str, payload: str, kind: int = CALL) -> str:
    return f"[{kind},{quote(id)},{quote(action)},{payload}]"


def result_text(id: str, payload: str) -> str:
    return f"[3,{quote(id)},{payload}]"


def error_text(id: str, code: str, error: OCPPError, kind: int = CALLERROR) -> str:
    """Raises TypeError or ValueError if the error cannot be written."""
    description, details = error.description, error.details
    if not isinstance(details, dict):
        raise TypeError(f"error details are a JSON object (J16-212), not {type(details).__name__}")
    if not isinstance(code, str) or not isinstance(description, str):
        raise TypeError("the code and the description of an error are text")
    try:
        encoded = any_text(details)
    except RecursionError:
        raise ValueError("the error details are nested too deeply") from None
    if not is_unicode([details, code]):
        raise ValueError("the error contains a lone surrogate, which is not Unicode")
    shown = description[:MAX_DESCRIPTION].encode(errors="replace").decode()
    return f"[{kind},{quote(id)},{quote(code)},{quote(shown)},{encoded}]"
