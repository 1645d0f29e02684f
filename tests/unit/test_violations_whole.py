"""Violations compared whole: place, keyword, value and sentence, of what is received and of what is to be sent."""

import json
import math
from collections.abc import Callable
from typing import Any, cast

import attrs
import pytest

from ocpp_sansio import Connection, FrameRejected, Role, SchemaViolation, Violation, validation
from ocpp_sansio import converters as to
from ocpp_sansio._codec import Refused, decoder
from ocpp_sansio._lenient import read_leniently
from ocpp_sansio._values import OPEN_ENDED, any_text
from ocpp_sansio.messages import ABSENT, CustomData, Datatype, Message, Raw, limits
from ocpp_sansio.v16 import call as call16
from ocpp_sansio.v21 import call as call21
from ocpp_sansio.validation import encode, encode_unjudged, explain, noted, violations
from tests.unit.declared import Colour, Inner, Paint, paint, wire

ISO = "2024-05-01T12:00:00"

SONG = {"type": "object", "required": ["song"], "properties": {"song": {"type": "string", "maxLength": 2}}}
Sing = Raw.declare("Sing", request=SONG, response={})
Lost = Raw.declare("Lost", request={"$ref": "#/definitions/" + "n" * 200}, response={})


@attrs.define(kw_only=True, eq=False, repr=False, weakref_slot=False, on_setattr=attrs.setters.NO_OP)
class Palette(Datatype):
    """Arrays whose elements are judged one by one."""

    colours: list[Colour] | None = attrs.field(
        default=None,
        converter=to.optional_enum_list[Colour],
        metadata=limits(items=limits(receive_only=("Old",))),
    )
    things: list[Any] | None = attrs.field(default=cast("None", ABSENT))
    inners: list[Inner] | None = attrs.field(default=None, converter=to.optional_datatype_list[Inner])


@pytest.fixture(autouse=True)
def no_judge_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judges are made on first use and kept; here, each test makes its own."""
    monkeypatch.setattr(validation, "_judges", {})


def explained(cls: type[Message], payload: dict[str, Any]) -> Violation:
    with pytest.raises(Refused) as caught:
        decoder(cls)(payload, [])
    return explain(caught.value, receiving=True)


def refused(write: Callable[[], str]) -> SchemaViolation:
    with pytest.raises(SchemaViolation) as caught:
        write()
    return caught.value


# What is received.


def blamed(cls: type[Message], payload: dict[str, Any]) -> Violation:
    """Why LENIENT could not mend it."""
    with pytest.raises(Refused) as caught:
        read_leniently(cls, payload)
    return explain(caught.value, receiving=True)


def test_what_is_missing_is_said_of_the_object_that_lacks_it() -> None:
    node = {"unknown": 1}
    assert blamed(call16.Authorize, node) == Violation("$", "required", node, "idTag is missing")


def test_what_cannot_be_mended_is_shown_as_it_came() -> None:
    sentence = "an array is not text"
    assert blamed(call16.Authorize, {"idTag": [1, 2]}) == Violation("$.idTag", "type", [1, 2], sentence)


def test_of_all_violations_each_is_named_by_its_whole_path() -> None:
    sample = {"value": "1", "unit": "Joule"}
    payload = {
        "connectorId": 1,
        "meterValue": [{"timestamp": ISO + "Z", "sampledValue": [{"value": "1"}, sample]}],
    }
    (violation,) = violations(call16.MeterValues, payload)
    assert violation.path == "$.meterValue[0].sampledValue[1].unit"


@pytest.mark.parametrize(
    ("cls", "payload", "expected"),
    [
        (Paint, wire(text="abcd"), Violation("$.text", "maxLength", "abcd", "4 characters, at most 3")),
        (Paint, wire(text={"a": 1}), Violation("$.text", "type", {"a": 1}, "an object is not text")),
        (Paint, wire(inner={}), Violation("$.inner", "required", {}, "count is missing")),
        (
            Paint,
            wire(inner={"count": 1, "x": 2}),
            Violation("$.inner", "additionalProperties", {"count": 1, "x": 2}, "unknown member 'x'"),
        ),
        (Paint, wire(texts=[]), Violation("$.texts", "minItems", [], "0 items, at least 1")),
        (
            Paint,
            wire(texts=["a"] * 5),
            Violation("$.texts", "maxItems", ["a"] * 5, "5 items, at most 3"),
        ),
        (
            Paint,
            wire(texts=["a", "abc"]),
            Violation("$.texts[1]", "maxLength", "abc", "3 characters, at most 2"),
        ),
        (Paint, wire(inners=[{"count": 1}, 7]), Violation("$.inners[1]", "type", 7, "7 is not an object")),
        (
            Paint,
            wire(inners=[{"count": 1}, {"count": 11}]),
            Violation("$.inners[1].count", "maximum", 11, "11, at most 10"),
        ),
        (
            Palette,
            {"colours": ["Old", "rouge"]},
            Violation("$.colours[1]", "enum", "rouge", "'rouge' is not one of Red, Dark.Blue, Old"),
        ),
    ],
)
def test_what_is_wrong_is_told_whole(
    cls: type[Message], payload: dict[str, Any], expected: Violation
) -> None:
    assert explained(cls, payload) == expected


@pytest.mark.parametrize(
    ("cls", "payload", "expected"),
    [
        (Sing, {}, Violation("$", "required", {}, "song is missing")),
        (Sing, {"song": 7}, Violation("$.song", "type", 7, "7 is not text")),
        (Sing, {"song": "abc"}, Violation("$.song", "maxLength", "abc", "3 characters, at most 2")),
        (
            Lost,
            {"a": 1},
            Violation(
                "$",
                "",
                {"a": 1},
                f"cannot be judged by its schema: {('PointerToNowhere: ' + repr('/definitions/' + 'n' * 200))[:100]}",
            ),
        ),
    ],
)
def test_what_is_wrong_by_a_users_schema_is_told_whole(
    cls: type[Message], payload: dict[str, Any], expected: Violation
) -> None:
    assert explained(cls, payload) == expected


def test_what_is_no_json_cannot_be_judged_by_a_users_schema() -> None:
    payload = {"song": "a", "x": math.inf}
    with pytest.raises(ValueError, match="not JSON compliant") as words:
        any_text(payload)
    assert explained(Sing, payload) == Violation(
        "$", "", payload, f"cannot be judged by its schema: {words.value}"
    )


def test_the_rest_of_an_open_object_is_json() -> None:
    value = {"b": [math.inf]}
    with pytest.raises(ValueError, match="not JSON compliant") as words:
        any_text(value)
    expected = Violation("$.a", "json", value, f"cannot be written as JSON: {words.value}")
    assert explained(CustomData, {"vendorId": "v", "a": value}) == expected


@pytest.mark.parametrize(
    ("cls", "payload", "sentence"),
    [
        (Sing, {"song": "a"}, "not a valid Sing"),
        (Paint, wire(), "not a valid Paint"),
        (Paint, wire(inners=[{"count": 1}], texts=["a"]), "not a valid Paint"),
        (CustomData, {"vendorId": "v", "a": [1]}, "not a valid CustomData"),
    ],
)
@pytest.mark.parametrize("receiving", [True, False])
def test_whoever_refuses_what_is_valid_is_told_so(
    cls: type[Message], payload: dict[str, Any], sentence: str, receiving: bool
) -> None:
    violation = explain(Refused(cls, payload), receiving=receiving)
    assert violation == Violation("$", "", payload, sentence)


def test_the_place_of_an_object_within_is_told_from_the_top() -> None:
    payload = wire(inner={"count": 1, "note": "x" * 6})
    assert explained(Paint, payload) == Violation(
        "$.inner.note", "maxLength", "x" * 6, "6 characters, at most 5"
    )


def test_notes_are_told_whole_and_depth_is_no_departure() -> None:
    inner = {"at": ISO}
    words = f"'{ISO}' was read as a time, but not written as RFC 3339 with at most 3 decimals"
    assert noted({"inner": inner}, [OPEN_ENDED, (inner, "at", ISO)]) == (
        Violation("$.inner.at", "format", ISO, words),
    )


# All at once.


def test_all_violations_are_listed_in_order_of_the_class() -> None:
    assert violations(Paint, wire(number="x", text="abcd")) == (
        Violation("$.text", "maxLength", "abcd", "4 characters, at most 3"),
        Violation("$.number", "type", "x", "'x' is not a number"),
    )
    assert violations(Paint, wire()) == ()
    (missing,) = violations(Paint, {"number": 1})  # all of them, and once
    assert missing.message == "text, whole, flag, when, colour, inner are missing"


def test_what_is_only_understood_is_a_violation_where_it_is_sent() -> None:
    payload = wire(colour="Old")
    expected = (Violation("$.colour", "enum", "Old", "'Old' is not one of Red, Dark.Blue"),)
    assert violations(Paint, payload) == violations(Paint, payload, receiving=True) == ()
    assert violations(Paint, payload, receiving=False) == expected


# What is to be sent.


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"text": "abcd"}, Violation("$.text", "maxLength", "abcd", "4 characters, at most 3")),
        ({"colour": "Old"}, Violation("$.colour", "enum", "Old", "'Old' is not one of Red, Dark.Blue")),
        ({"texts": ["a", "abc"]}, Violation("$.texts[1]", "maxLength", "abc", "3 characters, at most 2")),
        (
            {"text": "\ud800"},
            Violation("$.text", "type", "\ud800", "contains a lone surrogate, which is not Unicode"),
        ),
        (
            {"inner": {"count": 1, "more": 2}},
            Violation("$.inner", "additionalProperties", {"count": 1, "more": 2}, "unknown member 'more'"),
        ),
    ],
)
def test_what_cannot_be_sent_is_told_whole(changes: dict[str, Any], expected: Violation) -> None:
    broken = paint()
    for name, value in changes.items():
        setattr(broken, name, value)
    error = refused(lambda: encode(broken))
    assert error.violation == expected
    assert str(error) == f"declared.Paint cannot be sent: {expected}"


def test_an_element_that_is_only_understood_cannot_be_sent() -> None:
    violation = refused(lambda: encode(Palette(colours=["Old"]))).violation
    assert violation == Violation("$.colours[0]", "enum", "Old", "'Old' is not one of Red, Dark.Blue")


def test_an_element_of_any_kind_is_json() -> None:
    assert encode(Palette(things=[1, None, {"a": [2]}])) == '{"things":[1,null,{"a":[2]}]}'
    violation = explained(Palette, {"things": [1, {"a": math.inf}]})
    assert (violation.path, violation.keyword, violation.value) == ("$.things[1]", "json", {"a": math.inf})


@pytest.mark.parametrize(
    ("payload", "path", "value", "sentence"),
    [
        ([], "$", [], "an array is not an object"),
        ({"a": ["\ud800"]}, "$.a[0]", "\ud800", "contains a lone surrogate, which is not Unicode"),
    ],
)
def test_what_goes_out_unjudged_is_a_unicode_object(
    payload: Any, path: str, value: Any, sentence: str
) -> None:
    message = Raw("X")
    message.payload = payload
    error = refused(lambda: encode_unjudged(message))
    assert error.violation == Violation(path, "type", value, sentence)
    assert str(error) == f"messages.Raw cannot be sent: {path}: {sentence}"


def test_what_is_no_json_is_told_in_the_words_of_python() -> None:
    odd = object()
    with pytest.raises(TypeError) as words:
        json.dumps(odd)
    error = refused(lambda: encode_unjudged(Raw("X", {"a": {"b": odd}})))
    sentence = f"object cannot be written as JSON: {words.value}"
    assert error.violation == Violation("$.a.b", "type", odd, sentence)
    assert str(error) == f"messages.Raw cannot be sent: $.a.b: {sentence}"
    assert isinstance(error.__cause__, TypeError)


def test_an_open_object_that_repeats_a_member_is_told_whole() -> None:
    message = call21.Heartbeat(custom_data=CustomData(vendor_id="a", extra={"vendorId": "b"}))
    error = refused(lambda: encode(message))
    sentence = "cannot be written as JSON: extra repeats a member that has a field of its own"
    assert error.violation == Violation("$", "type", None, sentence)
    assert str(error) == f"call.Heartbeat cannot be sent: $: {sentence}"
    assert isinstance(error.__cause__, ValueError)


def test_judges_are_kept_and_thrown_away_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "MOST_JUDGES", 2)
    kept = validation._judges
    explained(Paint, wire(text=7))
    first = dict(kept)
    explained(Paint, wire(text=8))
    assert kept == first
    explained(Inner, {"count": "x"})
    assert len(kept) == 2
    explained(Palette, {"things": 7})
    assert len(kept) == 1


@pytest.mark.parametrize("element", [["x", "y"], [], None, 7])
def test_of_a_bad_element_the_value_is_what_stands_there(element: Any) -> None:
    [found] = [explained(Palette, {"inners": [{"count": 1}, element]})]
    assert (found.path, found.keyword, found.value) == ("$.inners[1]", "type", element)


def test_a_value_that_is_only_understood_may_be_what_was_meant_by_a_received_one() -> None:
    sample = {"value": "50", "unit": "hertz"}
    payload = {"connectorId": 1, "meterValue": [{"timestamp": ISO + "Z", "sampledValue": [sample]}]}
    csms = Connection(Role.CSMS, "1.6")
    csms.receive_text(json.dumps([2, "1", "MeterValues", payload]), now=0.0)
    refusal = csms.next_event()
    assert isinstance(refusal, FrameRejected)
    assert refusal.error.description.endswith("did you mean 'Hertz'?")
