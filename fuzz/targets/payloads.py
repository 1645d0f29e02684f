"""A payload means the same to the decoder, to LENIENT, to jsonschema and, once written, to itself.

Input: a byte of options, two for the message, then what its members are.
"""

import json
from typing import Any

from ocpp_sansio import (
    CallFailed,
    CallReceived,
    CallResultReceived,
    Connection,
    FrameRejected,
    Rejection,
    Role,
    SchemaViolation,
    SendReceived,
    Version,
    Violation,
)
from ocpp_sansio._codec import decoder
from ocpp_sansio.messages import Message, Request
from ocpp_sansio.validation import encode

from ..choices import Choices
from ..grown import grown, smallest_message
from ..verdicts import _difference

__all__ = ["MESSAGES", "payloads"]

Read = tuple[Message, tuple[Violation, ...]]


def _messages() -> list[tuple[Version, int, str, type[Message]]]:
    found: list[tuple[Version, int, str, type[Message]]] = []
    for version in Version:
        for action, request in version.load().items():
            found += [(version, 2, action, request), (version, 3, action, request.__answer__)]
        found += [(version, 6, action, cls) for action, cls in version.load_sends().items()]
    return found


#: Version, message type, action and class of each.
MESSAGES = _messages()


def payloads(data: bytes) -> None:
    """Read the payload strictly, and leniently if that refuses; ask everybody, jsonschema too, if the options say so."""
    choose = Choices(data)
    thorough = choose.byte() & 7 == 7
    version, kind, action, cls = choose.pick_wide(MESSAGES)
    text = json.dumps(grown(choose, cls)).replace("Infinity", "1e400")  # which is JSON, and no number
    strict = received(version, kind, action, text, "strict")
    if strict is None or thorough:
        lenient = received(version, kind, action, text, "lenient")
        assert lenient == strict if strict is not None else lenient is None or lenient[1]
    if strict is not None:
        assert type(strict[0]) is cls
        check_round_trip(strict[0])
    if thorough and "1e400" not in text:  # of which jsonschema thinks nothing where any JSON may stand
        assert list(_difference(cls, json.loads(text))) == []


def received(version: Version, kind: int, action: str, text: str, strictness: str) -> Read | None:
    """What a connection makes of the payload in a frame; None if it refuses it for its content."""
    request: type[Request[Any, Any]] | None = version.load().get(action)
    sender = (request or version.load_sends()[action]).__sender__ or Role.CHARGING_STATION
    connection = Connection(sender if kind == 3 else sender.peer, version, validation=strictness)
    if kind == 3:
        connection.call(smallest_message(request), now=0.0, id="1")  # type: ignore[arg-type]
        connection.next_frame()
        connection.receive_text(f'[3,"1",{text}]', now=0.0)
    else:
        connection.receive_text(f'[{kind},"1","{action}",{text}]', now=0.0)
    event = connection.next_event()
    assert connection.next_event() is None
    match event:
        case CallReceived():
            return event.request, event.violations
        case CallResultReceived():
            return event.response, event.violations
        case SendReceived():
            return event.message, event.violations
        case CallFailed():
            violation = event.error.violation
            assert violation is not None
            assert violation.keyword
        case FrameRejected():
            assert event.reason is Rejection.INVALID_PAYLOAD
            assert event.error.details["keyword"]
        case _:
            raise AssertionError(event)
    return None


def check_round_trip(message: Message) -> None:
    """What was written once, which cuts times to milliseconds, stays as it is."""
    try:
        text = encode(message)
    except SchemaViolation as refused:
        if refused.violation.keyword == "enum":
            return  # a value that is only understood, and never sent
        raise
    again: Any = decoder(type(message))(json.loads(text), [])
    assert encode(again) == text
