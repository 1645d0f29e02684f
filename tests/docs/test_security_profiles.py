"""docs/how-to/security-profiles.md: its programs do what it says, and its table is the one that is tested."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import pytest

import ocpp_sansio.security
import ocpp_sansio_adapters.security
from ocpp_sansio.handshake import UpgradeFailed
from ocpp_sansio.reconnect import ReconnectTimer
from ocpp_sansio.v16 import call
from ocpp_sansio_adapters.security import security_event
from ocpp_sansio_adapters.station import Station
from ocpp_sansio_adapters.websockets import connect
from tests.adapters.certificates import RSA, Authority, Certificate
from tests.adapters.profiles import END, IN, MEETS
from tests.adapters.sockets import CALM, eventually, nothing_left
from tests.docs.pages import files

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "security-profiles.md"
TEXT = PAGE.read_text(encoding="utf-8")

KEY = bytes.fromhex("00112233445566778899AABBCCDDEEFF")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the page names."""
    folder = tmp_path_factory.mktemp("certificates")
    csms, stations = Authority(folder, "csms-ca"), Authority(folder, "stations-ca")
    made = {
        "csms-rsa": csms.issue("localhost", key_type=RSA),
        "csms-ecdsa": csms.issue("localhost"),
        "station": stations.issue(cn="SN-0001"),
        "another": stations.issue(cn="SN-0002"),
    }
    for name, issued in made.items():
        issued.chain.rename(folder / f"{name}.pem")
        issued.key.rename(folder / f"{name}.key")
    return folder


@pytest.fixture(autouse=True)
def _here(certificates: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(certificates)


def load(name: str, folder: Path) -> ModuleType:
    """A program of the page, as a module."""
    path = folder / name
    path.write_text(files(PAGE)[name], encoding="utf-8")
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@asynccontextmanager
async def running(main: Any) -> AsyncIterator[str]:
    """The URL of a CSMS, for as long as the block lasts."""
    async with nothing_left(), anyio.create_task_group() as tasks:
        _, port = await tasks.start(main)
        yield f"wss://localhost:{port}"
        tasks.cancel_scope.cancel()


def quick() -> ReconnectTimer:
    return ReconnectTimer(wait_minimum=0.0, random_range=0.0, repeat_times=0, draw=lambda: 0.0)


def settings_of(station: Station) -> dict[str, Any]:
    """What the page's station connects with."""
    return {**station._settings, **CALM, "versions": ["1.6"]}


async def test_profile_2_lets_in_by_password_and_changes_it(tmp_path: Path) -> None:
    # J16-705, L-714
    server, client = load("csms_2.py", tmp_path), load("station_2.py", tmp_path)
    server.set_password("CP_1", KEY)
    async with running(server.main) as url:
        station = client.a_station(url, KEY, timer=quick())
        async with station:
            before = await server.csms.stations.wait("CP_1")
            new = KEY[::-1]
            assert (
                await before.call(call.ChangeConfiguration(key="Other", value="x"))
            ).status == "NotSupported"
            server.set_password("CP_1", new)
            answer = await before.call(call.ChangeConfiguration(key="AuthorizationKey", value=new.hex()))
            assert answer.status == "Accepted"
            await eventually(lambda: server.csms.stations.get("CP_1") not in (None, before))


@pytest.mark.parametrize(
    ("identity", "password", "status"),
    [
        ("CP_1", KEY, 101),
        ("CP_1", KEY.hex(), 101),
        ("CP_1", KEY.hex().upper(), 101),
        ("CP_1", "wrong", 401),
        ("CP_1", "é", 401),
        ("CP_2", KEY, 404),
    ],
)
async def test_profile_2_keeps_salted_hashes(
    identity: str, password: str | bytes, status: int, tmp_path: Path
) -> None:
    # L-714, L-704
    server, client = load("csms_2.py", tmp_path), load("station_2.py", tmp_path)
    server.set_password("CP_1", KEY)
    assert KEY.hex() not in repr(server.hashes)
    got = 101
    async with running(server.main) as url:
        settings = {**settings_of(client.a_station(url, KEY)), "password": password}
        try:
            async with connect(url, identity, **settings):
                pass
        except UpgradeFailed as failed:
            got = failed.status
    assert got == status


async def test_profile_3_lets_in_by_certificate(tmp_path: Path) -> None:
    # J*-710
    server, client = load("csms_3.py", tmp_path), load("station_3.py", tmp_path)
    async with running(server.main) as url, client.a_station(url, timer=quick()) as station:
        await server.csms.stations.wait("CP_1")
        await station.connected()
        assert client.owed(station) is None


async def test_profile_3_knows_which_certificate_is_whose(certificates: Path, tmp_path: Path) -> None:
    # J*-710
    server, client = load("csms_3.py", tmp_path), load("station_3.py", tmp_path)
    another = Certificate(certificates / "another.pem", certificates / "another.key")
    async with running(server.main) as url:
        settings = settings_of(client.a_station(url))
        settings["tls"].load_cert_chain(another.chain, another.key)
        with pytest.raises(UpgradeFailed) as caught:
            async with connect(url, "CP_1", **settings):
                pytest.fail("it is open")
    assert caught.value.status == 403
    assert security_event(caught.value, "1.6") == "FailedToAuthenticateAtCentralSystem"


def test_every_program_is_tested() -> None:
    assert list(files(PAGE)) == ["csms_2.py", "station_2.py", "csms_3.py", "station_3.py"]


def test_the_table_of_refusals_is_the_one_that_is_tested() -> None:
    # J*-702
    table = TEXT.partition("## Which station is refused where")[2]
    rows = re.findall(r"^\| ([0-3]) \| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$", table, re.MULTILINE)
    words = {"in": IN, "401": 401, "403": 403}
    assert [[words.get(cell, END) for cell in cells] for _, *cells in rows] == MEETS


def test_every_name_of_the_page_is_there() -> None:
    named = set(re.findall(r"`ocpp_sansio\.security\.(\w+)", TEXT))
    assert named == {"may_change", "without_secrets", "admit"} & set(ocpp_sansio.security.__all__)
    for name in ("csms_tls", "security_event", "hide_secrets"):
        assert name in ocpp_sansio_adapters.security.__all__
        assert name in TEXT
