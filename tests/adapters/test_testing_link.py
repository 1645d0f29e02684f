"""Scripted peers and links for programs that await, in virtual time, on asyncio and trio."""

import asyncio
import inspect
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import ocpp.v16
import ocpp.v16.call
import pytest
import trio
from anyio import from_thread, to_thread
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK

from ocpp_sansio import CallTimeout, Connection, ConnectionClosed, OCPPError, Role, Version
from ocpp_sansio.errors import SecurityError
from ocpp_sansio.reconnect import ReconnectTimer
from ocpp_sansio.routing import after, on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v201 import call as call_201
from ocpp_sansio.v201 import call_result as call_result_201
from ocpp_sansio_adapters import station as station_module
from ocpp_sansio_adapters import v16, v201
from ocpp_sansio_adapters.csms import CSMS
from ocpp_sansio_adapters.driver import Driver
from ocpp_sansio_adapters.station import Station
from ocpp_sansio_adapters.testing import (
    Link,
    ScriptedCSMS,
    ScriptedStation,
    Stuck,
    Transport,
    _wire,
    run,
    virtual_time,
)

Run = Callable[..., Any]

BOOT = call.BootNotification(charge_point_vendor="acme", charge_point_model="One")
NOW = "2025-01-01T12:00:00Z"
DAY = 24 * 3600


@pytest.fixture(params=["asyncio", "trio"])
def play(request: pytest.FixtureRequest) -> Run:
    return partial(run, backend=request.param)


class ChargePoint(v16.ChargePoint):
    """A station with a little logic: it boots until it is accepted, then says now and then that it lives."""

    @on(call.Reset)
    def reset(self, request: call.Reset) -> call_result.Reset:
        if request.type == "Hard":
            raise SecurityError("not you")
        return call_result.Reset(status="Accepted")

    @after(call.Reset)
    async def booted_again(self, request: call.Reset) -> None:
        await anyio.sleep(1)
        await self.call(BOOT)

    @on(call.ClearCache)
    async def clear_cache(self, request: call.ClearCache) -> call_result.ClearCache:
        await anyio.sleep(2)
        return call_result.ClearCache(status="Accepted")

    async def boot(self) -> int:
        while True:
            answer = await self.call(BOOT)
            if answer.status == "Accepted":
                return answer.interval
            await anyio.sleep(answer.interval)

    async def live(self) -> None:
        interval = await self.boot()
        while True:
            await anyio.sleep(interval)
            await self.call(call.Heartbeat())


class Central(v16.ChargePoint):
    """A CSMS's view of a station."""

    @on(call.BootNotification)
    def booted(self, request: call.BootNotification) -> call_result.BootNotification:
        return call_result.BootNotification(status="Accepted", current_time=NOW, interval=300)


@pytest.fixture
def csms() -> ScriptedCSMS:
    return ScriptedCSMS()


def trouble(peer: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        peer.check()
    return str(caught.value)


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


# Faults.


def test_an_answer_that_is_lost_times_out(play: Run, csms: ScriptedCSMS) -> None:
    csms.allow(call.Heartbeat)
    csms.to_station.lose()

    async def main() -> None:
        async with csms.attach(ChargePoint) as station:
            began = anyio.current_time()
            with pytest.raises(CallTimeout):
                await station.call(call.Heartbeat(), timeout=12)
            assert anyio.current_time() == began + 12
            await station.call(call.Heartbeat())

    play(main)
    csms.check()
    assert [entry.note for entry in csms.trace if entry.direction] == ["", "lost", "", ""]


def test_a_delay_adds_up_both_ways(play: Run, csms: ScriptedCSMS) -> None:
    csms.expect(call.Heartbeat).delay(1)
    csms.to_csms.delay, csms.to_station.delay = 0.25, 0.5

    async def main() -> float:
        async with csms.attach(ChargePoint) as station:
            began = anyio.current_time()
            await station.call(call.Heartbeat())
            return anyio.current_time() - began

    assert play(main) == 1.75


def test_a_repeated_call_is_handled_once(play: Run, csms: ScriptedCSMS) -> None:
    csms.to_station.duplicate()

    async def main() -> None:
        async with csms.attach(ChargePoint):
            await csms.call(call.ClearCache())

    play(main)
    csms.check()
    assert len([text for text in csms.trace.frames if text.startswith("[3,")]) == 1


def test_a_cut_ends_the_calls_and_the_link(play: Run, csms: ScriptedCSMS) -> None:
    csms.expect(call.StopTransaction).cut()

    async def main() -> None:
        async with csms.attach(ChargePoint) as station:
            with pytest.raises(ConnectionClosed) as caught:
                await station.call(call.StopTransaction(transaction_id=1, timestamp=NOW, meter_stop=5))
            assert isinstance(caught.value.__cause__, ConnectionClosedError)
            assert not station.transport.is_open

    play(main)
    csms.check()
    assert str(csms.trace).splitlines()[-1].endswith("-- the link is cut")


def test_a_cut_ends_the_calls_of_the_peer(play: Run, csms: ScriptedCSMS) -> None:
    async def main() -> None:
        async with csms.attach(ChargePoint), anyio.create_task_group() as tasks:
            tasks.start_soon(cut)
            with pytest.raises(ConnectionClosed, match="the link was lost before ClearCache"):
                await csms.call(call.ClearCache())

    async def cut() -> None:
        await anyio.sleep(1)
        csms.cut()

    play(main)
    csms.check()


# Bare transports.


def test_a_transport_stands_in_for_a_websocket(play: Run, csms: ScriptedCSMS) -> None:
    csms.expect(call.Heartbeat).reply(current_time=NOW)

    async def main() -> None:
        async with csms.connect(identity="CP_9", versions=["2.1", "1.6"]) as transport:
            assert (transport.identity, transport.version, transport.side) == ("CP_9", Version.V16, "client")
            await transport.send('[2,"1","Heartbeat",{}]')
            assert await transport.recv() == '[3,"1",{"currentTime":"2025-01-01T12:00:00Z"}]'
            await transport.close(1000, "bye")
            await transport.aclose()
            with pytest.raises(ConnectionClosedOK):
                await transport.recv()
            with pytest.raises(ConnectionClosedOK):
                await transport.send("more")

    play(main)
    csms.check()
    assert "-- the station closes the link (1000: bye)" in str(csms.trace)


def test_what_was_sent_before_the_end_arrives(play: Run) -> None:
    async def main() -> None:
        link = Link()
        link.to_csms.delay = 1.0
        async with link.connect() as (near, far):
            assert near.subprotocol is None
            await near.send("one")
            await near.aclose()
            assert await far.recv() == "one"
            with pytest.raises(ConnectionClosedOK):
                await far.recv()

    play(main)


def test_after_a_cut_a_transport_reads_what_had_arrived_and_raises(play: Run) -> None:
    async def main() -> None:
        link = Link()
        async with link.connect() as (near, far):
            await near.send("one")
            link.cut()
            assert await far.recv() == "one"
            with pytest.raises(ConnectionClosedError):
                await far.recv()
            with pytest.raises(ConnectionClosedError):
                await near.send("two")

    play(main)


def test_what_nobody_reads_fails_the_check(play: Run) -> None:
    link = Link()

    async def main() -> None:
        async with link.connect() as (near, _):
            await near.send("one")

    play(main)
    assert "never read: one" in trouble(link)


def test_what_is_on_its_way_for_too_long_fails_the_check(play: Run) -> None:
    link = Link()
    link.to_csms.delay = 10

    async def main() -> None:
        async with link.connect() as (near, _):
            await near.send("one")

    play(main)
    assert "still on its way: one" in trouble(link)


def test_a_new_link_cuts_the_one_before(play: Run, csms: ScriptedCSMS) -> None:
    async def main() -> None:
        async with csms.connect() as first, csms.connect() as second:
            with pytest.raises(ConnectionClosedError):
                await first.recv()
            assert second.is_open

    play(main)
    csms.check()
    assert str(csms.trace).count("the link is cut") == 1


def test_two_programs_talk_over_a_link(play: Run) -> None:
    link = Link()
    link.to_csms.delay = link.to_station.delay = 0.1

    async def main() -> None:
        began = anyio.current_time()
        async with link.attach(ChargePoint, Central) as (station, central):
            assert (station.protocol.role, central.protocol.role) == (Role.CHARGING_STATION, Role.CSMS)
            assert await station.boot() == 300
            assert (await central.call(call.ClearCache())).status == "Accepted"
        assert anyio.current_time() - began == pytest.approx(2.4)  # the end of the block takes no time

    play(main)
    link.check()
    assert len(link.trace.frames) == 4


def test_a_handler_that_works_is_not_cut_off_with_the_block(play: Run) -> None:
    link = Link()

    async def main() -> float:
        began = anyio.current_time()
        async with link.attach(ChargePoint, Central) as (_, central):
            with anyio.move_on_after(1):
                await central.call(call.ClearCache())
        return anyio.current_time() - began

    assert play(main) == 2
    link.check()


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


# Virtual time.


def test_run_gives_arguments_and_returns_the_result(play: Run) -> None:
    async def main(one: int, other: int) -> int:
        await anyio.sleep(1_000)
        return one + other

    assert play(main, 1, 2) == 3


def test_what_main_raises_comes_out_as_itself(play: Run) -> None:
    async def main() -> None:
        raise LookupError("as it is")

    with pytest.raises(LookupError, match="as it is"):
        play(main)


def test_plain_asyncio_is_in_virtual_time_too() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.sleep(3 * DAY)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 0.25)
        async with asyncio.timeout(7):
            await asyncio.sleep(6.75)
        return loop.time() - began

    assert run(main) == 3 * DAY + 7


def test_a_loop_without_anyio_is_in_virtual_time_too() -> None:
    async def main() -> float:
        await asyncio.to_thread(work)
        await asyncio.sleep(DAY)
        return asyncio.get_running_loop().time()

    _, options = virtual_time("asyncio")
    with asyncio.Runner(**options) as runner:
        assert runner.run(main()) == DAY


async def wait_for_ever() -> None:
    await anyio.Event().wait()


async def tick_for_ever() -> None:
    for _ in iter(bool, True):
        await anyio.sleep(3600)


@pytest.mark.parametrize("wait", [wait_for_ever, tick_for_ever])
def test_a_test_that_never_ends_is_stuck(play: Run, wait: Any) -> None:
    with pytest.raises(Stuck) as caught:
        play(wait)
    line = inspect.getsource(wait).rstrip().count("\n") + wait.__code__.co_firstlineno
    assert str(caught.value) == (
        "not at its end after 604800 s of virtual time; this waits:\n"
        f"  test_testing_link.py:{line} in {wait.__name__}"
    )


def test_a_limit_may_be_longer_or_shorter(play: Run, csms: ScriptedCSMS) -> None:
    async def main() -> None:
        async with csms.attach(ChargePoint):
            await anyio.sleep(20 * DAY)

    play(main, limit=30 * DAY)
    with pytest.raises(Stuck, match=f"after {10 * DAY} s"):
        play(main, limit=10 * DAY)


def test_a_link_is_watched_where_nobody_else_watches(csms: ScriptedCSMS) -> None:
    """As in a test that anyio's plugin runs."""

    async def main() -> None:
        async with csms.attach(ChargePoint):
            await wait_for_ever()

    backend, options = virtual_time("asyncio")
    with pytest.raises(Stuck, match="in wait_for_ever"):
        anyio.run(main, backend=backend, backend_options=options)


def test_nobody_who_waits_is_waited_for_on_asyncio() -> None:
    backend, options = virtual_time("asyncio")
    with pytest.raises(Stuck, match="every task waits, and for nothing that could happen"):
        anyio.run(wait_for_ever, backend=backend, backend_options=options)


def work() -> None:
    """Something that takes real time."""
    sum(range(300_000))


def in_anyio(work: Callable[[], None]) -> Awaitable[None]:
    return to_thread.run_sync(work)


def in_asyncio(work: Callable[[], None]) -> Awaitable[None]:
    return asyncio.to_thread(work)


def in_trio(work: Callable[[], None]) -> Awaitable[None]:
    return trio.to_thread.run_sync(work)


@pytest.mark.parametrize(
    ("backend", "start"),
    [("asyncio", in_anyio), ("trio", in_anyio), ("asyncio", in_asyncio), ("trio", in_trio)],
)
def test_the_clock_stands_still_while_threads_work(
    backend: str, start: Callable[[Callable[[], None]], Awaitable[None]]
) -> None:
    async def main() -> float:
        began = anyio.current_time()
        with anyio.fail_after(100):
            await start(work)
        return anyio.current_time() - began

    assert run(main, backend=backend) == 0


def test_what_else_is_waited_for_needs_patience(play: Run) -> None:
    """A thread of one's own: it goes on once the event loop has looked for it in real time."""

    async def main() -> float:
        began = anyio.current_time()
        woken = anyio.Event()
        wake = anyio.lowlevel.current_token()
        thread = threading.Thread(target=from_thread.run_sync, args=[woken.set], kwargs={"token": wake})
        thread.start()
        with anyio.fail_after(100):
            await woken.wait()
        thread.join()
        return anyio.current_time() - began

    assert play(main, patience=20.0) == 0


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="backend is 'asyncio' or 'trio', not 'curio'"):
        run(wait_for_ever, backend="curio")
    with pytest.raises(ValueError, match="limit is a number of seconds"):
        run(wait_for_ever, limit=-1)
    with pytest.raises(ValueError, match="patience is a number of seconds"):
        virtual_time("trio", patience=-1)


def test_a_script_works_in_real_time_too(csms: ScriptedCSMS) -> None:
    csms.expect(call.BootNotification).delay(0.001)

    async def main() -> None:
        async with csms.attach(ChargePoint) as station:
            began = time.monotonic()
            await station.boot()
            assert time.monotonic() - began >= 0.0009

    anyio.run(main)
    csms.check()
