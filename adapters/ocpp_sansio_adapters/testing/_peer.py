"""ScriptedCSMS and ScriptedStation: peers that play a script against the program that is tested."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any, ClassVar, TypeVar, overload

import anyio

from ocpp_sansio import Connection, LocalProtocolError, PendingCall, Role, Version
from ocpp_sansio._dialect import apportioned
from ocpp_sansio.messages import Request, Response, Unconfirmed

from ._link import Linked, Starts, Transport, made
from ._playing import Asked, Playing
from ._script import Expectation, Script
from ._wire import CSMS, STATION, End, Scripted

__all__ = ["ScriptedCSMS", "ScriptedPeer", "ScriptedStation"]

Own = TypeVar("Own")
Told = TypeVar("Told", bound=Unconfirmed)
Answer = TypeVar("Answer", bound=Response)
Attached = TypeVar("Attached", bound=Starts)

NAMES = {Role.CSMS: CSMS, Role.CHARGING_STATION: STATION}
NEWEST_FIRST = (Version.V21, Version.V201, Version.V16)


class ScriptedPeer(Linked, Scripted):
    """What `ScriptedCSMS` and `ScriptedStation` share.

    It speaks the version of what is attached to it. `options` are keywords of its `Connection`, such as
    `validation="lenient"`.

    Written down first: what it expects, in order, and what it allows at any time. Each is answered plainly
    (with Accepted), or as the script says. What is neither expected nor allowed is answered with
    NotSupported. `check()` then raises AssertionError for that, for what was expected and did not come, and
    for what was left open; its text has the script and the trace.
    """

    role: ClassVar[Role]

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self._script = Script(self.role)
        self._options = options
        self._playing: list[Playing] = []  # one for each link
        self._name = NAMES[self.role]

    # The script.

    @overload
    def expect(
        self,
        message: type[Request[Own, Answer]],
        /,
        *,
        where: Callable[[Own], object] | None = None,
        **members: Any,
    ) -> Expectation[Own, Answer]: ...
    @overload
    def expect(
        self, message: type[Told], /, *, where: Callable[[Told], object] | None = None, **members: Any
    ) -> Expectation[Told, Any]: ...
    @overload
    def expect(
        self, message: str, /, *, where: Callable[[Any], object] | None = None, **members: Any
    ) -> Expectation[Any, Any]: ...
    def expect(self, message: Any, /, *, where: Any = None, **members: Any) -> Any:
        """The next call of the script, once: a class such as `call.BootNotification`, or the name of an
        action.

        Only one that has these members, as in `expect(call.StatusNotification, connector_id=1)`, and that
        `where` is true of. Of an object, a dict names the members that count: `evse={"id": 1}`.

        The calls must come in the order in which they are expected, and any others only if they are allowed.
        Returns an `Expectation`, to say how often and how it is answered. Raises TypeError for what is no
        such class and for members that it does not have, ValueError for what the peer does not send.
        """
        return self._added(self._script.expect(message, where, members))

    @overload
    def allow(
        self,
        message: type[Request[Own, Answer]],
        /,
        *,
        where: Callable[[Own], object] | None = None,
        **members: Any,
    ) -> Expectation[Own, Answer]: ...
    @overload
    def allow(
        self, message: type[Told], /, *, where: Callable[[Told], object] | None = None, **members: Any
    ) -> Expectation[Told, Any]: ...
    @overload
    def allow(
        self, message: str, /, *, where: Callable[[Any], object] | None = None, **members: Any
    ) -> Expectation[Any, Any]: ...
    def allow(self, message: Any, /, *, where: Any = None, **members: Any) -> Any:
        """A call that may come at any time, any number of times, unless it is the one that is expected.

        The arguments are those of `expect`. Of several that match, the one that was allowed last answers.
        """
        return self._added(self._script.allow(message, where, members))

    def any_order(self) -> AbstractContextManager[None]:
        """What is expected within the block may come in any order: `with csms.any_order(): ...`."""
        return self._script.any_order()

    def _added(self, line: Expectation[Any, Any]) -> Expectation[Any, Any]:
        if self._playing and not self._playing[-1].connection.closed:
            line._check_version(self._playing[-1].connection)
        return line

    async def played(self) -> None:
        """Wait until all that is expected has come."""
        await self._script.changes.until(lambda: not self._script.unmet())

    # What the peer does of its own accord.

    def call(self, request: Request[Any, Answer], *, timeout: float | None = None) -> Asked[Answer]:
        """Call the program that is tested, now. `await` what is returned for the answer, or ask it later.

        `timeout` is the time in seconds that the answer may take, 30 without it. Raises LocalProtocolError
        while nothing is attached, and what `Connection.call` raises.
        """
        playing = self._now_playing()
        asked = playing.ask(request, timeout)
        self._wire.moved()
        return asked

    def say_text(self, text: str) -> None:
        """Send any text at all. Raises LocalProtocolError while nothing is attached."""
        self._now_playing().say(text)
        self._wire.moved()

    @property
    def connection(self) -> Connection:
        """The peer's own end of the present link. Raises LocalProtocolError while there is none."""
        return self._now_playing().connection

    def _now_playing(self) -> Playing:
        if not self._playing or self._playing[-1].connection.closed:
            raise LocalProtocolError(f"nothing is attached to the scripted {self._name}: there is no link")
        return self._playing[-1]

    # Links.

    @asynccontextmanager
    async def attach(
        self, make: Callable[..., Attached], identity: str = "CP_1", **options: Any
    ) -> AsyncGenerator[Attached]:
        """Make `make(identity, transport, **options)`, such as a class of `ChargePoint`, and `start()` it for
        as long as the block lasts.

        At the end, what is on its way has a few seconds to arrive and to be answered; what is open after that
        is noted for `check()`. Raises TypeError if it is the wrong end, or of another version than the
        script.
        """
        transport = Transport(self._other, self._wire, identity, None)
        one = made(make, identity, transport, **options)
        if one.protocol.role is self.role:
            raise TypeError(f"a {self.role.value} cannot be attached to a scripted {self._name}")
        transport.version = one.protocol.version
        playing = self._play(one.protocol.version, getattr(one, "extensions", ()), anyio.current_time)
        async with self._link(self._ends(transport._end, playing), [transport], [one], playing.is_quiet):
            yield one

    @asynccontextmanager
    async def _connected(self, identity: str, versions: Sequence[Version | str]) -> AsyncGenerator[Transport]:
        spoken = [Version(version) for version in versions]
        version = next((version for version in spoken if self._script.is_of(version)), spoken[0])
        transport = Transport(self._other, self._wire, identity, version)
        playing = self._play(version, (), anyio.current_time)
        async with self._link(self._ends(transport._end, playing), [transport], (), playing.is_quiet):
            yield transport

    @property
    def _other(self) -> str:
        return NAMES[self.role.peer]

    def _ends(self, tested: End, playing: Playing) -> dict[str, End]:
        return {self._other: tested, self._name: playing}

    def _play(self, version: Version, extensions: Sequence[Any], clock: Callable[[], float]) -> Playing:
        options: dict[str, Any] = {"extensions": extensions, **self._options}
        # The same script may be played in several versions, of which each has names of its own.
        speakers = {each: options["extensions"] if each is version else () for each in NEWEST_FIRST}
        options = apportioned(speakers, options)[version]
        earlier = sum(playing.said for playing in self._playing)
        playing = Playing(self._script, self._wire, self._name, version, clock, options, earlier)
        for line in [*self._script.expected, *self._script.allowed]:
            line._check_version(playing.connection)
        self._playing.append(playing)
        return playing

    def _end_for(self, name: str, far: Connection, clock: Callable[[], float]) -> End:
        if name != self._name:
            raise TypeError(f"a scripted {self._name} cannot be the {name} of a pair")
        return self._play(far.version, (), clock)

    # The end.

    def _problems(self) -> list[str]:
        script = self._script
        missing = [
            f"expected, and did not come: {line._wanted}, {line._count}  [{line._at}]"
            for line in script.unmet()
        ]
        said = [problem for playing in self._playing for problem in playing.problems()]
        return [*missing, *said, *self._left]

    def _script_lines(self) -> list[str]:
        return self._script.lines()

    def _open_calls(self, one: Starts) -> list[PendingCall[Any]]:
        ignored = self._playing[-1].ignored
        return [call for call in super()._open_calls(one) if call.id not in ignored]


class ScriptedCSMS(ScriptedPeer):
    """A CSMS that plays a script, for the test of a station.

    `async with csms.attach(MyStation, "CP_1") as station` runs a `ChargePoint` against it; `csms.connect`
    gives a bare transport, and `Pair(connection, csms)` needs no event loop.
    """

    role = Role.CSMS

    @asynccontextmanager
    async def connect(
        self,
        url: str = "",
        identity: str = "CP_1",
        *,
        versions: Sequence[Version | str] = NEWEST_FIRST,
        **settings: Any,
    ) -> AsyncGenerator[Transport]:
        """A transport of the station's end, open for as long as the block lasts.

        It stands in for `websockets.connect`, whose arguments it takes: `monkeypatch.setattr(station,
        "connect", csms.connect)` in the module `ocpp_sansio_adapters.station` lets a `Station` connect to the
        script, and again after each `cut()`. It speaks the first of the `versions` that the script is in; the
        others are ignored.
        """
        async with self._connected(identity, versions) as transport:
            yield transport


class ScriptedStation(ScriptedPeer):
    """A station that plays a script, for the test of a CSMS.

    `async with station.attach(MyCentral, "CP_1") as central` runs a `ChargePoint` against it;
    `station.connect` gives a bare transport, and `Pair(station, connection)` needs no event loop.
    """

    role = Role.CHARGING_STATION

    @asynccontextmanager
    async def connect(
        self, identity: str = "CP_1", *, versions: Sequence[Version | str] = NEWEST_FIRST
    ) -> AsyncGenerator[Transport]:
        """A transport of the CSMS's end, open for as long as the block lasts, such as for `CSMS.handle`.

        It speaks the first of the `versions` that the script is in.
        """
        async with self._connected(identity, versions) as transport:
            yield transport
