"""The driver with threads: how a link ends, and what may leave before, over a link in memory."""

import json
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from ocpp_sansio import (
    CallReceived,
    CallTimeout,
    Connection,
    ConnectionClosed,
    LocalProtocolError,
    Role,
)
from ocpp_sansio.messages import Response
from ocpp_sansio.policies import Limits
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v21 import send
from ocpp_sansio_adapters.records import (
    CallFinished,
    CallStarted,
    Record,
)
from ocpp_sansio_adapters.sync import _link
from ocpp_sansio_adapters.sync.driver import Driver
from tests.adapters.threads import (
    NOW,
    PATIENCE,
    HandClock,
    Line,
    LinkLost,
    Served,
    accept,
    eventually,
    nothing_left,
    running,
    spawn,
)


@pytest.fixture(autouse=True)
def tidy() -> Iterator[None]:
    with nothing_left():
        yield


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> HandClock:
    clock = HandClock()
    monkeypatch.setattr(Driver, "clock", clock)
    return clock


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


def test_start_raises_what_the_link_raised_and_calls_have_it_as_their_cause() -> None:
    line = Line()
    driver = Served(line)
    with running(driver) as started:
        asked = [spawn(driver.call, call.Heartbeat()) for _ in range(3)]
        eventually(lambda: len(driver.protocol.calls) == 3)
        line.lose(LinkLost("the modem is off"))
        with pytest.raises(LinkLost, match="the modem is off"):
            started.result(PATIENCE)
        for future in asked:
            with pytest.raises(ConnectionClosed) as closed:
                future.result(PATIENCE)
            assert isinstance(closed.value.__cause__, LinkLost)


def test_a_link_that_breaks_while_writing_ends_start_too() -> None:
    line = Line()
    line.reads.clear()
    driver = Served(line)
    with running(driver) as started:
        asked = spawn(driver.call, call.Heartbeat())
        assert line.writing.wait(PATIENCE)
        line.lost = LinkLost("broken pipe")
        line.reads.set()
        with pytest.raises(LinkLost, match="broken pipe"):
            started.result(PATIENCE)
        with pytest.raises(ConnectionClosed):
            asked.result(PATIENCE)


def test_a_transport_that_cannot_be_cut_is_closed() -> None:
    line = Line()

    class Simple:
        """Has what a transport needs, and no more."""

        recv, close = line.recv, line.close

        def send(self, text: str) -> None:
            raise LinkLost("broken pipe")

    driver = Driver(Connection(None, "1.6"), Simple())
    started = spawn(driver.start)
    with pytest.raises(ConnectionClosed):
        driver.call(call.Heartbeat())
    with pytest.raises(LinkLost, match="broken pipe"):
        started.result(PATIENCE)
    assert line.closings[0] == (1000, "")


def test_start_twice_is_refused() -> None:
    line = Line()
    driver = Served(line)
    with running(driver):
        asked = spawn(driver.call, call.Heartbeat())
        line.answer(NOW)
        asked.result(PATIENCE)
        with pytest.raises(LocalProtocolError, match="new link needs a new object"):
            driver.start()


def test_close_ends_start_and_the_calls_that_wait() -> None:
    line = Line()
    driver = Served(line)
    with running(driver) as started:
        asked = [spawn(driver.call, call.Heartbeat()) for _ in range(5)]
        eventually(lambda: len(driver.protocol.calls) == 5)
        line.hear()
        driver.close(1001, "enough")
        assert started.result(PATIENCE) is None
        for future in asked:
            with pytest.raises(ConnectionClosed):
                future.result(PATIENCE)
    assert line.closings[0] == (1001, "enough")


def test_close_lets_leave_what_was_said() -> None:
    line = Line()
    driver = Served(line, protocol=Connection(Role.CHARGING_STATION, "2.1"))
    message = send.NotifyPeriodicEventStream(
        id=1, pending=0, basetime="2026-05-01T12:00:00Z", data=[{"t": 0, "v": "1"}]
    )
    with running(driver):
        for _ in range(20):
            driver.send(message)
        driver.close()
        assert line.sent.qsize() == 20


def test_close_does_not_wait_for_ever_for_a_peer_that_does_not_read(clock: HandClock) -> None:
    line = Line()
    line.reads.clear()
    driver = Served(line)
    with running(driver) as started:
        asked = spawn(driver.call, call.Heartbeat())
        assert line.writing.wait(PATIENCE)
        closing = spawn(driver.close)
        eventually(lambda: driver._settled in clock._waited_for)
        clock.advance(_link.GRACE)
        assert closing.result(PATIENCE) is None
        assert started.result(PATIENCE) is None
        with pytest.raises(ConnectionClosed):
            asked.result(PATIENCE)


def test_close_before_start_ends_it_at_once() -> None:
    line = Line()
    driver = Served(line)
    driver.close()
    driver.start()
    with pytest.raises(ConnectionClosed):
        driver.call(call.Heartbeat())


def test_close_after_the_loss_leaves_the_loss_what_it_was() -> None:
    line = Line()
    driver = Served(line)
    line.lose(LinkLost("gone"))
    with pytest.raises(LinkLost):
        driver.start()
    driver.close()
    with pytest.raises(ConnectionClosed) as closed:
        driver.call(call.Heartbeat())
    assert isinstance(closed.value.__cause__, LinkLost)


def test_a_handler_may_close(caplog: pytest.LogCaptureFixture) -> None:
    line = Line()

    def handle(received: CallReceived) -> Response:
        driver.close()
        return accept(received)

    driver = Served(line, handle)
    with running(driver) as started:
        line.say(2, "1", "ClearCache", {})
        assert started.result(PATIENCE) is None
    assert caplog.records == []


def test_a_handler_that_hangs_in_the_reading_thread_holds_up_no_deadline_and_no_close() -> None:
    line = Line()
    hangs, go = Event(), Event()

    def handle(received: CallReceived) -> Response:
        hangs.set()
        assert go.wait(PATIENCE)
        return accept(received)

    driver = Served(line, handle)
    with running(driver) as started:
        line.say(2, "1", "ClearCache", {})
        assert hangs.wait(PATIENCE)
        with pytest.raises(CallTimeout):
            driver.call(call.Heartbeat(), timeout=0.02)
        driver.close()
        assert not started.done()
        go.set()
        assert started.result(PATIENCE) is None


def test_a_handler_that_hangs_in_a_pool_holds_up_nothing(pool: ThreadPoolExecutor) -> None:
    line = Line()
    hangs, go = Event(), Event()
    runs: list[str] = []

    def handle(received: CallReceived) -> Response:
        runs.append(received.id)
        hangs.set()
        assert go.wait(PATIENCE)
        return accept(received)

    driver = Served(line, handle, pool=pool)
    with running(driver) as started:
        line.say(2, "1", "ClearCache", {})
        assert hangs.wait(PATIENCE)
        asked = spawn(driver.call, call.Heartbeat())
        line.answer(NOW)
        assert isinstance(asked.result(PATIENCE), call_result.Heartbeat)
        line.lose(LinkLost("gone"))
        with pytest.raises(LinkLost):
            started.result(PATIENCE)
        go.set()
    assert runs == ["1"]


def test_a_handler_that_has_not_begun_when_the_link_ends_does_not() -> None:
    line = Line()
    records: list[Record] = []
    go = Event()
    runs: list[str] = []

    def handle(received: CallReceived) -> Response:
        runs.append(received.id)
        assert go.wait(PATIENCE)
        return accept(received)

    with ThreadPoolExecutor(1) as pool:
        driver = Served(line, handle, pool=pool, observers=[records.append])
        with running(driver) as started:
            line.say(2, "1", "ClearCache", {})
            line.say(2, "2", "ClearCache", {})
            eventually(lambda: sum(isinstance(record, CallStarted) for record in records) == 2)
            line.lose(LinkLost("gone"))
            with pytest.raises(LinkLost):
                started.result(PATIENCE)
            go.set()
    assert runs == ["1"]
    ends = {record.id: record.error for record in records if isinstance(record, CallFinished)}
    assert isinstance(ends["1"], ConnectionClosed)
    assert isinstance(ends["2"], LinkLost)


def test_a_close_that_the_protocol_asks_for_comes_after_the_answers() -> None:
    line = Line()
    driver = Served(line, protocol=Connection(None, "1.6", limits=Limits(bad_frames=2)))
    with running(driver) as started:
        line.say("nonsense")
        line.say("nonsense")
        with pytest.raises(LinkLost):
            started.result(PATIENCE)
    assert line.closings[0][0] == 1008


def test_drained_waits_for_answers_and_frames(pool: ThreadPoolExecutor) -> None:
    line = Line()
    began, go = Event(), Event()

    def handle(received: CallReceived) -> Response:
        began.set()
        assert go.wait(PATIENCE)
        return accept(received)

    driver = Served(line, handle, pool=pool)
    with running(driver):
        line.say(2, "1", "ClearCache", {})
        assert began.wait(PATIENCE)
        assert not driver.drained(0.01)
        drained = spawn(driver.drained, PATIENCE)
        go.set()
        assert drained.result(PATIENCE)
        assert line.sent.qsize() == 1


def test_close_at_any_moment_of_a_busy_life(pool: ThreadPoolExecutor) -> None:
    drawn = random.Random(7)
    for _ in range(60):
        line = Line()

        drivers: list[Driver] = []

        def handle(received: CallReceived, drivers: list[Driver] = drivers) -> Response:
            drivers[0].call(call.Heartbeat())
            return accept(received)

        driver = Served(line, handle, pool=pool)
        drivers.append(driver)

        def peer(line: Line) -> None:
            for number in range(40):
                line.say(2, f"p{number}", "ClearCache", {})
                if line.lost is not None:
                    return
                frame = line.sent.get(timeout=PATIENCE) if not line.sent.empty() else None
                if frame is not None and frame.startswith("[2,"):
                    line.say(3, json.loads(frame)[1], NOW)

        started = spawn(driver.start)
        peers = spawn(peer, line)
        asked = [spawn(driver.call, call.Heartbeat(), timeout=0.05) for _ in range(3)]
        for _ in range(drawn.randrange(60)):
            threading.Event().wait(0.0001)
        driver.close()
        assert started.result(PATIENCE) is None
        for future in asked:
            assert isinstance(future.exception(PATIENCE), (ConnectionClosed, CallTimeout, type(None)))
        peers.result(PATIENCE)
