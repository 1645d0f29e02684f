"""What a block leaves behind: tasks, descriptors, objects, complaints of the interpreter, memory.

Tasks, objects and complaints are looked at everywhere, descriptors where the system lists them.
"""

import asyncio
import gc
import logging
import os
import sys
import tracemalloc
import warnings
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from urllib.parse import clear_cache

import anyio
import attrs
import pytest
from websockets.protocol import Protocol

from ocpp_sansio import CallReceived, Connection, PendingCall
from ocpp_sansio_adapters.charge_point import ChargePoint
from ocpp_sansio_adapters.csms import CSMS
from ocpp_sansio_adapters.driver import Driver
from ocpp_sansio_adapters.station import Station
from ocpp_sansio_adapters.websockets import WebSocket
from tests.adapters.sockets import DESCRIPTORS, PATIENCE, eventually

__all__ = [
    "Growth",
    "complaints",
    "descriptors",
    "forgetful_log",
    "growth",
    "lists_descriptors",
    "nothing_behind",
    "tasks",
]

#: Of what belongs to a link or to a call, nothing outlives it. States of stations do, and are bounded; streams may, for
#: whoever accepts the next still has the last one in hand, closed.
MORTAL = (
    CSMS,
    CallReceived,
    ChargePoint,
    Connection,
    Driver,
    PendingCall,
    Protocol,
    Station,
    WebSocket,
)

LOGGERS = ("ocpp", "ocpp_sansio", "ocpp_sansio.csms", "ocpp_sansio.station", "ocpp_sansio.websockets")

#: For tests of nothing but descriptors.
lists_descriptors = pytest.mark.skipif(
    not DESCRIPTORS.is_dir(),
    reason=f"this system does not list the descriptors of a process in {DESCRIPTORS}",
)


def tasks() -> set[int]:
    """Those that run."""
    return {task.id for task in anyio.get_running_tasks()}


def descriptors() -> Generator[tuple[int, str]]:
    """Those that are open, and what each is of. Nothing where the system does not list them."""
    if not DESCRIPTORS.is_dir():
        return
    for name in os.listdir(DESCRIPTORS):
        with suppress(OSError):  # the one of the folder itself is closed by now
            yield int(name), os.readlink(DESCRIPTORS / name)


@contextmanager
def complaints() -> Generator[list[str]]:
    """What the interpreter and the event loop say of things that were dropped unclosed, unawaited or unread: where they
    are used, and in a collection of garbage at the end.
    """
    said: list[str] = []
    loop = _running_loop()
    before = sys.unraisablehook
    sys.unraisablehook = lambda told: said.append(f"{told.err_msg}: {told.exc_value!r} in {told.object!r}")
    if loop is not None:
        loop.set_exception_handler(lambda loop, context: said.append(f"{context}"))
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            yield said
            gc.collect()
        said += [f"{warning.category.__name__}: {warning.message}" for warning in warned]
    finally:
        sys.unraisablehook = before
        if loop is not None:
            loop.set_exception_handler(None)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None  # it is trio's, which drops no exception


@pytest.fixture
def forgetful_log() -> Generator[None]:
    """What pytest keeps of the log, it keeps to the end of the test: not with it, too, what an exception refers to."""

    def forget(record: logging.LogRecord) -> bool:
        record.msg, record.args, record.exc_info = record.getMessage(), (), None
        return True

    loggers = [logging.getLogger(name) for name in LOGGERS]
    for logger in loggers:
        logger.addFilter(forget)
    yield
    for logger in loggers:
        logger.removeFilter(forget)


@asynccontextmanager
async def nothing_behind(patience: float = 3 * PATIENCE) -> AsyncGenerator[None]:
    """Fails if the block leaves anything behind, or if it hangs."""
    running, open_now = tasks(), set(descriptors())

    def left() -> dict[str, object]:
        found: dict[str, object] = {
            "tasks": [str(task) for task in anyio.get_running_tasks() if task.id not in running],
            "descriptors": sorted(set(descriptors()) - open_now),
            "objects": _mortal(),
        }
        return {kind: things for kind, things in found.items() if things}

    with only_new_objects(), complaints() as said, anyio.fail_after(patience):
        yield
        with suppress(AssertionError):
            await eventually(lambda: not left())  # the other end may have to notice first
        assert not left(), f"left behind: {left()}"
    assert not said, "\n".join(said)


@contextmanager
def only_new_objects() -> Generator[None]:
    """The garbage collector looks at nothing that there is before the block."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _mortal() -> Counter[str]:
    gc.collect()
    types = (type(thing) for thing in gc.get_objects())
    return Counter(kind.__qualname__ for kind in types if issubclass(kind, MORTAL))


@attrs.frozen
class Growth:
    """Bytes that there are more afterwards: allocated by the lines of the library, and by anybody. Where event loops and
    the standard library keep caches, these are bounded, but not filled by a few hundred rounds.
    """

    ours: int
    total: int


OURS = [
    tracemalloc.Filter(True, f"*{os.sep}{name}{os.sep}*") for name in ("ocpp_sansio", "ocpp_sansio_adapters")
]
OURS.append(tracemalloc.Filter(True, "<attrs generated methods ocpp_sansio*"))


async def growth(once: Callable[[int], Awaitable[object]], *, warm_up: int, rounds: int) -> Growth:
    """What these rounds leave. Each is told its number."""
    tracemalloc.start()
    try:
        for number in range(warm_up):
            await once(number)
        before = _allocated()
        for number in range(warm_up, warm_up + rounds):
            await once(number)
        after = _allocated()
    finally:
        tracemalloc.stop()
    return Growth(after.ours - before.ours, after.total - before.total)


def _allocated() -> Growth:
    clear_cache()  # of the last URLs, which are of our making
    gc.collect()
    total, _ = tracemalloc.get_traced_memory()
    ours = tracemalloc.take_snapshot().filter_traces(OURS)
    return Growth(sum(trace.size for trace in ours.traces), total)
