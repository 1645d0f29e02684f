"""The demo's CSMS: one WebSocket server for all versions, and an object for each station that is connected."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from itertools import count
from random import Random
from types import MappingProxyType
from urllib.parse import unquote

import attrs
import websockets
from websockets.asyncio.server import Server, ServerConnection, serve

from ocpp_sansio import Version

from ...records import Observer
from .managed import ManagedStation
from .managed_v2 import managed_station
from .managed_v16 import ManagedStation16
from .settings import Clock, Settings

__all__ = ["CSMS", "MANAGED"]

#: How the CSMS behaves towards a station of each version, the one that it likes best first.
MANAGED: Mapping[Version, type[ManagedStation]] = MappingProxyType(
    {
        Version.V21: managed_station(Version.V21),
        Version.V201: managed_station(Version.V201),
        Version.V16: ManagedStation16,
    }
)


@attrs.define
class CSMS:
    """`async with csms.serve() as server` listens on a free port of loopback; a station's identity is the end of its URL."""

    settings: Settings
    clock: Clock
    observers: tuple[Observer, ...] = ()
    managed: Mapping[Version, type[ManagedStation]] = MANAGED
    _transaction_ids: Iterator[int] = attrs.field(factory=lambda: count(1001), init=False)

    def serve(self) -> AbstractAsyncContextManager[Server]:
        """The WebSocket server; stations connect to the port of its socket."""
        return serve(
            self.welcome,
            "127.0.0.1",
            0,
            subprotocols=[websockets.Subprotocol(version.subprotocol) for version in self.managed],
            compression=None,  # deflate would keep a quarter of a megabyte for each connection
        )

    async def welcome(self, connection: ServerConnection) -> None:
        """Talk to a station until it leaves, in the version that was agreed."""
        assert connection.request is not None
        identity = unquote(connection.request.path.rpartition("/")[2])
        station = self.managed[Version(connection.subprotocol)](
            identity,
            connection,
            clock=self.clock,
            transaction_ids=self._transaction_ids,
            call_timeout=self.settings.call_timeout,
            observers=self.observers,
        )
        # Not all at once, as a crowd of customers would not be, and the same each time.
        patience = self.settings.seconds * Random(identity).uniform(0.7, 1)
        operator = asyncio.create_task(station.stop_remotely(after=patience))
        try:
            await station.start()
        except websockets.ConnectionClosed:
            pass  # the station has left
        finally:
            operator.cancel()
