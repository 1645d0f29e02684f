"""docs/how-to/drive-it-yourself.md shows the loops of examples/drive as they are, and each does what it says.

The test plays the peer, over a real WebSocket; the loop that lives in a database is tested in
`test_drive_on_demand`.
"""

import ast
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, get_args

import anyio
import attrs
import pytest
from anyio.from_thread import start_blocking_portal
from websockets.asyncio.client import connect as connect_on_asyncio
from websockets.exceptions import ConnectionClosed as WebSocketClosed
from websockets.exceptions import ConnectionClosedError as WebSocketClosedByError
from websockets.sync.client import connect as connect_in_thread
from websockets.sync.server import ServerConnection, serve
from websockets.trio.client import connect as connect_on_trio

from examples.drive import on_asyncio, on_threads, on_trio
from ocpp_sansio import (
    CallErrorReceived,
    CallFailed,
    CallLost,
    CallReceived,
    CallResultReceived,
    CallTimedOut,
    Connection,
    ConnectionClosed,
    Event,
    Limits,
    OCPPError,
    Role,
)
from ocpp_sansio.errors import SecurityError
from ocpp_sansio.v16 import call, call_result
from tests.docs.pages import texts

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "drive-it-yourself.md"
EXAMPLES = ROOT / "examples" / "drive"

#: Seconds to wait for something that comes at once in a good run.
PATIENCE = 20.0
#: Seconds after which a call that nobody answers is to end.
SOON = 0.001

ACCEPTED = {"status": "Accepted"}
NOW = "2025-01-01T12:00:00Z"


# The page.


def loop_of(path: Path) -> str:
    """The source of the class `Link` in a file, to the end of its last line."""
    source = path.read_text(encoding="utf-8")
    [link] = [
        node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == "Link"
    ]
    return "".join(source.splitlines(keepends=True)[link.lineno - 1 : link.end_lineno])


def test_the_page_shows_the_loops_as_they_are() -> None:
    names = ["on_asyncio.py", "on_trio.py", "on_threads.py", "on_demand.py"]
    assert sorted(names) == sorted(path.name for path in EXAMPLES.glob("*.py"))
    assert texts(PAGE, "python") == [loop_of(EXAMPLES / name) for name in names]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_each_program_prints_what_the_page_promises(path: Path) -> None:
    [shown] = texts(PAGE, "console")
    _, _, promised = shown.partition("\n")
    done = subprocess.run(
        [sys.executable, "-W", "error", path], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout == promised


def test_the_page_names_every_verb_and_every_event() -> None:
    text = PAGE.read_text(encoding="utf-8")
    public = [
        name for cls in Connection.__mro__ for name in vars(cls) if name[0] != "_" and cls is not object
    ]
    assert {"receive_text", "next_frame", "deadline"} <= set(public)
    events = [event.__name__ for event in get_args(Event)]
    assert [name for name in [*public, *events] if not re.search(rf"`[^`\n]*\b{name}\b[^`\n]*`", text)] == []


def test_the_page_knows_the_limits() -> None:
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert f"{Limits().open_calls} at most" in text
    assert f"{Limits().undrained:,} events and frames" in text


# The loops that run, against a peer over a WebSocket.

Play = Callable[[CallReceived], Generator[Any, Event, Any]]


def answering(received: CallReceived) -> Generator[Any, Event, Any]:
    """Answers a boot once the peer has cleared its cache, and a heartbeat at once."""
    match received.request:
        case call.BootNotification():
            yield call.ClearCache()
            return call_result.BootNotification(status="Accepted", current_time=NOW, interval=300)
        case call.Heartbeat():
            return call_result.Heartbeat(current_time=NOW)
        case call.DataTransfer():
            return call_result.DataTransfer(status="Accepted", data="x" * 900_000)
        case call.Authorize(id_tag="refuse"):
            raise SecurityError("not you")
        case call.Authorize(id_tag="crash"):
            raise RuntimeError("a secret")
        case call.Authorize(id_tag="mistake"):
            return call_result.Heartbeat(current_time=NOW)
        case _:
            raise OCPPError("details that are no JSON", {"set": {1}})


def handler_of(play: Play, *, is_async: bool) -> Any:
    """A handler that does what a generator says: it calls what that yields, and answers what it returns."""

    async def handle(link: Any, received: CallReceived) -> Any:
        script = play(received)
        try:
            request = next(script)
            while True:
                request = script.send(await link.call(request))
        except StopIteration as end:
            return end.value

    def handle_in_thread(link: Any, received: CallReceived) -> Any:
        script = play(received)
        try:
            request = next(script)
            while True:
                request = script.send(link.call(request))
        except StopIteration as end:
            return end.value

    return handle if is_async else handle_in_thread


#: Runs something where the link runs.
Start = Callable[..., "Future[Any]"]


@attrs.define
class Rig:
    """A link that runs in the background as a CSMS, and the WebSocket at its other end."""

    link: Any
    running: "Future[None]"
    peer: ServerConnection
    start: Start

    def ask(self, request: Any, **options: Any) -> "Future[Event]":
        return self.start(partial(self.link.call, request, **options))

    def leap(self, seconds: float) -> None:
        """Let the connection believe that so much time has passed."""

        def handle_timeout(*, now: float) -> None:
            self.link.connection.handle_timeout(now=now + seconds)

        self.start(self.link.give, handle_timeout)

    def say(self, *frame: Any) -> None:
        self.peer.send(json.dumps(frame))

    def hear(self) -> list[Any]:
        frame: list[Any] = json.loads(self.peer.recv(PATIENCE))
        return frame

    def hear_call(self, action: str) -> str:
        """The id of the call that has come."""
        kind, id, found, _ = self.hear()
        assert (kind, found) == (2, action)
        return str(id)

    def is_alive(self) -> bool:
        self.say(2, "alive?", "Heartbeat", {})
        return self.hear() == [3, "alive?", {"currentTime": NOW}]


CONNECT = {"asyncio": connect_on_asyncio, "trio": connect_on_trio}
MODULES = {"asyncio": on_asyncio, "trio": on_trio, "threads": on_threads}


@contextmanager
def background(flavour: str, address: str) -> Generator[tuple[Any, "Future[None]", Start], None, None]:
    """A link that runs until it is closed, in a loop or in threads of its own."""
    link_class: Any = MODULES[flavour].Link
    connection = Connection(Role.CSMS, "1.6")
    handle = handler_of(answering, is_async=flavour != "threads")
    if flavour == "threads":
        with connect_in_thread(address) as websocket, ThreadPoolExecutor() as threads:
            link = link_class(connection, websocket, handle)
            yield link, threads.submit(link.run), threads.submit
        return

    async def run(*, task_status: Any) -> None:
        async with CONNECT[flavour](address) as websocket:
            link = link_class(connection, websocket, handle)
            task_status.started(link)
            await link.run()

    with start_blocking_portal(flavour) as portal:
        running, link = portal.start_task(run)
        yield link, running, portal.start_task_soon


@contextmanager
def linked(flavour: str, **options: Any) -> Generator[Rig, None, None]:
    """A link and its peer, whose WebSocket has these options; afterwards the link has ended."""
    peers: SimpleQueue[ServerConnection] = SimpleQueue()
    over = threading.Event()

    def attend(peer: ServerConnection) -> None:
        peers.put(peer)
        over.wait()

    with ExitStack() as stack:
        server = stack.enter_context(serve(attend, "127.0.0.1", 0, **options))
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        stack.callback(serving.join)
        stack.callback(server.shutdown, close_connections=False)  # the peer is closed by then
        stack.callback(over.set)
        address = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/CP_1"
        link, running, start = stack.enter_context(background(flavour, address))
        peer = peers.get(timeout=PATIENCE)
        stack.callback(peer.close)
        yield Rig(link, running, peer, start)
        peer.close()
        if not running.cancelled():
            running.result(PATIENCE)
        assert link.ends == {}, "somebody still waits"


@pytest.fixture(params=["asyncio", "trio", "threads"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with linked(request.param) as rig:
        yield rig


@pytest.fixture(params=["asyncio", "trio"])
def cancellable(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """A rig whose futures cancel what they stand for."""
    with linked(request.param) as rig:
        yield rig


def errors_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]


def test_reading_goes_on_while_a_handler_waits_for_its_own_call(rig: Rig) -> None:
    rig.say(2, "boot", "BootNotification", {"chargePointVendor": "acme", "chargePointModel": "One"})
    id = rig.hear_call("ClearCache")
    assert rig.is_alive()
    rig.say(3, id, ACCEPTED)
    assert rig.hear() == [3, "boot", {"status": "Accepted", "currentTime": NOW, "interval": 300}]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((3, ACCEPTED), CallResultReceived),
        ((4, "InternalError", "", {}), CallErrorReceived),
        ((3, {"status": "?"}), CallFailed),
    ],
)
def test_a_caller_gets_the_event_that_ends_its_call(rig: Rig, answer: Any, kind: type[Event]) -> None:
    end = rig.ask(call.ClearCache())
    rig.say(answer[0], rig.hear_call("ClearCache"), *answer[1:])
    assert type(end.result(PATIENCE)) is kind


def test_callers_take_turns_and_each_gets_its_own_answer(rig: Rig) -> None:
    keys = [f"key {number}" for number in range(20)]
    ends = [rig.ask(call.GetConfiguration(key=[key])) for key in keys]
    for _ in keys:
        _, id, _, payload = rig.hear()
        rig.say(3, id, {"unknownKey": payload["key"]})
    found = [end.result(PATIENCE) for end in ends]
    assert [getattr(end, "payload", None) for end in found] == [{"unknownKey": [key]} for key in keys]


def test_calls_of_the_peer_are_answered_each_once_however_many_come(rig: Rig) -> None:
    ids = {f"call {number}" for number in range(30)}
    for id in ids:
        rig.say(2, id, "Heartbeat", {})
    heard = [rig.hear() for _ in ids]
    assert {frame[1] for frame in heard} == ids
    assert rig.is_alive()


def test_a_time_out_wakes_the_loop(rig: Rig) -> None:
    end = rig.ask(call.ClearCache(), timeout=SOON).result(PATIENCE)
    assert isinstance(end, CallTimedOut)


def test_a_deadline_that_comes_up_sooner_than_the_one_that_is_slept_for_wakes_the_loop(rig: Rig) -> None:
    first = rig.ask(call.ClearCache(), timeout=1000)
    id = rig.hear_call("ClearCache")
    end = rig.ask(call.ClearCache(), queue_timeout=SOON).result(PATIENCE)
    assert isinstance(end, CallTimedOut)
    assert not end.pending.released
    rig.say(3, id, ACCEPTED)
    assert isinstance(first.result(PATIENCE), CallResultReceived)


def test_a_time_out_lets_the_next_call_go_and_a_late_answer_changes_nothing(rig: Rig) -> None:
    first = rig.ask(call.ClearCache(), timeout=1000)
    id = rig.hear_call("ClearCache")
    rig.leap(1000)
    assert isinstance(first.result(PATIENCE), CallTimedOut)
    second = rig.ask(call.ClearCache())
    rig.say(3, id, ACCEPTED)
    rig.say(3, rig.hear_call("ClearCache"), ACCEPTED)
    assert isinstance(second.result(PATIENCE), CallResultReceived)


@pytest.mark.parametrize("code", [1000, 1011])
def test_a_closed_link_ends_every_caller_and_the_loop(
    rig: Rig, caplog: pytest.LogCaptureFixture, code: int
) -> None:
    rig.say(2, "boot", "BootNotification", {"chargePointVendor": "acme", "chargePointModel": "One"})
    rig.hear_call("ClearCache")  # the handler, too, is a caller
    ends = [rig.ask(call.Reset(type="Soft"), timeout=1000) for _ in range(3)]
    while len(rig.link.connection.calls) < 4:
        assert rig.is_alive()  # until all three have asked
    rig.peer.close(code)
    assert [type(end.result(PATIENCE)) for end in ends] == [CallLost] * 3
    rig.running.result(PATIENCE)
    assert errors_in(caplog) == []
    with pytest.raises(ConnectionClosed):
        rig.ask(call.ClearCache()).result(PATIENCE)


def test_what_the_connection_wants_closed_is_closed_with_its_code_and_reason(rig: Rig) -> None:
    for _ in range(20):
        rig.peer.send("rubbish")
    with pytest.raises(WebSocketClosed):
        rig.peer.recv(PATIENCE)
    assert (rig.peer.close_code, rig.peer.close_reason) == (1008, "20 unreadable frames in a row")
    rig.running.result(PATIENCE)


@pytest.mark.parametrize(
    ("tag", "code", "logged"),
    [
        ("refuse", "SecurityError", False),
        ("crash", "InternalError", True),
        ("mistake", "InternalError", True),
        ("not JSON", "InternalError", True),
    ],
)
def test_a_handler_that_does_not_answer_refuses_and_harms_nobody_else(
    rig: Rig, caplog: pytest.LogCaptureFixture, tag: str, code: str, *, logged: bool
) -> None:
    rig.say(2, "1", "Authorize", {"idTag": tag})
    answer = rig.hear()
    assert answer[:3] == [4, "1", code]
    assert "secret" not in json.dumps(answer)
    assert rig.is_alive()
    assert errors_in(caplog) == (["no answer to Authorize"] if logged else [])


class Obstructed:
    """A WebSocket whose `send` raises, or does not come back before it is `over`."""

    def __init__(self, websocket: Any, error: Exception | None = None) -> None:
        self.websocket = websocket
        self.error = error
        self.begun = threading.Event()
        self.over = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.websocket, name)

    def begin(self) -> None:
        self.begun.set()
        if self.error is not None:
            raise self.error


class ObstructedInThreads(Obstructed):
    def send(self, text: str) -> None:
        self.begin()
        self.over.wait(PATIENCE)


class ObstructedOnTasks(Obstructed):
    async def send(self, text: str) -> None:
        self.begin()
        await anyio.sleep_forever()


def obstruct(rig: Rig, error: Exception | None = None) -> Obstructed:
    link: Any = rig.link
    in_threads = type(link) is on_threads.Link
    websocket = (ObstructedInThreads if in_threads else ObstructedOnTasks)(link.websocket, error)
    link.websocket = websocket
    return websocket


def test_a_write_that_does_not_come_back_holds_up_no_deadline_and_no_end(rig: Rig) -> None:
    websocket = obstruct(rig)
    lost = rig.ask(call.ClearCache(), timeout=1000)
    assert websocket.begun.wait(PATIENCE)
    assert isinstance(rig.ask(call.ClearCache(), queue_timeout=SOON).result(PATIENCE), CallTimedOut)
    rig.peer.close()
    assert isinstance(lost.result(PATIENCE), CallLost)
    websocket.over.set()
    if isinstance(websocket, ObstructedOnTasks):
        rig.running.cancel()


def test_a_link_that_is_lost_while_a_frame_is_written_ends_when_the_reader_hears_of_it(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    websocket = obstruct(rig, WebSocketClosedByError(None, None))
    lost = rig.ask(call.ClearCache(), timeout=1000)
    assert websocket.begun.wait(PATIENCE)
    assert not lost.done()
    rig.peer.close()
    rig.running.result(PATIENCE)
    assert isinstance(lost.result(PATIENCE), CallLost)
    assert errors_in(caplog) == []


@pytest.mark.parametrize("flavour", MODULES)
def test_a_peer_that_has_stopped_reading_is_cut_off(flavour: str) -> None:
    with linked(flavour, max_queue=1, compression=None, close_timeout=SOON) as rig:
        lost = rig.ask(call.ClearCache(), timeout=1000)
        rig.link.WRITE_LIMIT = SOON
        with suppress(WebSocketClosed):
            for number in range(30):  # whose answers fill every buffer between here and there
                rig.say(2, f"{number}", "DataTransfer", {"vendorId": "acme"})
        rig.running.result(PATIENCE)
        assert isinstance(lost.result(PATIENCE), CallLost)


def test_a_write_that_has_come_back_is_not_cut_off_later_by_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    class Recorded(threading.Timer):
        def __init__(self, interval: float, function: Any) -> None:
            super().__init__(interval, function)
            timers.append(self)

    timers: list[Recorded] = []
    monkeypatch.setattr(on_threads, "Timer", Recorded)
    with linked("threads") as rig:
        assert rig.is_alive()
        assert rig.is_alive()
    assert [timer.finished.is_set() for timer in timers] == [True, True]


def test_a_cancelled_caller_whose_call_has_not_left_takes_it_back(cancellable: Rig) -> None:
    rig = cancellable
    first = rig.ask(call.ClearCache())
    id = rig.hear_call("ClearCache")
    queued = rig.ask(call.Reset(type="Soft"))
    while len(rig.link.connection.calls) < 2:
        assert rig.is_alive()
    queued.cancel()
    last = rig.ask(call.UnlockConnector(connector_id=1))
    rig.say(3, id, ACCEPTED)
    rig.say(3, rig.hear_call("UnlockConnector"), {"status": "Unlocked"})
    assert isinstance(first.result(PATIENCE), CallResultReceived)
    assert isinstance(last.result(PATIENCE), CallResultReceived)


def test_a_cancelled_caller_whose_call_has_left_keeps_the_next_one_waiting(cancellable: Rig) -> None:
    rig = cancellable
    first = rig.ask(call.ClearCache())
    id = rig.hear_call("ClearCache")
    first.cancel()
    second = rig.ask(call.Reset(type="Soft"))
    assert rig.is_alive()  # and no second call has come before the answer to this
    rig.say(3, id, ACCEPTED)
    rig.say(3, rig.hear_call("Reset"), ACCEPTED)
    assert isinstance(second.result(PATIENCE), CallResultReceived)


def test_a_cancelled_loop_ends_every_caller(cancellable: Rig) -> None:
    end = cancellable.ask(call.ClearCache(), timeout=1000)
    cancellable.hear_call("ClearCache")
    cancellable.running.cancel()
    assert isinstance(end.result(PATIENCE), CallLost)
