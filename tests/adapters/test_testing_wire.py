"""Links of the harness, on asyncio and trio: their faults, and bare transports over them."""

from functools import partial

import anyio
import anyio.lowlevel
import pytest
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK

from ocpp_sansio import CallTimeout, ConnectionClosed, Role, Version
from ocpp_sansio.v16 import call
from ocpp_sansio_adapters.testing import (
    Link,
    ScriptedCSMS,
    run,
)
from tests.adapters.scripted import NOW, Central, ChargePoint, Run, trouble


@pytest.fixture(params=["asyncio", "trio"])
def play(request: pytest.FixtureRequest) -> Run:
    return partial(run, backend=request.param)


@pytest.fixture
def csms() -> ScriptedCSMS:
    return ScriptedCSMS()


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
