"""sync/websockets.py: how a WebSocket opens over real sockets, and with whom: what is spoken, and who is let
in.
"""

import logging
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import websockets.sync.client
import websockets.sync.server
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK

from ocpp_sansio import Version
from ocpp_sansio.handshake import Credentials, UpgradeFailed, UpgradeRefused
from ocpp_sansio_adapters.sync.websockets import Pings, WebSocket, connect, serve
from tests.adapters.certificates import Certificate, certificate
from tests.adapters.sockets import request
from tests.adapters.test_websockets_connect import REFUSALS
from tests.adapters.test_websockets_faults import GARBAGE
from tests.adapters.threads import (
    CALM,
    Answer,
    RawServer,
    ask,
    echo,
    eventually,
    hung_up,
    nothing_left,
    raw,
    response_of,
    serving,
)
from tests.conformance.test_handshakes import ENTRIES, SITUATIONS, STATIONS, fits

PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def tidy() -> Iterator[None]:
    with nothing_left():
        yield


class Guests:
    """A handler that notes who came, and waits for the end."""

    def __init__(self) -> None:
        self.seen: list[WebSocket] = []

    def __call__(self, websocket: WebSocket) -> None:
        self.seen.append(websocket)
        echo(websocket)


@contextmanager
def failing(opening: AbstractContextManager[WebSocket]) -> Iterator[pytest.ExceptionInfo[UpgradeFailed]]:
    """Enter it and leave at once; the block is for what must have failed."""
    with pytest.raises(UpgradeFailed) as caught, opening:
        pytest.fail("it is open")
    yield caught


# What is spoken.


@pytest.mark.parametrize(
    ("offered", "spoken", "agreed"),
    [
        (["2.1", "2.0.1", "1.6"], ["1.6", "2.0.1"], "2.0.1"),
        (["1.6", "2.0.1"], ["2.0.1", "1.6"], "1.6"),
        (["2.1"], ["2.1", "2.0.1"], "2.1"),
    ],
)
def test_the_order_of_the_station_decides(offered: list[str], spoken: list[str], agreed: str) -> None:
    # J16-109, J16-110, L-110
    guests = Guests()
    with (
        serving(guests, versions=spoken) as url,
        connect(url, "CP_1", versions=offered, **CALM) as station,
    ):
        station.send("hello")
        assert station.recv() == "hello"
        [csms] = guests.seen
        for end in (station, csms):
            assert end.version is Version(agreed)
            assert end.subprotocol == end.info.subprotocol == f"ocpp{agreed}"
            assert end.identity == "CP_1"
            assert repr(end) == f"<WebSocket of CP_1, ocpp{agreed}>"
        assert ("Sec-WebSocket-Protocol", f"ocpp{agreed}") in station.info.headers
        assert ("Sec-WebSocket-Protocol", ", ".join(f"ocpp{name}" for name in offered)) in csms.info.headers


def test_without_a_common_version_the_websocket_opens_and_closes_at_once() -> None:
    # J16-111, L-124
    guests = Guests()
    with serving(guests, versions=["2.0.1"]) as url:
        answer = ask(url, request(subprotocol="ocpp1.6"))
        assert answer.status == 101
        assert "sec-websocket-protocol" not in answer.headers
        assert answer.rest[:4] == b"\x88\x1a\x03\xea"  # a close frame with 1002
        assert ask(url, request(subprotocol=None)).status == 101
        with failing(connect(url, "CP_1", versions=["1.6"], **CALM)) as caught:
            assert "of ocpp1.6 the CSMS chose none" in str(caught.value)
    assert not guests.seen


def test_a_station_that_does_not_answer_that_close_is_hung_up_on() -> None:
    # J16-111
    with serving(versions=["2.0.1"], close_timeout=0.05) as url, raw(url) as stream:
        stream.sendall(request(subprotocol="ocpp1.6"))
        response_of(stream)
        hung_up(stream)


def test_without_a_common_version_there_is_no_websocket_if_certification_wants_that() -> None:
    # L-111
    guests = Guests()
    with serving(guests, versions=["2.0.1"], no_common_version="refuse") as url:
        assert ask(url, request(subprotocol="ocpp0.1")).status == 400
        with failing(connect(url, "CP_1", versions=["1.6"], **CALM)) as caught:
            assert caught.value.status == 400
        with connect(url, "CP_1", versions=["1.6", "2.0.1"], **CALM) as station:
            assert station.version is Version.V201
    assert len(guests.seen) == 1


# Who comes.


@pytest.mark.parametrize(
    ("identity", "path"),
    [
        ("RDAM 123", "/RDAM%20123"),
        ("a+b", "/a+b"),
        ("ü/ö", "/%C3%BC%2F%C3%B6"),
        ("%41", "/%2541"),
    ],
)
def test_an_identity_is_encoded_and_decoded_once(identity: str, path: str) -> None:
    # J16-103, L-106
    guests = Guests()
    with (
        serving(guests, versions=["1.6"], base="/ocpp") as url,
        connect(f"{url}/ocpp/?tenant=1", identity, versions=["1.6"], **CALM),
    ):
        eventually(lambda: guests.seen)
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
def test_what_cannot_be_upgraded_is_refused(octets: bytes, status: int) -> None:
    guests = Guests()
    with serving(guests) as url:
        answer = ask(url, octets)
        assert answer.status == status
        assert ("www-authenticate" in answer.headers) == (status == 401)
        assert int(answer.headers["content-length"]) == len(answer.rest)
    assert not guests.seen


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_the_handshakes_of_the_conformance_corpus_over_a_socket(entry: dict[str, Any]) -> None:
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
    with serving(guests, versions=versions, authenticate=authenticate) as url, raw(url) as stream:
        stream.sendall(entry["raw"].encode("latin-1"))
        answer = response_of(stream)
        got = outcome_of(answer, found)
        eventually(lambda: bool(guests.seen) == (got["outcome"] == "upgrade"))
    expected = entry["expected"][0]
    assert fits(got, expected), f"{got}, not {expected}"
    compressed = answer.headers.get("sec-websocket-extensions", "").startswith("permessage-deflate")
    assert compressed or "extensions" not in expected


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


@pytest.mark.parametrize("password", [PASSWORD, PASSWORD.encode()])
def test_who_has_the_password_is_let_in(password: str | bytes) -> None:
    # J16-117, J16-703
    guests = Guests()
    with serving(guests, authenticate=by_password) as url, connect(url, "CP_1", password=password, **CALM):
        eventually(lambda: guests.seen)


@pytest.mark.parametrize(
    ("identity", "password", "status"),
    [("CP_1", "wrong", 401), ("CP_1", None, 401), ("CP_404", PASSWORD, 404)],
)
def test_who_has_not_is_refused(identity: str, password: str | None, status: int) -> None:
    # J16-115, J16-117, J16-703
    guests = Guests()
    with (
        serving(guests, authenticate=by_password) as url,
        failing(connect(url, identity, password=password, **CALM)) as caught,
    ):
        assert caught.value.status == status
    assert not guests.seen


def test_an_authenticate_that_crashes_refuses_one_station_and_harms_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = False

    def judge(*args: object) -> bool:
        if broken:
            raise RuntimeError("the database is gone")
        return True

    with serving(authenticate=judge) as url, connect(url, "CP_1", **CALM) as healthy:
        broken = True
        answer = ask(url, request("/CP_2"))
        assert answer.status == 500
        assert b"database" not in answer.rest
        healthy.send("still here")
        assert healthy.recv() == "still here"
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.getMessage() == "CP_2: authenticate has crashed"


def test_an_application_may_refuse_with_any_status() -> None:
    def authenticate(*args: object) -> bool:
        raise UpgradeRefused(520, "as a proxy would")

    with serving(authenticate=authenticate) as url:
        assert ask(url, request()).status == 520


@pytest.mark.parametrize("compression", [False, True])
def test_no_password_is_logged_or_shown(compression: bool, caplog: pytest.LogCaptureFixture) -> None:
    # J16-705
    for name in ("", "websockets", "websockets.client", "websockets.server", "ocpp_sansio"):
        caplog.set_level(logging.DEBUG, name)
    guests = Guests()
    with serving(guests, authenticate=by_password, compression=compression) as url:
        with connect(url, "CP_1", password=PASSWORD, compression=compression, **CALM) as station:
            station.send("hello")
            station.recv()
            shown = [repr(thing) for end in (station, guests.seen[0]) for thing in (end, end.info)]
        with failing(connect(url, "CP_404", password=PASSWORD, **CALM)) as caught:
            shown += [repr(caught.value), str(caught.value)]
        ask(url, request("/CP_1", "Authorization: Basic Q1BfMTp3cm9uZy1odW50ZXI="))
    text = "\n".join([*shown, caplog.text, *(str(record.args) for record in caplog.records)])
    assert "CP_1: connected, speaks ocpp2.1" in text
    assert "CP_1: sends hello" in text
    assert "CP_1: closed: received 1000 (OK); then sent 1000 (OK)" in text
    for secret in (PASSWORD, "Basic ", "Q1BfMT", "wrong-hunter"):
        assert secret not in text


@pytest.mark.parametrize(("offers", "takes"), [(True, True), (True, False), (False, True)])
def test_compression_is_agreed_on_if_both_want_it(offers: bool, takes: bool) -> None:
    with (
        serving(compression=takes) as url,
        connect(url, "CP_1", compression=offers, **CALM) as station,
    ):
        station.send("x" * 10_000)
        assert station.recv() == "x" * 10_000
        agreed = [value for name, value in station.info.headers if name == "Sec-WebSocket-Extensions"]
        assert bool(agreed) == (offers and takes)
        assert all("server_max_window_bits=12" in value for value in agreed)


def test_a_message_that_is_too_big_closes_with_1009(caplog: pytest.LogCaptureFixture) -> None:
    # L-132
    with serving(max_size=1000) as url, connect(url, "CP_1", **CALM) as station:
        station.send("x" * 1001)
        with pytest.raises(ConnectionClosedError):
            station.recv()
        assert station.close_code == 1009
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_binary_message_closes_with_1003() -> None:
    # L-132
    guests = Guests()
    with serving(guests, versions=["1.6"]) as url:
        offered = [websockets.Subprotocol("ocpp1.6")]
        with websockets.sync.client.connect(f"{url}/CP_1", subprotocols=offered) as foreign:
            foreign.send(b"hello")
            with pytest.raises(ConnectionClosedError):
                foreign.recv()
            assert foreign.close_code == 1003


def test_text_that_is_not_utf8_closes_with_1007() -> None:
    with serving(versions=["1.6"]) as url, raw(url) as stream:
        stream.sendall(request())
        response_of(stream)
        stream.sendall(b"\x81\x82\0\0\0\0\xff\xfe")
        assert hung_up(stream)[2:4] == (1007).to_bytes(2, "big")


# The station's end.


@pytest.mark.parametrize(("status", "answer"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_says_how_the_csms_answered(status: int, answer: Callable[[bytes], bytes]) -> None:
    # J16-112, L-118; and a redirection is not followed, for whoever is there would get the password
    heard: list[bytes] = []

    def script(stream: socket.socket, asked: bytes) -> None:
        stream.sendall(answer(asked))
        if status != 101:
            stream.shutdown(socket.SHUT_WR)
        heard.append(hung_up(stream))

    server = RawServer(script)
    with server.running() as url:
        settings = {**CALM, "close_timeout": 0.05}
        with failing(connect(url, "CP_1", versions=["2.1", "2.0.1"], password="x", **settings)) as caught:
            assert caught.value.status == status
        eventually(lambda: heard)
    assert len(server.requests) == 1
    assert bool(heard[0]) == (answer is REFUSALS["no subprotocol"][1])  # a close frame, for that one is open


@pytest.mark.parametrize("octets", [b"", b"HTTP/1.1 101 Switch", b"220 mail.example.com ESMTP\r\n"])
def test_what_is_no_answer_is_a_connection_error(octets: bytes) -> None:
    def script(stream: socket.socket, asked: bytes) -> None:
        stream.sendall(octets)

    with (
        RawServer(script).running() as url,
        pytest.raises(ConnectionError, match="hung up"),
        connect(url, "CP_1", **CALM),
    ):
        pytest.fail("it is open")


def test_a_csms_that_does_not_answer_is_given_up() -> None:
    def say_nothing(stream: socket.socket, asked: bytes) -> None:
        hung_up(stream)

    with (
        RawServer(say_nothing).running() as url,
        pytest.raises(TimeoutError, match=r"no WebSocket within 0\.05 s"),
        connect(url, "CP_1", **{**CALM, "open_timeout": 0.05}),
    ):
        pytest.fail("it is open")


def test_where_nobody_listens_it_is_an_os_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(OSError, match=r"refused"), connect(f"ws://127.0.0.1:{port}", "CP_1", **CALM):
        pytest.fail("it is open")


def test_a_link_is_closed_at_the_end_of_the_block_even_if_that_raises() -> None:
    guests = Guests()
    with serving(guests) as url:
        with pytest.raises(ZeroDivisionError), connect(url, "CP_1", **CALM) as station:
            raise ZeroDivisionError
        assert station.close_code == 1000
        with pytest.raises(ConnectionClosedOK):
            station.send("too late")
        with pytest.raises(ConnectionClosedOK):
            station.recv()


# Arguments.

WRONG = {
    "pings": (True, TypeError),
    "compression": (1, TypeError),
    "max_size": (0, ValueError),
    "open_timeout": (0, ValueError),
    "close_timeout": (float("inf"), ValueError),
    "versions": ([], ValueError),
}


@pytest.mark.parametrize("name", [*WRONG, "tls", "password"])
def test_connect_names_the_argument_that_is_wrong(name: str) -> None:
    value, error = {**WRONG, "tls": (True, TypeError), "password": (7, TypeError)}[name]
    with pytest.raises(error, match=name):
        connect("wss://localhost", "CP_1", **{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("url", ["http://localhost", "ws://", "ws://localhost:port", "ws://:80"])
def test_connect_wants_a_url(url: str) -> None:
    with pytest.raises(ValueError, match=r"endpoint is a URL|url has no host"):
        connect(url, "CP_1")


def test_tls_wants_a_url_that_says_so() -> None:
    with pytest.raises(ValueError, match="wss"):
        connect("ws://localhost", "CP_1", tls=ssl.create_default_context())


async def nobody_awaits(*args: object) -> bool:
    raise NotImplementedError


@pytest.mark.parametrize("name", [*WRONG, "tls", "authenticate", "no_common_version", "base", "port"])
def test_serve_names_the_argument_that_is_wrong(name: str) -> None:
    values: dict[str, tuple[Any, type[Exception]]] = {
        **WRONG,
        "tls": (True, TypeError),
        "authenticate": (nobody_awaits, TypeError),
        "no_common_version": ("maybe", ValueError),
        "base": ("ocpp", ValueError),
        "port": (-1, ValueError),
    }
    value, error = values[name]
    with pytest.raises(error, match=name if name != "no_common_version" else "maybe"):
        serve(echo, "127.0.0.1", **{name: value})


@pytest.mark.parametrize("handler", [None, 7, nobody_awaits])
def test_serve_wants_a_function(handler: Any) -> None:
    with pytest.raises(TypeError, match="handler is"):
        serve(handler, "127.0.0.1")


def test_a_port_that_is_taken_is_an_os_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        serve(echo, "127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize("host", [None, "localhost", "127.0.0.1"])
def test_a_server_listens_where_it_says(host: str | None) -> None:
    with serve(echo, host, **CALM) as server, connect(f"ws://localhost:{server.address[1]}", "CP_1", **CALM):
        pass


def test_pings_are_sent_and_a_peer_that_does_not_answer_them_is_hung_up_on() -> None:
    # J16-120
    with (
        serving(pings=Pings(interval=0.02, timeout=0.02, jitter=0.5), close_timeout=0.02) as url,
        raw(url) as stream,
    ):
        stream.sendall(request())
        response_of(stream)
        heard = hung_up(stream)
    assert heard[0] == 0x89  # a ping
    assert b"keepalive ping timeout" in heard


# Garbage.


@pytest.mark.parametrize("octets", [GARBAGE[name] for name in GARBAGE if "too early" not in name])
def test_garbage_harms_nobody(octets: bytes) -> None:
    with serving(open_timeout=0.3, close_timeout=0.1) as url, connect(url, "CP_1", **CALM) as healthy:
        with raw(url) as stream:
            stream.sendall(octets)
            stream.shutdown(socket.SHUT_WR)
            assert b" 101 " not in hung_up(stream)  # refused, or not even that
        healthy.send("still here")
        assert healthy.recv() == "still here"


@pytest.mark.parametrize("octets", [b"", request()[:50]])
def test_who_does_not_finish_is_dropped_after_a_while(octets: bytes) -> None:
    with serving(open_timeout=0.05) as url, raw(url) as stream:
        stream.sendall(octets)
        assert hung_up(stream) == b""


# TLS.


@pytest.fixture(scope="module")
def parties(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Certificate]:
    directory: Path = tmp_path_factory.mktemp("certificates")
    return {name: certificate(directory, name) for name in ("csms", "station")}


def test_wss_is_spoken_and_ends_in_good_order(parties: dict[str, Certificate]) -> None:
    # J16-706, J201-706
    guests = Guests()
    certificates: list[Any] = []

    def authenticate(identity: str, credentials: Credentials | None, certificate: Any) -> bool:
        certificates.append(certificate)
        return True

    tls = parties["csms"].as_server(parties["station"])
    with serving(guests, tls=tls, authenticate=authenticate) as url:
        mine = parties["csms"].as_client(parties["station"])
        with connect(url.replace("ws:", "wss:"), "CP_1", tls=mine, **CALM) as station:
            text = "[2]" * 50_000
            station.send(text)
            assert station.recv() == text
            assert station.info.peer_certificate is not None
            assert (("commonName", "csms"),) in station.info.peer_certificate["subject"]
        assert station.close_code == 1000
    assert (("commonName", "station"),) in certificates[0]["subject"]
    assert guests.seen[0].close_code == 1000


def test_a_station_does_not_trust_everybody(parties: dict[str, Certificate]) -> None:
    with (
        serving(tls=parties["csms"].as_server()) as url,
        pytest.raises(ssl.SSLCertVerificationError),
        connect(url.replace("ws:", "wss:"), "CP_1", **CALM),
    ):
        pytest.fail("it is open")


def test_who_does_not_speak_tls_is_logged_and_dropped(
    parties: dict[str, Certificate], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with serving(tls=parties["csms"].as_server(), open_timeout=0.1) as url:
        for octets in (request(), b""):
            with raw(url) as stream:
                stream.sendall(octets)
                assert b" 101 " not in hung_up(stream)
    assert caplog.text.count("somebody connected, but there is no link") == 2
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


def test_who_is_silent_within_a_record_of_tls_holds_up_no_close(parties: dict[str, Certificate]) -> None:
    guests = Guests()
    with serving(guests, tls=parties["csms"].as_server(), close_timeout=0.05) as url, raw(url) as stream:
        mine = parties["csms"].as_client()
        with mine.wrap_socket(stream, server_hostname="127.0.0.1") as secure:
            secure.sendall(request())
            assert b" 101 " in secure.recv(1000)
            eventually(lambda: guests.seen)
            socket.socket.sendall(secure, b"\x17\x03\x03\x00\x40half")  # now it is within SSL_read
            guests.seen[0].close()
