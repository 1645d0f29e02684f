"""The calls we owe an answer to, by themselves."""

import pytest

from ocpp_sansio import CallReceived, LocalProtocolError
from ocpp_sansio._incoming import Incoming
from ocpp_sansio.v16 import call


def received(id: str) -> CallReceived:
    return CallReceived(id, "Heartbeat", call.Heartbeat(), {}, (), "")


def test_a_call_is_open_until_it_is_closed() -> None:
    incoming = Incoming(2)
    first, second = received("1"), received("2")
    incoming.open(first)
    assert not incoming.full
    incoming.open(second)
    assert incoming.full
    assert incoming.calls == (first, second)
    assert incoming.get("1") is first
    incoming.check_owed(first)
    incoming.close(first)
    assert incoming.get("1") is None
    with pytest.raises(LocalProtocolError, match="Heartbeat '1' is not owed an answer"):
        incoming.check_owed(first)


def test_an_equal_call_is_not_the_same_call() -> None:
    incoming = Incoming(2)
    incoming.open(received("1"))
    with pytest.raises(LocalProtocolError):
        incoming.check_owed(received("1"))


def test_nothing_is_owed_after_the_end() -> None:
    incoming = Incoming(2)
    incoming.open(received("1"))
    incoming.close_all()
    assert incoming.calls == ()
