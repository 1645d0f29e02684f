"""The pytest plugin: fixtures `ocpp_csms` and `ocpp_station`, each a peer that plays the script of a test.

Every pytest of an environment loads this, so it imports nothing until a fixture is used.
"""

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .testing import ScriptedCSMS, ScriptedPeer, ScriptedStation

__all__ = ["ocpp_csms", "ocpp_station"]

_HAS_RAISED = pytest.StashKey[bool]()


@pytest.fixture
def ocpp_csms(request: pytest.FixtureRequest) -> "Iterator[ScriptedCSMS]":
    """A CSMS that plays a script, for the test of a station.

    Say what it expects, `ocpp_csms.expect(call.BootNotification).reply(...)`, and let your station talk to
    it: `async with ocpp_csms.attach(MyStation, "CP_1") as station`. What was not as it was scripted fails the
    test when it has ended, with the script and the trace. It speaks the version of what is attached.
    """
    from .testing import ScriptedCSMS

    csms = ScriptedCSMS()
    yield csms
    _check(request, csms)


@pytest.fixture
def ocpp_station(request: pytest.FixtureRequest) -> "Iterator[ScriptedStation]":
    """A station that plays a script, for the test of a CSMS: as `ocpp_csms` the other way round."""
    from .testing import ScriptedStation

    station = ScriptedStation()
    yield station
    _check(request, station)


def _check(request: pytest.FixtureRequest, peer: "ScriptedPeer") -> None:
    if peer.has_problems and not request.node.stash.get(_HAS_RAISED, False):
        pytest.fail(peer.report(), pytrace=False)


@pytest.hookimpl(hookwrapper=True)  # the older kind, for the pytest of any user
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Generator[None, Any, None]:
    """A test that has failed by itself is not failed again by its script, but shows it."""
    outcome = yield
    if call.when != "call":
        return
    item.stash[_HAS_RAISED] = call.excinfo is not None
    report: pytest.TestReport = outcome.get_result()
    fixtures = getattr(item, "funcargs", {}) if report.failed else {}
    report.sections += [(name, fixtures[name].report()) for name in __all__ if name in fixtures]
