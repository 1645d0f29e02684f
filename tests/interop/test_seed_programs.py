"""Programs written for mobilityhouse's `ocpp` run on this library with nothing but their imports changed.

Here: client and server. The tutorial is in test_seed_tutorial.py, what wants an older `websockets` in
test_seed_older.py. Some of the programs run on `ocpp` as well, as a control.
"""

import json
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from tests.interop.programs.as_written import (
    OF_OCPP_ONLY,
    SEEDS,
    our_wording,
    page,
    shape,
    started,
    text_of,
    unchanged,
    with_our_imports,
)

pytestmark = pytest.mark.anyio

Text = Callable[[str], str]

#: By version, what a person types to boot, and what it is in a payload.
TYPED = {
    "v16": '{"chargePointVendor": "The Mobility House", "chargePointModel": "Optimus"}',
    "v201": '{"chargingStation": {"vendorName": "acme", "model": "One"}, "reason": "PowerUp"}',
}
SUBPROTOCOL = {"v16": "ocpp1.6", "v201": "ocpp2.0.1"}


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    ("text", "file"),
    [
        *((our_wording, file) for file in SEEDS),
        *((page, seed.file) for seed in SEEDS.values() if seed.heading),
    ],
)
def test_only_imports_are_changed(text: Text, file: str) -> None:
    before, after = text(file).splitlines(), with_our_imports(text(file)).splitlines()
    changed = [old for old, new in zip(before, after, strict=True) if old != new]
    assert changed
    assert [line for line in changed if not line.startswith(("from ocpp.", "import websockets"))] == []
    assert not [line for line in after if "from ocpp." in line]


@pytest.mark.parametrize(
    ("text", "version", "client_library", "server_library"),
    [
        (our_wording, "v16", with_our_imports, unchanged),
        (our_wording, "v16", unchanged, with_our_imports),
        (our_wording, "v201", with_our_imports, with_our_imports),
        (page, "v16", with_our_imports, with_our_imports),
    ],
)
async def test_client_and_then_a_person_boot_at_the_server(
    text: Text, version: str, client_library: Text, server_library: Text, port: int, tmp_path: Path
) -> None:
    server_program = server_library(text(f"{version}/server_side_usage"))
    client_program = client_library(text(f"{version}/client_side_usage"))
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(started(tmp_path / "server", server_program, port))
        await server.line("server listening on")
        client = await stack.enter_async_context(
            started(tmp_path / "client", client_program, port, logged=OF_OCPP_ONLY)
        )
        asked = await client.line("CP_1: send [2,")
        answered = await client.line("CP_1: receive message [3,")
        await client.line("Connected to")
        assert asked.startswith("CP_1: ")  # as the page shows it, without a level
        assert await server.line("CP_1: receive message [2,") == (
            f"INFO:ocpp:{asked.replace('send', 'receive message', 1)}"
        )
        assert await server.line("CP_1: send [3,") == (
            f"INFO:ocpp:{answered.replace('receive message', 'send', 1)}"
        )
        await _person_boots(version, port)
        typed = f'cp_id_1: receive message [2, "12345", "BootNotification", {TYPED[version]}]'
        assert (await server.line("cp_id_1: receive")).rstrip() == f"INFO:ocpp:{typed}"
        assert shape(await server.line("cp_id_1: send")) == (
            "INFO:ocpp:cp_id_1: send ",
            3,
            {"currentTime": "...", "interval": "...", "status": "Accepted"},
        )


async def _person_boots(version: str, port: int) -> None:
    url = f"ws://127.0.0.1:{port}/cp_id_1"
    async with connect(url, subprotocols=[SUBPROTOCOL[version]]) as person:  # type: ignore[list-item]
        await person.send(f'[2, "12345", "BootNotification", {TYPED[version]}]')
        message_type, id, answer = json.loads(await person.recv())
    assert (message_type, id) == (3, "12345")
    assert answer.keys() == {"currentTime", "interval", "status"}
    assert answer["status"] == "Accepted"


def test_what_the_server_logs_is_what_its_page_shows() -> None:
    lines = text_of(SEEDS["v16/server_side_usage"]).splitlines()
    shown = [line.strip() for line in lines if line.strip().startswith("cp_id_1: ")]
    assert [line.split("[")[0] for line in shown] == ["cp_id_1: receive message ", "cp_id_1: send "]
    assert shown[0] == f'cp_id_1: receive message [2, "12345", "BootNotification", {TYPED["v16"]}]'
    assert shape(shown[1])[2].keys() == {"currentTime", "interval", "status"}
