"""Links between our doors and the library of somebody else, who may be at either end.

For a test both ends are alike: an `End` calls, notes what it is asked, and closes. Names and values are those
of the Python libraries. Our end is a `Station` or a `CSMS`, or the bare `connect` or `serve` below them.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, NamedTuple, Protocol, TypeAlias

import anyio
import attrs
from anyio.abc import TaskStatus
from websockets.exceptions import ConnectionClosed

from ocpp_sansio import OCPPError, Version
from ocpp_sansio.messages import Raw, asdict
from ocpp_sansio.routing import on
from ocpp_sansio.v16 import call as call_16
from ocpp_sansio.v16 import call_result as call_result_16
from ocpp_sansio.v21 import call as call_21
from ocpp_sansio.v21 import call_result as call_result_21
from ocpp_sansio.v201 import call as call_201
from ocpp_sansio.v201 import call_result as call_result_201
from ocpp_sansio_adapters import v16, v21, v201
from ocpp_sansio_adapters.csms import CSMS
from ocpp_sansio_adapters.station import Station
from ocpp_sansio_adapters.websockets import WebSocket, connect, serve
from tests.adapters.sockets import CALM, eventually, nothing_left
from tests.interop.session import Payload

__all__ = [
    "IDENTITY",
    "MESSAGES",
    "OTHER",
    "Answers",
    "Arrived",
    "End",
    "Foreign",
    "ForeignCSMS",
    "Ours",
    "Refusal",
    "Refused",
    "Withheld",
    "a_bare_client",
    "a_bare_server",
    "linked",
    "our_class",
    "serving",
]

IDENTITY = "CP|1@acme"  # parts of which have to be encoded in a URL
OTHER = {"station": "csms", "csms": "station"}

CLASSES: dict[Version, type[Any]] = {
    Version.V16: v16.ChargePoint,
    Version.V201: v201.ChargePoint,
    Version.V21: v21.ChargePoint,
}
MESSAGES: dict[Version, tuple[Any, Any]] = {
    Version.V16: (call_16, call_result_16),
    Version.V201: (call_201, call_result_201),
    Version.V21: (call_21, call_result_21),
}


class Refusal(NamedTuple):
    """A CALLERROR, in whatever way a library spells it."""

    code: str
    description: str
    details: Payload


class Refused(Exception):
    """A call was answered with this CALLERROR."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


class Withheld(NamedTuple):
    """An answer that waits for a word of the test."""

    payload: Payload


#: How an end answers each action. Those that are missing have no handler. A `Raw` is for our end, and leaves
#: unjudged.
Answers: TypeAlias = Mapping[str, Payload | Refusal | Withheld | Raw]


class End(Protocol):
    """One end of a link."""

    async def call(self, action: str, payload: Payload) -> Payload:
        """Ask the other end. Raises Refused."""

    async def asked(self) -> list[tuple[str, Payload]]:
        """What it was asked, and has a handler for."""

    async def close(self, code: int, reason: str) -> None:
        """Close the link."""

    async def closed(self) -> tuple[int, str]:
        """Wait for the end of the link; the code and the reason that the other end has given."""


class ForeignCSMS(Protocol):
    """A central system of theirs that listens."""

    @property
    def url(self) -> str:
        """Where it listens."""

    async def arrived(self) -> End:
        """What serves the next station that connects."""


class Foreign(Protocol):
    """A library of somebody else."""

    def station(
        self, url: str, identity: str, version: Version, answers: Answers, **options: Any
    ) -> AbstractAsyncContextManager[End]:
        """A station of theirs, connected. `options` are the library's."""

    def csms(
        self, version: Version, answers: Answers, **options: Any
    ) -> AbstractAsyncContextManager[ForeignCSMS]:
        """A central system of theirs. `options` are the library's."""


@attrs.frozen
class Ours:
    """An end of ours."""

    charge_point: Any

    async def call(self, action: str, payload: Payload, **options: Any) -> Payload:
        """Ask the other end. `options` are those of `ChargePoint.call`."""
        calls, _ = MESSAGES[self.charge_point.version]
        return await self.ask(getattr(calls, action)(**payload), **options)

    async def ask(self, request: Any, **options: Any) -> Payload:
        try:
            return asdict(await self.charge_point.call(request, **options))
        except OCPPError as error:
            raise Refused(Refusal(str(error.code), error.description, error.details)) from error

    async def asked(self) -> list[tuple[str, Payload]]:
        return list(self.charge_point.asked)

    async def close(self, code: int, reason: str) -> None:
        await self.charge_point.transport.aclose(code, reason)

    async def closed(self) -> tuple[int, str]:
        websocket = self.charge_point.transport
        await eventually(lambda: websocket.close_code is not None)
        return websocket.close_code, websocket.close_reason

    async def release(self) -> None:
        """Let answers go that are withheld."""
        self.charge_point.released.set()


def our_class(version: Version, answers: Answers) -> type[Any]:
    """A charge point of ours that answers so, and notes in `asked` what it was asked."""

    def handler(action: str, answer: Payload | Refusal | Withheld | Raw) -> Any:
        response = getattr(MESSAGES[version][1], action)

        async def handle_later(self: Any, payload: Payload) -> Any:
            await self.released.wait()
            return response(**payload)

        def handle(self: Any, **request: Any) -> Any:
            self.asked.append((action, request))
            if isinstance(answer, Refusal):
                raise OCPPError(answer.description, answer.details, code=answer.code)
            if isinstance(answer, Withheld):
                return handle_later(self, answer.payload)
            return answer if isinstance(answer, Raw) else response(**answer)

        return on(action)(handle)

    def begin(self: Any, *arguments: Any, **keywords: Any) -> None:
        CLASSES[version].__init__(self, *arguments, **keywords)
        self.asked = []
        self.released = anyio.Event()

    handlers = {f"on_{action}": handler(action, answer) for action, answer in answers.items()}
    return type("Ours", (CLASSES[version],), {"__init__": begin, **handlers})


Arrived: TypeAlias = Callable[[], Awaitable[Any]]


@asynccontextmanager
async def serving(csms: CSMS, port: int = 0, **settings: Any) -> AsyncIterator[str]:
    """The URL of a CSMS of ours."""

    async def run(*, task_status: TaskStatus[tuple[str, int]]) -> None:
        await csms.serve("127.0.0.1", port, task_status=task_status, **{**CALM, **settings})

    async with anyio.create_task_group() as tasks:
        _, port = await tasks.start(run)
        yield f"ws://127.0.0.1:{port}"
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def a_csms(cls: type[Any]) -> AsyncIterator[tuple[str, Arrived]]:
    csms = CSMS(cls)
    async with serving(csms) as url:
        yield url, lambda: csms.stations.wait(IDENTITY)


@asynccontextmanager
async def a_bare_server(cls: type[Any], **settings: Any) -> AsyncIterator[tuple[str, Arrived]]:
    """The URL of a bare server of ours, and the first station that connects."""
    come: list[Any] = []

    async def handle(websocket: WebSocket) -> None:
        come.append(cls(websocket.identity, websocket))
        await come[-1].start()

    async def run(*, task_status: TaskStatus[tuple[str, int]]) -> None:
        chosen = {"versions": [cls.version], **CALM, **settings}
        await serve(handle, "127.0.0.1", task_status=task_status, **chosen)

    async def arrived() -> Any:
        await eventually(lambda: come)
        return come[0]

    async with anyio.create_task_group() as tasks:
        _, port = await tasks.start(run)
        yield f"ws://127.0.0.1:{port}", arrived
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def a_station(url: str, cls: type[Any]) -> AsyncIterator[Any]:
    async with Station(url, IDENTITY, cls, settings=CALM) as station:
        yield await station.connected()


@asynccontextmanager
async def a_bare_client(url: str, cls: type[Any], **settings: Any) -> AsyncIterator[Any]:
    """A bare client of ours, connected."""

    async def live(charge_point: Any) -> None:
        with suppress(ConnectionClosed):
            await charge_point.start()

    async with (
        connect(url, IDENTITY, **{"versions": [cls.version], **CALM, **settings}) as websocket,
        anyio.create_task_group() as tasks,
    ):
        charge_point = cls(IDENTITY, websocket)
        tasks.start_soon(live, charge_point)
        yield charge_point
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def linked(
    library: Foreign,
    role: str,
    version: Version,
    answers: Mapping[str, Answers],
    *,
    bare: bool = False,
    **options: Any,
) -> AsyncIterator[dict[str, Any]]:
    """A station and its CSMS by role, one of them of this library, with options. Fails if something is left
    of either.
    """
    cls = our_class(version, answers[OTHER[role]])
    async with nothing_left():
        if role == "station":
            async with (
                (a_bare_server if bare else a_csms)(cls) as (url, arrived),
                library.station(url, IDENTITY, version, answers["station"], **options) as theirs,
            ):
                yield {"station": theirs, "csms": Ours(await arrived())}
        else:
            async with (
                library.csms(version, answers["csms"], **options) as csms,
                (a_bare_client if bare else a_station)(csms.url, cls) as ours,
            ):
                yield {"station": Ours(ours), "csms": await csms.arrived()}
