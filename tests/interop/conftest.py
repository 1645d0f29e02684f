"""Everything in here talks over real sockets, on 127.0.0.1 and ports that the system picks."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from tests.interop.elsewhere import Elsewhere
from tests.interop.node import Unavailable, running
from tests.interop.peers.mobilityhouse import MobilityHouse
from tests.interop.peers.ocpp_rpc import OcppRpc


@pytest.fixture
def anyio_backend() -> str:
    # mobilityhouse's library and the programs of its documentation know asyncio only.
    return "asyncio"


@pytest.fixture(scope="session")
def asyncio_elsewhere() -> Iterator[Elsewhere]:
    with start_blocking_portal("asyncio") as portal:
        yield Elsewhere(portal)


@pytest.fixture(scope="session")
def trio_elsewhere() -> Iterator[Elsewhere]:
    with start_blocking_portal("trio") as portal:
        yield Elsewhere(portal)


@pytest.fixture
def mobilityhouse(asyncio_elsewhere: Elsewhere) -> MobilityHouse:
    return MobilityHouse(asyncio_elsewhere)


@pytest.fixture(scope="session")
def ocpp_rpc() -> Iterator[OcppRpc]:
    try:
        with running(Path(__file__).parent / "peers" / "ocpp_rpc.js") as node:
            yield OcppRpc(node)
    except Unavailable as reason:
        pytest.skip(str(reason))
