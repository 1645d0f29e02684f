"""What the simulated charging stations of all versions have in common: a clock, a meter, and the course of their day."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable
from random import Random

from ...charge_point import ChargePoint
from ...driver import Transport
from ...records import Observer
from .._simulation.meter import Meter
from .settings import SAMPLE_INTERVAL, Clock

__all__ = ["ChargingStation"]


class ChargingStation(ChargePoint, ABC):
    """A station with one connector, at which one customer charges until the CSMS stops it.

    A subclass has the handlers for what it is asked, and the methods that say it all in the words of its version.
    """

    def __init__(
        self,
        id: str,
        connection: Transport,
        *,
        clock: Clock,
        call_timeout: float,
        observers: Iterable[Observer],
    ) -> None:
        super().__init__(id, connection, response_timeout=call_timeout, observers=observers)
        self.clock = clock
        self.random = Random(id)  # every run shows the same
        self.meter = Meter(self.random)
        self.stop_requested = asyncio.Event()
        self.customer_left = asyncio.Event()

    async def session(self) -> None:
        """Boot, and serve one customer while the heart beats. Needs `start()` to run at the same time."""
        heartbeat_interval = await self.boot()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._beat(heartbeat_interval))
            await self.report_available()
            # Customers do not come all at once.
            await self.clock.sleep(self.random.uniform(0, SAMPLE_INTERVAL))
            await self.serve_customer(f"TAG-{self.id}")
            self.customer_left.set()

    async def _beat(self, interval: float) -> None:
        while not await self.clock.happens(self.customer_left, within=interval):
            await self.beat()

    @abstractmethod
    async def boot(self) -> int:
        """Ask the CSMS until it accepts this station; the heartbeat interval that it wishes, in seconds."""

    @abstractmethod
    async def beat(self) -> None:
        """Send one heartbeat."""

    @abstractmethod
    async def report_available(self) -> None:
        """Tell the CSMS that a customer may come."""

    @abstractmethod
    async def serve_customer(self, token: str) -> None:
        """A customer with this token comes, charges until `stop_requested` is set, and leaves."""
