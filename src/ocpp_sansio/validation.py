"""Violations as data, the explanation of a refusal, and outbound messages checked as inbound ones are.

The compiled codec decides; jsonschema, imported on the first refusal, finds the words. Knows no frame and no
connection.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from itertools import islice
from types import MappingProxyType
from typing import Any

import attrs

from ._codec import ODDITIES, Refused, encoder, plain, sending_decoder, widened_decoder
from ._judge import make_judge
from ._paths import between, paths_to, quoted, smallest, step
from ._shape import NO_LENGTHS, Lengths, Member, members
from ._values import ANY_JSON, OPEN_ENDED, Note, any_text, brief, is_unicode
from .errors import SchemaViolation
from .messages import Datatype, Message
from .schema import element_schema, node_schema, schema_for, schema_uri

__all__ = ["Violation", "encode", "encode_unjudged", "explain", "noted", "violations"]


#: More than any maxItems of an official schema: what an array is judged by when only its length counts.
MOST_ITEMS = 2000


@attrs.frozen
class Violation:
    """One place where a payload departs from its schema.

    `path` is written like `$.meterValue[2].timestamp`; `keyword` is the JSON Schema keyword that failed;
    `value` is what stands there; `message` says what is wrong with it. `str()` joins path and message.
    """

    path: str
    keyword: str
    value: Any = attrs.field(repr=brief)
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


def explain(payload: Any, refused: Refused, *, receiving: bool) -> Violation:
    """The first violation behind a refusal: structure before types, types before values, then in order of the
    class.

    Looks at the members of the refusing object and not into what they hold; of an array, up to the first bad
    element.
    """
    cls, node = refused.cls, refused.node
    where = between([*reversed(refused.above), node])
    if cls.__schema__ is not None:
        return _explain_by_schema(cls, node, receiving)
    judge = _judge(cls, receiving, refused.lengths)
    found = sorted(judge.iter_errors(_hollow(cls, node)), key=_rank)
    if found:
        return _violation(found[0], where, node)
    for member in members(cls, refused.lengths):
        if member.many and type(node.get(member.wire)) is list:
            fault = _first_bad_element(cls, member, node[member.wire], receiving)
            if fault is not None:
                return _violation(fault[1], f"{where}{step(member.wire)}[{fault[0]}]")
    # Codec and judge disagree; a property test holds them together, and the peer still gets an answer.
    return Violation(where, "", node, f"not a valid {cls.__name__}")


def _explain_by_schema(cls: type[Message], node: Any, receiving: bool) -> Violation:
    try:
        any_text(node)
        found = next(iter(_whole_judge(cls, receiving).iter_errors(node)), None)
    except Exception as error:  # a user's schema document may refer to nowhere or to itself
        return Violation("$", "", node, f"cannot be judged by its schema: {str(error)[:100]}")
    return (
        _violation(found, "$")
        if found is not None
        else Violation("$", "", node, f"not a valid {cls.__name__}")
    )


def _hollow(cls: type[Message], node: dict[str, Any]) -> dict[str, Any]:
    """The object without what its members hold, which was judged before or is judged by itself."""
    if cls.__rest__ is not None:
        return node  # any JSON, which is judged by writing it
    open_ended = {member.wire for member in members(cls) if member.type is object}
    return {key: value if key in open_ended else _empty(value) for key, value in node.items()}


def _empty(value: Any) -> Any:
    """A value of the same kind and, for an array, the same length as far as any limit goes."""
    if type(value) is dict:
        return {}
    return [None] * min(len(value), MOST_ITEMS) if type(value) is list else value


def _first_bad_element(
    cls: type[Message], member: Member, elements: list[Any], receiving: bool
) -> tuple[int, Any] | None:
    judge = make_judge({**element_schema(member, receiving=receiving), "$schema": schema_uri(cls)})
    good: set[Any] = set()  # texts, numbers and booleans that were judged: most arrays repeat themselves
    for index, element in enumerate(elements):
        kind = type(element)
        if kind is dict and issubclass(member.type, Datatype):
            continue
        key = (kind, element) if kind in (str, int, float, bool) else None
        if key is not None and key in good:
            continue
        error = next(iter(judge.iter_errors(_empty(element))), None)
        if error is not None:
            return index, error
        if key is not None:
            good.add(key)
    return None


def violations(cls: type[Message], payload: Any, *, receiving: bool = True) -> tuple[Violation, ...]:
    """Every violation in a payload, in order of the class; none if it is valid. Thorough and slow: for
    people, not for traffic.

    `receiving=False` judges by what may be sent, which leaves out the enum values that are only understood.
    """
    return tuple(_violation(error, "$") for error in _whole_judge(cls, receiving).iter_errors(payload))


def noted(payload: Any, notes: Iterable[Note]) -> tuple[Violation, ...]:
    """The decoder's notes as violations: times that were understood and are not RFC 3339 with at most
    milliseconds.
    """
    message = "read as a time, but not written as RFC 3339 with at most 3 decimals"
    notes = [note for note in notes if note is not OPEN_ENDED]
    paths = paths_to(payload, [node for node, _, _ in notes])
    return tuple(
        Violation(paths[id(node)] + step(member), "format", text, f"{quoted(text)} was {message}")
        for node, member, text in notes
    )


def encode(message: Message, lengths: Mapping[type[Message], Lengths] = MappingProxyType({})) -> str:
    """The payload as JSON text, checked. Raises SchemaViolation, which names the place and the cure.

    `lengths` lets some members of messages be longer than their classes say.
    """
    try:
        text = encoder(message.__class__)(message)
    except ODDITIES:
        text = _encode_slowly(message, lengths.get(message.__class__, NO_LENGTHS))
    return _unicode(text, message)


def _encode_slowly(message: Message, lengths: Lengths) -> str:
    cls = message.__class__
    decode = widened_decoder(cls, lengths, receiving=False) if lengths else sending_decoder(cls)
    payload = _plain(message)
    try:
        decode(payload, [])
    except Refused as refused:
        raise _unsendable(message, explain(payload, refused, receiving=False)) from None
    return _json(payload, message)


def encode_unjudged(message: Message) -> str:
    """The payload as JSON text, as it stands. Raises SchemaViolation if it is no JSON object."""
    payload = _plain(message)
    if not isinstance(payload, dict):
        violation = Violation("$", "type", payload, f"{_shown(payload)} is not an object")
        raise _unsendable(message, violation)
    return _unicode(_json(payload, message), message)


def _plain(message: Message) -> Any:
    try:
        return plain(message)
    except (ValueError, RecursionError) as error:
        violation = Violation("$", "type", None, f"cannot be written as JSON: {error}")
        raise _unsendable(message, violation) from error


def _json(payload: Any, message: Message) -> str:
    try:
        return any_text(payload)
    except NO_JSON as error:
        path, value = smallest(payload, _is_json)
        violation = Violation(path, "type", value, f"{_shown(value)} cannot be written as JSON: {error}")
        raise _unsendable(message, violation) from error


#: What `any_text` raises: of a number beyond all bounds, an object of Python's, a list that contains itself.
NO_JSON = (TypeError, ValueError, RecursionError)


def _is_json(value: Any) -> bool:
    try:
        any_text(value)
    except NO_JSON:
        return False
    return True


def _unicode(text: str, message: Message) -> str:
    if "\\ud" in text and not is_unicode(payload := json.loads(text)):
        path, value = smallest(payload, is_unicode)
        violation = Violation(path, "type", value, "contains a lone surrogate, which is not Unicode")
        raise _unsendable(message, violation)
    return text


def _unsendable(message: Message, violation: Violation) -> SchemaViolation:
    kind = message.__class__
    return SchemaViolation(f"{kind.__module__.rpartition('.')[2]}.{kind.__name__} cannot be sent", violation)


# The judge.


_judges: dict[tuple[type[Message], bool], Any] = {}
_whole_judges: dict[tuple[type[Message], bool], Any] = {}


def _judge(cls: type[Message], receiving: bool, lengths: Lengths) -> Any:
    """The validator of one object of a class, not of what is nested in it."""
    if lengths:
        return make_judge(node_schema(cls, receiving=receiving, lengths=lengths))
    key = (cls, receiving)
    if key not in _judges:
        _judges[key] = make_judge(node_schema(cls, receiving=receiving))
    return _judges[key]


def _whole_judge(cls: type[Message], receiving: bool) -> Any:
    """The validator of a payload as a whole."""
    key = (cls, receiving)
    if key not in _whole_judges:
        _whole_judges[key] = make_judge(schema_for(cls, receiving=receiving))
    return _whole_judges[key]


_RANKS = {"required": 0, "additionalProperties": 1, "type": 2}


def _rank(error: Any) -> int:
    return _RANKS.get(error.validator, 3)


def _violation(error: Any, where: str, node: Any = None) -> Violation:
    """What jsonschema found at `where`.

    `node` is what stands there, if it was judged without what it holds.
    """
    value = error.instance
    if node is not None:
        value = node[error.absolute_path[0]] if error.absolute_path else node
    return Violation(where + "".join(map(step, error.absolute_path)), error.validator, value, _say(error))


# The words.


_JSON_NAMES: Mapping[type[Any], str] = {
    dict: "an object",
    list: "an array",
    str: "text",
    int: "an integer",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
    datetime: "a time that UTC cannot express",  # all others have become text
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
    known = schema.get("properties", {})
    unknown = [key for key in islice(node, 100) if key not in known and len(key) < 100][:20]
    names = ", ".join(missing)
    meant = _closest(missing[0], unknown)
    return f"{names} is missing" + (f"; was it written {quoted(meant)}?" if meant is not None else "")


def _say_unknown(error: Any) -> str:
    known = error.schema.get("properties", {})
    unknown = next(key for key in error.instance if key not in known)
    return f"unknown member {quoted(unknown)}" + _did_you_mean(unknown, known)


def _did_you_mean(text: Any, known: Iterable[str]) -> str:
    meant = _closest(text, known) if isinstance(text, str) and len(text) < 100 else None
    return f"; did you mean {meant!r}?" if meant is not None else ""


def _closest(text: str, known: Iterable[str]) -> str | None:
    from difflib import get_close_matches  # as jsonschema: only for whoever has to explain a refusal

    return next(iter(get_close_matches(text, known, n=1)), None)


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
