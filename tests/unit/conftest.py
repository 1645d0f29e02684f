"""Connections that most tests of the core begin with."""

import pytest

from ocpp_sansio import Connection, Role, Version
from tests.pair import Pair


@pytest.fixture
def pair() -> Pair:
    return Pair()


@pytest.fixture
def station() -> Connection:
    return Connection(Role.CHARGING_STATION, Version.V16, new_id=iter(map(str, range(1, 10**6))).__next__)


@pytest.fixture
def csms() -> Connection:
    return Connection(Role.CSMS, "ocpp1.6")
