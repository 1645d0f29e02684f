"""The life of a simulated station, whatever version it speaks: customers come, charge and go, commands are
carried out.
"""

from abc import ABC, abstractmethod
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from math import inf
from random import Random, random
from typing import Any, ClassVar

import anyio
from anyio.abc import TaskGroup
from anyio.lowlevel import checkpoint

from ocpp_sansio import CallTimeout, ConnectionClosed, OCPPError, QueueFull, StationState, Version
from ocpp_sansio.errors import RemoteProtocolError
from ocpp_sansio.messages import Request
from ocpp_sansio.reconnect import ReconnectTimer

from ...charge_point import ChargePoint
from ...station import Station
from .._desk.live import Shell
from .charger import Charger, Connector, Phase, Setting, Transaction
from .meter import Reading
from .sensible import Sensible, attended

__all__ = ["Dialect", "Life"]

GRACE = 5.0  # seconds for the last words about transactions, at the end
ATTEMPTS = 3  # to deliver a message about a transaction
PACE = 1.0  # seconds between the steps of an upload or a new firmware

#: How a call may end without an answer, the link being what it was.
UNANSWERED = (CallTimeout, RemoteProtocolError, QueueFull)


class Dialect(ABC):
    """What a version makes of the things that happen at a station: which message says it, and what an answer
    means.

    `sample_interval` is the name of the setting with the seconds between two meter values.
    """

    version: ClassVar[Version]
    sample_interval: ClassVar[str]
    answering: type[Sensible]

    @abstractmethod
    def settings(self, connectors: int, interval: float) -> dict[str, Setting]: ...
    @abstractmethod
    def boot(self, identity: str) -> Request[Any, Any]: ...
    @abstractmethod
    def whole(self, operative: bool) -> Request[Any, Any] | None:
        """The status of the station as a whole, if this version has one."""

    @abstractmethod
    def status(self, connector: Connector, phase: Phase) -> Request[Any, Any]: ...
    @abstractmethod
    def authorize(self, token: str) -> Request[Any, Any]: ...
    @abstractmethod
    def welcome(self, answer: Any) -> bool:
        """Whether the CSMS has accepted a token: of the answer to whichever message had one."""

    @abstractmethod
    def began(
        self, connector: Connector, transaction: Transaction, reading: Reading
    ) -> Request[Any, Any]: ...
    @abstractmethod
    def learn(self, transaction: Transaction, answer: Any) -> None:
        """Take from the answer to `began` what it says of the transaction."""

    @abstractmethod
    def sample(
        self, connector: Connector, transaction: Transaction | None, reading: Reading, *, asked: bool = False
    ) -> Request[Any, Any]: ...
    @abstractmethod
    def ended(
        self, connector: Connector, transaction: Transaction, reading: Reading
    ) -> Request[Any, Any]: ...


class Life:
    """A simulated station. `dialects` are those that it speaks, the preferred first."""

    def __init__(
        self,
        identity: str,
        options: Namespace,
        dialects: Mapping[Version, Dialect],
        shell: Shell,
        settings: dict[str, Any],
    ) -> None:
        self.identity = identity
        self.options = options
        self.shell = shell
        self.random = Random(identity)  # each run shows the same
        self.charger = Charger(self.random, options.connectors)
        self.pace = PACE
        self._dialects = dialects
        self._dialect: Dialect | None = None
        self._boots = {version: dialect.boot(identity) for version, dialect in dialects.items()}
        self.station = Station(
            options.url,
            identity,
            *(attended(dialect.answering, shell, self) for dialect in dialects.values()),
            boot=list(self._boots.values()),
            timer=ReconnectTimer(wait_minimum=options.reconnect, random_range=options.reconnect, draw=random),
            settings=settings,
            call_timeout=options.timeout,
        )
        self._tasks: TaskGroup
        self._reported: dict[int, object] = {}
        self._shields: set[anyio.CancelScope] = set()
        self._ends = inf  # when the last words must have been said

    @property
    def dialect(self) -> Dialect:
        """That of the version which was agreed on."""
        assert self._dialect is not None
        return self._dialect

    async def run(self) -> None:
        """Stay connected, and live, until cancelled. Transactions are ended before the link is."""
        async with self.station, anyio.create_task_group() as self._tasks:
            try:
                if self.options.charge:
                    self._tasks.start_soon(self._customers)
                await anyio.sleep_forever()
            finally:
                connected = self.station.charge_point is not None
                self._ends = anyio.current_time() + (GRACE if connected else 0)
                for scope in self._shields:
                    scope.deadline = self._ends
                for _, transaction in self.charger.running():
                    transaction.end("PowerLoss")

    # Links and messages.

    def link_begins(self, charge_point: ChargePoint) -> None:
        """There is a link, over which everything is to be told that may be new."""
        dialect = self._dialects[charge_point.version]
        if self._dialect is not dialect:
            self._dialect = dialect
            self.charger.settings = dialect.settings(self.options.connectors, self.options.sample)
        self._reported.clear()
        self.soon(self.report_all)

    def soon(self, work: Callable[[], Any]) -> None:
        """Do something meanwhile."""
        if self._ends == inf:
            self._tasks.start_soon(work)

    def tell(self, *requests: Request[Any, Any]) -> None:
        """Send these one after another, each a while after the one before."""

        async def send() -> None:
            for index, request in enumerate(requests):
                await anyio.sleep(self.pace if index else 0)
                await self.ask(request)

        self.soon(send)

    async def ask(self, request: Request[Any, Any]) -> Any:
        """The answer of the CSMS, or None if there is none; what went wrong is in the frames, or shown."""
        try:
            return await self.station.call(request)
        except OCPPError:
            return None
        except (*UNANSWERED, ConnectionClosed) as trouble:
            self._complain(request, trouble)
            return None

    async def deliver(self, request: Request[Any, Any]) -> Any:
        """The answer to a message about a transaction, which is sent again after the link was lost."""
        attempts = 0
        while attempts < ATTEMPTS:
            try:
                return await self.station.call(request)
            except ConnectionClosed:
                await checkpoint()  # the next try waits for the next link
                if self._ends < inf:
                    return None
            except UNANSWERED as trouble:
                self._complain(request, trouble)
                attempts += 1
            except OCPPError:
                return None
        return None

    def _complain(self, request: Request[Any, Any], trouble: Exception) -> None:
        narrated = f"{request.__action__} was not answered: {trouble}"
        self.shell.show(self.shell.narrator.line(self.identity, narrated))

    # Statuses.

    async def report_all(self) -> None:
        """Tell the status of everything that has changed since it was told on this link."""
        await self._report(0, self.charger.operative, lambda: self.dialect.whole(self.charger.operative))
        for connector in self.charger.connectors.values():
            await self.report(connector)

    async def report(self, connector: Connector) -> None:
        """Tell the status of a connector, unless it has been told."""
        phase = self.charger.status(connector)
        request = partial(self.dialect.status, connector, phase)
        await self._report(connector.number, self._told_as(request()), request)

    def _told_as(self, request: Any) -> object:
        """What of a status is news; two phases may have one word."""
        return getattr(request, "status", None) or getattr(request, "connector_status", None)

    async def _report(
        self, number: int, status: object, request: Callable[[], Request[Any, Any] | None]
    ) -> None:
        if self._reported.get(number) == status:
            return
        self._reported[number] = status
        made = request()
        if made is not None:
            await self.ask(made)

    def tell_statuses(self, number: int | None) -> None:
        """Tell them again, because the CSMS has asked."""
        dialect = self.dialect
        phases = [(each, self.charger.status(each)) for each in self.charger.some(number)]
        whole = None if number else dialect.whole(self.charger.operative)
        asked = [] if whole is None else [whole]
        self.tell(*asked, *(dialect.status(each, phase) for each, phase in phases))

    # Customers.

    async def _customers(self) -> None:
        """One after another comes, finds a connector or goes away again."""
        while True:
            await anyio.sleep(self.options.pause * self.random.uniform(0.2, 1.0))
            await self.station.connected()
            token = f"{self.random.getrandbits(32):08X}"
            connector = self.charger.free(None, token)
            if connector is not None:
                await self.charge(
                    connector, token, seconds=self.options.charge * self.random.uniform(0.7, 1.0)
                )

    def begin(self, connector: Connector, token: str, **details: Any) -> None:
        """Somebody begins to charge: locally, or because the CSMS says so."""
        connector.transaction = Transaction(token, details.pop("token_type", "ISO14443"), **details)
        connector.phase = Phase.PREPARING
        self.soon(partial(self._transact, connector, connector.transaction, inf))

    async def charge(self, connector: Connector, token: str, *, seconds: float = inf) -> None:
        """Somebody charges, for so many seconds at most."""
        connector.transaction = Transaction(token, "ISO14443")
        connector.phase = Phase.PREPARING
        await self._transact(connector, connector.transaction, seconds)

    async def _transact(self, connector: Connector, transaction: Transaction, seconds: float) -> None:
        with anyio.CancelScope(shield=True, deadline=self._ends) as scope:
            self._shields.add(scope)
            try:
                transaction.reservation_id = self.charger.use_reservation(connector, transaction.token)
                await self.report(connector)
                if await self._authorized(transaction):
                    await self._deliver_energy(connector, transaction, seconds)
            finally:
                self._shields.discard(scope)
                connector.transaction, connector.phase = None, Phase.AVAILABLE
                transaction.over.set()
                connector.meter.limit = None
                self._forget_profiles(connector)
            await self.report(connector)

    async def _authorized(self, transaction: Transaction) -> bool:
        """Whether the CSMS lets whoever has come charge; it has said so if it was the one who began."""
        if transaction.remote_start_id is not None:
            return True
        answer = await self.ask(self.dialect.authorize(transaction.token))
        return answer is not None and self.dialect.welcome(answer)

    async def _deliver_energy(self, connector: Connector, transaction: Transaction, seconds: float) -> None:
        connector.meter.plug_in()
        connector.phase = Phase.CHARGING
        answer = await self.deliver(self.dialect.began(connector, transaction, self._read(connector)))
        if answer is None:
            return
        self.dialect.learn(transaction, answer)
        if not self.dialect.welcome(answer):
            transaction.end("DeAuthorized")
        await self.report(connector)
        until = anyio.current_time() + seconds
        while not transaction.stop:
            with anyio.CancelScope(deadline=min(until, anyio.current_time() + self._interval())):
                await transaction.stopping.wait()
            if anyio.current_time() >= until:
                transaction.end("Local")
            if not transaction.stop:
                await self.deliver(self.dialect.sample(connector, transaction, self._read(connector)))
        await self.deliver(self.dialect.ended(connector, transaction, self._read(connector)))
        connector.phase = Phase.FINISHING
        await self.report(connector)

    def _read(self, connector: Connector) -> Reading:
        connector.meter.limit = self.charger.limit(connector.number)
        return connector.read(self.charger.now())

    def _interval(self) -> float:
        with suppress(ValueError, KeyError):
            return max(0.01, float(self.charger.settings[self.dialect.sample_interval].value) or inf)
        return float(self.options.sample)

    def _forget_profiles(self, connector: Connector) -> None:
        """Profiles of a transaction end with it."""
        self.charger.clear_profiles(self.charger.chosen_profiles(None, connector.number, "TxProfile"))

    # What a CSMS may ask for, beside transactions.

    def expire_reservation(self, id: int, tell: Request[Any, Any] | None) -> None:
        """Give a connector free again when its time is over."""

        async def wait() -> None:
            reservation = self.charger.reservations.get(id)
            if reservation is not None:
                await anyio.sleep(max(0.0, (reservation.until - self.charger.now()).total_seconds()))
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
            self.station.state = StationState(self.identity)
            await self.station.reconnect()

        self.soon(boot)

    def boot_again(self) -> None:
        """Send the BootNotification once more, because the CSMS has asked."""
        self.tell(self._boots[self.dialect.version])

    def new_password(self, password: str) -> bool:
        """Connect with it from now on, once the answer has left (J16-705); False if it cannot be one."""
        try:
            self.station.configure(password=password)
        except ValueError:
            return False
        self.soon(self.station.reconnect)
        return True

    def overview(self) -> Iterator[str]:
        """What there is to say about it, in parts."""
        version = self._dialect.version.value if self._dialect is not None else ""
        yield f"OCPP {version}" if self.station.charge_point is not None else "not connected"
        for connector in self.charger.connectors.values():
            part = f"{connector.number}: {self.charger.status(connector)}"
            if connector.transaction is not None and connector.transaction.id is not None:
                part += f" (transaction {connector.transaction.id})"
            yield part
