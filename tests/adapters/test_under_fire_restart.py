"""A CSMS that is restarted, in good order or not, with dozens of stations of all versions that ask and are asked: all are
back, no call is left waiting, and nobody boots who need not. Over real sockets, on both backends.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from anyio.abc import ByteStream

from ocpp_sansio import ConnectionClosed
from ocpp_sansio_adapters.csms import CSMS
from ocpp_sansio_adapters.station import Station
from tests.adapters.crowd import BASES, Crowd, Serving, a_station, at_csms, request_of, serving
from tests.adapters.leaks import forgetful_log, nothing_behind
from tests.adapters.sockets import eventually, reset

__all__ = ["forgetful_log"]  # a fixture

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("forgetful_log")]

STATIONS = 24
TIMES = 2


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(autouse=True)
def _short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocpp_sansio_adapters._server.SHUTDOWN_GRACE", 0.05)


async def in_good_order(csms: CSMS, server: Serving) -> None:
    server.scope.cancel()
    await eventually(lambda: server.ended)


async def by_a_crash(csms: CSMS, server: Serving) -> None:
    """Every socket is reset, as when the process is killed."""
    for charge_point in list(csms.stations.values()):
        stream: ByteStream = charge_point.transport._stream
        reset(stream)
        await anyio.aclose_forcefully(stream)
    await in_good_order(csms, server)


class Hanging:
    """Calls in both directions that are never answered, and how they have ended."""

    def __init__(self) -> None:
        self.asked = 0
        self.ends: list[BaseException] = []

    async def ask(self, party: Any, request: Any) -> None:
        self.asked += 1
        try:
            await party.call(request, timeout=1000)
        except ConnectionClosed as closed:
            self.ends.append(closed)


@pytest.mark.parametrize("end", [in_good_order, by_a_crash])
async def test_all_are_back_and_no_call_is_left_waiting(
    end: Callable[[CSMS, Serving], Awaitable[None]],
) -> None:
    # L-125
    async with nothing_behind():
        await restarts(end)


async def restarts(end: Callable[[CSMS, Serving], Awaitable[None]]) -> None:
    boots: Counter[str] = Counter()
    classes = [at_csms(base, boots) for base in BASES]
    hanging = Hanging()
    async with serving(CSMS(*classes)) as free:
        pass
    crowd = Crowd.of(CSMS(*classes), free.port, STATIONS)
    async with crowd.alive(), anyio.create_task_group() as tasks:
        for _ in range(TIMES):
            async with serving(crowd.csms, free.port) as server:
                await crowd.go_on()
                before = [station.charge_point for station in crowd.stations]
                assert None not in before
                for station in crowd.stations:
                    request = request_of(crowd.bases[station.identity], "DataTransfer", vendor_id="acme")
                    tasks.start_soon(hanging.ask, station, request)
                    tasks.start_soon(hanging.ask, crowd.csms.stations[station.identity], request)
                await eventually(all_asked(crowd))
                csms, crowd.csms = crowd.csms, CSMS(*classes)
                await end(csms, server)
            await eventually(lambda: len(hanging.ends) == hanging.asked)
        assert len(hanging.ends) == TIMES * 2 * STATIONS
        async with serving(crowd.csms, free.port):
            await crowd.go_on()
            assert sorted(crowd.csms.stations) == sorted(crowd.bases)
            assert not set(before) & {station.charge_point for station in crowd.stations}
            crowd.over = True
            await eventually(lambda: not crowd.csms.stations)
    assert crowd.waiting == 0
    assert boots == Counter(dict.fromkeys(crowd.bases, 1))
    assert [station.timer.deadline for station in crowd.stations] == [None] * STATIONS


def all_asked(crowd: Crowd) -> Callable[[], bool]:
    """Whether the calls that hang have arrived at both ends."""

    def arrived() -> bool:
        far = [charge_point.protocol for charge_point in crowd.csms.stations.values()]
        near = [station.charge_point.protocol for station in crowd.stations if station.charge_point]
        return len(far) == len(near) == STATIONS and all(protocol.owed for protocol in [*far, *near])

    return arrived


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
async def test_who_is_not_accepted_does_not_boot_sooner_because_of_a_restart(status: str) -> None:
    # J16-507
    async with nothing_behind():
        await unaccepted(status)


async def unaccepted(status: str) -> None:
    boots: Counter[str] = Counter()
    classes = [at_csms(base, boots, status) for base in BASES]
    bases = {f"CP_{number}": BASES[number % 3] for number in range(12)}
    over = anyio.Event()

    async def live(station: Station) -> None:
        async with station:
            await over.wait()

    async with anyio.create_task_group() as tasks:
        port = 0
        for number in range(TIMES):
            csms = CSMS(*classes)
            async with serving(csms, port) as server:
                if number == 0:
                    port = server.port
                    for identity, base in bases.items():
                        tasks.start_soon(live, a_station(port, identity, base))
                await eventually(lambda: len(csms.stations) == len(boots) == len(bases))  # noqa: B023
                await in_good_order(csms, server)
        over.set()
    assert boots == Counter(dict.fromkeys(bases, 1))


async def test_links_that_are_lost_after_any_number_of_bytes_are_replaced() -> None:
    # L-130
    async with nothing_behind():
        await cuts()


async def cuts() -> None:
    boots: Counter[str] = Counter()
    csms = CSMS(*[at_csms(base, boots) for base in BASES])
    chance = random.Random(20)
    async with serving(csms) as server:
        crowd = Crowd.of(csms, server.port, 12)
        async with crowd.alive():
            await crowd.go_on(1)
            for _ in range(5):
                before = [station.charge_point for station in crowd.stations]
                for station in crowd.stations:
                    websocket = (await station.connected()).transport
                    websocket._stream = Cut(websocket._stream, chance.randrange(150))
                await eventually(others(crowd, before))
                await crowd.go_on(1)
    assert crowd.waiting == 0
    assert boots == Counter(dict.fromkeys(crowd.bases, 1))


class Cut(ByteStream):
    """A stream that is reset as soon as so many bytes more have been sent, wherever in a frame that is."""

    def __init__(self, stream: ByteStream, octets: int) -> None:
        self.stream = stream
        self.left = octets

    async def send(self, item: bytes) -> None:
        await self.stream.send(item[: self.left])
        self.left = max(0, self.left - len(item))
        if not self.left:
            reset(self.stream)
            await anyio.aclose_forcefully(self.stream)

    async def receive(self, max_bytes: int = 65536) -> bytes:
        return await self.stream.receive(max_bytes)

    async def send_eof(self) -> None:
        await self.stream.send_eof()

    async def aclose(self) -> None:
        await self.stream.aclose()

    @property
    def extra_attributes(self) -> Any:
        return self.stream.extra_attributes


def others(crowd: Crowd, before: list[Any]) -> Callable[[], bool]:
    """Whether each station has another link than then."""

    def replaced() -> bool:
        pairs = zip(crowd.stations, before, strict=True)
        return all(station.charge_point not in (None, old) for station, old in pairs)

    return replaced
