"""mobilityhouse's `ocpp` over `websockets.asyncio`, in both roles, as a program of its users would be.

Its handlers get a Decimal where the message of 1.6 has a decimal: here, that is a float again.
"""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote

import attrs
import ocpp.exceptions
import ocpp.routing
import ocpp.v16
import ocpp.v21
import ocpp.v201
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from ocpp_sansio import Version
from tests.interop.elsewhere import Elsewhere
from tests.interop.foreign import Answers, Refusal, Refused
from tests.interop.session import Payload

__all__ = ["MobilityHouse"]

MODULES: dict[Version, Any] = {Version.V16: ocpp.v16, Version.V201: ocpp.v201, Version.V21: ocpp.v21}
ERRORS: dict[str, type[Any]] = {error.code: error for error in ocpp.exceptions.OCPPError.__subclasses__()}


@attrs.frozen
class MobilityHouse:
    """The library, on an event loop of its own."""

    elsewhere: Elsewhere

    @asynccontextmanager
    async def station(
        self, url: str, identity: str, version: Version, answers: Answers
    ) -> AsyncIterator["TheirEnd"]:
        async with self.elsewhere.entered(_station(url, identity, version, answers)) as end:
            yield TheirEnd(self.elsewhere, end)

    @asynccontextmanager
    async def csms(self, version: Version, answers: Answers) -> AsyncIterator["TheirCSMS"]:
        async with self.elsewhere.entered(_csms(version, answers)) as (url, arrived):
            yield TheirCSMS(self.elsewhere, url, arrived)


@attrs.frozen
class TheirEnd:
    """An end of theirs, seen from our loop."""

    elsewhere: Elsewhere
    end: Any

    async def call(self, action: str, payload: Payload) -> Payload:
        return await self.elsewhere.run(_call, self.end, action, payload)

    async def asked(self) -> list[tuple[str, Payload]]:
        return list(self.end.asked)

    async def close(self, code: int, reason: str) -> None:
        await self.elsewhere.run(self.end._connection.close, code, reason)

    async def closed(self) -> tuple[int, str]:
        await self.elsewhere.run(self.end._connection.wait_closed)
        return self.end._connection.close_code, self.end._connection.close_reason


@attrs.frozen
class TheirCSMS:
    """A central system of theirs, seen from our loop."""

    elsewhere: Elsewhere
    url: str
    _arrived: asyncio.Queue[Any]

    async def arrived(self) -> TheirEnd:
        return TheirEnd(self.elsewhere, await self.elsewhere.run(self._arrived.get))


# On their loop.


def _class(version: Version, answers: Answers) -> type[Any]:
    """A charge point of theirs that answers so, and notes in `asked` what it was asked."""

    def handler(action: str, answer: Any) -> Any:
        def handle(self: Any, **request: Any) -> Any:
            self.asked.append((action, _plain(request)))
            if isinstance(answer, Refusal):
                raise ERRORS[answer.code](answer.description, answer.details)
            return getattr(MODULES[version].call_result, action)(**answer)

        handle.__name__ = f"on_{action}"  # by which handlers are found
        return ocpp.routing.on(action)(handle)

    handlers = {f"on_{action}": handler(action, answer) for action, answer in answers.items()}
    return type("Theirs", (MODULES[version].ChargePoint,), handlers)


async def _run(end: Any) -> None:
    with suppress(ConnectionClosed):
        await end.start()


async def _call(end: Any, action: str, payload: Payload) -> Payload:
    request = getattr(end._call, action)(**payload)
    try:
        return _plain(dataclasses.asdict(await end.call(request, suppress=False)))
    except ocpp.exceptions.OCPPError as error:
        raise Refused(Refusal(error.code, error.description, error.details)) from error


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value


@asynccontextmanager
async def _station(url: str, identity: str, version: Version, answers: Answers) -> AsyncIterator[Any]:
    async with connect(
        f"{url}/{quote(identity, safe='')}", subprotocols=[Subprotocol(version.subprotocol)]
    ) as connection:
        end: Any = _class(version, answers)(identity, connection)
        end.asked = []
        reading = asyncio.create_task(_run(end))
        yield end
    await reading


@asynccontextmanager
async def _csms(version: Version, answers: Answers) -> AsyncIterator[tuple[str, asyncio.Queue[Any]]]:
    arrived: asyncio.Queue[Any] = asyncio.Queue()
    cls = _class(version, answers)

    async def on_connect(connection: ServerConnection) -> None:
        assert connection.request is not None
        end: Any = cls(unquote(connection.request.path[1:]), connection)
        end.asked = []
        arrived.put_nowait(end)
        await _run(end)

    subprotocols = [Subprotocol(version.subprotocol)]
    async with serve(on_connect, "127.0.0.1", 0, subprotocols=subprotocols) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}", arrived
