"""What went over a wire between a charge point and a CSMS, and whether it is OCPP 1.6 by the judgement of others."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, NoReturn

from jsonschema import FormatChecker
from jsonschema.validators import validator_for

__all__ = ["Tap", "check_exchange"]

CALL, CALLRESULT, CALLERROR = 2, 3, 4

#: As OCPP-J 1.6 spells them, misprints included.
ERROR_CODES = {
    "NotImplemented",
    "NotSupported",
    "InternalError",
    "ProtocolError",
    "SecurityError",
    "FormationViolation",
    "PropertyConstraintViolation",
    "OccurenceConstraintViolation",
    "TypeConstraintViolation",
    "GenericError",
}


class Tap:
    """A WebSocket connection that notes each frame, with its direction, as its user sees it."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.frames: list[tuple[str, str]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    async def send(self, text: str) -> None:
        self.frames.append(("sent", text))
        await self.connection.send(text)

    async def recv(self) -> Any:
        text = await self.connection.recv()
        self.frames.append(("received", text))
        return text

    @property
    def sent(self) -> list[str]:
        return [text for direction, text in self.frames if direction == "sent"]

    @property
    def received(self) -> list[str]:
        return [text for direction, text in self.frames if direction == "received"]


def check_exchange(station: Tap, csms: Tap) -> None:
    """Assert that both ends have seen the same frames, and that these are valid, paired and one call at a time."""
    assert station.sent == csms.received
    assert csms.sent == station.received
    check_calls(station.sent, csms.sent)
    check_calls(csms.sent, station.sent)
    check_turns(station)
    check_turns(csms)


def check_calls(asking: list[str], answering: list[str]) -> None:
    """Assert that what one end asks, and what the other answers to it, is valid and complete."""
    actions: dict[str, str] = {}
    for frame in map(parse, asking):
        if frame[0] != CALL:
            continue
        _, id, action, payload = frame
        assert isinstance(id, str)
        assert 1 <= len(id) <= 36
        assert id not in actions, "an id is never used again"
        judge(action).validate(payload)
        actions[id] = action
    answered = Counter[str]()
    for frame in map(parse, answering):
        if frame[0] == CALL:
            continue
        answered[frame[1]] += 1
        if frame[0] == CALLRESULT:
            _, id, payload = frame
            judge(f"{actions[id]}Response").validate(payload)
        else:
            assert frame[0] == CALLERROR
            _, id, code, description, details = frame
            assert code in ERROR_CODES
            assert isinstance(description, str)
            assert len(description) <= 255
            assert isinstance(details, dict)
    assert answered == dict.fromkeys(actions, 1), "each call has one answer"


def check_turns(tap: Tap) -> None:
    """Assert that this end waited for each answer before it asked again."""
    waiting = None
    for direction, text in tap.frames:
        message_type, id = parse(text)[:2]
        if direction == "sent" and message_type == CALL:
            assert waiting is None, f"{id} was sent while {waiting} was not answered"
            waiting = id
        elif direction == "received" and message_type != CALL:
            assert id == waiting
            waiting = None


def parse(text: str) -> list[Any]:
    """The frame, its decimals exact: 21.4 is a multiple of 0.1 in decimal, and not in binary."""
    frame = json.loads(text, parse_float=Decimal, parse_constant=refuse_constant)
    assert isinstance(frame, list)
    assert None not in values_in(frame)
    return frame


def refuse_constant(text: str) -> NoReturn:
    raise AssertionError(f"{text} is not JSON")


def values_in(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from values_in(item)
    else:
        yield value


@cache
def judge(name: str) -> Any:
    """Jsonschema by the schema of mobilityhouse, in the draft that it declares: 4, for the security extension 6."""
    text = files("ocpp").joinpath("v16", "schemas", f"{name}.json").read_text("utf-8-sig")
    schema = json.loads(text, parse_float=Decimal)
    return validator_for(schema)(schema, format_checker=TIMES)


TIMES = FormatChecker(formats=())


@TIMES.checks("date-time", raises=ValueError)
def is_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None
