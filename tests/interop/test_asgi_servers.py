"""asgi.py under real servers, each in a process of its own: uvicorn with each of its WebSocket
implementations, hypercorn on asyncio and on trio. Clients are our `connect`, and sockets.
"""

import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import anyio
import attrs
import pytest
from anyio.abc import ByteStream, SocketAttribute
from websockets.exceptions import ConnectionClosed

from ocpp_sansio import Version
from ocpp_sansio.handshake import UpgradeFailed
from ocpp_sansio.messages import asdict
from ocpp_sansio_adapters.station import Station
from ocpp_sansio_adapters.websockets import WebSocket, connect
from tests.adapters.sockets import CALM, eventually, hung_up, nothing_left, raw, request, reset, response_of
from tests.conformance.test_handshakes import ENTRIES, fits
from tests.interop.process import Program, running
from tests.interop.session import SESSIONS

for package in ("uvicorn", "hypercorn", "starlette", "wsproto"):
    pytest.importorskip(package, reason=f"{package} is not installed: no ASGI server to test with")

from tests.interop.programs.asgi_mounted import CALLS, asked, class_for  # noqa: E402

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
MOUNTED = "tests.interop.programs.asgi_mounted"
ALONE = "tests.interop.programs.asgi_alone"
PATIENCE = 10.0  # seconds that a loaded machine may take for what takes milliseconds

UVICORN = ("-m", "uvicorn", "--port", "0", "--no-access-log", "--ws")
HYPERCORN = ("-m", "hypercorn", "-b", "127.0.0.1:0", "-w", "0", "--graceful-timeout", "0", "-k")
SERVERS = {
    "uvicorn, websockets": (*UVICORN, "websockets"),
    "uvicorn, websockets-sansio": (*UVICORN, "websockets-sansio"),
    "uvicorn, wsproto": (*UVICORN, "wsproto"),
    "hypercorn, asyncio": (*HYPERCORN, "asyncio"),
    "hypercorn, trio": (*HYPERCORN, "trio"),
}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@attrs.frozen
class Server:
    """A server that runs."""

    program: Program
    url: str

    async def http(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON of a response."""
        answer = await anyio.to_thread.run_sync(partial(self._http, method, path, body))
        assert isinstance(answer, tuple)
        return answer

    def _http(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        connection = HTTPConnection(self.url.removeprefix("ws://"), timeout=PATIENCE)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            octets = response.read()
            is_json = response.getheader("Content-Type") == "application/json"
            return response.status, json.loads(octets) if is_json else octets
        finally:
            connection.close()

    async def get(self, path: str) -> Any:
        status, content = await self.http("GET", path)
        assert status == 200
        return content

    async def until(self, *stations: str) -> None:
        """Wait until these are connected to the CSMS, and no others."""
        with anyio.fail_after(PATIENCE):
            while sorted(await self.get("/stations")) != sorted(stations):
                pass


@asynccontextmanager
async def serving(*command: str) -> AsyncIterator[Server]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        async with running(*command) as program:
            line = await program.line("unning on http")
            yield Server(program, "ws" + line.partition("unning on http")[2].split()[0].rstrip("/"))


@pytest.fixture(scope="module", params=SERVERS.values(), ids=SERVERS)
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    async with serving(*request.param, f"{MOUNTED}:app") as server:
        yield server


@asynccontextmanager
async def station(url: str, version: Version, **settings: Any) -> AsyncIterator[Any]:
    """A station that lives as long as the block."""
    settings = {**CALM, **settings}
    async with nothing_left(), Station(url, "CP_1", class_for(version, "csms"), settings=settings) as life:
        yield await life.connected()


# Sessions.

ACCEPTED = (200, {"status": "Accepted"})


@pytest.mark.parametrize("version", list(Version), ids=lambda version: version.value)
async def test_a_whole_session_in_both_directions(server: Server, version: Version) -> None:
    asked.clear()
    before = len(await server.get("/stations/CP_1"))
    session = SESSIONS[version]
    async with station(f"{server.url}/ocpp", version) as charge_point:
        for step in session:
            if step.asker == "station":
                request = getattr(CALLS[version], step.action)(**step.request)
                assert asdict(await charge_point.call(request)) == step.answer
            else:
                answer = await server.http("POST", f"/stations/CP_1/{step.action}", step.request)
                assert answer == (200, step.answer)
    await server.until()
    wanted = {
        asker: [[step.action, step.request] for step in session if step.asker == asker]
        for asker in ("station", "csms")
    }
    assert asked["CP_1"] == wanted["csms"]
    assert (await server.get("/stations/CP_1"))[before:] == wanted["station"]
    assert await server.http("POST", "/stations/CP_1/Reset", {}) == (404, "CP_1 is not connected")


async def test_a_station_that_connects_anew(server: Server) -> None:
    # L-130
    async with connect(f"{server.url}/ocpp", "CP_1", **CALM) as old:
        await server.until("CP_1")
        async with station(f"{server.url}/ocpp", Version.V16):
            await close_of(old)
            assert (old.close_code, old.close_reason) == (1008, "the station has connected anew")
            assert await server.http("POST", "/stations/CP_1/Reset", {"type": "Soft"}) == ACCEPTED


async def test_a_station_that_does_not_read_is_no_hindrance_when_it_connects_anew(server: Server) -> None:
    url = f"{server.url}/ocpp"
    data = {"vendor_id": "acme", "data": "x" * 8_000_000}
    lost: list[Any] = []

    async def ask_in_vain() -> None:
        lost.append(await server.http("POST", "/stations/CP_1/DataTransfer", data))

    async with raw(url) as deaf:
        deaf.extra(SocketAttribute.raw_socket).setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await deaf.send(request("/ocpp/CP_1"))
        await response_of(deaf)
        await server.until("CP_1")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask_in_vain)
            await deaf.receive()  # the beginning of it, and no more
            async with station(url, Version.V16):
                await eventually(lambda: lost)
                assert await server.http("POST", "/stations/CP_1/Reset", {"type": "Soft"}) == ACCEPTED
        await server.until()
    assert [status for status, _ in lost] == [502]


# How a WebSocket opens.


@pytest.mark.parametrize("name", ENTRIES)
async def test_the_handshakes_of_the_conformance_corpus(server: Server, name: str) -> None:
    entry = ENTRIES[name]
    await server.get("/admitted")
    async with raw(server.url) as stream:
        await stream.send(
            entry["raw"].encode("latin-1").replace(b"GET /", f"GET /corpus/{name}/".encode(), 1)
        )
        answer = await response_of(stream)
        subprotocol = answer.headers.get("sec-websocket-protocol")
        if answer.status != 101:
            got = {"outcome": "refuse-upgrade", "http_status": answer.status}
        elif subprotocol is None:
            got = {"outcome": "upgrade-without-subprotocol-then-immediate-close", "http_status": 101}
            assert await frame_of(stream, answer.rest) == b"\x88\x1a\x03\xeano subprotocol in common"
        else:
            [identity] = await server.get("/admitted")
            got = {"outcome": "upgrade", "http_status": 101, "subprotocol": subprotocol, "identity": identity}
    assert fits(got, entry["expected"][0])


@pytest.mark.parametrize("identity", ["RDAM 123", "a+b", "ü/ö", "%41"])
async def test_an_identity_is_encoded_and_decoded_once(server: Server, identity: str) -> None:
    # J16-103, L-106
    async with connect(f"{server.url}/ocpp/?tenant=1", identity, versions=["1.6"], **CALM):
        await server.until(identity)
    await server.until()


async def test_the_first_offer_that_is_spoken_counts(server: Server) -> None:
    # L-110
    for versions in (["1.6", "2.1"], ["2.1", "1.6"]):
        async with connect(f"{server.url}/ocpp", "CP_1", versions=versions, **CALM) as websocket:
            assert websocket.version.value == versions[0]


@pytest.mark.parametrize(
    ("path", "identity", "password", "status"),
    [
        ("/ocpp", "CP_404", None, 404),
        ("/ocpp", "CP_401", None, 401),
        ("/ocpp", "CP_401", "wrong", 401),
        ("/strict", "CP_1", None, 400),
    ],
)
async def test_refusals_come_as_such(
    server: Server, path: str, identity: str, password: str | None, status: int
) -> None:
    # J16-115, J16-117, L-111
    with pytest.raises(UpgradeFailed) as caught:
        async with connect(f"{server.url}{path}", identity, versions=["1.6"], password=password, **CALM):
            pytest.fail("it is open")
    assert caught.value.status == status
    async with raw(server.url) as stream:
        await stream.send(request(f"{path}/{identity}"))
        answer = await response_of(stream)
        assert answer.status == status
        assert ("www-authenticate" in answer.headers) == (status == 401)  # L-714
        body = answer.rest + await hung_up(stream)
        assert len(body) == int(answer.headers["content-length"]) > 0
    assert await server.get("/stations") == []


@pytest.mark.parametrize(("path", "status"), [("/ocpp/CP_1", 426), ("/ocpp/", 404)])
async def test_http_is_no_way_in(server: Server, path: str, status: int) -> None:
    found, body = await server.http("GET", path)
    assert found == status
    assert body.endswith(b"\n")


# How it ends.


async def test_a_binary_message_closes_with_1003(server: Server) -> None:
    # L-132
    async with raw(server.url) as stream:
        await stream.send(request("/ocpp/CP_1"))
        rest = (await response_of(stream)).rest
        await stream.send(b"\x82\x80\0\0\0\0")
        assert await frame_of(stream, rest) == b"\x88\x18\x03\xebOCPP messages are text"
    await server.until()


async def test_a_message_beyond_our_limits_closes_with_1009(server: Server) -> None:
    async with connect(f"{server.url}/ocpp", "CP_1", versions=["1.6"], **CALM) as websocket:
        await websocket.send("x" * (2**20 + 1))
        await close_of(websocket)
        assert websocket.close_code == 1009
    await server.until()


@pytest.mark.parametrize("octets", [b"", b"\x81\x81\0\0\0\0\xff", b"\xff\xff", b"\x88\x82\0\0\0\0\x03\xe8"])
async def test_a_station_that_breaks_off_is_gone(server: Server, octets: bytes) -> None:
    """In the middle of nothing, with half a character, with rubbish, and as it should."""
    async with connect(f"{server.url}/ocpp", "CP_2", **CALM), raw(server.url) as stream:
        await stream.send(request("/ocpp/CP_1"))
        await response_of(stream)
        await server.until("CP_1", "CP_2")
        await stream.send(octets)
        await (hung_up(stream) if octets else anyio.lowlevel.checkpoint())
        reset(stream)
        await stream.aclose()
        await server.until("CP_2")
    await server.until()


async def close_of(websocket: WebSocket) -> list[Any]:
    """What comes until the link is closed."""
    told: list[Any] = []
    with suppress(ConnectionClosed), anyio.fail_after(PATIENCE):
        while True:
            told.append(await websocket.recv())
    return told


async def frame_of(stream: ByteStream, octets: bytes) -> bytes:
    """The first frame, if it is a short one."""
    with anyio.fail_after(PATIENCE):
        while len(octets) < 2 or len(octets) < 2 + octets[1]:
            octets += await stream.receive()
    return octets[: 2 + octets[1]]


# The end of the server.

OWED = '[3,"1",{"currentTime":"2025-01-01T12:00:00Z"}]'


async def ended(*command: str) -> tuple[list[Any], WebSocket]:
    """What a station was told that has asked something which is answered once the server waits for that."""
    async with (
        serving(*command) as server,
        connect(f"{server.url}/ocpp", "CP_1", versions=["1.6"], **CALM) as websocket,
    ):
        await websocket.send('[2,"1","Heartbeat",{}]')
        await server.program.line("CP_1 waits")
        server.program.process.terminate()
        told = await close_of(websocket)
        await server.program.ended()
    assert not [line for line in server.program.printed if "ASGI" in line]  # as errors of ours are logged
    return told, websocket


@pytest.mark.parametrize("name", [name for name in SERVERS if name.startswith("uvicorn")])
async def test_uvicorn_closes_links_at_once(name: str) -> None:
    told, websocket = await ended(*SERVERS[name], f"{ALONE}:app")
    assert (told, websocket.close_code) == ([], 1012)


@pytest.mark.parametrize("name", ["uvicorn", "asyncio"])
async def test_a_server_may_be_made_to_wait(name: str) -> None:
    told, websocket = await ended("-m", ALONE, name)
    assert (told, websocket.close_code) == ([OWED], 1001)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(
            (*SERVERS["hypercorn, asyncio"], f"{ALONE}:app"),
            id="asyncio",
            marks=pytest.mark.skipif(
                sys.version_info >= (3, 12),
                reason="hypercorn 0.18 waits until all links have ended by themselves",
            ),
        ),
        pytest.param(("-m", ALONE, "trio"), id="trio"),
    ],
)
async def test_hypercorn_lets_answers_leave_that_are_owed(command: tuple[str, ...]) -> None:
    told, websocket = await ended(*command)
    assert (told, websocket.close_code) == ([OWED], 1001)


# In the company of others.


async def test_it_is_mounted_beside_quart() -> None:
    pytest.importorskip("quart", reason="quart is not installed")
    apps = "tests.interop.programs.asgi_in_quart:app"
    async with serving(*SERVERS["hypercorn, asyncio"], apps) as server:
        async with station(f"{server.url}/ocpp", Version.V16) as charge_point:
            await server.until("CP_1")
            await charge_point.call(CALLS[Version.V16].Heartbeat())
        await server.until()


async def test_the_example_for_fastapi() -> None:
    pytest.importorskip("fastapi", reason="fastapi is not installed")
    async with serving(str(ROOT / "examples" / "fastapi_csms.py"), "0") as server:
        ask = partial(server.http, "POST")
        assert await ask("/stations/CP_1/reset", {"type": "Soft"}) == (
            404,
            {"detail": "CP_1 is not connected"},
        )
        async with station(f"{server.url}/ocpp", Version.V16):
            await server.until("CP_1")
            assert await ask("/stations/CP_1/reset", {"type": "Soft"}) == (200, {"status": "Accepted"})
            assert (await ask("/stations/CP_1/reset", {"type": "Warm"}))[0] == 422
        async with connect(f"{server.url}/ocpp", "CP_1", **CALM):  # and answers nothing
            await server.until("CP_1")
            status, content = await ask("/stations/CP_1/reset?timeout=0.01", {"type": "Soft"})
            assert status == 504
            assert content["detail"].startswith("no answer to Reset")
        await server.until()
