"""The README and the older page on central systems of mobilityhouse's `ocpp`.

They have handlers with two arguments, which only `websockets.legacy` calls, and names from before version
1.0, which `ocpp` itself no longer has: none of them can run unchanged, as a control.
"""

import json
import re
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from ocpp_sansio.routing import on
from ocpp_sansio.v16 import call_result
from ocpp_sansio.v16.enums import Action, RegistrationStatus
from ocpp_sansio_adapters.v16 import ChargePoint
from tests.interop.programs.as_written import our_wording, page, shape, started, with_our_imports

pytestmark = pytest.mark.anyio

Text = Callable[[str], str]

TYPED = '[2, "12345", "BootNotification", {"chargePointVendor": "acme", "chargePointModel": "One"}]'
ACCEPTED = {"currentTime": "...", "interval": "...", "status": "Accepted"}


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("text", [our_wording, page])
async def test_the_station_of_the_readme_boots_at_the_csms_of_the_readme(
    text: Text, port: int, tmp_path: Path
) -> None:
    csms_program = with_our_imports(text("v201/readme_central_system"))
    station_program = with_our_imports(text("v201/readme_charge_point"))
    async with AsyncExitStack() as stack:
        csms = await stack.enter_async_context(started(tmp_path / "csms", csms_program, port))
        await csms.line("INFO:root:WebSocket Server Started")
        station = await stack.enter_async_context(started(tmp_path / "station", station_program, port))
        asked = shape(await station.line("CP_1: send [2,"))
        answered = shape(await station.line("CP_1: receive message [3,"))
        await station.line("Connected to")
        await csms.line("INFO:root:Protocols Matched: ocpp2.0.1")
        assert shape(await csms.line("CP_1: receive message [2,"))[1:] == asked[1:]
        assert shape(await csms.line("CP_1: send [3,"))[1:] == answered[1:]
    assert (asked[0], answered[0]) == ("INFO:ocpp:CP_1: send ", "INFO:ocpp:CP_1: receive message ")
    assert asked[3].keys() == {"chargingStation", "reason"}
    assert asked[3]["chargingStation"].keys() == {"model", "vendorName"}
    assert answered[1:] == (3, ACCEPTED)


@pytest.mark.parametrize("text", [our_wording, page])
async def test_the_older_central_system_answers_what_a_person_types(
    text: Text, port: int, tmp_path: Path
) -> None:
    program = with_our_imports(text("v16/central_system"))
    async with started(tmp_path, program, port) as server:
        await server.line("server listening on")
        url = f"ws://127.0.0.1:{port}/test_charge_point"
        async with connect(url, subprotocols=["ocpp1.6"]) as person:  # type: ignore[list-item]
            await person.send(TYPED)
            answer = json.loads(await person.recv())
        assert (
            await server.line("receive")
        ).rstrip() == f"INFO:ocpp:test_charge_point: receive message {TYPED}"
        assert shape(await server.line("send"))[1:] == (3, ACCEPTED)
    assert answer[:2] == [3, "12345"]
    # The program gives a time without a zone, which OCPP does not know.
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", answer[2]["currentTime"])


# Spelled as before version 1.0 of `ocpp`, with a time that has lost its zone.
async def test_older_names_still_work_and_say_that_they_are_older() -> None:
    class MyChargePoint(ChargePoint):
        @on(Action.BootNotification)
        async def on_boot_notification(self, charge_point_vendor, charge_point_model, **kwargs):
            with pytest.deprecated_call(match=r"call_result\.BootNotification\b"):
                answer = call_result.BootNotificationPayload
            return answer(
                current_time=datetime.now(UTC).replace(tzinfo=None).isoformat(),
                interval=10,
                status=RegistrationStatus.accepted,
            )

    async def on_connect(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            await MyChargePoint("CP_1", connection).start()

    async with serve(on_connect, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}/CP_1") as person:
            await person.send(TYPED)
            _, _, answer = json.loads(await person.recv())
    assert answer["currentTime"].endswith("Z")
