"""What is wrong with a payload, as a person would say it. Knows the errors of jsonschema and no message."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from ._paths import quoted
from ._values import ANY_JSON

__all__ = ["MOST_UNKNOWN", "did_you_mean", "say", "say_missing", "say_no_json", "say_not_one_of", "shown"]

#: How many unknown members of an object are looked at for one that was misspelt.
MOST_UNKNOWN = 100


_JSON_NAMES: Mapping[type[Any], str] = {
    dict: "an object",
    list: "an array",
    str: "text",
    int: "an integer",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
    datetime: "a time that UTC cannot express",  # all others have become text
    Decimal: "a Decimal that equals no double",  # all others have become numbers
}
_EXPECTED = {
    "object": "an object",
    "array": "an array",
    "string": "text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
}


def shown(value: Any) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, (bool, int, float)):
        return quoted(json.dumps(value))[1:-1] if abs(value) < 1e300 else "a number beyond all bounds"
    return _JSON_NAMES.get(type(value), type(value).__name__)


def _expected(kinds: str | list[str]) -> str:
    """What a `type` allows; a user's own schema may list several."""
    return " or ".join(_EXPECTED.get(kind, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds))


def _say_required(error: Any) -> str:
    schema, node = error.schema, error.instance
    missing = [name for name in error.validator_value if name not in node]
    return say_missing(missing, node, schema.get("properties", {}))


def say_missing(missing: list[str], node: Iterable[str], known: Collection[str]) -> str:
    unknown = [
        key
        for key in islice(node, MOST_UNKNOWN)
        if isinstance(key, str) and key not in known and len(key) < 100
    ][:20]
    names = ", ".join(missing)
    meant = _closest(missing[0], unknown)
    lacking = f"{names} {'is' if len(missing) == 1 else 'are'} missing"
    return lacking + (f"; was it written {quoted(meant)}?" if meant is not None else "")


def _say_unknown(error: Any) -> str:
    known = error.schema.get("properties", {})
    unknown = next(key for key in error.instance if key not in known)
    return f"unknown member {quoted(unknown)}" + did_you_mean(unknown, known)


def did_you_mean(text: Any, known: Iterable[str]) -> str:
    meant = _closest(text, known) if isinstance(text, str) and len(text) < 100 else None
    return f"; did you mean {meant!r}?" if meant is not None else ""


def _closest(text: str, known: Iterable[str]) -> str | None:
    from difflib import get_close_matches  # as jsonschema: only for whoever has to explain a refusal

    return next(iter(get_close_matches(text, known, n=1)), None)


def say_no_json(why: str) -> str:
    return f"cannot be written as JSON: {why[:100]}"


def say_not_one_of(value: Any, allowed: Iterable[Any]) -> str:
    texts = [str(each) for each in allowed]
    listed = ", ".join(texts[:6]) + (", ..." if len(texts) > 6 else "")
    return f"{shown(value)} is not one of {listed}" + did_you_mean(value, texts)


_WORDS: Mapping[str, Callable[[Any], str]] = {
    "required": _say_required,
    "additionalProperties": _say_unknown,
    "type": lambda e: f"{shown(e.instance)} is not {_expected(e.validator_value)}",
    "enum": lambda e: say_not_one_of(e.instance, e.validator_value),
    "maxLength": lambda e: f"{len(e.instance)} characters, at most {e.validator_value}",
    "minimum": lambda e: f"{shown(e.instance)}, at least {e.validator_value}",
    "maximum": lambda e: f"{shown(e.instance)}, at most {e.validator_value}",
    "multipleOf": lambda e: f"{shown(e.instance)} is not a multiple of {e.validator_value}",
    "minItems": lambda e: f"{len(e.instance)} items, at least {e.validator_value}",
    "maxItems": lambda e: f"{len(e.instance)} items, at most {e.validator_value}",
    ANY_JSON: lambda e: say_no_json(e.message),
    "format": lambda e: f"{shown(e.instance)} is not a date and time such as 2024-05-01T12:00:00Z",
}


def say(error: Any) -> str:
    """A keyword without words of ours comes from a user's own schema, and jsonschema's will do."""
    words = _WORDS.get(error.validator)
    return words(error) if words is not None else str(error.message)[:200]
