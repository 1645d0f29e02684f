"""No secret is logged or shown, by us or by the libraries below, at any level, whatever goes wrong."""

import logging
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import anyio.lowlevel
import pytest

from ocpp_sansio.handshake import Credentials, UpgradeFailed, UpgradeRefused
from ocpp_sansio.routing import on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v201 import call as call201
from ocpp_sansio.v201 import call_result as call_result201
from ocpp_sansio_adapters import v16, v201
from ocpp_sansio_adapters.csms import CSMS
from ocpp_sansio_adapters.security import Certificate, csms_tls, hide_secrets, station_tls
from ocpp_sansio_adapters.station import Station
from ocpp_sansio_adapters.websockets import WebSocket, connect
from tests.adapters.certificates import Authority
from tests.adapters.revealed import KEY, SECRET, Log, all_of, assert_hidden, listening
from tests.adapters.sockets import CALM, echo, eventually, hung_up, raw, request, serving
from tests.adapters.wire import running, wire

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def log() -> Iterator[Log]:
    with listening() as log:
        yield log


def right(identity: str, credentials: Credentials | None, certificate: object) -> bool:
    return credentials is not None and (credentials.matches(SECRET) or credentials.matches(KEY))


def wrong(identity: str, credentials: Credentials | None, certificate: object) -> bool:
    return False


def unknown(identity: str, credentials: Credentials | None, certificate: object) -> bool:
    raise UpgradeRefused(404, "no such station")


def crash(identity: str, credentials: Credentials | None, certificate: object) -> bool:
    raise RuntimeError("the database is gone")


@pytest.mark.parametrize("authenticate", [right, wrong, unknown, crash])
@pytest.mark.parametrize("password", [SECRET, KEY, KEY.hex()], ids=["text", "raw", "hex"])
async def test_no_password_of_the_upgrade_is_logged_or_shown(
    password: str | bytes, authenticate: Callable[..., bool], log: Log
) -> None:
    # J*-705
    seen: list[Any] = []

    async def handler(websocket: WebSocket) -> None:
        seen.extend([websocket, websocket.info, vars(websocket), websocket.protocol])
        await echo(websocket)

    shown = []
    async with serving(handler, profile=1, authenticate=authenticate) as url:
        opening = connect(url, "CP_1", password=password, profile=1, compression=True, **CALM)
        shown += [repr(opening)]
        try:
            async with opening as websocket:
                await websocket.send("hello")
                await websocket.recv()
                seen += [websocket, websocket.info, vars(websocket), websocket.protocol]
        except UpgradeFailed as failure:
            shown.append(all_of(failure))
    assert bool(seen) == (authenticate is right)
    assert "CP_1" in log.text
    assert_hidden("\n".join([log.text, *shown, *map(repr, seen)]))


BROKEN = {
    "not base64": f"Authorization: Basic CP_1:{SECRET}",
    "another scheme": f"Authorization: Bearer {SECRET}",
    "of another station": f"Authorization: Basic {b64encode(f'CP_2:{SECRET}'.encode()).decode()}",
    "twice": f"Authorization: Basic {SECRET}\r\nAuthorization: Basic x",
    "with a control character": f"Authorization: Basic {SECRET}\x01",
    "without a colon": f"Authorization {SECRET}",
    "with a space before the colon": f"Authorization : Basic {SECRET}",
    "folded": f"Authorization: Basic\r\n {SECRET}",
    "too long": f"Authorization: Basic {SECRET * 1000}",
}


@pytest.mark.parametrize("profile", [None, 0, 1])
@pytest.mark.parametrize("header", BROKEN.values(), ids=BROKEN)
async def test_broken_credentials_are_not_logged_either(header: str, profile: int | None, log: Log) -> None:
    # J*-705
    async with serving(profile=profile, authenticate=right) as url, raw(url) as stream:
        await stream.send(request("/CP_1", header))
        answer = await hung_up(stream)
    assert b" 101 " not in answer
    assert log.texts
    assert_hidden(log.text + answer.decode("latin-1"), b64encode(f"CP_2:{SECRET}".encode()).decode())


@pytest.mark.parametrize("profile", [2, 3])
async def test_what_comes_without_tls_is_not_logged(profile: int, log: Log, tmp_path: Any) -> None:
    # J*-702
    authority = Authority(tmp_path, "root")
    made = authority.issue("localhost")
    tls = csms_tls(Certificate(made.chain, made.key), stations=authority.pem if profile == 3 else None)
    async with serving(profile=profile, tls=tls, authenticate=right) as url:
        with pytest.raises(ConnectionError) as caught:
            async with connect(url, "CP_1", password=SECRET, profile=1, **CALM):
                pytest.fail("it is open")
    assert "no TLS" in log.text
    assert_hidden(log.text + all_of(caught.value))


async def test_no_argument_that_is_wrong_is_quoted_where_it_holds_a_password() -> None:
    tls = station_tls()
    complaints = []
    for url, settings in {
        f"wss://CP_1:{SECRET}@h": {},
        f"wss://h:{SECRET}": {},
        "wss://h": {"password": SECRET, "profile": 3, "tls": tls},
        "ws://h": {"password": SECRET, "profile": 0},
        "ws://h/": {"password": f"{SECRET}\ud800"},
    }.items():
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - what is in it is looked at
            connect(url, "CP_1", **settings)  # type: ignore[arg-type]
        complaints.append(f"{caught.value!r} {caught.value} {caught.value.__cause__!r}")
    assert len(complaints) == 5
    assert_hidden("\n".join(complaints))


async def test_no_object_shows_a_password() -> None:
    settings: dict[str, Any] = {"password": SECRET, "profile": 1}
    station = Station("ws://h", "CP_1", v16.ChargePoint, settings=settings)
    certificate = Certificate("station.pem", "station.key", SECRET)
    credentials = Credentials("CP_1", SECRET.encode())
    assert_hidden(" ".join(map(repr, (station, certificate, credentials, CSMS(v16.ChargePoint)))))


# Passwords within messages.

HIDDEN = "<{} characters that may hold a password>"


class Station16(v16.ChargePoint):
    @on(call.ChangeConfiguration)
    def change(self, request: call.ChangeConfiguration) -> call_result.ChangeConfiguration:
        return call_result.ChangeConfiguration(status="Accepted")


class Station201(v201.ChargePoint):
    @on(call201.SetVariables)
    def change(self, request: call201.SetVariables) -> call_result201.SetVariables:
        [asked] = request.set_variable_data
        answer = {"attribute_status": "Accepted", "component": asked.component, "variable": asked.variable}
        return call_result201.SetVariables(set_variable_result=[answer])


NEW_PASSWORDS = [
    (Station16, v16.ChargePoint, call.ChangeConfiguration(key="AuthorizationKey", value=KEY.hex())),
    (
        Station201,
        v201.ChargePoint,
        call201.SetVariables(
            set_variable_data=[
                {
                    "attribute_value": SECRET,
                    "component": {"name": "SecurityCtrlr"},
                    "variable": {"name": "BasicAuthPassword"},
                }
            ]
        ),
    ),
]


@pytest.mark.parametrize(("ours", "theirs", "change"), NEW_PASSWORDS, ids=["1.6", "2.0.1"])
async def test_a_new_password_is_sent_and_not_logged(ours: Any, theirs: Any, change: Any, log: Log) -> None:
    # J*-705
    csms = CSMS(theirs)
    async with (
        serving(csms.handle, versions=[theirs.version]) as url,
        Station(url, "CP_1", ours, settings=CALM),
    ):
        charge_point = await csms.stations.wait("CP_1")
        answer = await charge_point.call(change)
    assert "Accepted" in repr(answer)
    assert "***" in log.text
    assert_hidden(log.text)


#: Modules that a program may import alone, and the loggers that must then hide passwords.
LOGGERS = {
    "charge_point": ["ocpp"],
    "sync.charge_point": ["ocpp"],
    "websockets": ["ocpp_sansio.websockets"],
    "sync.websockets": ["ocpp_sansio.websockets"],
    "asgi": ["ocpp", "ocpp_sansio.asgi"],
}
PROGRAM = """
import logging, sys
__import__(sys.argv[1])
for name in sys.argv[2:]:
    record = logging.LogRecord(name, logging.INFO, "", 0, "%s: %s", ("CP_1", '{"password":"secret"}'), None)
    logging.getLogger(name).filter(record)
    print(record.getMessage())
"""


@pytest.mark.parametrize("module", LOGGERS)
def test_passwords_are_hidden_by_whichever_door_a_program_has(module: str) -> None:
    # J*-705
    command = [sys.executable, "-c", PROGRAM, f"ocpp_sansio_adapters.{module}", *LOGGERS[module]]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ['CP_1: {"password":"***"}'] * len(LOGGERS[module])


async def test_over_a_connection_of_ones_own_a_new_password_is_not_logged_either(log: Log) -> None:
    # J*-705
    async with wire() as (near, far), running(Station16("CP_1", near)):
        far.ask("ChangeConfiguration", key="AuthorizationKey", value=KEY.hex())
        assert (await far.hear())[2] == {"status": "Accepted"}
    assert "***" in log.text
    assert_hidden(log.text)


async def test_frames_that_are_broken_are_not_logged_if_they_may_hold_one(log: Log) -> None:
    # J*-705
    heard: list[object] = []

    async def handler(websocket: WebSocket) -> None:
        heard.extend([await websocket.recv() for _ in range(3)])

    frame = f'[2,"1","ChangeConfiguration",{{"key":"AuthorizationKey","value":"{SECRET}"'
    async with serving(handler) as url, connect(url, "VPN-password", **CALM) as station:
        await station.send(frame)
        station.protocol.send_text(frame.encode() + b"\xff")
        await station.send("\u00fc")
        await eventually(lambda: len(heard) == 3)
    assert heard == [frame, frame.encode() + b"\xff", "\u00fc"]
    assert "VPN-password: sends <" in log.text
    assert "characters that may hold a password>" in log.text
    assert_hidden(log.text)


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        ((), ()),
        ({"password": 1}, {"password": 1}),
        (("password", 7), ("password", 7)),
        (("CP_1", b"\xff"), ("CP_1", b"\xff")),
        (("CP_1", b"\xffpassword", "password"), ("CP_1", HIDDEN.format(9), HIDDEN.format(8))),
    ],
)
def test_the_filter_takes_any_arguments(arguments: Any, left: Any) -> None:
    record = logging.LogRecord("x", logging.INFO, "x", 1, "all is well", None, None)
    record.args = arguments
    assert hide_secrets(record) is True
    assert (record.msg, record.args) == ("all is well", left)


async def test_it_says_what_it_always_said_where_there_is_no_secret(log: Log) -> None:
    async with serving() as url, connect(url, "CP_1", **CALM) as station:
        await station.send("hello")
        assert await station.recv() == "hello"
        await anyio.lowlevel.checkpoint()
    assert "CP_1: sends hello" in log.text
    assert "CP_1: receives hello" in log.text
