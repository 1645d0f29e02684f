"""Violations as data, the explanation of a refusal, and outbound messages checked as inbound ones are.

The compiled codec decides; jsonschema, imported on the first refusal, finds the words. Knows no frame and no
connection.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import attrs

from ._codec import ODDITIES, Refused, encoder, plain, sending_decoder, widened_decoder
from ._judge import make_judge
from ._shape import NO_LENGTHS, Lengths
from ._values import ANY_JSON, Note, is_unicode
from .errors import SchemaViolation
from .messages import Message
from .schema import node_schema, schema_for

__all__ = ["Violation", "encode", "explain", "noted", "violations"]


@attrs.frozen
class Violation:
    """One place where a payload departs from its schema.

    `path` is written like `$.meterValue[2].timestamp`; `keyword` is the JSON Schema keyword that failed;
    `value` is what stands there; `message` says what is wrong with it. `str()` joins path and message.
    """

    path: str
    keyword: str
    value: Any
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


def explain(payload: Any, refused: Refused, *, receiving: bool) -> Violation:
    """The first violation behind a refusal of `payload`: structure before types, types before values, then by
    place.
    """
    cls, node = refused.cls, refused.node
    where = _path_of(payload, node)
    if refused.lengths:
        judge = make_judge(node_schema(cls, receiving=receiving, lengths=refused.lengths))
    else:
        judge = _judge(cls, receiving, node_schema)
    try:
        found = sorted(judge.iter_errors(node), key=_rank)
    except Exception as error:  # a user's schema document may refer to nowhere or to itself
        return Violation(where, "", node, f"cannot be judged by its schema: {str(error)[:100]}")
    if not found:
        # Codec and judge disagree; a property test holds them together, and the peer still gets an answer.
        return Violation(where, "", node, f"not a valid {cls.__name__}")
    return _violation(found[0], where)


def violations(cls: type[Message], payload: Any, *, receiving: bool = True) -> tuple[Violation, ...]:
    """Every violation in a payload, by place; none if it is valid. Thorough and slow: for people, not for traffic.

    `receiving=False` judges by what may be sent, which leaves out the enum values that are only understood.
    """
    found = [_violation(error, "$") for error in _judge(cls, receiving, schema_for).iter_errors(payload)]
    return tuple(sorted(found, key=lambda violation: violation.path))


def noted(payload: Any, notes: Iterable[Note]) -> tuple[Violation, ...]:
    """The decoder's notes as violations: times that were understood and are not RFC 3339 with at most
    milliseconds.
    """
    message = "read as a time, but not written as RFC 3339 with at most 3 decimals"
    return tuple(
        Violation(_path_of(payload, node) + _step(member), "format", text, f"{_quoted(text)} was {message}")
        for node, member, text in notes
    )


def encode(message: Message, lengths: Lengths = NO_LENGTHS) -> str:
    """The payload as JSON text, checked. Raises SchemaViolation, which names the place and the cure.

    `lengths` lets some members of the message be longer than its class says.
    """
    try:
        text = encoder(message.__class__)(message)
    except ODDITIES:
        text = _encode_slowly(message, lengths)
    if "\\ud" in text and not is_unicode(json.loads(text)):
        raise _unsendable(
            message, Violation("$", "type", None, "contains a lone surrogate, which is not Unicode")
        )
    return text


def _encode_slowly(message: Message, lengths: Lengths) -> str:
    cls = message.__class__
    decode = widened_decoder(cls, lengths, receiving=False) if lengths else sending_decoder(cls)
    try:
        payload = plain(message)
        try:
            decode(payload, [])
        except Refused as refused:
            raise _unsendable(message, explain(payload, refused, receiving=False)) from None
        return json.dumps(payload, separators=(",", ":"), allow_nan=False)
    except SchemaViolation:
        raise
    except (ValueError, OverflowError, RecursionError) as error:
        # A time that UTC cannot express, an integer of thousands of digits, a list that contains itself.
        raise _unsendable(
            message, Violation("$", "type", None, f"cannot be written as JSON: {error}")
        ) from error


def _unsendable(message: Message, violation: Violation) -> SchemaViolation:
    kind = message.__class__
    return SchemaViolation(f"{kind.__module__.rpartition('.')[2]}.{kind.__name__} cannot be sent", violation)


# The judge.


_Schema = Callable[..., dict[str, Any]]
_judges: dict[tuple[type[Message], bool, _Schema], Any] = {}


def _judge(cls: type[Message], receiving: bool, schema: _Schema) -> Any:
    """The validator of a class, by the schema of one object or of the whole."""
    key = (cls, receiving, schema)
    found = _judges.get(key)
    if found is None:
        found = _judges[key] = make_judge(schema(cls, receiving=receiving))
    return found


_RANKS = {"required": 0, "additionalProperties": 1, "type": 2}


def _rank(error: Any) -> tuple[int, str]:
    return _RANKS.get(error.validator, 3), "".join(map(_step, error.absolute_path))


def _violation(error: Any, where: str) -> Violation:
    """What jsonschema found in the object at `where`."""
    path = where + "".join(map(_step, error.absolute_path))
    return Violation(path, error.validator, error.instance, _say(error))


# The words.


def _step(key: str | int) -> str:
    """One step of a path: `.member`, or `[index]`."""
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if key.isidentifier() else f"[{_quoted(key)}]"


def _path_of(root: Any, node: Any) -> str:
    """Path of the very object `node` within `root`. Parsed JSON never holds one object twice."""
    trail: list[tuple[Any, str]] = [(root, "$")]
    while trail:
        value, path = trail.pop()
        if value is node:
            return path
        if isinstance(value, dict):
            trail += [
                (item, path + _step(key)) for key, item in value.items() if isinstance(item, (dict, list))
            ]
        elif isinstance(value, list):
            trail += [
                (item, f"{path}[{index}]")
                for index, item in enumerate(value)
                if isinstance(item, (dict, list))
            ]
    return "$"


def _quoted(text: str) -> str:
    """Text of a peer, short enough to repeat."""
    return repr(text if len(text) <= 40 else text[:37] + "...")


_JSON_NAMES: Mapping[type[Any], str] = {
    dict: "an object",
    list: "an array",
    str: "text",
    int: "an integer",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
}
_EXPECTED = {
    "object": "an object",
    "array": "an array",
    "string": "text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
}


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, (bool, int, float)):
        return _quoted(json.dumps(value))[1:-1] if abs(value) < 1e300 else "a number beyond all bounds"
    return _JSON_NAMES.get(type(value), type(value).__name__)


def _expected(kinds: str | list[str]) -> str:
    """What a `type` allows; a user's own schema may list several."""
    return " or ".join(_EXPECTED.get(kind, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds))


def _say_required(error: Any) -> str:
    schema, node = error.schema, error.instance
    missing = [name for name in error.validator_value if name not in node]
    unknown = [key for key in node if key not in schema.get("properties", {})]
    names = ", ".join(missing)
    meant = get_close_matches(missing[0], unknown, n=1)
    return f"{names} is missing" + (f"; was it written {_quoted(meant[0])}?" if meant else "")


def _say_unknown(error: Any) -> str:
    known = error.schema.get("properties", {})
    unknown = next(key for key in error.instance if key not in known)
    return f"unknown member {_quoted(unknown)}" + _did_you_mean(unknown, known)


def _did_you_mean(text: Any, known: Iterable[str]) -> str:
    meant = get_close_matches(text, known, n=1) if isinstance(text, str) and len(text) < 100 else []
    return f"; did you mean {meant[0]!r}?" if meant else ""


def _say_enum(error: Any) -> str:
    allowed = error.validator_value
    listed = ", ".join(map(str, allowed[:6])) + (", ..." if len(allowed) > 6 else "")
    return f"{_shown(error.instance)} is not one of {listed}" + _did_you_mean(
        error.instance, [str(value) for value in allowed]
    )


_WORDS: Mapping[str, Callable[[Any], str]] = {
    "required": _say_required,
    "additionalProperties": _say_unknown,
    "type": lambda e: f"{_shown(e.instance)} is not {_expected(e.validator_value)}",
    "enum": _say_enum,
    "maxLength": lambda e: f"{len(e.instance)} characters, at most {e.validator_value}",
    "minimum": lambda e: f"{_shown(e.instance)}, at least {e.validator_value}",
    "maximum": lambda e: f"{_shown(e.instance)}, at most {e.validator_value}",
    "multipleOf": lambda e: f"{_shown(e.instance)} is not a multiple of {e.validator_value}",
    "minItems": lambda e: f"{len(e.instance)} items, at least {e.validator_value}",
    "maxItems": lambda e: f"{len(e.instance)} items, at most {e.validator_value}",
    ANY_JSON: lambda e: f"cannot be written as JSON: {e.message[:100]}",
    "format": lambda e: f"{_shown(e.instance)} is not a date and time such as 2024-05-01T12:00:00Z",
}


def _say(error: Any) -> str:
    """A keyword without words of ours comes from a user's own schema, and jsonschema's will do."""
    words = _WORDS.get(error.validator)
    return words(error) if words is not None else str(error.message)[:200]
