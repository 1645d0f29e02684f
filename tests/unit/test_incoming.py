"""The calls we owe an answer to, by themselves."""

import pytest

from ocpp_sansio import CallReceived, LocalProtocolError
from ocpp_sansio._incoming import Incoming
from ocpp_sansio.v16 import call


def received(id: str) -> CallReceived:
    return CallReceived(id, "Heartbeat", call.Heartbeat(), {}, (), "")


def incoming_with(*calls: CallReceived) -> Incoming:
    incoming = Incoming()
    incoming.update({call.id: call for call in calls})
    return incoming


def test_a_call_is_owed_an_answer_until_it_is_closed() -> None:
    first = received("1")
    incoming = incoming_with(first, received("2"))
    incoming.check_owed(first)
    del incoming["1"]
    with pytest.raises(LocalProtocolError, match="Heartbeat '1' is not owed an answer"):
        incoming.check_owed(first)


def test_an_equal_call_is_not_the_same_call() -> None:
    with pytest.raises(LocalProtocolError):
        incoming_with(received("1")).check_owed(received("1"))


def test_only_a_received_call_is_owed_an_answer() -> None:
    with pytest.raises(TypeError, match="only a CallReceived can be answered, not 'hello'"):
        incoming_with().check_owed("hello")  # type: ignore[arg-type]


# Answers that the peer may reject.


def answered(*ids: str) -> Incoming:
    incoming = Incoming()
    for id in ids:
        incoming.remember(id, "Heartbeat")
    return incoming


def test_the_action_of_an_answered_call_is_kept_once() -> None:
    incoming = answered("1", "2")
    assert incoming.take_recent("1") == "Heartbeat"
    assert incoming.take_recent("1") is None
    assert incoming.take_recent("2") == "Heartbeat"


def test_only_the_last_few_actions_are_kept() -> None:
    incoming = answered(*map(str, range(9)))
    assert incoming.take_recent("0") is None
    assert incoming.take_recent("1") == "Heartbeat"


@pytest.mark.parametrize("id", [None, 7, [], {}])
def test_what_is_no_text_is_no_id(id: object) -> None:
    assert answered("1").take_recent(id) is None


def test_of_what_was_never_answered_there_is_no_action() -> None:
    assert Incoming().take_recent("1") is None
    assert answered("2").take_recent("1") is None
