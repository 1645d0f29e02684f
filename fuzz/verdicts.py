"""Verdicts: for every class, decoder and encoder agree with jsonschema. `python3 run.py fuzz verdicts --examples N`."""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any

import jsonschema
from jsonschema import validators

from ocpp_sansio import SchemaViolation, Version
from ocpp_sansio._codec import Refused, decoder
from ocpp_sansio._datetime import format_datetime, parse_datetime
from ocpp_sansio.messages import Message
from ocpp_sansio.schema import schema_for
from ocpp_sansio.validation import encode, explain

from .payloads import mutated, payload

__all__ = ["CLASSES", "differences", "judge"]


def _classes() -> list[type[Message]]:
    requests = [cls for version in Version for cls in version.load().values()]
    from ocpp_sansio.v21 import send

    return [*requests, *(cls.__answer__ for cls in requests), send.NotifyPeriodicEventStream]


CLASSES = _classes()


# The oracle is jsonschema, the official draft of each class, numbers as the decimals that their text says.

_formats = jsonschema.FormatChecker(formats=())


@_formats.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    if isinstance(value, str):
        parse_datetime(value)
    return True


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_integral(value: object) -> bool:
    return _is_integer(value) or (isinstance(value, Decimal) and value == value.to_integral_value())


def _is_number(value: object) -> bool:
    return _is_integer(value) or isinstance(value, Decimal)


_BASES: dict[int, Any] = {
    4: (jsonschema.Draft4Validator, _is_integer),
    6: (jsonschema.Draft6Validator, _is_integral),
}


@cache
def judge(cls: Any, *, receiving: bool) -> Any:
    """The jsonschema validator of a class."""
    base, is_integer = _BASES[cls.__draft__]
    kinds = {"number": lambda _, value: _is_number(value), "integer": lambda _, value: is_integer(value)}
    schema = exact(schema_for(cls, receiving=receiving))
    schema = inlined(schema, schema.get("definitions", {}))  # looking them up costs as much as judging does
    extended: Any = validators.extend(base, type_checker=base.TYPE_CHECKER.redefine_many(kinds))
    return extended(schema, format_checker=_formats)


def exact(value: Any) -> Any:
    """JSON data with each float as the decimal that its text says: binary floats have no exact tenths."""
    return json.loads(json.dumps(value), parse_float=Decimal)


def inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """A schema without references; none of OCPP's refers to itself."""
    if isinstance(schema, list):
        return [inlined(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(schema.get("$ref"), str):
        return inlined(definitions[schema["$ref"].removeprefix("#/definitions/")], definitions)
    return {key: inlined(value, definitions) for key, value in schema.items() if key != "definitions"}


@cache
def alike(cls: Any) -> bool:
    """Whether what may be received and what may be sent is the same."""
    return bool(schema_for(cls, receiving=True) == schema_for(cls, receiving=False))


def differences(random: Random, cls: type[Message]) -> Iterator[str]:
    """What codec and judge do not agree on, for one valid payload and one that was changed."""
    valid = payload(random, cls)
    yield from _difference(cls, valid)
    yield from _difference(cls, mutated(random, cls, valid))


def _difference(cls: type[Message], data: dict[str, Any]) -> Iterator[str]:
    expected = judge(cls, receiving=True).is_valid(exact(data))
    where = f"{cls.__module__}.{cls.__name__} {json.dumps(data)}"
    try:
        message = decoder(cls)(data, [])
    except Refused as refused:
        if expected:
            yield f"the decoder refuses what jsonschema accepts: {where}"
        elif explain(refused, receiving=True).keyword == "":
            yield f"a refusal without a reason: {where}"
        return
    if not expected:
        yield f"the decoder accepts what jsonschema refuses: {where}"
        return
    sendable = alike(cls) or judge(cls, receiving=False).is_valid(exact(data))
    try:
        text = encode(message)
    except SchemaViolation as violation:
        if sendable:
            yield f"the encoder refuses what jsonschema accepts: {where}: {violation}"
        return
    if not sendable:
        yield f"the encoder sends what jsonschema refuses: {where}"
    elif not judge(cls, receiving=False).is_valid(json.loads(text, parse_float=Decimal)):
        yield f"the encoder writes what jsonschema refuses: {where}: {text}"
        return
    if _normal(json.loads(text)) != _normal(data):
        yield f"what was encoded is not what was decoded: {where}: {text}"
    # Times lose what is below a millisecond once; from then on nothing changes any more.
    again = decoder(cls)(json.loads(text), [])
    if decoder(cls)(json.loads(encode(again)), []) != again:
        yield f"decode(encode(x)) is not x: {where}: {text}"


def _normal(value: Any) -> Any:
    """JSON data with whatever reads as a time in its normal form."""
    if isinstance(value, dict):
        return {key: _normal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_normal(item) for item in value]
    try:
        return format_datetime(parse_datetime(value))
    except (TypeError, ValueError):
        return value


def run(examples: int, seed: int) -> int:
    """Search through that many payloads, all classes in turn; return the number of differences."""
    found, done, start = 0, 0, time.monotonic()
    random = Random(seed)
    shown = 0.0
    while done < examples:
        for cls in CLASSES:
            for difference in differences(random, cls):
                found += 1
                print(f"seed {seed}: {difference}", flush=True)
            done += 2
        now = time.monotonic() - start
        if now - shown > 2:
            shown = now
            print(f"{done:>9,} payloads, {found} differences, {now:.0f} s", file=sys.stderr, flush=True)
    print(
        f"{done:,} payloads of {len(CLASSES)} classes, {found} differences, {time.monotonic() - start:.0f} s"
    )
    return found


def main(arguments: list[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="run.py fuzz verdicts", description=__doc__)
    parser.add_argument(
        "--examples", type=int, default=1_000_000, help="payloads to judge (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=None, help="repeat an earlier run (default: drawn)")
    options = parser.parse_args(arguments)
    seed = options.seed if options.seed is not None else Random().randrange(10**9)
    print(f"seed {seed}")
    return 1 if run(options.examples, seed) else 0
