"""What WebSocket libraries of others are used for: a client and a server that move texts and know no OCPP.

One module a library does it, on a loop elsewhere. A test sees them through `Peer`.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import attrs

from tests.interop.elsewhere import Elsewhere

__all__ = ["Ended", "Library", "Link", "Listening", "NotLetIn", "Peer", "Server", "Terms", "client", "server"]


class Ended(Exception):
    """The link is over: the code and the reason of the other end, 1006 and no reason without its word."""


class NotLetIn(Exception):
    """The status that the upgrade was answered with."""


@attrs.frozen(kw_only=True)
class Terms:
    """How an end of theirs is set up. A server that has a status refuses everybody with it."""

    subprotocols: tuple[str, ...] = ("ocpp1.6",)
    headers: Mapping[str, str] = attrs.field(factory=dict)
    compression: bool = False
    max_size: int = 2**20
    status: int | None = None


class Link(Protocol):
    """An open WebSocket of theirs. It reads, and answers pings, while somebody waits for what comes."""

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that was agreed on."""

    @property
    def compressed(self) -> bool:
        """Whether compression was agreed on."""

    async def send(self, *parts: str) -> None:
        """Send a text, in as many fragments."""

    async def recv(self) -> str:
        """The next text. Raises Ended."""

    async def ping(self, payload: bytes) -> None:
        """Send a ping, and wait for its pong."""

    async def close(self, code: int, reason: str) -> None:
        """Say so to the other end, and wait for its word."""

    async def drop(self) -> None:
        """End the connection below, without a word."""


@attrs.define
class Listening:
    """A server of theirs: its port, the requests that have come, and the links that were made."""

    port: int = 0
    requests: list[tuple[str, dict[str, str]]] = attrs.field(factory=list)
    links: list[Link] = attrs.field(factory=list)


class Library(Protocol):
    """What one of their libraries can do."""

    backend: str
    fragments: bool  # sends messages in several frames
    compresses: bool
    limits: bool  # knows a limit of what it receives

    def client(self, url: str, terms: Terms) -> AbstractAsyncContextManager[Link]:
        """A client. Raises NotLetIn."""

    def server(self, terms: Terms) -> AbstractAsyncContextManager[Listening]:
        """A server on 127.0.0.1."""


@attrs.frozen
class Peer:
    """A link of theirs, seen from our loop."""

    elsewhere: Elsewhere
    link: Link

    async def send(self, *parts: str) -> None:
        await self.elsewhere.run(self.link.send, *parts)

    async def recv(self) -> str:
        return await self.elsewhere.run(self.link.recv)

    async def ping(self, payload: bytes) -> None:
        await self.elsewhere.run(self.link.ping, payload)

    async def close(self, code: int, reason: str) -> None:
        await self.elsewhere.run(self.link.close, code, reason)

    async def closed(self) -> tuple[Any, ...]:
        """Receive until the link is over; what the other end has said of it."""
        while True:
            try:
                await self.recv()
            except Ended as end:
                return end.args

    async def drop(self) -> None:
        await self.elsewhere.run(self.link.drop)


@attrs.frozen
class Server:
    """A server of theirs, seen from our loop."""

    elsewhere: Elsewhere
    listening: Listening

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.listening.port}"

    @property
    def peers(self) -> list[Peer]:
        """The links that were made."""
        return [Peer(self.elsewhere, link) for link in self.listening.links]


@asynccontextmanager
async def client(library: Library, elsewhere: Elsewhere, url: str, terms: Terms) -> AsyncIterator[Peer]:
    """A client of theirs."""
    async with elsewhere.entered(library.client(url, terms)) as link:
        yield Peer(elsewhere, link)


@asynccontextmanager
async def server(library: Library, elsewhere: Elsewhere, terms: Terms) -> AsyncIterator[Server]:
    """A server of theirs."""
    async with elsewhere.entered(library.server(terms)) as listening:
        yield Server(elsewhere, listening)
