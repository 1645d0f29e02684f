"""Violations as data, the explanation of a refusal, and outbound messages checked as inbound ones are.

The compiled codec decides; jsonschema, imported on the first refusal, finds the words. Knows no frame and no
connection.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Any

import attrs

from ._codec import ODDITIES, Refused, encoder, first_refused, plain, widened_decoder
from ._judge import make_judge
from ._paths import between, paths_to, quoted, smallest, step
from ._shape import NO_LENGTHS, Lengths, Member, members
from ._values import ANY_JSON, NO_JSON, OPEN_ENDED, Note, any_text, brief, is_json, is_unicode
from ._words import MOST_UNKNOWN, say, say_missing, say_no_json, shown
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


def explain(refused: Refused, *, receiving: bool) -> Violation:
    """The first violation behind a refusal: structure before types, types before values, then in order of the
    class.

    Looks at the members of the refusing object and not into what they hold; of an array, up to the first bad
    element.
    """
    cls, node = refused.cls, refused.node
    if cls.__schema__ is not None:
        return _explain_by_schema(cls, node, receiving)
    where = between([*reversed(refused.above), node])
    found = (
        _at_the_blamed(refused, where, receiving)
        or _in_the_object(refused, where, receiving)
        or _in_an_array(refused, where, receiving)
        or _in_the_rest(cls, node, where)
    )
    return found or _unexplained(cls, node, where)


def _unexplained(cls: type[Message], node: Any, where: str) -> Violation:
    """Codec and judge disagree; a property test holds them together, and the peer still gets an answer."""
    return Violation(where, "", node, f"not a valid {cls.__name__}")


def _explain_by_schema(cls: type[Message], node: Any, receiving: bool) -> Violation:
    try:
        any_text(node)
        found = next(iter(_whole_judge(cls, receiving).iter_errors(node)), None)
    except Exception as error:  # a user's schema document may refer to nowhere or to itself
        return Violation("$", "", node, f"cannot be judged by its schema: {str(error)[:100]}")
    return _violation(found, "$") if found is not None else _unexplained(cls, node, "$")


def _at_the_blamed(refused: Refused, where: str, receiving: bool) -> Violation | None:
    """What is wrong at the place that is blamed, whatever else is wrong with the object."""
    if not refused.blamed:
        return None
    cls, node = refused.cls, refused.node
    wire, path = refused.blamed[0], where + "".join(map(step, refused.blamed))
    declared = {member.wire: member for member in members(cls)}
    if wire not in declared:
        return _unwritable(node[wire], path)
    if wire not in node:
        # Whoever blames would have taken a missing array as an empty one.
        needed = [member.wire for member in members(cls) if member.required and not member.many]
        missing = [name for name in needed if name not in node]
        return Violation(where, "required", node, say_missing(missing, node, declared))
    if len(refused.blamed) > 1:
        return _in_an_element(cls, declared[wire], node[wire][refused.blamed[1]], path, receiving)
    errors = _judge(cls, receiving, refused.lengths).iter_errors(_hollow(cls, {wire: node[wire]}))
    return _first((error for error in errors if error.absolute_path), where, node)


def _in_the_object(refused: Refused, where: str, receiving: bool) -> Violation | None:
    cls, node = refused.cls, refused.node
    errors = _judge(cls, receiving, refused.lengths).iter_errors(_hollow(cls, node))
    return _first(errors, where, node)


def _hollow(cls: type[Message], node: dict[str, Any]) -> dict[str, Any]:
    """The object without what its members hold, which was judged before or is judged by itself, and with no more
    unknown members than words are made of.
    """
    declared = {member.wire: member for member in members(cls)}
    hollow = {
        wire: node[wire] if member.type is object and not member.many else _empty(node[wire])
        for wire, member in declared.items()
        if wire in node
    }
    unknown = (key for key in node if key not in declared)
    return {**hollow, **dict.fromkeys(islice(unknown, MOST_UNKNOWN))}


def _empty(value: Any) -> Any:
    """A value of the same kind and, for an array, the same length as far as any limit goes."""
    if type(value) is dict:
        return {}
    return [None] * min(len(value), MOST_ITEMS) if type(value) is list else value


def _first(errors: Iterable[Any], where: str, node: Any) -> Violation | None:
    """What ranks first among the errors that jsonschema finds in a hollow object."""
    error = min(errors, key=_rank, default=None)
    return _violation(error, where, node) if error is not None else None


def _in_an_array(refused: Refused, where: str, receiving: bool) -> Violation | None:
    """The first bad element. jsonschema is asked about that one alone: it takes 5 µs for each."""
    cls, node = refused.cls, refused.node
    for member in members(cls):
        if member.many and type(node.get(member.wire)) is list:
            index = _first_bad(cls, member, node[member.wire], receiving)
            if index is not None:
                path = f"{where}{step(member.wire)}[{index}]"
                return _in_an_element(cls, member, node[member.wire][index], path, receiving)
    return None


def _first_bad(cls: type[Message], member: Member, elements: list[Any], receiving: bool) -> int | None:
    if issubclass(member.type, Datatype):  # an object refuses by itself
        return next((index for index, element in enumerate(elements) if type(element) is not dict), None)
    return first_refused(cls, member.wire, elements, receiving=receiving)


def _in_an_element(
    cls: type[Message], member: Member, value: Any, path: str, receiving: bool
) -> Violation | None:
    judge = _element_judge(cls, member, receiving)
    error = next(iter(judge.iter_errors(value if member.type is object else _empty(value))), None)
    return _violation(error, path, value) if error is not None else None


def _in_the_rest(cls: type[Message], node: dict[str, Any], where: str) -> Violation | None:
    """The first member that cannot be written, among those of an open object that no field declares."""
    known = {member.wire for member in members(cls)}
    for key, value in node.items():
        if key not in known and not is_json(value):
            return _unwritable(value, where + step(key))
    return None


def _unwritable(value: Any, path: str) -> Violation | None:
    try:
        any_text(value)
    except NO_JSON as error:
        return Violation(path, ANY_JSON, value, say_no_json(str(error)))
    return None


def violations(cls: type[Message], payload: Any, *, receiving: bool = True) -> tuple[Violation, ...]:
    """Every violation in a payload, in order of the class; none if it is valid. Thorough and slow: for
    people, not for traffic.

    `receiving=False` judges by what may be sent, which leaves out the enum values that are only understood.
    """
    found = (_violation(error, "$") for error in _whole_judge(cls, receiving).iter_errors(payload))
    # jsonschema tells of each missing member; we name them all in one.
    return tuple({(each.path, each.keyword, each.message): each for each in found}.values())


def noted(payload: Any, notes: Iterable[Note]) -> tuple[Violation, ...]:
    """The decoder's notes as violations: times that were understood and are not RFC 3339 with at most
    milliseconds.
    """
    notes = [note for note in notes if note is not OPEN_ENDED]
    paths = paths_to(payload, [node for node, _, _ in notes])
    return tuple(
        Violation(paths[id(node)] + step(member), "format", text, say_odd_form(text))
        for node, member, text in notes
    )


def say_odd_form(text: str) -> str:
    """What is wrong with the text of a time that was understood all the same."""
    return f"{quoted(text)} was read as a time, but not written as RFC 3339 with at most 3 decimals"


def encode(message: Message, lengths: Mapping[type[Message], Lengths] = MappingProxyType({})) -> str:
    """The payload as JSON text, checked. Raises SchemaViolation, which names the place and the cure.

    `lengths` lets some members of messages be longer than their classes say.
    """
    try:
        text = encoder(message.__class__)(message)
    except ODDITIES:
        text = _encode_slowly(message, lengths.get(message.__class__, NO_LENGTHS))
    if "\\ud" in text:
        _check_unicode(text, message)
    return text


def _encode_slowly(message: Message, lengths: Lengths) -> str:
    cls = message.__class__
    decode = widened_decoder(cls, lengths, receiving=False)
    payload = _plain(message)
    try:
        decode(payload, [])
    except Refused as refused:
        raise _unsendable(message, explain(refused, receiving=False)) from None
    return _json(payload, message)


def encode_unjudged(message: Message) -> str:
    """The payload as JSON text, as it stands. Raises SchemaViolation if it is no JSON object."""
    payload = _plain(message)
    if not isinstance(payload, dict):
        violation = Violation("$", "type", payload, f"{shown(payload)} is not an object")
        raise _unsendable(message, violation)
    text = _json(payload, message)
    if "\\ud" in text:
        _check_unicode(text, message)
    return text


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
        path, value = smallest(payload, is_json)
        violation = Violation(path, "type", value, f"{shown(value)} cannot be written as JSON: {error}")
        raise _unsendable(message, violation) from error


def _check_unicode(text: str, message: Message) -> None:
    """Half a character can be stored in a str and never be sent (L-218)."""
    payload = json.loads(text)
    if not is_unicode(payload):
        path, value = smallest(payload, is_unicode)
        violation = Violation(path, "type", value, "contains a lone surrogate, which is not Unicode")
        raise _unsendable(message, violation)


def _unsendable(message: Message, violation: Violation) -> SchemaViolation:
    kind = message.__class__
    return SchemaViolation(f"{kind.__module__.rpartition('.')[2]}.{kind.__name__} cannot be sent", violation)


#: By class, direction and what of the class is judged. A peer can fill it with the members of its version only.
_judges: dict[tuple[Any, ...], Any] = {}
MOST_JUDGES = 2000


def _judge(cls: type[Message], receiving: bool, lengths: Lengths) -> Any:
    """The validator of one object of a class, not of what is nested in it."""
    key = (cls, receiving, *sorted(lengths.items()))
    return _kept(key, lambda: node_schema(cls, receiving=receiving, lengths=lengths))


def _element_judge(cls: type[Message], member: Member, receiving: bool) -> Any:
    """The validator of one element of an array."""
    key = (cls, receiving, member.wire)
    return _kept(key, lambda: {**element_schema(member, receiving=receiving), "$schema": schema_uri(cls)})


def _whole_judge(cls: type[Message], receiving: bool) -> Any:
    """The validator of a payload as a whole."""
    return _kept((cls, receiving, None), lambda: schema_for(cls, receiving=receiving))


def _kept(key: tuple[Any, ...], schema: Callable[[], dict[str, Any]]) -> Any:
    judge = _judges.get(key)
    if judge is None:
        if len(_judges) >= MOST_JUDGES:
            _judges.clear()  # a user has a length of his own for each peer
        judge = _judges[key] = make_judge(schema())
    return judge


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
    return Violation(where + "".join(map(step, error.absolute_path)), error.validator, value, say(error))
