"""What the CSMS knows of a station, whatever version that speaks, for as long as it is connected."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator

from ocpp_sansio import CallTimeout, ConnectionClosed, OCPPError, RemoteProtocolError

from ...charge_point import ChargePoint
from ...driver import Transport
from ...records import Observer
from .settings import Clock

__all__ = ["ManagedStation"]

_log = logging.getLogger(__name__)


class ManagedStation(ChargePoint, ABC):
    """A subclass has the handlers for what its stations ask; they set `charging` once a transaction has begun.

    `transaction_ids` are for the versions in which the CSMS draws them.
    """

    def __init__(
        self,
        id: str,
        connection: Transport,
        *,
        clock: Clock,
        transaction_ids: Iterator[int],
        call_timeout: float,
        observers: Iterable[Observer],
    ) -> None:
        super().__init__(id, connection, response_timeout=call_timeout, observers=observers)
        self.clock = clock
        self.transaction_ids = transaction_ids
        self.charging = asyncio.Event()

    async def stop_remotely(self, after: float) -> None:
        """Wait for the transaction, let it run for this many seconds, and ask the station to stop it."""
        await self.charging.wait()
        await asyncio.sleep(after)
        try:
            await self.request_stop()
        except (OCPPError, CallTimeout, RemoteProtocolError, ConnectionClosed) as error:
            _log.warning("%s: could not be stopped: %s", self.id, error)

    @abstractmethod
    async def request_stop(self) -> None:
        """Ask the station to stop its transaction, if that still runs."""
