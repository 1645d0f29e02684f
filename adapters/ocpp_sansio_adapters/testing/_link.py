"""Links in memory for programs that await `send` and `recv`: transports, and who carries frames between them.

Works in real time and in virtual time, on asyncio and trio.
"""

from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from math import inf
from typing import Any, Protocol, TypeVar

import anyio
from anyio.lowlevel import checkpoint
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK
from websockets.frames import Close

from ocpp_sansio import Connection, PendingCall, Version

from ._changes import Changes
from ._virtual_time import beside, watched
from ._wire import CSMS, STATION, End, Wire, Wired

__all__ = ["Link", "Linked", "Starts", "Transport"]

#: Seconds that what is on its way has at the end of a block.
GRACE = 5.0

#: What the sides of a WebSocket are called; a `ChargePoint` takes its role from it.
SIDES = {STATION: "client", CSMS: "server"}


class Starts(Protocol):
    """What is attached: a `ChargePoint`, a `Driver`, or whatever else has these two."""

    @property
    def protocol(self) -> Connection: ...
    async def start(self) -> None: ...


Attached = TypeVar("Attached", bound=Starts)
Other = TypeVar("Other", bound=Starts)


class Transport:
    """One end of a link, in the place of a WebSocket: for a `ChargePoint`, or to await `send` and `recv`
    yourself.

    All raise `websockets.exceptions.ConnectionClosed` once the link is closed or cut. `identity`, `version`
    and `subprotocol` are what a WebSocket would have agreed on.
    """

    def __init__(self, name: str, wire: Wire, identity: str, version: Version | None) -> None:
        self.identity = identity
        self.version = version
        self.side = SIDES[name]
        self.close_code: int | None = None
        self._name = name
        self._wire = wire
        self._end = _Mailbox(wire)

    @property
    def subprotocol(self) -> str | None:
        """Such as `ocpp2.0.1`; None if the version is not known."""
        return None if self.version is None else self.version.subprotocol

    @property
    def is_open(self) -> bool:
        """Whether this end has not heard of the end of the link."""
        return not self._end.closed

    @property
    def unread(self) -> list[str]:
        """The frames that have arrived, and that nobody has received."""
        return list(self._end.arrived)

    async def send(self, text: str) -> None:
        """Put a frame on the wire."""
        await checkpoint()
        if not self.is_open:
            raise self._lost()
        self._end.outgoing.append(text)
        self._carry()

    async def recv(self) -> str:
        """The next frame."""
        await checkpoint()
        await self._end.heard.until(lambda: self._end.arrived or not self.is_open)
        if not self._end.arrived:
            raise self._lost()
        text = self._end.arrived.popleft()
        self._wire.moved()
        return text

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        """Hang up. Once more does nothing."""
        if self.is_open:
            self.close_code = code
            self._wire.close(self._name, anyio.current_time(), code, reason)
            self._carry()
        await checkpoint()

    close = aclose  # as connections of `websockets` have it

    def _carry(self) -> None:
        self._wire.carry(anyio.current_time())

    def _lost(self) -> ConnectionClosed:
        if self._end.was_cut:
            return ConnectionClosedError(None, None)
        close = Close(self.close_code or 1000, "")
        return ConnectionClosedOK(close, close, self.close_code is None)


class _Mailbox:
    """The end of a wire at which a transport stands."""

    deadline = None

    def __init__(self, wire: Wire) -> None:
        self.arrived: deque[str] = deque()
        self.outgoing: deque[str] = deque()
        self.closed = False
        self.was_cut = False
        self._wire = wire
        self.heard = Changes()

    def receive_text(self, text: str, *, now: float) -> None:
        self.arrived.append(text)
        self.heard.tell()

    def receive_close(self, *, now: float) -> None:
        self.closed = True
        self.was_cut = self._wire.was_cut
        self.heard.tell()

    def handle_timeout(self, *, now: float) -> None:
        pass

    def next_frame(self, *, now: float) -> str | None:
        return self.outgoing.popleft() if self.outgoing else None


class Linked(Wired):
    """What has a wire between programs that await. A block that has ended notes what it left behind."""

    def __init__(self) -> None:
        wire = Wire()
        super().__init__(wire)
        self._left: list[str] = []
        self._moved = Changes()
        wire.moved = self._moved.tell

    def cut(self) -> None:
        """The link is lost, with all that is on its way, and both ends are told. Another may follow."""
        self._wire.cut(anyio.current_time())

    def _problems(self) -> list[str]:
        return list(self._left)

    @asynccontextmanager
    async def _link(
        self,
        ends: Mapping[str, End],
        transports: Sequence[Transport],
        attached: Sequence[Starts] = (),
        is_quiet: Callable[[], bool] = lambda: True,
    ) -> AsyncGenerator[None]:
        """A link between these ends, for as long as the block lasts; what is attached runs meanwhile.

        The block has ended once nothing is on its way or to be answered, `is_quiet` included, or after some
        seconds.
        """
        wire = self._wire
        wire.open(ends[STATION], ends[CSMS], anyio.current_time())
        number = wire.number
        serving = [
            partial(_serve, one, transport) for one, transport in zip(attached, transports, strict=False)
        ]
        try:
            async with watched(), beside(self._keep_deadlines, *serving):
                wire.carry(anyio.current_time())
                yield
                self._left += await self._settled(number, transports, attached, is_quiet)
        finally:
            if wire.number == number:
                wire.cut(anyio.current_time(), "the block ends, and with it the link")

    async def _keep_deadlines(self) -> None:
        while True:
            self._wire.carry(anyio.current_time())
            due = self._wire.deadline
            with anyio.CancelScope(deadline=inf if due is None else due):
                await self._moved.wait()

    async def _settled(
        self,
        number: int,
        transports: Sequence[Transport],
        attached: Sequence[Starts],
        is_quiet: Callable[[], bool],
    ) -> list[str]:
        """Wait until the link is quiet. Returns what is still open."""
        wire = self._wire

        def over() -> bool:
            return wire.number != number or not wire.is_open

        def quiet() -> bool:
            return wire.is_silent and is_quiet() and not any(end.unread for end in transports)

        with anyio.move_on_after(GRACE):
            while not over():
                await self._moved.until(lambda: over() or quiet())
                for one in attached:
                    await getattr(getattr(one, "_ocpp_driver", one), "drained", checkpoint)()
                if quiet():
                    break
        if over():
            return []
        left = [f"still on its way: {text}" for lane in wire.lanes.values() for text in lane.in_flight]
        left += [f"never read: {text}" for end in transports for text in end.unread]
        return left + [
            f"call without an end: {call.action} {call.id!r}"
            for one in attached
            for call in self._open_calls(one)
        ]

    def _open_calls(self, one: Starts) -> list[PendingCall[Any]]:
        """The calls that count as left open."""
        return list(one.protocol.calls)


def made(make: Callable[..., Attached], *arguments: Any, **options: Any) -> Attached:
    """What `make` makes. Raises TypeError if that cannot be attached."""
    one = make(*arguments, **options)
    if not isinstance(getattr(one, "protocol", None), Connection):
        raise TypeError(
            "attach takes a class of ChargePoint, or what else makes an object with `protocol`, a "
            f"Connection, and `start`, not {make!r:.60}; give anything else the transport of connect()"
        )
    return one


async def _serve(one: Starts, transport: Transport) -> None:
    """Run what is attached; that its link ends is no error."""
    try:
        await one.start()
    except Exception:
        if transport.is_open:
            raise


class Link(Linked):
    """A link in memory between two programs of yours, and what goes over it.

    `async with link.attach(MyStation, MyCentral) as (station, central)` runs a `ChargePoint` at each end;
    `async with link.connect("2.0.1") as (station_end, csms_end)` gives the bare transports.
    """

    @asynccontextmanager
    async def connect(
        self, version: Version | str | None = None, identity: str = "CP_1"
    ) -> AsyncGenerator[tuple[Transport, Transport]]:
        """The station's end and the CSMS's of a new link, which lasts as long as the block."""
        known = None if version is None else Version(version)
        near, far = (Transport(name, self._wire, identity, known) for name in (STATION, CSMS))
        async with self._link({STATION: near._end, CSMS: far._end}, [near, far]):
            yield near, far

    @asynccontextmanager
    async def attach(
        self,
        station: Callable[[str, Any], Attached],
        csms: Callable[[str, Any], Other],
        identity: str = "CP_1",
    ) -> AsyncGenerator[tuple[Attached, Other]]:
        """Make `station(identity, transport)` and `csms(identity, transport)`, and `start()` both for as long
        as the block lasts. Raises TypeError if they are not what can be attached.
        """
        near, far = (Transport(name, self._wire, identity, None) for name in (STATION, CSMS))
        one, other = made(station, identity, near), made(csms, identity, far)
        near.version, far.version = one.protocol.version, other.protocol.version
        async with self._link({STATION: near._end, CSMS: far._end}, [near, far], [one, other]):
            yield one, other
