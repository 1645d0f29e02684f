"""Compiles one decoder and one encoder from a message class, on first use.

Both check and convert in one pass and explain nothing: a decoder raises `Refused` with the JSON object that
holds the fault, and `validation.explain` finds the words. An encoder writes JSON text straight from the
attributes; whatever is unusual (a subclass, a Decimal, a tuple, a fault) leaves the fast path for `plain`,
which the decoder then judges.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import partial
from json.encoder import encode_basestring_ascii
from typing import Any

from ._judge import make_judge
from ._shape import NO_LENGTHS, Lengths, Member, members
from ._values import (
    Note,
    Unusual,
    any_text,
    checked_any,
    integral,
    is_multiple,
    plain_value,
    read_time,
    time_text,
)
from .messages import ABSENT, Datatype, Message

__all__ = [
    "ODDITIES",
    "Decoder",
    "Encoder",
    "Refused",
    "decoder",
    "encoder",
    "plain",
    "sending_decoder",
    "widened_decoder",
]

Decoder = Callable[[Any, list[Note]], Any]
Encoder = Callable[[Any], str]

#: What an encoder may raise on a value that the fast path does not expect.
ODDITIES = (Unusual, KeyError, TypeError, AttributeError, ValueError, OverflowError, RecursionError)


class Refused(Exception):
    """`node`, an object of the payload, does not match `cls`; objects below it do, as far as they were looked
    at.
    """

    def __init__(self, cls: type[Message], node: Any, lengths: Lengths = NO_LENGTHS) -> None:
        self.cls = cls
        self.node = node
        self.lengths = lengths
        self.above: list[Any] = []  # the objects around the node, the nearest first


def decoder(cls: type[Message]) -> Decoder:
    """`decode(payload, notes) -> cls`: raises Refused, appends to `notes` the times that are not in normal
    form.

    The payload is a dict: a value that is not is the fault of the object around it, and raises TypeError.
    """
    found = _decoders.get(cls)
    if found is None:
        found = _decoders[cls] = _new_decoder(cls, decoder, receiving=True)
    return found


def sending_decoder(cls: type[Message]) -> Decoder:
    """A decoder that judges by what may be sent, which leaves out receive-only enum values."""
    found = _sending_decoders.get(cls)
    if found is None:
        found = _sending_decoders[cls] = _new_decoder(cls, sending_decoder, receiving=False)
    return found


def widened_decoder(cls: type[Message], lengths: Lengths, *, receiving: bool) -> Decoder:
    """A decoder that lets some members of the message itself be longer. Compiled anew: keep it."""
    writer = _DecoderWriter(
        cls, decoder if receiving else sending_decoder, receiving=receiving, lengths=lengths
    )
    return writer.compiled()


def _new_decoder(
    cls: type[Message], nested: Callable[[type[Message]], Decoder], *, receiving: bool
) -> Decoder:
    if cls.__schema__ is not None:
        return _decoder_by_schema(cls)
    return _DecoderWriter(cls, nested, receiving=receiving).compiled()


def _decoder_by_schema(cls: type[Message]) -> Decoder:
    judge = make_judge(cls.__schema__ or {})

    def decode(payload: Any, notes: list[Note]) -> Any:
        if not _accepts(judge, payload):
            raise Refused(cls, payload)
        return cls(payload=payload)  # type: ignore[call-arg]  # a Raw or RawAnswer

    return decode


def _accepts(judge: Any, payload: Any) -> bool:
    try:
        any_text(payload)
        return bool(judge.is_valid(payload))
    except Exception:  # a user's document may refer to nowhere or to itself: no payload is valid by it
        return False


def _encode_by_schema(message: Any) -> str:
    """Leaves everything to the slow path, which judges."""
    raise Unusual


def encoder(cls: type[Message]) -> Encoder:
    """`encode(message) -> JSON text`: raises one of ODDITIES if the fast path is not for this message."""
    found = _encoders.get(cls)
    if found is None:
        found = _EncoderWriter(cls).compiled() if cls.__schema__ is None else _encode_by_schema
        _encoders[cls] = found
    return found


_decoders: dict[type[Message], Decoder] = {}
_sending_decoders: dict[type[Message], Decoder] = {}
_encoders: dict[type[Message], Encoder] = {}


def plain(message: Message) -> dict[str, Any]:
    """The message as JSON data under wire names, odd values made plain where that loses nothing. Judges
    nothing.

    Raises ValueError if the rest of an open object repeats a member that it declares.
    """
    if message.__schema__ is not None:
        raw: dict[str, Any] = message.payload  # type: ignore[attr-defined]  # a Raw or RawAnswer
        return raw
    payload = {
        member.wire: [_plain(item) for item in value] if isinstance(value, (list, tuple)) else _plain(value)
        for member in members(message.__class__)
        if (value := getattr(message, member.name, None)) is not member.absent
    }
    rest = _rest_of(message)
    if not rest.keys().isdisjoint(member.wire for member in members(message.__class__)):
        raise ValueError(f"{message.__rest__} repeats a member that has a field of its own")
    return {**payload, **rest}


def _plain(value: Any) -> Any:
    return plain(value) if isinstance(value, Message) else plain_value(value)


def _rest_of(message: Message) -> Mapping[str, Any]:
    rest = getattr(message, message.__rest__) if message.__rest__ is not None else {}
    return rest if isinstance(rest, dict) else {}


class _DecoderWriter:
    """Writes the source of one decoder. `scope` is what it refers to by name."""

    def __init__(
        self,
        cls: type[Message],
        nested: Callable[[type[Message]], Decoder],
        *,
        receiving: bool,
        lengths: Lengths = NO_LENGTHS,
    ) -> None:
        self.cls = cls
        self.members = members(cls, lengths)
        self.nested = nested
        self.receiving = receiving
        self.scope: dict[str, Any] = {
            "CLS": cls,
            "ABSENT": ABSENT,
            "Refused": Refused,
            "fault": partial(Refused, cls, lengths=lengths),
            "new": object.__new__,
            "read_time": read_time,
            "integral": integral,
            "is_multiple": is_multiple,
            "checked_any": checked_any,
        }

    def compiled(self) -> Decoder:
        required = sum(member.required for member in self.members)
        lines = [
            "def decode(d, notes):",
            "    if type(d) is not dict: raise TypeError(d)",
            "    try:",
            "        o = new(CLS)",
            f"        n = len(d) - {required}",
            *(f"        {line}" for member in self.members for line in self.member(member)),
            *(f"        {line}" for line in self.rest()),
            "        return o",
            "    except Refused as refused:",
            "        if refused.node is not d: refused.above.append(d)",
            "        raise",
            "    except (KeyError, TypeError, ValueError, RecursionError): raise fault(d) from None",
        ]
        decode: Decoder = _compile(lines, self.scope, "decode")
        return decode

    def member(self, member: Member) -> list[str]:
        """Lines that take one member from `d` and store it in `o`."""
        take = [f"v = d[{member.wire!r}]", *self.checked(member)]
        if member.required:
            return take
        return [
            f"if {member.wire!r} in d:",
            "    n -= 1",
            *(f"    {line}" for line in take),
            f"else: o.{member.name} = {'None' if member.absent is None else 'ABSENT'}",
        ]

    def checked(self, member: Member) -> list[str]:
        """Lines that check `v` and store it."""
        if not member.many:
            return [*self.value(member, "v"), f"o.{member.name} = v"]
        lines = [f"if type(v) is not list{_length_test(member.limits, 'v')}: raise fault(d)"]
        each = self.value(member, "x")
        if len(each) == 1 and each[0].startswith("x = "):
            return [*lines, f"o.{member.name} = [{each[0].removeprefix('x = ')} for x in v]"]
        loop = ["for x in v:", *(f"    {line}" for line in each)]
        if any("x = " in line for line in each):
            return [*lines, "w = []", *loop, "    w.append(x)", f"o.{member.name} = w"]
        return [*lines, *loop, f"o.{member.name} = v[:]"]

    def value(self, member: Member, var: str) -> list[str]:
        """Lines that check a single value and leave it, converted, in the variable."""
        kind, limits = member.type, member.values
        if issubclass(kind, Datatype):
            return [f"{var} = {self.named('decode', member, self.nested(kind))}({var}, notes)"]
        if issubclass(kind, StrEnum):
            table = {found.value: found for found in member.enum_members(receiving=self.receiving)}
            return [f"{var} = {self.named('members', member, table)}[{var}]"]
        if kind is datetime:
            return [f"{var} = read_time({var}, d, {member.wire!r}, notes)"]
        if kind is object:
            return [f"{var} = checked_any({var})"]
        if kind is int and self.cls.__draft__ == 6:
            narrow = f"if type({var}) is not int: {var} = integral({var})"
            out_of_range = _range_test(limits, var).removeprefix(" or ")
            return [narrow, f"if {out_of_range}: raise fault(d)"] if out_of_range else [narrow]
        return [f"if {_wrong(kind, limits, var)}: raise fault(d)"]

    def rest(self) -> list[str]:
        """Lines about members that no field declares: each known one was counted, what `n` leaves is unknown."""
        if self.cls.__rest__ is None:
            return ["if n: raise fault(d)"]
        self.scope["KNOWN"] = frozenset(member.wire for member in members(self.cls))
        return [f"o.{self.cls.__rest__} = checked_any({{k: x for k, x in d.items() if k not in KNOWN}})"]

    def named(self, prefix: str, member: Member, value: Any) -> str:
        """A name in the scope for what only this member needs."""
        name = f"{prefix}_{member.name}"
        self.scope[name] = value
        return name


class _EncoderWriter:
    """Writes the source of one encoder. `scope` is what it refers to by name."""

    def __init__(self, cls: type[Message]) -> None:
        self.cls = cls
        self.scope: dict[str, Any] = {
            "CLS": cls,
            "ABSENT": ABSENT,
            "Unusual": Unusual,
            "quote": encode_basestring_ascii,
            "time_text": time_text,
            "any_text": any_text,
            "is_multiple": is_multiple,
        }

    def compiled(self) -> Encoder:
        required = [member for member in members(self.cls) if member.required]
        optional = [member for member in members(self.cls) if not member.required]
        lines = ["def encode(o):", "    if type(o) is not CLS: raise Unusual"]
        for member in required:
            lines += [f"    v = o.{member.name}", *(f"    {line}" for line in self.text(member))]
            lines.append(f"    {self.local(member)} = v")
        pieces = ",".join(f"{_literal(member.wire)}{{{self.local(member)}}}" for member in required)
        lines.append(f"    out = f'{pieces}'")
        for member in optional:
            lines += [
                f"    v = o.{member.name}",
                f"    if v is not {'None' if member.absent is None else 'ABSENT'}:",
                *(f"        {line}" for line in self.text(member)),
                f"        out += f',{_literal(member.wire)}{{v}}'",
            ]
        lines += [f"    {line}" for line in self.rest()]
        # Without required members the first comma is one too many.
        lines.append("    return '{' + out + '}'" if required else "    return '{' + out[1:] + '}'")
        encode: Encoder = _compile(lines, self.scope, "encode")
        return encode

    def local(self, member: Member) -> str:
        return f"v_{member.name}"

    def text(self, member: Member) -> list[str]:
        """Lines that check `v` and turn it into JSON text."""
        if not member.many:
            return [*self.guard(member, "v"), f"v = {self.expression(member, 'v')}"]
        guard = self.guard(member, "x")
        return [
            f"if type(v) is not list{_length_test(member.limits, 'v')}: raise Unusual",
            *(["for x in v:", *(f"    {line}" for line in guard)] if guard else []),
            f"v = '[' + ','.join([{self.expression(member, 'x')} for x in v]) + ']'",
        ]

    def guard(self, member: Member, var: str) -> list[str]:
        """The test of a text, number or boolean; all others are tested by what makes their text."""
        kind = member.type
        if kind in (datetime, object) or issubclass(kind, (StrEnum, Datatype)):
            return []
        return [f"if {_wrong(kind, member.values, var)}: raise Unusual"]

    def expression(self, member: Member, var: str) -> str:
        """The JSON text of a single value."""
        kind = member.type
        if issubclass(kind, Datatype):
            return f"{self.named('encode', member, encoder(kind))}({var})"
        if issubclass(kind, StrEnum):
            sent = member.enum_members(receiving=False)
            table = {found.value: encode_basestring_ascii(found.value) for found in sent}
            return f"{self.named('texts', member, table)}[{var}]"
        return _TEXTS[kind].format(var)

    def rest(self) -> list[str]:
        """Lines that append the members of an open object that no field declares."""
        if self.cls.__rest__ is None:
            return []
        self.scope["KNOWN"] = frozenset(member.wire for member in members(self.cls))
        return [
            f"v = o.{self.cls.__rest__}",
            "if type(v) is not dict or not KNOWN.isdisjoint(v): raise Unusual",
            "if v: out += ',' + any_text(v)[1:-1]",
        ]

    def named(self, prefix: str, member: Member, value: Any) -> str:
        """A name in the scope for what only this member needs."""
        name = f"{prefix}_{member.name}"
        self.scope[name] = value
        return name


#: Expressions for the JSON text of a value that was tested.
_TEXTS: Mapping[type[Any], str] = {
    str: "quote({})",
    int: "repr({})",
    float: "repr({})",
    bool: "('true' if {} else 'false')",
    datetime: "time_text({})",
    object: "any_text({})",
}


def _wrong(kind: type[Any], limits: Mapping[str, Any], var: str) -> str:
    """Expression that is true if a text, number or boolean is not as declared."""
    if kind is str:
        longest = limits.get("maxLength")
        return f"type({var}) is not str" + (f" or len({var}) > {longest}" if longest is not None else "")
    if kind is bool:
        return f"{var} is not True and {var} is not False"
    if kind is int:
        return f"type({var}) is not int" + _range_test(limits, var)
    # A float is finite unless the text said 1e400, which is JSON and no number.
    number = f"not (type({var}) is float and {var} - {var} == 0 or type({var}) is int)"
    step = limits.get("multipleOf")
    multiple = f" or not is_multiple({var}, {step!r})" if step is not None else ""
    return number + _range_test(limits, var) + multiple


def _range_test(limits: Mapping[str, Any], var: str) -> str:
    low = f" or {var} < {limits['minimum']!r}" if "minimum" in limits else ""
    return low + (f" or {var} > {limits['maximum']!r}" if "maximum" in limits else "")


def _length_test(limits: Mapping[str, Any], var: str) -> str:
    low = f" or len({var}) < {limits['minItems']}" if "minItems" in limits else ""
    return low + (f" or len({var}) > {limits['maxItems']}" if "maxItems" in limits else "")


def _literal(wire: str) -> str:
    """The member's name and colon as they stand inside a single-quoted f-string."""
    text = f"{encode_basestring_ascii(wire)}:"
    return text.replace("\\", "\\\\").replace("'", "\\'").replace("{", "{{").replace("}", "}}")


def _compile(lines: list[str], scope: dict[str, Any], name: str) -> Any:
    # A name in tracebacks and profiles; there is no such file.
    filename = f"<{name} {scope['CLS'].__qualname__}>"
    exec(compile("\n".join(lines), filename, "exec"), scope)
    return scope[name]
