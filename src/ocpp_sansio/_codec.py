"""Compiles one decoder and one encoder from a message class, on first use.

Both check and convert in one pass and explain nothing: a decoder raises `Refused` with the JSON object that
holds the fault, and `validation.explain` finds the words. An encoder writes JSON text straight from the
attributes; whatever is unusual (a subclass, a Decimal, a tuple, a fault) leaves the fast path for `plain`,
which the decoder then judges.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import lru_cache, partial
from json.encoder import encode_basestring_ascii
from typing import Any, TypeVar

import attrs

from ._judge import make_judge
from ._shape import NO_LENGTHS, Lengths, Member, members
from ._values import (
    Note,
    Unusual,
    any_text,
    checked_open,
    integral,
    is_multiple,
    plain_value,
    read_time,
    time_text,
)
from .messages import ABSENT, Datatype, Message, Raw

__all__ = [
    "ODDITIES",
    "Decoder",
    "Encoder",
    "Refused",
    "decoder",
    "encoder",
    "first_refused",
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

    `blamed` is the place in the node that is at fault, a member and perhaps an index, from whoever would have
    taken the rest.
    """

    def __init__(
        self,
        cls: type[Message],
        node: Any,
        lengths: Lengths = NO_LENGTHS,
        blamed: tuple[str | int, ...] = (),
    ) -> None:
        self.cls = cls
        self.node = node
        self.lengths = lengths
        self.blamed = blamed
        self.above: list[Any] = []  # the objects around the node, the nearest first


def widened_decoder(cls: type[Message], lengths: Lengths, *, receiving: bool) -> Decoder:
    """A decoder that lets some members of the message itself be longer; without `lengths`, that of the class."""
    if not lengths:
        return decoder(cls) if receiving else sending_decoder(cls)
    # mypy takes the class for one of its objects, which cannot be hashed.
    return _widened_decoder(cls, tuple(sorted(lengths.items())), receiving)  # type: ignore[arg-type]


# Bounded, for a user may have lengths of his own for each peer.
@lru_cache(maxsize=256)
def _widened_decoder(cls: type[Message], lengths: tuple[tuple[str, int], ...], receiving: bool) -> Decoder:
    return _DecoderWriter(cls, receiving=receiving, lengths=dict(lengths)).compiled()


def first_refused(cls: type[Message], wire: str, elements: list[Any], *, receiving: bool) -> int | None:
    """Index of the first element that the decoder refuses in this array of the class; None if it takes all."""
    decode = _array_decoder(cls, wire, receiving)  # type: ignore[arg-type]  # as above
    if _takes(decode, {wire: elements}):
        return None
    low, high = 0, len(elements)  # all before `low` are good, and one before `high` is not
    while high - low > 1:
        middle = (low + high) // 2
        if _takes(decode, {wire: elements[low:middle]}):
            low = middle
        else:
            high = middle
    return low


def _takes(decode: Decoder, payload: dict[str, Any]) -> bool:
    try:
        decode(payload, [])
    except Refused:
        return False
    return True


@lru_cache(maxsize=256)
def _array_decoder(cls: type[Message], wire: str, receiving: bool) -> Decoder:
    """A decoder that knows one member only, an array of any length."""
    writer = _DecoderWriter(cls, receiving=receiving)
    writer.members = tuple(
        attrs.evolve(member, required=True, limits={}) for member in writer.members if member.wire == wire
    )
    return writer.compiled()


def _new_decoder(cls: type[Message], *, receiving: bool) -> Decoder:
    if cls.__schema__ is not None:
        return _decoder_by_schema(cls, cls.__schema__)
    return _DecoderWriter(cls, receiving=receiving).compiled()


def _decoder_by_schema(cls: type[Message], schema: Mapping[str, Any]) -> Decoder:
    judge = make_judge(schema)

    def decode(payload: Any, notes: list[Note]) -> Any:
        if not _accepts(judge, payload):
            raise Refused(cls, payload)
        return cls(payload)  # type: ignore[call-arg]  # a DeclaredRaw

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


def _new_encoder(cls: type[Message]) -> Encoder:
    return _EncoderWriter(cls).compiled() if cls.__schema__ is None else _encode_by_schema


Compiled = TypeVar("Compiled")


class _OnFirstUse(dict[type[Message], Compiled]):
    """What is compiled from each class when it is first asked for; after that, as fast as a dict."""

    __slots__ = ("_compile",)

    def __init__(self, compile: Callable[[type[Message]], Compiled]) -> None:
        super().__init__()
        self._compile = compile

    def __missing__(self, cls: type[Message]) -> Compiled:
        made = self[cls] = self._compile(cls)
        return made


#: `decoder(cls)(payload, notes) -> message`: raises Refused, appends to `notes` the times that are not in
#: normal form. The payload is a dict: a value that is not is the fault of the object around it, and raises
#: TypeError.
decoder: Callable[[type[Message]], Decoder] = _OnFirstUse[Decoder](
    partial(_new_decoder, receiving=True)
).__getitem__

#: As `decoder`, by what may be sent, which leaves out receive-only enum values.
sending_decoder: Callable[[type[Message]], Decoder] = _OnFirstUse[Decoder](
    partial(_new_decoder, receiving=False)
).__getitem__

#: `encoder(cls)(message) -> JSON text`: raises one of ODDITIES if the fast path is not for this message.
encoder: Callable[[type[Message]], Encoder] = _OnFirstUse[Encoder](_new_encoder).__getitem__


def plain(message: Message) -> dict[str, Any]:
    """The message as JSON data under wire names, odd values made plain where that loses nothing. Judges
    nothing.

    Raises ValueError if the rest of an open object is none, or repeats a member that it declares.
    """
    if isinstance(message, Raw):
        return message.payload
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
    if not isinstance(rest, Mapping):
        raise ValueError(f"{message.__rest__} is a mapping, not {rest!r:.60}")
    return rest


class _Writer:
    """Writes the source of one function for a class. `scope` is what the source refers to by name."""

    def __init__(self, cls: type[Message], **scope: Any) -> None:
        self.cls = cls
        self.scope: dict[str, Any] = {"CLS": cls, "ABSENT": ABSENT, "is_multiple": is_multiple, **scope}
        if cls.__rest__ is not None:
            self.scope["KNOWN"] = frozenset(member.wire for member in members(cls))

    def named(self, prefix: str, member: Member, value: Any) -> str:
        """A name in the scope for what only this member needs."""
        name = f"{prefix}_{member.name}"
        self.scope[name] = value
        return name


class _DecoderWriter(_Writer):
    def __init__(self, cls: type[Message], *, receiving: bool, lengths: Lengths = NO_LENGTHS) -> None:
        super().__init__(
            cls,
            Refused=Refused,
            fault=partial(Refused, cls, lengths=lengths),
            new=object.__new__,
            read_time=read_time,
            integral=integral,
            checked_open=checked_open,
        )
        self.members = members(cls, lengths)
        self.nested = decoder if receiving else sending_decoder
        self.receiving = receiving

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
        take = self.taken(member)
        if member.required:
            return take
        return [
            f"if {member.wire!r} in d:",
            "    n -= 1",
            *(f"    {line}" for line in take),
            f"else: o.{member.name} = {member.absent!r}",
        ]

    def taken(self, member: Member) -> list[str]:
        """Lines that check the member and store it: in one expression where that says it all."""
        found, store = f"d[{member.wire!r}]", f"o.{member.name} ="
        converted = self.converted(member, found if not member.many else "x")
        if not member.many:
            if converted is not None:
                return [f"{store} {converted}"]
            return [f"v = {found}", *self.tested(member, "v"), f"{store} v"]
        lines = [
            f"v = {found}",
            f"if type(v) is not list{_length_test(member.limits, 'v')}: raise fault(d)",
        ]
        if converted is not None:
            return [*lines, f"{store} [{converted} for x in v]"]
        loop = ["for x in v:", *(f"    {line}" for line in self.tested(member, "x"))]
        if self.narrows(member):
            return [*lines, "w = []", *loop, "    w.append(x)", f"{store} w"]
        return [*lines, *loop, f"{store} v[:]"]

    def converted(self, member: Member, source: str) -> str | None:
        """Expression that checks a value and makes of it what Python sees; None if it takes statements."""
        kind = member.type
        if issubclass(kind, Datatype):
            return f"{self.named('decode', member, self.nested(kind))}({source}, notes)"
        if issubclass(kind, StrEnum):
            table = {found.value: found for found in member.enum_members(receiving=self.receiving)}
            return f"{self.named('members', member, table)}[{source}]"
        if kind is datetime:
            return f"read_time({source}, d, {member.wire!r}, notes)"
        return f"checked_open({source}, notes)" if kind is object else None

    def tested(self, member: Member, var: str) -> list[str]:
        """Lines that check the text, number or boolean in the variable."""
        if not self.narrows(member):
            return [f"if {_wrong(member.type, member.values, var)}: raise fault(d)"]
        narrow = f"if type({var}) is not int: {var} = integral({var})"
        out_of_range = _range_test(member.values, var).removeprefix(" or ")
        return [narrow, f"if {out_of_range}: raise fault(d)"] if out_of_range else [narrow]

    def narrows(self, member: Member) -> bool:
        """Whether 12.0 is an integer here, and becomes 12."""
        return member.type is int and self.cls.__draft__ == 6

    def rest(self) -> list[str]:
        """Lines about members that no field declares: each known one was counted, what `n` leaves is unknown."""
        if self.cls.__rest__ is None:
            return ["if n: raise fault(d)"]
        rest = "{k: x for k, x in d.items() if k not in KNOWN}"
        return [f"o.{self.cls.__rest__} = checked_open({rest}, notes)"]


class _EncoderWriter(_Writer):
    def __init__(self, cls: type[Message]) -> None:
        super().__init__(
            cls,
            Unusual=Unusual,
            quote=encode_basestring_ascii,
            time_text=time_text,
            any_text=any_text,
            BOOLEANS={True: "true", False: "false"},
        )

    def compiled(self) -> Encoder:
        required = [member for member in members(self.cls) if member.required]
        optional = [member for member in members(self.cls) if not member.required]
        lines = ["def encode(o):", "    if type(o) is not CLS: raise Unusual"]
        pieces = []
        for member in required:
            var = f"v_{member.name}"
            lines += [f"    {var} = o.{member.name}", *(f"    {line}" for line in self.guard(member, var))]
            pieces.append(self.piece(member, var))
        lines.append(f"    out = f'{','.join(pieces)}'")
        for member in optional:
            lines += [
                f"    v = o.{member.name}",
                f"    if v is not {member.absent!r}:",
                *(f"        {line}" for line in self.guard(member, "v")),
                f"        out += f',{self.piece(member, 'v')}'",
            ]
        lines += [f"    {line}" for line in self.rest()]
        # Without required members the first comma is one too many.
        lines.append("    return '{' + out + '}'" if required else "    return '{' + out[1:] + '}'")
        encode: Encoder = _compile(lines, self.scope, "encode")
        return encode

    def guard(self, member: Member, var: str) -> list[str]:
        """Lines that check the member in the variable; an array becomes the text of its elements."""
        if not member.many:
            return self.test(member, var)
        test = self.test(member, "x")
        return [
            f"if type({var}) is not list{_length_test(member.limits, var)}: raise Unusual",
            *([f"for x in {var}:", *(f"    {line}" for line in test)] if test else []),
            f"{var} = ','.join([{self.element(member)} for x in {var}])",
        ]

    def test(self, member: Member, var: str) -> list[str]:
        """The test of a text, number or boolean; all others are tested by what makes their text."""
        if member.type not in (str, int, float, bool):
            return []
        return [f"if {_wrong(member.type, member.values, var)}: raise Unusual"]

    def piece(self, member: Member, var: str) -> str:
        """What stands for the member in an f-string, from its guarded variable."""
        text = f"[{{{var}}}]" if member.many else f"{{{self.expression(member, var)}}}"
        return _literal(member.wire) + text

    def element(self, member: Member) -> str:
        """Expression for the JSON text of the element `x` of an array."""
        text = self.expression(member, "x")
        return f"repr({text.removesuffix('!r')})" if text.endswith("!r") else text

    def expression(self, member: Member, var: str) -> str:
        """The JSON text of a single value, as it stands between the braces of an f-string."""
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
        return [
            f"v = o.{self.cls.__rest__}",
            "if type(v) is not dict or not KNOWN.isdisjoint(v): raise Unusual",
            "if v: out += ',' + any_text(v)[1:-1]",
        ]


#: Expressions for the JSON text of a value that was tested.
_TEXTS: Mapping[type[Any], str] = {
    str: "quote({})",
    int: "{}!r",
    float: "{}!r",
    bool: "BOOLEANS[{}]",
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
    step = limits.get("multipleOf")
    tenths = f" and {_IS_TENTHS.format(var)}" if step == 0.1 else ""
    # A float is finite unless the text said 1e400, which is JSON and no number.
    number = f"not (type({var}) is float and {var} - {var} == 0{tenths} or type({var}) is int)"
    multiple = f" or not is_multiple({var}, {step!r})" if step not in (None, 0.1) else ""
    return number + _range_test(limits, var) + multiple


#: `is_multiple(x, 0.1)` of a finite float, nearly always without the call.
_IS_TENTHS = "(-1e15 < {0} < 1e15 and round({0} * 10) / 10 == {0} or is_multiple({0}, 0.1))"


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
