"""A crowd of healthy stations of all versions, which ask and are asked without a pause, and a CSMS for them, over real
sockets.
"""

import random
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import attrs
from anyio.lowlevel import checkpoint

from ocpp_sansio import ConnectionClosed
from ocpp_sansio.reconnect import ReconnectTimer
from ocpp_sansio.routing import on
from ocpp_sansio_adapters.charge_point import ChargePoint
from ocpp_sansio_adapters.csms import CSMS
from ocpp_sansio_adapters.station import Station
from ocpp_sansio_adapters.v16 import ChargePoint as Of16
from ocpp_sansio_adapters.v21 import ChargePoint as Of21
from ocpp_sansio_adapters.v201 import ChargePoint as Of201
from tests.adapters.sockets import CALM, PATIENCE, eventually

__all__ = [
    "BASES",
    "NOW",
    "Crowd",
    "Serving",
    "a_station",
    "at_csms",
    "at_station",
    "boot_of",
    "request_of",
    "serving",
]

NOW = "2024-05-01T12:00:00Z"

#: Seconds between two calls of one station, so that a crowd leaves the event loop time for others. No test waits for
#: them to pass.
PACE = 0.02

BASES: tuple[type[ChargePoint], ...] = (Of16, Of201, Of21)


def request_of(base: type[ChargePoint], action: str, **content: Any) -> Any:
    """A request of its version."""
    return base.version.load()[action](**content)


def boot_of(base: type[ChargePoint]) -> Any:
    """A BootNotification of its version."""
    if base is Of16:
        return request_of(base, "BootNotification", charge_point_vendor="acme", charge_point_model="One")
    station = {"model": "One", "vendor_name": "acme"}
    return request_of(base, "BootNotification", charging_station=station, reason="PowerUp")


def at_csms(base: type[ChargePoint], boots: Counter[str], status: str = "Accepted") -> type[ChargePoint]:
    """What serves a station: counts its boots, answers heartbeats, some of them later, and never a data transfer."""
    messages = base.version.load()

    class AtCSMS(base):  # type: ignore[misc, valid-type]
        @on(messages["BootNotification"])
        def boot(self, request: Any) -> Any:
            boots[self.id] += 1
            return request.__answer__(current_time=NOW, interval=1000, status=status)

        @on(messages["Heartbeat"])
        async def heartbeat(self, request: Any) -> Any:
            for _ in range(boots.total() % 3):
                await checkpoint()
            return request.__answer__(current_time=NOW)

        @on(messages["DataTransfer"])
        async def hang(self, request: Any) -> Any:
            await anyio.sleep_forever()

    return AtCSMS


def at_station(base: type[ChargePoint]) -> type[ChargePoint]:
    """What is asked at a station: clears its cache, and never finishes a data transfer."""
    messages = base.version.load()

    class AtStation(base):  # type: ignore[misc, valid-type]
        @on(messages["ClearCache"])
        def clear_cache(self, request: Any) -> Any:
            return request.__answer__(status="Accepted")

        @on(messages["DataTransfer"])
        async def hang(self, request: Any) -> Any:
            await anyio.sleep_forever()

    return AtStation


def a_station(
    port: int,
    identity: str,
    base: type[ChargePoint] = Of16,
    cls: type[ChargePoint] | None = None,
    **settings: Any,
) -> Station:
    """One that boots, and tries again after a few milliseconds, of which chance decides as it did last time."""
    return Station(
        f"ws://127.0.0.1:{port}/",
        identity,
        cls or at_station(base),
        boot=boot_of(base),
        timer=ReconnectTimer(
            wait_minimum=0.005, random_range=0.005, repeat_times=1, draw=random.Random(identity).random
        ),
        settings={**CALM, **settings},
    )


@attrs.define(eq=False)
class Serving:
    """A server in a task, and its scope."""

    port: int = 0
    scope: anyio.CancelScope = attrs.field(factory=anyio.CancelScope)
    ended: bool = False

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/"


@asynccontextmanager
async def serving(csms: CSMS, port: int = 0, **settings: Any) -> AsyncGenerator[Serving]:
    """The CSMS, for as long as the block lasts. Its stations are gone afterwards."""
    server = Serving()

    async def serve(*, task_status: Any) -> None:
        with server.scope:
            await csms.serve("127.0.0.1", port, task_status=task_status, **{**CALM, **settings})
        server.ended = True

    async with anyio.create_task_group() as tasks:
        server.port = (await tasks.start(serve))[1]
        yield server
        server.scope.cancel()
    assert not csms.stations


@attrs.define(eq=False)
class Crowd:
    """Stations, and a CSMS that may be replaced. Counts how each call has ended."""

    csms: CSMS
    stations: list[Station]
    bases: dict[str, type[ChargePoint]]
    answered: Counter[str] = attrs.field(factory=Counter)  # by who has asked
    lost: Counter[str] = attrs.field(factory=Counter)
    waiting: int = 0
    longest: float = 0.0  # seconds of work of this process, during one call
    over: bool = False

    @classmethod
    def of(cls, csms: CSMS, port: int, count: int, **settings: Any) -> "Crowd":
        bases = {f"CP_{number}": BASES[number % len(BASES)] for number in range(count)}
        stations = [a_station(port, identity, base, **settings) for identity, base in bases.items()]
        return cls(csms, stations, bases)

    @asynccontextmanager
    async def alive(self) -> AsyncGenerator[None]:
        """All of them, for as long as the block lasts."""
        async with anyio.create_task_group() as tasks:
            for station in self.stations:
                tasks.start_soon(self.live, station)
            yield
            self.over = True

    async def live(self, station: Station) -> None:
        base = self.bases[station.identity]
        heartbeat, clear_cache = request_of(base, "Heartbeat"), request_of(base, "ClearCache")
        async with station, anyio.create_task_group() as tasks:
            tasks.start_soon(self.talk, f"{station.identity} asks", station.call, heartbeat)
            tasks.start_soon(self.talk, f"{station.identity} is asked", self.ask(station), clear_cache)

    def ask(self, station: Station) -> Callable[..., Any]:
        async def ask(request: Any, **options: Any) -> Any:
            return await (await self.csms.stations.wait(station.identity)).call(request, **options)

        return ask

    async def talk(self, name: str, ask: Callable[..., Any], request: Any) -> None:
        """Ask again and again. The only way that a call may fail is with its link."""
        while not self.over:
            self.waiting += 1
            began = time.process_time()
            try:
                with anyio.move_on_after(PATIENCE) as patience:
                    await ask(request, timeout=PATIENCE)
            except ConnectionClosed:
                self.lost[name] += 1
            else:
                if not patience.cancelled_caught:
                    self.answered[name] += 1
            finally:
                self.waiting -= 1
            self.longest = max(self.longest, time.process_time() - began)
            await anyio.sleep(PACE)

    async def go_on(self, rounds: int = 3) -> None:
        """Come back once each has asked and been asked so many times more."""
        target = {name: self.answered[name] + rounds for name in self.names}
        await eventually(lambda: all(self.answered[name] >= target[name] for name in target))

    @property
    def names(self) -> list[str]:
        return [f"{station.identity} {how}" for station in self.stations for how in ("asks", "is asked")]
