"""records.py: what observers are told, and that it is all that happened."""

import logging
from typing import Any

import anyio
import attrs
import pytest

from ocpp_sansio import (
    CallReceived,
    CallTimeout,
    Connection,
    ConnectionClosed,
    OCPPError,
    Raw,
    RemoteProtocolError,
    Violation,
)
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio_adapters.driver import Driver
from ocpp_sansio_adapters.records import (
    CallFinished,
    CallStarted,
    CallWithdrawn,
    FrameReceived,
    FrameSent,
    Record,
    Reporter,
)
from tests.adapters.wire import ANSWERS, NOW, End, LinkLost, Scripted, quiet, running, wire

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


def heartbeat(request: call.Heartbeat) -> call_result.Heartbeat:
    return call_result.Heartbeat(current_time=NOW)


def shape(records: list[Record]) -> list[str]:
    """The records in a word each, for comparing their order."""
    return [type(record).__name__ for record in records]


def ends(records: list[Record]) -> list[CallFinished]:
    """How calls ended; each one was started before, once."""
    open_calls: dict[tuple[bool, str], CallStarted] = {}
    finished = []
    for record in records:
        if isinstance(record, CallStarted):
            assert open_calls.setdefault((record.ours, record.id), record) is record
        elif isinstance(record, CallFinished):
            started = open_calls.pop((record.ours, record.id))
            assert record.action == started.action
            assert record.seconds == record.time - started.time
            finished.append(record)
    assert not open_calls
    return finished


def test_records_are_immutable() -> None:
    for record in (
        FrameSent(1.0, "CP_1", "[]"),
        FrameReceived(1.0, "CP_1", "[]"),
        CallStarted(1.0, "CP_1", "7", "Reset", True),
        CallFinished(1.0, "CP_1", "7", "Reset", True, 0.5, None),
        CallFinished(1.0, "CP_1", "7", "Reset", True, 0.5, None, (Violation("$", "type", {}, "no"),)),
    ):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            record.time = 2.0  # type: ignore[misc]
        assert hash(record) is not None


async def test_a_call_of_ours_in_order() -> None:
    records: list[Record] = []
    async with wire() as (near, far):
        driver = Scripted(near, observers=[records.append])
        async with running(driver), anyio.create_task_group() as tasks:
            tasks.start_soon(driver.call, call.Heartbeat())
            [_, id, *_] = await far.hear()
            asked = anyio.current_time()
            await anyio.sleep(3)
            far.say(3, id, ANSWERS["Heartbeat"])
        assert shape(records) == ["CallStarted", "FrameSent", "FrameReceived", "CallFinished"]
        assert {record.identity for record in records} == {"CP_1"}
        started, sent, received, finished = records
        assert started == CallStarted(asked, "CP_1", id, "Heartbeat", True)
        assert sent == FrameSent(asked, "CP_1", near.sent[0])
        assert received == FrameReceived(asked + 3, "CP_1", f'[3, "{id}", {{"currentTime": "{NOW}"}}]')
        assert finished == CallFinished(asked + 3, "CP_1", id, "Heartbeat", True, 3.0, None)


async def test_a_call_of_the_peer_in_order() -> None:
    records: list[Record] = []

    async def slow(request: Any) -> call_result.Reset:
        await anyio.sleep(3)
        return call_result.Reset(status="Accepted")

    async with wire() as (near, far), running(Scripted(near, {"Reset": slow}, observers=[records.append])):
        far.ask("Reset", type="Soft")
        await far.hear()
        assert shape(records) == ["FrameReceived", "CallStarted", "CallFinished", "FrameSent"]
        [finished] = ends(records)
        assert (finished.id, finished.action, finished.ours) == ("1", "Reset", False)
        assert finished.seconds == pytest.approx(3, abs=0.01)
        assert finished.error is None


async def test_no_answer_is_seen_before_the_frame_that_it_answers() -> None:
    """However fast the peer is, and however late the transport's `send` returns."""
    records: list[Record] = []
    async with wire() as (near, far):
        driver = Scripted(near, observers=[records.append])

        async def send_and_dawdle(text: str) -> None:
            await End.send(near, text)
            await anyio.sleep(5)

        near.send = send_and_dawdle  # type: ignore[method-assign]
        async with running(driver), anyio.create_task_group() as tasks:
            tasks.start_soon(driver.call, call.Heartbeat())
            [_, id, *_] = await far.hear()
            far.say(3, id, ANSWERS["Heartbeat"])
        assert shape(records) == ["CallStarted", "FrameSent", "FrameReceived", "CallFinished"]


async def test_bytes_are_shown_as_text() -> None:
    records: list[Record] = []
    async with wire() as (near, far), running(Scripted(near, observers=[records.append])):
        far.say_raw(b'[3,"\xc3\xa4",{}]')
        far.say_raw(b'[3,"\xff",{}]')
        await quiet()
        assert [record.text for record in records if isinstance(record, FrameReceived)] == [
            '[3,"ä",{}]',
            '[3,"\ufffd",{}]',
        ]


@pytest.mark.parametrize(
    "ending", ["refused", "unusable", "timeout", "queue timeout", "lost", "start cancelled"]
)
async def test_every_end_of_a_call_of_ours_is_told_once_with_what_the_caller_gets(ending: str) -> None:
    expected: dict[str, type[Exception]] = {
        "refused": OCPPError,
        "unusable": RemoteProtocolError,
        "timeout": CallTimeout,
        "queue timeout": CallTimeout,
        "lost": ConnectionClosed,
        "start cancelled": ConnectionClosed,
    }
    records: list[Record] = []
    raised: list[BaseException] = []
    async with wire() as (near, far):
        driver = Scripted(near, observers=[records.append])

        async def ask() -> None:
            with pytest.raises(expected[ending]) as caught:
                await driver.call(call.Heartbeat(), timeout=10, queue_timeout=5)
            raised.append(caught.value)

        async with running(driver) as [outcome], anyio.create_task_group() as tasks:
            blocked = ending == "queue timeout"
            if blocked:
                tasks.start_soon(driver.call, call.Heartbeat())
                await quiet()
            tasks.start_soon(ask)
            [_, id, *_] = await far.hear()
            await anyio.sleep(6)
            match ending:
                case "refused":
                    far.say(4, id, "InternalError", "", {})
                case "unusable":
                    far.say(3, id, {})
                case "queue timeout":
                    far.say(3, id, ANSWERS["Heartbeat"])
                case "lost":
                    far.cut()
                case "start cancelled":
                    outcome.scope.cancel()
        finished = ends(records)
        assert len(finished) == 1 + blocked
        assert finished[0].error is raised[0]


async def test_a_call_cancelled_on_the_wire_finishes_with_its_answer() -> None:
    records: list[Record] = []
    async with wire() as (near, far):
        driver = Scripted(near, observers=[records.append])
        async with running(driver):
            with anyio.move_on_after(5):
                await driver.call(call.Heartbeat())
            assert "CallFinished" not in shape(records)
            [_, id, *_] = await far.hear()
            far.say(3, id, ANSWERS["Heartbeat"])
            await quiet()
            [finished] = ends(records)
            assert finished.error is None
            assert finished.seconds == pytest.approx(5, abs=0.1)


async def test_a_call_cancelled_on_the_wire_may_also_finish_by_timeout() -> None:
    records: list[Record] = []
    async with wire() as (near, _):
        driver = Scripted(near, observers=[records.append])
        async with running(driver):
            with anyio.move_on_after(5):
                await driver.call(call.Heartbeat())
            await anyio.sleep(30)
            [finished] = ends(records)
            assert isinstance(finished.error, CallTimeout)
            assert finished.seconds == pytest.approx(30, abs=0.1)


async def test_a_call_cancelled_in_the_queue_finishes_at_once_as_withdrawn() -> None:
    records: list[Record] = []
    async with wire() as (near, far):
        driver = Scripted(near, observers=[records.append])
        async with running(driver), anyio.create_task_group() as tasks:
            tasks.start_soon(driver.call, call.Heartbeat())
            [_, id, *_] = await far.hear()
            with anyio.move_on_after(5):
                await driver.call(call.Reset(type="Soft"))
            far.say(3, id, ANSWERS["Heartbeat"])
        withdrawn, answered = ends(records)
        assert isinstance(withdrawn.error, CallWithdrawn)
        assert "Reset" in str(withdrawn.error)
        assert withdrawn.seconds == pytest.approx(5, abs=0.1)
        assert answered.error is None


class Unexpected(Exception):
    """What no handler should raise."""


async def crash(request: Any) -> Any:
    raise Unexpected


async def refuse(request: Any) -> Any:
    raise OCPPError("no")


@pytest.mark.parametrize(
    ("handler", "error"),
    [(crash, Unexpected), (refuse, OCPPError), (lambda request: None, TypeError), (None, OCPPError)],
)
async def test_every_end_of_a_call_of_the_peer_is_told_once_with_what_the_handler_raised(
    handler: Any, error: type[Exception]
) -> None:
    records: list[Record] = []
    async with wire() as (near, far):
        handlers = {"Reset": handler} if handler else {}
        async with running(Scripted(near, handlers, observers=[records.append])):
            far.ask("Reset", type="Soft")
            await far.hear()
        [finished] = ends(records)
        assert isinstance(finished.error, error)


@pytest.mark.parametrize("lost", [True, False])
@pytest.mark.parametrize("shielded", [True, False])
async def test_a_call_of_the_peer_that_the_end_leaves_unanswered_is_finished_with_an_error(
    lost: bool, shielded: bool
) -> None:
    records: list[Record] = []

    async def slow(request: Any) -> call_result.Reset:
        with anyio.CancelScope(shield=shielded):
            await anyio.sleep(3)
        return call_result.Reset(status="Accepted")

    async with wire() as (near, far):
        async with running(Scripted(near, {"Reset": slow}, observers=[records.append])) as [outcome]:
            far.ask("Reset", type="Soft")
            await quiet()
            if lost:
                far.cut()
            else:
                outcome.scope.cancel()
            await anyio.sleep(5)
        [finished] = ends(records)
        assert isinstance(finished.error, ConnectionClosed if shielded else anyio.get_cancelled_exc_class())
        assert near.sent == []


async def test_a_repeated_call_and_a_refused_frame_start_nothing() -> None:
    records: list[Record] = []

    async def slow(request: Any) -> call_result.Reset:
        await anyio.sleep(3)
        return call_result.Reset(status="Accepted")

    async with wire() as (near, far), running(Scripted(near, {"Reset": slow}, observers=[records.append])):
        far.ask("Reset", type="Soft")
        far.ask("Reset", type="Soft")
        far.ask("Reset", "2", type="Sideways")
        far.say_raw("nonsense")
        await far.hear()
        await far.hear()
        assert len(ends(records)) == 1
        assert shape(records).count("FrameReceived") == 4
        assert shape(records).count("FrameSent") == 2


async def test_a_crashing_observer_is_logged_and_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    records: list[Record] = []

    def crashing(record: Record) -> None:
        raise ZeroDivisionError

    async with wire() as (near, far):
        driver = Scripted(near, {"Heartbeat": heartbeat}, observers=[crashing, records.append])
        async with running(driver):
            far.ask("Heartbeat")
            assert (await far.hear())[0] == 3
        assert len(records) == 4
        assert [record.getMessage() for record in caplog.records] == ["CP_1: an observer failed"] * 4
        assert all(record.levelno == logging.ERROR and record.exc_info for record in caplog.records)


async def test_observers_are_told_in_the_order_given() -> None:
    told: list[int] = []
    async with wire() as (near, far):
        observers = [lambda record: told.append(1), lambda record: told.append(2)]
        async with running(Scripted(near, {"Heartbeat": heartbeat}, observers=iter(observers))):
            far.ask("Heartbeat")
            await far.hear()
        assert told == [1, 2] * 4


async def test_a_frame_that_could_not_be_sent_was_handed_over_all_the_same() -> None:
    records: list[Record] = []
    async with wire() as (near, far):
        near.send_error = LinkLost()
        async with running(Scripted(near, {"Heartbeat": heartbeat}, observers=[records.append])):
            far.ask("Heartbeat")
            await quiet()
        assert shape(records) == ["FrameReceived", "CallStarted", "CallFinished", "FrameSent"]


async def test_an_answer_of_ours_that_the_peer_rejects_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with wire() as (near, far), running(Driver(Connection(None, "2.1"), near, identity="CP_1")):
        far.say(5, "1", "FormatViolation", "no good", {})
        await quiet()
        [record] = caplog.records
        assert record.getMessage() == "CP_1: our answer to None '1' was rejected: FormatViolation: no good"
        assert record.levelno == logging.WARNING
    assert near.sent == []


# What was understood although it departs from its schema.


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the log has at INFO."""
    return [record.getMessage() for record in caplog.records if record.levelno == logging.INFO]


async def test_departures_of_a_call_are_in_its_record_and_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "ocpp_sansio")
    records: list[Record] = []
    handlers = {"Reset": lambda request: call_result.Reset(status="Accepted")}
    async with wire() as (near, far):
        driver = Scripted(near, handlers, observers=[records.append], validation="lenient")
        async with running(driver):
            far.ask("Reset", type="Soft", now=None, why="so")
            assert (await far.hear())[0] == 3
            far.ask("Reset", "2", type="Soft")
            await far.hear()
    bent, straight = ends(records)
    assert [each.path for each in bent.violations] == ["$.now", "$.why"]
    assert straight.violations == ()
    assert told(caplog) == [
        "CP_1: Reset '1' is not as its schema wants: $.now: unknown member, left out; $.why: unknown member, left out"
    ]


async def test_departures_of_an_answer_are_in_the_record_of_the_call_and_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "ocpp_sansio")
    records: list[Record] = []
    async with wire() as (near, far):
        driver = Scripted(near, observers=[records.append], validation="lenient")
        async with running(driver), anyio.create_task_group() as tasks:
            tasks.start_soon(driver.call, call.Heartbeat())
            [_, id, *_] = await far.hear()
            far.say(3, id, {**ANSWERS["Heartbeat"], **{f"more{number}": 1 for number in range(5)}})
    [finished] = ends(records)
    assert len(finished.violations) == 5
    left_out = "; ".join(f"$.more{number}: unknown member, left out" for number in range(3))
    assert told(caplog) == [
        f"CP_1: the answer to Heartbeat '{id}' is not as its schema wants: {left_out}; 2 more"
    ]


async def test_a_time_without_a_zone_is_a_departure_for_a_strict_policy_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "ocpp_sansio")
    async with wire() as (near, far):
        driver = Scripted(near)
        async with running(driver), anyio.create_task_group() as tasks:
            tasks.start_soon(driver.call, call.Heartbeat())
            [_, id, *_] = await far.hear()
            far.say(3, id, {"currentTime": "2024-05-01T12:00:00"})
    [line] = told(caplog)
    assert line.startswith(
        f"CP_1: the answer to Heartbeat '{id}' is not as its schema wants: $.currentTime: "
    )


async def test_what_is_refused_is_no_departure(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ocpp_sansio")
    records: list[Record] = []
    async with wire() as (near, far), running(Scripted(near, observers=[records.append])):
        far.ask("Reset", type="Soft", why="so")
        assert (await far.hear())[0] == 4
    assert told(caplog) == []
    assert ends(records) == []


def departing(payload: dict[Any, Any], *violations: Violation, id: str = "1") -> CallReceived:
    return CallReceived(id, "Reset", Raw("Reset", payload), payload, violations, "")


def test_where_there_is_a_password_values_are_not_quoted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ocpp_sansio")
    reporter = Reporter("CP_1", (), lambda: 0.0)
    quoting = Violation("$.value", "type", 4711, "4711 is not text, taken as '4711'")
    reporter.tolerated(departing({"key": "AuthorizationKey", "value": 4711}, quoting))
    reporter.tolerated(departing({"key": "Other", "value": 4711}, quoting))
    reporter.tolerated(departing({"key": {1: 2}, ("no", "JSON"): 4711}, quoting))
    assert told(caplog) == [
        "CP_1: Reset '1' is not as its schema wants: $.value",
        "CP_1: Reset '1' is not as its schema wants: $.value: 4711 is not text, taken as '4711'",
        "CP_1: Reset '1' is not as its schema wants: $.value",
    ]


def test_a_line_of_the_log_is_one_line_whatever_the_peer_says(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ocpp_sansio")
    station = Connection(None, "1.6", validation="lenient")
    station.receive_text('[2, "1\\n", "Reset", {"type": "Soft", "a\\nb' + 1000 * "x" + '": "\\n"}]', now=0.0)
    event = station.next_event()
    assert isinstance(event, CallReceived)
    Reporter("CP_1", (), lambda: 0.0).tolerated(event)
    [line] = told(caplog)
    assert "\n" not in line
    assert len(line) < 300
