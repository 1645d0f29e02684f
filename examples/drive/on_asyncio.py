"""A connection driven on asyncio. Run it: a station boots at a CSMS, over a WebSocket of `websockets`."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import websockets
from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection as WebSocket
from websockets.asyncio.server import serve
from websockets.typing import Subprotocol

from ocpp_sansio import (
    CallErrorReceived,
    CallFailed,
    CallLost,
    CallReceived,
    CallResultReceived,
    CallTimedOut,
    CloseRequested,
    Connection,
    ConnectionClosed,
    Event,
    LocalProtocolError,
    OCPPError,
    PendingCall,
    Role,
)
from ocpp_sansio.errors import InternalError, NotSupportedError
from ocpp_sansio.messages import Request, Response
from ocpp_sansio.v16 import call, call_result

logger = logging.getLogger(__name__)


class Link:
    """One connection over one WebSocket. `handle` answers the peer's calls, and may call the peer meanwhile."""

    WRITE_LIMIT = 30.0  # seconds; a peer that has stopped reading would hold a write for ever

    def __init__(
        self,
        connection: Connection,
        websocket: WebSocket,
        handle: "Callable[[Link, CallReceived], Awaitable[Response]]",
    ) -> None:
        self.connection, self.websocket, self.handle = connection, websocket, handle
        # Wakes all who wait: each input sets it and puts a new one in its place.
        self.changed = asyncio.Event()
        # Of the calls that somebody waits for, the event that ended them.
        self.ends: dict[PendingCall[Any], Event | None] = {}

    async def run(self) -> None:
        """Until the link is gone and every handler has ended."""
        async with asyncio.TaskGroup() as self.tasks:
            self.tasks.create_task(self.write())
            self.tasks.create_task(self.keep_deadlines())
            try:
                with suppress(websockets.ConnectionClosed):
                    while True:
                        self.give(self.connection.receive_text, await self.websocket.recv())
            finally:
                self.give(self.connection.receive_close)

    def give(self, verb: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """One input, whatever it is: then wake those who wait, and hand out the events."""
        result = verb(*arguments, **options, now=asyncio.get_running_loop().time())
        self.changed.set()
        self.changed = asyncio.Event()
        while (event := self.connection.next_event()) is not None:
            match event:
                case CallReceived():
                    self.tasks.create_task(self.answer(event))
                case CallResultReceived() | CallErrorReceived() | CallFailed() | CallTimedOut() | CallLost():
                    if event.pending in self.ends:
                        self.ends[event.pending] = event
                case CloseRequested(code, reason):
                    self.tasks.create_task(self.websocket.close(code, reason))
                case _:
                    logger.info("%s", event)
        return result

    async def write(self) -> None:
        """The only one who pulls frames and writes them, so none overtakes another."""
        with suppress(websockets.ConnectionClosed):  # the reader is told, too
            while not self.connection.closed:
                if (text := self.connection.next_frame()) is None:
                    await self.changed.wait()
                    continue
                try:
                    async with asyncio.timeout(self.WRITE_LIMIT):
                        await self.websocket.send(text)
                except TimeoutError:
                    self.websocket.transport.abort()

    async def keep_deadlines(self) -> None:
        """Each input may move the deadline, so each is a reason to look again."""
        while not self.connection.closed:
            try:
                async with asyncio.timeout_at(self.connection.deadline):
                    await self.changed.wait()
            except TimeoutError:
                self.give(self.connection.handle_timeout)

    async def answer(self, received: CallReceived) -> None:
        """In a task of its own, so that the reader goes on."""
        try:
            try:
                self.give(self.connection.reply, received, await self.handle(self, received))
            except OCPPError as refusal:
                self.give(self.connection.reply_error, received, refusal)
        except ConnectionClosed:
            pass  # the link went first; the peer will ask again
        except Exception:
            logger.exception("no answer to %s", received.action)
            with suppress(ConnectionClosed, LocalProtocolError):  # gone, or answered by the handler itself
                self.give(self.connection.reply_error, received, InternalError())

    async def call(self, request: Request[Any, Any], **options: Any) -> Event:
        """Ask the peer, while `run` runs. Returns the event that ends the call."""
        pending = self.give(self.connection.call, request, **options)
        self.ends[pending] = None
        try:
            while (end := self.ends[pending]) is None:
                await self.changed.wait()
            return end
        except asyncio.CancelledError:  # nobody listens any more
            self.give(self.connection.abandon, pending)
            raise
        finally:
            del self.ends[pending]


async def csms(link: Link, received: CallReceived) -> Response:
    """What a CSMS does about a call."""
    match received.request:
        case call.BootNotification(charge_point_vendor=vendor):
            print(f"CSMS: a station made by {vendor} boots")
            end = await link.call(call.ClearCache())
            print(f"CSMS: {type(end).__name__}")
            return call_result.BootNotification(
                status="Accepted", current_time=datetime.now(UTC), interval=300
            )
        case _:
            raise NotSupportedError


async def station(link: Link, received: CallReceived) -> Response:
    """What a station does about a call."""
    match received.request:
        case call.ClearCache():
            print("station: clears its cache")
            return call_result.ClearCache(status="Accepted")
        case _:
            raise NotSupportedError


async def main() -> None:
    async def attend(websocket: WebSocket) -> None:
        await Link(Connection(Role.CSMS, "1.6"), websocket, csms).run()

    offered = [Subprotocol("ocpp1.6")]
    async with serve(attend, "127.0.0.1", 0, subprotocols=offered) as server:
        address = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/CP_1"
        async with connect(address, subprotocols=offered) as websocket, asyncio.TaskGroup() as tasks:
            link = Link(Connection(Role.CHARGING_STATION, "1.6"), websocket, station)
            tasks.create_task(link.run())
            end = await link.call(call.BootNotification(charge_point_vendor="acme", charge_point_model="One"))
            print(f"station: {type(end).__name__}")
            await websocket.close()
    print("station: closed")


if __name__ == "__main__":
    asyncio.run(main())
