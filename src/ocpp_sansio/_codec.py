"""Compiles one decoder and one encoder from a message class, on first use.

Both check and convert in one pass and explain nothing: a decoder raises `Refused` with the JSON object that
holds the fault, and `validation.explain` finds the words. An encoder writes JSON text straight from the
attributes; whatever is unusual (a subclass, a Decimal, a tuple, a fault) leaves the fast path for `plain`,
which the decoder then judges.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from json.encoder import encode_basestring_ascii
from typing import Any

import attrs

from ._datetime import format_datetime, normal_form, parse_datetime
from ._shape import Member, members
from .messages import Datatype, Message

__all__ = ["Note", "Refused", "decoder", "encoder", "is_multiple", "is_unicode", "plain", "sending_decoder"]

#: A time that was understood and is not in normal form: the object, the member, the text.
Note = tuple[dict[str, Any], str, str]

Decoder = Callable[[Any, list[Note]], Any]
Encoder = Callable[[Any], str]


class Refused(Exception):
    """`node`, an object of the payload, does not match `cls`; objects below it do, as far as they were looked
    at.
    """

    def __init__(self, cls: type[Message], node: Any) -> None:
        self.cls = cls
        self.node = node


class Unusual(Exception):
    """The fast encoder does not handle this value."""


def decoder(cls: type[Message]) -> Decoder:
    """`decode(payload, notes) -> cls`: raises Refused, appends to `notes` the times that are not in normal form."""
    found = _decoders.get(cls)
    if found is None:
        found = _decoders[cls] = _compile_decoder(cls, receiving=True)
    return found


def sending_decoder(cls: type[Message]) -> Decoder:
    """A decoder that judges by what may be sent, which leaves out receive-only enum values."""
    found = _sending_decoders.get(cls)
    if found is None:
        found = _sending_decoders[cls] = _compile_decoder(cls, receiving=False)
    return found


def encoder(cls: type[Message]) -> Encoder:
    """`encode(message) -> JSON text`: raises Unusual, or whatever the odd value raises (`ODDITIES`), if the
    fast path is not for it.
    """
    found = _encoders.get(cls)
    if found is None:
        found = _encoders[cls] = _compile_encoder(cls)
    return found


_decoders: dict[type[Message], Decoder] = {}
_sending_decoders: dict[type[Message], Decoder] = {}
_encoders: dict[type[Message], Encoder] = {}

#: What an encoder may raise on a value that the fast path does not expect.
ODDITIES = (Unusual, KeyError, TypeError, AttributeError, ValueError, OverflowError)


# Values: the checks that generated code calls, and the judge's own (validation) too.


def read_time(text: Any, node: dict[str, Any], member: str, notes: list[Note]) -> datetime:
    """A time of the wire; noted if it is not in normal form."""
    # The first test is the form that nearly every sender uses; fromisoformat alone would also take week dates
    # and compact forms.
    if (
        type(text) is str
        and (len(text) == 20 or (len(text) == 24 and text[19] == "."))
        and text[-1] == "Z"
        and text[4] == text[7] == "-"
        and text[10] == "T"
        and text[13] == text[16] == ":"
    ):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    moment = parse_datetime(text)
    if not normal_form(text):
        notes.append((node, member, text))
    return moment


def integral(value: Any) -> int:
    """The integer that a JSON number is to draft 6, where 12.0 is one (J16-215).

    Raises TypeError if it is none.
    """
    if type(value) is float and value.is_integer():
        return int(value)
    raise TypeError(value)


def is_multiple(value: float, step: float) -> bool:
    """Whether a number is a multiple by its decimal text, as a reader of the text would say (J16-216): 0.3 is
    one of 0.1.
    """
    if step == 0.1:  # the only one in official schemas, and the only one that has to be fast
        if type(value) is int:
            return True
        return abs(value) >= 1e15 or round(value * 10) / 10 == value or round(value, 1) == value
    if value == 0:
        return True
    quotient = Decimal(repr(value)) / Decimal(repr(step))
    return quotient == quotient.to_integral_value()


def is_unicode(value: Any) -> bool:
    """Whether JSON data has no lone surrogate anywhere, in keys either (L-218)."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):  # nested so deeply that nobody can tell is no better
        return False
    return True


def time_text(moment: Any) -> str:
    if type(moment) is not datetime:
        raise Unusual
    return format_datetime(moment)


# Decoders.


def _compile_decoder(cls: type[Message], receiving: bool) -> Decoder:
    scope: dict[str, Any] = {
        "CLS": cls,
        "Refused": Refused,
        "new": object.__new__,
        "read_time": read_time,
        "integral": integral,
        "is_multiple": is_multiple,
    }
    required = sum(member.required for member in members(cls))
    lines = [
        "def decode(d, notes):",
        # The caller holds a payload that is an object; for a nested value the refusing node is the object
        # around it.
        "    if type(d) is not dict: raise TypeError(d)",
        "    try:",
        "        o = new(CLS)",
        f"        n = len(d) - {required}",
    ]
    for index, member in enumerate(members(cls)):
        body = _decode_member(member, index, cls, scope, receiving)
        if member.required:
            lines += [f"        v = d[{member.wire!r}]", *(f"        {line}" for line in body)]
        else:
            lines += [
                f"        if {member.wire!r} in d:",
                "            n -= 1",
                f"            v = d[{member.wire!r}]",
                *(f"            {line}" for line in body),
                f"        else: o.{member.name} = None",
            ]
    lines += [
        # Each known member was counted; what is left over is unknown.
        "        if n: raise Refused(CLS, d)",
        "        return o",
        "    except Refused: raise",
        "    except (KeyError, TypeError, ValueError): raise Refused(CLS, d) from None",
    ]
    decode: Decoder = _execute(lines, scope, f"<decoder of {cls.__qualname__}>", "decode")
    return decode


def _decode_member(
    member: Member, index: int, cls: type[Message], scope: dict[str, Any], receiving: bool
) -> list[str]:
    """Lines that check `v` and store it."""
    if not member.many:
        lines = _decode_value(member, "v", index, cls, scope, receiving)
        return [*lines, f"o.{member.name} = v"]
    lines = [f"if type(v) is not list{_length_test(member.limits)}: raise Refused(CLS, d)"]
    each = _decode_value(member, "x", index, cls, scope, receiving)
    if len(each) == 1 and each[0].startswith("x = "):
        return [*lines, f"o.{member.name} = [{each[0][4:]} for x in v]"]
    return [
        *lines,
        "w = []",
        "for x in v:",
        *(f"    {line}" for line in each),
        "    w.append(x)",
        f"o.{member.name} = w",
    ]


def _decode_value(
    member: Member, var: str, index: int, cls: type[Message], scope: dict[str, Any], receiving: bool
) -> list[str]:
    """Lines that check the variable and leave the converted value in it."""
    kind, limits = member.type, member.values
    if issubclass(kind, Datatype):
        scope[f"decode_{index}"] = (decoder if receiving else sending_decoder)(kind)
        return [f"{var} = decode_{index}({var}, notes)"]
    if issubclass(kind, StrEnum):
        scope[f"members_{index}"] = {m.value: m for m in member.enum_members(receiving=receiving)}
        return [f"{var} = members_{index}[{var}]"]
    if kind is datetime:
        return [f"{var} = read_time({var}, d, {member.wire!r}, notes)"]
    if kind is int and cls.__draft__ == 6:
        wrong = _range_test(limits, var)
        narrow = [f"if type({var}) is not int: {var} = integral({var})"]
        return [*narrow, f"if {wrong[4:]}: raise Refused(CLS, d)"] if wrong else narrow
    return [f"if {_wrong(kind, limits, var)}: raise Refused(CLS, d)"]


def _wrong(kind: type[Any], limits: Mapping[str, Any], var: str) -> str:
    """Expression that is true if a text, number or boolean in `var` is not as declared."""
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
    return (
        number
        + _range_test(limits, var)
        + (f" or not is_multiple({var}, {step!r})" if step is not None else "")
    )


def _range_test(limits: Mapping[str, Any], var: str) -> str:
    test = ""
    if "minimum" in limits:
        test += f" or {var} < {limits['minimum']!r}"
    if "maximum" in limits:
        test += f" or {var} > {limits['maximum']!r}"
    return test


def _length_test(limits: Mapping[str, Any]) -> str:
    test = ""
    if "minItems" in limits:
        test += f" or len(v) < {limits['minItems']}"
    if "maxItems" in limits:
        test += f" or len(v) > {limits['maxItems']}"
    return test


# Encoders.


def _compile_encoder(cls: type[Message]) -> Encoder:
    scope: dict[str, Any] = {
        "CLS": cls,
        "Unusual": Unusual,
        "quote": encode_basestring_ascii,
        "time_text": time_text,
        "is_multiple": is_multiple,
    }
    lines = ["def encode(o):", "    if type(o) is not CLS: raise Unusual"]
    pieces = []
    for index, member in enumerate(members(cls)):
        if not member.required:
            continue
        lines += [f"    v{index} = o.{member.name}", *_guard(member, f"v{index}", "    ")]
        lines.append(f"    v{index} = {_text(member, f'v{index}', index, scope)}")
        pieces.append(f"{_literal(member.wire)}{{v{index}}}")
    lines.append(f"    out = f'{','.join(pieces)}'" if pieces else "    out = ''")
    for index, member in enumerate(members(cls)):
        if member.required:
            continue
        lines += [
            f"    v = o.{member.name}",
            "    if v is not None:",
            *_guard(member, "v", "        "),
            f"        v = {_text(member, 'v', index, scope)}",
            f"        out += f',{_literal(member.wire)}{{v}}'",
        ]
    lines.append("    return '{' + out + '}'" if pieces else "    return '{' + out[1:] + '}'")
    encode: Encoder = _execute(lines, scope, f"<encoder of {cls.__qualname__}>", "encode")
    return encode


def _literal(wire: str) -> str:
    """The member's name and colon as they stand inside a single-quoted f-string."""
    text = f"{encode_basestring_ascii(wire)}:"
    return text.replace("\\", "\\\\").replace("'", "\\'").replace("{", "{{").replace("}", "}}")


def _guard(member: Member, var: str, indent: str) -> list[str]:
    """Lines that leave the fast path if the value in `var` is not exactly as declared."""
    if not member.many:
        return [f"{indent}if {test}: raise Unusual" for test in _scalar_test(member, var)]
    length = _length_test(member.limits).replace("len(v)", f"len({var})")
    return [
        f"{indent}if type({var}) is not list{length}: raise Unusual",
        *(
            f"{indent}for x in {var}:\n{indent}    if {test}: raise Unusual"
            for test in _scalar_test(member, "x")
        ),
    ]


def _scalar_test(member: Member, var: str) -> list[str]:
    """The test of a text, number or boolean; the texts of all others are made by functions that test for
    themselves.
    """
    if member.type is datetime or issubclass(member.type, (StrEnum, Datatype)):
        return []
    return [_wrong(member.type, member.values, var)]


def _text(member: Member, var: str, index: int, scope: dict[str, Any]) -> str:
    """Expression for the JSON text of the value in `var`."""
    if member.many:
        one = _text(attrs.evolve(member, many=False, limits=member.item_limits), "x", index, scope)
        return f"'[' + ','.join([{one} for x in {var}]) + ']'"
    kind = member.type
    if issubclass(kind, Datatype):
        scope[f"encode_{index}"] = encoder(kind)
        return f"encode_{index}({var})"
    if issubclass(kind, StrEnum):
        sent = member.enum_members(receiving=False)
        scope[f"texts_{index}"] = {m.value: encode_basestring_ascii(m.value) for m in sent}
        return f"texts_{index}[{var}]"
    if kind is datetime:
        return f"'\"' + time_text({var}) + '\"'"
    if kind is str:
        return f"quote({var})"
    if kind is bool:
        return f"'true' if {var} else 'false'"
    return f"repr({var})"


def _execute(lines: list[str], scope: dict[str, Any], filename: str, name: str) -> Any:
    exec(compile("\n".join(lines), filename, "exec"), scope)
    return scope[name]


# The slow path of sending.


def plain(message: Message) -> dict[str, Any]:
    """The message as JSON data under wire names, odd values made plain where that loses nothing.

    Judges nothing.
    """
    return {
        member.wire: _plain(value)
        for member in members(message.__class__)
        if (value := getattr(message, member.name, None)) is not None
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return plain(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return format_datetime(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return int(value) if isinstance(value, int) else float(value)
    if isinstance(value, Decimal) and value.is_finite():
        return int(value) if value == value.to_integral_value() else float(value)
    return value
