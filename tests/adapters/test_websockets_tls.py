"""websockets.py: wss, over real sockets and on both backends; those who fail at it, and those who never meant to speak it."""

import logging
import ssl
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import anyio
import attrs
import pytest
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSStream
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK

from ocpp_sansio.security import station_certificate
from ocpp_sansio_adapters.websockets import WebSocket, connect
from tests.adapters.certificates import Certificate, certificate
from tests.adapters.sockets import (
    CALM,
    echo,
    eventually,
    hung_up,
    nothing_left,
    open_sockets,
    raw,
    request,
    reset,
    response_of,
    serving,
)
from tests.adapters.stepping import Stepping, each_step

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


@attrs.frozen
class Parties:
    csms: Certificate
    station: Certificate
    stranger: Certificate


@pytest.fixture(scope="module")
def parties(tmp_path_factory: pytest.TempPathFactory) -> Parties:
    directory = tmp_path_factory.mktemp("certificates")
    return Parties(*(certificate(directory, name) for name in ("csms", "station", "stranger")))


def secure(url: str) -> str:
    return url.replace("ws://", "wss://")


class Ends:
    """A handler that notes how each link ends."""

    def __init__(self) -> None:
        self.ends: list[ConnectionClosed] = []

    async def __call__(self, websocket: WebSocket) -> None:
        try:
            await echo(websocket)
        except ConnectionClosed as closed:
            self.ends.append(closed)

    def as_many_as(self, count: int) -> Callable[[], bool]:
        return lambda: len(self.ends) == count


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged of those who did not get as far as TLS; nothing with a traceback, and nothing worse."""
    assert not [record for record in caplog.records if record.levelno > logging.INFO or record.exc_info]
    return [record.getMessage() for record in caplog.records if "no TLS" in record.getMessage()]


async def test_wss_is_spoken_and_ends_in_good_order(parties: Parties) -> None:
    # J16-706, J201-706
    handler = Ends()
    async with serving(handler, tls=parties.csms.as_server()) as url:
        with anyio.fail_after(5):  # nobody waits for what TLS cannot say
            async with connect(secure(url), "CP_1", tls=parties.csms.as_client(), **CALM) as station:
                text = "[2]" * 50_000
                await station.send(text)
                assert await station.recv() == text
                assert station.info.peer_certificate is not None
                assert (("commonName", "csms"),) in station.info.peer_certificate["subject"]
        await eventually(lambda: handler.ends)
        assert type(handler.ends[0]) is ConnectionClosedOK


async def test_a_csms_may_close_first(parties: Parties) -> None:
    async def handler(websocket: WebSocket) -> None:
        await websocket.aclose(1008, "go away")

    async with (
        serving(handler, tls=parties.csms.as_server()) as url,
        connect(secure(url), "CP_1", tls=parties.csms.as_client(), **CALM) as station,
    ):
        with pytest.raises(ConnectionClosedError):
            await station.recv()
        assert (station.close_code, station.close_reason) == (1008, "go away")


@pytest.mark.parametrize("fault", ["another authority", "the system's authorities", "another host"])
async def test_a_station_does_not_trust_everybody(
    fault: str, parties: Parties, caplog: pytest.LogCaptureFixture
) -> None:
    # J16-709
    caplog.set_level(logging.INFO)
    handler = Ends()
    tls = {"another authority": parties.stranger.as_client(), "another host": parties.csms.as_client()}
    async with serving(handler, tls=parties.csms.as_server()) as url:
        right = secure(url)
        wrong = right.replace("127.0.0.1", "localhost") if fault == "another host" else right
        with pytest.raises(ssl.SSLCertVerificationError):
            async with connect(wrong, "CP_1", tls=tls.get(fault), **CALM):
                pytest.fail("it is open")
        await eventually(lambda: lines(caplog))
        async with connect(right, "CP_1", tls=parties.csms.as_client(), **CALM):
            pass
    assert len(lines(caplog)) == 1


# Certificates of stations.


async def test_the_certificate_of_a_station_reaches_the_application(parties: Parties) -> None:
    # J*-710
    asked: list[Any] = []

    def authenticate(identity: str, credentials: object, certificate: Any) -> bool:
        asked.append((identity, credentials, station_certificate(certificate, "acme").serial_number))
        return True

    tls = parties.csms.as_client(parties.station)
    async with (
        serving(tls=parties.csms.as_server(parties.station), authenticate=authenticate) as url,
        connect(secure(url), "CP_1", tls=tls, **CALM),
    ):
        assert asked == [("CP_1", None, "station")]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("known", [True, False])
async def test_who_has_no_certificate_or_a_strange_one_is_not_let_in(
    version: ssl.TLSVersion, known: bool, parties: Parties, caplog: pytest.LogCaptureFixture
) -> None:
    # J16-710. In TLS 1.3 a client learns of it at its first read.
    tls = parties.csms.as_client(*([parties.stranger] if known else []))
    tls.maximum_version = version
    async with serving(tls=parties.csms.as_server(parties.station)) as url:
        with pytest.raises(OSError):  # noqa: PT011 - TLS 1.3 may find the link lost before it reads why
            async with connect(secure(url), "CP_1", tls=tls, **CALM):
                pytest.fail("it is open")
    assert len(lines(caplog)) <= 1


async def test_tls_1_1_is_not_spoken(parties: Parties) -> None:
    # J16-706
    tls = parties.csms.as_client()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        tls.minimum_version = tls.maximum_version = ssl.TLSVersion.TLSv1_1
    tls.set_ciphers("DEFAULT:@SECLEVEL=0")
    async with serving(tls=parties.csms.as_server()) as url:
        with pytest.raises(OSError):  # noqa: PT011 - in whatever words
            async with connect(secure(url), "CP_1", tls=tls, **CALM):
                pytest.fail("it is open")


# Abrupt ends.


async def test_an_abrupt_end_harms_nobody_else(parties: Parties, caplog: pytest.LogCaptureFixture) -> None:
    handler = Ends()
    tls = parties.csms.as_client()
    async with (
        serving(handler, tls=parties.csms.as_server()) as url,
        connect(secure(url), "CP_1", tls=tls, **CALM) as healthy,
    ):
        for number, abruptly in enumerate((True, False), start=1):
            async with raw(url) as stream:
                secured = await TLSStream.wrap(
                    stream, hostname="127.0.0.1", ssl_context=tls, standard_compatible=False
                )
                await secured.send(request(f"/CP_{number}"))
                await response_of(secured)
                if abruptly:
                    reset(stream)
            await eventually(handler.as_many_as(number))
        assert [closed.rcvd for closed in handler.ends] == [None, None]
        await healthy.send("hello")
        assert await healthy.recv() == "hello"
    lines(caplog)


async def test_who_writes_to_one_that_is_gone_is_told_so(parties: Parties) -> None:
    ends = []

    async def handler(websocket: WebSocket) -> None:
        try:
            while True:
                await websocket.send("x" * 100_000)
        except ConnectionClosedError as closed:
            ends.append(closed)

    tls = parties.csms.as_client()
    async with serving(handler, tls=parties.csms.as_server()) as url, raw(url) as stream:
        secured = await TLSStream.wrap(
            stream, hostname="127.0.0.1", ssl_context=tls, standard_compatible=False
        )
        await secured.send(request())
        await response_of(secured)
        reset(stream)
        await stream.aclose()
        await eventually(lambda: ends)


# Those who never meant it.


@pytest.mark.parametrize("octets", [b"", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", bytes(50)])
@pytest.mark.parametrize("abruptly", [True, False])
async def test_a_port_scanner_is_worth_one_line(
    octets: bytes, abruptly: bool, parties: Parties, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with serving(tls=parties.csms.as_server()) as url:
        async with raw(url) as stream:
            with suppress(anyio.BrokenResourceError):
                await stream.send(octets)
            if abruptly:
                reset(stream)
        await eventually(lambda: lines(caplog))
        async with connect(secure(url), "CP_1", tls=parties.csms.as_client(), **CALM) as station:
            await station.send("hello")
            assert await station.recv() == "hello"
    assert len(lines(caplog)) == 1


async def test_who_is_in_the_middle_of_its_handshake_holds_up_no_shutdown(parties: Parties) -> None:
    async with serving(tls=parties.csms.as_server()) as url:
        before = len(open_sockets())
        async with raw(url) as stream:
            await stream.send(b"\x16\x03\x01")
            await eventually(lambda: len(open_sockets()) == before + 2)  # both ends


async def test_who_does_not_finish_its_handshake_is_dropped_after_a_while(parties: Parties) -> None:
    async with serving(tls=parties.csms.as_server(), open_timeout=0.05) as url, raw(url) as stream:
        await stream.send(b"\x16\x03\x01")
        assert await hung_up(stream) == b""


@pytest.mark.parametrize("words", [b"", b"\x15\x03\x03\x00\x02\x02\x28", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
async def test_what_speaks_no_tls_is_an_os_error(words: bytes, parties: Parties) -> None:
    async def welcome(stream: ByteStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(words)

    async def listen(sockets: Any) -> None:
        async with sockets:
            await sockets.serve(welcome)

    async with nothing_left(), anyio.create_task_group() as tasks:
        sockets = await anyio.create_tcp_listener(local_host="127.0.0.1")
        tasks.start_soon(listen, sockets)
        url = f"wss://127.0.0.1:{sockets.extra(SocketAttribute.local_port)}"
        with pytest.raises(OSError):  # noqa: PT011 - ConnectionError or SSLError
            async with connect(url, "CP_1", tls=parties.csms.as_client(), **CALM):
                pytest.fail("it is open")
        tasks.cancel_scope.cancel()


async def test_connect_may_be_cancelled_anywhere(parties: Parties) -> None:
    async def use(url: str) -> None:
        async with connect(url, "CP_1", tls=parties.csms.as_client(), **CALM) as station:
            await station.send("hello")
            assert await station.recv() == "hello"

    async with serving(tls=parties.csms.as_server()) as url:

        async def run(step: int) -> int:
            scope = anyio.CancelScope()
            stepping = Stepping(use(secure(url)), step, scope.cancel)
            async with nothing_left():
                with scope:
                    await stepping
            return stepping.suspended

        steps = [step async for step in each_step(run)]
    assert len(steps) > 6
