"""Payloads of 1 MiB that are made to be expensive to refuse. What jsonschema is shown is counted, for time depends on the machine."""

from collections.abc import Iterator
from math import inf
from typing import Any

import pytest

from ocpp_sansio import _codec, validation
from ocpp_sansio._codec import Refused, decoder
from ocpp_sansio._lenient import read_leniently
from ocpp_sansio.messages import Message
from ocpp_sansio.v16 import call
from ocpp_sansio.v201 import call as call201
from ocpp_sansio.validation import encode, explain
from tests.unit.declared import Paint, paint, wire

MANY = 100_000


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Everything that jsonschema is asked about."""
    found: list[Any] = []
    make_judge = validation.make_judge

    def watching(schema: Any) -> Any:
        judge = make_judge(schema)

        class Watching:
            def iter_errors(self, node: Any) -> Iterator[Any]:
                found.append(node)
                return judge.iter_errors(node)

        return Watching()

    monkeypatch.setattr(validation, "make_judge", watching)
    monkeypatch.setattr(validation, "_judges", {})
    return found


def size(value: Any) -> int:
    """How many values are in a value."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(size, inside))


ONES: dict[str, Any] = dict.fromkeys(map(str, range(MANY)), 1)
TEXTS = list(ONES)
NUMBERS = list(range(MANY))


@pytest.mark.parametrize(
    ("cls", "payload", "place"),
    [
        (
            call201.Heartbeat,
            {"customData": {"vendorId": "x", **dict.fromkeys(ONES, inf)}},
            "$.customData['0']",
        ),
        (call201.Heartbeat, {"customData": {"vendorId": "x", **ONES, "z": [inf]}}, "$.customData.z"),
        (call201.Heartbeat, {"customData": {**ONES, "z": inf}}, "$.customData"),
        (call201.DataTransfer, {"vendorId": "x", "data": NUMBERS, "customData": {}}, "$.customData"),
        (call.Authorize, ONES, "$"),
        (call.Authorize, {"idTag": 7, **ONES}, "$"),
        (call.Authorize, {"idTag": NUMBERS}, "$.idTag"),
        (call.GetConfiguration, {"key": [*TEXTS, []]}, f"$.key[{MANY}]"),
        (call.GetConfiguration, {"key": NUMBERS}, "$.key[0]"),
        (call201.ClearVariableMonitoring, {"id": [*NUMBERS, inf]}, f"$.id[{MANY}]"),
        (call.MeterValues, {"connectorId": 1, "meterValue": TEXTS}, "$.meterValue[0]"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_jsonschema_is_shown_little(
    cls: type[Message], payload: dict[str, Any], place: str, shown: list[Any]
) -> None:
    with pytest.raises(Refused) as caught:
        decoder(cls)(payload, [])
    assert explain(caught.value, receiving=True).path == place
    assert 1 <= sum(map(size, shown)) < 2100


LENGTHS = {"text": 5}


def test_nothing_is_compiled_for_a_refusal_that_came_before(
    shown: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        for payload in (wire(text="abcdef"), wire(texts=[7]), wire(text=[]), wire(flag=[])):
            with pytest.raises(Refused) as caught:
                read_leniently(Paint, {**payload, "whole": None}, LENGTHS)
            explain(caught.value, receiving=True)
            with pytest.raises(Refused) as caught:
                _codec.widened_decoder(Paint, LENGTHS, receiving=True)(payload, [])
            explain(caught.value, receiving=True)
        assert encode(paint(text="abcde"), {Paint: LENGTHS})

    refuse()
    monkeypatch.setattr(_codec, "_compile", None)
    monkeypatch.setattr(validation, "make_judge", None)
    refuse()


def test_judges_are_kept_up_to_a_number(shown: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "MOST_JUDGES", 3)
    for longest in range(4, 12):
        payload = wire(text="x" * 20)
        refused = Refused(Paint, payload, {"text": longest})
        assert str(explain(refused, receiving=True)) == f"$.text: 20 characters, at most {longest}"
        assert len(validation._judges) <= 3
