"""_told.py: SENDs of the peer are handled in order, one at a time, and bounded in number."""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from ocpp_sansio import CallReceived, Connection, ConnectionClosed, Role, SendReceived
from ocpp_sansio.v21 import call, call_result
from ocpp_sansio_adapters._told import WAITING
from ocpp_sansio_adapters.driver import GRACE, Driver
from tests.adapters.virtual_time import only_asyncio
from tests.adapters.wire import NOW, End, LinkLost, quiet, running, wire

pytestmark = pytest.mark.anyio

DATA = [{"t": 0.0, "v": "231.0"}]


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


def frame(number: int) -> list[Any]:
    payload = {"id": number, "pending": 0, "basetime": "2026-05-01T12:00:00Z", "data": DATA}
    return [6, str(number), "NotifyPeriodicEventStream", payload]


def tell(far: End, *numbers: int) -> None:
    for number in numbers:
        far.say(*frame(number))


class Listening(Driver):
    """Gives the stream's number to a function of the test."""

    def __init__(self, end: Any, listen: Callable[[int], Any]) -> None:
        super().__init__(Connection(Role.CSMS, "2.1"), end, identity="CP_1")
        self.listen = listen

    def told(self, received: SendReceived) -> Any:
        return self.listen(int(received.id))

    def handle(self, received: CallReceived) -> Any:
        return call_result.Heartbeat(current_time=NOW)


class Slow:
    """A handler that takes ten seconds."""

    def __init__(self) -> None:
        self.began: list[int] = []
        self.ended: list[int] = []

    async def __call__(self, number: int) -> None:
        self.began.append(number)
        await anyio.sleep(10)
        self.ended.append(number)


# Bounds and order.


async def test_any_number_of_sends_needs_one_task_and_what_finds_no_room_is_dropped_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    slow = Slow()
    kept = list(range(1 + WAITING))
    async with wire() as (near, far), running(Listening(near, slow)):
        await quiet()
        idle = len(anyio.get_running_tasks())
        tell(far, *range(5000))
        await quiet()
        assert len(anyio.get_running_tasks()) == idle + 1
        assert slow.began == [0]
        dropped = [record.getMessage() for record in caplog.records]
        assert len(dropped) == 5000 - len(kept)
        assert dropped[0] == "CP_1: SEND NotifyPeriodicEventStream '33' dropped: too many wait"
        assert {record.levelno for record in caplog.records} == {logging.WARNING}
        await anyio.sleep(10 * len(kept))
        assert slow.ended == kept
        assert len(anyio.get_running_tasks()) == idle
        tell(far, 6000)
        await anyio.sleep(11)
        assert slow.ended == [*kept, 6000]
    assert near.sent == []


async def test_as_many_as_there_is_room_for_are_all_handled(caplog: pytest.LogCaptureFixture) -> None:
    slow = Slow()
    async with wire() as (near, far), running(Listening(near, slow)):
        tell(far, *range(1 + WAITING))
        await anyio.sleep(10 * (2 + WAITING))
    assert slow.ended == list(range(1 + WAITING))
    assert caplog.records == []


async def test_sync_handlers_run_inline_and_drop_nothing(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[int] = []
    async with wire() as (near, far), running(Listening(near, heard.append)):
        await quiet()
        idle = len(anyio.get_running_tasks())
        tell(far, *range(1000))
        await quiet()
        assert len(anyio.get_running_tasks()) == idle
    assert heard == list(range(1000))
    assert caplog.records == []


async def test_a_sync_handler_waits_for_the_async_ones_before_it() -> None:
    heard: list[int] = []

    async def later(number: int) -> None:
        await anyio.sleep(1)
        heard.append(number)

    def listen(number: int) -> Any:
        return later(number) if number in (1, 4) else heard.append(number)

    async with wire() as (near, far), running(Listening(near, listen)):
        tell(far, *range(7))
        await quiet()
        assert heard == [0]
        await anyio.sleep(3)
    assert heard == list(range(7))


async def test_calls_are_answered_and_made_while_a_send_is_handled() -> None:
    answers: list[Any] = []

    async def ask(number: int) -> None:
        answers.append(await driver.call(call.ClearCache()))

    async with wire() as (near, far):
        driver = Listening(near, ask)
        async with running(driver):
            tell(far, 1)
            _, id, *_ = await far.hear()
            far.ask("Heartbeat", "2")
            assert await far.hear() == [3, "2", {"currentTime": NOW}]
            far.say(3, id, {"status": "Accepted"})
            await quiet()
    assert answers == [call_result.ClearCache(status="Accepted")]


async def test_a_burst_that_arrives_in_one_breath_is_not_dropped_if_its_handlers_are_quick() -> None:
    """The `recv` of a real transport does not yield while it has frames at hand."""
    heard: list[int] = []

    class Burst:
        texts = [json.dumps(frame(number)) for number in range(500)]  # noqa: RUF012

        async def send(self, text: str) -> None: ...

        async def recv(self) -> str:
            if not self.texts:
                await anyio.sleep_forever()
            return self.texts.pop(0)

    async def listen(number: int) -> None:
        heard.append(number)

    async with running(Listening(Burst(), listen)):
        await quiet()
    assert heard == list(range(500))


# Crashes.


@pytest.mark.parametrize("later", [True, False])
async def test_a_handler_that_crashes_is_logged_and_the_next_ones_are_run(
    later: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """The first before its task, the second in it and the fourth instead of it."""
    heard: list[int] = []

    async def listen_later(number: int) -> None:
        await checkpoint()
        if number in (0, 1, 3):
            raise ZeroDivisionError
        heard.append(number)

    def listen(number: int) -> Any:
        if not later and number in (0, 3):
            raise ZeroDivisionError
        return listen_later(number)

    async with wire() as (near, far), running(Listening(near, listen)):
        tell(far, *range(5))
        await quiet()
    assert heard == [2, 4]
    culprits = [record.getMessage() for record in caplog.records]
    assert culprits == ["CP_1: the handler of NotifyPeriodicEventStream failed"] * 3


@only_asyncio
@pytest.mark.parametrize("later", [True, False])
async def test_a_handler_that_cancels_itself_has_crashed(
    later: bool, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[int] = []

    async def listen_later(number: int) -> None:
        if number == 0:
            raise asyncio.CancelledError
        heard.append(number)

    def listen(number: int) -> Any:
        if number == 0 and not later:
            raise asyncio.CancelledError
        return listen_later(number)

    async with wire() as (near, far), running(Listening(near, listen)) as [outcome]:
        tell(far, 0, 1)
        await quiet()
        assert not outcome.ended
    assert heard == [1]
    assert [record.getMessage() for record in caplog.records] == [
        "CP_1: the handler of NotifyPeriodicEventStream failed"
    ]


# The end.


@pytest.mark.parametrize("lost", [True, False])
async def test_sends_that_have_arrived_have_a_few_seconds_when_the_link_ends(
    lost: bool, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[int] = []

    async def listen(number: int) -> None:
        await anyio.sleep(GRACE / 5)
        heard.append(number)

    async with wire() as (near, far), running(Listening(near, listen)) as [outcome]:
        tell(far, 0, 1, 2)
        await quiet()
        if lost:
            far.cut()
        else:
            outcome.scope.cancel()
        await anyio.sleep(GRACE * 4 / 5)
        assert outcome.ended
        assert isinstance(outcome.error, LinkLost) is lost
    assert heard == [0, 1, 2]
    assert caplog.records == []


async def test_after_that_they_are_cancelled_and_those_that_wait_are_never_begun(
    caplog: pytest.LogCaptureFixture,
) -> None:
    slow = Slow()
    async with wire() as (near, far), running(Listening(near, slow)) as [outcome]:
        tell(far, 0, 1, 2)
        await quiet()
        far.cut()
        await anyio.sleep(GRACE - 0.1)
        assert not outcome.ended
        await anyio.sleep(0.2)
        assert outcome.ended
        assert isinstance(outcome.error, LinkLost)
    assert slow.began == [0]
    assert slow.ended == []
    assert caplog.records == []


async def test_a_call_that_ends_with_the_link_is_no_crash_of_the_handler_of_a_send(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failures: list[ConnectionClosed] = []

    async def ask(number: int) -> None:
        try:
            await driver.call(call.ClearCache())
        except ConnectionClosed as error:
            failures.append(error)
            raise

    async with wire() as (near, far):
        driver = Listening(near, ask)
        async with running(driver) as [outcome]:
            tell(far, 0, 1)
            await far.hear()
            far.cut()
            await quiet()
            assert outcome.ended
    assert len(failures) == 2
    assert caplog.records == []
