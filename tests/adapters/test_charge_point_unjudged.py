"""charge_point.py: what its handlers get of messages that are not judged, and of actions that nobody knows."""

from typing import Any

import pytest

from ocpp_sansio import Connection, Raw
from ocpp_sansio.routing import after, on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio_adapters.v16 import ChargePoint
from tests.adapters.wire import NOW, quiet, running, wire

pytestmark = pytest.mark.anyio

ACCEPTED = call_result.BootNotification(current_time=NOW, interval=10, status="Accepted")


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


def unjudged(**options: Any) -> Connection:
    return Connection(None, "1.6", validation="off", **options)


async def test_a_typed_handler_gets_what_is_not_judged_as_a_raw() -> None:
    class Station(ChargePoint):
        @on(call.BootNotification)
        def boot(self, request: call.BootNotification | Raw) -> call_result.BootNotification:
            assert type(request) is Raw
            return {"acme": ACCEPTED}[request.payload["chargePointVendor"]]

    async with wire() as (near, far), running(Station("CP_1", near, protocol=unjudged())):
        far.ask("BootNotification", chargePointVendor="acme", surplus=1)
        assert (await far.hear())[2]["status"] == "Accepted"


async def test_a_keyword_handler_gets_what_is_not_judged_as_its_payload() -> None:
    got: list[Any] = []

    class Station(ChargePoint):
        @on("BootNotification")
        def boot(self, payload: dict[str, Any]) -> call_result.BootNotification:
            got.append(payload)
            return ACCEPTED

        @after("BootNotification")
        def booted(self, payload: dict[str, Any]) -> None:
            got.append(payload)

    async with wire() as (near, far), running(Station("CP_1", near, protocol=unjudged())):
        far.ask("BootNotification", chargePointVendor="acme", surplus=1)
        assert (await far.hear())[2]["status"] == "Accepted"
        await quiet()
    assert got == [{"chargePointVendor": "acme", "surplus": 1}] * 2


Sing = Raw.declare("Sing", request={"type": "object"}, response={"type": "object"})


class Singer(ChargePoint):
    extensions = (Sing,)


@pytest.mark.parametrize(
    ("cls", "action", "code"),
    [
        (ChargePoint, "Heartbeat", "NotSupported"),
        (ChargePoint, "Sing", "NotImplemented"),
        (Singer, "Sing", "NotSupported"),
        (Singer, "Dance", "NotImplemented"),
    ],
)
async def test_an_action_that_nobody_knows_is_not_implemented_where_nothing_is_judged(
    cls: type[ChargePoint], action: str, code: str
) -> None:
    async with wire() as (near, far), running(cls("CP_1", near, protocol=unjudged())):
        far.ask(action)
        assert (await far.hear())[:3] == [4, "1", code]


async def test_an_action_that_only_the_protocol_knows_is_not_supported() -> None:
    protocol = Connection(None, "1.6", extensions=[Sing])
    async with wire() as (near, far), running(ChargePoint("CP_1", near, protocol=protocol)):
        far.ask("Sing")
        assert (await far.hear())[:3] == [4, "1", "NotSupported"]
