"""Programs written for mobilityhouse's `ocpp` run on this library with nothing but their imports changed.

They are the OCPP 1.6 programs of its documentation: under programs/ in our words, and, where the pages themselves lie beside this
repository, those too. As a control the same tests run some of them unchanged, on `ocpp`.
"""

import asyncio
import json
import re
import socket
import textwrap
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from ocpp_sansio.routing import on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v16.enums import Action, RegistrationStatus
from ocpp_sansio_adapters.v16 import ChargePoint
from tests.interop.process import Program, running

pytestmark = pytest.mark.anyio

CLIENT, SERVER, TUTORIAL = "Client side usage", "Server side usage", "Implementing a Charge Point"

OUR_WORDING = Path(__file__).parent / "programs"
PAGES = Path(__file__).parents[3] / "shared" / "seeds"

Text = Callable[[str], str]


def our_wording(title: str) -> str:
    return (OUR_WORDING / f"{title.lower().replace(' ', '_')}.py").read_text("utf-8")


def page(title: str) -> str:
    """The program that the page with this title builds up: its blocks of code for 1.6, and at the end what starts it."""
    if not PAGES.is_dir():
        pytest.skip("the pages are not beside this repository")
    texts = (path.read_text("utf-8") for path in sorted(PAGES.glob("*.txt")))
    text = next(text for text in texts if text.startswith(title))
    without_v201 = re.sub(r"(?m)^\.\. tab:: v201\n(?:[ \t].*\n|\n)+", "", text)
    blocks = re.findall(r"(?m)^( *)\.\. code-block:: python\n((?:\1 +\S.*\n|[ \t]*\n)+)", without_v201)
    code = "\n".join(textwrap.dedent(block) for _, block in blocks if "def " in block)
    code = re.sub(r"(?m)^:caption:.*", "", code)
    (start,) = re.findall(r"(?m)^if __name__ == .*\n(?:[ \t]+.*\n)+", code)
    return str(code.replace(start, "") + start)


def unchanged(program: str) -> str:
    return program


def with_our_imports(program: str) -> str:
    adapters = re.sub(
        r"(?m)^from ocpp\.(v\w+) import ChargePoint",
        r"from ocpp_sansio_adapters.\1 import ChargePoint",
        program,
    )
    return re.sub(r"(?m)^from ocpp\.", "from ocpp_sansio.", adapters)


@asynccontextmanager
async def started(folder: Path, program: str, port: int) -> AsyncIterator[Program]:
    """Run the program on this port; its log shows even if it does not ask for that."""
    file = folder / "program.py"
    file.write_text(re.sub(r"\b(9000|8765)\b", str(port), program), "utf-8")
    logged = "import logging, runpy, sys; logging.basicConfig(level='INFO'); runpy.run_path(sys.argv[1], run_name='__main__')"
    async with running("-c", logged, file) as process:
        yield process


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def folder(parent: Path, name: str) -> Path:
    (parent / name).mkdir()
    return parent / name


@pytest.mark.parametrize("title", [CLIENT, SERVER, TUTORIAL])
@pytest.mark.parametrize("text", [our_wording, page])
def test_only_imports_are_changed(text: Text, title: str) -> None:
    before, after = text(title).splitlines(), with_our_imports(text(title)).splitlines()
    changed = [old for old, new in zip(before, after, strict=True) if old != new]
    assert changed
    assert all(line.startswith("from ocpp.") for line in changed)


@pytest.mark.parametrize(
    ("text", "client_library", "server_library"),
    [
        (our_wording, with_our_imports, with_our_imports),
        (our_wording, with_our_imports, unchanged),
        (our_wording, unchanged, with_our_imports),
        (page, with_our_imports, with_our_imports),
    ],
)
async def test_client_program_boots_at_server_program(
    text: Text, client_library: Text, server_library: Text, port: int, tmp_path: Path
) -> None:
    async with started(folder(tmp_path, "server"), server_library(text(SERVER)), port) as server:
        await server.line("server listening on")
        async with started(folder(tmp_path, "client"), client_library(text(CLIENT)), port) as client:
            await client.line("CP_1: send [2,")
            await client.line("CP_1: receive message [3,")
            await client.line("Connected to")
        await server.line("CP_1: receive message [2,")
        await server.line("CP_1: send [3,")


@pytest.mark.parametrize("text", [our_wording, page])
async def test_server_program_answers_what_a_person_types(text: Text, port: int, tmp_path: Path) -> None:
    async with started(tmp_path, with_our_imports(text(SERVER)), port) as server:
        await server.line("server listening on")
        async with connect(f"ws://127.0.0.1:{port}/cp_id_1", subprotocols=["ocpp1.6"]) as person:
            await person.send(
                '[2, "12345", "BootNotification", {"chargePointVendor": "acme", "chargePointModel": "One"}]'
            )
            message_type, id, answer = json.loads(await person.recv())
    assert (message_type, id) == (3, "12345")
    assert answer.keys() == {"currentTime", "interval", "status"}
    assert answer["status"] == "Accepted"


class StrictCSMS(ChargePoint):
    """Answers with the status of its class; interval 0, so that nobody waits for heartbeats."""

    status: RegistrationStatus

    @on(call.BootNotification)
    def on_boot_notification(self, request: call.BootNotification) -> call_result.BootNotification:
        return call_result.BootNotification(current_time=datetime.now(UTC), interval=0, status=self.status)

    @on(call.Heartbeat)
    def on_heartbeat(self, request: call.Heartbeat) -> call_result.Heartbeat:
        return call_result.Heartbeat(current_time=datetime.now(UTC))


@asynccontextmanager
async def tutorial_at_csms(
    status: RegistrationStatus, program: str, folder: Path
) -> AsyncIterator[tuple[Program, StrictCSMS]]:
    """The tutorial's charge point, and what the CSMS that gives it this status knows of it."""
    arrived: asyncio.Future[StrictCSMS] = asyncio.get_running_loop().create_future()

    async def on_connect(connection: ServerConnection) -> None:
        assert connection.request is not None
        csms = StrictCSMS(connection.request.path.split("/")[-1], connection)
        csms.status = status
        arrived.set_result(csms)
        with suppress(ConnectionClosed):
            await csms.start()

    async with serve(on_connect, "127.0.0.1", 0, subprotocols=["ocpp1.6"]) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with started(folder, program, port) as charge_point:
            await charge_point.line("SOME_ID: receive message [3,")
            yield charge_point, await arrived


tutorials = pytest.mark.parametrize(
    ("text", "library"), [(our_wording, with_our_imports), (page, with_our_imports), (our_wording, unchanged)]
)


@tutorials
async def test_tutorial_sends_heartbeats_once_accepted(text: Text, library: Text, tmp_path: Path) -> None:
    program = library(text(TUTORIAL))
    async with tutorial_at_csms(RegistrationStatus.accepted, program, tmp_path) as (charge_point, csms):
        for _ in range(3):
            await charge_point.line("Setting system time")
        # A heartbeat is on its way at any moment; the program sees the link's own exception all the same.
        await csms.transport.close()
        await charge_point.line("closed the connection")
        assert await charge_point.ended() == 0


@tutorials
async def test_tutorial_hangs_up_once_rejected(text: Text, library: Text, tmp_path: Path) -> None:
    program = library(text(TUTORIAL))
    async with tutorial_at_csms(RegistrationStatus.rejected, program, tmp_path) as (charge_point, _csms):
        await charge_point.line("rejected")
        await charge_point.line("closed the connection")
        assert await charge_point.ended() == 0


@tutorials
async def test_tutorial_keeps_quiet_while_pending(text: Text, library: Text, tmp_path: Path) -> None:
    program = library(text(TUTORIAL))
    async with tutorial_at_csms(RegistrationStatus.pending, program, tmp_path) as (charge_point, csms):
        await charge_point.line("Status pending")
        await csms.transport.close()
        await charge_point.line("closed the connection")
        assert await charge_point.ended() == 0
    assert not [line for line in charge_point.printed if "Heartbeat" in line]


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
            await person.send(
                '[2, "1", "BootNotification", {"chargePointVendor": "acme", "chargePointModel": "One"}]'
            )
            _, _, answer = json.loads(await person.recv())
    assert answer["currentTime"].endswith("Z")
