"""Our `connect` and `serve` with the WebSocket libraries of others at the other end, on both of our backends.

Those know no OCPP: what a test sends and receives for them is the text on the wire.
"""

import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import anyio
import pytest
from websockets.frames import Opcode

from ocpp_sansio import Version
from ocpp_sansio.handshake import Credentials, NoCommonVersion, UpgradeFailed, UpgradeRefused
from ocpp_sansio_adapters.websockets import Pings
from tests.adapters.sockets import eventually, nothing_left
from tests.interop.elsewhere import Elsewhere
from tests.interop.foreign import IDENTITY, Ours, a_bare_client, a_bare_server, our_class
from tests.interop.peers.bare import Library, NotLetIn, Peer, Terms, client, server
from tests.interop.peers.bare_aiohttp import Aiohttp
from tests.interop.peers.bare_trio_websocket import TrioWebsocket
from tests.interop.peers.bare_wsproto import Wsproto
from tests.interop.session import NOON

pytestmark = pytest.mark.anyio

LIBRARIES: list[Library] = [Aiohttp(), TrioWebsocket(), Wsproto()]
ROLES = pytest.mark.parametrize("role", ["station", "csms"], ids="their {}".format)

PATH = "/" + quote(IDENTITY, safe="")
#: What the station asks and what the CSMS asks, and the answers, as they travel.
ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "station": ("Heartbeat", {"currentTime": NOON}),
    "csms": ("ClearCache", {"status": "Accepted"}),
}
OURS = our_class(Version.V16, {"Heartbeat": {"current_time": NOON}, "ClearCache": {"status": "Accepted"}})


def named(library: Library) -> str:
    return type(library).__name__


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(params=LIBRARIES, ids=named)
def library(request: pytest.FixtureRequest) -> Library:
    found: Library = request.param
    return found


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest, library: Library) -> Elsewhere:
    found: Elsewhere = request.getfixturevalue(f"{library.backend}_elsewhere")
    return found


class Link(NamedTuple):
    """Both ends. `role` is theirs."""

    ours: Ours
    theirs: Peer
    role: str


@asynccontextmanager
async def linked(
    library: Library, elsewhere: Elsewhere, role: str, settings: dict[str, Any], terms: Terms
) -> AsyncIterator[Link]:
    """Fails if something is left of either end."""
    async with nothing_left():
        if role == "station":
            async with (
                a_bare_server(OURS, **settings) as (url, arrived),
                client(library, elsewhere, url + PATH, terms) as theirs,
                over(Link(Ours(await arrived()), theirs, role)) as link,
            ):
                yield link
        else:
            async with (
                server(library, elsewhere, terms) as listening,
                a_bare_client(listening.url, OURS, **settings) as ours,
            ):
                await eventually(lambda: listening.peers)
                async with over(Link(Ours(ours), listening.peers[0], role)) as link:
                    yield link


@asynccontextmanager
async def over(link: Link) -> AsyncIterator[Link]:
    """In the end, somebody has to read at their end, or it would not answer our farewell."""
    yield link
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.theirs.closed)
        await link.ours.charge_point.transport.aclose()


# What may happen on a link.


async def calls(link: Link) -> None:
    """Each end asks, and is answered."""
    await answered(link, call_of_theirs(link))
    await called(link)


async def fragments(link: Link) -> None:
    text = call_of_theirs(link)
    await answered(link, text[:1], text[1:9], "", text[9:])


async def their_pings(link: Link) -> None:
    for payload in (b"are you there?", b"x" * 125):
        await link.theirs.ping(payload)
    await calls(link)


async def our_pings(link: Link) -> None:
    websocket = link.ours.charge_point.transport
    come: list[Any] = []
    events_received = websocket.protocol.events_received

    def watch() -> list[Any]:
        events = list(events_received())
        come.extend(event.opcode for event in events)
        return events

    websocket.protocol.events_received = watch
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.theirs.recv)  # or nobody would answer
        for number in (1, 2):
            websocket.pings = Pings(interval=0.001)
            await eventually(lambda: come == [Opcode.PONG] * number)  # noqa: B023
        websocket.pings = Pings(interval=None)
        await websocket.send("")  # for the one who receives
    await calls(link)


async def compression(link: Link) -> None:
    websocket = link.ours.charge_point.transport
    assert [extension.name for extension in websocket.protocol.extensions] == ["permessage-deflate"]
    assert link.theirs.link.compressed
    for length in (1, 100_000):  # of which the longer one comes in many pieces
        await called(link, "ö" * length)


async def they_close(link: Link) -> None:
    await link.theirs.close(4001, "Schön war's")
    assert await link.ours.closed() == (4001, "Schön war's")


async def we_close(link: Link) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.ours.close, 4002, "Schön war's")
        assert await link.theirs.closed() == (4002, "Schön war's")
    await link.ours.closed()  # with the code that they have said in their turn, which is their own affair


async def they_vanish(link: Link) -> None:
    await calls(link)
    await link.theirs.drop()
    assert await link.ours.closed() == (1006, "")


async def we_vanish(link: Link) -> None:
    await calls(link)
    await link.ours.charge_point.transport._hang_up()
    assert await link.theirs.closed() == (1006, "")


async def they_send_too_much(link: Link) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.theirs.send, call_of_theirs(link) + " " * 10_000)
        code, _ = await link.theirs.closed()
    assert code == 1009


async def we_send_too_much(link: Link) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.theirs.closed)
        await link.ours.charge_point.transport.send(" " * 10_001)
        assert (await link.ours.closed())[0] == 1009


def call_of_theirs(link: Link) -> str:
    return json.dumps([2, "ö1", ASKED[link.role][0], {}], ensure_ascii=False)


async def answered(link: Link, *parts: str) -> None:
    """A call of theirs, in as many fragments."""
    await link.theirs.send(*parts)
    assert json.loads(await link.theirs.recv()) == [3, "ö1", ASKED[link.role][1]]


async def called(link: Link, data: str = "text") -> None:
    """A call of ours, with as much in it and in its answer."""
    answers: list[Any] = []

    async def ask() -> None:
        answers.append(await link.ours.call("DataTransfer", {"vendor_id": "com.acme", "data": data}))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        _, id, action, payload = json.loads(await link.theirs.recv())
        assert (action, payload) == ("DataTransfer", {"vendorId": "com.acme", "data": data})
        await link.theirs.send(json.dumps([3, id, {"status": "Accepted", "data": data}]))
    assert answers == [{"status": "Accepted", "data": data}]


class Scenario(NamedTuple):
    """What happens, what their library has to be able to do, and how both ends are set up for it."""

    play: Callable[[Link], Awaitable[None]]
    needs: str | None = None
    settings: dict[str, Any] = {}  # noqa: RUF012
    terms: Terms = Terms()


SCENARIOS = [
    Scenario(calls),
    Scenario(fragments, "fragments"),
    Scenario(their_pings),
    Scenario(our_pings),
    Scenario(compression, "compresses", {"compression": True}, Terms(compression=True)),
    Scenario(they_close),
    Scenario(we_close),
    Scenario(they_vanish),
    Scenario(we_vanish),
    Scenario(they_send_too_much, settings={"max_size": 10_000}),
    Scenario(we_send_too_much, "limits", terms=Terms(max_size=10_000)),
]


@pytest.mark.parametrize(
    ("library", "scenario"),
    [
        pytest.param(library, scenario, id=f"{named(library)}-{scenario.play.__name__}")
        for library in LIBRARIES
        for scenario in SCENARIOS
        if scenario.needs is None or getattr(library, scenario.needs)
    ],
)
@ROLES
async def test_a_link(library: Library, elsewhere: Elsewhere, role: str, scenario: Scenario) -> None:
    async with linked(library, elsewhere, role, scenario.settings, scenario.terms) as link:
        assert link.theirs.link.subprotocol == "ocpp1.6"
        await scenario.play(link)


# Who is let in.

PASSWORD = "pa:ss wörd"
CREDENTIALS = "Basic " + base64.b64encode(f"{IDENTITY}:{PASSWORD}".encode()).decode()


def authenticate(identity: str, credentials: Credentials | None, certificate: object) -> bool:
    if identity != IDENTITY:
        raise UpgradeRefused(404, "nobody knows you")
    return credentials is not None and credentials.matches(PASSWORD)


async def test_their_client_shows_a_password(library: Library, elsewhere: Elsewhere) -> None:
    right = Terms(headers={"Authorization": CREDENTIALS})
    wrong = Terms(headers={"Authorization": f"Basic {base64.b64encode(b'CP_2:x').decode()}"})
    async with nothing_left(), a_bare_server(OURS, authenticate=authenticate) as (url, _):
        async with client(library, elsewhere, url + PATH, right) as theirs:
            assert theirs.link.subprotocol == "ocpp1.6"
        for path, terms, status in ((PATH, Terms(), 401), (PATH, wrong, 401), ("/CP_2", Terms(), 404)):
            with pytest.raises(NotLetIn) as caught:
                await client(library, elsewhere, url + path, terms).__aenter__()
            assert caught.value.args == (status,)


async def test_our_client_shows_a_password(library: Library, elsewhere: Elsewhere) -> None:
    async with (
        nothing_left(),
        server(library, elsewhere, Terms()) as listening,
        a_bare_client(listening.url, OURS, password=PASSWORD) as ours,
    ):
        await eventually(lambda: listening.peers)
        async with over(Link(Ours(ours), listening.peers[0], "csms")):
            [(path, headers)] = listening.listening.requests
            assert unquote(path) == f"/{IDENTITY}"
            assert headers["authorization"] == CREDENTIALS


@pytest.mark.parametrize("status", [401, 404])
async def test_our_client_is_not_let_in(library: Library, elsewhere: Elsewhere, status: int) -> None:
    # L-118
    async with nothing_left(), server(library, elsewhere, Terms(status=status)) as listening:
        with pytest.raises(UpgradeFailed) as caught:
            await a_bare_client(listening.url, OURS).__aenter__()
        assert caught.value.status == status


async def test_their_client_speaks_no_version_of_ours(library: Library, elsewhere: Elsewhere) -> None:
    # J16-111
    async with (
        nothing_left(),
        a_bare_server(OURS) as (url, _),
        client(library, elsewhere, url + PATH, Terms(subprotocols=("ocpp0.1", "soap"))) as theirs,
    ):
        assert theirs.link.subprotocol is None
        assert await theirs.closed() == (1002, "no subprotocol in common")


async def test_their_client_speaks_no_version_of_ours_and_is_refused(
    library: Library, elsewhere: Elsewhere
) -> None:
    # L-111
    async with nothing_left(), a_bare_server(OURS, no_common_version=NoCommonVersion.REFUSE) as (url, _):
        with pytest.raises(NotLetIn) as caught:
            await client(library, elsewhere, url + PATH, Terms(subprotocols=("soap",))).__aenter__()
        assert caught.value.args == (400,)


async def test_their_server_speaks_no_version_of_ours(library: Library, elsewhere: Elsewhere) -> None:
    # J16-112
    async with nothing_left(), server(library, elsewhere, Terms(subprotocols=("soap",))) as listening:
        codes: list[Any] = []

        async def receive() -> None:
            await eventually(lambda: listening.peers)
            codes.append(await listening.peers[0].closed())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(receive)
            with pytest.raises(UpgradeFailed, match="chose none"):
                await a_bare_client(listening.url, OURS).__aenter__()
        assert codes == [(1002, "no subprotocol in common")]
