"""OCPP 2.0.1 between this library and mobilityhouse's `ocpp`, each in both roles, over a real WebSocket.

One source serves both libraries, for the names of messages and members agree. What is asked and answered arrives as it was meant,
and every frame is valid by mobilityhouse's copies of the schemas.
"""

import asyncio
import dataclasses
import json
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.resources import files
from types import ModuleType
from typing import Any, NamedTuple

import ocpp.routing
import ocpp.v201
import pytest
from jsonschema.validators import validator_for
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

import ocpp_sansio.routing
import ocpp_sansio_adapters.v201
from ocpp_sansio.messages import asdict
from ocpp_sansio.v201 import call, call_result
from tests.interop.session import NOON, Payload, Step
from tests.interop.wire import CALL, CALLRESULT, Tap

pytestmark = pytest.mark.anyio


def without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_none(item) for key, item in value.items() if item is not None}
    return value


class Library(NamedTuple):
    """What a program of either library imports, and how it reads an answer."""

    charge_point: type[Any]
    routing: ModuleType
    call: ModuleType
    call_result: ModuleType
    plain: Callable[[Any], Payload]


OURS = Library(ocpp_sansio_adapters.v201.ChargePoint, ocpp_sansio.routing, call, call_result, plain=asdict)
THEIRS = Library(
    ocpp.v201.ChargePoint,
    ocpp.routing,
    ocpp.v201.call,
    ocpp.v201.call_result,
    plain=lambda response: without_none(dataclasses.asdict(response)),
)

TOKEN = {"id_token": "04E91C5A123480", "type": "ISO14443"}


def event(event_type: str, trigger_reason: str, seq_no: int, energy: float, **more: Any) -> Payload:
    return {
        "event_type": event_type,
        "timestamp": NOON,
        "trigger_reason": trigger_reason,
        "seq_no": seq_no,
        "transaction_info": {"transaction_id": "c0ffee", "charging_state": "Charging"},
        "meter_value": [
            {
                "timestamp": NOON,
                "sampled_value": [
                    {
                        "value": energy,
                        "measurand": "Energy.Active.Import.Register",
                        "unit_of_measure": {"unit": "Wh"},
                    },
                    {"value": 41, "measurand": "SoC", "unit_of_measure": {"unit": "Percent"}},
                ],
            }
        ],
        **more,
    }


SESSION = [
    Step(
        "station",
        "BootNotification",
        {"charging_station": {"model": "One", "vendor_name": "acme"}, "reason": "PowerUp"},
        {"current_time": NOON, "interval": 300, "status": "Accepted"},
    ),
    Step("station", "Heartbeat", {}, {"current_time": NOON}),
    Step(
        "station",
        "TransactionEvent",
        event("Started", "Authorized", 0, 1234.5, id_token=TOKEN, evse={"id": 1, "connector_id": 1}),
        {"id_token_info": {"status": "Accepted"}},
    ),
    Step("station", "TransactionEvent", event("Updated", "MeterValuePeriodic", 1, 1300.25), {}),
    Step("csms", "RequestStopTransaction", {"transaction_id": "c0ffee"}, {"status": "Accepted"}),
    Step("station", "TransactionEvent", event("Ended", "RemoteStop", 2, 1350), {"total_cost": 0.25}),
]


@pytest.mark.parametrize(
    "libraries",
    [
        pytest.param({"station": THEIRS, "csms": OURS}, id="their station at our CSMS"),
        pytest.param({"station": OURS, "csms": THEIRS}, id="our station at their CSMS"),
    ],
)
async def test_a_whole_session(libraries: dict[str, Library]) -> None:
    wire: list[Tap] = []
    ends: dict[str, Any] = {}
    arrived = asyncio.Event()

    async def run(role: str, connection: Any) -> None:
        tap = Tap(connection)
        wire.append(tap)
        ends[role] = end(role, libraries[role])("CP_1", tap)
        ends[role].asked = []
        arrived.set()
        with suppress(ConnectionClosed):
            await ends[role].start()

    async def on_connect(connection: ServerConnection) -> None:
        await run("csms", connection)

    async with serve(on_connect, "127.0.0.1", 0, subprotocols=["ocpp2.0.1"]) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}/CP_1", subprotocols=["ocpp2.0.1"]) as connection:
            await arrived.wait()
            reading = asyncio.create_task(run("station", connection))
            await asyncio.sleep(0)
            async with asyncio.timeout(20):
                for step in SESSION:
                    library = libraries[step.asker]
                    request = getattr(library.call, step.action)(**step.request)
                    assert library.plain(await ends[step.asker].call(request)) == step.answer
        await reading
    for role, played in ends.items():
        assert played.asked == [(step.action, step.request) for step in SESSION if step.asker != role]
    for tap in wire:
        check_frames([text for _, text in tap.frames])


def end(role: str, library: Library) -> type[Any]:
    """A class that answers as SESSION says, in its order, and notes in `asked` what it was asked."""
    answers: dict[str, list[Payload]] = {}
    for step in SESSION:
        if step.asker != role:
            answers.setdefault(step.action, []).append(step.answer)

    def handler(action: str) -> Any:
        left = iter(answers[action])

        def handle(self: Any, **request: Any) -> Any:
            self.asked.append((action, request))
            return getattr(library.call_result, action)(**next(left))

        handle.__name__ = f"on_{action}"  # theirs finds handlers by name
        return library.routing.on(action)(handle)

    return type("End", (library.charge_point,), {f"on_{action}": handler(action) for action in answers})


def check_frames(texts: list[str]) -> None:
    """Assert that what one end has seen is one valid call after the other, each with a valid answer."""
    steps = iter(SESSION)
    frames = [json.loads(text) for text in texts]
    for asking, answering in zip(frames[::2], frames[1::2], strict=True):
        action = next(steps).action
        assert asking[0] == CALL
        assert asking[2] == action
        judge(f"{action}Request").validate(asking[3])
        assert answering[:2] == [CALLRESULT, asking[1]]
        judge(f"{action}Response").validate(answering[2])
    assert next(steps, None) is None


@cache
def judge(name: str) -> Any:
    """Jsonschema by the schema of mobilityhouse."""
    schema = json.loads(files("ocpp").joinpath("v201", "schemas", f"{name}.json").read_text("utf-8-sig"))
    return validator_for(schema)(schema)
