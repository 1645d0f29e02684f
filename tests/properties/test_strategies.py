"""The public strategies draw what they say."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.verdicts import CLASSES, exact, judge
from ocpp_sansio import Connection, FrameRejected, Version, strategies
from ocpp_sansio.messages import Message, Request
from tests.pair import events_of, frames_of

versions = pytest.mark.parametrize("version", Version)


@settings(max_examples=250)
@given(st.sampled_from(CLASSES).flatmap(lambda cls: st.tuples(st.just(cls), strategies.payloads(cls))))
def test_payloads_are_valid(drawn: tuple[type[Message], dict[str, Any]]) -> None:
    cls, payload = drawn
    assert judge(cls, receiving=False).is_valid(exact(payload))


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: f"{cls.__module__.partition('.')[2]}.{cls.__name__}")
def test_every_class_has_payloads(cls: type[Message]) -> None:
    @settings(max_examples=2, database=None)
    @given(strategies.payloads(cls))
    def draws(payload: dict[str, Any]) -> None:
        assert judge(cls, receiving=False).is_valid(exact(payload))

    draws()


@versions
def test_requests_and_responses_are_of_the_version_and_can_be_sent(version: Version) -> None:
    @settings(max_examples=60)
    @given(
        strategies.requests(version).flatmap(lambda r: st.tuples(st.just(r), strategies.responses(type(r))))
    )
    def exchange(drawn: tuple[Request[Any, Any], Any]) -> None:
        request, response = drawn
        asking, answering = Connection(None, version), Connection(None, version)
        pending = asking.call(request, now=0.0)
        [frame] = frames_of(asking)
        answering.receive_text(frame, now=0.0)
        [received] = events_of(answering)
        assert received.request == request  # type: ignore[union-attr]
        answering.reply(received, response)  # type: ignore[arg-type]
        [frame] = frames_of(answering)
        asking.receive_text(frame, now=0.0)
        assert pending.response_in(events_of(asking)[0]) == response

    exchange()


@versions
def test_frames_are_understood(version: Version) -> None:
    @settings(max_examples=100)
    @given(strategies.frames(version))
    def understood(text: str) -> None:
        connection = Connection(None, version)
        connection.receive_text(text, now=0.0)
        [event] = events_of(connection)
        assert not isinstance(event, FrameRejected)

    understood()


@versions
def test_what_is_nearly_valid_never_breaks_a_connection(version: Version) -> None:
    @settings(max_examples=200)
    @given(st.lists(strategies.near_valid_frames(version) | strategies.texts(), max_size=4))
    def survives(texts: list[str]) -> None:
        connection = Connection(None, version)
        for text in texts:
            connection.receive_text(text, now=0.0)
        events_of(connection)
        for frame in frames_of(connection):
            assert json.loads(frame)[0] == 4
        connection.receive_text('[2,"goes on","Heartbeat",{}]', now=0.0)
        [event] = events_of(connection)
        assert not isinstance(event, FrameRejected)

    survives()
