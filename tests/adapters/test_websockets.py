"""websockets.py: how a WebSocket opens over real sockets, on both backends: what is spoken, and who is let in."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK

from ocpp_sansio import Version
from ocpp_sansio.handshake import Credentials, UpgradeFailed, UpgradeRefused
from ocpp_sansio_adapters.websockets import WebSocket, connect
from tests.adapters.sockets import (
    CALM,
    Answer,
    ask,
    echo,
    eventually,
    hung_up,
    raw,
    request,
    response_of,
    serving,
)
from tests.conformance.test_handshakes import ENTRIES, SITUATIONS, STATIONS, fits

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse battery staple"


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


class Guests:
    """A handler that notes who came, and waits for the end."""

    def __init__(self) -> None:
        self.seen: list[WebSocket] = []

    async def __call__(self, websocket: WebSocket) -> None:
        self.seen.append(websocket)
        await echo(websocket)


# What is spoken.


@pytest.mark.parametrize(
    ("offered", "spoken", "agreed"),
    [
        (["2.1", "2.0.1", "1.6"], ["1.6", "2.0.1"], "2.0.1"),
        (["1.6", "2.0.1"], ["2.0.1", "1.6"], "1.6"),
        (["2.0.1"], ["2.1", "2.0.1"], "2.0.1"),
    ],
)
async def test_the_order_of_the_station_decides(offered: list[str], spoken: list[str], agreed: str) -> None:
    # J16-109, J16-110, L-110
    guests = Guests()
    async with (
        serving(guests, versions=spoken) as url,
        connect(url, "CP_1", versions=offered, **CALM) as station,
    ):
        await station.send("hello")
        assert await station.recv() == "hello"
        [csms] = guests.seen
        for end in (station, csms):
            assert end.version is Version(agreed)
            assert end.subprotocol == end.info.subprotocol == f"ocpp{agreed}"
            assert end.identity == "CP_1"
        assert ("Sec-WebSocket-Protocol", f"ocpp{agreed}") in station.info.headers


async def test_without_a_common_version_the_websocket_opens_and_closes_at_once() -> None:
    # J16-111, L-124
    guests = Guests()
    async with serving(guests, versions=["2.0.1"]) as url:
        answer = await ask(url, request(subprotocol="ocpp1.6"))
        assert answer.status == 101
        assert "sec-websocket-protocol" not in answer.headers
        assert answer.rest[:4] == b"\x88\x1a\x03\xea"  # a close frame with 1002
        assert (await ask(url, request(subprotocol=None))).status == 101
        with pytest.raises(UpgradeFailed, match=r"of ocpp1\.6 the CSMS chose none"):
            async with connect(url, "CP_1", versions=["1.6"], **CALM):
                pytest.fail("it is open")
    assert not guests.seen


async def test_a_station_that_does_not_answer_that_close_is_hung_up_on() -> None:
    # J16-111
    async with serving(versions=["2.0.1"], close_timeout=0.05) as url, raw(url) as stream:
        await stream.send(request(subprotocol="ocpp1.6"))
        await response_of(stream)
        await hung_up(stream)


async def test_without_a_common_version_there_is_no_websocket_if_certification_wants_that() -> None:
    # L-111
    guests = Guests()
    async with serving(guests, versions=["2.0.1"], no_common_version="refuse") as url:
        assert (await ask(url, request(subprotocol="ocpp0.1"))).status == 400
        with pytest.raises(UpgradeFailed) as caught:
            async with connect(url, "CP_1", versions=["1.6"], **CALM):
                pytest.fail("it is open")
        assert caught.value.status == 400
        async with connect(url, "CP_1", versions=["1.6", "2.0.1"], **CALM) as station:
            assert station.version is Version.V201
    assert len(guests.seen) == 1


# Who comes.


@pytest.mark.parametrize(
    ("identity", "path"),
    [
        ("RDAM 123", "/RDAM%20123"),
        ("RDAM|123", "/RDAM%7C123"),
        ("a+b", "/a+b"),
        ("ü/ö", "/%C3%BC%2F%C3%B6"),
        ("%41", "/%2541"),
        ("C" * 48, "/" + "C" * 48),
    ],
)
async def test_an_identity_is_encoded_and_decoded_once(identity: str, path: str) -> None:
    # J16-103, L-106
    guests = Guests()
    async with (
        serving(guests, versions=["1.6"], base="/ocpp") as url,
        connect(f"{url}/ocpp/?tenant=1", identity, versions=["1.6"], **CALM),
    ):
        await eventually(lambda: guests.seen)
        [csms] = guests.seen
        assert csms.identity == identity
        assert csms.info.path == f"/ocpp{path}?tenant=1"
        assert csms.info.remote[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (request("/"), 404),
        (request("/" + "C" * 49, subprotocol="ocpp2.0.1"), 404),  # J201-104
        (request("/%FF"), 400),
        (request("/CP_1", "Authorization: Basic Q1BfMTp4", "Authorization: Basic Q1BfMTp5"), 400),
        (request("/CP_1", "Authorization: Basic !"), 401),
        (request("/CP_1", "Authorization: Basic Q1BfMjp4"), 401),  # J16-703: of CP_2
        (request().replace(b"Upgrade: websocket\r\n", b""), 426),
        (request().replace(b"Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n", b""), 400),
    ],
)
async def test_what_cannot_be_upgraded_is_refused(octets: bytes, status: int) -> None:
    guests = Guests()
    async with serving(guests) as url:
        answer = await ask(url, octets)
        assert answer.status == status
        assert ("www-authenticate" in answer.headers) == (status == 401)
        assert int(answer.headers["content-length"]) == len(answer.rest)
    assert not guests.seen


async def test_subprotocols_may_come_in_several_headers() -> None:
    # J16-109
    async with serving(versions=["2.0.1"]) as url, raw(url) as stream:
        await stream.send(request("/CP_1", "Sec-WebSocket-Protocol: ocpp2.0.1", subprotocol="ocpp1.2"))
        assert (await response_of(stream)).headers["sec-websocket-protocol"] == "ocpp2.0.1"


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
async def test_the_handshakes_of_the_conformance_corpus_over_a_socket(entry: dict[str, Any]) -> None:
    # J16-115, J201-115, J16-117, J201-117, J201-119: what only a whole server obeys
    situation = SITUATIONS[entry.get("context")]
    found = []

    def authenticate(identity: str, credentials: Credentials | None, certificate: object) -> bool:
        registered = {name.lower(): name for name in STATIONS}
        if identity.lower() not in registered:
            raise UpgradeRefused(404, "no such station")
        found.append(registered[identity.lower()])
        password = situation.password
        return password is None or (credentials is not None and credentials.matches(password))

    versions = situation.versions or (entry["version"],)
    guests = Guests()
    async with serving(guests, versions=versions, authenticate=authenticate) as url, raw(url) as stream:
        await stream.send(entry["raw"].encode("latin-1"))
        answer = await response_of(stream)
        got = outcome_of(answer, found)
        if got["outcome"] == "upgrade":
            await eventually(lambda: guests.seen)
    expected = entry["expected"][0]
    assert fits(got, expected), f"{got}, not {expected}"
    if "extensions" in expected:
        assert answer.headers["sec-websocket-extensions"].startswith("permessage-deflate")


def outcome_of(answer: Answer, found: list[str]) -> dict[str, Any]:
    if answer.status != 101:
        return {"outcome": "refuse-upgrade", "http_status": answer.status}
    if "sec-websocket-protocol" not in answer.headers:
        return {"outcome": "upgrade-without-subprotocol-then-immediate-close", "http_status": 101}
    subprotocol = answer.headers["sec-websocket-protocol"]
    return {"outcome": "upgrade", "http_status": 101, "subprotocol": subprotocol, "identity": found[0]}


# Who is let in.


def by_password(identity: str, credentials: Credentials | None, certificate: object) -> bool:
    if identity == "CP_404":
        raise UpgradeRefused(404, "no such station")
    return credentials is not None and credentials.matches(PASSWORD)


async def by_password_later(identity: str, credentials: Credentials | None, certificate: object) -> bool:
    await anyio.sleep(0.001)
    return by_password(identity, credentials, certificate)


@pytest.mark.parametrize("authenticate", [by_password, by_password_later])
@pytest.mark.parametrize(
    ("identity", "password", "status"),
    [
        ("CP_1", PASSWORD, 101),
        ("CP_1", PASSWORD.encode(), 101),
        ("CP_1", "wrong", 401),
        ("CP_1", None, 401),
        ("CP_404", PASSWORD, 404),
    ],
)
async def test_the_application_says_who_is_let_in(
    authenticate: Any, identity: str, password: str | bytes | None, status: int
) -> None:
    # J16-115, J16-117, J16-703
    guests = Guests()
    async with serving(guests, authenticate=authenticate) as url:
        if status == 101:
            async with connect(url, identity, password=password, **CALM):
                await eventually(lambda: guests.seen)
        else:
            with pytest.raises(UpgradeFailed) as caught:
                async with connect(url, identity, password=password, **CALM):
                    pytest.fail("it is open")
            assert caught.value.status == status
    assert len(guests.seen) == (status == 101)


async def test_a_key_of_1_6_is_any_bytes() -> None:
    # J16-704
    key = bytes([0, 58, 255, 58])
    asked = []

    def authenticate(*args: Any) -> bool:
        asked.append(args)
        return bool(args[1].matches(key))

    async with (
        serving(authenticate=authenticate, versions=["1.6"]) as url,
        connect(url, "CP_1", versions=["1.6"], password=key, **CALM),
    ):
        assert asked == [("CP_1", Credentials("CP_1", key), None)]


def crash(*args: object) -> bool:
    raise RuntimeError("the database is gone")


async def crash_later(*args: object) -> bool:
    await anyio.sleep(0.001)
    raise RuntimeError("the database is gone")


async def cancel_itself(*args: object) -> bool:
    raise asyncio.CancelledError


@pytest.mark.parametrize("authenticate", [crash, crash_later, cancel_itself])
async def test_an_authenticate_that_crashes_refuses_one_station_and_harms_no_other(
    authenticate: Callable[..., Any], anyio_backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    if authenticate is cancel_itself and anyio_backend == "trio":
        authenticate = crash  # trio knows no such thing
    broken = False

    def judge(*args: object) -> Any:
        return authenticate(*args) if broken else True

    async with serving(authenticate=judge) as url, connect(url, "CP_1", **CALM) as healthy:
        broken = True
        answer = await ask(url, request("/CP_2"))
        assert answer.status == 500
        assert b"database" not in answer.rest
        broken = False
        await healthy.send("still here")
        assert await healthy.recv() == "still here"
        async with connect(url, "CP_2", **CALM):
            pass
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.getMessage() == "CP_2: authenticate has crashed"


async def test_an_application_may_refuse_with_any_status() -> None:
    def authenticate(*args: object) -> bool:
        raise UpgradeRefused(520, "as a proxy would")

    async with serving(authenticate=authenticate) as url:
        assert (await ask(url, request())).status == 520


@pytest.mark.parametrize("compression", [False, True])
async def test_no_password_is_logged_or_shown(compression: bool, caplog: pytest.LogCaptureFixture) -> None:
    # J16-705
    caplog.set_level(logging.DEBUG)
    for name in ("websockets", "websockets.client", "websockets.server", "ocpp_sansio"):
        caplog.set_level(logging.DEBUG, name)
    guests = Guests()
    shown = []
    async with serving(guests, authenticate=by_password, compression=compression) as url:
        async with connect(url, "CP_1", password=PASSWORD, compression=compression, **CALM) as station:
            await station.send("hello")
            await station.recv()
            shown += [repr(thing) for end in (station, guests.seen[0]) for thing in (end, end.info)]
        for password in ("wrong-" + PASSWORD, PASSWORD):
            with pytest.raises(UpgradeFailed) as caught:
                async with connect(url, "CP_404", password=password, **CALM):
                    pytest.fail("it is open")
            shown += [repr(caught.value), str(caught.value)]
        await ask(url, request("/CP_1", "Authorization: Basic Q1BfMTp3cm9uZy1odW50ZXI="))
    text = "\n".join([*shown, caplog.text, *(str(record.args) for record in caplog.records)])
    assert "CP_1: connected, speaks ocpp2.1" in text
    assert "CP_1: sends hello" in text
    assert "CP_1: closed: received 1000 (OK); then sent 1000 (OK)" in text
    for secret in (PASSWORD, "Basic ", "Q1BfMT", "wrong-hunter"):
        assert secret not in text


# What else is agreed on.


@pytest.mark.parametrize(("offers", "takes"), [(True, True), (True, False), (False, True)])
async def test_compression_is_agreed_on_with_small_windows(offers: bool, takes: bool) -> None:
    # J16-119, J201-119: the station asks, or not
    guests = Guests()
    async with (
        serving(guests, compression=takes) as url,
        connect(url, "CP_1", compression=offers, **CALM) as station,
    ):
        text = "[2]" * 10_000
        await station.send(text)
        assert await station.recv() == text
        for end in (station, guests.seen[0]):
            agreed: list[Any] = end.protocol.extensions
            windows = [(each.local_max_window_bits, each.remote_max_window_bits) for each in agreed]
            assert windows == ([(12, 12)] if offers and takes else [])


@pytest.mark.parametrize("sender", ["station", "csms"])
@pytest.mark.parametrize("compression", [False, True])
async def test_a_message_that_is_too_big_closes_with_1009(sender: str, compression: bool) -> None:
    # L-132
    async def handler(websocket: WebSocket) -> None:
        if sender == "csms":
            await websocket.send("x" * 1001)
        ended.append(await end_of(websocket))

    ended: list[Any] = []
    limits = {"station": 1000, "csms": 10**6}
    async with (
        serving(handler, max_size=limits[sender]) as url,
        connect(
            url, "CP_1", max_size=10**6 + 1000 - limits[sender], compression=compression, **CALM
        ) as station,
    ):
        if sender == "station":
            await station.send("x" * 1001)
        ended.append(await end_of(station))
        await eventually(lambda: len(ended) == 2)
    for closed in ended:
        assert type(closed) is ConnectionClosedError
        assert 1009 in {frame.code for frame in (closed.sent, closed.rcvd) if frame is not None}


async def end_of(websocket: WebSocket) -> Any:
    try:
        while True:
            await websocket.recv()
    except (ConnectionClosedError, ConnectionClosedOK) as closed:
        return closed
