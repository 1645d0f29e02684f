"""driver.py: what a transport may do to us, and we to it."""

import asyncio
from math import inf
from typing import Any

import anyio
import pytest

from ocpp_sansio import CallTimeout, ConnectionClosed, Limits
from ocpp_sansio.v16 import call, call_result
from tests.adapters.virtual_time import only_asyncio
from tests.adapters.wire import NOW, End, LinkLost, Scripted, answering, quiet, running, wire

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


def heartbeat(request: call.Heartbeat) -> call_result.Heartbeat:
    return call_result.Heartbeat(current_time=NOW)


class Closable:
    """A transport with a method to close it, under a name of the test's."""

    def __init__(self, end: End, method: str = "close", close_error: Exception | None = None) -> None:
        self.send = end.send
        self.recv = end.recv
        self.closed_with: list[tuple[int, str]] = []
        self.close_error = close_error
        setattr(self, method, self.shut)

    async def shut(self, code: int, reason: str) -> None:
        self.closed_with.append((code, reason))
        await anyio.sleep(1)
        if self.close_error is not None:
            raise self.close_error


# Back-pressure.


async def test_a_peer_that_does_not_read_does_not_keep_calls_from_timing_out() -> None:
    async with wire() as (near, far), running(driver := Scripted(near)):
        near.hold()
        began = anyio.current_time()
        with pytest.raises(CallTimeout) as caught:
            await driver.call(call.Heartbeat(), timeout=5)
        assert caught.value.sent  # some of it may have arrived
        with pytest.raises(CallTimeout) as caught:
            await driver.call(call.Heartbeat(), timeout=6)
        assert not caught.value.sent
        assert anyio.current_time() - began == pytest.approx(11, abs=0.1)
        with anyio.move_on_after(1) as scope:
            await driver.call(call.Heartbeat())
        assert scope.cancelled_caught
        near.release()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(answering, far)
            await driver.call(call.Heartbeat())
            tasks.cancel_scope.cancel()
        assert len(near.sent) == 2
        assert near.torn == []


async def test_a_peer_that_does_not_read_is_read_all_the_same() -> None:
    async with wire() as (near, far):
        driver = Scripted(near, {"Heartbeat": heartbeat})
        async with running(driver), anyio.create_task_group() as tasks:
            tasks.start_soon(driver.call, call.Reset(type="Soft"))
            [_, id, *_] = await far.hear()
            near.hold()
            for number in range(5):
                far.ask("Heartbeat", str(number))
            far.say(3, id, {"status": "Accepted"})
            await quiet()
            assert driver.protocol.calls == ()
            near.release()
            assert [(await far.hear())[1] for _ in range(5)] == list("01234")


async def test_a_peer_that_asks_and_never_reads_is_closed_before_memory_is_full() -> None:
    async with wire() as (near, far):
        end = Closable(near)
        driver = Scripted(end, {"Heartbeat": heartbeat}, limits=Limits(undrained=10))
        async with running(driver):
            near.hold()
            for number in range(100):
                far.ask("Heartbeat", str(number))
            await quiet()
            assert [code for code, _ in end.closed_with] == [1008]
            assert len(driver.protocol.owed) == 0
            near.release()
            await quiet()
            assert 10 <= len(near.sent) <= 12


# Misbehaviour.


async def test_a_transport_that_gives_neither_text_nor_bytes_is_at_fault_and_said_to_be() -> None:
    async with wire() as (near, far), running(Scripted(near)) as [outcome]:
        far.say_raw(None)
        await quiet()
        assert isinstance(outcome.error, AttributeError)


@only_asyncio
async def test_a_send_that_is_cancelled_by_the_transport_ends_the_link() -> None:
    async with wire() as (near, far), running(Scripted(near, {"Heartbeat": heartbeat})) as [outcome]:
        near.send_error = asyncio.CancelledError()
        far.ask("Heartbeat")
        await quiet()
        assert isinstance(outcome.error, ConnectionClosed)


# Closing.


@pytest.mark.parametrize("method", ["close", "aclose"])
@pytest.mark.parametrize(
    ("text", "code"), [(b'[2,"1","Heartbeat",{"\xff":1}]', 1007), ("[" + " " * 2**20 + "]", 1009)]
)
async def test_what_cannot_be_understood_closes_with_its_code(method: str, text: Any, code: int) -> None:
    async with wire() as (near, far):
        end = Closable(near, method)
        async with running(driver := Scripted(end, {"Heartbeat": heartbeat})) as [outcome]:
            for _ in range(3):  # once is enough
                far.say_raw(text)
            await quiet()
            assert [code_ for code_, _ in end.closed_with] == [code]
            assert end.closed_with[0][1]
            assert not outcome.ended  # that is for the transport to say
            far.ask("Heartbeat")
            assert (await far.hear())[0] == 3
            far.cut()
            await quiet()
            assert isinstance(outcome.error, LinkLost)
            assert driver.protocol.closed


async def test_a_transport_that_cannot_be_closed_is_left() -> None:
    async with wire() as (near, far), running(Scripted(near)) as [outcome]:
        far.say_raw(b"\xff")
        await quiet()
        assert isinstance(outcome.error, ConnectionClosed)
        assert "no way to close" in str(outcome.error)


async def test_a_transport_that_fails_to_close_is_left_with_its_exception() -> None:
    async with wire() as (near, far):
        error = OSError("broken pipe")
        async with running(Scripted(Closable(near, close_error=error))) as [outcome]:
            far.say_raw(b"\xff")
            await anyio.sleep(2)
            assert outcome.error is error


async def test_aclose_comes_before_close() -> None:
    """Of the two, streams that have both mean `aclose` to be awaited."""
    async with wire() as (near, far):
        end = Closable(near, "aclose")
        end.close = None  # type: ignore[attr-defined]
        async with running(Scripted(end)):
            far.say_raw(b"\xff")
            await quiet()
            assert end.closed_with


async def test_everybody_who_waits_for_what_is_left_to_send_hears_that_it_was_sent() -> None:
    async with wire() as (near, far), running(driver := Scripted(near, {"Heartbeat": heartbeat})):
        heard: list[int] = []

        async def wait(number: int) -> None:
            await driver.drained()
            heard.append(number)

        async with anyio.create_task_group() as tasks:
            near.hold()
            far.ask("Heartbeat")
            await quiet()
            for number in range(3):
                tasks.start_soon(wait, number)
            await quiet()
            assert heard == []
            near.release()
        assert sorted(heard) == [0, 1, 2]


async def test_a_link_that_is_lost_before_start_is_lost_for_everybody() -> None:
    async with wire() as (near, _far):
        driver, error = Scripted(near), LinkLost("replaced")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(refused, driver, error)  # which waits for start()
            await quiet()
            driver.lose(error)
        await refused(driver, error)
        await driver.drained()
        async with running(driver) as [outcome]:
            await quiet()
            assert outcome.error is error
        assert near.sent == []


async def refused(driver: Scripted, cause: Exception) -> None:
    with pytest.raises(ConnectionClosed) as caught:
        await driver.call(call.Heartbeat())
    assert caught.value.__cause__ is cause


# Writing at once.


class Ready:
    """A transport that takes a message at once, as long as the test lets it."""

    def __init__(self, end: End) -> None:
        self.recv = end.recv
        self.end = end
        self.writable = True
        self.room = inf  # messages that are taken at once
        self.written: list[str] = []  # at once

    def write(self, text: str) -> None:
        if self.end.send_error is not None:
            raise self.end.send_error
        assert self.writable
        self.written.append(text)
        self.end._outgoing.send_nowait(text)
        self.writable = len(self.written) < self.room

    async def send(self, text: str) -> None:
        await self.end.send(text)


async def test_what_can_leave_at_once_does_and_its_hooks_run() -> None:
    async with wire() as (near, far):
        after: list[int] = []
        ready = Ready(near)
        driver = Scripted(
            ready,
            {"Heartbeat": heartbeat, "Reset": slowly},
            hooks={"Heartbeat": [lambda request: after.append(len(ready.written))]},
        )
        async with running(driver):
            far.ask("Heartbeat", "1")
            assert (await far.hear())[:2] == [3, "1"]
            assert after == [1]
            far.ask("Reset", "2", type="Soft")  # answered from a task of its own
            assert (await far.hear())[:2] == [3, "2"]
            with pytest.raises(CallTimeout):
                await driver.call(call.Heartbeat(), timeout=1)
            assert (await far.hear())[0] == 2
        assert len(ready.written) == 3
        assert near.sent == []


async def slowly(request: call.Reset) -> call_result.Reset:
    await anyio.sleep(1)
    return call_result.Reset(status="Accepted")


async def test_what_cannot_leave_at_once_is_sent_later_in_order() -> None:
    async with wire() as (near, far):
        ready = Ready(near)
        ready.room = 2
        async with running(driver := Scripted(ready, {"Heartbeat": heartbeat})):
            near.hold()
            for number in range(5):
                far.ask("Heartbeat", str(number))
            await quiet()
            assert len(ready.written) == 2
            ready.writable = True  # again, but the writer is at it
            far.ask("Heartbeat", "5")
            await quiet()
            assert len(ready.written) == 2
            near.release()
            await driver.drained()
            ready.room = inf
            far.ask("Heartbeat", "6")
            assert [(await far.hear())[1] for _ in range(7)] == [str(number) for number in range(7)]
        assert [len(ready.written), len(near.sent)] == [3, 4]


async def test_an_idle_link_keeps_no_task_but_its_reader() -> None:
    async with wire() as (near, far):
        before = len(anyio.get_running_tasks())
        ready = Ready(near)
        async with running(driver := Scripted(ready, {"Heartbeat": heartbeat})):
            await quiet()
            idle = len(anyio.get_running_tasks())
            assert idle == before + 1
            for _ in range(2):  # whoever has left comes back
                ready.room = len(ready.written)
                ready.writable = False
                near.hold()
                with pytest.raises(CallTimeout):
                    await driver.call(call.Heartbeat(), timeout=5)
                assert len(anyio.get_running_tasks()) == idle + 1  # the writer
                near.release()
                ready.room, ready.writable = inf, True
                await driver.drained()
                await quiet()
                assert len(anyio.get_running_tasks()) == idle
        assert (await far.hear())[0] == (await far.hear())[0] == 2


async def test_what_was_asked_of_the_protocol_object_before_start_is_sent_and_times_out() -> None:
    async with wire() as (near, far):
        driver = Scripted(near)
        driver.protocol.call(call.Heartbeat(), now=anyio.current_time(), timeout=5)
        async with running(driver):
            assert (await far.hear())[0] == 2
            await anyio.sleep(6)
            assert not driver.protocol.calls


async def test_a_write_that_fails_is_the_end_of_the_link() -> None:
    async with wire() as (near, far):
        near.send_error = LinkLost("broken")
        async with running(driver := Scripted(Ready(near), {"Heartbeat": heartbeat})) as [outcome]:
            with pytest.raises(ConnectionClosed) as caught:
                await driver.call(call.Heartbeat())
            assert caught.value.__cause__ is near.send_error
            await quiet()
            assert outcome.error is near.send_error
        assert far.sent == []
