"""Fixtures of the adapters' tests."""

from typing import Any

import pytest

from tests.adapters.virtual_time import BACKENDS, backend


@pytest.fixture(params=BACKENDS)
def virtual_time(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """What a module's `anyio_backend` returns if its tests talk in memory only."""
    return backend(request.param)
