"""What is compiled from a class, by itself: a fast path that fails in silence would only be slow.

Each test compiles anew, where everybody else has one decoder and one encoder for each class.
"""

import json
import math
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest

from ocpp_sansio import SchemaViolation, Violation
from ocpp_sansio._codec import (
    ODDITIES,
    Decoder,
    Encoder,
    Refused,
    _DecoderWriter,
    _EncoderWriter,
    _new_decoder,
    _new_encoder,
    _OnFirstUse,
    first_refused,
    plain,
)
from ocpp_sansio._values import OPEN_ENDED, Note, Unusual
from ocpp_sansio.messages import CustomData, Datatype, Message, Raw, limits
from ocpp_sansio.v21 import call as call21
from ocpp_sansio.validation import encode, explain
from tests.unit.declared import Inner, Paint, Strict, paint, wire

Sing = Raw.declare("Sing", request={"type": "object", "required": ["song"]}, response={})

#: A Paint with something in every member, as Python and JSON have it.
FULL = {
    "tenth": 0.3,
    "step": 0.5,
    "odd_name": "it's",
    "texts": ["a", "bc"],
    "wholes": [1, 2],
    "flags": [True, False],
    "numbers": [1.5, 2, -0.25],
    "whens": [datetime(2024, 5, 1, 12, tzinfo=UTC)],
    "colours": ["Red", "Dark.Blue"],
    "inners": [{"count": 1}, {"count": 2, "note": "x"}],
    "maybe_colour": "Red",
    "maybe_inner": {"count": 0},
    "maybe_when": datetime(2024, 5, 1, 12, tzinfo=UTC),
}
TEXT = (
    '{"text":"abc","whole":1,"number":2.5,"flag":true,"when":"2024-05-01T12:00:00Z","colour":"Red",'
    '"inner":{"count":3},"tenth":0.3,"step":0.5,"it\'s {odd}":"it\'s","texts":["a","bc"],"wholes":[1,2],'
    '"flags":[true,false],"numbers":[1.5,2,-0.25],"whens":["2024-05-01T12:00:00Z"],'
    '"colours":["Red","Dark.Blue"],"inners":[{"count":1},{"count":2,"note":"x"}],"maybeColour":"Red",'
    '"maybeInner":{"count":0},"maybeWhen":"2024-05-01T12:00:00Z"}'
)


@attrs.define(kw_only=True, eq=False, repr=False, weakref_slot=False, on_setattr=attrs.setters.NO_OP)
class Odd(Datatype, draft=4):
    """Members that no official class has: an odd name, integers of draft 4 in an array."""

    name: str | None = attrs.field(default=None, metadata=limits(wire="a\\b\"{c}'"))
    wholes: list[int] | None = attrs.field(default=None, metadata=limits(items=limits(maximum=20)))


def encoder_of(cls: type[Message]) -> Encoder:
    return _EncoderWriter(cls).compiled()


def decoder_of(cls: type[Message], *, receiving: bool = True) -> Decoder:
    return _DecoderWriter(cls, receiving=receiving).compiled()


# Writing.


def test_every_kind_of_member_takes_the_fast_path() -> None:
    assert encoder_of(Paint)(paint(**FULL)) == TEXT
    assert encoder_of(Paint)(paint()) == TEXT.partition(',"tenth"')[0] + "}"


def test_a_message_without_required_members_takes_it_too() -> None:
    encode = encoder_of(Odd)
    assert encode(Odd()) == "{}"
    assert encode(Odd(wholes=[1, 20])) == '{"wholes":[1,20]}'


def test_a_name_may_have_any_character() -> None:
    assert encoder_of(Odd)(Odd(name="x")) == '{"a\\\\b\\"{c}\'":"x"}'
    assert decoder_of(Odd)({"a\\b\"{c}'": "x"}, []) == Odd(name="x")


def test_the_rest_of_an_open_object_is_written_behind_its_members() -> None:
    encode = encoder_of(CustomData)
    assert encode(CustomData(vendor_id="v")) == '{"vendorId":"v"}'
    assert encode(CustomData(vendor_id="v", extra={"a": 1, "b": [None]})) == (
        '{"vendorId":"v","a":1,"b":[null]}'
    )


@pytest.mark.parametrize("extra", [{"vendorId": "w"}, {"a": 1, "vendorId": "w"}, [("a", 1)], None])
def test_a_rest_that_is_odd_does_not_take_the_fast_path(extra: Any) -> None:
    with pytest.raises(Unusual):
        encoder_of(CustomData)(CustomData(vendor_id="v", extra=extra))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", "abcd"),
        ("text", 7),
        ("text", None),
        ("whole", 1.0),
        ("whole", True),
        ("number", "1"),
        ("number", True),
        ("number", -1.01),
        ("number", -2),
        ("number", 100.5),
        ("number", 101),
        ("number", math.nan),
        ("number", math.inf),
        ("flag", 1),
        ("tenth", 0.15),
        ("step", 0.3),
        ("texts", []),
        ("texts", ["a"] * 4),
        ("texts", ["abc"]),
        ("texts", [7]),
        ("texts", ("a",)),
        ("wholes", [0]),
        ("wholes", [1, 0]),
        ("flags", [0]),
        ("numbers", [math.inf]),
        ("inners", [{"count": 1}] * 3),
    ],
)
def test_what_is_not_as_declared_does_not_take_the_fast_path(name: str, value: Any) -> None:
    message = paint()
    setattr(message, name, value)
    with pytest.raises(Unusual):
        encoder_of(Paint)(message)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("colour", "Old"),
        ("colour", "Pink"),
        ("colours", ["Pink"]),
        ("when", "noon"),
        ("whens", ["noon"]),
        ("inner", Strict(whole=1)),
        ("inner", {"count": 1}),
        ("inners", [7]),
    ],
)
def test_nor_does_what_has_no_text(name: str, value: Any) -> None:
    message = paint()
    setattr(message, name, value)
    with pytest.raises(ODDITIES):
        encoder_of(Paint)(message)


@pytest.mark.parametrize("odd", [Strict(whole=1), None, 7])
def test_a_message_of_another_class_does_not_take_it(odd: Any) -> None:
    with pytest.raises(Unusual):
        encoder_of(Paint)(odd)


def test_the_greatest_values_take_it() -> None:
    greatest = paint(text="abc", number=100, texts=["ab"] * 3, wholes=[1], inners=[{"count": 10}] * 2)
    assert '"number":100,' in encoder_of(Paint)(greatest)
    assert '"number":-1,' in encoder_of(Paint)(paint(number=-1))


def test_what_is_declared_by_a_schema_is_judged_and_never_fast() -> None:
    with pytest.raises(Unusual):
        _new_encoder(Sing)(Sing({"song": "la"}))


def test_any_json_is_written_as_it_is() -> None:
    message = call21.DataTransfer(vendor_id="v", data={"a": [1, None]})
    assert encoder_of(call21.DataTransfer)(message) == '{"vendorId":"v","data":{"a":[1,null]}}'


# Reading.


def test_every_kind_of_member_is_read() -> None:
    notes: list[Note] = []
    assert decoder_of(Paint)(json.loads(TEXT), notes) == paint(**FULL)
    assert notes == []
    assert decoder_of(Paint)(wire(), notes) == paint()


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "abcd"},
        {"text": 7},
        {"whole": 1.5},
        {"whole": True},
        {"number": -2},
        {"number": 101},
        {"number": math.inf},
        {"number": True},
        {"flag": 1},
        {"tenth": 0.15},
        {"step": 0.3},
        {"colour": "Pink"},
        {"inner": 7},
        {"inner": {}},
        {"texts": []},
        {"texts": ["a"] * 4},
        {"texts": ["abc"]},
        {"texts": "a"},
        {"wholes": [0]},
        {"wholes": [1.5]},
        {"flags": [0]},
        {"numbers": ["1"]},
        {"whens": ["noon"]},
        {"inners": [{"count": 1}] * 3},
        {"more": 1},
    ],
    ids=str,
)
def test_what_is_not_as_declared_is_refused(changes: dict[str, Any]) -> None:
    payload = wire(**changes)
    with pytest.raises(Refused) as caught:
        decoder_of(Paint)(payload, [])
    assert caught.value.cls in (Paint, Inner)
    assert caught.value.node is payload or caught.value.above == [payload]


def test_whole_floats_are_integers_of_draft_6() -> None:
    made = decoder_of(Paint)(wire(whole=12.0, wholes=[1, 2.0]), [])
    assert [repr(number) for number in (made.whole, *made.wholes)] == ["12", "1", "2"]


def test_whole_floats_are_none_of_draft_4() -> None:
    payload = {"wholes": [1, 12.0]}
    with pytest.raises(Refused) as caught:
        decoder_of(Odd)(payload, [])
    expected = Violation("$.wholes[1]", "type", 12.0, "12.0 is not an integer")
    assert explain(caught.value, receiving=True) == expected
    assert decoder_of(Odd)({"wholes": [1, 20]}, []).wholes == [1, 20]


def test_what_is_only_understood_is_read_and_not_sent() -> None:
    assert decoder_of(Paint)(wire(colour="Old"), []).colour == "Old"
    with pytest.raises(Refused):
        decoder_of(Paint, receiving=False)(wire(colour="Old"), [])


def test_an_array_that_was_read_is_a_copy() -> None:
    payload = wire(texts=["a"], flags=[True])
    made = decoder_of(Paint)(payload, [])
    assert made.texts == ["a"]
    assert made.texts is not payload["texts"]


def test_the_rest_of_an_open_object_is_read_and_noted_for_its_depth() -> None:
    notes: list[Note] = []
    made = decoder_of(CustomData)({"vendorId": "v", "a": 1}, notes)
    assert (made.vendor_id, made.extra) == ("v", {"a": 1})
    assert notes == [OPEN_ENDED]


def test_what_is_no_object_is_the_fault_of_the_object_around_it() -> None:
    with pytest.raises(TypeError):
        decoder_of(Inner)(7, [])


def test_what_is_declared_by_a_schema_is_judged_by_it() -> None:
    decode = _new_decoder(Sing, receiving=True)
    assert decode({"song": "la"}, []) == Sing({"song": "la"})
    for payload in ({}, {"song": math.nan}, {"song": {"a": math.inf}}):
        with pytest.raises(Refused) as caught:
            decode(payload, [])
        assert (caught.value.cls, caught.value.node) == (Sing, payload)


# The first bad element, and what is compiled when.


@pytest.mark.parametrize("count", [1, 2, 3, 7, 100])
def test_the_first_element_that_is_refused_is_found(count: int) -> None:
    for bad in {0, 1, count // 2, count - 1} & set(range(count)):
        elements = [1] * bad + [0] * (count - bad)
        assert first_refused(Paint, "wholes", elements, receiving=True) == bad
    assert first_refused(Paint, "wholes", [1] * count, receiving=True) is None


def test_an_odd_time_among_the_elements_is_not_the_bad_one() -> None:
    elements = ["2024-05-01T12:00:00", "2024-05-01 12:00:00Z", "noon"]
    assert first_refused(Paint, "whens", elements, receiving=True) == 2


def test_what_is_compiled_on_first_use_is_compiled_once() -> None:
    asked: list[type[Message]] = []

    def compiled(cls: type[Message]) -> str:
        asked.append(cls)
        return cls.__name__

    table = _OnFirstUse[str](compiled)
    assert [table[Inner], table[Strict], table[Inner]] == ["Inner", "Strict", "Inner"]
    assert asked == [Inner, Strict]


def test_what_was_deleted_from_a_message_is_not_there() -> None:
    message = paint()
    del message.text
    assert "text" not in plain(message)
    with pytest.raises(SchemaViolation, match=r"^declared\.Paint cannot be sent: \$: text is missing$"):
        encode(message)


def test_a_message_as_json_data() -> None:
    assert plain(paint(inners=[{"count": 1}], texts=("a",))) == wire(
        inners=[{"count": 1}], texts=["a"], when="2024-05-01T12:00:00Z"
    )
    assert plain(CustomData(vendor_id="v", extra={"a": {1}})) == {"vendorId": "v", "a": {1}}
    with pytest.raises(ValueError, match=r"^extra is a mapping, not \[\]$"):
        plain(CustomData(vendor_id="v", extra=[]))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^extra repeats a member that has a field of its own$"):
        plain(CustomData(vendor_id="v", extra={"vendorId": "w"}))
