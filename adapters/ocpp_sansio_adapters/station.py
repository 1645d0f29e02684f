"""Station: a charging station that stays connected to its CSMS.

Connects again whenever the link is lost, boots once, and sends heartbeats while it has nothing else to say.
When to try again is decided by `ReconnectTimer`, what may be sent before the boot is accepted by `BootGate`.
"""

import logging
import random
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from math import inf
from types import TracebackType
from typing import Any, Self, TypeVar

import anyio
from anyio.abc import TaskGroup
from websockets.exceptions import WebSocketException

from ocpp_sansio import (
    BootGate,
    BootStatus,
    CallTimeout,
    ConnectionClosed,
    OCPPError,
    QueueFull,
    Role,
    StationState,
)
from ocpp_sansio.errors import LocalProtocolError, RemoteProtocolError
from ocpp_sansio.handshake import UpgradeFailed
from ocpp_sansio.messages import Request, Response
from ocpp_sansio.reconnect import ReconnectTimer

from ._classes import Classes, Maker
from .charge_point import ChargePoint
from .records import FrameSent, Observer, Record
from .websockets import WebSocket, connect

__all__ = ["Station"]

LOGGER = logging.getLogger("ocpp_sansio.station")

Answer = TypeVar("Answer", bound=Response)

#: Seconds until a boot is tried again that got no usable answer, and between heartbeats where none told.
DEFAULT_INTERVAL = 60.0
MOST_SECONDS = 2**31  # of an interval (J201-1105)
BOOT = "BootNotification"
GRACE = 5.0  # for what is owed at the end

#: Why a link may end or not begin: each is a reason to try again.
TROUBLE = (OSError, TimeoutError, UpgradeFailed, WebSocketException, ConnectionClosed)

#: How a call may end that leaves the link as it is.
UNANSWERED = (OCPPError, CallTimeout, RemoteProtocolError, QueueFull)


class Station:
    """A charging station and its link, for `async with`.

    `charge_points` are classes, one for each version that it speaks, the preferred first; each link is served
    by an object of one. What is to outlive a link, such as the meter, goes by `functools.partial`:
    `Station(url, "CP_1", partial(Wallbox, meter=meter))`. `observers` see the frames and calls of each link.

    `boot` is the BootNotification of each version, a list if there are several: it is sent once, and again until it is
    accepted, but not after a mere reconnect (J16-129). Until then all that may not be sent waits. `on_boot`
    is told of each answer that has accepted it: of the CSMS's time, and the interval between heartbeats.
    Without `boot`, booting and heartbeats are yours.

    `settings` are keywords of `websockets.connect`, such as `password`, `tls` and `profile`, until
    `configure` says otherwise; `options` those of `Connection`, of which a policy or a field length may name
    what only some of the versions have. `state` is what is known from an earlier life. `timer` says when to
    connect again: a `ReconnectTimer`, or the keywords of one, such as `{"wait_minimum": 1, "random_range": 2}`.
    Raises TypeError and ValueError for wrong arguments.
    """

    def __init__(
        self,
        url: str,
        identity: str,
        *charge_points: Maker,
        boot: Request[Any, Any] | Iterable[Request[Any, Any]] = (),
        on_boot: Callable[[Any], object] | None = None,
        timer: ReconnectTimer | Mapping[str, Any] | None = None,
        state: StationState | None = None,
        observers: Iterable[Observer] = (),
        settings: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        boots = {type(request): request for request in ([boot] if isinstance(boot, Request) else boot)}
        gate = {"boot_gate": BootGate()} if boots else {}
        self._classes = Classes(
            "a station", Role.CHARGING_STATION, charge_points, {**gate, **options}, observers, observed=True
        )
        self._versions = self._classes.versions
        self.url = url
        self.identity = identity
        self.state = state or StationState(identity)
        self.timer = timer if isinstance(timer, ReconnectTimer) else _timer(timer or {})
        self._boots = {version: boots.get(version.load()[BOOT]) for version in self._versions if boots}
        if None in self._boots.values() or len(boots) > len(self._boots):
            raise ValueError("boot has one BootNotification for each version that is spoken, or none at all")
        self._settings = settings or {}
        self._on_boot = on_boot
        self._boot_due = -inf  # until when the CSMS wants no other boot
        self._interval = DEFAULT_INTERVAL  # between heartbeats
        self._boot_wanted = False  # whatever the last answer was
        self._changed_mind = anyio.Event()  # set when what is due next is something else
        self._sent = 0.0  # when the last frame left
        self._current: ChargePoint | None = None
        self._changed = anyio.Event()
        self._ended = False
        self._renewals = 0  # how often reconnect() was called
        self._crash: Exception | None = None
        self._life: anyio.CancelScope
        self._tasks: TaskGroup
        #: Why the last link ended or the last attempt failed; see `security.security_event`.
        self.trouble: Exception | None = None
        self._check()

    def _check(self) -> None:
        """Let those complain who will be given the arguments later."""
        self.configure()
        for version in self._versions:
            protocol = self._classes.connection(version, self.state)
            boot = self._boots.get(version)
            if boot is not None:
                protocol.call(boot, now=0.0)

    def configure(self, *, url: str | None = None, **settings: Any) -> None:
        """Take another URL and other keywords of `websockets.connect`, such as a new password.

        They count from the next link on; what is not named stays. Raises TypeError and ValueError for wrong
        ones, and then all stays.
        """
        url = self.url if url is None else url
        settings = {**self._settings, **settings}
        connect(url, self.identity, versions=self._versions, **settings)
        self.url, self._settings = url, settings

    @property
    def heartbeat_interval(self) -> float:
        """Seconds of silence after which a heartbeat is sent: what the answer to the boot has said, until
        `heartbeat_every` says otherwise.
        """
        return self._interval

    def heartbeat_every(self, seconds: float) -> None:
        """Send a heartbeat after so many seconds of silence, from now on and until a boot is answered.

        For what a CSMS sets as HeartbeatInterval. Raises ValueError for what is no such number.
        """
        if not isinstance(seconds, (int, float)) or not 0 < seconds <= MOST_SECONDS:
            raise ValueError(f"heartbeats come every so many seconds, a number above 0, not {seconds!r:.60}")
        self._interval = float(seconds)
        self._changed_mind.set()

    def boot_again(self) -> None:
        """Send the BootNotification again, now or as soon as there is a link: for a CSMS that triggers it.

        Raises LocalProtocolError if there is none to send. Whoever has restarted takes a new `state` instead.
        """
        if not self._boots:
            raise LocalProtocolError(f"{self.identity} was given no BootNotification: booting is yours")
        self._boot_due = -inf
        self._boot_wanted = True
        self._changed_mind.set()

    async def reconnect(self) -> None:
        """Close the present link once what is owed has left. The next comes when `timer` says.

        In an `@after` hook, the answer has left; in the handler of a call, this would wait for it.
        """
        self._renewals += 1  # one that is about to open is closed as well
        charge_point = self._current
        if charge_point is not None:
            with anyio.move_on_after(GRACE):
                await charge_point._ocpp_driver.drained()
            await charge_point.transport.aclose()

    @property
    def charge_point(self) -> ChargePoint | None:
        """What serves the present link; None while there is none."""
        return self._current

    async def connected(self) -> ChargePoint:
        """Wait until there is a link. Returns what serves it. Raises ConnectionClosed once there will be none."""
        while self._current is None or self._current.protocol.closed:  # which will give way to the next
            if self._ended:
                raise ConnectionClosed(f"{self.identity} has been shut down")
            await self._changed.wait()
        return self._current

    async def call(
        self,
        request: Request[Any, Answer],
        *,
        timeout: float | None = None,
        queue_timeout: float | None = None,
    ) -> Answer:
        """Ask the CSMS, once there is a link: `ChargePoint.call`, which raises ConnectionClosed if it is lost."""
        charge_point = await self.connected()
        return await charge_point.call(request, timeout=timeout, queue_timeout=queue_timeout)

    async def run(self) -> None:
        """Stay connected until cancelled; what `async with` does in the background."""
        self._ended = False
        try:
            while True:
                renewals = self._renewals
                try:
                    async with connect(
                        self.url, self.identity, versions=self._versions, **self._settings
                    ) as websocket:
                        self.timer.connected()
                        self._versions = [websocket.version]
                        if renewals == self._renewals:
                            await self._live(websocket)
                except TROUBLE as trouble:
                    self.trouble = trouble
                    asked_for = renewals != self._renewals
                    LOGGER.log(
                        logging.INFO if asked_for else logging.WARNING, "%s: %s", self.identity, trouble
                    )
                self.timer.disconnected(now=anyio.current_time())
                while not self.timer.handle_timeout(now=anyio.current_time()):
                    assert self.timer.deadline is not None
                    await anyio.sleep_until(self.timer.deadline)
        finally:
            self._ended = True
            self._turn_to(None)

    async def __aenter__(self) -> Self:
        self._ended = False
        self._crash = None
        # Whoever cancels the block does not cancel this: what is owed is to leave first.
        self._life = anyio.CancelScope(shield=True)
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        self._tasks.start_soon(self._run)
        return self

    async def _run(self) -> None:
        """Run so that what goes wrong ends the block, too, and comes out of it as itself."""
        try:
            with self._life:
                await self.run()
        except Exception as crash:
            self._crash = crash
            self._tasks.cancel_scope.cancel()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        # An exception of the block is the block's, and not one of a group.
        cancelled = isinstance(error, anyio.get_cancelled_exc_class())
        try:
            if self._current is not None:
                with anyio.move_on_after(GRACE, shield=True):
                    await self._current._ocpp_driver.drained()
        finally:  # asyncio has a way to cancel that knows no shield
            self._life.cancel()
            handled = await self._tasks.__aexit__(
                *((kind, error, trace) if cancelled else (None, None, None))
            )
        if self._crash is not None and (error is None or cancelled):
            raise self._crash
        return cancelled and bool(handled)

    # One link.

    async def _live(self, websocket: WebSocket) -> None:
        """Serve a link to its end. Raises what ended it."""
        protocol = self._classes.connection(websocket.version, self.state)
        self._sent = anyio.current_time()
        charge_point = self._classes.charge_point(self.identity, websocket, protocol, self._observe)
        self._turn_to(charge_point)
        end: Exception | None = None
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._attend, charge_point)
                try:
                    await charge_point.start()
                except Exception as error:
                    end = error
                tasks.cancel_scope.cancel()
        finally:
            self._turn_to(None)
        if end is not None:
            raise end

    def _turn_to(self, charge_point: ChargePoint | None) -> None:
        self._current = charge_point
        self._changed.set()
        self._changed = anyio.Event()

    def _observe(self, record: Record) -> None:
        if isinstance(record, FrameSent):
            self._sent = record.time

    async def _attend(self, charge_point: ChargePoint) -> None:
        """Boot whenever that is to be done, and say something at least once in each interval."""
        version = charge_point.version
        boot = self._boots.get(version)
        if boot is None:
            return
        with suppress(ConnectionClosed):
            while True:
                if self._boot_wanted or not self._accepted():
                    if await self._passes(self._boot_due):
                        await self._boot(charge_point, boot)
                    continue
                due = self._sent + self._interval
                if await self._passes(due) and self._sent + self._interval <= due:
                    self._sent = anyio.current_time()  # or it would be tried again at once if it cannot leave
                    with suppress(*UNANSWERED):
                        await charge_point.call(version.load()["Heartbeat"]())

    async def _passes(self, due: float) -> bool:
        """Wait until then; False as soon as something else is to be done."""
        self._changed_mind = anyio.Event()
        with anyio.CancelScope(deadline=due):
            await self._changed_mind.wait()
            return False
        return True

    async def _boot(self, charge_point: ChargePoint, boot: Request[Any, Any]) -> None:
        """Ask once to be accepted, unless that has been meanwhile; the next time no sooner than we are told to
        (J16-507).
        """
        if self._accepted() and not self._boot_wanted:
            return
        interval = DEFAULT_INTERVAL
        try:
            response = await charge_point.call(boot)
        except UNANSWERED as trouble:
            self._boot_wanted = False
            LOGGER.warning("%s: no usable answer to the BootNotification: %s", self.identity, trouble)
        else:
            self._boot_wanted = False
            interval = _seconds(getattr(response, "interval", None))
            if self._accepted():
                self._interval = interval
                self._tell_of_boot(response)
                return
        self._boot_due = anyio.current_time() + interval

    def _tell_of_boot(self, response: Response) -> None:
        """Whoever fails at this harms nobody else."""
        if self._on_boot is not None:
            try:
                self._on_boot(response)
            except Exception:
                LOGGER.exception("%s: on_boot failed", self.identity)

    def _accepted(self) -> bool:
        return self.state.boot is BootStatus.ACCEPTED


def _timer(settings: Mapping[str, Any]) -> ReconnectTimer:
    """Raises TypeError and ValueError for wrong ones."""
    if not isinstance(settings, Mapping):
        raise TypeError(f"timer is a ReconnectTimer or the keywords of one, not {settings!r:.60}")
    keywords: dict[str, Any] = {"draw": random.random, **settings}
    return ReconnectTimer(**keywords)


def _seconds(interval: object) -> float:
    """The interval of a BootNotification, which may be 0 or, where nobody judges it, anything else."""
    if not isinstance(interval, int) or interval <= 0:
        return DEFAULT_INTERVAL
    return float(min(interval, MOST_SECONDS))
