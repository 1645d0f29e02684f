"""Charge points with threads over real sockets: both ends, all versions, other doors, every kind of end."""

import logging
import random
import socket
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Event
from time import monotonic
from typing import Any

import anyio
import pytest
import websockets
import websockets.sync.client
import websockets.sync.server
from anyio.from_thread import start_blocking_portal
from websockets.exceptions import ConnectionClosedError

from ocpp_sansio import CallTimeout, ConnectionClosed, Role, Version
from ocpp_sansio.errors import InternalError
from ocpp_sansio.routing import after, on
from ocpp_sansio_adapters import v16, v21, v201
from ocpp_sansio_adapters.csms import CSMS
from ocpp_sansio_adapters.station import Station
from ocpp_sansio_adapters.sync import _server, _websocket
from ocpp_sansio_adapters.sync import v16 as sync16
from ocpp_sansio_adapters.sync import v21 as sync21
from ocpp_sansio_adapters.sync import v201 as sync201
from ocpp_sansio_adapters.sync.charge_point import ChargePoint
from ocpp_sansio_adapters.sync.websockets import WebSocket, connect, serve
from tests.adapters.sockets import request
from tests.adapters.threads import (
    CALM,
    PATIENCE,
    eventually,
    hung_up,
    nothing_left,
    raw,
    response_of,
    serving,
    spawn,
)

DOORS = {"1.6": sync16.ChargePoint, "2.0.1": sync201.ChargePoint, "2.1": sync21.ChargePoint}
ASYNC_DOORS = {"1.6": v16.ChargePoint, "2.0.1": v201.ChargePoint, "2.1": v21.ChargePoint}
CLEAR = {"status": "Accepted"}


@pytest.fixture(autouse=True)
def tidy() -> Iterator[None]:
    with nothing_left():
        yield


def message(version: str, name: str, **members: Any) -> Any:
    return Version(version).load()[name](**members)


def reply(version: str, name: str, **members: Any) -> Any:
    return Version(version).load()[name].__answer__(**members)


def station_of(version: str, door: Any = None) -> Any:
    """A class of stations that clear their cache, with the handlers that any door takes."""

    class Wallbox(door or DOORS[version]):  # type: ignore[misc]
        @on("ClearCache")
        def clear_cache(self, **members: Any) -> Any:
            return reply(version, "ClearCache", status="Accepted")

    return Wallbox


def csms_of(version: str) -> Any:
    """A class of stations as a CSMS sees them: it calls back from a handler and from a hook."""

    class Served(DOORS[version]):  # type: ignore[misc, valid-type]
        cleared: list[str]

        @on("Heartbeat")
        def heartbeat(self, **members: Any) -> Any:
            self.cleared = [self.call(message(version, "ClearCache")).status]
            return reply(version, "Heartbeat", current_time="2026-05-01T12:00:00Z")

        @after("Heartbeat")
        def beaten(self, **members: Any) -> None:
            self.cleared.append(self.call(message(version, "ClearCache")).status)

    return Served


class Hall:
    """A handler for `serve` that makes charge points and keeps them."""

    def __init__(self, *classes: type[ChargePoint], **options: Any) -> None:
        self.classes = {cls.version: cls for cls in classes}
        self.options = options
        self.links: list[Any] = []
        self.ends: list[Exception | None] = []

    def __call__(self, websocket: WebSocket) -> None:
        link = self.classes[websocket.version](websocket.identity, websocket, **self.options)
        self.links.append(link)
        try:
            link.start()
            self.ends.append(None)
        except Exception as error:
            self.ends.append(error)
            raise


@contextmanager
def connected(url: str, cls: type[ChargePoint], **settings: Any) -> Iterator[Any]:
    with (
        connect(url, "CP_1", versions=[cls.version], **{**CALM, **settings}) as websocket,
        cls("CP_1", websocket) as station,
    ):
        yield station


# Sessions.


@pytest.mark.parametrize("version", DOORS)
def test_a_session_of_two_ends_with_threads(version: str) -> None:
    with ThreadPoolExecutor() as pool:
        hall = Hall(csms_of(version), pool=pool)
        with serving(hall, versions=[version]) as url, connected(url, station_of(version)) as station:
            answer = station.call(message(version, "Heartbeat"))
            assert answer.current_time.year == 2026
            [csms] = hall.links
            eventually(lambda: csms.cleared == ["Accepted", "Accepted"])
            assert (station.protocol.role, csms.protocol.role) == (Role.CHARGING_STATION, Role.CSMS)
            answers = [
                end.result(PATIENCE)
                for end in [spawn(csms.call, message(version, "ClearCache")) for _ in range(20)]
            ]
            assert {answer.status for answer in answers} == {"Accepted"}
    assert [type(end) for end in hall.ends] == [websockets.ConnectionClosedOK]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("version", DOORS)
def test_a_station_with_an_event_loop_at_a_csms_with_threads(version: str, backend: str) -> None:
    async def station(url: str) -> Any:
        async with Station(url, "CP_1", station_of(version, ASYNC_DOORS[version])) as station:
            return await station.call(message(version, "Heartbeat"))

    with ThreadPoolExecutor() as pool:
        hall = Hall(csms_of(version), pool=pool)
        with serving(hall, versions=[version]) as url:
            answer = anyio.run(station, url, backend=backend)
    assert answer.current_time.year == 2026
    assert hall.links[0].cleared[0] == "Accepted"


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("version", DOORS)
def test_a_station_with_threads_at_a_csms_with_an_event_loop(version: str, backend: str) -> None:
    class Served(ASYNC_DOORS[version]):  # type: ignore[misc]
        @on("Heartbeat")
        async def heartbeat(self, **members: Any) -> Any:
            await self.call(message(version, "ClearCache"))
            return reply(version, "Heartbeat", current_time="2026-05-01T12:00:00Z")

    def station(url: str) -> Any:
        with connected(url, station_of(version)) as station:
            return station.call(message(version, "Heartbeat"))

    with start_blocking_portal(backend) as portal:
        serving, (host, port) = portal.start_task(CSMS(Served).serve, "127.0.0.1")
        answer = station(f"ws://{host}:{port}")
        serving.cancel()
    assert answer.current_time.year == 2026


def test_connections_of_websockets_are_taken_as_they_are() -> None:
    ends: list[Any] = []

    def attend(connection: websockets.sync.server.ServerConnection) -> None:
        served = station_of("1.6")("CP_1", connection)
        ends.append(served.protocol.role)
        with suppress(websockets.ConnectionClosed):
            served.start()

    offered = [websockets.Subprotocol("ocpp1.6")]
    with websockets.sync.server.serve(attend, "127.0.0.1", 0, subprotocols=offered) as server:
        serving = spawn(server.serve_forever)
        port = server.socket.getsockname()[1]
        with (
            websockets.sync.client.connect(f"ws://127.0.0.1:{port}/CP_1", subprotocols=offered) as connection,
            sync16.ChargePoint("CP_1", connection, role=None) as station,
        ):
            assert station.transport is connection
            ends.append(station.protocol.role)
            assert connection.subprotocol == "ocpp1.6"
        server.shutdown()
        serving.result(PATIENCE)
    assert set(ends) == {Role.CHARGING_STATION, Role.CSMS}


# Ends.


def test_a_peer_that_is_cut_off_ends_the_calls() -> None:
    hall = Hall(sync16.ChargePoint)
    with serving(hall, versions=["1.6"]) as url, raw(url) as stream:
        stream.sendall(request())
        response_of(stream)
        eventually(lambda: hall.links)
        asked = [spawn(hall.links[0].call, message("1.6", "ClearCache")) for _ in range(5)]
        stream.recv(1000)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stream.close()  # with a reset
        for future in asked:
            with pytest.raises(ConnectionClosed) as closed:
                future.result(PATIENCE)
            assert isinstance(closed.value.__cause__, ConnectionClosedError)
    assert isinstance(hall.ends[0], ConnectionClosedError)


@pytest.mark.parametrize("octets", [b"\x81\xff", b"\xff\xff", b"\x81\x85\0\0\0\0hel", b"\x83\x80\0\0\0\0"])
def test_garbage_on_an_open_link_ends_that_alone(octets: bytes) -> None:
    hall = Hall(station_of("1.6"))
    with serving(hall, versions=["1.6"], close_timeout=0.05) as url, raw(url) as stream:
        stream.sendall(request("/CP_2"))
        response_of(stream)
        with connected(url, station_of("1.6")):
            stream.sendall(octets)
            stream.shutdown(socket.SHUT_WR)
            hung_up(stream)
            eventually(lambda: len(hall.ends) == 1)
            healthy = next(link for link in hall.links if link.id == "CP_1")
            assert healthy.call(message("1.6", "ClearCache")).status == "Accepted"
    assert isinstance(hall.ends[0], ConnectionClosedError)


def test_bad_frames_close_with_1008_after_their_answers() -> None:
    with serving(Hall(station_of("1.6")), versions=["1.6"]) as url:
        offered = [websockets.Subprotocol("ocpp1.6")]
        with websockets.sync.client.connect(f"{url}/CP_1", subprotocols=offered) as foreign:
            for _ in range(20):
                foreign.send("nonsense")
            with pytest.raises(ConnectionClosedError):
                foreign.recv()
            assert foreign.close_code == 1008


@contextmanager
def never_reading(hall: Hall, **settings: Any) -> Iterator[Any]:
    """The link to a peer that reads nothing, and has been sent more than there is room for on the way."""
    with serving(hall, versions=["2.0.1"], **settings) as url, raw(url) as stream:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stream.sendall(request(subprotocol="ocpp2.0.1"))
        response_of(stream)
        eventually(lambda: hall.links)
        [link] = hall.links
        link.transport._connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        yield link


def big() -> Any:
    return message("2.0.1", "DataTransfer", vendor_id="acme", data="x" * 900_000)


def test_a_peer_that_does_not_read_holds_up_no_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocpp_sansio_adapters.sync._link.GRACE", 0.02)
    with never_reading(Hall(sync201.ChargePoint), close_timeout=0.05) as link:
        asked = [spawn(link.call, big(), timeout=0.05, queue_timeout=0.05) for _ in range(3)]
        for future in asked:
            with pytest.raises(CallTimeout):
                future.result(PATIENCE)
        link.close()  # is not held up either


def test_close_is_not_held_up_by_a_peer_that_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocpp_sansio_adapters.sync._link.GRACE", 0.02)
    hall = Hall(sync201.ChargePoint)
    with never_reading(hall, close_timeout=0.05) as link:
        asked = spawn(link.call, big())
        eventually(lambda: link._ocpp_driver._sending)
        link.close()
        with pytest.raises(ConnectionClosed):
            asked.result(PATIENCE)
        eventually(lambda: hall.ends == [None])


def test_a_peer_that_takes_nothing_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocpp_sansio_adapters.sync._link.WRITE_LIMIT", 0.05)
    hall = Hall(sync201.ChargePoint)
    with never_reading(hall) as link:
        with pytest.raises(ConnectionClosed) as closed:
            link.call(big())
        assert "has taken nothing for 0.05 s" in str(closed.value.__cause__)
        eventually(lambda: hall.ends)


def test_a_peer_that_does_not_answer_a_close_is_hung_up_on() -> None:
    hall = Hall(sync16.ChargePoint)
    with serving(hall, versions=["1.6"], close_timeout=0.05) as url, raw(url) as stream:
        stream.sendall(request())
        response_of(stream)
        eventually(lambda: hall.links)
        hall.links[0].close(1000, "ü" * 100)  # of which not all has room
        assert hung_up(stream).startswith(b"\x88\x7c\x03\xe8" + "ü".encode() * 61)
    assert hall.ends == [None]


def test_close_from_another_thread_at_any_moment() -> None:
    drawn = random.Random(3)
    with ThreadPoolExecutor() as pool:
        hall = Hall(csms_of("1.6"), pool=pool)
        with serving(hall, versions=["1.6"]) as url:
            for turn in range(30):
                with connected(url, station_of("1.6")) as station:
                    asked = [spawn(station.call, message("1.6", "Heartbeat")) for _ in range(4)]
                    eventually(lambda turn=turn: len(hall.links) == turn + 1)  # type: ignore[misc]
                    ends = [drawn.choice([station, hall.links[-1]]) for _ in range(2)]
                    Event().wait(drawn.choice([0, 0.0005, 0.001, 0.002, 0.004, 0.008]))
                    closing = [spawn(end.close) for end in ends]
                    for future in closing:
                        assert future.result(PATIENCE) is None
                    for future in asked:
                        error = future.exception(PATIENCE)
                        assert error is None or isinstance(error, (ConnectionClosed, InternalError))


# The server.


def test_answers_that_are_owed_leave_before_the_links_are_closed() -> None:
    go = Event()

    class Served(sync16.ChargePoint):
        @on("Heartbeat")
        def heartbeat(self) -> Any:
            assert go.wait(PATIENCE)
            return reply("1.6", "Heartbeat", current_time="2026-05-01T12:00:00Z")

    with ThreadPoolExecutor() as pool:
        hall = Hall(Served, pool=pool)
        with serve(hall, "127.0.0.1", versions=["1.6"], **CALM) as server:
            waiting = spawn(server.serve_forever)
            with connected("ws://{}:{}".format(*server.address), station_of("1.6")) as station:
                asked = spawn(station.call, message("1.6", "Heartbeat"))
                eventually(lambda: hall.links and hall.links[0].protocol.owed)
                down = [spawn(server.shutdown) for _ in range(2)]
                eventually(lambda: server._listener.fileno() < 0)
                go.set()
                assert asked.result(PATIENCE).current_time.year == 2026
                for future in down:
                    assert future.result(PATIENCE) is None
                assert station.transport.close_code == 1001
            assert waiting.result(PATIENCE) is None
            with (
                pytest.raises(OSError, match="refused"),
                connect("ws://{}:{}".format(*server.address), "CP_1", **CALM),
            ):
                pytest.fail("it is open")


def test_an_answer_that_never_comes_is_waited_for_for_a_while(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_server, "SHUTDOWN_GRACE", 0.05)
    go, busy = Event(), Event()

    class Served(sync16.ChargePoint):
        @on("Heartbeat")
        def heartbeat(self) -> Any:
            busy.set()
            assert go.wait(PATIENCE)
            return reply("1.6", "Heartbeat", current_time="2026-05-01T12:00:00Z")

    with serve(Hall(Served), "127.0.0.1", versions=["1.6"], **CALM) as server:
        with connected("ws://{}:{}".format(*server.address), station_of("1.6")) as station:
            asked = spawn(station.call, message("1.6", "Heartbeat"))
            assert busy.wait(PATIENCE)
            server.shutdown()
            with pytest.raises(ConnectionClosed):
                asked.result(PATIENCE)
        assert [record.getMessage() for record in caplog.records] == [
            "1 handlers have not ended, although their links have"
        ]
        go.set()


def test_who_is_not_in_yet_is_dropped() -> None:
    asking, go = Event(), Event()

    def authenticate(*args: object) -> bool:
        asking.set()
        return go.wait(PATIENCE)

    with serve(Hall(), "127.0.0.1", authenticate=authenticate, **CALM) as server:
        url = "ws://{}:{}".format(*server.address)
        with raw(url) as half, raw(url) as whole:
            half.sendall(request()[:40])
            whole.sendall(request())
            assert asking.wait(PATIENCE)
            down = spawn(server.shutdown)
            assert hung_up(half) == b""
            assert b" 101 " not in hung_up(whole)
            go.set()
            assert down.result(PATIENCE) is None


def test_many_links_are_closed_at_the_same_time() -> None:
    hall = Hall(sync16.ChargePoint)
    with serve(hall, "127.0.0.1", versions=["1.6"], **{**CALM, "close_timeout": 0.3}) as server:
        streams = [socket.create_connection(server.address) for _ in range(30)]
        for number, stream in enumerate(streams):
            stream.sendall(request(f"/CP_{number}"))
        eventually(lambda: len(hall.links) == 30)
        began = monotonic()
        server.shutdown()  # none of them answers the close: one after the other would take 9 seconds
        assert monotonic() - began < 4.5
        assert len(hall.ends) == 30
        for stream in streams:
            stream.close()


def test_a_server_serves_once() -> None:
    server = serve(Hall(), "127.0.0.1")
    with pytest.raises(RuntimeError, match="nobody can connect yet"):
        server.serve_forever()
    with server, pytest.raises(RuntimeError, match="serves once"):
        server.__enter__()
    with pytest.raises(RuntimeError, match="serves once"):
        server.__enter__()


def test_a_server_that_never_served_can_be_shut_down() -> None:
    server = serve(Hall(), "127.0.0.1")
    server.shutdown()
    server.shutdown()


def test_a_handler_may_not_shut_its_server_down() -> None:
    refusals: list[RuntimeError] = []

    def handler(websocket: WebSocket) -> None:
        with pytest.raises(RuntimeError) as refusal:
            server.shutdown()
        refusals.append(refusal.value)

    with (
        serve(handler, "127.0.0.1", **CALM) as server,
        connect("ws://{}:{}".format(*server.address), "CP_1", **CALM) as station,
        pytest.raises(websockets.ConnectionClosedOK),
    ):
        station.recv()
    assert "this is one of them" in str(refusals[0])


def test_a_handler_may_end_with_a_group_of_losses(caplog: pytest.LogCaptureFixture) -> None:
    """As one does that has run an event loop of its own."""
    caplog.set_level(logging.INFO)

    def handler(websocket: WebSocket) -> None:
        try:
            websocket.recv()
        except websockets.ConnectionClosedOK as closed:
            raise ExceptionGroup("tasks", [closed, ConnectionClosed("its calls")]) from None

    with serving(handler) as url, connect(url, "CP_1", **CALM):
        pass
    assert caplog.text.count("CP_1: closed") == 2
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


def test_a_handler_that_crashes_ends_its_own_link_with_1011(caplog: pytest.LogCaptureFixture) -> None:
    def handler(websocket: WebSocket) -> None:
        raise ZeroDivisionError

    with serving(handler) as url, connect(url, "CP_1", **CALM) as station:
        with pytest.raises(ConnectionClosedError):
            station.recv()
        assert station.close_code == 1011
    errors = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert errors == ["CP_1: the handler of the link has crashed"]


def test_one_that_cannot_be_accepted_is_not_the_end_of_the_server(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_server, "ACCEPT_PAUSE", 0.01)
    accept: Callable[..., Any] = socket.socket.accept
    faults = iter([OSError(24, "Too many open files"), TimeoutError("gone again")])

    def failing(self: socket.socket) -> Any:
        fault = next(faults, None)
        if fault is not None:
            raise fault
        return accept(self)

    monkeypatch.setattr(socket.socket, "accept", failing)
    with serving() as url, connect(url, "CP_1", **CALM) as station:
        station.send("hello")
        assert station.recv() == "hello"
    warnings = [record.getMessage() for record in caplog.records]
    assert warnings == ["somebody could not be accepted: [Errno 24] Too many open files"]


def test_a_link_that_is_cut_twice_is_cut() -> None:
    with serving() as url, connect(url, "CP_1", **CALM) as station:
        station.cut()
        station.cut()
        with pytest.raises(ConnectionClosedError):
            station.recv()
        assert station.close_code == 1006
        assert station.close_reason == ""
        _websocket.shut_down(station._connection.socket)
