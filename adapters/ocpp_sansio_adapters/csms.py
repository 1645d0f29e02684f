"""CSMS: serves stations of all versions and keeps those that are connected.

Which class serves a station, what is remembered of it from one link to the next, and who is connected now.
Who is let in is the business of `websockets.serve`, or of `asgi.CSMSApp`.
"""

import logging
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Protocol, TypeAlias, final
from weakref import WeakSet

import anyio
import attrs
from anyio.abc import TaskStatus

from ocpp_sansio import ConnectionClosed, Role, StationState, Unanswered, Version
from ocpp_sansio.handshake import key_of

from ._classes import Classes, Maker
from .charge_point import ChargePoint
from .driver import Transport
from .records import Observer
from .websockets import Endpoint, serve, serving

__all__ = ["CSMS", "Change", "IdentifiedTransport", "Joined", "Left", "NotConnected", "Stations"]

LOGGER = logging.getLogger("ocpp_sansio.csms")

#: What is remembered of stations that are not connected is forgotten beyond this, first of the one that has
#: been away for longest: where nobody is asked for a password, anybody can invent identities.
MOST_REMEMBERED = 100_000

POLICY_VIOLATION = 1008


class IdentifiedTransport(Transport, Protocol):
    """An open link, and who is at its other end: the `WebSocket` of a door, or one of yours."""

    @property
    def identity(self) -> str: ...
    @property
    def version(self) -> Version: ...
    async def aclose(self, code: int, reason: str, /) -> object: ...


class NotConnected(Unanswered, KeyError):
    """There is no link to this station now: nobody could answer."""

    def __str__(self) -> str:
        return f"{self.args[0]} is not connected"


@final
@attrs.frozen
class Joined:
    """A station has connected; `charge_point` stands for it from now on."""

    charge_point: ChargePoint


@final
@attrs.frozen
class Left:
    """The link to a station is gone, and no other has taken its place."""

    charge_point: ChargePoint


Change: TypeAlias = Joined | Left


@attrs.define(eq=False)
class _Link:
    """What serves a station, and the scope that it does so in."""

    charge_point: ChargePoint
    scope: anyio.CancelScope = attrs.field(factory=anyio.CancelScope)

    def evict(self) -> None:
        """Another link has taken its place: from now on, nothing that comes by this one has any effect."""
        self.charge_point._ocpp_driver.lose(ConnectionClosed(f"{self.charge_point.id} has connected anew"))
        self.scope.cancel()


class Stations(Mapping[str, ChargePoint]):
    """The stations that are connected now, by identity. Raises NotConnected for others."""

    def __init__(self) -> None:
        self._current: dict[str, _Link] = {}
        self._changed = anyio.Event()
        self._readers: WeakSet[_Changes] = WeakSet()

    def __getitem__(self, identity: str) -> ChargePoint:
        link = self._current.get(identity) or self._current.get(identity.lower())
        if link is not None:
            found = link.charge_point
            if key_of(identity, found.version) == key_of(found.id, found.version):
                return found
        raise NotConnected(identity)

    def __iter__(self) -> Iterator[str]:
        return iter([link.charge_point.id for link in self._current.values()])

    def __len__(self) -> int:
        return len(self._current)

    async def wait(self, identity: str) -> ChargePoint:
        """The station, as soon as it is connected."""
        while identity not in self:
            await self._changed.wait()
        return self[identity]

    def changes(self) -> AsyncIterator[Change]:
        """Who joins and who leaves from now on: `async for change in csms.stations.changes()`.

        Of a station that comes and goes while nobody reads, the last change is kept.
        """
        reader = _Changes()
        self._readers.add(reader)
        return reader

    def _replace(self, key: str, link: _Link) -> None:
        """Make this the current one, and evict the one before, if that is still connected."""
        identity = link.charge_point.id
        # One of another version has another key, if only one of the two is in lower case.
        for name in {key, identity, identity.lower()} & self._current.keys():
            if name == key or self._current[name].charge_point.id == identity:
                self._current.pop(name).evict()
        self._current[key] = link
        self._tell(key, Joined(link.charge_point))

    def _remove(self, key: str, link: _Link) -> bool:
        """Whether it was the current one, which it is no more."""
        if self._current.get(key) is not link:
            return False
        del self._current[key]
        self._tell(key, Left(link.charge_point))
        return True

    def _tell(self, key: str, change: Change) -> None:
        self._changed.set()
        self._changed = anyio.Event()
        for reader in self._readers:
            reader.put(key, change)


class _Changes(AsyncIterator[Change]):
    """The changes that one reader has not seen yet: one of each station, so that they are bounded."""

    def __init__(self) -> None:
        self._unseen: dict[str, Change] = {}
        self._some = anyio.Event()

    def put(self, key: str, change: Change) -> None:
        self._unseen.pop(key, None)
        self._unseen[key] = change
        self._some.set()

    async def __anext__(self) -> Change:
        while not self._unseen:
            if self._some.is_set():
                self._some = anyio.Event()
            await self._some.wait()
        return self._unseen.pop(next(iter(self._unseen)))


class CSMS:
    """The end that stations connect to.

    `charge_points` are classes of charge points, one a version: each link is served by an object of the
    class for the version that was agreed on. What all of them share, such as a database, goes by
    `functools.partial`: `CSMS(partial(MyChargePoint, database=database))`. `observers` see the frames and
    calls of all links.

    `options` are those of `Connection`, for each of them. What a policy or a field length names need not be
    in all versions; it is for those that have it. Raises TypeError and ValueError for wrong arguments.

    `stations` are those that are connected. `states` is what is remembered of each station from one link to the
    next, by `ocpp_sansio.handshake.key_of`: put there what you have stored, and store what is there
    (`StationState.snapshot`).
    """

    def __init__(self, *charge_points: Maker, observers: Iterable[Observer] = (), **options: Any) -> None:
        self._classes = Classes("a CSMS", Role.CSMS, charge_points, options, observers)
        self.stations = Stations()
        self.states: MutableMapping[str, StationState] = {}

    @property
    def versions(self) -> list[Version]:
        """The versions that are spoken."""
        return self._classes.versions

    def serving(
        self, host: str | None = None, port: int = 0, **settings: Any
    ) -> AbstractAsyncContextManager[Endpoint]:
        """Let stations connect for as long as the block lasts: `async with csms.serving("127.0.0.1", 0) as
        endpoint`. `endpoint.url` is where.

        It is `websockets.serving`; `settings` are the other keywords of `websockets.serve`.
        """
        return serving(self.handle, host, port, versions=self.versions, **settings)

    async def serve(
        self,
        host: str | None = None,
        port: int = 0,
        *,
        task_status: TaskStatus[tuple[str, int]] = anyio.TASK_STATUS_IGNORED,
        **settings: Any,
    ) -> None:
        """Let stations connect, until cancelled: `websockets.serve`, whose other keywords are `settings`.

        For a task group; `serving` is the same for a block.
        """
        await serve(self.handle, host, port, versions=self.versions, task_status=task_status, **settings)

    async def handle(self, websocket: IdentifiedTransport) -> None:
        """Serve one link to its end, as the handler that a door wants.

        It replaces the one that its station had before (L-130), whose waiting calls raise ConnectionClosed.
        """
        key = key_of(websocket.identity, websocket.version)
        protocol = self._classes.connection(websocket.version, self._state_of(key, websocket.identity))
        link = _Link(self._classes.charge_point(websocket.identity, websocket, protocol))
        self.stations._replace(key, link)
        try:
            with link.scope, suppress(ConnectionClosed):
                await link.charge_point.start()
        finally:
            if not self.stations._remove(key, link):
                LOGGER.info("%s: replaced by a new link", websocket.identity)
                await websocket.aclose(POLICY_VIOLATION, "the station has connected anew")

    def _state_of(self, key: str, identity: str) -> StationState:
        """What is remembered of the station, which is the last to be forgotten from now on."""
        state = self.states.pop(key, None) or StationState(identity)
        self.states[key] = state
        while len(self.states) - len(self.stations) > MOST_REMEMBERED:
            name = next(iter(self.states))
            oldest = self.states.pop(name)
            if name in self.stations._current:
                self.states[name] = oldest
        return state
