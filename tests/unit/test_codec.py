"""The compiled codec: what a decoder refuses, what an encoder writes, and that each stays on its side of the line."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum

import pytest

from ocpp_sansio._codec import (
    ODDITIES,
    Refused,
    decoder,
    encoder,
    first_refused,
    plain,
    sending_decoder,
    widened_decoder,
)
from ocpp_sansio._values import MOST_NOTES, OPEN_ENDED, Note, is_multiple, is_unicode
from ocpp_sansio.v16 import call, call_result, datatypes
from ocpp_sansio.v201 import call as call201
from tests.unit.declared import Colour, Inner, Paint, PaintResult, Strict, paint, wire


def decode(payload: object) -> Paint:
    return decoder(Paint)(payload, [])


def refused(payload: object) -> Refused:
    with pytest.raises(Refused) as caught:
        decode(payload)
    return caught.value


def test_a_payload_becomes_the_object_that_a_user_would_make() -> None:
    assert decode(wire()) == paint()
    everything = {
        "tenth": 0.3,
        "step": 1.75,
        "it's {odd}": "x",
        "texts": ["a", "bc"],
        "wholes": [1, 2],
        "flags": [True, False],
        "numbers": [1, 2.5],
        "whens": ["2024-05-01T12:00:00Z"],
        "colours": ["Red", "Dark.Blue"],
        "inners": [{"count": 1, "note": "n"}],
        "maybeColour": "Old",
        "maybeInner": {"count": 0},
        "maybeWhen": "2024-05-01T12:00:00.5Z",
    }
    decoded = decode(wire(**everything))
    assert decoded == paint(
        tenth=0.3,
        step=1.75,
        odd_name="x",
        texts=["a", "bc"],
        wholes=[1, 2],
        flags=[True, False],
        numbers=[1, 2.5],
        whens=[datetime(2024, 5, 1, 12, tzinfo=UTC)],
        colours=[Colour.red, Colour.dark_blue],
        inners=[{"count": 1, "note": "n"}],
        maybe_colour=Colour.old,
        maybe_inner=Inner(count=0),
        maybe_when="2024-05-01T12:00:00.5Z",
    )
    assert json.loads(encoder(Paint)(decoded)) == {
        **wire(),
        **everything,
        "maybeWhen": "2024-05-01T12:00:00.500Z",
    }


@pytest.mark.parametrize(
    ("changes", "ok"),
    [
        ({"text": ""}, True),
        ({"text": "😀😀😀"}, True),  # J201-1104: code points are counted
        ({"text": "abcd"}, False),
        ({"text": 7}, False),
        ({"text": None}, False),
        ({"text": ["a"]}, False),
        ({"whole": 0}, True),
        ({"whole": 10**30}, True),
        ({"whole": 12.0}, True),  # J16-215: an integer to draft 6
        ({"whole": 12.5}, False),
        ({"whole": True}, False),
        ({"whole": "1"}, False),
        ({"whole": float("inf")}, False),
        ({"number": 7}, True),
        ({"number": -1}, True),
        ({"number": 100.0}, True),
        ({"number": -1.01}, False),
        ({"number": 100.01}, False),
        ({"number": True}, False),
        ({"number": float("inf")}, False),  # 1e400
        ({"number": float("nan")}, False),
        ({"flag": False}, True),
        ({"flag": 1}, False),
        ({"flag": "true"}, False),
        ({"when": "noon"}, False),
        ({"when": 7}, False),
        ({"colour": "Old"}, True),
        ({"colour": "red"}, False),
        ({"colour": 7}, False),
        ({"colour": []}, False),
        ({"inner": {}}, False),
        ({"inner": []}, False),
        ({"inner": "count"}, False),
        ({"inner": {"count": 11}}, False),
        ({"inner": {"count": -1}}, False),
        ({"inner": {"count": 10, "note": "long text"}}, False),
        ({"inner": {"count": 10, "more": 1}}, False),
        ({"tenth": 21.4}, True),  # J16-216
        ({"tenth": 8.1}, True),
        ({"tenth": 5}, True),
        ({"tenth": 8.15}, False),
        ({"step": 0.75}, True),
        ({"step": 0.8}, False),
        ({"texts": []}, False),
        ({"texts": ["a"] * 3}, True),
        ({"texts": ["a"] * 4}, False),
        ({"texts": ["abc"]}, False),
        ({"texts": [7]}, False),
        ({"texts": "a"}, False),
        ({"texts": {"a": 1}}, False),
        ({"wholes": [1.0]}, True),
        ({"wholes": [0]}, False),
        ({"wholes": [True]}, False),
        ({"flags": [1]}, False),
        ({"numbers": ["1"]}, False),
        ({"whens": ["noon"]}, False),
        ({"colours": ["Green"]}, False),
        ({"inners": []}, True),
        ({"inners": [{"count": 1}] * 3}, False),
        ({"inners": [{"count": "1"}]}, False),
        ({"inners": [1]}, False),
        ({"maybeInner": None}, False),
        ({"odd_name": "x"}, False),  # a Python name is not a wire name
        ({"unknown": 1}, False),
        ({"tenth": 0.1, "unknown": 1}, False),
    ],
)
def test_each_assertion_is_checked(changes: dict[str, object], ok: bool) -> None:
    payload = wire(**changes)
    if ok:
        decode(payload)
    else:
        assert refused(payload).node in (payload, payload.get("inner"), *payload.get("inners", []))  # type: ignore[misc]


@pytest.mark.parametrize("name", wire())
def test_each_required_member_is_required(name: str) -> None:
    payload = wire()
    del payload[name]
    assert refused(payload).node is payload


def test_the_refusing_node_is_the_innermost_object() -> None:
    payload = wire(inners=[{"count": 1}, {"count": 99}])
    found = refused(payload)
    assert found.node is payload["inners"][1]  # type: ignore[index]
    assert found.cls is Inner
    payload = wire(inners=[{"count": 1}, 7])
    assert refused(payload).node is payload


def test_draft_4_knows_no_integer_12_0() -> None:
    assert decoder(Strict)({"whole": 12}, []).whole == 12
    for wrong in (12.0, True, -1):
        with pytest.raises(Refused):
            decoder(Strict)({"whole": wrong}, [])


def test_a_whole_float_becomes_an_integer() -> None:
    whole = decode(wire(whole=12.0)).whole
    assert (whole, type(whole)) == (12, int)


def test_a_list_in_the_message_is_not_the_list_of_the_payload() -> None:
    payload = wire(texts=["a"])
    decode(payload).texts.append("b")  # type: ignore[union-attr]
    assert payload["texts"] == ["a"]


def test_an_empty_message_takes_an_empty_object_only() -> None:
    assert decoder(PaintResult)({}, []) == PaintResult()
    assert encoder(PaintResult)(PaintResult()) == "{}"
    with pytest.raises(Refused):
        decoder(PaintResult)({"a": 1}, [])


def test_a_message_of_optional_members_has_no_leading_comma() -> None:
    assert encoder(call.GetConfiguration)(call.GetConfiguration(key=["a"])) == '{"key":["a"]}'
    assert encoder(call.GetConfiguration)(call.GetConfiguration()) == "{}"


def test_absent_members_are_not_written() -> None:
    assert json.loads(encoder(Paint)(paint())) == wire()


def test_numbers_are_written_as_they_are() -> None:
    text = encoder(Paint)(paint(number=1e-7, whole=10**20, numbers=[1, 0.1, 1e16, -0.0]))
    assert '"number":1e-07' in text
    assert '"whole":100000000000000000000' in text
    assert '"numbers":[1,0.1,1e+16,-0.0]' in text


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "abcd"},
        {"text": None},
        {"text": Colour.red},
        {"whole": 1.0},
        {"whole": True},
        {"number": Decimal("1.5")},
        {"number": float("nan")},
        {"number": 101},
        {"flag": 1},
        {"when": "2024-05-01T12:00:00Z"},
        {"colour": "Old"},  # receive-only
        {"colour": "Green"},
        {"colour": ["Red"]},
        {"inner": {"count": 1}},
        {"inner": Strict(whole=1)},
        {"tenth": 0.15},
        {"texts": ("a",)},
        {"texts": ["abc"]},
        {"texts": []},
        {"flags": [1]},
        {"inners": [None]},
        {"whens": ["2024-05-01T12:00:00Z"]},
    ],
)
def test_the_fast_encoder_leaves_what_is_unusual(changes: dict[str, object]) -> None:
    message = paint()
    for name, value in changes.items():
        setattr(message, name, value)  # no converter runs on assignment
    with pytest.raises(ODDITIES):
        encoder(Paint)(message)


def test_the_encoder_of_a_class_is_for_that_class() -> None:
    with pytest.raises(ODDITIES):
        encoder(Inner)(Strict(whole=1))


def test_codecs_are_compiled_once() -> None:
    assert decoder(Paint) is decoder(Paint)
    assert encoder(Paint) is encoder(Paint)
    assert decoder(Paint) is not sending_decoder(Paint)


def test_decoders_with_longer_members_are_compiled_once() -> None:
    kept = widened_decoder(Paint, {"text": 4, "it's {odd}": 9}, receiving=True)
    assert kept(wire(text="abcd"), []).text == "abcd"
    assert widened_decoder(Paint, {"it's {odd}": 9, "text": 4}, receiving=True) is kept
    assert widened_decoder(Paint, {"text": 5}, receiving=True) is not kept
    sending = widened_decoder(Paint, {"text": 4, "it's {odd}": 9}, receiving=False)
    with pytest.raises(Refused):
        sending(wire(colour="Old"), [])


def test_without_lengths_the_decoder_is_that_of_the_class() -> None:
    assert widened_decoder(Paint, {}, receiving=True) is decoder(Paint)
    assert widened_decoder(Paint, {}, receiving=False) is sending_decoder(Paint)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
def test_the_first_refused_element_is_found_wherever_it_is(size: int) -> None:
    good = ["ab"] * size
    assert first_refused(Paint, "texts", good, receiving=True) is None  # however many may be there
    for bad in range(size):
        elements = [*good[:bad], "abc", *good[bad + 1 :]]
        assert first_refused(Paint, "texts", elements, receiving=True) == bad
        assert first_refused(Paint, "texts", [*elements, 7], receiving=False) == bad


def test_open_ended_data_is_noted_once_and_first_and_takes_no_room_of_times() -> None:
    value = {
        "timestamp": "2024-05-01T12:00:00",
        "sampledValue": [{"value": 1, "customData": {"vendorId": "v", "more": [1]}}],
    }
    notes: list[Note] = []
    decoder(call201.MeterValues)({"evseId": 1, "meterValue": [value] * 20}, notes)
    assert notes[0] is OPEN_ENDED
    assert notes[1:] == [(value, "timestamp", "2024-05-01T12:00:00")] * MOST_NOTES


def test_what_may_be_received_may_not_always_be_sent() -> None:
    assert decoder(Paint)(wire(colour="Old"), []).colour is Colour.old
    with pytest.raises(Refused):
        sending_decoder(Paint)(wire(colour="Old"), [])


def test_official_enum_departures_are_understood_and_hertz_is_not_sent() -> None:
    for unit in ("Celcius", "Celsius", "Hertz"):
        assert decoder(datatypes.SampledValue)({"value": "1", "unit": unit}, []).unit == unit
    with pytest.raises(Refused):
        sending_decoder(datatypes.SampledValue)({"value": "1", "unit": "Hertz"}, [])


class Level(IntEnum):
    low = 1


def test_plain_makes_odd_values_plain_and_loses_nothing() -> None:
    message = paint(number=Decimal("1.5"), whole=Level.low)
    message.text = Colour.red
    message.texts = ("a", Colour.red)  # type: ignore[assignment]
    message.inners = (Inner(count=1),)  # type: ignore[assignment]
    assert plain(message) == wire(number=1.5, text="Red", texts=["a", "Red"], inners=[{"count": 1}])
    assert type(plain(message)["text"]) is str
    assert type(plain(message)["whole"]) is int
    message.number = Decimal(12)
    assert plain(message)["number"] == 12
    for no_double in ("NaN", "-Infinity", "1.234567890123456789", "1e400", "-1e1000000000"):
        message.number = Decimal(no_double)
        assert isinstance(plain(message)["number"], Decimal)
    message.flag = True
    assert plain(message)["flag"] is True


@pytest.mark.parametrize("tenths", range(1001))
def test_every_one_decimal_value_is_a_multiple_of_a_tenth(tenths: int) -> None:
    assert is_multiple(float(f"{tenths // 10}.{tenths % 10}"), 0.1)


@pytest.mark.parametrize(
    ("value", "step", "expected"),
    [
        (8.15, 0.1, False),
        (1e-9, 0.1, False),
        (-0.3, 0.1, True),
        (7, 0.1, True),
        (1e300, 0.1, True),
        (123456789012.3, 0.1, True),
        (123456789012.34, 0.1, False),
        (0.0, 0.01, True),
        (0.07, 0.01, True),
        (0.075, 0.01, False),
        (21, 7, True),
        (22, 7, False),
    ],
)
def test_multiples_are_judged_by_decimal_text(value: float, step: float, expected: bool) -> None:
    assert is_multiple(value, step) is expected


def test_unicode_is_judged_at_every_depth() -> None:
    assert is_unicode({"a": ["ä", "😀"]})
    assert not is_unicode({"a": ["\ud800"]})
    assert not is_unicode({"\udfff": 1})
    deep: list[object] = ["ä"]
    for _ in range(100_000):
        deep = [deep]
    assert is_unicode(deep)
    assert not is_unicode([{"a": deep, "b": ["\ud800"]}])


def test_unicode_is_judged_in_what_is_not_json() -> None:
    for odd in (Decimal("1.5"), object(), {b"\xed\xa0\x80": 1}, (Decimal(1),)):
        assert is_unicode(odd)
        assert is_unicode([odd, {"a": "ä"}])
        assert not is_unicode([odd, {"a": ("\ud800",)}])
        assert not is_unicode([odd, {"\udfff": 1}])
    endless: list[object] = ["ä"]
    endless.append(endless)
    assert is_unicode(endless)
    assert not is_unicode([endless, "\ud800"])


def test_a_field_of_no_json_type_is_an_error() -> None:
    import attrs

    from ocpp_sansio.messages import Datatype

    @attrs.define(kw_only=True)
    class Wrong(Datatype):
        member: set[int]

    with pytest.raises(TypeError, match=r"Wrong\.member: set\[int\] is not a type that a message can have"):
        decoder(Wrong)


def test_results_of_the_version_are_decoded() -> None:
    answer = decoder(call_result.BootNotification)(
        {"status": "Accepted", "currentTime": "2024-05-01T12:00:00Z", "interval": 1}, []
    )
    assert answer.status == "Accepted"
