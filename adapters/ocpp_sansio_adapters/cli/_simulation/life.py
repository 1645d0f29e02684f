"""The life of a simulated station, whatever version it speaks: customers come, charge and go, commands are
carried out.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from math import inf
from random import Random, random
from types import MappingProxyType
from typing import Any

import anyio
import attrs
from anyio.abc import TaskGroup

from ocpp_sansio import BootStatus, ConnectionClosed, OCPPError, StationState, Unanswered, Version
from ocpp_sansio.messages import Request
from ocpp_sansio.reconnect import ReconnectTimer

from ...charge_point import ChargePoint
from ...records import CallFinished, CallStarted, Record
from ...station import Station
from .charger import Charger, Connector, Transaction
from .clock import Clock
from .dialect import Dialect
from .meter import Reading
from .outbox import Outbox
from .sensible import Owner, Watcher
from .visit import Visit

__all__ = ["Life", "Plan"]

GRACE = 5.0  # seconds for the last words about transactions, at the end
PACE = 1.0  # seconds between the steps of an upload or a new firmware
NEVER = 1e9  # seconds until a heartbeat


@attrs.frozen(kw_only=True)
class Plan:
    """What a simulated station is told. `charge` and `pause` are how long a customer charges at most, and how long
    until the next one comes; with a `charge` of 0, nobody comes by himself. `settings` are those of `connect`.

    Times are those of the `clock`, but for `reconnect` and `timeout`, which are real.
    """

    url: str
    connectors: int = 2
    charge: float = 300.0
    pause: float = 60.0
    sample: float = 60.0
    reconnect: float = 10.0
    timeout: float = 30.0
    settings: Mapping[str, Any] = MappingProxyType({})
    clock: Clock = attrs.field(factory=Clock)


class _Timer(ReconnectTimer):
    """Also tells when the first attempt to connect is over, whatever came of it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.tried = anyio.Event()

    def connected(self) -> None:
        super().connected()
        self.tried.set()

    def disconnected(self, *, now: float) -> None:
        super().disconnected(now=now)
        self.tried.set()


class Life(Owner):
    """A simulated station. `dialects` are those that it speaks, the preferred first.

    `tried` is set when it has tried to connect once, `ready` when it has booted and told how it is.
    """

    def __init__(
        self, identity: str, plan: Plan, dialects: Mapping[Version, Dialect], watcher: Watcher
    ) -> None:
        super().__init__(watcher, plan.clock)
        self.identity = identity
        self.plan = plan
        self.random = Random(identity)  # each run shows the same
        self.charger = Charger(self.random, plan.connectors, plan.clock.now)
        self.ready = anyio.Event()
        self._dialects = dialects
        self._dialect: Dialect | None = None
        self._boots = {version: dialect.boot(identity) for version, dialect in dialects.items()}
        timer = _Timer(wait_minimum=plan.reconnect, random_range=plan.reconnect, draw=random)
        self.tried = timer.tried
        self.station = Station(
            plan.url,
            identity,
            *(partial(dialect.answering, owner=self) for dialect in dialects.values()),
            boot=list(self._boots.values()),
            on_boot=self._booted,
            timer=timer,
            settings=dict(plan.settings),
            call_timeout=plan.timeout,
        )
        self.outbox = Outbox(self.station, self._complain)
        self._tasks: TaskGroup
        self._reported: dict[int, object] = {}
        self._shields: set[anyio.CancelScope] = set()
        self._leaving = anyio.Event()
        self._ends = inf  # when the last words must have been said
        self._open = 0  # calls
        self._answered = anyio.Event()  # set while there are none
        self._answered.set()

    @property
    def dialect(self) -> Dialect:
        """That of the version which was agreed on."""
        assert self._dialect is not None
        return self._dialect

    async def run(self) -> None:
        """Stay connected, and live, until cancelled or told to leave. Transactions are ended before the link is."""
        async with self.station, anyio.create_task_group() as self._tasks:
            delivering = anyio.CancelScope(shield=True)
            self._tasks.start_soon(self._deliver, delivering)
            try:
                if self.plan.charge:
                    self._tasks.start_soon(self._customers)
                await self._leaving.wait()
            finally:
                await self._end()
                delivering.cancel()
                self._tasks.cancel_scope.cancel()

    def leave(self) -> None:
        """Let `run` end."""
        self._leaving.set()

    async def _end(self) -> None:
        """Say the last words, if there is somebody to hear them."""
        heard = self.station.charge_point is not None and self._accepted()
        self._ends = anyio.current_time() + (GRACE if heard else 0)
        self.station.heartbeat_every(NEVER)
        for scope in self._shields:
            scope.deadline = self._ends
        with anyio.CancelScope(shield=True, deadline=self._ends):
            for transaction in [each for _, each in self.charger.running()]:
                transaction.end("PowerLoss")
                await transaction.over.wait()
            await self.outbox.empty()
            await self._answered.wait()

    async def _deliver(self, scope: anyio.CancelScope) -> None:
        with scope:
            await self.outbox.run()

    def __call__(self, record: Record, /) -> object:
        """Keeps count of the calls that the CSMS still has to answer."""
        if isinstance(record, CallStarted | CallFinished) and record.ours:
            if not self._open:
                self._answered = anyio.Event()
            self._open += 1 if isinstance(record, CallStarted) else -1
            if not self._open:
                self._answered.set()
        return super().__call__(record)

    # Links and messages.

    def joining(self, charge_point: ChargePoint) -> None:
        """There is a link, over which everything is to be told that may be new."""
        super().joining(charge_point)
        dialect = self._dialects[charge_point.version]
        if self._dialect is not dialect:
            self._dialect = dialect
            self.charger.settings = dialect.settings(self.plan.connectors, self.plan.sample)
        self._reported.clear()
        self.soon(self._introduce)

    async def _introduce(self) -> None:
        await self.report_all()
        self.ready.set()

    def left(self, charge_point: ChargePoint, error: Exception | None) -> None:
        super().left(charge_point, error)
        self.outbox.link_lost()

    def _booted(self, answer: Any) -> None:
        self.charger.settings[self.dialect.heartbeat_interval].value = f"{self.station.heartbeat_interval:g}"
        self.station.heartbeat_every(self.clock.real(self.station.heartbeat_interval))

    def _accepted(self) -> bool:
        return self.station.state.boot is BootStatus.ACCEPTED

    def soon(self, work: Callable[[], Any]) -> None:
        """Do something meanwhile."""
        if self._ends == inf:
            self._tasks.start_soon(work)

    def tell(self, *requests: Request[Any, Any]) -> None:
        """Send these one after another, each a while after the one before."""

        async def send() -> None:
            for index, request in enumerate(requests):
                await self.clock.sleep(PACE if index else 0)
                await self.ask(request)

        self.soon(send)

    async def ask(self, request: Request[Any, Any]) -> Any:
        """The answer of the CSMS, or None if there is none; what went wrong is in the frames, or shown."""
        try:
            return await self.station.call(request)
        except (OCPPError, ConnectionClosed):
            return None
        except Unanswered as trouble:
            self._complain(request, trouble)
            return None

    def _complain(self, request: Request[Any, Any], trouble: Exception) -> None:
        self.watcher.note(self.identity, f"{request.__action__} was not answered: {trouble}")

    # Statuses.

    async def report_all(self) -> None:
        """Tell the status of everything that has changed since it was told on this link."""
        operative = self.charger.operative
        await self._report(0, operative, lambda: self.dialect.whole(operative, self.clock.now()))
        for connector in self.charger.connectors.values():
            await self.report(connector)

    async def report(self, connector: Connector) -> None:
        """Tell the status of a connector, unless it has been told."""
        if self._dialect is not None:
            request = self._status(connector)
            await self._report(connector.number, self._told_as(request), lambda: request)

    def _status(self, connector: Connector) -> Request[Any, Any]:
        return self.dialect.status(connector, self.charger.status(connector), self.clock.now())

    def _told_as(self, request: Any) -> object:
        """What of a status is news; two phases may have one word."""
        return getattr(request, "status", None) or getattr(request, "connector_status", None)

    async def _report(
        self, number: int, status: object, request: Callable[[], Request[Any, Any] | None]
    ) -> None:
        if self.station.charge_point is None or self._reported.get(number) == status:
            return  # without a link, the next one is told
        self._reported[number] = status
        made = request()
        if made is not None:
            await self.ask(made)

    def tell_statuses(self, number: int | None) -> None:
        """Tell them again, because the CSMS has asked."""
        whole = None if number else self.dialect.whole(self.charger.operative, self.clock.now())
        asked = [] if whole is None else [whole]
        self.tell(*asked, *map(self._status, self.charger.some(number)))

    # Customers.

    async def _customers(self) -> None:
        """One after another comes, finds a connector or goes away again."""
        while True:
            await self.clock.sleep(self.plan.pause * self.random.uniform(0.2, 1.0))
            await self.ready.wait()
            await self.station.connected()
            token = self.new_token()
            connector = self.charger.free(None, token)
            if connector is not None:
                transaction = self.begin(connector, token, self.plan.charge * self.random.uniform(0.7, 1.0))
                await transaction.over.wait()

    def begin(
        self,
        connector: Connector,
        token: str,
        seconds: float = inf,
        *,
        token_type: str = "ISO14443",
        remote_start_id: int | None = None,
    ) -> Transaction:
        """Somebody begins to charge, for so many seconds at most: locally, or because the CSMS says so."""
        transaction = Transaction(token, token_type, remote_start_id=remote_start_id)
        self.soon(Visit(self, connector, transaction, seconds).run)
        return transaction

    @contextmanager
    def shielded(self) -> Generator[None]:
        """What is in the block goes on when the life is to end, as long as there is time for last words."""
        with anyio.CancelScope(shield=True, deadline=self._ends) as scope:
            self._shields.add(scope)
            try:
                yield
            finally:
                self._shields.discard(scope)

    def new_token(self) -> str:
        """The id token of somebody who has not been here before."""
        return f"{self.random.getrandbits(32):08X}"

    def tell_meter(self, connector: Connector, transaction: Transaction | None) -> None:
        """Tell what the meter shows now, because the CSMS has asked."""
        reading = self.read(connector)
        make = partial(self.dialect.sample, connector, transaction, reading, asked=True)
        self.outbox.put(make, vital=False)

    def read(self, connector: Connector) -> Reading:
        """What the meter shows now, under the limit that holds now."""
        connector.meter.limit = self.charger.limit(connector)
        return connector.read(self.clock.now())

    # What a CSMS may ask for, beside transactions.

    def set(self, name: str, value: str) -> str:
        """Set a setting: the status, in the words of all versions. What changes the link does so at once."""
        setting = self.charger.settings[name]
        if setting.secret and not self._new_password(value):
            return "Rejected"
        status = self.charger.set(name, value)
        if status == "Accepted" and name == self.dialect.heartbeat_interval:
            self.station.heartbeat_every(self.clock.real(int(value)))
        return status

    def _new_password(self, password: str) -> bool:
        """Connect with it from now on, once the answer has left (J16-705); False if it cannot be one."""
        try:
            self.station.configure(password=password)
        except ValueError:
            return False
        self.soon(self.station.reconnect)
        return True

    def expire_reservation(self, id: int, tell: Request[Any, Any] | None) -> None:
        """Give a connector free again when its time is over."""

        async def wait() -> None:
            reservation = self.charger.reservations.get(id)
            if reservation is not None:
                await self.clock.sleep(max(0.0, (reservation.until - self.clock.now()).total_seconds()))
                if self.charger.reservations.get(id) is reservation:
                    del self.charger.reservations[id]
                    if tell is not None:
                        await self.ask(tell)
                    await self.report_all()

        self.soon(wait)

    def reset(self, reason: str) -> None:
        """End all transactions, and come back as one that has just booted."""

        async def boot() -> None:
            for transaction in [each for _, each in self.charger.running()]:
                transaction.end(reason)
                await transaction.over.wait()
            await self.outbox.empty()
            self.ready = anyio.Event()
            self.station.state = StationState(self.identity)
            await self.station.reconnect()

        self.soon(boot)

    def values(self, member: str) -> list[str]:
        """What a member of a request of this station may well be."""
        if member in ("connectorId", "evseId", "evse.id"):
            return [str(number) for number in self.charger.connectors]
        running = [str(each.id) for _, each in self.charger.running() if each.id is not None]
        return running if member in ("transactionId", "transactionInfo.transactionId") else []

    def overview(self) -> Iterator[str]:
        """What there is to say about it, in parts."""
        connected = self.station.charge_point is not None
        version = self._dialect.version.value if self._dialect is not None else ""
        yield f"OCPP {version}" if connected else "not connected"
        if connected and not self._accepted():
            yield f"boot {self.station.state.boot}"
        for connector in self.charger.connectors.values():
            part = f"{connector.number}: {self.charger.status(connector)}"
            if connector.transaction is not None and connector.transaction.id is not None:
                part += f" (transaction {connector.transaction.id})"
            yield part
        if self.outbox:
            yield f"{len(self.outbox)} to be told"
