"""Text to frame and frame to text. Knows the shapes of RPC messages (chapter 2 of the wire rules), and
no action.

A frame is the JSON array as it stands: `[2, id, action, payload]`.
"""

import json
import re
from collections.abc import Callable
from json.encoder import encode_basestring_ascii as quote
from typing import Any, NoReturn

from ._values import any_text, is_unicode
from .errors import ERRORS_BY_CODE, ErrorCode, GenericError, OCPPError, Rejection

__all__ = [
    "CALL",
    "CALLERROR",
    "CALLRESULT",
    "Malformed",
    "call_text",
    "error_of",
    "error_text",
    "parse",
    "read_call",
    "readable_id",
    "result_text",
]

CALL, CALLRESULT, CALLERROR = 2, 3, 4

MAX_ID = 36  # J16-204, counted in code points
MAX_ECHOED_ID = 255  # rule 9 of the house: a longer one is not repeated to the peer
MAX_DESCRIPTION = 255  # J201-212; no limit in 1.6, whose peers have buffers all the same


class Malformed(Exception):
    """The text is not a frame that can be handled.

    `kind` is its message type and `id` its message id, as far as they could be read.
    """

    def __init__(
        self, reason: Rejection, message: str, kind: int | None = None, id: str | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.kind = kind
        self.id = id


# Reading.


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(parse_constant=_refuse_constant)
_scan: Callable[[str, int], tuple[Any, int]] = _decoder.scan_once  # type: ignore[attr-defined]
_surrogate_escape = re.compile(r"\\u[dD][89a-fA-F]")


def parse(text: str) -> list[Any]:
    """The frame: a list that begins with a number. Raises Malformed."""
    try:
        frame, end = _scan(text, 0)
        if end != len(text):  # white space around it, or more text behind
            frame = _decoder.decode(text)
    except (ValueError, StopIteration):
        # StopIteration is the scanner's word for a text that does not begin with a value: white space, or
        # nothing sensible.
        frame = _parse_padded(text)
    except RecursionError:
        raise Malformed(Rejection.NOT_JSON, "nested too deeply") from None
    if type(frame) is not list or not frame:
        raise Malformed(Rejection.NOT_A_FRAME, "not a JSON array with a message in it")
    kind = frame[0]
    if type(kind) is not int and type(kind) is not float:  # 2.0 is 2 to JSON; true is not
        raise Malformed(Rejection.UNKNOWN_MESSAGE_TYPE, "the message type is not a number")
    if not text.isascii() or ("\\u" in text and _surrogate_escape.search(text)):
        _refuse_surrogates(frame)
    return frame


def _parse_padded(text: str) -> Any:
    try:
        return _decoder.decode(text)
    except (ValueError, RecursionError) as error:
        raise Malformed(Rejection.NOT_JSON, str(error)[:200]) from None


def _refuse_surrogates(frame: list[Any]) -> None:
    """Half a character, as an escape or in the text itself, can be stored in a str and never be sent as UTF-8
    (L-218).
    """
    if not is_unicode(frame):
        message = "contains a lone surrogate, which is not Unicode"
        raise Malformed(Rejection.NOT_UNICODE, message, frame[0], readable_id(frame))


def readable_id(frame: list[Any]) -> str | None:
    """The message id, if it is one that an answer could carry."""
    return frame[1] if len(frame) > 1 and type(frame[1]) is str and is_unicode(frame[1]) else None


def read_call(frame: list[Any]) -> tuple[str, str, dict[str, Any]]:
    """Id, action and payload of a CALL. Raises Malformed."""
    try:
        _, id, action, payload = frame
    except ValueError:
        count = f"a CALL has 4 elements, not {len(frame)}"
        raise Malformed(Rejection.MALFORMED_CALL, count, CALL, readable_id(frame)) from None
    if type(id) is not str:
        raise Malformed(Rejection.ID_NOT_TEXT, "the message id is not text", CALL)
    if len(id) > MAX_ID:
        raise Malformed(
            Rejection.ID_TOO_LONG, f"the message id has {len(id)} characters, at most {MAX_ID}", CALL, id
        )
    if type(action) is not str:
        raise Malformed(Rejection.MALFORMED_CALL, "the action is not text", CALL, id)
    if payload is None:  # J16-210: another way to write {}
        payload = {}
    if type(payload) is not dict:
        raise Malformed(Rejection.PAYLOAD_NOT_AN_OBJECT, "the payload is not an object", CALL, id)
    return id, action, payload


_CODES: dict[str, ErrorCode] = {
    **{code.value: code for code in ErrorCode},
    # How 1.6 spells two of them; peers send either spelling on any version (L-401).
    "FormationViolation": ErrorCode.FORMAT_VIOLATION,
    "OccurenceConstraintViolation": ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION,
}


def error_of(frame: list[Any]) -> OCPPError:
    """The error that a CALLERROR reports.

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


def call_text(id: str, action: str, payload: str) -> str:
    return f"[2,{quote(id)},{quote(action)},{payload}]"


def result_text(id: str, payload: str) -> str:
    return f"[3,{quote(id)},{payload}]"


def error_text(id: str, code: str, description: str, details: dict[str, Any]) -> str:
    """Raises TypeError or ValueError if the details are not a JSON object."""
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
    return f"[4,{quote(id)},{quote(code)},{quote(shown)},{encoded}]"
