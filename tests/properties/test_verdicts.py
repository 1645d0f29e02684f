"""Decoder and encoder agree with jsonschema about every class, on a hundred thousand random payloads.

`python3 run.py fuzz verdicts --examples 1000000` goes on from here.
"""

from random import Random

import pytest

from fuzz.verdicts import CLASSES, differences
from ocpp_sansio.messages import Message

PAIRS = 130  # of a valid and a changed payload for each class: 387 x 130 x 2 = 100,620

assert PAIRS * 2 * len(CLASSES) >= 100_000


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: f"{cls.__module__.partition('.')[2]}.{cls.__name__}")
def test_verdicts_and_round_trips(cls: type[Message]) -> None:
    random = Random(f"{cls.__module__}.{cls.__name__}")
    assert [found for _ in range(PAIRS) for found in differences(random, cls)] == []
