"""Serving with threads: calls and SENDs of the peer, in the reading thread and in a pool, in memory."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, get_ident

import pytest

from ocpp_sansio import (
    CallReceived,
    Connection,
    ConnectionClosed,
    LocalProtocolError,
    Role,
    SendReceived,
)
from ocpp_sansio.errors import InternalError, OCPPError, SecurityError
from ocpp_sansio.messages import Response
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v21 import send
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


# Calls of the peer.


def test_a_handler_runs_in_the_reading_thread() -> None:
    line = Line()
    threads: list[int] = []

    def handle(received: CallReceived) -> Response:
        threads.append(get_ident())
        return accept(received)

    driver = Served(line, handle)

    def start() -> None:
        threads.append(get_ident())
        driver.start()

    started = spawn(start)
    line.say(2, "1", "ClearCache", {})
    assert line.hear() == [3, "1", {"status": "Accepted"}]
    line.cut()
    assert isinstance(started.exception(PATIENCE), LinkLost)
    assert threads[0] == threads[1]


def test_a_call_back_in_the_reading_thread_is_refused_at_once() -> None:
    line = Line()
    refusals: list[LocalProtocolError] = []

    def handle(received: CallReceived) -> Response:
        with pytest.raises(LocalProtocolError) as refusal:
            driver.call(call.Heartbeat())
        refusals.append(refusal.value)
        return accept(received)

    driver = Served(line, handle)
    with running(driver):
        line.say(2, "1", "ClearCache", {})
        assert line.hear() == [3, "1", {"status": "Accepted"}]
    assert "pool=ThreadPoolExecutor()" in str(refusals[0])


def test_another_thread_may_call_again_once_start_has_ended() -> None:
    line = Line()
    driver = Served(line)
    line.cut()
    with pytest.raises(LinkLost):
        driver.start()
    with pytest.raises(ConnectionClosed) as closed:  # and not: this is the thread that reads
        driver.call(call.Heartbeat())
    assert isinstance(closed.value.__cause__, LinkLost)


def test_a_handler_in_a_pool_may_call_back(pool: ThreadPoolExecutor) -> None:
    line = Line()

    def handle(received: CallReceived) -> Response:
        driver.call(call.Heartbeat())
        return accept(received)

    driver = Served(line, handle, pool=pool)
    with running(driver):
        line.say(2, "1", "ClearCache", {})
        assert line.answer(NOW)[2] == "Heartbeat"
        assert line.hear() == [3, "1", {"status": "Accepted"}]


def test_handlers_in_a_pool_do_not_hold_up_each_other(pool: ThreadPoolExecutor) -> None:
    line = Line()
    go = Event()

    def handle(received: CallReceived) -> Response:
        assert received.id == "2" or go.wait(PATIENCE)
        return accept(received)

    with running(Served(line, handle, pool=pool)):
        line.say(2, "1", "ClearCache", {})
        line.say(2, "2", "ClearCache", {})
        assert line.hear()[1] == "2"
        go.set()
        assert line.hear()[1] == "1"


@pytest.mark.parametrize("pooled", [False, True])
def test_a_handler_that_crashes_is_an_internal_error_without_details(
    pooled: bool, caplog: pytest.LogCaptureFixture
) -> None:
    line = Line()

    def handle(received: CallReceived) -> Response:
        raise ZeroDivisionError("secret")

    with ThreadPoolExecutor(1) as pool, running(Served(line, handle, pool=pool if pooled else None)):
        line.say(2, "1", "ClearCache", {})
        frame = line.hear()
    assert frame[:3] == [4, "1", "InternalError"]
    assert "secret" not in json.dumps(frame)
    assert "CP_1: the handler of ClearCache failed" in caplog.text
    assert "secret" in caplog.text


def test_a_handler_refuses_with_an_ocpp_error(caplog: pytest.LogCaptureFixture) -> None:
    line = Line()

    def handle(received: CallReceived) -> Response:
        raise SecurityError("not you")

    with running(Served(line, handle)):
        line.say(2, "1", "ClearCache", {})
        assert line.hear() == [4, "1", "SecurityError", "not you", {}]
    assert caplog.records == []


def test_a_response_of_another_action_is_an_internal_error() -> None:
    line = Line()
    with running(Served(line, lambda received: call_result.Reset(status="Accepted"))):
        line.say(2, "1", "ClearCache", {})
        assert line.hear()[:3] == [4, "1", "InternalError"]


def test_an_awaitable_response_is_an_internal_error(caplog: pytest.LogCaptureFixture) -> None:
    line = Line()

    async def later(received: CallReceived) -> Response:
        raise NotImplementedError

    with running(Served(line, later)):
        line.say(2, "1", "ClearCache", {})
        assert line.hear()[:3] == [4, "1", "InternalError"]
    assert "which nobody awaits here" in caplog.text


def test_an_error_that_cannot_be_sent_is_an_internal_error(caplog: pytest.LogCaptureFixture) -> None:
    line = Line()

    def handle(received: CallReceived) -> Response:
        raise OCPPError("no", {"why": object()})

    with running(Served(line, handle)):
        line.say(2, "1", "ClearCache", {})
        assert line.hear()[:3] == [4, "1", "InternalError"]
    assert "whose error cannot be sent" in caplog.text


def test_a_handler_that_has_answered_on_its_own_is_not_answered_for(caplog: pytest.LogCaptureFixture) -> None:
    line = Line()

    def handle(received: CallReceived) -> Response:
        driver.protocol.reply(received, accept(received))
        raise InternalError

    driver = Served(line, handle)
    with running(driver):
        line.say(2, "1", "ClearCache", {})
        assert line.hear() == [3, "1", {"status": "Accepted"}]
        line.say(2, "2", "Nonsense", {})
        assert line.hear()[1] == "2"


def test_a_handler_that_exits_ends_start_in_the_reading_thread() -> None:
    line = Line()

    def handle(received: CallReceived) -> Response:
        raise SystemExit(3)

    driver = Served(line, handle)
    with running(driver) as started:
        line.say(2, "1", "ClearCache", {})
        with pytest.raises(SystemExit):
            started.result(PATIENCE)
        with pytest.raises(ConnectionClosed):
            driver.call(call.Heartbeat())


def test_a_handler_that_exits_is_an_internal_error_in_a_pool(
    pool: ThreadPoolExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    line = Line()

    def handle(received: CallReceived) -> Response:
        raise SystemExit(3)

    with running(Served(line, handle, pool=pool)):
        line.say(2, "1", "ClearCache", {})
        assert line.hear()[:3] == [4, "1", "InternalError"]


def test_a_pool_that_is_shut_down_answers_with_internal_error(caplog: pytest.LogCaptureFixture) -> None:
    line = Line()
    with ThreadPoolExecutor() as pool:
        driver = Served(line, accept, pool=pool)
    with running(driver):
        line.say(2, "1", "ClearCache", {})
        assert line.hear()[:3] == [4, "1", "InternalError"]
    assert "cannot schedule new futures" in caplog.text


def test_a_call_that_its_pool_throws_out_is_answered(caplog: pytest.LogCaptureFixture) -> None:
    line = Line()
    busy, go = Event(), Event()

    def handle(received: CallReceived) -> Response:
        busy.set()
        assert go.wait(PATIENCE)
        return accept(received)

    pool = ThreadPoolExecutor(1)
    driver = Served(line, handle, pool=pool)
    with running(driver):
        line.say(2, "1", "ClearCache", {})
        line.say(2, "2", "ClearCache", {})
        assert busy.wait(PATIENCE)
        eventually(lambda: len(driver.protocol.owed) == 2)
        eventually(lambda: pool._work_queue.qsize() == 1)
        pool.shutdown(wait=False, cancel_futures=True)
        assert line.hear()[:3] == [4, "2", "InternalError"]
        go.set()
        assert line.hear() == [3, "1", {"status": "Accepted"}]


# Hooks.


@pytest.mark.parametrize("pooled", [False, True])
def test_a_hook_runs_once_the_answer_has_left(pooled: bool) -> None:
    line = Line()
    line.reads.clear()
    seen: list[int] = []
    ran = Event()

    def hook() -> None:
        seen.append(line.sent.qsize())
        ran.set()

    with (
        ThreadPoolExecutor() as pool,
        running(Served(line, accept, hooks=[hook], pool=pool if pooled else None)),
    ):
        line.say(2, "1", "ClearCache", {})
        assert line.writing.wait(PATIENCE)
        assert not ran.is_set()
        line.reads.set()
        assert ran.wait(PATIENCE)
    assert seen == [1]


def test_a_hook_runs_in_the_reading_thread() -> None:
    line = Line()
    threads: list[int] = []

    def handle(received: CallReceived) -> Response:
        threads.append(get_ident())
        return accept(received)

    with running(Served(line, handle, hooks=[lambda: threads.append(get_ident())])):
        line.say(2, "1", "ClearCache", {})
        eventually(lambda: len(threads) == 2)
    assert threads[0] == threads[1]


def test_a_hook_in_a_pool_may_call_back(pool: ThreadPoolExecutor) -> None:
    line = Line()
    driver = Served(line, accept, hooks=[lambda: driver.call(call.Heartbeat())], pool=pool)
    with running(driver):
        line.say(2, "1", "ClearCache", {})
        assert line.hear()[0] == 3
        assert line.answer(NOW)[2] == "Heartbeat"
        eventually(lambda: not driver.protocol.calls)


def test_a_hook_that_crashes_is_logged_and_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    line = Line()

    def hook() -> None:
        raise ZeroDivisionError

    with running(Served(line, accept, hooks=[hook])):
        for id in "12":
            line.say(2, id, "ClearCache", {})
            assert line.hear()[1] == id
        eventually(lambda: caplog.text.count("a hook after ClearCache failed") == 2)


def test_no_hook_runs_for_an_answer_that_never_left() -> None:
    line = Line()
    line.reads.clear()
    ran = Event()
    with running(Served(line, accept, hooks=[ran.set])) as started:
        line.say(2, "1", "ClearCache", {})
        assert line.writing.wait(PATIENCE)
        line.lose(LinkLost("gone"))
        with pytest.raises(LinkLost):
            started.result(PATIENCE)
    assert not ran.is_set()


# SENDs.

STREAM = {"id": 1, "pending": 0, "basetime": "2026-05-01T12:00:00Z", "data": [{"t": 0, "v": "1"}]}


def test_a_send_leaves_and_is_not_waited_for() -> None:
    line = Line()
    driver = Served(line, protocol=Connection(Role.CHARGING_STATION, "2.1"))
    message = send.NotifyPeriodicEventStream(
        id=1, pending=0, basetime="2026-05-01T12:00:00Z", data=[{"t": 0, "v": "1"}]
    )
    with running(driver):
        driver.send(message)
        assert line.hear()[0] == 6
    with pytest.raises(ConnectionClosed):
        driver.send(message)


def test_sends_are_handled_in_order_in_the_reading_thread(caplog: pytest.LogCaptureFixture) -> None:
    line = Line()
    ids: list[str] = []

    def told(received: SendReceived) -> None:
        ids.append(received.id)
        if received.id == "1":
            raise ZeroDivisionError

    with running(Served(line, told=told, protocol=Connection(Role.CSMS, "2.1"))):
        for id in "123":
            line.say(6, id, "NotifyPeriodicEventStream", STREAM)
        eventually(lambda: ids == ["1", "2", "3"])
    assert "the handler of NotifyPeriodicEventStream failed" in caplog.text


def test_sends_in_a_pool_are_handled_one_at_a_time_and_bounded(
    pool: ThreadPoolExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    line = Line()
    ids: list[str] = []
    go = Event()

    def told(received: SendReceived) -> None:
        assert go.wait(PATIENCE)
        ids.append(received.id)

    with running(Served(line, told=told, protocol=Connection(Role.CSMS, "2.1"), pool=pool)):
        for number in range(35):
            line.say(6, str(number), "NotifyPeriodicEventStream", STREAM)
        eventually(lambda: caplog.text.count("dropped: too many wait") == 2)
        go.set()
        eventually(lambda: len(ids) == 33)
        line.say(6, "again", "NotifyPeriodicEventStream", STREAM)
        eventually(lambda: len(ids) == 34)
    assert ids == [*map(str, range(33)), "again"]


def test_a_send_for_a_pool_that_is_shut_down_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    line = Line()
    with ThreadPoolExecutor() as pool:
        driver = Served(line, protocol=Connection(Role.CSMS, "2.1"), pool=pool)
    with running(driver):
        for id in "12":
            line.say(6, id, "NotifyPeriodicEventStream", STREAM)
        eventually(lambda: len(caplog.records) == 2)
    assert "cannot schedule new futures" in caplog.text
