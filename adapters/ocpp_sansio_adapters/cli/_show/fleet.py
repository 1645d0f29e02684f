"""Many stations in one process: connects them, a few at a time, and keeps what became of each."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import attrs
import websockets
from websockets.asyncio.client import ClientConnection, connect

from ocpp_sansio import CallTimeout, ConnectionClosed, OCPPError, RemoteProtocolError, Version

from ...records import Observer
from .settings import Clock, Settings
from .station import ChargingStation
from .station_v2 import charging_station
from .station_v16 import ChargingStation16

__all__ = ["Fleet", "roster"]

STATIONS: Mapping[Version, type[ChargingStation]] = MappingProxyType(
    {
        Version.V16: ChargingStation16,
        Version.V201: charging_station(Version.V201),
        Version.V21: charging_station(Version.V21),
    }
)

#: What may end a session that is no bug of the demo.
MISHAPS = (
    OCPPError,
    CallTimeout,
    RemoteProtocolError,
    ConnectionClosed,
    websockets.WebSocketException,
    OSError,  # TimeoutError too
)


def roster(number: int) -> dict[str, Version]:
    """The names of that many stations, and which version each speaks: all of them in turn."""
    versions = list(STATIONS)
    return {f"CS-{index + 1:03}": versions[index % len(versions)] for index in range(number)}


@attrs.define
class Fleet:
    """`ended` is told of each station when its session is over, and what went wrong if that was too soon."""

    settings: Settings
    clock: Clock
    observers: Sequence[Observer]
    ended: Callable[[str, str | None], None]

    async def run(self, url: str) -> None:
        """Run the session of every station against the CSMS at this URL."""
        handshakes = asyncio.Semaphore(self.settings.handshakes)
        async with asyncio.TaskGroup() as tasks:
            for identity, version in roster(self.settings.stations).items():
                tasks.create_task(self._run_one(identity, version, url, handshakes))

    async def _run_one(
        self, identity: str, version: Version, url: str, handshakes: asyncio.Semaphore
    ) -> None:
        try:
            async with handshakes:
                connection = await connect(
                    f"{url}/{identity}",
                    subprotocols=[websockets.Subprotocol(version.subprotocol)],
                    compression=None,
                    proxy=None,  # whatever the environment says: loopback has none
                )
            async with connection, asyncio.timeout(self.settings.patience):
                await self._session(STATIONS[version], identity, connection)
        except* MISHAPS as mishaps:
            # Only the end of our patience has no words.
            self.ended(identity, str(_first(mishaps)) or f"not finished within {self.settings.patience:g} s")
        else:
            self.ended(identity, None)

    async def _session(
        self, station_class: type[ChargingStation], identity: str, connection: ClientConnection
    ) -> None:
        station = station_class(
            identity,
            connection,
            clock=self.clock,
            call_timeout=self.settings.call_timeout,
            observers=self.observers,
        )
        async with asyncio.TaskGroup() as tasks:
            link = tasks.create_task(station.start())
            await station.session()
            link.cancel()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
