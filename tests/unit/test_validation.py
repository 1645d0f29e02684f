"""Explanations: the place, the keyword, the value, and a sentence that a person would write."""

import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from ocpp_sansio import SchemaViolation, Violation
from ocpp_sansio._codec import Refused, decoder
from ocpp_sansio.messages import CustomData, Message
from ocpp_sansio.v16 import call_result, datatypes
from ocpp_sansio.validation import encode, explain, noted
from tests.unit.declared import Colour, Inner, Paint, Strict, paint, wire


def explained(payload: dict[str, object], cls: type[Message] = Paint) -> Violation:
    with pytest.raises(Refused) as caught:
        decoder(cls)(payload, [])
    return explain(caught.value, receiving=True)


@pytest.mark.parametrize(
    ("changes", "path", "keyword", "message"),
    [
        ({"text": "abcd"}, "$.text", "maxLength", "4 characters, at most 3"),
        ({"text": 7}, "$.text", "type", "7 is not text"),
        ({"text": None}, "$.text", "type", "null is not text"),
        ({"whole": 1.5}, "$.whole", "type", "1.5 is not an integer"),
        ({"whole": "1"}, "$.whole", "type", "'1' is not an integer"),
        ({"number": True}, "$.number", "type", "true is not a number"),
        ({"number": math.inf}, "$.number", "type", "a number beyond all bounds is not a number"),
        ({"number": -2}, "$.number", "minimum", "-2, at least -1"),
        ({"number": 101}, "$.number", "maximum", "101, at most 100"),
        ({"flag": 1}, "$.flag", "type", "1 is not true or false"),
        (
            {"when": "noon"},
            "$.when",
            "format",
            "'noon' is not a date and time such as 2024-05-01T12:00:00Z",
        ),
        (
            {"colour": "red"},
            "$.colour",
            "enum",
            "'red' is not one of Red, Dark.Blue, Old; did you mean 'Red'?",
        ),
        ({"colour": 7}, "$.colour", "type", "7 is not text"),
        ({"inner": []}, "$.inner", "type", "an array is not an object"),
        ({"inner": {}}, "$.inner", "required", "count is missing"),
        ({"inner": {"count": 11}}, "$.inner.count", "maximum", "11, at most 10"),
        ({"tenth": 8.15}, "$.tenth", "multipleOf", "8.15 is not a multiple of 0.1"),
        ({"texts": []}, "$.texts", "minItems", "0 items, at least 1"),
        ({"texts": ["a"] * 4}, "$.texts", "maxItems", "4 items, at most 3"),
        ({"texts": ["a", "abc"]}, "$.texts[1]", "maxLength", "3 characters, at most 2"),
        ({"inners": [{"count": 1}, {"count": "1"}]}, "$.inners[1].count", "type", "'1' is not an integer"),
        ({"inners": [{"count": 1}, 7]}, "$.inners[1]", "type", "7 is not an object"),
        ({"unknown": 1}, "$", "additionalProperties", "unknown member 'unknown'"),
        (
            {"maybeInnr": 1},
            "$",
            "additionalProperties",
            "unknown member 'maybeInnr'; did you mean 'maybeInner'?",
        ),
        ({"it's {odd}": 7}, '$["it\'s {odd}"]', "type", "7 is not text"),
    ],
)
def test_a_violation_says_where_and_what(
    changes: dict[str, object], path: str, keyword: str, message: str
) -> None:
    violation = explained(wire(**changes))
    assert (violation.path, violation.keyword, violation.message) == (path, keyword, message)
    assert str(violation) == f"{path}: {message}"


def test_the_value_is_what_stands_there() -> None:
    assert explained(wire(text="abcd")).value == "abcd"


def test_a_missing_member_that_was_misspelt_is_named() -> None:
    payload = wire(colr="Red")
    del payload["colour"]
    assert str(explained(payload)) == "$: colour is missing; was it written 'colr'?"


def test_several_missing_members_are_named_together() -> None:
    payload = wire()
    del payload["colour"], payload["text"]
    assert str(explained(payload)) == "$: text, colour are missing"


def test_structure_is_reported_before_types_and_types_before_values() -> None:
    payload = wire(text="abcd", number="x", unknown=1)
    assert explained(payload).keyword == "additionalProperties"
    del payload["unknown"]
    assert explained(payload).keyword == "type"
    payload["number"] = 1
    assert explained(payload).keyword == "maxLength"


def test_long_values_are_shortened() -> None:
    message = explained(wire(colour="x" * 1000)).message
    assert message.startswith("'" + "x" * 37 + "...' is not one of")
    assert len(explained(wire(**{"k" * 1000: 1})).message) < 100


def test_a_long_list_of_choices_is_shortened() -> None:
    payload = {"value": "1", "unit": "parsec"}
    assert explained(payload, datatypes.SampledValue).message == (
        "'parsec' is not one of Wh, kWh, varh, kvarh, W, kW, ..."
    )


def test_a_disagreement_of_codec_and_judge_is_still_a_violation() -> None:
    payload = wire()
    violation = explain(Refused(Paint, payload), receiving=True)
    assert violation == Violation("$", "", payload, "not a valid Paint")


def test_of_several_arrays_the_first_bad_element_is_named() -> None:
    payload = wire(texts=["a"], wholes=[1, 2, 0, -1], inners=[7])
    assert str(explained(payload)) == "$.wholes[2]: 0, at least 1"
    payload["wholes"] = [1]
    assert str(explained(payload)) == "$.inners[0]: 7 is not an object"


def test_declared_members_are_explained_before_the_rest_of_an_open_object() -> None:
    rest = {"a": [1], "b": {"c": math.inf}, "d": math.inf}
    assert str(explained({"vendorId": 7, **rest}, CustomData)) == "$.vendorId: 7 is not text"
    violation = explained({"vendorId": "v", **rest}, CustomData)
    assert (violation.path, violation.keyword, violation.value) == ("$.b", "json", {"c": math.inf})
    assert violation.message.startswith("cannot be written as JSON: ")
    assert str(explained({"vendorID": "v", **rest}, CustomData)) == (
        "$: vendorId is missing; was it written 'vendorID'?"
    )


def test_a_violation_can_be_shown_whatever_its_value_is() -> None:
    assert "value=<int>" in repr(Violation("$", "type", 10**5000, "too long"))


def test_notes_are_violations_of_format() -> None:
    payload = {"whens": [], "inner": {"at": "2024-05-01T12:00:00"}}
    node = payload["inner"]
    [violation] = noted(payload, [(node, "at", "2024-05-01T12:00:00")])  # type: ignore[list-item]
    assert (violation.path, violation.keyword, violation.value) == (
        "$.inner.at",
        "format",
        "2024-05-01T12:00:00",
    )
    assert "RFC 3339" in violation.message


def test_encode_writes_json() -> None:
    assert encode(Inner(count=1, note="ä")) == '{"count":1,"note":"\\u00e4"}'


def test_odd_values_take_the_slow_path_to_the_same_text() -> None:
    odd = paint(texts=("a", "b"))
    odd.text = Colour.red
    assert encode(odd) == encode(paint(texts=["a", "b"], text="Red"))


def test_a_whole_float_is_an_integer_to_draft_6_only() -> None:
    message = paint(whole=12.0)
    assert '"whole":12.0' in encode(message)
    with pytest.raises(SchemaViolation, match=r"\$\.whole: 12\.0 is not an integer"):
        encode(Strict(whole=12.0))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("text", "abcd", "$.text: 4 characters, at most 3"),
        ("text", None, "$: text is missing"),
        ("text", object(), "$.text: object is not text"),
        ("colour", "Old", "$.colour: 'Old' is not one of Red, Dark.Blue"),
        ("when", "noon", "$.when: 'noon' is not a date and time"),
        ("number", math.nan, "$.number: a number beyond all bounds is not a number"),
        (
            "number",
            Decimal("1.234567890123456789"),
            "$.number: a Decimal that equals no double is not a number",
        ),
        ("inner", Strict(whole=1), "$.inner: count is missing"),
        ("inner", {"count": 1, "more": 2}, "$.inner: unknown member 'more'"),
        ("texts", {"a": 1}, "$.texts: an object is not an array"),
        ("odd_name", "\ud800", '$["it\'s {odd}"]: contains a lone surrogate'),
        (
            "when",
            datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))),
            "$.when: a time that UTC cannot express",
        ),
        pytest.param(
            "whole",
            10**5000,
            "$.whole: a number beyond all bounds cannot be written as JSON",
            id="5000 digits",
        ),
    ],
)
def test_what_cannot_be_sent_is_named(name: str, value: object, message: str) -> None:
    broken = paint()
    setattr(broken, name, value)
    with pytest.raises(SchemaViolation) as caught:
        encode(broken)
    assert message in str(caught.value)
    assert str(caught.value).startswith("declared.Paint cannot be sent: $")
    assert isinstance(caught.value.violation, Violation)


def test_a_message_that_contains_itself_is_refused() -> None:
    broken = paint(texts=["a"])
    broken.texts.append(broken.texts)  # type: ignore[union-attr, arg-type]
    with pytest.raises(SchemaViolation, match="cannot be written as JSON"):
        encode(broken)


def test_an_emoji_is_no_lone_surrogate() -> None:
    assert encode(paint(text="😀")).count("\\ud83d\\ude00") == 1


def test_a_subclass_of_datetime_is_a_time() -> None:
    class Moment(datetime):
        pass

    assert '"currentTime":"2024-05-01T12:00:00Z"' in encode(
        call_result.Heartbeat(current_time=Moment(2024, 5, 1, 12, tzinfo=UTC))
    )


def test_a_naive_time_set_later_is_utc() -> None:
    message = call_result.Heartbeat(current_time="2024-05-01T12:00:00Z")
    message.current_time = datetime(2024, 5, 1, 13)  # noqa: DTZ001
    assert encode(message) == '{"currentTime":"2024-05-01T13:00:00Z"}'
