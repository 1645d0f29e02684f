"""The calls we owe an answer to, by themselves."""

import pytest

from ocpp_sansio import CallReceived, LocalProtocolError
from ocpp_sansio._incoming import Incoming
from ocpp_sansio.v16 import call


def received(id: str) -> CallReceived:
    return CallReceived(id, "Heartbeat", call.Heartbeat(), {}, (), "")


def incoming_with(*calls: CallReceived) -> Incoming:
    incoming = Incoming()
    incoming.open.update({call.id: call for call in calls})
    return incoming


def test_a_call_is_owed_an_answer_until_it_is_closed() -> None:
    first = received("1")
    incoming = incoming_with(first, received("2"))
    incoming.check_owed(first)
    del incoming.open["1"]
    with pytest.raises(LocalProtocolError, match="Heartbeat '1' is not owed an answer"):
        incoming.check_owed(first)


def test_an_equal_call_is_not_the_same_call() -> None:
    with pytest.raises(LocalProtocolError):
        incoming_with(received("1")).check_owed(received("1"))


def test_only_a_received_call_is_owed_an_answer() -> None:
    with pytest.raises(TypeError, match="only a CallReceived can be answered, not 'hello'"):
        incoming_with().check_owed("hello")  # type: ignore[arg-type]
