"""docs/how-to/drive-it-yourself.md: the loop that lives in a database, each input in a connection of its own. The
test plays the gateway that holds the WebSocket.
"""

import json
import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from examples.drive import on_demand
from ocpp_sansio import (
    CallErrorReceived,
    CallLost,
    CallReceived,
    CallResultReceived,
    CallTimedOut,
    Closed,
    Connection,
    ConnectionClosed,
    Event,
    LateResponseReceived,
    Role,
)
from ocpp_sansio.v16 import call, call_result

ACCEPTED = {"status": "Accepted"}
NOW = "2025-01-01T12:00:00Z"


@attrs.define
class Gateway:
    """What has left, and how far the clock is."""

    path: Path
    now: float = 1000.0
    sent: list[Any] = attrs.field(factory=list)
    events: list[Event] = attrs.field(factory=list)
    closed: list[tuple[int, str]] = attrs.field(factory=list)
    play: Callable[[Connection, Event, float], None] = on_demand.csms

    def send(self, identity: str, text: str) -> None:
        assert identity == "CP_1"
        with self.database() as other, pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("begin immediate")  # nobody else can send meanwhile
        self.sent.append(json.loads(text))

    def close(self, identity: str, code: int, reason: str) -> None:
        self.closed.append((code, reason))

    def handle(self, connection: Connection, event: Event, now: float) -> None:
        self.events.append(event)
        self.play(connection, event, now)

    @contextmanager
    def database(self) -> Generator[sqlite3.Connection, None, None]:
        database = sqlite3.connect(self.path, isolation_level=None, timeout=0)
        try:
            yield database
        finally:
            database.close()

    def open(self) -> None:
        with self.database() as database:
            on_demand.Link(database, "CP_1", self, self.handle).open(Connection(Role.CSMS, "1.6"))

    def give(self, verb: Any, *arguments: Any, **options: Any) -> Any:
        with self.database() as database:
            return on_demand.Link(database, "CP_1", self, self.handle).give(verb, *arguments, **options)

    def say(self, *frame: Any) -> list[Any]:
        """The frames that have left on account of this one."""
        before = len(self.sent)
        self.give(Connection.receive_text, json.dumps(frame))
        return self.sent[before:]

    def keep_deadlines(self) -> None:
        with self.database() as database:
            on_demand.keep_deadlines(database, self, self.handle)

    def kinds(self) -> list[type[Event]]:
        return [type(event) for event in self.events]


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    gateway = Gateway(tmp_path / "links.db")
    monkeypatch.setattr(on_demand, "time", lambda: gateway.now)
    with gateway.database() as database:
        database.execute(on_demand.TABLE)
    gateway.open()
    return gateway


BOOT = (2, "boot", "BootNotification", {"chargePointVendor": "acme", "chargePointModel": "One"})


def test_on_demand_a_handler_that_asks_back_leaves_its_call_owed_to_a_later_process(gateway: Gateway) -> None:
    [[kind, id, action, _]] = gateway.say(*BOOT)
    assert (kind, action) == (2, "ClearCache")
    assert gateway.say(2, "1", "Authorize", {"idTag": "x"}) == [
        [4, "1", "NotSupported", "The action is known, but not supported here.", {}]
    ]
    assert gateway.say(3, id, ACCEPTED) == [
        [3, "boot", {"status": "Accepted", "currentTime": "1970-01-01T00:16:40Z", "interval": 300}]
    ]
    assert gateway.kinds() == [CallReceived, CallReceived, CallResultReceived]


def test_on_demand_every_frame_leaves_before_the_process_ends(gateway: Gateway) -> None:
    def answer_and_ask(connection: Connection, event: Event, now: float) -> None:
        if isinstance(event, CallReceived):
            connection.reply(event, call_result.Heartbeat(current_time=NOW))
            connection.call(call.ClearCache(), now=now)

    gateway.play = answer_and_ask
    assert [frame[0] for frame in gateway.say(2, "1", "Heartbeat", {})] == [3, 2]


def test_on_demand_the_scheduler_ends_a_call_at_its_deadline_and_not_before(gateway: Gateway) -> None:
    pending = gateway.give(Connection.call, call.ClearCache(), timeout=30)
    gateway.give(Connection.call, call.Reset(type="Soft"))
    assert [frame[2] for frame in gateway.sent] == ["ClearCache"]
    gateway.now += 29.9
    gateway.keep_deadlines()
    assert gateway.events == []
    gateway.now = 1030.0
    gateway.keep_deadlines()
    [end] = gateway.events
    assert isinstance(end, CallTimedOut)
    assert end.pending.id == pending.id
    assert [frame[2] for frame in gateway.sent] == ["ClearCache", "Reset"]
    gateway.say(3, pending.id, ACCEPTED)
    assert gateway.kinds() == [CallTimedOut, LateResponseReceived]


def test_on_demand_a_clock_that_runs_back_takes_no_time_from_a_call(gateway: Gateway) -> None:
    gateway.give(Connection.call, call.ClearCache(), timeout=30)
    gateway.now = 500.0
    gateway.give(Connection.call, call.Reset(type="Soft"))
    gateway.now = 1029.9
    gateway.give(Connection.handle_timeout)
    assert gateway.events == []
    gateway.now = 1030.0
    gateway.keep_deadlines()
    assert gateway.kinds() == [CallTimedOut]


def test_on_demand_a_closed_link_ends_every_call(gateway: Gateway) -> None:
    gateway.say(*BOOT)
    gateway.give(Connection.call, call.Reset(type="Soft"))
    gateway.give(Connection.receive_close)
    assert gateway.kinds() == [CallReceived, CallLost, CallLost, Closed]
    assert [end.pending.released for end in gateway.events if isinstance(end, CallLost)] == [True, False]
    with pytest.raises(ConnectionClosed):
        gateway.give(Connection.call, call.ClearCache())
    assert gateway.say(2, "1", "Heartbeat", {}) == []
    gateway.now += 1000
    gateway.keep_deadlines()
    assert len(gateway.events) == 4


def test_on_demand_a_new_websocket_loses_what_was_asked_on_the_one_before(gateway: Gateway) -> None:
    gateway.give(Connection.call, call.Reset(type="Soft"))
    gateway.open()
    assert gateway.kinds() == [CallLost, Closed]
    [[_, _, action, _]] = gateway.say(*BOOT)
    assert action == "ClearCache"


def test_on_demand_a_station_that_was_never_here_cannot_be_asked(gateway: Gateway) -> None:
    with gateway.database() as database:
        link = on_demand.Link(database, "CP_2", gateway, gateway.handle)
        with pytest.raises(ConnectionClosed, match="CP_2 has not been here"):
            link.give(Connection.call, call.ClearCache())
        assert not database.in_transaction


def test_on_demand_the_gateway_is_told_to_close(gateway: Gateway) -> None:
    for _ in range(20):
        gateway.give(Connection.receive_text, "rubbish")
    assert gateway.closed == [(1008, "20 unreadable frames in a row")]


def test_on_demand_a_handler_that_crashes_refuses_and_the_input_stands(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(connection: Connection, event: Event, now: float) -> None:
        raise RuntimeError("a secret")

    gateway.play = crash
    pending = gateway.give(Connection.call, call.ClearCache())
    [[kind, id, code, text, _]] = gateway.say(2, "1", "Heartbeat", {})
    assert (kind, id, code) == (4, "1", "InternalError")
    assert "secret" not in text
    assert gateway.say(3, pending.id, ACCEPTED) == []  # the crash of this handler ends no call twice
    gateway.play = on_demand.csms
    assert gateway.say(3, pending.id, ACCEPTED) == []
    assert [type(event).__name__ for event in gateway.events[1:]] == [
        "CallResultReceived",
        "UnmatchedResponseReceived",
    ]
    assert len(caplog.records) == 2


def test_on_demand_an_ocpp_error_about_anything_but_a_call_is_a_crash(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    def pass_on(connection: Connection, event: Event, now: float) -> None:
        if isinstance(event, CallErrorReceived):
            raise event.error

    gateway.play = pass_on
    pending = gateway.give(Connection.call, call.ClearCache())
    assert gateway.say(4, pending.id, "InternalError", "", {}) == []
    assert len(caplog.records) == 1
