"""Security profiles over real sockets and on both backends: who is let in where, and with what."""

import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from ocpp_sansio import Version
from ocpp_sansio.handshake import Credentials, UpgradeFailed
from ocpp_sansio.reconnect import ReconnectTimer
from ocpp_sansio.routing import after, on
from ocpp_sansio.security import station_certificate
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio_adapters import v16
from ocpp_sansio_adapters.csms import CSMS
from ocpp_sansio_adapters.security import security_event, station_tls
from ocpp_sansio_adapters.station import Station
from ocpp_sansio_adapters.websockets import WebSocket, connect, serve
from tests.adapters.profiles import IN, MEETS, PASSWORD, UNLIKE, Door, World, at, own
from tests.adapters.sockets import CALM, echo, eventually, hung_up, nothing_left, raw, request, serving

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.made_in(tmp_path_factory.mktemp("world"))


# Who is let in where.


@pytest.mark.parametrize("csms", range(4))
@pytest.mark.parametrize("station", range(4))
async def test_a_station_is_let_in_where_its_profile_is_spoken_and_nowhere_else(
    station: int, csms: int, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    # J*-702, J16-703, J*-117
    caplog.set_level(logging.DEBUG)
    door, expected = Door(), MEETS[station][csms]
    async with serving(
        authenticate=door, **world.of_csms(csms)
    ) as url:  # which sees to it that no socket is left
        opening = connect(at(station, url), "CP_1", **world.of_station(station), **CALM)
        if expected == IN:
            async with opening as websocket:
                await websocket.send("hello")
                assert await websocket.recv() == "hello"
        else:
            with pytest.raises(UpgradeFailed if expected else OSError) as caught:
                async with opening:
                    pytest.fail("it is open")
            assert getattr(caught.value, "status", None) == expected
    shown = Credentials("CP_1", PASSWORD.encode()) if station in (1, 2) else None
    assert door.asked == ([("CP_1", shown, "SN-1" if station == 3 else None)] if expected == IN else [])
    assert not [record for record in caplog.records if record.levelno > logging.INFO or record.exc_info]
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize("csms", [2, 3])
async def test_credentials_that_come_without_tls_are_read_by_nobody(csms: int, world: World) -> None:
    # J*-702
    door = Door()
    async with serving(authenticate=door, **world.of_csms(csms)) as url, raw(url) as stream:
        await stream.send(request("/CP_1", "Authorization: Basic Q1BfMTp4"))
        assert b"HTTP" not in await hung_up(stream)
    assert not door.asked


async def test_with_a_certificate_a_password_is_not_handed_to_the_application(world: World) -> None:
    door = Door()
    settings = {**world.of_station(3), "profile": None, "password": "wrong"}
    async with (
        serving(authenticate=door, **world.of_csms(3)) as url,
        connect(at(3, url), "CP_1", **settings, **CALM),
    ):
        assert door.asked == [("CP_1", None, "SN-1")]


@pytest.mark.parametrize("profile", [1, 2])
async def test_a_password_is_checked_before_the_upgrade(profile: int, world: World) -> None:
    # J*-117, L-118
    settings = {**world.of_station(profile), "password": "wrong"}
    async with serving(authenticate=Door(), **world.of_csms(profile)) as url:
        with pytest.raises(UpgradeFailed) as caught:
            async with connect(at(profile, url), "CP_1", **settings, **CALM):
                pytest.fail("it is open")
    assert security_event(caught.value, "1.6") == "FailedToAuthenticateAtCentralSystem"


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ({"o": "another", "cn": "SN-1"}, "operator"),
        ({"cn": "csms.example.com"}, "an address"),
        ({}, "no serial number"),
    ],
)
async def test_a_certificate_that_names_no_station_of_the_operator_is_refused(
    names: dict[str, str], reason: str, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    # J*-710
    caplog.set_level(logging.INFO)
    hosts = [] if names else ["SN-1.example"]  # where there is no CN
    issued = world.stations.issue(*hosts, **names)
    tls = station_tls(csms=world.csms.path, certificate=own(issued))
    async with serving(authenticate=Door(), **world.of_csms(3)) as url:
        with pytest.raises(UpgradeFailed) as caught:
            async with connect(at(3, url), "CP_1", profile=3, tls=tls, **CALM):
                pytest.fail("it is open")
    assert caught.value.status == 403
    assert reason in caplog.text


# Passwords as they travel.

KEY = b"\x00:\xff\xfe" + bytes(range(1, 17))  # with a NUL, a colon and what is no UTF-8


@pytest.mark.parametrize("profile", [1, 2])
@pytest.mark.parametrize("sent", [KEY, KEY.hex(), KEY.hex().upper()], ids=["raw", "hex", "HEX"])
async def test_a_key_of_1_6_may_come_raw_or_in_hex(sent: str | bytes, profile: int, world: World) -> None:
    # J16-704, L-704
    def authenticate(identity: str, credentials: Credentials | None, certificate: object) -> bool:
        return credentials is not None and credentials.matches(KEY)

    settings = {**world.of_station(profile), "password": sent, "versions": ["1.6"]}
    async with (
        serving(authenticate=authenticate, versions=["1.6"], **world.of_csms(profile)) as url,
        connect(at(profile, url), "CP_1", **settings, **CALM) as station,
    ):
        assert station.version is Version.V16


@pytest.mark.parametrize(
    ("sent", "status"), [("pässwörd:mit ü", 101), ("pässwörd:mit ü".encode("latin-1"), 401)]
)
async def test_a_password_of_2_x_is_text_in_utf8(sent: str | bytes, status: int, world: World) -> None:
    # J201-704, J21-704
    def authenticate(identity: str, credentials: Credentials | None, certificate: object) -> bool:
        return credentials is not None and credentials.matches("pässwörd:mit ü")

    got = 101
    async with serving(authenticate=authenticate, **world.of_csms(2)) as url:
        try:
            async with connect(at(2, url), "CP_1", **{**world.of_station(2), "password": sent}, **CALM):
                pass
        except UpgradeFailed as failed:
            got = failed.status
    assert got == status


# What does not fit together.


def everybody(*args: object) -> bool:
    return True


@pytest.mark.parametrize(("profile", "other"), UNLIKE)
async def test_serve_refuses_the_arguments_of_another_profile(profile: int, other: int, world: World) -> None:
    # J*-702
    with pytest.raises(ValueError, match=rf"^profile {profile}"):
        await serve(echo, authenticate=everybody, **{**world.of_csms(other), "profile": profile})


@pytest.mark.parametrize("profile", [1, 2, 3])
async def test_serve_wants_to_know_whom_to_let_in(profile: int, world: World) -> None:
    with pytest.raises(ValueError, match=rf"^profile {profile} needs authenticate"):
        await serve(echo, **world.of_csms(profile))


async def test_profile_3_does_not_make_certificates_optional(world: World) -> None:
    settings = world.of_csms(3)
    settings["tls"].verify_mode = ssl.CERT_OPTIONAL
    with pytest.raises(ValueError, match=r"^profile 3 needs tls that lets nobody in without a certificate"):
        await serve(echo, authenticate=everybody, **settings)
    with pytest.raises(ValueError, match=r"^profile 2: its tls may not ask stations for certificates$"):
        await serve(echo, authenticate=everybody, **{**settings, "profile": 2})


@pytest.mark.parametrize("profile", [4, -1, "3"])
async def test_there_is_no_other_profile(profile: Any) -> None:
    with pytest.raises(ValueError, match=rf"^profile is a number from 0 to 3, not {profile!r}$"):
        connect("ws://h", "CP_1", profile=profile)
    with pytest.raises(ValueError, match=rf"^profile is a number from 0 to 3, not {profile!r}$"):
        await CSMS(v16.ChargePoint).serve("127.0.0.1", profile=profile)


@pytest.mark.parametrize("station", range(4))
@pytest.mark.parametrize("profile", range(4))
def test_a_station_refuses_the_arguments_of_another_profile(station: int, profile: int, world: World) -> None:
    # J*-702
    settings = {**world.of_station(station), "profile": profile}
    fits = station == profile
    complaints = []
    try:
        Station(at(station, "ws://127.0.0.1"), "CP_1", v16.ChargePoint, settings=settings)
    except ValueError as error:
        complaints.append(str(error))
    assert [complaint.startswith(f"profile {profile} ") for complaint in complaints] == [True] * (not fits)


def test_the_tls_of_a_station_checks_the_csms(world: World) -> None:
    # J*-709
    settings = world.of_station(2)
    settings["tls"].check_hostname = False
    with pytest.raises(ValueError, match=r"^profile 2 needs tls that checks the certificate of the CSMS$"):
        connect("wss://h", "CP_1", **settings)


# A password that changes, and a profile.

QUICK = {"wait_minimum": 0.0, "random_range": 0.0, "repeat_times": 0, "draw": lambda: 0.5}


class AtCSMS(v16.ChargePoint):
    pass


class AtStation(v16.ChargePoint):
    station: Any

    @on(call.ChangeConfiguration)
    def change(self, request: call.ChangeConfiguration) -> call_result.ChangeConfiguration:
        return call_result.ChangeConfiguration(status="Accepted")

    @after(call.ChangeConfiguration)
    async def obey(self, request: call.ChangeConfiguration) -> None:
        self.station.configure(password=bytes.fromhex(request.value))
        await self.station.reconnect()


@asynccontextmanager
async def csms_with(csms: CSMS, **settings: Any) -> AsyncIterator[str]:
    async def run(*, task_status: Any) -> None:
        await csms.serve("127.0.0.1", task_status=task_status, **{**CALM, **settings})

    async with nothing_left(), anyio.create_task_group() as tasks:
        host, port = await tasks.start(run)
        yield f"ws://{host}:{port}"
        tasks.cancel_scope.cancel()


def station_at(url: str, **settings: Any) -> Station:
    timer = ReconnectTimer(**QUICK)  # type: ignore[arg-type]
    return Station(url, "CP_1", AtStation, timer=timer, settings={**CALM, **settings})


async def test_a_password_changes_while_the_link_is_open(world: World) -> None:
    # J*-705: the answer leaves, the station connects anew with the new one, and the old one is worth nothing
    old, new = KEY, KEY[::-1]
    passwords, shown = [old], []

    def authenticate(identity: str, credentials: Credentials | None, certificate: object) -> bool:
        assert credentials is not None
        shown.append(credentials.password)
        return credentials.matches(passwords[-1])

    csms = CSMS(AtCSMS)
    async with csms_with(csms, authenticate=authenticate, **world.of_csms(2)) as url:
        settings = {**world.of_station(2), "password": old}
        async with station_at(at(2, url), **settings) as station:
            AtStation.station = station
            before = await csms.stations.wait("CP_1")
            change = call.ChangeConfiguration(key="AuthorizationKey", value=new.hex())
            assert await before.call(change) == call_result.ChangeConfiguration(status="Accepted")
            passwords.append(new)
            await eventually(lambda: csms.stations.get("CP_1") not in (None, before))
            await (await station.connected()).call(call.Heartbeat(), suppress=True)
            assert set(shown[1:]) == {new}
            assert station.trouble is not None
            with pytest.raises(UpgradeFailed):
                async with connect(at(2, url), "CP_1", **settings, versions=["1.6"], **CALM):
                    pytest.fail("it is open")


async def test_a_station_goes_up_to_another_profile(world: World) -> None:
    # J16-713, J201-713: to another address, of the same CSMS
    csms, door = CSMS(AtCSMS), Door()
    async with (
        csms_with(csms, authenticate=Door(), **world.of_csms(1)) as low,
        csms_with(csms, authenticate=door, **world.of_csms(3)) as high,
        station_at(at(1, low), **world.of_station(1)) as station,
    ):
        before = await csms.stations.wait("CP_1")
        station.configure(url=at(3, high), **world.of_station(3))
        assert csms.stations["CP_1"] is before  # as long as the link lasts
        await station.reconnect()
        await eventually(lambda: csms.stations.get("CP_1") not in (None, before))
        assert door.asked == [("CP_1", None, "SN-1")]


async def test_wrong_settings_change_nothing(world: World) -> None:
    station = station_at(at(2, "ws://127.0.0.1"), **world.of_station(2))
    for wrong in ({"profile": 3}, {"password": None}, {"url": "ws://localhost"}, {"password": "\ud800"}):
        with pytest.raises(ValueError):  # noqa: PT011 - in whatever words
            station.configure(**wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        station.configure(colour="blue")
    assert station.url == "wss://localhost"
    assert station._settings == {**CALM, **station._settings, "profile": 2, "password": PASSWORD}
    station.configure(password="another")
    assert station._settings["password"] == "another"


async def test_a_link_that_is_about_to_open_is_one_of_the_old_settings(world: World) -> None:
    reached, free = anyio.Event(), anyio.Event()

    async def hold(*args: object) -> bool:
        reached.set()
        await free.wait()
        return True

    csms, door = CSMS(AtCSMS), Door()
    async with (
        csms_with(CSMS(AtCSMS), authenticate=hold, **world.of_csms(1)) as low,
        csms_with(csms, authenticate=door, **world.of_csms(2)) as high,
        station_at(at(1, low), **world.of_station(1)) as station,
    ):
        await reached.wait()
        station.configure(url=at(2, high), **world.of_station(2))
        await station.reconnect()
        free.set()
        await csms.stations.wait("CP_1")
        assert [identity for identity, *_ in door.asked] == ["CP_1"]


async def test_who_has_no_link_need_not_close_it(world: World) -> None:
    station = station_at("ws://127.0.0.1:1")
    await station.reconnect()
    assert station.charge_point is None


async def test_why_there_is_no_link_can_be_asked(world: World) -> None:
    # J*-709, J*-712: for the event that is owed once there is one
    async with csms_with(CSMS(AtCSMS), authenticate=Door(), **world.of_csms(2)) as url:
        tls = station_tls(csms=world.stations.path)
        async with station_at(at(2, url), **{**world.of_station(2), "tls": tls}) as station:
            assert station.trouble is None
            await eventually(lambda: station.trouble)
            assert security_event(station.trouble, "1.6") == "InvalidCentralSystemCertificate"
            station.configure(tls=world.of_station(2)["tls"])
            await station.connected()


async def test_an_open_link_is_a_websocket_like_any_other(world: World) -> None:
    seen: list[WebSocket] = []

    async def handler(websocket: WebSocket) -> None:
        seen.append(websocket)
        await echo(websocket)

    async with (
        serving(handler, authenticate=Door(), **world.of_csms(3)) as url,
        connect(at(3, url), "CP_1", **world.of_station(3), **CALM),
    ):
        await eventually(lambda: seen)
        assert station_certificate(seen[0].info.peer_certificate, "acme").serial_number == "SN-1"
