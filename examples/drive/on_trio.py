"""A connection driven on trio. Run it: a station boots at a CSMS, over a WebSocket of `websockets`."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from math import inf
from typing import Any

import trio
import websockets
from websockets.trio.client import connect
from websockets.trio.connection import Connection as WebSocket
from websockets.trio.server import serve
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
        self.changed = trio.Event()
        # Of the calls that somebody waits for, the event that ended them.
        self.ends: dict[PendingCall[Any], Event | None] = {}

    async def run(self) -> None:
        """Until the link is gone and every handler has ended."""
        async with trio.open_nursery() as self.tasks:
            self.tasks.start_soon(self.write)
            self.tasks.start_soon(self.keep_deadlines)
            try:
                with suppress(websockets.ConnectionClosed):
                    while True:
                        self.give(self.connection.receive_text, await self.websocket.recv())
            finally:
                self.give(self.connection.receive_close)

    def give(self, verb: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """One input, whatever it is: then wake those who wait, and hand out the events."""
        result = verb(*arguments, **options, now=trio.current_time())
        self.changed.set()
        self.changed = trio.Event()
        while (event := self.connection.next_event()) is not None:
            match event:
                case CallReceived():
                    self.tasks.start_soon(self.answer, event)
                case CallResultReceived() | CallErrorReceived() | CallFailed() | CallTimedOut() | CallLost():
                    if event.pending in self.ends:
                        self.ends[event.pending] = event
                case CloseRequested(code, reason):
                    self.tasks.start_soon(self.websocket.aclose, code, reason)
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
                with trio.move_on_after(self.WRITE_LIMIT) as write:
                    await self.websocket.send(text)
                if write.cancelled_caught:
                    await trio.aclose_forcefully(self.websocket.stream)

    async def keep_deadlines(self) -> None:
        """Each input may move the deadline, so each is a reason to look again."""
        while not self.connection.closed:
            deadline = self.connection.deadline
            with trio.move_on_at(inf if deadline is None else deadline) as wait:
                await self.changed.wait()
            if wait.cancelled_caught:
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
        except trio.Cancelled:  # nobody listens any more
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
    async with trio.open_nursery() as tasks:
        server = await tasks.start(partial(serve, attend, 0, host="127.0.0.1", subprotocols=offered))
        address = f"ws://127.0.0.1:{server.listeners[0].socket.getsockname()[1]}/CP_1"
        async with server, connect(address, subprotocols=offered) as websocket:
            link = Link(Connection(Role.CHARGING_STATION, "1.6"), websocket, station)
            tasks.start_soon(link.run)
            end = await link.call(call.BootNotification(charge_point_vendor="acme", charge_point_model="One"))
            print(f"station: {type(end).__name__}")
            await websocket.aclose()
    print("station: closed")


if __name__ == "__main__":
    trio.run(main)
