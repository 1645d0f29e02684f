"""A server of ASGI in memory, and the station that has connected to it. It holds to the ASGI specification, and
sees to it that the application does, too.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from math import inf
from typing import Any

import anyio

from ocpp_sansio_adapters.csms import CSMS
from tests.adapters.wire import ETERNITY, quiet

__all__ = ["CLOSE", "Peer", "exchange", "joined", "scope_of", "silence"]

CONNECT: dict[str, Any] = {"type": "websocket.connect"}
ACCEPT, SEND, CLOSE = "websocket.accept", "websocket.send", "websocket.close"
START, BODY = "websocket.http.response.start", "websocket.http.response.body"
#: What may be told after what, by the ASGI specification.
GRAMMAR = {
    "": {ACCEPT, START, CLOSE},
    ACCEPT: {SEND, CLOSE},
    SEND: {SEND, CLOSE},
    START: {BODY},
    BODY: set(),
    CLOSE: set(),
}


def scope_of(
    path: str = "/CP_1", *headers: tuple[str, str], offers: Any = ("ocpp1.6",), **more: Any
) -> dict[str, Any]:
    """What a server says of a request; keywords replace that, and None leaves it out."""
    lines = [*headers, *([("Sec-WebSocket-Protocol", ", ".join(offers))] if offers else [])]
    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in lines],
        "client": ("127.0.0.1", 4711),
        "subprotocols": list(offers),
        "extensions": {"websocket.http.response": {}},
        **more,
    }
    return {name: value for name, value in scope.items() if value is not None}


class Peer:
    """A station and the server that it has connected to. `told` is what the application has sent.

    `faults` is what a server must not be told, or asked. `hold` makes sending wait, `error` makes it raise.
    """

    def __init__(self, scope: dict[str, Any]) -> None:
        self.scope = scope
        self.told: list[dict[str, Any]] = []
        self.faults: list[str] = []
        self.error: Exception | None = None
        self.refused = 0  # times that it was told something in vain
        self.polite = True  # its end follows the application's farewell
        self.stop = anyio.CancelScope()
        self._clear = anyio.Event()
        self._clear.set()
        self._put, self._events = anyio.create_memory_object_stream[Any](inf)
        self._put.send_nowait(CONNECT)
        self._over = False
        self._ended = anyio.Event()

    async def receive(self) -> Any:
        if self._over:
            self.faults.append("asked for more after the end")
        event = await self._events.receive()
        if isinstance(event, Exception):
            raise event
        self._over = event["type"] == "websocket.disconnect"
        return event

    async def send(self, message: dict[str, Any]) -> None:
        await self._clear.wait()
        await anyio.lowlevel.checkpoint()
        if self.error is not None:
            self.refused += 1
            raise self.error
        if message["type"] not in GRAMMAR[self.told[-1]["type"] if self.told else ""]:
            self.faults.append(f"{message['type']} after {self.told[-1:]}")
        self.told.append(message)
        if message["type"] == CLOSE and self.polite:
            self.leave(message["code"], message["reason"])

    def hold(self) -> None:
        self._clear = anyio.Event()

    def release(self) -> None:
        self._clear.set()

    def say(self, text: str | None, octets: bytes | None = None) -> None:
        self.happen({"type": "websocket.receive", "text": text, "bytes": octets})

    def leave(self, code: int = 1006, reason: str | None = None) -> None:
        self.error = self.error or OSError("the station has left")
        self.happen({"type": "websocket.disconnect", "code": code, "reason": reason})

    def happen(self, event: Any) -> None:
        with suppress(anyio.ClosedResourceError):  # the application is done with it
            self._put.send_nowait(event)

    async def run(self, app: Any) -> None:
        with self._put, self._events, self.stop:
            await app(self.scope, self.receive, self.send)
        self._ended.set()

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    @property
    def texts(self) -> list[str]:
        return [message["text"] for message in self.told if message["type"] == SEND]

    @property
    def answer(self) -> tuple[Any, ...]:
        """What it was told first, and how it was closed."""
        first = self.told[0]
        said = {ACCEPT: "subprotocol", START: "status", CLOSE: "code"}[first["type"]]
        closed = [(each["code"], each["reason"]) for each in self.told[1:] if each["type"] == CLOSE]
        return (first["type"].removeprefix("websocket."), first[said], *closed)

    async def over(self) -> None:
        """Wait until the application is done with it."""
        await self._ended.wait()


@asynccontextmanager
async def joined(app: Any, *scopes: dict[str, Any]) -> AsyncIterator[Any]:
    """A peer, or several, for as long as the block lasts. Fails if one was wronged, or something is left
    behind.
    """
    before = {task.id for task in anyio.get_running_tasks()}
    peers = [Peer(scope) for scope in scopes or [scope_of()]]
    with anyio.fail_after(ETERNITY):
        async with anyio.create_task_group() as tasks:
            for peer in peers:
                tasks.start_soon(peer.run, app)
            await quiet()
            yield peers[0] if len(peers) == 1 else peers
            for peer in peers:
                if not peer.ended:
                    peer.leave()
    assert {task.id for task in anyio.get_running_tasks()} <= before
    assert [peer.faults for peer in peers] == [[]] * len(peers)


async def exchange(app: Any, scope: dict[str, Any]) -> Peer:
    """A peer that has left again."""
    async with joined(app, scope) as peer:
        pass
    assert isinstance(peer, Peer)
    return peer


@asynccontextmanager
async def silence(csms: CSMS) -> AsyncIterator[None]:
    """Nobody may come or go meanwhile."""
    before = dict(csms.stations)
    yield
    await quiet()
    assert dict(csms.stations) == before
