"""For tests of the adapters without an event loop: a link in memory, a clock by hand, and what may not be
left.
"""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from queue import Queue
from threading import Condition, Event, Thread
from typing import Any, TypeVar

import attrs

from ocpp_sansio import CallReceived, Connection, SendReceived
from ocpp_sansio.messages import Response
from ocpp_sansio.v16 import call_result
from ocpp_sansio_adapters.sync.driver import Clock, Driver
from ocpp_sansio_adapters.sync.websockets import Pings, WebSocket, serve
from tests.adapters.sockets import Answer, open_sockets

__all__ = [
    "CALM",
    "NOW",
    "PATIENCE",
    "Answer",
    "HandClock",
    "Line",
    "LinkLost",
    "RawServer",
    "Served",
    "accept",
    "ask",
    "echo",
    "eventually",
    "hung_up",
    "nothing_left",
    "raw",
    "response_of",
    "running",
    "serving",
    "spawn",
]

PATIENCE = 20.0  # seconds that a loaded machine may take for what takes milliseconds

Result = TypeVar("Result")


class LinkLost(Exception):
    """What the link in memory raises."""


class Line:
    """The transport of one end in memory. What the peer does, a test does by hand."""

    def __init__(self) -> None:
        self.sent: Queue[str] = Queue()
        self.inbox: Queue[str | bytes | Exception] = Queue()
        self.reads = Event()  # the peer does
        self.reads.set()
        self.writing = Event()
        self.closings: list[tuple[int, str]] = []
        self.lost: Exception | None = None

    # What a driver calls.

    def send(self, text: str) -> None:
        self.writing.set()
        assert self.reads.wait(PATIENCE)
        if self.lost is not None:
            raise self.lost
        self.sent.put(text)

    def recv(self) -> str | bytes:
        found = self.inbox.get(timeout=PATIENCE)
        if isinstance(found, Exception):
            self.inbox.put(found)
            raise found
        return found

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.closings.append((code, reason))
        self.cut()

    def cut(self) -> None:
        self.lose(LinkLost("cut"))

    # What a test does.

    def lose(self, error: Exception) -> None:
        self.lost = self.lost or error
        self.inbox.put(self.lost)
        self.reads.set()

    def hear(self) -> list[Any]:
        """The next frame that was sent."""
        frame: list[Any] = json.loads(self.sent.get(timeout=PATIENCE))
        return frame

    def say(self, *frame: Any) -> None:
        self.inbox.put(json.dumps(frame))

    def answer(self, payload: dict[str, Any]) -> list[Any]:
        """Answer the next call. Returns it."""
        asked = self.hear()
        self.say(3, asked[1], payload)
        return asked


class HandClock(Clock):
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 0.0
        self._waited_for: set[Condition] = set()

    def time(self) -> float:
        return self.now

    def wait(self, changed: Condition, until: float) -> None:
        self._waited_for.add(changed)
        if until > self.now:
            assert changed.wait(PATIENCE), "nothing has happened"

    def advance(self, seconds: float) -> None:
        self.now += seconds
        for changed in list(self._waited_for):
            with changed:
                changed.notify_all()


def spawn(work: Callable[..., Result], *arguments: Any, **options: Any) -> "Future[Result]":
    """Run it in a thread of its own."""
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(work(*arguments, **options))
        except BaseException as error:
            future.set_exception(error)

    Thread(target=run).start()
    return future


def eventually(holds: Callable[[], object]) -> None:
    """Come back once this holds."""
    give_up = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < give_up, "it never holds"
        time.sleep(0.002)


@contextmanager
def running(driver: Driver) -> Iterator["Future[None]"]:
    """The driver of a line, started; the line is cut at the end."""
    started = spawn(driver.start)
    try:
        yield started
    finally:
        line = driver.transport
        assert isinstance(line, Line)
        line.cut()
        started.exception(PATIENCE)


@contextmanager
def nothing_left() -> Iterator[None]:
    """Fails if the block leaves a thread or a socket behind."""
    threads = set(threading.enumerate())
    sockets = open_sockets()
    yield
    for thread in set(threading.enumerate()) - threads:
        thread.join(PATIENCE)
        assert not thread.is_alive(), f"{thread.name} still runs"
    eventually(lambda: open_sockets() <= sockets)


# Drivers.

NOW = {"currentTime": "2026-05-01T12:00:00Z"}


class Served(Driver):
    """A driver whose handlers are functions of a test."""

    def __init__(
        self,
        line: Line,
        handle: Callable[[CallReceived], Any] | None = None,
        *,
        hooks: Iterable[Callable[[], Any]] = (),
        told: Callable[[SendReceived], Any] | None = None,
        protocol: Connection | None = None,
        **options: Any,
    ) -> None:
        super().__init__(protocol or Connection(None, "1.6"), line, identity="CP_1", **options)
        self._handle = handle or super().handle
        self._hooks_after = hooks
        self._told_by = told or super().told

    def handle(self, received: CallReceived) -> Any:
        return self._handle(received)

    def handled(self, received: CallReceived, response: Response) -> Iterable[Callable[[], Any]]:
        return self._hooks_after

    def told(self, received: SendReceived) -> Any:
        return self._told_by(received)


def accept(received: CallReceived) -> Response:
    return call_result.ClearCache(status="Accepted")


# WebSockets.

#: Settings with which nothing happens but what a test brings about, however slow the machine is.
CALM: dict[str, Any] = {"open_timeout": 10.0, "close_timeout": 10.0, "pings": Pings(interval=None)}


def echo(websocket: WebSocket) -> None:
    """A handler."""
    while True:
        websocket.send(websocket.recv())


@contextmanager
def serving(handler: Callable[[WebSocket], object] = echo, **settings: Any) -> Iterator[str]:
    """The URL of a server, for as long as the block lasts."""
    with serve(handler, "127.0.0.1", **{**CALM, **settings}) as server:
        host, port = server.address
        yield f"ws://{host}:{port}"


@contextmanager
def raw(url: str) -> Iterator[socket.socket]:
    """A TCP connection to that server."""
    host, _, port = url.partition("://")[2].partition("/")[0].partition(":")
    with socket.create_connection((host, int(port)), PATIENCE) as stream:
        yield stream


def response_of(stream: socket.socket) -> Answer:
    """The head of a response, and what came with it."""
    octets = b""
    while b"\r\n\r\n" not in octets:
        more = stream.recv(65536)
        assert more, f"it has hung up after {octets!r}"
        octets += more
    head, _, rest = octets.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = (line.partition(": ") for line in lines)
    return Answer(int(status_line.split(" ")[1]), {name.lower(): value for name, _, value in headers}, rest)


def hung_up(stream: socket.socket) -> bytes:
    """What comes until the other end hangs up. Fails if it does not."""
    octets = b""
    try:
        while more := stream.recv(65536):
            octets += more
    except ConnectionError:
        pass
    return octets


def ask(url: str, octets: bytes) -> Answer:
    """Send that, wait for a close and answer it with 1002, and read until the server hangs up."""
    with raw(url) as stream:
        stream.sendall(octets)
        answer = response_of(stream)
        if answer.status == 101:
            answer = attrs.evolve(answer, rest=answer.rest or stream.recv(65536))
            stream.sendall(b"\x88\x82\0\0\0\0\x03\xea")
        return attrs.evolve(answer, rest=answer.rest + hung_up(stream))


class RawServer:
    """A server by hand. `script` has each connection once its request has come."""

    def __init__(self, script: Callable[[socket.socket, bytes], object]) -> None:
        self.script = script
        self.requests: list[bytes] = []

    @contextmanager
    def running(self) -> Iterator[str]:
        """Its URL, for as long as the block lasts."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listening = spawn(self._listen, listener)
            host, port = listener.getsockname()
            yield f"ws://{host}:{port}"
            with socket.create_connection((host, port)):  # which ends it
                pass
            listening.result(PATIENCE)

    def _listen(self, listener: socket.socket) -> None:
        while True:
            stream, _ = listener.accept()
            with stream:
                stream.settimeout(PATIENCE)
                octets = b""
                while b"\r\n\r\n" not in octets:
                    more = stream.recv(65536)
                    if not more:
                        return
                    octets += more
                self.requests.append(octets)
                self.script(stream, octets)
