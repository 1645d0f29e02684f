"""Settings for every test, and the part of the tests that coverage looks at."""

import pkgutil
import signal
from importlib import import_module

import pytest
from coverage import Coverage
from hypothesis import HealthCheck, settings

# A shared machine is slow at times, and a test is no benchmark: no example fails for its time.
settings.register_profile(
    "house", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("house")

# Whoever is started in the background of a script ignores Ctrl-C, and so would the programs that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

#: Each module's own tests, which reach every line of the core. All others run untraced, in half the time; what only
#: they reached would be a line without a test of its own.
MEASURED = "tests/unit/"


class OwnTests:
    """Lets coverage see how the core is imported and what its own tests reach; not what pytest does meanwhile."""

    def __init__(self) -> None:
        self.paused: list[Coverage] = []

    def pause(self) -> None:
        # In a process of xdist there are two, and where the inner one stops, the outer one goes on.
        while (running := Coverage.current()) is not None:
            running.stop()
            self.paused.append(running)

    def resume(self) -> None:
        while self.paused:
            self.paused.pop().start()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        # Only where that changes: on Python 3.14 each start instruments everything anew.
        (self.resume if item.nodeid.startswith(MEASURED) else self.pause)()


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    coverage = Coverage.current()
    # `--cov=PACKAGE` asks for more than the house does, and gets it.
    if coverage is None or coverage.get_option("run:source"):
        return
    import ocpp_sansio  # not before: coverage is to see it

    for module in pkgutil.walk_packages(ocpp_sansio.__path__, "ocpp_sansio."):
        import_module(module.name)
    own = OwnTests()
    own.pause()
    session.config.pluginmanager.register(own)
