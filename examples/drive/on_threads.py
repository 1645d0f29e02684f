"""A connection driven by threads. Run it: a station boots at a CSMS, over a WebSocket of `websockets`."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from socket import SHUT_RDWR
from threading import Condition, Timer
from time import monotonic
from typing import Any

import websockets
from websockets.sync.client import connect
from websockets.sync.connection import Connection as WebSocket
from websockets.sync.server import serve
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
    Limits,
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
        handle: "Callable[[Link, CallReceived], Response]",
    ) -> None:
        self.connection, self.websocket, self.handle = connection, websocket, handle
        # The lock round every use of the connection; each input wakes all who wait for it.
        self.changed = Condition()
        # Of the calls that somebody waits for, the event that ended them.
        self.ends: dict[PendingCall[Any], Event | None] = {}

    def run(self) -> None:
        """Until the link is gone and every handler has ended."""
        # A thread for each call that the peer may have open, for two loops, and for closing.
        with ThreadPoolExecutor(Limits().open_calls + 3) as self.threads:
            self.start(self.write)
            self.start(self.keep_deadlines)
            try:
                with suppress(websockets.ConnectionClosed):
                    while True:
                        self.give(self.connection.receive_text, self.websocket.recv())
            finally:
                self.give(self.connection.receive_close)

    def start(self, work: Callable[..., None], *arguments: Any) -> None:
        """In a thread of its own. What it raises is logged, for nobody waits for it."""
        self.threads.submit(work, *arguments).add_done_callback(Future.result)

    def give(self, verb: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """One input, whatever it is: then wake those who wait, and hand out the events."""
        with self.changed:
            result = verb(*arguments, **options, now=monotonic())
            self.changed.notify_all()
            while (event := self.connection.next_event()) is not None:
                match event:
                    case CallReceived():
                        self.start(self.answer, event)
                    case (
                        CallResultReceived()
                        | CallErrorReceived()
                        | CallFailed()
                        | CallTimedOut()
                        | CallLost()
                    ):
                        if event.pending in self.ends:
                            self.ends[event.pending] = event
                    case CloseRequested(code, reason):
                        self.start(self.websocket.close, code, reason)
                    case _:
                        logger.info("%s", event)
            return result

    def write(self) -> None:
        """The only one who pulls frames and writes them, so none overtakes another."""
        with suppress(websockets.ConnectionClosed):  # the reader is told, too
            while True:
                with self.changed:
                    while (text := self.connection.next_frame()) is None:
                        if self.connection.closed:
                            return
                        self.changed.wait()
                limit = Timer(self.WRITE_LIMIT, self.cut)
                limit.start()
                try:
                    self.websocket.send(text)
                finally:
                    limit.cancel()

    def cut(self) -> None:
        """End the link without another word."""
        with suppress(OSError):  # it has ended
            self.websocket.socket.shutdown(SHUT_RDWR)

    def keep_deadlines(self) -> None:
        """Each input may move the deadline, so each is a reason to look again."""
        with self.changed:
            while not self.connection.closed:
                deadline = self.connection.deadline
                if not self.changed.wait(None if deadline is None else max(0.0, deadline - monotonic())):
                    self.give(self.connection.handle_timeout)

    def answer(self, received: CallReceived) -> None:
        """In a thread of its own, so that the reader goes on."""
        try:
            try:
                self.give(self.connection.reply, received, self.handle(self, received))
            except OCPPError as refusal:
                self.give(self.connection.reply_error, received, refusal)
        except ConnectionClosed:
            pass  # the link went first; the peer will ask again
        except Exception:
            logger.exception("no answer to %s", received.action)
            with suppress(ConnectionClosed, LocalProtocolError):  # gone, or answered by the handler itself
                self.give(self.connection.reply_error, received, InternalError())

    def call(self, request: Request[Any, Any], **options: Any) -> Event:
        """Ask the peer, while `run` runs. Returns the event that ends the call."""
        with self.changed:
            pending = self.give(self.connection.call, request, **options)
            self.ends[pending] = None
            try:
                while (end := self.ends[pending]) is None:
                    self.changed.wait()
                return end
            except KeyboardInterrupt:  # nobody listens any more
                self.give(self.connection.abandon, pending)
                raise
            finally:
                del self.ends[pending]


def csms(link: Link, received: CallReceived) -> Response:
    """What a CSMS does about a call."""
    match received.request:
        case call.BootNotification(charge_point_vendor=vendor):
            print(f"CSMS: a station made by {vendor} boots")
            end = link.call(call.ClearCache())
            print(f"CSMS: {type(end).__name__}")
            return call_result.BootNotification(
                status="Accepted", current_time=datetime.now(UTC), interval=300
            )
        case _:
            raise NotSupportedError


def station(link: Link, received: CallReceived) -> Response:
    """What a station does about a call."""
    match received.request:
        case call.ClearCache():
            print("station: clears its cache")
            return call_result.ClearCache(status="Accepted")
        case _:
            raise NotSupportedError


def main() -> None:
    def attend(websocket: WebSocket) -> None:
        Link(Connection(Role.CSMS, "1.6"), websocket, csms).run()

    offered = [Subprotocol("ocpp1.6")]
    with serve(attend, "127.0.0.1", 0, subprotocols=offered) as server, ThreadPoolExecutor() as threads:
        threads.submit(server.serve_forever)
        address = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/CP_1"
        with connect(address, subprotocols=offered) as websocket:
            link = Link(Connection(Role.CHARGING_STATION, "1.6"), websocket, station)
            running = threads.submit(link.run)
            end = link.call(call.BootNotification(charge_point_vendor="acme", charge_point_model="One"))
            print(f"station: {type(end).__name__}")
            websocket.close()
            running.result()
        server.shutdown()
    print("station: closed")


if __name__ == "__main__":
    main()
