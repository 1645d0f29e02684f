"""Reading and writing alone, beside the json module on the same text and the same plain data.

Reading is from text to checked object, writing from object to checked text. Requests and answers both.
"""

import json
from typing import Any

from ocpp_sansio._codec import decoder
from ocpp_sansio._frames import parse
from ocpp_sansio.messages import Message
from ocpp_sansio.validation import encode

from .messages import MESSAGES
from .report import Check, Row, Table, at_most
from .timing import Run, in_turns, median, progress

__all__ = ["measure"]

SMALL = 400  # characters
SMALL_DECODE_GOAL, DECODE_GOAL = 1.6, 2.4
ENCODE_GOAL = 1.1
EXEMPT = "1.6 Heartbeat, answer"  # one time, which costs more to write than a text

_plain_encode = json.JSONEncoder(separators=(",", ":")).encode


def measure(rounds: int) -> list[Table]:
    """One row for each request and each answer."""
    rows = []
    for sample in MESSAGES:
        request: type[Message] = sample.request_class
        answer = sample.response()
        payloads: list[tuple[str, type[Message], dict[str, Any]]] = [
            (sample.name, request, sample.payload),
            (f"{sample.name}, answer", type(answer), json.loads(encode(answer))),
        ]
        for name, cls, payload in payloads:
            progress(f"the codec of {name}")
            rows.append(_row(name, cls, payload, rounds))
    columns = ["size", "loads", "decode", "decode/loads", "dumps", "encode", "encode/dumps"]
    return [Table("Codec, µs per message; dumps is a cached JSONEncoder's encode", columns, rows)]


def _row(name: str, cls: type[Message], payload: dict[str, Any], rounds: int) -> Row:
    text = f"[2,{_plain_encode(payload)}]"  # as a frame, which our reader insists on
    times = in_turns(_contenders(cls, payload, text), rounds)
    loads, decode, dumps, written = (median(values) for values in times.values())
    checks: list[Check] = [
        at_most("decode/loads", decode / loads, SMALL_DECODE_GOAL if len(text) < SMALL else DECODE_GOAL)
    ]
    if name != EXEMPT:
        checks.append(at_most("encode/dumps", written / dumps, ENCODE_GOAL))
    return Row(name, [len(text), loads, decode, decode / loads, dumps, written, written / dumps], checks)


def _contenders(cls: type[Message], payload: dict[str, Any], text: str) -> dict[str, Run]:
    decode = decoder(cls)
    message = decode(payload, [])

    def plain_reading(count: int) -> None:
        for _ in range(count):
            json.loads(text)

    def reading(count: int) -> None:
        for _ in range(count):
            decode(parse(text)[1], [])

    def plain_writing(count: int) -> None:
        for _ in range(count):
            _plain_encode(payload)

    def writing(count: int) -> None:
        for _ in range(count):
            encode(message)

    return {"loads": plain_reading, "decode": reading, "dumps": plain_writing, "encode": writing}
