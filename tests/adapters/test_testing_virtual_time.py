"""Virtual time on asyncio and trio: what passes in no time, what stands still, and what is stuck."""

import asyncio
import inspect
import threading
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import pytest
import trio
from anyio import from_thread, to_thread

from ocpp_sansio.v16 import call
from ocpp_sansio_adapters.testing import (
    ScriptedCSMS,
    Stuck,
    run,
    virtual_time,
)
from tests.adapters.scripted import DAY, ChargePoint, Run


@pytest.fixture(params=["asyncio", "trio"])
def play(request: pytest.FixtureRequest) -> Run:
    return partial(run, backend=request.param)


@pytest.fixture
def csms() -> ScriptedCSMS:
    return ScriptedCSMS()


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
        f"  test_testing_virtual_time.py:{line} in {wait.__name__}"
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
