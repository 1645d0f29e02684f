"""LENIENT over every class of every version: it agrees with STRICT wherever that accepts, and never breaks."""

import json
import re
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings

from fuzz.payloads import mutated, payload
from fuzz.verdicts import CLASSES
from ocpp_sansio import strategies
from ocpp_sansio._codec import Refused, decoder
from ocpp_sansio._lenient import read_leniently
from ocpp_sansio.messages import Message
from ocpp_sansio.validation import Violation, noted, violations

every_class = pytest.mark.parametrize(
    "cls", CLASSES, ids=lambda cls: f"{cls.__module__.partition('.')[2]}.{cls.__name__}"
)


@every_class
def test_what_strict_accepts_lenient_reads_the_same(cls: type[Message]) -> None:
    @settings(max_examples=2, database=None)
    @given(strategies.payloads(cls))
    def agrees(payload: dict[str, Any]) -> None:
        assert read_leniently(cls, payload) == (decoder(cls)(payload, []), ())

    agrees()


def strictly(cls: type[Message], payload: dict[str, Any]) -> Any:
    """What the strict decoder makes of it with its notes as departures; None if it refuses."""
    notes: list[Any] = []
    try:
        return decoder(cls)(payload, notes), noted(payload, notes)
    except Refused:
        return None


@every_class
def test_changed_payloads_are_understood_or_refused(cls: type[Message]) -> None:
    random = Random(f"{cls.__module__}.{cls.__name__}")
    for _ in range(5):
        valid = payload(random, cls)  # with odd times
        assert read_leniently(cls, valid) == strictly(cls, valid)
        before = json.dumps(mutated(random, cls, valid))
        changed = json.loads(before)  # parsed JSON never holds one object twice
        expected = strictly(cls, changed)
        try:
            message, departures = read_leniently(cls, changed)
        except Refused:
            assert expected is None
            continue
        assert json.dumps(changed) == before
        assert (message, departures) == expected if expected else departures
        assert type(message) is cls
        assert len(departures) <= 16


@pytest.mark.parametrize("share", range(8))
def test_jsonschema_finds_the_same_departures(share: int) -> None:
    random = Random(share)
    compared = 0
    for cls in CLASSES[share::24]:
        for _ in range(10):
            changed = mutated(random, cls, payload(random, cls))
            try:
                _, departures = read_leniently(cls, changed)
            except Refused:
                continue
            judged = {(found.path, found.keyword) for found in violations(cls, changed)}
            listed = [place(departure) for departure in departures]
            if len(departures) < 16:
                assert {path for path, _ in judged} <= {path for path, _ in listed}
                compared += bool(judged)
            # What lenient alone finds: odd ways to write a time, and faults of what it has mended before.
            for index, (path, keyword) in enumerate(listed):
                earlier = [other for other, mending in listed[:index] if mending == "type"]
                assert (path, keyword) in judged or keyword == "format" or path.startswith(tuple(earlier))
    assert compared > 40


def place(departure: Violation) -> tuple[str, str]:
    """Path and keyword as jsonschema says them, for which a member too many or too few is the object's fault."""
    path = departure.path
    if departure.keyword in ("required", "additionalProperties"):
        path = re.sub(r"(\.\w+|\['.*'\])$", "", path)
    return path, departure.keyword
