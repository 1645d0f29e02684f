"""A CSMS under fire: twenty healthy stations that ask and are asked without a pause, and beside them everything that a
peer can do wrong. Over real sockets, on both backends.
"""

import logging
from collections import Counter
from typing import Any

import anyio
import pytest

from ocpp_sansio import CallTimeout, ConnectionClosed, OCPPError
from ocpp_sansio.errors import RemoteProtocolError
from ocpp_sansio.v16 import call
from ocpp_sansio_adapters._websocket import LOST
from ocpp_sansio_adapters.charge_point import ChargePoint
from ocpp_sansio_adapters.csms import CSMS, Change, Joined
from ocpp_sansio_adapters.websockets import Pings, WebSocket
from tests.adapters.crowd import BASES, Crowd, at_csms, serving
from tests.adapters.hostile import DROPPED, HOSTILE, Target, narrow
from tests.adapters.leaks import nothing_behind
from tests.adapters.sockets import eventually

pytestmark = pytest.mark.anyio

SETTINGS: dict[str, Any] = {"open_timeout": 1.0, "close_timeout": 0.5}
IMPATIENT = Pings(interval=0.2, timeout=0.5)
ROUNDS = 1

SILENT = {
    f"{name}-{number}" for name, (_, end) in HOSTILE.items() if end == DROPPED for number in range(ROUNDS)
}

#: Seconds that the process may have worked during one call of a healthy station, whoever else it worked for.
MOST_WORK = 2.0


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


def suspicious(base: type[ChargePoint], boots: Counter[str]) -> type[ChargePoint]:
    """Asks for signs of life those who are to give none, and nobody else."""

    class Suspicious(at_csms(base, boots)):  # type: ignore[misc]
        def __init__(self, id: str, connection: WebSocket, **options: Any) -> None:
            super().__init__(id, connection, **options)
            if id in SILENT:
                connection.pings = IMPATIENT
            if "is-deaf" in id:
                narrow(connection._stream)

    return Suspicious


class Watch:
    """Notes who joins and leaves, and asks each hostile one something that it does not answer."""

    def __init__(self, csms: CSMS) -> None:
        self.changes: list[Change] = []
        self.reader = csms.stations.changes()
        self.asked = 0
        self.ends: list[Exception] = []

    async def run(self) -> None:
        async with anyio.create_task_group() as tasks:
            async for change in self.reader:
                self.changes.append(change)
                if isinstance(change, Joined) and not change.charge_point.id.startswith("CP_"):
                    self.asked += 1
                    tasks.start_soon(self.ask, change.charge_point)

    async def ask(self, hostile: ChargePoint) -> None:
        try:
            await hostile.call(call.DataTransfer(vendor_id="acme", data="x" * 100_000), timeout=30)
        except (ConnectionClosed, CallTimeout, OCPPError, RemoteProtocolError) as error:
            self.ends.append(error)

    def healthy(self) -> list[str]:
        return [change.charge_point.id for change in self.changes if change.charge_point.id.startswith("CP_")]


async def besiege(target: Target) -> dict[str, list[int | str]]:
    """All at once. How each has ended, every time."""
    ends: dict[str, list[int | str]] = {name: [] for name in HOSTILE}

    async def attack(name: str, number: int) -> None:
        try:
            ends[name].append(await HOSTILE[name][0](target, f"{name}-{number}"))
        except (AssertionError, *LOST) as error:
            ends[name].append(repr(error))

    async with anyio.create_task_group() as tasks:
        for name in HOSTILE:
            for number in range(ROUNDS):
                tasks.start_soon(attack, name, number)
    return ends


async def test_twenty_healthy_stations_notice_nothing(caplog: pytest.LogCaptureFixture) -> None:
    # J16-121, L-124, L-130, L-132
    caplog.set_level(logging.ERROR)
    async with nothing_behind():
        await siege()
    assert not caplog.messages


async def siege() -> None:
    boots: Counter[str] = Counter()
    csms = CSMS(*[suspicious(base, boots) for base in BASES])
    async with serving(csms, **SETTINGS) as server, anyio.create_task_group() as tasks:
        crowd = Crowd.of(csms, server.port, 20)
        async with crowd.alive():
            await crowd.go_on()
            before = dict(csms.stations), [station.charge_point for station in crowd.stations]
            watch = Watch(csms)
            tasks.start_soon(watch.run)
            ends = await besiege(Target(server.url, csms.stations))
            await crowd.go_on()
            assert ends == {name: [end] * ROUNDS for name, (_, end) in HOSTILE.items()}
            await eventually(lambda: len(watch.ends) == watch.asked > ROUNDS * len(HOSTILE) / 2)
            assert before == (dict(csms.stations), [station.charge_point for station in crowd.stations])
            assert watch.healthy() == []
            assert boots == Counter(dict.fromkeys(crowd.bases, 1))
            tasks.cancel_scope.cancel()
    assert not crowd.lost
    assert crowd.waiting == 0
    assert crowd.longest < MOST_WORK
