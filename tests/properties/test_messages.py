"""Every class of 1.6: round trips, and construction. Verdicts and the other versions: test_verdicts.py."""

import json
from typing import Any

import attrs
import pytest
from hypothesis import given, settings

from ocpp_sansio._codec import decoder, encoder
from ocpp_sansio._datetime import parse_datetime
from ocpp_sansio.messages import Message
from ocpp_sansio.validation import encode
from tests.properties.strategies import CLASSES, classes_and_payloads, payloads


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
