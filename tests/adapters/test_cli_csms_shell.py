"""What a run has: who watches the links, what is logged, and which versions are known for how long."""

import errno
import io
import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import attrs
import pytest

from ocpp_sansio import Role, Version
from ocpp_sansio_adapters._settings import log_end, log_open
from ocpp_sansio_adapters.cli._desk.console import PlainConsole
from ocpp_sansio_adapters.cli._desk.live import DOOR, _logged
from ocpp_sansio_adapters.cli._log.trace import Trace
from ocpp_sansio_adapters.records import FrameReceived
from tests.adapters.live_command import a_shell

pytestmark = pytest.mark.anyio

LOGGER = logging.getLogger("ocpp_sansio.station")


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


def a_station(version: Version = Version.V16) -> Any:
    return SimpleNamespace(id="CP_1", version=version)


async def test_the_version_of_a_station_is_known_as_long_as_one_of_its_links_lives() -> None:
    shell = a_shell(Role.CSMS, io.StringIO())
    shell.joining(a_station())
    shell.joining(a_station(Version.V201))
    shell.left(a_station(), None)
    assert shell.versions == {"CP_1": Version.V201}
    shell.left(a_station(Version.V201), None)
    assert shell.versions == {}


async def test_why_a_link_has_ended_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    out = io.StringIO()
    shell = a_shell(Role.CSMS, out)
    loss = ConnectionResetError("gone")
    with _logged(shell):
        shell.joining(a_station())
        shell.left(a_station(), loss)
        LOGGER.warning("%s: %s", "CP_1", loss)
        LOGGER.warning("%s: %s", "CP_1", OSError("cannot\x1b connect"))
        LOGGER.warning("%s: %s", "CP_1", OSError(errno.ECONNREFUSED, "Connection refused"))
    assert [line.partition("CP_1")[2] for line in out.getvalue().splitlines()] == [
        " connected, OCPP 1.6",
        " disconnected: gone",
        " cannot\\x1b connect",
        " Connection refused",
    ]
    assert capsys.readouterr().err == ""


async def test_a_station_that_cannot_connect_says_where_and_when_it_tries_again() -> None:
    out = io.StringIO()
    shell = a_shell(Role.CHARGING_STATION, out)
    shell.outlook = "; ws://x is tried again in 10 s or more"
    with _logged(shell):
        LOGGER.warning("%s: %s", "CP_1", OSError(errno.ECONNREFUSED, "Connection refused"))
        LOGGER.warning("%s: no usable answer: %s", "CP_1", OSError("gone"))
    assert [line.partition("CP_1 ")[2] for line in out.getvalue().splitlines()] == [
        "Connection refused; ws://x is tried again in 10 s or more",
        "no usable answer: gone",
    ]


async def test_who_is_not_let_in_is_shown_and_everyday_life_not_twice() -> None:
    out = io.StringIO()
    websocket: Any = SimpleNamespace(
        identity="CP_1", subprotocol="ocpp1.6", protocol=SimpleNamespace(parser_exc=None, close_exc=None)
    )
    before = DOOR.level
    with _logged(a_shell(Role.CSMS, out)):
        DOOR.info("%.100r: refused: %s", "/CP_1", "go away")
        log_open(websocket)
        log_end(websocket)
        LOGGER.info("something else")
    assert out.getvalue() == "'/CP_1': refused: go away\n"
    assert DOOR.level == before


async def test_what_is_logged_of_nobody_is_shown_as_it_is() -> None:
    out = io.StringIO()
    with _logged(a_shell(Role.CSMS, out)):
        LOGGER.warning("the disk is full")
        LOGGER.error("%s: failed", "CP_1", exc_info=LookupError("no such thing"))
    lines = out.getvalue().splitlines()
    assert lines[0] == "the disk is full"
    assert lines[1].endswith(" CP_1 failed")
    assert lines[-1] == "LookupError: no such thing"


async def test_the_trace_is_written_even_where_no_frames_are_shown(tmp_path: Path) -> None:
    path, out = tmp_path / "trace.jsonl", io.StringIO()
    shell = a_shell(Role.CSMS, out)
    shell.frames = False
    with Trace(str(path), 10.0, shell.versions, end=Role.CSMS) as trace:
        shell = attrs.evolve(shell, trace=trace)
        shell.joining(a_station())
        shell(FrameReceived(12.5, "CP_1", '[2,"1","Heartbeat",{}]'))
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "t": 2.5,
        "station": "CP_1",
        "dir": "CS->CSMS",
        "version": "1.6",
        "raw": '[2,"1","Heartbeat",{}]',
    }
    assert "Heartbeat" not in out.getvalue()


async def test_when_nobody_reads_any_more_the_run_ends() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    shell = a_shell(Role.CSMS, io.StringIO())
    shell.console = PlainConsole(Gone(), None)
    with shell.scope:
        shell.show("x")
        await anyio.sleep(1000)
    assert shell.scope.cancelled_caught
