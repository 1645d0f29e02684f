"""What a Station connects to in memory: a CSMS that notes what it is asked and when, or nobody at all."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import anyio.lowlevel
import attrs
import pytest
from anyio.abc import TaskGroup
from websockets.exceptions import ConnectionClosed

from ocpp_sansio import Version
from ocpp_sansio.reconnect import ReconnectTimer
from ocpp_sansio.routing import on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio_adapters import station as station_module
from ocpp_sansio_adapters import v16
from ocpp_sansio_adapters.charge_point import ChargePoint
from ocpp_sansio_adapters.station import Station
from tests.adapters.pipe import station_and_csms

__all__ = ["BOOT", "NOW", "Answering", "Ether", "a_station", "answer", "ether"]

NOW = "2024-05-01T12:00:00Z"
BOOT = call.BootNotification(charge_point_vendor="acme", charge_point_model="One")


class Answering(v16.ChargePoint):
    """The CSMS's end of a link. `ether` is set by it."""

    ether: "Ether"

    @on(call.BootNotification)
    def boot(self, request: call.BootNotification) -> Any:
        return self.ether.answer("BootNotification", self.ether.boots)

    @on(call.Heartbeat)
    def heartbeat(self, request: call.Heartbeat) -> Any:
        return self.ether.answer("Heartbeat", self.ether.heartbeats)

    @on(call.StatusNotification)
    def status(self, request: call.StatusNotification) -> Any:
        return self.ether.answer("StatusNotification", [call_result.StatusNotification()])


@attrs.define(eq=False)
class Ether:
    """Notes what happened with the seconds since the beginning. `boots` and `heartbeats` are the answers: the next of
    the list, then again and again the last; exceptions are raised, and None is no answer.
    """

    tasks: TaskGroup
    began: float = attrs.field(factory=anyio.current_time)
    attempts: list[tuple[float, list[str]]] = attrs.field(factory=list)  # and the versions that were offered
    trouble: list[Exception] = attrs.field(factory=list)  # of the next attempts
    speaks: type[ChargePoint] = Answering
    boots: list[Any] = attrs.field(factory=lambda: [answer("Accepted", 1000)])
    heartbeats: list[Any] = attrs.field(factory=lambda: [call_result.Heartbeat(current_time=NOW)])
    asked: list[tuple[float, str]] = attrs.field(factory=list)
    links: list[Any] = attrs.field(factory=list)  # the CSMS's ends
    near: list[Any] = attrs.field(factory=list)  # the station's
    settings: dict[str, Any] = attrs.field(factory=dict)
    attempted: Callable[[int], object] = lambda number: None  # is told of each attempt as it begins

    @property
    def now(self) -> float:
        return round(anyio.current_time() - self.began, 1)

    @property
    def csms(self) -> Any:
        """The charge point of the present link, at the CSMS."""
        return self.links[-1]

    def answer(self, action: str, answers: list[Any]) -> Any:
        self.asked.append((self.now, action))
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(found, Exception):
            raise found
        return anyio.sleep_forever() if found is None else found

    @asynccontextmanager
    async def connect(self, url: str, identity: str, versions: Any, **settings: Any) -> AsyncIterator[Any]:
        """Stands in for `websockets.connect`."""
        await anyio.lowlevel.checkpoint()
        self.attempts.append((self.now, [Version(version).value for version in versions]))
        self.settings = settings
        self.attempted(len(self.attempts))
        if self.trouble:
            raise self.trouble.pop(0)
        near, far = station_and_csms(identity=identity, version=self.speaks.version)
        self.near.append(near)
        served: Any = self.speaks(identity, far)
        served.ether = self
        self.links.append(served)
        self.tasks.start_soon(self._serve, served)
        try:
            yield near
        finally:
            await near.aclose()

    async def _serve(self, served: ChargePoint) -> None:
        with suppress(ConnectionClosed):
            await served.start()
        await served.transport.aclose()

    def cut(self) -> None:
        """The link is lost."""
        self.near[-1]._stream.cut()


def answer(status: str, interval: int) -> Any:
    return call_result.BootNotification(current_time=NOW, interval=interval, status=status)


@asynccontextmanager
async def ether(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ether]:
    """What every Station of the block connects to. Fails if a task is left behind."""
    before = {task.id for task in anyio.get_running_tasks()}
    async with anyio.create_task_group() as tasks:
        found = Ether(tasks)
        monkeypatch.setattr(station_module, "connect", found.connect)
        yield found
        await anyio.sleep(20)
    assert {task.id for task in anyio.get_running_tasks()} == before
    for link in [*found.near, *(link.transport for link in found.links)]:
        assert link._stream.closed


def a_station(
    *classes: type[ChargePoint], draw: Callable[[], float] = lambda: 0.5, **options: Any
) -> Station:
    """One that boots, and connects again after 1.5, 2.5, 4.5, 4.5, ... seconds."""
    timer = ReconnectTimer(wait_minimum=1, random_range=1, repeat_times=2, draw=draw)
    settings: dict[str, Any] = {"boot": BOOT, "timer": timer, **options}
    return Station("ws://localhost/ocpp", "CP_1", *(classes or (v16.ChargePoint,)), **settings)
