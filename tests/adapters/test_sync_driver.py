"""The driver with threads: calls of ours, time, and what is told of it, over a link in memory."""

import logging
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Barrier, Event
from typing import Any

import pytest

from ocpp_sansio import (
    CallTimeout,
    Connection,
    ConnectionClosed,
    LocalProtocolError,
    QueueFull,
    SchemaViolation,
)
from ocpp_sansio.errors import RemoteProtocolError, SecurityError
from ocpp_sansio.policies import Limits
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio_adapters.records import (
    CallFinished,
    CallStarted,
    CallWithdrawn,
    FrameReceived,
    FrameSent,
    Record,
)
from ocpp_sansio_adapters.sync import driver as module
from ocpp_sansio_adapters.sync.driver import Driver
from tests.adapters.threads import (
    NOW,
    PATIENCE,
    HandClock,
    Line,
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


# What is told.


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


def test_departures_are_in_the_record_of_a_call_and_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ocpp_sansio")
    line = Line()
    records: list[Record] = []
    driver = Served(
        line, accept, protocol=Connection(None, "1.6", validation="lenient"), observers=[records.append]
    )
    with running(driver):
        asked = spawn(driver.call, call.Heartbeat(), id="7")
        line.answer({**NOW, "more": 1})
        asked.result(PATIENCE)
        line.say(2, "1", "ClearCache", {"why": "so"})
        line.hear()
    finished = [record for record in records if isinstance(record, CallFinished)]
    assert [[each.path for each in record.violations] for record in finished] == [["$.more"], ["$.why"]]
    assert [record.getMessage() for record in caplog.records] == [
        "CP_1: the answer to Heartbeat '7' is not as its schema wants: $.more: unknown member, left out",
        "CP_1: ClearCache '1' is not as its schema wants: $.why: unknown member, left out",
    ]
