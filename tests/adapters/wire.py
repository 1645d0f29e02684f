"""A WebSocket in memory with the faults of a real one, and drivers that run over it."""

import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from math import inf
from typing import Any

import anyio
import attrs
from anyio.lowlevel import checkpoint
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from ocpp_sansio import CallReceived, Connection, Role
from ocpp_sansio.messages import Response
from ocpp_sansio_adapters.driver import Driver
from ocpp_sansio_adapters.records import Observer

__all__ = ["End", "LinkLost", "Outcome", "Scripted", "answering", "quiet", "running", "wire"]

ETERNITY = 10.0**7  # seconds of virtual time after which a test is taken to hang


class LinkLost(Exception):
    """What a transport raises when it breaks."""


class End:
    """One end of the wire. It is a transport; `hear` and `say` are for tests that play the peer."""

    def __init__(
        self, outgoing: MemoryObjectSendStream[Any], incoming: MemoryObjectReceiveStream[Any]
    ) -> None:
        self.sent: list[str] = []  # whole frames
        self.torn: list[str] = []  # frames whose sending was cancelled midway
        self.overlaps = 0  # sends that began while another was going on
        self.latency = 0.0  # seconds that a send takes
        self.send_error: BaseException | None = None
        self._outgoing = outgoing
        self._incoming = incoming
        self._sending = False
        self._clear = anyio.Event()
        self._clear.set()

    async def send(self, text: str) -> None:
        self.overlaps += self._sending
        self._sending = True
        try:
            await self._clear.wait()
            await anyio.sleep(self.latency)
            if self.send_error is not None:
                raise self.send_error
        except anyio.get_cancelled_exc_class():
            self.torn.append(text)
            raise
        finally:
            self._sending = False
        self.sent.append(text)
        self._outgoing.send_nowait(text)

    async def recv(self) -> Any:
        received = await self._incoming.receive()
        if isinstance(received, BaseException):
            raise received
        return received

    def hold(self) -> None:
        """From now on the peer does not read, so that sending blocks."""
        self._clear = anyio.Event()

    def release(self) -> None:
        self._clear.set()

    def cut(self, error: BaseException | None = None) -> None:
        """The other end's `recv` raises this once it has had what was sent before."""
        self.say_raw(LinkLost("the wire is cut") if error is None else error)

    def say(self, *frame: Any) -> None:
        self.say_raw(json.dumps(frame))

    def say_raw(self, text: Any) -> None:
        self._outgoing.send_nowait(text)

    def ask(self, action: str, id: str = "1", **payload: Any) -> None:
        self.say(2, id, action, payload)

    async def hear(self) -> list[Any]:
        frame: list[Any] = json.loads(await self.recv())
        return frame


@asynccontextmanager
async def wire() -> AsyncIterator[tuple[End, End]]:
    """Two ends of one link. The first is for a driver, the second for a driver or for the test."""
    near_out, far_in = anyio.create_memory_object_stream[Any](inf)
    far_out, near_in = anyio.create_memory_object_stream[Any](inf)
    near, far = End(near_out, near_in), End(far_out, far_in)
    with near_out, far_in, far_out, near_in:
        yield near, far
    for end in (near, far):
        assert end.overlaps == 0, "two sends at once"


class Scripted(Driver):
    """A driver whose handlers and hooks are functions of the test, by action. Without a role, it asks and answers everything."""

    def __init__(
        self,
        end: Any,
        handlers: Mapping[str, Callable[[Any], Any]] | None = None,
        *,
        hooks: Mapping[str, Sequence[Callable[[Any], Any]]] | None = None,
        observers: Iterable[Observer] = (),
        role: Role | None = None,
        **options: Any,
    ) -> None:
        super().__init__(Connection(role, "1.6", **options), end, identity="CP_1", observers=observers)
        self.handlers = handlers or {}
        self.hooks = hooks or {}

    def handle(self, received: CallReceived) -> Any:
        if received.action not in self.handlers:
            return super().handle(received)
        return self.handlers[received.action](received.request)

    def handled(self, received: CallReceived, response: Response) -> Iterable[Callable[[], Any]]:
        if received.action not in self.hooks:
            return super().handled(received, response)
        return [partial(hook, received.request) for hook in self.hooks[received.action]]


@attrs.define
class Outcome:
    """How one `start()` ended: `error` is None while it runs, and if it was cancelled."""

    error: BaseException | None = None
    ended: bool = False
    scope: anyio.CancelScope = attrs.field(factory=anyio.CancelScope)


@asynccontextmanager
async def running(*drivers: Driver) -> AsyncIterator[list[Outcome]]:
    """`start()` of each, for as long as the block lasts. Fails if a task outlives it, or if everything waits for ever."""
    before = {task.id for task in anyio.get_running_tasks()}
    outcomes = [Outcome() for _ in drivers]

    async def run(driver: Driver, outcome: Outcome) -> None:
        try:
            with outcome.scope:
                await driver.start()
        except Exception as error:
            outcome.error = error
        finally:
            outcome.ended = True

    with anyio.fail_after(ETERNITY):
        async with anyio.create_task_group() as tasks:
            for driver, outcome in zip(drivers, outcomes, strict=True):
                tasks.start_soon(run, driver, outcome)
            yield outcomes
            for outcome in outcomes:
                outcome.scope.cancel()
    assert {task.id for task in anyio.get_running_tasks()} == before, "a task is left behind"


async def quiet() -> None:
    """Come back when every other task waits. The clock moves by next to nothing."""
    await anyio.sleep(1e-3)


async def answering(end: End, answers: Mapping[str, Any] | None = None, turns: int = 0) -> None:
    """Play a peer that answers whatever is asked, after so many turns of the event loop, until it is cancelled."""
    while True:
        frame = await end.hear()
        for _ in range(turns):
            await checkpoint()
        if frame[0] == 2:
            end.say(3, frame[1], (answers or ANSWERS)[frame[2]])


NOW = "2024-05-01T12:00:00Z"
ANSWERS: Mapping[str, Any] = {
    "Heartbeat": {"currentTime": NOW},
    "StatusNotification": {},
    "Reset": {"status": "Accepted"},
}
