"""charge_point.py: what `call` of a ChargePoint adds to that of its driver, and what hooks may ask for."""

import logging
from typing import Any

import anyio
import pytest

from ocpp_sansio import OCPPError, Raw
from ocpp_sansio.errors import GenericError
from ocpp_sansio.routing import after, on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio_adapters.v16 import ChargePoint
from tests.adapters.wire import NOW, End, quiet, running, wire

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


async def refusing(far: End, times: int = 1) -> None:
    """Refuse the next calls."""
    for _ in range(times):
        frame = await far.hear()
        far.say(4, frame[1], "GenericError", "not today", {})


@pytest.mark.parametrize("request_", [call.Heartbeat(), Raw("Heartbeat")], ids=["class", "Raw"])
async def test_with_suppress_a_refusal_is_none_and_logged(
    request_: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with wire() as (near, far):
        station = ChargePoint("CP_1", near)
        async with running(station), anyio.create_task_group() as tasks:
            tasks.start_soon(refusing, far)
            assert await station.call(request_, suppress=True) is None
    [warning] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert warning.getMessage() == f"CP_1: Heartbeat was refused: {GenericError('not today')}"


@pytest.mark.parametrize("options", [{}, {"suppress": False}])
async def test_without_suppress_a_refusal_is_raised(options: dict[str, Any]) -> None:
    async with wire() as (near, far):
        station = ChargePoint("CP_1", near)
        async with running(station), anyio.create_task_group() as tasks:
            tasks.start_soon(refusing, far)
            with pytest.raises(OCPPError, match="not today"):
                await station.call(call.Heartbeat(), **options)


async def test_suppress_hides_no_answer() -> None:
    async def answer(far: End) -> None:
        far.say(3, (await far.hear())[1], {"currentTime": NOW})

    async with wire() as (near, far):
        station = ChargePoint("CP_1", near)
        async with running(station), anyio.create_task_group() as tasks:
            tasks.start_soon(answer, far)
            assert await station.call(call.Heartbeat(), True) == call_result.Heartbeat(current_time=NOW)


async def test_the_message_id_may_be_chosen() -> None:
    async with wire() as (near, far):
        station = ChargePoint("CP_1", near)
        async with running(station), anyio.create_task_group() as tasks:
            tasks.start_soon(refusing, far, 3)
            await station.call(call.Heartbeat(), suppress=True, unique_id="mine")
            await station.call(call.Heartbeat(), True, "ours")
            await station.call(payload=call.Heartbeat(), suppress=True, unique_id="named")
        assert near.sent == [f'[2,"{id}","Heartbeat",{{}}]' for id in ("mine", "ours", "named")]


async def test_handlers_and_hooks_get_what_they_name() -> None:
    got: list[Any] = []

    class Curious(ChargePoint):
        @on("Reset")
        def reset(self, type: str, call_unique_id: str) -> call_result.Reset:
            got.append((type, call_unique_id))
            return call_result.Reset(status="Accepted")

        @after("Reset", inject_response=True)
        def done(self, type: str, call_response: dict[str, Any], call_unique_id: str) -> None:
            got.append((type, call_response, call_unique_id))

    async with wire() as (near, far), running(Curious("CP_1", near)):
        far.ask("Reset", type="Soft")
        id = (await far.hear())[1]
        await quiet()
    assert got == [("Soft", id), ("Soft", {"status": "Accepted"}, id)]
