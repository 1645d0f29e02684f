"""asgi.py and security profiles under real servers, with TLS and without: they are who tells the scheme."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from ocpp_sansio.handshake import UpgradeFailed, authorization
from ocpp_sansio_adapters.websockets import connect
from tests.adapters.profiles import PASSWORD, World
from tests.adapters.sockets import CALM, raw, request, response_of
from tests.interop.test_asgi_servers import SERVERS, Server, serving

pytestmark = pytest.mark.anyio

PROGRAM = "tests.interop.programs.asgi_profiles:app"
#: What a station of a profile (row) is answered at a CSMS of another (column).
PLAIN = [[101, 401, 403], [403, 101, 403]]
SECURE = [[403, 403, 101], [403, 403, 401]]  # of profiles 2 and 3


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.made_in(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module", params=SERVERS.values(), ids=SERVERS)
async def plain(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    async with serving(*request.param, PROGRAM) as server:
        yield server


@pytest.fixture(scope="module", params=SERVERS)
async def secure(request: pytest.FixtureRequest, world: World) -> AsyncIterator[Server]:
    own = world.server
    files = {"uvicorn": ("--ssl-certfile", "--ssl-keyfile"), "hypercorn": ("--certfile", "--keyfile")}
    chain, key = files[request.param.partition(",")[0]]
    async with serving(*SERVERS[request.param], chain, str(own.chain), key, str(own.key), PROGRAM) as server:
        yield server


async def status_at(url: str, **settings: Any) -> int:
    """How the upgrade is answered."""
    try:
        async with connect(url, "CP_1", versions=["1.6"], **settings, **CALM):
            return 101
    except UpgradeFailed as failed:
        return failed.status


async def test_without_tls_there_are_profiles_0_and_1(plain: Server, world: World) -> None:
    # J*-702
    got = [
        [await status_at(f"{plain.url}/{csms}", **world.of_station(station)) for csms in range(3)]
        for station in (0, 1)
    ]
    assert got == PLAIN


async def test_with_tls_there_is_profile_2(secure: Server, world: World) -> None:
    # J*-702
    url = secure.url.replace("127.0.0.1", "localhost")
    got = [
        [await status_at(f"{url}/{csms}", **world.of_station(station)) for csms in range(3)]
        for station in (2, 3)
    ]
    assert got == SECURE


@pytest.mark.parametrize(("csms", "status"), [(1, 403), (2, 101)])
async def test_the_scheme_may_be_that_of_a_proxy(csms: int, status: int) -> None:
    header = f"Authorization: {authorization('CP_1', PASSWORD)}"
    async with serving(*SERVERS["uvicorn, websockets"], PROGRAM) as server, raw(server.url) as stream:
        await stream.send(request(f"/{csms}/CP_1", header, "X-Forwarded-Proto: https"))
        assert (await response_of(stream)).status == status
