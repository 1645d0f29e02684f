"""A message costs the same number of steps however many came before and however many calls wait."""

import gc
import sys
from collections.abc import Callable
from typing import Any

import pytest

from ocpp_sansio import BootGate, BootStatus, CallReceived, Connection, Duplicates, Role, StationState
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v21 import call as call21
from ocpp_sansio.v21 import call_result as result21
from tests.pair import events_of, frames_of

MANY = 5000


def steps(work: Callable[[], object]) -> int:
    """How many Python functions the work enters."""
    entered = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal entered
        entered += event == "call"

    before = sys.getprofile()
    gc.disable()  # it may call somebody back
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
        gc.enable()
    return entered


@pytest.mark.parametrize("version", ["1.6", "2.1"])
@pytest.mark.parametrize("duplicates", Duplicates)
def test_receiving_and_answering(version: str, duplicates: Duplicates) -> None:
    csms = Connection(Role.CSMS, version, duplicates=duplicates)
    classes = Connection(Role.CSMS, version)._dialect.calls["Heartbeat"]
    response = classes.__answer__(current_time="2026-05-01T12:00:00Z")  # type: ignore[call-arg]
    number = 0

    def exchange() -> None:
        nonlocal number
        number += 1
        csms.receive_text(f'[2,"{number}","Heartbeat",{{}}]', now=float(number))
        received = csms.next_event()
        assert isinstance(received, CallReceived)
        csms.reply(received, response)
        assert csms.next_frame() is not None

    for _ in range(300):  # until what is remembered is full
        exchange()
    early = steps(exchange)
    for _ in range(MANY):
        exchange()
    assert steps(exchange) == early


def test_calling_while_others_wait() -> None:
    def cost_with(queued: int) -> int:
        station = Connection(Role.CHARGING_STATION, "1.6")
        for _ in range(1 + queued):
            station.call(call.Heartbeat(), now=0.0, queue_timeout=60.0)
        frames_of(station)
        answer = f'[3,"{station.calls[0].id}",{{"currentTime":"2026-05-01T12:00:00Z"}}]'

        def exchange() -> None:
            station.call(call.Heartbeat(), now=1.0, id="an id of our own", queue_timeout=60.0)
            station.receive_text(answer, now=1.0)

        return steps(exchange)

    cost_with(1)  # compiles what is compiled on first use
    assert cost_with(998) == cost_with(1)


def test_nothing_grows_but_what_is_open() -> None:
    station = Connection(Role.CHARGING_STATION, "2.1", duplicates="replay")
    csms = Connection(Role.CSMS, "2.1", duplicates="replay")
    for number in range(1000):
        station.call(call21.Heartbeat(), now=float(number))
        for text in frames_of(station):
            csms.receive_text(text, now=float(number))
        for received in events_of(csms):
            assert isinstance(received, CallReceived)
            csms.reply(received, result21.Heartbeat(current_time="2026-05-01T12:00:00Z"))
        for text in frames_of(csms):
            station.receive_text(text, now=float(number))
        events_of(station)
    assert (station.calls, csms.owed, station.deadline) == ((), (), None)
    assert len(csms._incoming.recent or ()) <= 8
    assert len(station._outgoing._recent or ()) <= 8
    assert csms._state is not None
    assert len(csms._state._answers) <= 100


@pytest.mark.parametrize("options", [{"half_duplex": True}, {"boot_gate": BootGate()}])
def test_receiving_while_calls_are_held_back(options: dict[str, Any]) -> None:
    def cost_with(held: int) -> int:
        state = StationState(boot=BootStatus.PENDING, requested={"Heartbeat"})
        station = Connection(Role.CHARGING_STATION, "1.6", state=state, **options)
        station.receive_text('[2,"first","ClearCache",{}]', now=0.0)
        for _ in range(held):
            station.call(call.Authorize(id_tag="x"), now=0.0)
        events_of(station)

        def exchange() -> None:
            station.receive_text('[2,"1","GetLocalListVersion",{}]', now=1.0)
            received = station.next_event()
            assert isinstance(received, CallReceived)
            station.reply(received, call_result.GetLocalListVersion(list_version=1))

        exchange()
        return steps(exchange)

    cost_with(1)
    assert cost_with(999) == cost_with(1)
