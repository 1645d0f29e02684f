"""Reads what a payload means where the strict decoder refuses it: the policy LENIENT.

Mends what real stations and central systems get wrong and lists each departure from the schema; what cannot
be mended without guessing stays refused. Interpretive, and asked only after the compiled decoder has refused.
Knows no frame and no connection.
"""

import copyreg
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import partial
from itertools import islice
from operator import ge, le
from typing import Any, TypeVar

import attrs

from ._codec import Refused, widened_decoder
from ._datetime import normal_form, parse_datetime
from ._paths import quoted, step
from ._shape import NO_LENGTHS, Lengths, Member, members
from ._values import MOST_NOTES, Note, checked_any, integral, is_json, is_multiple, is_number
from .messages import Datatype, Message
from .validation import Violation, noted, say_odd_form

__all__ = ["read_leniently", "unregistered"]

E = TypeVar("E", bound=StrEnum)

#: Where a value stands in its object: the member, and the index if the member is an array.
Place = tuple[str | int, ...]

#: What is raised on the way if a value cannot be understood, the same as within the compiled decoder.
_NOT_UNDERSTOOD = (TypeError, ValueError, KeyError)


def read_leniently(
    cls: type[Message], payload: dict[str, Any], lengths: Lengths = NO_LENGTHS
) -> tuple[Any, tuple[Violation, ...]]:
    """The message that the payload means, and where it departs from its schema: the first 16 departures, more
    are mended all the same. The payload is left as it is.

    `lengths` lets some members of the message be longer than its class says. Raises Refused, which blames what
    could not be mended, if the payload cannot be understood. What a JSON Schema document declares is judged as
    the strict decoder judges it.
    """
    if cls.__schema__ is None:
        departures: list[Violation] = []
        try:
            return _Node(cls, payload, "$", departures, lengths).read(), tuple(departures)
        except RecursionError:
            pass  # the strict decoder needs less of the stack
    decode = widened_decoder(cls, lengths, receiving=True)
    notes: list[Note] = []
    return decode(payload, notes), noted(payload, notes)


def unregistered(kind: type[E], text: str) -> E:
    """A member of the enum with a text that the enum does not know: equal to its text, an instance of the
    enum, and in none of its tables, so that a peer cannot make them grow.
    """
    member = str.__new__(kind, text)
    member._name_ = member._value_ = text
    # By class, because before Python 3.11.5 copying, too, asks the class and would look the text up.
    copyreg.pickle(kind, _reduced)
    return member


def _reduced(member: StrEnum) -> tuple[Any, ...]:
    """What pickle and copy make a member from: registered ones as ever, by their value."""
    kind, text = member.__class__, member.value
    return (kind, (text,)) if text in kind._value2member_map_ else (unregistered, (kind, text))


@attrs.define(eq=False)
class _Node:
    """One JSON object of the payload, to be read as `cls`.

    `departures` is shared by all objects of the payload. What reads a value raises one of _NOT_UNDERSTOOD if
    it cannot be mended, and `value` makes Refused of it.
    """

    cls: type[Message]
    node: Any
    path: str
    departures: list[Violation]
    lengths: Lengths = NO_LENGTHS

    def read(self) -> Any:
        """The object, made without its `__init__`: what is stored was converted here."""
        if type(self.node) is not dict:
            raise TypeError(self.node)
        made: Any = object.__new__(self.cls)
        declared = members(self.cls, self.lengths)
        for member in declared:
            read = member.required or member.wire in self.node
            setattr(made, member.name, self.member(member) if read else member.absent)
        known = {member.wire for member in declared}
        self.rest(made, {key: value for key, value in self.node.items() if key not in known})
        return made

    def rest(self, made: Any, unknown: dict[str, Any]) -> None:
        """Keep the members that no field declares if the object is open, else leave them out."""
        if self.cls.__rest__ is not None:
            if not is_json(unknown):
                blamed = (key for key, value in unknown.items() if not is_json(value))
                raise self.refused(tuple(islice(blamed, 1)))
            setattr(made, self.cls.__rest__, unknown)
            return
        for key, value in unknown.items():
            self.note((key,), "additionalProperties", value, lambda: "unknown member, left out")

    def member(self, member: Member) -> Any:
        """What the attribute holds for a member that is there or has to be."""
        place = (member.wire,)
        if member.wire not in self.node:
            return self.nothing(member, place, "required", "missing")
        value = self.node[member.wire]
        if value is None and (member.many or member.type is not object):
            return self.nothing(member, place, "type", "null")
        return self.value(_reader(member), member, value, place)

    def value(self, read: "Reader", member: Member, value: Any, place: Place) -> Any:
        """What a reader makes of a value, which is to blame if that is nothing."""
        try:
            return read(self, member, value, place)
        except _NOT_UNDERSTOOD:
            raise self.refused(place) from None

    def refused(self, place: Place) -> Refused:
        """The refusal of this object for what stands there."""
        return Refused(self.cls, self.node, self.lengths, place)

    def nothing(self, member: Member, place: Place, keyword: str, found: str) -> Any:
        """What a member becomes that is null, or missing though it is required."""
        if not member.required:
            self.note(place, keyword, None, lambda: f"{found}, taken as absent")
            return member.absent
        if not member.many:
            raise self.refused(place)
        self.note(place, keyword, None, lambda: f"{found}, taken as an empty array")
        return []

    def array(self, member: Member, value: Any, place: Place) -> list[Any]:
        """A list, of one item if there is no array around it."""
        # An element is like a required member that is not an array: it cannot be taken as absent.
        element = attrs.evolve(member, many=False, required=True, limits=member.item_limits)
        read = _reader(element)
        if type(value) is list:
            self.check(member.limits, value, place)
            return [self.value(read, element, item, (*place, index)) for index, item in enumerate(value)]
        self.note(place, "type", value, lambda: f"{_shown(value)} is not an array, taken as its only item")
        return [read(self, element, value, place)]

    def datatype(self, member: Member, value: Any, place: Place) -> Any:
        """An object in the object."""
        try:
            return _Node(member.type, value, self.path_to(place), self.departures).read()
        except Refused as refused:
            refused.above.append(self.node)
            raise

    def enumerated(self, member: Member, value: Any, place: Place) -> Any:
        """A member of an enum, perhaps an unregistered one."""
        kind: type[StrEnum] = member.type
        text = self.converted(str, value, place)
        known = kind._value2member_map_.get(text)
        if known is not None:
            return known
        absent = not text and not member.required
        taken = "absent" if absent else "it is"
        self.note(place, "enum", value, lambda: f"{_shown(value)} is no {kind.__name__}, taken as {taken}")
        return member.absent if absent else unregistered(kind, text)

    def time(self, member: Member, value: Any, place: Place) -> Any:
        """A point in time; absent if it is empty and optional. An unreadable one may have been a limit."""
        if value == "" and not member.required:
            example = "a date and time such as 2024-05-01T12:00:00Z"
            self.note(place, "format", value, lambda: f"'' is not {example}, taken as absent")
            return member.absent
        text = self.converted(str, value, place)
        moment = _moment(text)
        if not normal_form(text):
            self.note(place, "format", value, partial(say_odd_form, text))
        return moment

    def scalar(self, member: Member, value: Any, place: Place) -> Any:
        """Text, a number or a boolean, as it is wherever its limits are."""
        made = self.converted(member.type, value, place)
        self.check(member.limits, made, place)
        return made

    def anything(self, member: Member, value: Any, place: Place) -> Any:
        """Any JSON."""
        return checked_any(value)

    def converted(self, kind: type[Any], value: Any, place: Place) -> Any:
        """The value as text, integer, number or boolean."""
        noun, convert = _CONVERSIONS[kind]
        made = convert(value)
        # To draft 6, 12.0 is an integer (J16-215): made one without a word.
        legal = type(value) is float and type(made) is int and self.cls.__draft__ == 6
        if type(made) is not type(value) and not legal:
            self.note(place, "type", value, lambda: f"{_shown(value)} is not {noun}, taken as {_shown(made)}")
        return made

    def check(self, limits: Mapping[str, Any], value: Any, place: Place) -> None:
        """Note the limits that the value does not keep."""
        for keyword, limit in limits.items():
            if keyword not in _LIMITS:
                continue  # nor does the strict decoder look at it
            measure, keeps, words = _LIMITS[keyword]
            found = measure(value)
            if not keeps(found, limit):
                self.note(place, keyword, value, partial(words.format, _shown(found), limit))

    def note(self, place: Place, keyword: str, value: Any, words: Callable[[], str]) -> None:
        """List a departure, if there is room; the words are made only then."""
        if len(self.departures) < MOST_NOTES:
            self.departures.append(Violation(self.path_to(place), keyword, value, words()))

    def path_to(self, place: Place) -> str:
        """The path from the payload's root."""
        return self.path + "".join(map(step, place))


Reader = Callable[[_Node, Member, Any, Place], Any]

#: How a value is read, by the first of these that its declared type is, or is a subclass of.
_READERS: Mapping[type[Any], Reader] = {
    Datatype: _Node.datatype,
    StrEnum: _Node.enumerated,
    datetime: _Node.time,
    str: _Node.scalar,
    int: _Node.scalar,
    float: _Node.scalar,
    object: _Node.anything,
}


def _reader(member: Member) -> Reader:
    if member.many:
        return _Node.array
    return next(read for base, read in _READERS.items() if issubclass(member.type, base))


_LONE_DIGIT = re.compile(r"(?<![\d.,])\d(?!\d)", re.ASCII)


def _moment(text: str) -> datetime:
    """A time, also one with a number of one digit, `T3:11:55`. Raises ValueError."""
    try:
        return parse_datetime(text)
    except ValueError:
        return parse_datetime(_LONE_DIGIT.sub(r"0\g<0>", text))


_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_BOOLEANS = {"true": True, "false": False, 1: True, 0: False}


def _text(value: Any) -> str:
    if type(value) is str:
        return value
    return json.dumps(value) if type(value) is bool else repr(_finite(value))


def _number(value: Any) -> float:
    return _finite(json.loads(value) if type(value) is str and _NUMBER.fullmatch(value) else value)


def _finite(value: Any) -> float:
    """The value, if it is a number."""
    if is_number(value):
        return value
    raise TypeError(value)


def _integer(value: Any) -> int:
    found = _number(value)
    return found if isinstance(found, int) else integral(found)


def _boolean(value: Any) -> bool:
    return _BOOLEANS[value.lower() if type(value) is str else value]


#: By declared type: what is wanted, in words, and what makes it of any value or raises one of _NOT_UNDERSTOOD.
_CONVERSIONS: Mapping[type[Any], tuple[str, Callable[[Any], Any]]] = {
    str: ("text", _text),
    int: ("an integer", _integer),
    float: ("a number", _number),
    bool: ("true or false", _boolean),
}


#: By JSON Schema keyword: what is measured, how it compares with the limit, and the words if it does not.
_LIMITS: Mapping[str, tuple[Callable[[Any], Any], Callable[[Any, Any], bool], str]] = {
    "maxLength": (len, le, "{} characters, at most {}"),
    "minimum": (_finite, ge, "{}, at least {}"),
    "maximum": (_finite, le, "{}, at most {}"),
    "multipleOf": (_finite, is_multiple, "{} is not a multiple of {}"),
    "minItems": (len, ge, "{} items, at least {}"),
    "maxItems": (len, le, "{} items, at most {}"),
}


def _shown(value: Any) -> str:
    """A value in a few words."""
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "an array"
    return quoted(value) if isinstance(value, str) else quoted(json.dumps(value))[1:-1]
