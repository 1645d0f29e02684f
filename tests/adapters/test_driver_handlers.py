"""driver.py: the peer's calls, their handlers and the hooks after them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from ocpp_sansio import CallTimeout, Limits, LocalProtocolError, OCPPError
from ocpp_sansio.errors import InternalError, SecurityError
from ocpp_sansio.v16 import call, call_result
from tests.adapters.virtual_time import only_asyncio
from tests.adapters.wire import NOW, End, Scripted, answering, quiet, running, wire

pytestmark = pytest.mark.anyio

SECRET = "the password is sesame"
INTERNAL_ERROR = [4, "1", "InternalError", "An unexpected error occurred.", {}]


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


def heartbeat(request: call.Heartbeat) -> call_result.Heartbeat:
    return call_result.Heartbeat(current_time=NOW)


def data(text: str) -> call_result.DataTransfer:
    return call_result.DataTransfer(status="Accepted", data=text)


async def heartbeats_are_answered(far: End, id: str = "still alive") -> None:
    far.ask("Heartbeat", id)
    assert await far.hear() == [3, id, {"currentTime": NOW}]


# Handlers that work.


async def test_a_sync_handler_runs_inline() -> None:
    """Every frame that follows finds its work done."""
    seen: list[str] = []

    def authorize(request: call.Authorize) -> call_result.Authorize:
        seen.append(request.id_tag)
        return call_result.Authorize(id_tag_info={"status": "Accepted"})

    async with wire() as (near, far), running(Scripted(near, {"Authorize": authorize})):
        for number in range(5):
            far.ask("Authorize", str(number), idTag=str(number))
        for number in range(5):
            assert await far.hear() == [3, str(number), {"idTagInfo": {"status": "Accepted"}}]
        assert seen == list("01234")


async def test_a_sync_handler_may_return_an_awaitable() -> None:
    class Soon:
        def __await__(self) -> Any:
            yield from checkpoint().__await__()
            return call_result.Heartbeat(current_time=NOW)

    async with wire() as (near, far), running(Scripted(near, {"Heartbeat": lambda request: Soon()})):
        await heartbeats_are_answered(far)


async def test_async_handlers_start_and_are_answered_in_order_of_arrival() -> None:
    started: list[str] = []

    async def transfer(request: call.DataTransfer) -> call_result.DataTransfer:
        started.append(request.vendor_id)
        await anyio.sleep(1)
        return data(request.vendor_id)

    async with wire() as (near, far), running(Scripted(near, {"DataTransfer": transfer})):
        for number in range(30):
            far.ask("DataTransfer", str(number), vendorId=str(number))
            await anyio.sleep(0.01)
        for number in range(30):
            assert await far.hear() == [3, str(number), {"status": "Accepted", "data": str(number)}]
        assert started == [str(number) for number in range(30)]


async def test_a_slow_handler_does_not_stop_the_reader() -> None:
    async def slow(request: call.DataTransfer) -> call_result.DataTransfer:
        await anyio.sleep(100)
        return data("at last")

    async with wire() as (near, far), running(Scripted(near, {"DataTransfer": slow, "Heartbeat": heartbeat})):
        far.ask("DataTransfer", "slow", vendorId="x")
        for number in range(10):
            await heartbeats_are_answered(far, str(number))
        assert await far.hear() == [3, "slow", {"status": "Accepted", "data": "at last"}]


async def test_answers_go_out_while_a_call_of_ours_waits() -> None:
    async with wire() as (near, far):
        driver = Scripted(near, {"Heartbeat": heartbeat})
        async with running(driver), anyio.create_task_group() as tasks:
            tasks.start_soon(driver.call, call.Heartbeat())
            [_, id, *_] = await far.hear()
            await heartbeats_are_answered(far)
            far.say(3, id, {"currentTime": NOW})


async def test_handlers_call_back_in_both_directions_without_deadlock() -> None:
    async with wire() as (station_end, csms_end):

        async def at_station(request: call.DataTransfer) -> call_result.DataTransfer:
            if request.data == "back":
                return data("station")
            answer = await station.call(call.DataTransfer(vendor_id="x", data="back"))
            return data(f"station({answer.data})")

        async def at_csms(request: call.DataTransfer) -> call_result.DataTransfer:
            if request.data == "back":
                return data("CSMS")
            answer = await csms.call(call.DataTransfer(vendor_id="x", data="back"))
            return data(f"CSMS({answer.data})")

        station = Scripted(station_end, {"DataTransfer": at_station})
        csms = Scripted(csms_end, {"DataTransfer": at_csms})
        async with running(station, csms):
            for _ in range(3):
                answer = await station.call(call.DataTransfer(vendor_id="x"))
                assert answer.data == "CSMS(station)"
                answer = await csms.call(call.DataTransfer(vendor_id="x"))
                assert answer.data == "station(CSMS)"


async def test_levels_of_calling_back_that_one_call_at_a_time_forbids_end_by_timeout() -> None:
    """The third call would need its own first one to end (J16-301): a circle of the protocol, which patience breaks."""
    async with wire() as (station_end, csms_end):
        ends: list[Any] = []

        def deeper(driver_of: Callable[[], Scripted], timeout: float) -> Callable[[Any], Awaitable[Any]]:
            async def handler(request: call.DataTransfer) -> call_result.DataTransfer:
                depth = int(request.data or 0)
                if depth < 4:
                    try:
                        await driver_of().call(
                            call.DataTransfer(vendor_id="x", data=str(depth + 1)), timeout=timeout
                        )
                    except CallTimeout as error:
                        ends.append(error)
                return data(str(depth))

            return handler

        station = Scripted(station_end, {"DataTransfer": deeper(lambda: station, 10)})
        csms = Scripted(csms_end, {"DataTransfer": deeper(lambda: csms, 20)})
        async with running(station, csms):
            with pytest.raises(CallTimeout):
                await station.call(call.DataTransfer(vendor_id="x", data="0"), timeout=10)
            await anyio.sleep(200)
            assert station.protocol.calls == csms.protocol.calls == ()
            assert station.protocol.owed == csms.protocol.owed == ()
            assert (await station.call(call.DataTransfer(vendor_id="x", data="4"))).data == "4"


async def test_an_action_without_a_handler_is_not_supported() -> None:
    async with wire() as (near, far), running(Scripted(near)):
        far.ask("Heartbeat")
        assert (await far.hear())[:3] == [4, "1", "NotSupported"]


# Handlers that fail.


def crash(request: Any) -> Any:
    raise ZeroDivisionError(SECRET)


async def crash_later(request: Any) -> Any:
    await checkpoint()
    raise ZeroDivisionError(SECRET)


@pytest.mark.parametrize("handler", [crash, crash_later])
async def test_a_crash_is_internal_error_to_the_peer_and_a_traceback_here(
    handler: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with wire() as (near, far), running(Scripted(near, {"Reset": handler, "Heartbeat": heartbeat})):
        far.ask("Reset", type="Soft")
        assert await far.hear() == INTERNAL_ERROR
        assert SECRET not in "".join(near.sent)
        [record] = caplog.records
        assert record.levelno == logging.ERROR
        assert record.getMessage() == "CP_1: the handler of Reset failed"
        assert record.exc_info is not None
        assert record.exc_info[0] is ZeroDivisionError
        assert "crash" in caplog.text
        await heartbeats_are_answered(far)


async def refuse(request: Any) -> Any:
    raise SecurityError("no entry", {"why": [1, None, "ä"]})


def refuse_inline(request: Any) -> Any:
    raise OCPPError("no entry", {"why": [1, None, "ä"]}, code="SecurityError")


@pytest.mark.parametrize("handler", [refuse, refuse_inline])
async def test_an_ocpp_error_is_sent_as_it_is_and_is_no_crash(
    handler: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with wire() as (near, far), running(Scripted(near, {"Reset": handler})):
        far.ask("Reset", type="Soft")
        assert await far.hear() == [4, "1", "SecurityError", "no entry", {"why": [1, None, "ä"]}]
        assert caplog.records == []


def endless() -> dict[str, Any]:
    details: dict[str, Any] = {}
    details["self"] = details
    return details


def deep() -> dict[str, Any]:
    details: dict[str, Any] = {}
    for _ in range(100_000):
        details = {"in": details}
    return details


class Unwilling:
    def __repr__(self) -> str:
        raise ZeroDivisionError


@pytest.mark.parametrize(
    "error",
    [
        SecurityError("x", {"what": object()}),
        SecurityError("x", {"what": float("inf")}),
        SecurityError("x", {"what": "\ud800"}),
        SecurityError("x", endless()),
        SecurityError("x", deep()),
        SecurityError("x", [1]),  # type: ignore[arg-type]
        SecurityError(b"x"),  # type: ignore[arg-type]
        SecurityError("x", code=5),  # type: ignore[arg-type]
        SecurityError("x", {"what": Unwilling()}),
    ],
    ids=lambda error: repr(type(error.details))[:20],
)
async def test_an_ocpp_error_that_cannot_be_sent_is_internal_error_and_a_traceback(
    error: OCPPError, caplog: pytest.LogCaptureFixture
) -> None:
    def handler(request: Any) -> Any:
        raise error

    async with wire() as (near, far), running(Scripted(near, {"Reset": handler, "Heartbeat": heartbeat})):
        far.ask("Reset", type="Soft")
        assert await far.hear() == INTERNAL_ERROR
        [record] = caplog.records
        assert record.getMessage() == "CP_1: the handler of Reset, whose error cannot be sent, failed"
        assert record.exc_info is not None
        await heartbeats_are_answered(far)


def invalid_reset() -> call_result.Reset:
    response = call_result.Reset(status="Accepted")
    response.status = "Perhaps"  # type: ignore[assignment]
    return response


@pytest.mark.parametrize(
    "response",
    [
        None,
        {"status": "Accepted"},
        call_result.ChangeAvailability(status="Accepted"),
        invalid_reset(),
        call_result.Reset,
        NotImplemented,
    ],
    ids=str,
)
@pytest.mark.parametrize("later", [False, True])
async def test_an_unusable_response_is_internal_error_and_logged_by_action(
    response: Any, later: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: Any) -> Any:
        return response

    handlers = {"Reset": handler if later else lambda request: response, "Heartbeat": heartbeat}
    async with wire() as (near, far), running(Scripted(near, handlers)):
        far.ask("Reset", type="Soft")
        assert await far.hear() == INTERNAL_ERROR
        [record] = caplog.records
        assert record.getMessage() == "CP_1: the handler of Reset failed"
        assert record.exc_info is not None
        assert isinstance(record.exc_info[1], TypeError | ValueError)
        await heartbeats_are_answered(far)


async def test_a_handler_that_is_cancelled_by_its_own_scope_still_answers() -> None:
    async def handler(request: Any) -> Any:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await checkpoint()

    async with wire() as (near, far), running(Scripted(near, {"Reset": handler, "Heartbeat": heartbeat})):
        far.ask("Reset", type="Soft")
        assert await far.hear() == INTERNAL_ERROR
        await heartbeats_are_answered(far)


async def cancels_itself(request: Any) -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(1)


async def awaits_what_is_cancelled(request: Any) -> None:
    task = asyncio.create_task(asyncio.sleep(1))
    task.cancel()
    await task


def raises_cancelled(request: Any) -> None:
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    future.result()


@only_asyncio
@pytest.mark.parametrize("handler", [cancels_itself, awaits_what_is_cancelled, raises_cancelled])
async def test_a_cancellation_from_inside_a_handler_stays_there(
    handler: Any, caplog: pytest.LogCaptureFixture
) -> None:
    handlers = {"Reset": handler, "Heartbeat": heartbeat}
    async with wire() as (near, far), running(Scripted(near, handlers)) as [outcome]:
        far.ask("Reset", type="Soft")
        assert await far.hear() == INTERNAL_ERROR
        assert "the handler of Reset failed" in caplog.text
        await heartbeats_are_answered(far)
        assert not outcome.ended


async def test_a_handler_that_has_answered_on_its_own_is_reported_and_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with wire() as (near, far):
        accepted = call_result.Reset(status="Accepted")

        def handler(request: Any) -> Any:
            [owed] = driver.protocol.owed
            driver.protocol.reply(owed, accepted)
            return accepted

        driver = Scripted(near, {"Reset": handler, "Heartbeat": heartbeat})
        async with running(driver):
            far.ask("Reset", type="Soft")
            assert await far.hear() == [3, "1", {"status": "Accepted"}]
            [record] = caplog.records
            assert record.exc_info is not None
            assert isinstance(record.exc_info[1], LocalProtocolError)
            await heartbeats_are_answered(far)


async def test_a_handler_that_passes_on_a_refusal_sends_it_as_it_is() -> None:
    """A CSMS that relays: the error that `call` raises is one to raise in a handler."""
    async with wire() as (near, far):

        async def handler(request: Any) -> Any:
            return await driver.call(call.Heartbeat())

        driver = Scripted(near, {"DataTransfer": handler})
        async with running(driver):
            far.ask("DataTransfer", vendorId="x")
            [_, id, *_] = await far.hear()
            far.say(4, id, "SecurityError", "no entry", {"a": 1})
            assert await far.hear() == [4, "1", "SecurityError", "no entry", {"a": 1}]


# What concerns no handler.


async def test_an_invalid_call_is_answered_by_the_connection_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with wire() as (near, far), running(Scripted(near, {"Heartbeat": heartbeat})):
        far.ask("Reset", type="Sideways")
        assert (await far.hear())[:3] == [4, "1", "PropertyConstraintViolation"]
        [record] = caplog.records
        assert record.levelno == logging.WARNING
        assert "CP_1: frame rejected (invalid payload, answered as '1')" in record.getMessage()
        await heartbeats_are_answered(far)


@pytest.mark.parametrize("text", ["", "hello", "[]", "{}", "[2]", '[3,"x",{}]', '[4,"x"]', "[" * 100_000])
async def test_garbage_is_logged_and_harmless(text: str, caplog: pytest.LogCaptureFixture) -> None:
    async with wire() as (near, far), running(Scripted(near, {"Heartbeat": heartbeat})):
        far.say_raw(text)
        await quiet()
        assert [record.levelno for record in caplog.records] == [logging.WARNING]
        assert len(caplog.records[0].getMessage()) < 1000
        await heartbeats_are_answered(far)


async def test_a_call_that_comes_again_while_it_is_handled_is_handled_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ran: list[Any] = []

    async def handler(request: Any) -> call_result.Reset:
        ran.append(request)
        await anyio.sleep(1)
        return call_result.Reset(status="Accepted")

    async with wire() as (near, far), running(Scripted(near, {"Reset": handler, "Heartbeat": heartbeat})):
        far.ask("Reset", type="Soft")
        far.ask("Reset", type="Soft")
        assert await far.hear() == [3, "1", {"status": "Accepted"}]
        await heartbeats_are_answered(far)
        assert len(ran) == 1
        assert "call '1' came again, dropped" in caplog.text


async def test_bytes_are_read_as_the_text_that_they_encode() -> None:
    async with wire() as (near, far), running(Scripted(near, {"Heartbeat": heartbeat})):
        far.say_raw(b'[2,"\xc3\xa4","Heartbeat",{}]')
        assert await far.hear() == [3, "ä", {"currentTime": NOW}]
        far.say_raw(bytearray(b'[2,"2","Heartbeat",{}]'))
        assert await far.hear() == [3, "2", {"currentTime": NOW}]


# Hooks.


async def test_hooks_run_once_the_answer_has_been_written() -> None:
    async with wire() as (near, far):
        ran: list[tuple[str, list[str]]] = []

        def inline(request: Any) -> None:
            ran.append(("inline", list(near.sent)))

        async def later(request: Any) -> None:
            ran.append(("later", list(near.sent)))

        hooks = {"Heartbeat": [inline, later]}
        async with running(Scripted(near, {"Heartbeat": heartbeat}, hooks=hooks)):
            near.hold()
            far.ask("Heartbeat")
            await anyio.sleep(60)
            assert ran == []
            near.release()
            await quiet()
            answer = f'[3,"1",{{"currentTime":"{NOW}"}}]'
            assert ran == [("inline", [answer]), ("later", [answer])]


@pytest.mark.parametrize("handler", [crash, crash_later, refuse, refuse_inline, lambda request: None])
async def test_hooks_do_not_run_when_the_call_was_refused(handler: Any) -> None:
    ran: list[Any] = []
    async with wire() as (near, far):
        hooks = {"Reset": [ran.append], "Heartbeat": [ran.append]}
        async with running(Scripted(near, {"Reset": handler, "Heartbeat": heartbeat}, hooks=hooks)):
            far.ask("Reset", type="Soft")
            assert (await far.hear())[0] == 4
            await heartbeats_are_answered(far)
            await quiet()
        assert ran == [call.Heartbeat()]


async def test_hooks_do_not_run_when_the_answer_could_not_be_written() -> None:
    ran: list[Any] = []
    async with wire() as (near, far):
        near.send_error = OSError("broken pipe")
        driver = Scripted(near, {"Heartbeat": heartbeat}, hooks={"Heartbeat": [ran.append]})
        async with running(driver) as [outcome]:
            far.ask("Heartbeat")
            await quiet()
            assert outcome.error is near.send_error
        assert ran == []


@pytest.mark.parametrize("hook", [crash, crash_later])
async def test_a_crashing_hook_is_logged_and_stops_neither_the_others_nor_the_link(
    hook: Any, caplog: pytest.LogCaptureFixture
) -> None:
    ran: list[str] = []

    async def later(request: Any) -> None:
        ran.append("later")

    async with wire() as (near, far):
        hooks = {"Heartbeat": [hook, lambda request: ran.append("inline"), hook, later]}
        async with running(Scripted(near, {"Heartbeat": heartbeat}, hooks=hooks)):
            await heartbeats_are_answered(far)
            await quiet()
            assert ran == ["inline", "later"]
            assert [record.getMessage() for record in caplog.records] == [
                "CP_1: a hook after Heartbeat failed"
            ] * 2
            assert all(record.exc_info for record in caplog.records)
            await heartbeats_are_answered(far)


@only_asyncio
@pytest.mark.parametrize("hook", [cancels_itself, awaits_what_is_cancelled, raises_cancelled])
async def test_a_cancellation_from_inside_a_hook_stays_there(
    hook: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with wire() as (near, far):
        driver = Scripted(near, {"Heartbeat": heartbeat}, hooks={"Heartbeat": [hook]})
        async with running(driver) as [outcome]:
            for _ in range(2):
                await heartbeats_are_answered(far)
                await quiet()
            assert not outcome.ended
        assert caplog.text.count("a hook after Heartbeat failed") == 2


async def test_a_hook_may_call_back() -> None:
    async with wire() as (near, far):
        answers: list[Any] = []

        async def hook(request: Any) -> None:
            answers.append(await driver.call(call.Reset(type="Soft")))

        driver = Scripted(near, {"Heartbeat": heartbeat}, hooks={"Heartbeat": [hook]})
        async with running(driver), anyio.create_task_group() as tasks:
            await heartbeats_are_answered(far)
            tasks.start_soon(answering, far)
            await quiet()
            assert answers == [call_result.Reset(status="Accepted")]
            tasks.cancel_scope.cancel()


async def test_at_most_so_many_handlers_run_at_once() -> None:
    running_now = most = 0

    async def handler(request: Any) -> call_result.Reset:
        nonlocal running_now, most
        running_now += 1
        most = max(most, running_now)
        await anyio.sleep(1)
        running_now -= 1
        return call_result.Reset(status="Accepted")

    async with wire() as (near, far):
        async with running(Scripted(near, {"Reset": handler}, limits=Limits(open_calls=3))):
            for number in range(10):
                far.ask("Reset", str(number), type="Soft")
            answers = [await far.hear() for _ in range(10)]
        assert most == 3
        assert [frame[0] for frame in answers] == [4] * 7 + [3] * 3
        assert InternalError().code not in {frame[2] for frame in answers[:7]}
