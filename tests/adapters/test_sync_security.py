"""sync: security profiles over real sockets, who is let in where and with what; and passwords that are not
logged.
"""

import logging
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedOK

from ocpp_sansio.handshake import Credentials, UpgradeFailed
from ocpp_sansio.routing import on
from ocpp_sansio.security import station_certificate
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio_adapters.security import security_event, station_tls
from ocpp_sansio_adapters.sync import v16
from ocpp_sansio_adapters.sync.websockets import WebSocket, connect, serve
from tests.adapters.profiles import END, IN, MEETS, PASSWORD, UNLIKE, Door, World, at, own
from tests.adapters.revealed import KEY, Log, assert_hidden, listening
from tests.adapters.sockets import request
from tests.adapters.threads import CALM, Line, ask, echo, hung_up, nothing_left, raw, serving, spawn


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.made_in(tmp_path_factory.mktemp("world"))


@pytest.fixture(autouse=True)
def tidy() -> Iterator[None]:
    with nothing_left():
        yield


@pytest.fixture
def log() -> Iterator[Log]:
    with listening() as log:
        yield log


# Who is let in where.


@pytest.mark.parametrize("csms", range(4))
@pytest.mark.parametrize("station", range(4))
def test_a_station_is_let_in_where_its_profile_is_spoken_and_nowhere_else(
    station: int, csms: int, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    # J*-702, J16-703, J*-117
    caplog.set_level(logging.DEBUG)
    door, expected = Door(), MEETS[station][csms]
    with serving(authenticate=door, **world.of_csms(csms)) as url:
        opening = connect(at(station, url), "CP_1", **world.of_station(station), **CALM)
        if expected == IN:
            with opening as websocket:
                websocket.send("hello")
                assert websocket.recv() == "hello"
        else:
            with pytest.raises(OSError if expected is END else UpgradeFailed) as caught, opening:
                pytest.fail("it is open")
            assert getattr(caught.value, "status", None) == expected
    shown = Credentials("CP_1", PASSWORD.encode()) if station in (1, 2) else None
    assert door.asked == ([("CP_1", shown, "SN-1" if station == 3 else None)] if expected == IN else [])
    assert not [record for record in caplog.records if record.levelno > logging.INFO]
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize("csms", [2, 3])
def test_credentials_that_come_without_tls_are_read_by_nobody(csms: int, world: World) -> None:
    # J*-702
    door = Door()
    with serving(authenticate=door, **world.of_csms(csms)) as url, raw(url) as stream:
        stream.sendall(request("/CP_1", "Authorization: Basic Q1BfMTp4"))
        assert b"HTTP" not in hung_up(stream)
    assert not door.asked


def test_with_a_certificate_a_password_is_not_handed_to_the_application(world: World) -> None:
    door = Door()
    settings = {**world.of_station(3), "profile": None, "password": "wrong"}
    with (
        serving(authenticate=door, **world.of_csms(3)) as url,
        connect(at(3, url), "CP_1", **settings, **CALM),
    ):
        assert door.asked == [("CP_1", None, "SN-1")]


@pytest.mark.parametrize("profile", [1, 2])
def test_a_password_is_checked_before_the_upgrade(profile: int, world: World) -> None:
    # J*-117, L-118
    settings = {**world.of_station(profile), "password": "wrong"}
    with (
        serving(authenticate=Door(), **world.of_csms(profile)) as url,
        pytest.raises(UpgradeFailed) as caught,
        connect(at(profile, url), "CP_1", **settings, **CALM),
    ):
        pytest.fail("it is open")
    assert security_event(caught.value, "1.6") == "FailedToAuthenticateAtCentralSystem"


@pytest.mark.parametrize(
    ("names", "reason"),
    [({"o": "another", "cn": "SN-1"}, "operator"), ({"cn": "csms.example.com"}, "an address")],
)
def test_a_certificate_that_names_no_station_of_the_operator_is_refused(
    names: dict[str, str], reason: str, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    # J*-710
    caplog.set_level(logging.INFO)
    tls = station_tls(csms=world.csms.path, certificate=own(world.stations.issue(**names)))
    with (
        serving(authenticate=Door(), **world.of_csms(3)) as url,
        pytest.raises(UpgradeFailed) as caught,
        connect(at(3, url), "CP_1", profile=3, tls=tls, **CALM),
    ):
        pytest.fail("it is open")
    assert caught.value.status == 403
    assert reason in caplog.text


@pytest.mark.parametrize(("profile", "status"), [(None, 401), (0, 403), (1, 401)])
def test_who_is_not_let_in_hears_whether_a_password_may_help(profile: int | None, status: int) -> None:
    # J16-117
    def nobody(*args: object) -> bool:
        return False

    header = ["Authorization: Basic Q1BfMTp4"] if profile == 1 else []
    with serving(authenticate=nobody, profile=profile) as url:
        assert ask(url, request("/CP_1", *header)).status == status


def test_an_open_link_tells_the_certificate(world: World) -> None:
    seen: list[WebSocket] = []

    def handler(websocket: WebSocket) -> None:
        seen.append(websocket)
        echo(websocket)

    with (
        serving(handler, authenticate=Door(), **world.of_csms(3)) as url,
        connect(at(3, url), "CP_1", **world.of_station(3), **CALM) as station,
    ):
        station.send("hello")
        station.recv()
        assert station_certificate(seen[0].info.peer_certificate, "acme").serial_number == "SN-1"


# What does not fit together.


def everybody(*args: object) -> bool:
    return True


@pytest.mark.parametrize(("profile", "other"), UNLIKE)
def test_serve_refuses_the_arguments_of_another_profile(profile: int, other: int, world: World) -> None:
    # J*-702
    with pytest.raises(ValueError, match=rf"^profile {profile}"):
        serve(echo, authenticate=everybody, **{**world.of_csms(other), "profile": profile})


@pytest.mark.parametrize("profile", [1, 2, 3])
def test_serve_wants_to_know_whom_to_let_in(profile: int, world: World) -> None:
    with pytest.raises(ValueError, match=rf"^profile {profile} needs authenticate"):
        serve(echo, **world.of_csms(profile))


def test_profile_3_does_not_make_certificates_optional(world: World) -> None:
    settings = world.of_csms(3)
    settings["tls"].verify_mode = ssl.CERT_OPTIONAL
    with pytest.raises(ValueError, match=r"^profile 3 needs tls that lets nobody in without a certificate"):
        serve(echo, authenticate=everybody, **settings)


@pytest.mark.parametrize("profile", [4, -1, "3"])
def test_there_is_no_other_profile(profile: Any) -> None:
    with pytest.raises(ValueError, match=rf"^profile is a number from 0 to 3, not {profile!r}$"):
        connect("ws://h", "CP_1", profile=profile)
    with pytest.raises(ValueError, match=rf"^profile is a number from 0 to 3, not {profile!r}$"):
        serve(echo, profile=profile)


@pytest.mark.parametrize(
    ("profile", "station"), [(one, other) for one in range(4) for other in range(4) if one != other]
)
def test_connect_refuses_the_arguments_of_another_profile(profile: int, station: int, world: World) -> None:
    # J*-702
    settings = {**world.of_station(station), "profile": profile}
    with pytest.raises(ValueError, match=rf"^profile {profile} "):
        connect(at(station, "ws://127.0.0.1"), "CP_1", **settings)


def test_the_tls_of_a_station_checks_the_csms(world: World) -> None:
    # J*-709
    settings = world.of_station(2)
    settings["tls"].check_hostname = False
    with pytest.raises(ValueError, match=r"^profile 2 needs tls that checks the certificate of the CSMS$"):
        connect("wss://h", "CP_1", **settings)


# What the log shows.


class Station(v16.ChargePoint):
    @on(call.ChangeConfiguration)
    def change(self, request: call.ChangeConfiguration) -> call_result.ChangeConfiguration:
        return call_result.ChangeConfiguration(status="Accepted")


CHANGE = call.ChangeConfiguration(key="AuthorizationKey", value=KEY.hex())


def test_a_new_password_is_sent_and_not_logged(log: Log) -> None:
    # J*-705
    answers = []

    def handler(websocket: WebSocket) -> None:
        with v16.ChargePoint(websocket.identity, websocket) as charge_point:
            answers.append(charge_point.call(CHANGE))

    with (
        serving(handler, versions=["1.6"]) as url,
        connect(url, "CP_1", versions=["1.6"], **CALM) as websocket,
        pytest.raises(ConnectionClosedOK),
    ):
        Station("CP_1", websocket).start()
    assert [answer.status for answer in answers] == ["Accepted"]
    assert log.text.count("***") >= 4  # of the WebSocket and of the charge point, at either end
    assert_hidden(log.text)


def test_nor_over_a_connection_of_ones_own(log: Log) -> None:
    # J*-705
    line = Line()
    charge_point = v16.ChargePoint("CP_1", line)
    with charge_point:
        asked = spawn(charge_point.call, CHANGE)
        assert line.answer({"status": "Accepted"})[3]["value"] == KEY.hex()
        assert asked.result(10).status == "Accepted"
    assert "***" in log.text
    assert_hidden(log.text)
