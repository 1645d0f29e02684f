"""The charge point tutorial of mobilityhouse's `ocpp`, for both versions, at a CSMS that gives each status."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from ocpp_sansio import Version
from ocpp_sansio.routing import on
from ocpp_sansio_adapters import v16, v201
from tests.interop.process import Program
from tests.interop.programs.as_written import (
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

SUBPROTOCOL = {"v16": "ocpp1.6", "v201": "ocpp2.0.1"}


class Answering:
    """Answers with the status of its class; interval 0, so that nobody waits for heartbeats."""

    status: str
    version: Version

    @on("BootNotification")
    def on_boot_notification(self, **members: Any) -> Any:
        answer: Any = self.version.load()["BootNotification"].__answer__
        return answer(current_time=datetime.now(UTC), interval=0, status=self.status)

    @on("Heartbeat")
    def on_heartbeat(self) -> Any:
        answer: Any = self.version.load()["Heartbeat"].__answer__
        return answer(current_time=datetime.now(UTC))


class CSMS16(Answering, v16.ChargePoint): ...


class CSMS201(Answering, v201.ChargePoint): ...


CSMS = {"v16": CSMS16, "v201": CSMS201}


@asynccontextmanager
async def at_csms(
    status: str, text: Text, library: Text, version: str, folder: Path
) -> AsyncIterator[tuple[Program, Any]]:
    """The tutorial's charge point, and what the CSMS that gives it this status knows of it."""
    arrived: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def on_connect(connection: ServerConnection) -> None:
        assert connection.request is not None
        csms = CSMS[version](connection.request.path.split("/")[-1], connection)
        csms.status = status
        arrived.set_result(csms)
        with suppress(ConnectionClosed):
            await csms.start()

    program = library(text(f"{version}/implementing_a_charge_point"))
    subprotocols: Any = [SUBPROTOCOL[version]]
    async with serve(on_connect, "127.0.0.1", 0, subprotocols=subprotocols) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with started(folder, program, port) as charge_point:
            await charge_point.line("SOME_ID: receive message [3,")
            yield charge_point, await arrived


#: What the program logs and prints once it is accepted, as far as its page shows it.
BOOT = {
    (our_wording, "v16"): {"chargePointModel": "One", "chargePointVendor": "acme"},
    (our_wording, "v201"): {
        "chargingStation": {"model": "One", "vendorName": "acme"},
        "reason": "PowerUp",
    },
    (page, "v16"): {"chargePointModel": "Optimus", "chargePointVendor": "The Mobility House"},
    (page, "v201"): {
        "chargingStation": {"model": "Optimus", "vendorName": "The Mobility House"},
        "reason": "PowerUp",
    },
}
SENT, RECEIVED = "INFO:ocpp:SOME_ID: send ", "INFO:ocpp:SOME_ID: receive message "
HEARTBEAT = [
    (SENT, 2, "Heartbeat", {}),
    (RECEIVED, 3, {"currentTime": "..."}),
    "Setting system time",
]


def log_of(text: Text, version: str) -> list[Any]:
    return [
        (SENT, 2, "BootNotification", BOOT[text, version]),
        (RECEIVED, 3, {"currentTime": "...", "interval": "...", "status": "Accepted"}),
        "Setting system time",
        *HEARTBEAT,
        *HEARTBEAT,
    ]


def outline(lines: list[str]) -> list[Any]:
    """Frames by their shape, anything else by its first words."""
    return [
        shape(line) if line.startswith("INFO:ocpp:") else line[: len("Setting system time")] for line in lines
    ]


@pytest.mark.parametrize("version", ["v16", "v201"])
def test_the_page_shows_this_log(version: str) -> None:
    text = text_of(SEEDS[f"{version}/implementing_a_charge_point"])
    shown = text.partition("from the Charge Point you will see")[2].partition(f".. tab:: {version}\n")[2]
    lines = [line.strip() for line in shown.splitlines() if line.strip().startswith(("INFO:", "Setting"))]
    assert outline(lines)[:9] == log_of(page, version)


@pytest.mark.parametrize(
    ("text", "library", "version"),
    [
        (our_wording, with_our_imports, "v16"),
        (our_wording, with_our_imports, "v201"),
        (page, with_our_imports, "v16"),
        (page, with_our_imports, "v201"),
        (our_wording, unchanged, "v16"),
    ],
)
async def test_it_sends_heartbeats_once_accepted(
    text: Text, library: Text, version: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="ocpp")
    async with at_csms("Accepted", text, library, version, tmp_path) as (charge_point, csms):
        for _ in range(3):
            await charge_point.line("Setting system time")
        logged = charge_point.printed[:9]
        assert outline(logged) == log_of(text, version)
        # A heartbeat is on its way at any moment; the program sees the link's own exception all the same.
        await csms.transport.close()
        await charge_point.line("closed the connection")
        assert await charge_point.ended() == 0
    frames = [line.partition("send ")[2] for line in logged if line.startswith(SENT)]
    assert [json.dumps(json.loads(frame), separators=(",", ":")) for frame in frames] == frames
    # The CSMS logs the same frames, the other way round.
    messages = [f"INFO:{record.name}:{record.getMessage()}" for record in caplog.records[:6]]
    turned = [f"INFO:ocpp:SOME_ID: {_turned(line)}" for line in logged if line.startswith("INFO:ocpp:")]
    assert messages == turned


def _turned(line: str) -> str:
    """A frame that was sent as one that was received, and the reverse."""
    frame = line[line.index("[") :]
    return f"receive message {frame}" if line.startswith(SENT) else f"send {frame}"


@pytest.mark.parametrize(
    ("text", "library", "version"),
    [
        (our_wording, with_our_imports, "v201"),
        (page, with_our_imports, "v16"),
        (our_wording, unchanged, "v201"),
    ],
)
async def test_it_hangs_up_once_rejected(text: Text, library: Text, version: str, tmp_path: Path) -> None:
    async with at_csms("Rejected", text, library, version, tmp_path) as (charge_point, _):
        await charge_point.line("rejected")
        await charge_point.line("closed the connection")
        assert await charge_point.ended() == 0


@pytest.mark.parametrize(("text", "version"), [(our_wording, "v16"), (page, "v201")])
async def test_it_keeps_quiet_while_pending(text: Text, version: str, tmp_path: Path) -> None:
    async with at_csms("Pending", text, with_our_imports, version, tmp_path) as (charge_point, csms):
        await charge_point.line("Status pending")
        await csms.transport.close()
        await charge_point.line("closed the connection")
        assert await charge_point.ended() == 0
    assert not [line for line in charge_point.printed if "Heartbeat" in line]
