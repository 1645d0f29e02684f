"""SEND through driver.py and charge_point.py: told, heard, and never answered (OCPP 2.1)."""

import logging
from typing import Any

import anyio
import pytest

from ocpp_sansio import Connection, ConnectionClosed, LocalProtocolError, Raw, Role, SendReceived
from ocpp_sansio.routing import on
from ocpp_sansio.v21 import call, call_result, send
from ocpp_sansio_adapters import v16
from ocpp_sansio_adapters.driver import Driver
from ocpp_sansio_adapters.v21 import ChargePoint
from tests.adapters.wire import NOW, quiet, running, wire

pytestmark = pytest.mark.anyio

READING = send.NotifyPeriodicEventStream(
    id=5, pending=0, basetime="2026-05-01T12:00:00Z", data=[{"t": 0.0, "v": "231.0"}]
)
PAYLOAD = {
    "id": 5,
    "pending": 0,
    "basetime": "2026-05-01T12:00:00Z",
    "data": [{"t": 0.0, "v": "231.0"}],
}


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


class Csms(ChargePoint):
    def __init__(self, transport: Any) -> None:
        super().__init__("CP_1", transport, role=Role.CSMS)
        self.heard: list[Any] = []

    @on(send.NotifyPeriodicEventStream)
    async def hear(self, message: send.NotifyPeriodicEventStream) -> None:
        await anyio.sleep(1)
        self.heard.append(message)

    @on(call.Heartbeat)
    def heartbeat(self, request: call.Heartbeat) -> call_result.Heartbeat:
        return call_result.Heartbeat(current_time=NOW)


async def test_what_one_end_sends_the_other_hears() -> None:
    async with wire() as (near, far):
        csms, station = Csms(near), ChargePoint("CP_1", far, role=Role.CHARGING_STATION)
        async with running(csms, station):
            await station.send(READING)
            await station.call(call.Heartbeat())  # which overtakes no SEND, and waits for none
            await anyio.sleep(2)
    assert csms.heard == [READING]
    assert [frame[:2] for frame in near.sent] == ["[3"]  # J21-304


async def test_a_send_is_one_frame_of_type_6() -> None:
    async with wire() as (near, far):
        station = ChargePoint("CP_1", near, role=Role.CHARGING_STATION)
        async with running(station):
            await station.send(READING)
            kind, _, action, payload = await far.hear()
    assert (kind, action, payload) == (6, "NotifyPeriodicEventStream", PAYLOAD)


async def test_a_handler_of_a_send_that_crashes_is_logged_and_nothing_goes_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Crashing(Csms):
        @on(send.NotifyPeriodicEventStream)
        def hear(self, message: send.NotifyPeriodicEventStream) -> None:
            raise ZeroDivisionError

    async with wire() as (near, far), running(Crashing(near)):
        far.say(6, "1", "NotifyPeriodicEventStream", PAYLOAD)
        far.ask("Heartbeat", "2")
        assert await far.hear() == [3, "2", {"currentTime": NOW}]
    assert "the handler of NotifyPeriodicEventStream failed" in caplog.text


async def test_a_send_without_a_handler_concerns_nobody() -> None:
    async with wire() as (near, far), running(ChargePoint("CP_1", near, role=Role.CSMS)):
        far.say(6, "1", "NotifyPeriodicEventStream", PAYLOAD)
        await quiet()
        assert near.sent == []


async def test_a_driver_tells_its_subclass() -> None:
    told: list[SendReceived] = []

    class Listening(Driver):
        def told(self, received: SendReceived) -> None:
            told.append(received)

    async with wire() as (near, far), running(Listening(Connection(Role.CSMS, "2.1"), near)):
        far.say(6, "1", "NotifyPeriodicEventStream", PAYLOAD)
        await quiet()
    assert [received.message for received in told] == [READING]


async def test_sending_over_a_lost_link_says_so() -> None:
    async with wire() as (near, far):
        station = ChargePoint("CP_1", near, role=Role.CHARGING_STATION)
        async with running(station):
            far.cut()
            await quiet()
            with pytest.raises(ConnectionClosed):
                await station.send(READING)


async def test_send_without_start_says_so_and_sends_nothing() -> None:
    async with wire() as (near, _far):
        station = ChargePoint("CP_1", near, role=Role.CHARGING_STATION)
        with pytest.raises(LocalProtocolError, match=r"^send\(\) needs start\(\)"):
            await station.send(READING)
        async with running(station):
            await quiet()
    assert near.sent == []


async def test_before_2_1_there_is_no_send() -> None:
    async with wire() as (near, _far):
        station = v16.ChargePoint("CP_1", near, role=Role.CHARGING_STATION)
        async with running(station):
            with pytest.raises(LocalProtocolError, match=r"OCPP 1\.6 has no SEND"):
                await station.send(Raw("Anything"))


async def test_a_charge_point_speaks_through_the_connection_that_it_is_given() -> None:
    async with wire() as (near, far):
        protocol = Connection(Role.CSMS, "2.1", validation="lenient")
        csms = Csms.__new__(Csms)
        ChargePoint.__init__(csms, "CP_1", near, protocol=protocol)
        async with running(csms):
            far.ask("Heartbeat", "1", vendorExtra=1)
            assert await far.hear() == [3, "1", {"currentTime": NOW}]
    assert csms.protocol is protocol


@pytest.mark.parametrize("given", [{"role": Role.CSMS}, {"response_timeout": 7}])
def test_what_is_the_connections_to_say_is_not_said_twice(given: Any) -> None:
    with pytest.raises(ValueError, match="role and response_timeout are the protocol's"):
        ChargePoint("CP_1", None, protocol=Connection(Role.CSMS, "2.1"), **given)  # type: ignore[arg-type]


def test_the_connection_speaks_the_version_of_the_class() -> None:
    with pytest.raises(ValueError, match=r"the protocol speaks 1\.6, ChargePoint 2\.1"):
        ChargePoint("CP_1", None, protocol=Connection(Role.CSMS, "1.6"))  # type: ignore[arg-type]


async def test_departures_of_a_send_are_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ocpp_sansio")
    async with wire() as (near, far), running(Driver(Connection(None, "2.1"), near, identity="CP_1")):
        far.say(6, "1", "NotifyPeriodicEventStream", {**PAYLOAD, "basetime": "2026-05-01T12:00:00"})
        await quiet()
    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith(
        "CP_1: SEND NotifyPeriodicEventStream '1' is not as its schema wants: $.basetime: "
    )
