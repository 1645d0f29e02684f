"""A connection driven by functions that each live for one input, as in the cloud; between two of them it stands
in a database, and a gateway holds the WebSocket. Run it: a station boots at a CSMS.
"""

import json
import logging
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from time import time
from typing import Any, Protocol

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
    OCPPError,
    Role,
)
from ocpp_sansio.errors import InternalError, NotSupportedError
from ocpp_sansio.v16 import call, call_result

logger = logging.getLogger(__name__)

TABLE = "create table links (identity primary key, snapshot, at, deadline)"
LOAD = "select snapshot, at from links where identity = ?"
SAVE = "insert or replace into links values (?, ?, ?, ?)"
DUE = "select identity from links where deadline <= ?"

Handler = Callable[[Connection, Event, float], None]


class Gateway(Protocol):
    """Who holds the WebSockets."""

    def send(self, identity: str, text: str) -> None: ...
    def close(self, identity: str, code: int, reason: str) -> None: ...


class Link:
    """One connection in a database (one without implicit transactions). `handle` takes its events; it may reply
    at once or in a later process.
    """

    def __init__(
        self, database: sqlite3.Connection, identity: str, gateway: Gateway, handle: Handler
    ) -> None:
        self.database, self.identity, self.gateway, self.handle = database, identity, gateway, handle

    def open(self, connection: Connection) -> None:
        """There is a WebSocket. What was asked on the one before it is lost."""
        if self.database.execute(LOAD, (self.identity,)).fetchone():
            self.give(Connection.receive_close)
        self.save(connection, time())

    def give(self, verb: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """One input, whatever it is: then write the frames, and hand out the events."""
        with self.database:
            self.database.execute("begin immediate")  # the lock: frames leave before it is given back
            found = self.database.execute(LOAD, (self.identity,)).fetchone()
            if found is None:
                raise ConnectionClosed(f"{self.identity} has not been here")
            connection = Connection.restore(json.loads(found[0]), now=found[1])
            now = max(time(), found[1])  # a clock that runs back stands still
            result = verb(connection, *arguments, **options, now=now)
            while True:
                while (text := connection.next_frame()) is not None:
                    self.gateway.send(self.identity, text)
                match connection.next_event():
                    case None:
                        break
                    case CloseRequested(code, reason):
                        self.gateway.close(self.identity, code, reason)
                    case event:
                        self.answer(connection, event, now)
            self.save(connection, now)
        return result

    def save(self, connection: Connection, now: float) -> None:
        """Everything that the next process needs, and when there has to be one."""
        snapshot = json.dumps(connection.snapshot(now=now))
        self.database.execute(SAVE, (self.identity, snapshot, now, connection.deadline))

    def answer(self, connection: Connection, event: Event, now: float) -> None:
        """A handler that raises refuses the call; nothing that it raises undoes the input."""
        try:
            try:
                self.handle(connection, event, now)
            except OCPPError as refusal:
                if not isinstance(event, CallReceived):
                    raise
                connection.reply_error(event, refusal)
        except Exception:
            logger.exception("the handler of %s", event)
            if isinstance(event, CallReceived) and event in connection.owed:
                connection.reply_error(event, InternalError())


def keep_deadlines(database: sqlite3.Connection, gateway: Gateway, handle: Handler) -> None:
    """A scheduler runs this each second."""
    for (identity,) in database.execute(DUE, (time(),)).fetchall():
        Link(database, identity, gateway, handle).give(Connection.handle_timeout)


def csms(connection: Connection, event: Event, now: float) -> None:
    """What a CSMS does about an event."""
    match event:
        case CallReceived(request=call.BootNotification(charge_point_vendor=vendor)):
            print(f"CSMS: a station made by {vendor} boots")
            connection.call(call.ClearCache(), now=now)  # when that has ended, the boot gets its answer
        case CallReceived():
            raise NotSupportedError
        case CallResultReceived() | CallErrorReceived() | CallFailed() | CallTimedOut() | CallLost():
            print(f"CSMS: {type(event).__name__}")
            for boot in connection.owed:
                clock = datetime.fromtimestamp(now, UTC)
                answer = call_result.BootNotification(status="Accepted", current_time=clock, interval=300)
                connection.reply(boot, answer)
        case _:
            logger.info("%s", event)


class Station:
    """A station in memory, at the other end of the gateway's WebSocket."""

    def __init__(self) -> None:
        self.connection = Connection(Role.CHARGING_STATION, "1.6")

    def send(self, identity: str, text: str) -> None:
        self.connection.receive_text(text, now=time())
        match self.connection.next_event():
            case CallReceived(request=call.ClearCache()) as received:
                print("station: clears its cache")
                self.connection.reply(received, call_result.ClearCache(status="Accepted"))
            case event:
                print(f"station: {type(event).__name__}")

    def close(self, identity: str, code: int, reason: str) -> None:
        self.connection.receive_close()


def main() -> None:
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.execute(TABLE)
    station = Station()
    Link(database, "CP_1", station, csms).open(Connection(Role.CSMS, "1.6"))
    station.connection.call(
        call.BootNotification(charge_point_vendor="acme", charge_point_model="One"), now=time()
    )
    while (text := station.connection.next_frame()) is not None:
        Link(database, "CP_1", station, csms).give(Connection.receive_text, text)
    Link(database, "CP_1", station, csms).give(Connection.receive_close)
    print("station: closed")


if __name__ == "__main__":
    main()
