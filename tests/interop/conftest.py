"""Everything in here talks over real sockets, on 127.0.0.1 and ports that the system picks."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    # mobilityhouse's library and the programs of its documentation know asyncio only.
    return "asyncio"
