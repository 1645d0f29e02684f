"""Every generated class: round trips, and verdicts that agree with jsonschema."""

import json
from decimal import Decimal
from typing import Any

import attrs
import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocpp_sansio._codec import Refused, decoder, encoder
from ocpp_sansio._datetime import parse_datetime
from ocpp_sansio.messages import Message
from ocpp_sansio.schema import schema_for
from ocpp_sansio.validation import encode, explain
from tests.properties.strategies import CLASSES, classes_and_payloads, mutated_payloads, payloads


@pytest.mark.parametrize(
    "cls", CLASSES, ids=lambda cls: f"{cls.__module__.rpartition('.')[2]}.{cls.__name__}"
)
def test_round_trip_of_every_class(cls: type[Message]) -> None:
    @settings(max_examples=25, database=None)
    @given(payloads(cls))
    def round_trip(payload: dict[str, Any]) -> None:
        notes: list[Any] = []
        message = decoder(cls)(payload, notes)
        assert notes == []
        text = encoder(cls)(message)
        assert normal(json.loads(text)) == normal(payload)
        assert decoder(cls)(json.loads(text), []) == message
        assert encode(message) == text

    round_trip()


def normal(value: Any) -> Any:
    """Times as instants: `.000Z` and `Z` are the same."""
    if isinstance(value, dict):
        return {key: normal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [normal(item) for item in value]
    if isinstance(value, str) and len(value) in (20, 24) and value.endswith("Z"):
        try:
            return parse_datetime(value)
        except ValueError:
            return value
    return value


@settings(max_examples=300)
@given(classes_and_payloads())
def test_a_decoded_message_is_what_its_constructor_makes(drawn: tuple[type[Message], dict[str, Any]]) -> None:
    cls, payload = drawn
    message = decoder(cls)(payload, [])
    again = cls(**{field.name: getattr(message, field.name) for field in attrs.fields(cls)})
    assert again == message


formats = jsonschema.FormatChecker(formats=())


@formats.checks("date-time", raises=ValueError)
def is_time(value: object) -> bool:
    if isinstance(value, str):
        parse_datetime(value)
    return True


def exact(value: Any) -> Any:
    """Floats as the decimals that their text says: the judge's multipleOf is wrong on binary floats."""
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [exact(item) for item in value]
    if isinstance(value, float):
        return Decimal(repr(value))
    return value


def _is_number(_: object, value: object) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def _is_integer_4(_: object, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_integer_6(checker: object, value: object) -> bool:
    return _is_integer_4(checker, value) or (
        isinstance(value, Decimal) and value == value.to_integral_value()
    )


JUDGES = {}
for _cls in CLASSES:
    _schema = schema_for(_cls, receiving=True)
    for _draft, _base, _is_integer in (
        (4, jsonschema.Draft4Validator, _is_integer_4),
        (6, jsonschema.Draft6Validator, _is_integer_6),
    ):
        if _cls.__draft__ == _draft:
            _types = _base.TYPE_CHECKER.redefine_many({"number": _is_number, "integer": _is_integer})
            _schema = json.loads(json.dumps(_schema), parse_float=Decimal)
            JUDGES[_cls] = jsonschema.validators.extend(_base, type_checker=_types)(
                _schema, format_checker=formats
            )


@settings(max_examples=3000)
@given(
    mutated_payloads() | st.sampled_from(CLASSES).flatmap(lambda cls: st.tuples(st.just(cls), payloads(cls)))
)
def test_decoder_and_encoder_agree_with_jsonschema(drawn: tuple[type[Message], dict[str, Any]]) -> None:
    cls, payload = drawn
    valid = JUDGES[cls].is_valid(exact(payload))
    try:
        message = decoder(cls)(payload, [])
    except Refused as refused:
        assert not valid
        violation = explain(payload, refused, receiving=True)
        assert violation.keyword != ""
        assert violation.path.startswith("$")
        assert len(violation.message) < 300
    else:
        assert valid
        # What was understood can be sent, unless it holds a value that is for receiving only.
        if '"Hertz"' not in json.dumps(payload):
            again = json.loads(encode(message))
            assert JUDGES[cls].is_valid(exact(again))
