"""A CSMS that lives for one message: each runs in a process of its own, as cloud functions do, and all that is
remembered stands in a database. A gateway holds the WebSockets and sends what is printed.

    python serverless.py csms.db message CP_1 '[2,"1","Heartbeat",{}]'    a station has said something
    python serverless.py csms.db call CP_1 ClearCache '{}'                somebody asks a station
    python serverless.py csms.db timeouts                                 a scheduler runs this each second
"""

import argparse
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from ocpp_sansio import (
    BootGate,
    CallReceived,
    CallResultReceived,
    CallTimedOut,
    Connection,
    Event,
    Raw,
    Role,
    StationState,
)
from ocpp_sansio.errors import NotSupportedError
from ocpp_sansio.v16 import call, call_result

SCHEMA = "create table if not exists stations (identity primary key, connection, state, at, deadline)"
LOAD = "select connection, state, at from stations where identity = ?"
SAVE = "insert or replace into stations values (?, ?, ?, ?, ?)"
DUE = "select identity from stations where deadline <= ?"


@contextmanager
def station(database: sqlite3.Connection, identity: str, now: float) -> Iterator[Connection]:
    """The connection of a station as the last process left it; what this one leaves is kept, its frames are
    printed. Nobody else touches the database meanwhile.
    """
    database.execute("begin immediate")
    found = database.execute(LOAD, (identity,)).fetchone()
    state = StationState.restore(json.loads(found[1])) if found else StationState(identity)
    gate = BootGate()
    if found:
        # As of then, on the same clock: the time since then counts.
        connection = Connection.restore(json.loads(found[0]), now=found[2], state=state, boot_gate=gate)
    else:
        connection = Connection(Role.CSMS, "1.6", state=state, boot_gate=gate)
    yield connection
    while (event := connection.next_event()) is not None:
        handle(identity, connection, event, now)
    while (frame := connection.next_frame()) is not None:
        print(f"send {identity} {frame}")
    kept = json.dumps(connection.snapshot(now=now)), json.dumps(state.snapshot())
    database.execute(SAVE, (identity, *kept, now, connection.deadline))
    database.commit()


def handle(identity: str, connection: Connection, event: Event, now: float) -> None:
    """What this CSMS does about an event."""
    clock = datetime.fromtimestamp(now, UTC)
    match event:
        case CallReceived(request=call.BootNotification()) as received:
            answer = call_result.BootNotification(status="Accepted", current_time=clock, interval=300)
            connection.reply(received, answer)
        case CallReceived(request=call.Heartbeat()) as received:
            connection.reply(received, call_result.Heartbeat(current_time=clock))
        case CallReceived() as received:
            connection.reply_error(received, NotSupportedError())
        case CallResultReceived(pending=pending, payload=payload):
            print(f"done {identity} {pending.action} {json.dumps(payload)}")
        case CallTimedOut(pending=pending):
            print(f"lost {identity} {pending.action}")
        case _:
            print(f"note {identity} {event}")


def main() -> None:
    """Do one thing and end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--now", type=float, default=time.time(), help="seconds since 1970, by default the clock's"
    )
    parser.add_argument("database")
    parser.add_argument("what", choices=["message", "call", "timeouts"])
    parser.add_argument("details", nargs="*")
    options = parser.parse_args()
    database = sqlite3.connect(options.database, isolation_level=None)
    database.execute(SCHEMA)
    match options.what, options.details:
        case "message", [identity, text]:
            with station(database, identity, options.now) as connection:
                connection.receive_text(text, now=options.now)
        case "call", [identity, action, payload]:
            with station(database, identity, options.now) as connection:
                connection.call(Raw(action, json.loads(payload)), now=options.now)
        case "timeouts", []:
            for (identity,) in database.execute(DUE, (options.now,)).fetchall():
                with station(database, identity, options.now) as connection:
                    connection.handle_timeout(now=options.now)
        case _:
            parser.error("message IDENTITY TEXT, call IDENTITY ACTION PAYLOAD, or timeouts")


if __name__ == "__main__":
    main()
