"""asgi.py: how a WebSocket opens, HTTP and lifespans, against the bare application."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from math import inf
from typing import Any

import anyio
import pytest

from ocpp_sansio.handshake import Credentials, UpgradeRefused, authorization
from ocpp_sansio_adapters import v16
from ocpp_sansio_adapters.asgi import CSMSApp
from ocpp_sansio_adapters.csms import CSMS
from tests.adapters.asgi_server import CLOSE, Peer, exchange, joined, scope_of, silence
from tests.adapters.network import At21, At201, AtCSMS
from tests.adapters.virtual_time import only_asyncio
from tests.adapters.wire import quiet
from tests.conformance.test_handshakes import ENTRIES, SITUATIONS, STATIONS, fits, request_of

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse battery staple"
ALL = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


# What is spoken.


@pytest.mark.parametrize(
    ("offers", "classes", "chosen"),
    [
        (["ocpp1.6"], [AtCSMS], "ocpp1.6"),
        (["ocpp2.1", "ocpp2.0.1", "ocpp1.6"], [AtCSMS, At201], "ocpp2.0.1"),
        (["ocpp1.6", "ocpp2.1"], [At21, At201, AtCSMS], "ocpp1.6"),
        (["mqtt", "ocpp2.1"], [At21], "ocpp2.1"),
    ],
)
async def test_the_first_offer_that_is_spoken_counts(
    offers: list[str], classes: list[Any], chosen: str
) -> None:
    # L-110
    csms = CSMS(*classes)
    async with joined(CSMSApp(csms), scope_of(offers=offers)) as peer:
        assert peer.answer == ("accept", chosen)
        assert csms.stations["CP_1"].version.subprotocol == chosen
        assert csms.stations["CP_1"].transport.subprotocol == chosen
    assert not csms.stations


@pytest.mark.parametrize("offers", [[], ["ocpp1.5"], ["OCPP1.6"]])
@pytest.mark.parametrize("polite", [True, False])
async def test_without_a_common_version_the_link_is_closed_at_once(offers: list[str], polite: bool) -> None:
    # J16-111, L-111, L-124
    csms = CSMS(AtCSMS)
    async with silence(csms), anyio.create_task_group() as tasks:
        peer = Peer(scope_of(offers=offers))
        peer.polite = polite
        peer.say("[2]")
        tasks.start_soon(peer.run, CSMSApp(csms))
        await peer.over()
    assert peer.answer == ("accept", None, (1002, "no subprotocol in common"))
    assert peer.faults == []


@pytest.mark.parametrize("offers", [[], ["ocpp2.0.1"]])
async def test_or_is_refused_if_certification_wants_that(offers: list[str]) -> None:
    # L-111
    app = CSMSApp(CSMS(AtCSMS), no_common_version="refuse")
    assert (await exchange(app, scope_of(offers=offers))).answer == ("http.response.start", 400)
    assert (await exchange(app, scope_of())).answer == ("accept", "ocpp1.6")


async def test_offers_are_as_the_server_has_read_them() -> None:
    """Hypercorn accepts none but those of the last header."""
    app = CSMSApp(CSMS(AtCSMS, At201))
    header = ("Sec-WebSocket-Protocol", "ocpp1.6")
    peer = await exchange(app, scope_of("/CP_1", header, offers=["ocpp2.0.1"]))
    assert peer.answer == ("accept", "ocpp2.0.1")
    as_sent = [(name.encode(), value.encode()) for name, value in [header]]
    peer = await exchange(app, scope_of(offers=["ocpp2.0.1"], headers=as_sent))
    assert peer.answer == ("accept", "ocpp2.0.1")
    peer = await exchange(app, scope_of("/CP_1", offers=["ocpp1.6"], subprotocols=None))
    assert peer.answer == ("accept", "ocpp1.6")


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
async def test_the_handshakes_of_the_conformance_corpus(entry: dict[str, Any]) -> None:
    situation = SITUATIONS[entry.get("context")]
    path, headers = request_of(entry["raw"])
    registered = {name.lower(): name for name in STATIONS}
    found: list[str] = []

    def authenticate(identity: str, credentials: Credentials | None, certificate: object) -> bool:
        if identity.lower() not in registered:
            raise UpgradeRefused(404, "no such station")
        found.append(registered[identity.lower()])
        password = situation.password
        return password is None or (credentials is not None and credentials.matches(password))

    classes = {"1.6": AtCSMS, "2.0.1": At201, "2.1": At21}
    spoken = [classes[name] for name in situation.versions or (entry["version"],)]
    scope = scope_of(path, *headers, offers=(), subprotocols=None)
    peer = await exchange(CSMSApp(CSMS(*spoken), authenticate=authenticate), scope)
    kind, said = peer.answer[:2]
    if kind == "http.response.start":
        got = {"outcome": "refuse-upgrade", "http_status": said}
    elif said is None:
        got = {"outcome": "upgrade-without-subprotocol-then-immediate-close", "http_status": 101}
    else:
        got = {"outcome": "upgrade", "http_status": 101, "subprotocol": said, "identity": found[0]}
    assert fits(got, entry["expected"][0])


# Who comes.


@pytest.mark.parametrize(
    ("raw_path", "path", "root_path", "base", "identity"),
    [
        (b"/CP_1", "/CP_1", "", "/", "CP_1"),
        (b"/a+b", "/a+b", "", "/", "a+b"),  # L-106
        (b"/%C3%BC%2F%C3%B6", "/ü/ö", "", "/", "ü/ö"),  # J16-103
        (b"/%2541", "/%41", "", "/", "%41"),
        (b"/ocpp/CP_1", "/ocpp/CP_1", "", "/ocpp", "CP_1"),
        (b"/ocpp/CP_1", "/ocpp/CP_1", "", "/ocpp/", "CP_1"),
        # Mounted: the mount is in the path, as ASGI has it, or not, as old frameworks have it.
        (b"/ocpp/CP_1", "/ocpp/CP_1", "/ocpp", "/", "CP_1"),
        (b"/ocpp/CP_1", "/CP_1", "/ocpp", "/", "CP_1"),
        (b"/api/ws/CP_1", "/api/ws/CP_1", "/api", "/ws", "CP_1"),
        (b"/ws/CP_1", "/ws/CP_1", "/api", "/ws", "CP_1"),
        (b"/a%20b/ws/CP_1", "/a b/ws/CP_1", "/a b/", "/ws", "CP_1"),
        (b"/a%20b/%2F1", "/a b//1", "/a b", "/", "/1"),
        # A server may keep to itself what was on the wire.
        (None, "/ocpp/a b+c%", "/ocpp", "/", "a b+c%"),
        (None, "/ü", "", "/", "ü"),
    ],
)
async def test_the_identity_is_in_the_path_below_the_mount(
    raw_path: bytes | None, path: str, root_path: str, base: str, identity: str
) -> None:
    csms = CSMS(AtCSMS)
    scope = scope_of(path, raw_path=raw_path, root_path=root_path)
    async with joined(CSMSApp(csms, base=base), scope) as peer:
        assert peer.answer == ("accept", "ocpp1.6")
        assert list(csms.stations) == [identity]


@pytest.mark.parametrize(
    ("raw_path", "root_path", "base", "status"),
    [
        (b"/", "", "/", 404),
        (b"/ocpp", "/ocpp", "/", 404),
        (b"/ocpp/", "/ocpp", "/", 404),
        (b"/other/CP_1", "", "/ocpp", 404),
        (b"/ocpp/CP_1", "/ocpp", "/ws", 404),
        (b"/%FF", "", "/", 400),
        (b"/..", "", "/", 404),
    ],
)
async def test_what_is_no_identity_is_refused(
    raw_path: bytes, root_path: str, base: str, status: int
) -> None:
    scope = scope_of("/", raw_path=raw_path, root_path=root_path)
    peer = await exchange(CSMSApp(CSMS(AtCSMS), base=base), scope)
    assert peer.answer == ("http.response.start", status)


async def test_a_handler_may_know_how_the_link_came_about() -> None:
    csms = CSMS(AtCSMS)
    scope = scope_of("/ocpp/CP_1", ("X-Forwarded-For", "\xe9"), root_path="/ocpp", query_string=b"tenant=1")
    async with joined(CSMSApp(csms), scope):
        websocket = csms.stations["CP_1"].transport
        assert websocket.info.path == "/ocpp/CP_1?tenant=1"
        assert ("x-forwarded-for", "\xe9") in websocket.info.headers
        assert websocket.info.remote == ("127.0.0.1", 4711)
        assert websocket.info.peer_certificate is None
    async with joined(CSMSApp(csms), scope_of(client=None)):
        assert csms.stations["CP_1"].transport.info.remote is None


# Who is let in.


def by_password(identity: str, credentials: Credentials | None, certificate: object) -> bool:
    if identity == "CP_404":
        raise UpgradeRefused(404, "no such station")
    return credentials is not None and credentials.matches(PASSWORD)


async def by_password_later(identity: str, credentials: Credentials | None, certificate: object) -> bool:
    await anyio.sleep(1)
    return by_password(identity, credentials, certificate)


@pytest.mark.parametrize("authenticate", [by_password, by_password_later])
@pytest.mark.parametrize(
    ("identity", "password", "status"),
    [("CP_1", PASSWORD, 101), ("CP_1", "wrong", 401), ("CP_1", None, 401), ("CP_404", PASSWORD, 404)],
)
@pytest.mark.parametrize("extensions", [{"websocket.http.response": {}}, {}, None])
async def test_the_application_says_who_is_let_in(
    authenticate: Any, identity: str, password: str | None, status: int, extensions: Any
) -> None:
    # J16-115, J16-117, J16-703
    csms = CSMS(AtCSMS)
    headers = [] if password is None else [("Authorization", authorization(identity, password))]
    scope = scope_of(f"/{identity}", *headers, extensions=extensions)
    async with joined(CSMSApp(csms, authenticate=authenticate), scope) as peer:
        await anyio.sleep(2)
        assert list(csms.stations) == ([identity] if status == 101 else [])
    if status == 101:
        assert peer.answer == ("accept", "ocpp1.6")
    elif not extensions:  # a close instead of an acceptance is a 403
        assert [message["type"] for message in peer.told] == [CLOSE]
    else:
        start, body = peer.told
        assert start["status"] == status
        headers = dict(start["headers"])
        assert (headers.get(b"www-authenticate") == b'Basic realm="OCPP"') == (status == 401)
        assert headers[b"content-length"] == b"%d" % len(body["body"])
        assert body["body"] in {b"no such station\n", b"no credentials, or wrong ones\n"}


def crash(*args: object) -> bool:
    raise RuntimeError("the database is gone")


async def crash_later(*args: object) -> bool:
    await anyio.sleep(1)
    raise RuntimeError("the database is gone")


async def cancel_itself(*args: object) -> bool:
    raise asyncio.CancelledError


async def refused_with_500(authenticate: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    csms = CSMS(AtCSMS)
    async with silence(csms), joined(CSMSApp(csms, authenticate=authenticate)) as peer:
        await anyio.sleep(2)
    assert peer.answer == ("http.response.start", 500)
    assert b"database" not in peer.told[1]["body"]
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.getMessage() == "CP_1: authenticate has crashed"


@pytest.mark.parametrize("authenticate", [crash, crash_later])
async def test_an_authenticate_that_crashes_refuses(
    authenticate: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    await refused_with_500(authenticate, caplog)


@only_asyncio
async def test_an_authenticate_that_cancels_itself_refuses(caplog: pytest.LogCaptureFixture) -> None:
    await refused_with_500(cancel_itself, caplog)


async def test_no_password_is_logged_or_shown(caplog: pytest.LogCaptureFixture) -> None:
    # J16-705
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "ocpp_sansio")
    csms = CSMS(AtCSMS)
    app = CSMSApp(csms, authenticate=by_password)
    header = ("Authorization", authorization("CP_1", PASSWORD))
    async with joined(app, scope_of("/CP_1", header)) as peer:
        peer.say("[2]")
        await quiet()
        websocket = csms.stations["CP_1"].transport
        shown = [repr(websocket), repr(websocket.info)]
    wrong = ("Authorization", authorization("CP_1", f"wrong-{PASSWORD}"))
    await exchange(app, scope_of("/CP_1?password=1", wrong))
    text = "\n".join([*shown, caplog.text, *(str(record.args) for record in caplog.records)])
    assert "CP_1: connected, speaks ocpp1.6" in text
    assert "CP_1: closed: the link was closed with 1006" in text
    assert "'/CP_1': refused: 401: no credentials, or wrong ones" in text
    for secret in (PASSWORD, "Basic ", header[1].split()[1][:8], "password=1"):
        assert secret not in text


# What is no WebSocket.


async def answer_to(app: Any, scope: dict[str, Any], *events: str) -> list[Any]:
    """What the application sends when these events come."""
    coming = list(events)
    told: list[Any] = []

    async def receive() -> Any:
        return {"type": coming.pop(0)}

    async def send(message: Any) -> None:
        told.append(message)

    await app(scope, receive, send)
    assert coming == []
    return told


@pytest.mark.parametrize("http_version", ["1.1", "2"])
async def test_http_is_answered_with_what_it_takes(http_version: str) -> None:
    scope = scope_of("/ocpp/CP_1", type="http", root_path="/ocpp", http_version=http_version)
    start, body = await answer_to(CSMSApp(CSMS(AtCSMS)), scope)
    assert (start["type"], start["status"]) == ("http.response.start", 426)
    headers = dict(start["headers"])
    assert headers.get(b"upgrade") == (b"websocket" if http_version == "1.1" else None)
    assert headers[b"content-type"] == b"text/plain; charset=utf-8"
    assert body == {"type": "http.response.body", "body": b"stations connect here, with WebSockets\n"}


@pytest.mark.parametrize(("path", "status"), [("/ocpp/", 404), ("/elsewhere", 404), ("/ocpp/%FF", 400)])
async def test_http_where_no_station_connects_is_not_found(path: str, status: int) -> None:
    start, _ = await answer_to(CSMSApp(CSMS(AtCSMS), base="/ocpp"), scope_of(path, type="http"))
    assert start["status"] == status
    assert b"upgrade" not in dict(start["headers"])


async def test_it_has_a_lifespan_so_that_a_server_can_run_it_alone() -> None:
    app = CSMSApp(CSMS(AtCSMS))
    for _ in range(2):
        told = await answer_to(app, {"type": "lifespan"}, "lifespan.startup", "lifespan.shutdown")
        assert told == [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}]


async def test_nobody_is_let_in_outside_of_a_lifespan_that_has_ended() -> None:
    app = CSMSApp(CSMS(AtCSMS))
    await answer_to(app, {"type": "lifespan"}, "lifespan.startup", "lifespan.shutdown")
    assert (await exchange(app, scope_of())).answer == ("http.response.start", 503)

    async def live(receive: Callable[[], Awaitable[Any]]) -> None:
        await app({"type": "lifespan"}, receive, receive_nothing)

    async def receive_nothing(message: object) -> None: ...

    put, events = anyio.create_memory_object_stream[Any](inf)
    with put, events:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(live, events.receive)
            put.send_nowait({"type": "lifespan.startup"})
            await quiet()
            assert (await exchange(app, scope_of())).answer == ("accept", "ocpp1.6")
            put.send_nowait({"type": "lifespan.shutdown"})


async def test_what_asgi_may_bring_some_day_is_said_to_be_unknown() -> None:
    with pytest.raises(ValueError, match="'webtransport'"):
        await answer_to(CSMSApp(CSMS(AtCSMS)), {"type": "webtransport"})


# Wrong arguments.


@pytest.mark.parametrize(
    ("settings", "kind", "message"),
    [
        ({"csms": AtCSMS}, TypeError, "csms is a CSMS, not "),
        ({"authenticate": "secret"}, TypeError, "authenticate is a function, not 'secret'"),
        ({"base": "ocpp"}, ValueError, "base is a path that begins with a slash"),
        ({"base": 1}, TypeError, "base is text"),
        ({"no_common_version": "ignore"}, ValueError, "ignore"),
        ({"close_timeout": 0}, ValueError, "close_timeout is a positive number of seconds, not 0"),
    ],
)
async def test_wrong_arguments_are_found_at_once(settings: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind, match=message):
        CSMSApp(**{"csms": CSMS(v16.ChargePoint), **settings})
