"""Many stations in one process: connects them, a few at a time, and keeps what became of each."""

import asyncio
from collections.abc import Callable, Sequence

import attrs
import websockets
from websockets.asyncio.client import ClientConnection, connect

from ocpp_sansio import CallTimeout, ConnectionClosed, OCPPError, RemoteProtocolError, Version

from ..records import Observer
from ._settings import Clock, Settings
from ._station import ChargingStation

__all__ = ["Fleet", "identities"]

#: What may end a session that is no bug of the demo.
MISHAPS = (
    OCPPError,
    CallTimeout,
    RemoteProtocolError,
    ConnectionClosed,
    websockets.WebSocketException,
    OSError,  # TimeoutError too
)


def identities(number: int) -> list[str]:
    """The names of that many stations."""
    return [f"CS-{index:03}" for index in range(1, number + 1)]


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
            for identity in identities(self.settings.stations):
                tasks.create_task(self._run_one(identity, url, handshakes))

    async def _run_one(self, identity: str, url: str, handshakes: asyncio.Semaphore) -> None:
        try:
            async with handshakes:
                connection = await connect(
                    f"{url}/{identity}",
                    subprotocols=[websockets.Subprotocol(Version.V16.subprotocol)],
                    compression=None,
                    proxy=None,  # whatever the environment says: loopback has none
                )
            async with connection, asyncio.timeout(self.settings.patience):
                await self._session(identity, connection)
        except* MISHAPS as mishaps:
            # Only the end of our patience has no words.
            self.ended(identity, str(_first(mishaps)) or f"not finished within {self.settings.patience:g} s")
        else:
            self.ended(identity, None)

    async def _session(self, identity: str, connection: ClientConnection) -> None:
        station = ChargingStation(
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
