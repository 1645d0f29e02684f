"""The public strategies, in a few examples that are the same in each run; tests/properties draws many."""

import json
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ocpp_sansio import Version, strategies
from ocpp_sansio._codec import decoder
from ocpp_sansio.messages import Message
from ocpp_sansio.v16 import call as call16
from ocpp_sansio.v21 import call, call_result, datatypes

versions = pytest.mark.parametrize("version", Version)


@pytest.fixture(autouse=True)
def nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever other tests have drawn before."""
    monkeypatch.setattr(strategies, "_payloads", {})


def test_a_strategy_is_made_once() -> None:
    assert strategies.payloads(call.MeterValues) is strategies.payloads(call.MeterValues)


def drawn(strategy: st.SearchStrategy[Any], examples: int = 25) -> list[Any]:
    """So many examples."""
    found: list[Any] = []

    @settings(max_examples=examples, database=None, derandomize=True, phases=[Phase.generate])
    @given(strategy)
    def draw(value: Any) -> None:
        found.append(value)

    draw()
    return found


@pytest.mark.parametrize(
    "cls",
    [call.NotifyDERAlarm, call.MeterValues, call_result.GetVariables, call16.RemoteStartTransaction],
    ids=lambda cls: f"{cls.__module__}.{cls.__name__}",
)
def test_payloads_have_all_that_is_required_and_at_times_what_is_not(cls: type[Message]) -> None:
    payloads = drawn(strategies.payloads(cls))
    messages = [decoder(cls)(payload, []) for payload in payloads]
    assert all(type(message) is cls for message in messages)
    assert len({frozenset(payload) for payload in payloads}) > 1


def test_what_is_open_has_members_of_any_name() -> None:
    payloads = drawn(strategies.payloads(datatypes.CustomData))
    assert all(isinstance(payload["vendorId"], str) for payload in payloads)
    assert any(len(payload) > 1 for payload in payloads)


@versions
def test_frames_are_of_each_kind(version: Version) -> None:
    frames = [json.loads(text) for text in drawn(strategies.frames(version))]
    assert {frame[0] for frame in frames} == {2, 3, 4}
    assert all(1 <= len(frame[1]) <= 36 for frame in frames)
    assert {frame[2] for frame in frames if frame[0] == 2} <= version.load().keys()


@versions
def test_near_valid_frames_are_spoilt_in_each_way(version: Version) -> None:
    frames = [json.loads(text) for text in drawn(strategies.near_valid_frames(version), 50)]
    lengths = {2: 4, 3: 3, 4: 5}
    known = [frame for frame in frames if frame and frame[0] in (2, 3, 4) and type(frame[0]) is int]
    off = {len(frame) - lengths[frame[0]] for frame in known}
    assert off >= {-1, 0, 1}
    assert len(known) < len(frames)


@versions
def test_a_request_and_its_responses_belong_together(version: Version) -> None:
    for request in drawn(strategies.requests(version), 10):
        assert type(request) is version.load()[request.__action__]
        assert {type(response) for response in drawn(strategies.responses(type(request)), 2)} == {
            request.__answer__
        }


def test_texts_are_traps_or_any_text() -> None:
    texts = drawn(strategies.texts(), 150)
    assert "[" * 100_000 in texts
    assert max(map(len, texts)) > 10_000_000
    assert any(0 < len(text) < 200 and not text.startswith(("[", "{")) for text in texts)
