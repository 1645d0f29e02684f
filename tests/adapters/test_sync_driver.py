"""The driver with threads: calls of ours, calls of the peer, time, and the end, over a link in memory."""

import json
import logging
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Barrier, Event
from typing import Any

import pytest

from ocpp_sansio import (
    CallReceived,
    CallTimeout,
    Connection,
    ConnectionClosed,
    LocalProtocolError,
    QueueFull,
    Role,
    SchemaViolation,
)
from ocpp_sansio.errors import RemoteProtocolError, SecurityError
from ocpp_sansio.messages import Response
from ocpp_sansio.policies import Limits
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v21 import send
from ocpp_sansio_adapters.records import (
    CallFinished,
    CallStarted,
    CallWithdrawn,
    FrameReceived,
    FrameSent,
    Record,
)
from ocpp_sansio_adapters.sync import _link
from ocpp_sansio_adapters.sync import driver as module
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


# Calls of ours.


def test_a_call_returns_the_typed_answer() -> None:
    line = Line()
    driver = Served(line)
    with running(driver):
        asked = spawn(driver.call, call.Heartbeat(), id="7")
        assert line.answer(NOW) == [2, "7", "Heartbeat", {}]
        assert isinstance(asked.result(PATIENCE), call_result.Heartbeat)


def test_a_call_that_is_refused_raises_the_error() -> None:
    line = Line()
    driver = Served(line)
    with running(driver):
        asked = spawn(driver.call, call.Heartbeat())
        line.say(4, line.hear()[1], "SecurityError", "no", {})
        with pytest.raises(SecurityError, match="no"):
            asked.result(PATIENCE)


def test_an_unusable_answer_raises_remote_protocol_error() -> None:
    line = Line()
    driver = Served(line)
    with running(driver):
        asked = spawn(driver.call, call.Heartbeat())
        line.answer({})
        with pytest.raises(RemoteProtocolError):
            asked.result(PATIENCE)


def test_a_wrong_request_is_refused_and_nothing_is_sent() -> None:
    line = Line()
    driver = Served(line)
    with running(driver):
        with pytest.raises(SchemaViolation):
            driver.call(call.BootNotification(charge_point_vendor="x" * 21, charge_point_model="One"))
        spawn(driver.call, call.Heartbeat(), id="7").add_done_callback(lambda future: future.exception())
        assert line.answer(NOW)[1] == "7"


def test_twenty_threads_call_at_once_and_one_is_on_the_wire_at_a_time() -> None:
    line = Line()
    driver = Served(line)
    together = Barrier(20)

    def ask(number: int) -> Any:
        together.wait(PATIENCE)
        return driver.call(call.Authorize(id_tag=str(number)), id=f"id-{number}")

    with running(driver):
        asked = [spawn(ask, number) for number in range(20)]
        eventually(lambda: len(driver.protocol.calls) == 20)
        for _ in asked:
            frame = line.hear()
            assert line.sent.empty()
            assert frame[1] == f"id-{frame[3]['idTag']}"
            line.say(3, frame[1], {"idTagInfo": {"status": "Accepted", "parentIdTag": frame[3]["idTag"]}})
        answers = [future.result(PATIENCE) for future in asked]
    assert [answer.id_tag_info.parent_id_tag for answer in answers] == [str(number) for number in range(20)]


def test_a_full_queue_is_queue_full() -> None:
    line = Line()
    driver = Served(line, protocol=Connection(None, "1.6", limits=Limits(queued_calls=1)))
    with running(driver):
        asked = [spawn(driver.call, call.Heartbeat()) for _ in range(2)]
        eventually(lambda: len(driver.protocol.calls) == 2)
        with pytest.raises(QueueFull):
            driver.call(call.Heartbeat())
        for _ in asked:
            line.answer(NOW)
        wait(asked, PATIENCE)


def test_a_call_waits_for_start() -> None:
    line = Line()
    driver = Served(line)
    asked = spawn(driver.call, call.Heartbeat())
    with running(driver):
        line.answer(NOW)
        assert isinstance(asked.result(PATIENCE), call_result.Heartbeat)


@pytest.mark.parametrize("timeout", [0.01, 1e300])
def test_a_call_that_nobody_starts_for_says_so(timeout: float) -> None:
    driver = Served(Line(), protocol=Connection(None, "1.6", call_timeout=min(timeout, 0.02)))
    with pytest.raises(LocalProtocolError, match=r"call\(\) needs start\(\)"):
        driver.call(call.Heartbeat(), timeout=None if timeout == 1e300 else timeout)


def test_patience_without_end_is_allowed() -> None:
    line = Line()
    driver = Served(line, protocol=Connection(None, "1.6", call_timeout=1e299))
    asked = spawn(driver.call, call.Heartbeat(), timeout=1e200)
    with running(driver):
        line.answer(NOW)
        assert isinstance(asked.result(PATIENCE), call_result.Heartbeat)


# Time.


def test_a_call_without_an_answer_times_out(clock: HandClock) -> None:
    line = Line()
    driver = Served(line)
    with running(driver):
        asked = spawn(driver.call, call.Heartbeat())
        line.hear()
        clock.advance(30.0)
        with pytest.raises(CallTimeout) as timeout:
            asked.result(PATIENCE)
    assert timeout.value.sent


def test_an_answer_just_in_time_counts(clock: HandClock) -> None:
    line = Line()
    driver = Served(line)
    with running(driver):
        asked = spawn(driver.call, call.Heartbeat())
        frame = line.hear()
        clock.advance(29.9)
        line.say(3, frame[1], NOW)
        assert isinstance(asked.result(PATIENCE), call_result.Heartbeat)


def test_a_sooner_deadline_is_kept_while_a_later_one_is_waited_for(clock: HandClock) -> None:
    line = Line()
    driver = Served(line)
    with running(driver):
        first = spawn(driver.call, call.Heartbeat())
        line.hear()
        second = spawn(driver.call, call.Heartbeat(), queue_timeout=5)
        eventually(lambda: len(driver.protocol.calls) == 2)
        clock.advance(5)
        with pytest.raises(CallTimeout) as timeout:
            second.result(PATIENCE)
        assert not timeout.value.sent
        clock.advance(25)
        with pytest.raises(CallTimeout):
            first.result(PATIENCE)


def test_the_monotonic_clock_ends_a_call() -> None:
    line = Line()
    driver = Served(line)
    with running(driver), pytest.raises(CallTimeout):
        driver.call(call.Heartbeat(), timeout=0.02)


def test_a_peer_that_does_not_read_holds_up_no_deadline(clock: HandClock) -> None:
    line = Line()
    line.reads.clear()
    driver = Served(line)
    with running(driver):
        asked = [spawn(driver.call, call.Heartbeat(), timeout=10, queue_timeout=10) for _ in range(3)]
        eventually(lambda: len(driver.protocol.calls) == 3)
        assert line.writing.wait(PATIENCE)
        clock.advance(10)
        clock.advance(10)
        for future in asked:
            with pytest.raises(CallTimeout):
                future.result(PATIENCE)


def test_a_peer_that_takes_nothing_is_hung_up_on(clock: HandClock) -> None:
    line = Line()
    line.reads.clear()
    driver = Served(line)
    with running(driver) as started:
        asked = spawn(driver.call, call.Heartbeat(), timeout=100)
        assert line.writing.wait(PATIENCE)
        clock.advance(29.9)
        assert not started.done()
        clock.advance(0.1)
        with pytest.raises(ConnectionClosed, match="has taken nothing for 30 s"):
            started.result(PATIENCE)
        with pytest.raises(ConnectionClosed):
            asked.result(PATIENCE)


def test_a_slow_write_does_not_count_for_the_next_one(clock: HandClock) -> None:
    line = Line()
    driver = Served(line, accept)
    with running(driver) as started:
        for id in "12":
            line.writing.clear()
            line.reads.clear()
            line.say(2, id, "ClearCache", {})
            assert line.writing.wait(PATIENCE)
            clock.advance(20)
            line.reads.set()
            assert line.hear()[1] == id
        assert not started.done()


# The end.


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


def test_garbage_harms_nobody() -> None:
    line = Line()
    driver = Served(line, accept)
    drawn = random.Random(1)
    with running(driver):
        for number in range(200):
            line.inbox.put("".join(chr(drawn.randrange(256)) for _ in range(drawn.randrange(1, 40))))
            line.say(2, str(number), "ClearCache", {})
        answered = 0
        while answered < 200:
            answered += line.hear()[0] == 3


def test_an_interrupted_call_is_abandoned(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line()
    records: list[Record] = []
    driver = Served(line, observers=[records.append])

    class Interrupted(Event):
        def wait(self, timeout: float | None = None) -> bool:
            raise KeyboardInterrupt

    with running(driver):
        first = spawn(driver.call, call.Heartbeat(), id="1")
        eventually(lambda: driver.protocol.calls)
        frame = line.hear()
        waiter = module._Waiter
        monkeypatch.setattr(module, "_Waiter", lambda started: waiter(started, Interrupted()))
        with pytest.raises(KeyboardInterrupt):
            driver.call(call.Heartbeat(), id="2")
        assert len(driver.protocol.calls) == 1
        line.say(3, frame[1], NOW)
        first.result(PATIENCE)
    ends = {record.id: record.error for record in records if isinstance(record, CallFinished)}
    assert ends["1"] is None
    assert isinstance(ends["2"], CallWithdrawn)


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


def test_records_come_in_order_and_each_call_ends_once(clock: HandClock) -> None:
    line = Line()
    records: list[Record] = []
    driver = Served(line, accept, observers=[records.append])
    with running(driver):
        line.say(2, "p", "ClearCache", {})
        line.hear()
        asked = spawn(driver.call, call.Heartbeat(), id="o")
        frame = line.hear()
        clock.advance(1.5)
        line.say(3, frame[1], NOW)
        asked.result(PATIENCE)
    assert [type(record) for record in records] == [
        *(FrameReceived, CallStarted, CallFinished, FrameSent),
        *(CallStarted, FrameSent, FrameReceived, CallFinished),
    ]
    ends = [record for record in records if isinstance(record, CallFinished)]
    assert [(end.id, end.ours, end.seconds, end.error) for end in ends] == [
        ("p", False, 0.0, None),
        ("o", True, 1.5, None),
    ]


def test_an_observer_that_crashes_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    line = Line()

    def observer(record: Record) -> None:
        raise ZeroDivisionError

    with caplog.at_level(logging.ERROR), running(Served(line, accept, observers=[observer])):
        line.say(2, "1", "ClearCache", {})
        assert line.hear()[0] == 3
    assert "an observer failed" in caplog.text


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
