"""Fixtures of the adapters' tests."""

from pathlib import Path
from typing import Any

import pytest

from tests.adapters.charger_log import LOG
from tests.adapters.virtual_time import BACKENDS, backend


@pytest.fixture(params=BACKENDS)
def virtual_time(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """What a module's `anyio_backend` returns if its tests talk in memory only."""
    return backend(request.param)


@pytest.fixture
def log(tmp_path: Path) -> str:
    """The name of a file with the log of `charger_log`."""
    path = tmp_path / "charger.log"
    path.write_text(LOG, encoding="utf-8")
    return str(path)
