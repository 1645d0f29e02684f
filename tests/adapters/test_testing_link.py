"""Scripted peers for programs that await, in virtual time, on asyncio and trio: a station or a CSMS against a script."""

import asyncio
from contextlib import suppress
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import ocpp.v16
import ocpp.v16.call
import pytest
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK

from ocpp_sansio import CallTimeout, Connection, ConnectionClosed, OCPPError, Role, Version
from ocpp_sansio.errors import SecurityError
from ocpp_sansio.reconnect import ReconnectTimer
from ocpp_sansio.routing import on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v201 import call as call_201
from ocpp_sansio.v201 import call_result as call_result_201
from ocpp_sansio_adapters import station as station_module
from ocpp_sansio_adapters import v16, v201
from ocpp_sansio_adapters.csms import CSMS
from ocpp_sansio_adapters.driver import Driver
from ocpp_sansio_adapters.station import Station
from ocpp_sansio_adapters.testing import (
    ScriptedCSMS,
    ScriptedStation,
    Transport,
    _wire,
    run,
)
from tests.adapters.scripted import BOOT, DAY, Central, ChargePoint, Run, trouble


@pytest.fixture(params=["asyncio", "trio"])
def play(request: pytest.FixtureRequest) -> Run:
    return partial(run, backend=request.param)


@pytest.fixture
def csms() -> ScriptedCSMS:
    return ScriptedCSMS()


# A station against a script.


def test_a_rejected_boot_is_tried_again_when_it_may_be(play: Run, csms: ScriptedCSMS) -> None:
    csms.expect(call.BootNotification).reply(status="Rejected", interval=600)
    csms.expect(call.BootNotification).reply(status="Pending", interval=20)
    csms.expect(call.BootNotification)

    async def main() -> float:
        began = anyio.current_time()
        async with csms.attach(ChargePoint) as station:
            assert await station.boot() == 300
        return anyio.current_time() - began

    assert play(main) == 620
    csms.check()


def test_a_day_of_heartbeats_takes_no_time(play: Run, csms: ScriptedCSMS) -> None:
    csms.expect(call.BootNotification)
    csms.expect(call.Heartbeat).times(DAY // 300 - 1)

    async def main() -> None:
        async with csms.attach(ChargePoint) as station:
            with anyio.move_on_after(DAY - 1):
                await station.live()

    play(main)
    csms.check()
    assert len(csms.trace.frames) == 2 * DAY // 300


def test_the_peer_calls_and_gets_its_answer(play: Run, csms: ScriptedCSMS) -> None:
    async def main() -> None:
        async with csms.attach(ChargePoint) as station:
            began = anyio.current_time()
            assert (await csms.call(call.ClearCache())).status == "Accepted"
            assert anyio.current_time() == began + 2
            with pytest.raises(SecurityError):
                await csms.call(call.Reset(type="Hard"))
            with pytest.raises(CallTimeout, match="within 1 s"):
                await csms.call(call.ClearCache(), timeout=1)
            assert station.id == "CP_1"

    play(main)
    csms.check()


def test_a_call_may_be_asked_for_its_result_later(play: Run, csms: ScriptedCSMS) -> None:
    async def main() -> None:
        async with csms.attach(ChargePoint):
            asked = csms.call(call.ClearCache())
            await anyio.sleep(1)
            assert not asked.done
            await anyio.sleep(1.5)
            assert asked.result().status == "Accepted"

    play(main)
    csms.check()


def test_a_call_that_is_given_up_is_no_fault(play: Run, csms: ScriptedCSMS) -> None:
    class Silent(v16.ChargePoint):
        @on(call.ClearCache)
        async def clear_cache(self, request: call.ClearCache) -> call_result.ClearCache:
            await anyio.sleep_forever()
            raise AssertionError

    async def main() -> float:
        async with csms.attach(Silent):
            began = anyio.current_time()
            with anyio.move_on_after(1):
                await csms.call(call.ClearCache())
            assert len(csms.connection.calls) == 1
        return anyio.current_time() - began

    assert play(main) == 6  # the end of the block gives the handler a few seconds
    csms.check()


def test_a_test_waits_for_what_is_expected(play: Run, csms: ScriptedCSMS) -> None:
    boot = csms.expect(call.BootNotification).times(2)

    async def main() -> None:
        async with csms.attach(ChargePoint, "CP_7") as station:
            assert station.id == "CP_7"
            await csms.call(call.Reset(type="Soft"))
            await csms.call(call.Reset(type="Soft"))
            assert await boot.wait() == BOOT
            await csms.played()

    play(main)
    assert len(boot.requests) == 2
    csms.check()


def test_what_is_under_way_has_time_to_end(play: Run, csms: ScriptedCSMS) -> None:
    """A frame on its way, a handler that works and a call in the queue are not cut off with the block."""
    csms.to_csms.delay = csms.to_station.delay = 0.5
    csms.expect(call.Heartbeat).times(2)

    async def main() -> None:
        async with csms.attach(ChargePoint) as station, anyio.create_task_group() as tasks:
            tasks.start_soon(station.call, call.Heartbeat())
            tasks.start_soon(station.call, call.Heartbeat())
            csms.call(call.ClearCache())

    play(main)
    csms.check()


def test_what_is_still_open_after_that_fails_the_check(play: Run, csms: ScriptedCSMS) -> None:
    csms.expect(call.Heartbeat).delay(20)

    async def main() -> None:
        async with anyio.create_task_group() as tasks, csms.attach(ChargePoint) as station:
            tasks.start_soon(beat, station)
            await anyio.sleep(1)

    async def beat(station: ChargePoint) -> None:
        with suppress(ConnectionClosed):
            await station.call(call.Heartbeat())

    play(main)
    text = trouble(csms)
    assert "call without an end: Heartbeat" in text
    assert "6.000  -- the block ends, and with it the link" in text


def test_a_call_that_the_script_ignores_may_stay_open(play: Run, csms: ScriptedCSMS) -> None:
    csms.expect(call.Heartbeat).ignore()

    async def main() -> None:
        async with anyio.create_task_group() as tasks, csms.attach(ChargePoint) as station:
            tasks.start_soon(beat, station)
            await csms.played()

    async def beat(station: ChargePoint) -> None:
        with suppress(ConnectionClosed):
            await station.call(call.Heartbeat())

    play(main)
    csms.check()


def test_a_station_that_crashes_fails_the_test(play: Run, csms: ScriptedCSMS) -> None:
    class Crashing(ChargePoint):
        async def start(self) -> None:
            await anyio.sleep(3)
            raise LookupError("no meter")

    async def main() -> None:
        async with csms.attach(Crashing):
            await anyio.sleep(100)
            raise AssertionError("too late")

    with pytest.raises(LookupError, match="no meter"):
        play(main)


@pytest.mark.parametrize("error", [LookupError, pytest.fail.Exception, pytest.skip.Exception])
def test_what_a_block_raises_comes_out_as_itself(
    play: Run, csms: ScriptedCSMS, error: type[BaseException]
) -> None:
    async def main() -> None:
        async with csms.attach(ChargePoint):
            raise error("as it is")

    with pytest.raises(error, match="as it is") as caught:
        play(main)
    assert not isinstance(caught.value, BaseExceptionGroup)


def test_the_wrong_end_is_refused(play: Run, csms: ScriptedCSMS) -> None:
    async def main() -> None:
        async with csms.attach(partial(ChargePoint, role=Role.CSMS)):
            pass

    with pytest.raises(TypeError, match="a CSMS cannot be attached to a scripted csms"):
        play(main)


def test_what_cannot_be_attached_is_refused(play: Run, csms: ScriptedCSMS) -> None:
    async def main() -> None:
        async with csms.attach(ocpp.v16.ChargePoint):
            pass

    with pytest.raises(
        TypeError, match=r"attach takes a class of ChargePoint.* the transport of connect\(\)"
    ):
        play(main)


def test_a_station_that_never_rests_is_found(
    play: Run, csms: ScriptedCSMS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks again at once whatever the answer, so that no time passes and no limit is reached."""
    monkeypatch.setattr(_wire, "MOST_AT_ONCE", 100)

    async def main() -> None:
        async with csms.attach(ChargePoint) as station:
            for _ in iter(bool, True):
                with suppress(OCPPError):
                    await station.call(call.Heartbeat())

    with pytest.raises(AssertionError, match="100 frames without any time passing") as caught:
        play(main)
    assert "Heartbeat" in str(caught.value)
    assert "... and 30 more\n" in csms.report()


def test_the_version_and_the_extensions_are_those_of_what_is_attached(play: Run, csms: ScriptedCSMS) -> None:
    class Newer(v201.ChargePoint): ...

    csms.expect(call_201.Heartbeat)

    async def main() -> None:
        async with csms.attach(Newer) as station:
            assert station.transport.version is Version.V201
            assert station.transport.subprotocol == "ocpp2.0.1"
            assert station.protocol.role is Role.CHARGING_STATION
            assert isinstance(await station.call(call_201.Heartbeat()), call_result_201.Heartbeat)

    play(main)
    csms.check()


def test_a_driver_may_be_attached(play: Run, csms: ScriptedCSMS) -> None:
    csms.expect(call.Heartbeat)

    def driver(identity: str, transport: Transport) -> Driver:
        return Driver(Connection(Role.CHARGING_STATION, "1.6"), transport, identity=identity)

    async def main() -> None:
        async with csms.attach(driver) as station:
            await station.call(call.Heartbeat())

    play(main)
    csms.check()


def test_a_script_goes_on_over_several_runs(play: Run, csms: ScriptedCSMS) -> None:
    csms.expect(call.Heartbeat).times(2)

    async def main() -> None:
        async with csms.attach(ChargePoint) as station:
            await anyio.sleep(10)
            await station.call(call.Heartbeat())

    play(main)
    play(main)
    csms.check()
    assert [entry.time for entry in csms.trace if "Heartbeat" in entry.text] == [10, 20]


# The other way round, and the classes that keep links.


def test_a_csms_against_a_scripted_station(play: Run) -> None:
    station = ScriptedStation()
    station.expect(call.Reset, type="Soft").reply(status="Rejected")

    async def main() -> None:
        async with station.attach(Central) as central:
            assert (await station.call(BOOT)).interval == 300
            assert (await central.call(call.Reset(type="Soft"))).status == "Rejected"

    play(main)
    station.check()


def test_a_csms_that_keeps_its_stations(play: Run) -> None:
    station = ScriptedStation()

    csms = CSMS(Central)

    async def serve(transport: Any) -> None:
        with pytest.raises(ConnectionClosedError):
            await csms.handle(transport)

    async def main() -> None:
        async with station.connect("CP_5", versions=["1.6"]) as transport, anyio.create_task_group() as tasks:
            tasks.start_soon(serve, transport)
            await csms.stations.wait("CP_5")
            assert (await station.call(BOOT)).status == "Accepted"
            station.cut()

    play(main)
    station.check()


def test_a_station_that_stays_connected(
    play: Run, csms: ScriptedCSMS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`Station` connects to the script, and again after a cut, on which its boot is not repeated."""
    monkeypatch.setattr(station_module, "connect", csms.connect)
    boot = csms.expect(call.BootNotification).reply(interval=50)
    csms.expect(call.Heartbeat).times(2)
    csms.expect(call.Heartbeat).cut()
    again = csms.expect(call.Heartbeat)

    async def main() -> None:
        timer = ReconnectTimer(wait_minimum=1, random_range=1, repeat_times=2, draw=lambda: 0.5)
        async with Station("ws://localhost", "CP_1", ChargePoint, boot=BOOT, timer=timer):
            await boot.wait()
            began = anyio.current_time()
            await again.wait()
            # The cut took the third heartbeat; 1.5 s later there is a link, and 50 s later something to say.
            assert anyio.current_time() - began == 150 + 1.5 + 50

    play(main)
    csms.check()


def test_a_program_of_another_library(csms: ScriptedCSMS) -> None:
    """The charge point of mobilityhouse takes the transport as it is."""
    csms.expect(call.BootNotification).reply(interval=77)
    request = ocpp.v16.call.BootNotification(charge_point_vendor="acme", charge_point_model="One")

    async def main() -> None:
        async with csms.connect() as transport:
            station = ocpp.v16.ChargePoint("CP_1", transport)
            reading = asyncio.ensure_future(station.start())
            answer = await asyncio.wait_for(station.call(request), 10)
            assert answer.interval == 77
            await transport.close()
            with pytest.raises(ConnectionClosedOK):
                await reading

    run(main)
    csms.check()
