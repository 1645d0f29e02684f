"""The pytest plugin: what a developer sees when a test passes, and in each way of failing."""

import subprocess
import sys
from collections.abc import Callable

import pytest

pytest_plugins = ["pytester"]

PLUGIN = "ocpp_sansio_adapters.pytest_plugin"

HEAD = """
import anyio, pytest
from ocpp_sansio.routing import on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio_adapters.testing import run, virtual_time
from ocpp_sansio_adapters.v16 import ChargePoint

BOOT = call.BootNotification(charge_point_vendor="acme", charge_point_model="One")

class MyStation(ChargePoint):
    async def boot(self):
        return await self.call(BOOT, suppress=True)

class MyCentral(ChargePoint):
    @on(call.BootNotification)
    def booted(self, request):
        return call_result.BootNotification(status="Accepted", current_time="2025-01-01T12:00:00Z", interval=7)

def boot(csms):
    async def main():
        async with csms.attach(MyStation, "CP_1") as station:
            return await station.boot()
    return run(main)
"""

Play = Callable[..., pytest.RunResult]


@pytest.fixture
def play(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Run pytest, with our plugin and no other, on a file with these tests."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def play(tests: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(test_it=HEAD + tests)
        return pytester.runpytest_inprocess("-p", PLUGIN, "-p", "no:cacheprovider", "-W", "error", *options)

    return play


def test_a_test_that_is_as_it_was_scripted_passes(play: Play) -> None:
    result = play("""
def test_boot(ocpp_csms):
    ocpp_csms.expect(call.BootNotification).reply(interval=60)
    assert boot(ocpp_csms).interval == 60

def test_the_other_way_round(ocpp_station):
    async def main():
        async with ocpp_station.attach(MyCentral):
            assert (await ocpp_station.call(BOOT)).interval == 7
    run(main, backend="trio")

def test_both(ocpp_csms, ocpp_station):
    assert ocpp_csms is not ocpp_station
""")
    result.assert_outcomes(passed=3)


def test_a_call_that_did_not_come_fails_at_teardown_with_the_script_and_the_trace(play: Play) -> None:
    result = play("""
def test_boot(ocpp_csms):
    ocpp_csms.expect(call.BootNotification)
    ocpp_csms.expect(call.StatusNotification, connector_id=1)
    boot(ocpp_csms)
""")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_boot*",
            "expected, and did not come: StatusNotification(connector_id=1), 0 of 1 times  [[]test_it.py:*]",
            "script:",
            "     1. BootNotification()  1 of 1 times, reply with a plain answer  [[]test_it.py:*]",
            "  >> 2. StatusNotification(connector_id=1)  0 of 1 times, reply with a plain answer  [[]test_it.py:*]",
            "trace (seconds, frame):",
            "     0.000  -- the link is open",
            '     0.000  station -> csms  [[]2,"*","BootNotification",{"chargePointVendor":"acme",*}]',
            '     0.000  station <- csms  [[]3,"*",{"status":"Accepted",*}]',
            "     0.000  -- the block ends, and with it the link",
            "=* short test summary *",
            "ERROR test_it.py::test_boot - Failed: expected, and did not come: *",
        ],
    )


def test_a_call_that_was_not_expected_fails_at_teardown(play: Play) -> None:
    result = play("""
def test_boot(ocpp_csms):
    boot(ocpp_csms)
""")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(['0.000 s: came, and was not expected: [[]2,"*","BootNotification",*'])
    result.stdout.fnmatch_lines(['*station <- csms  [[]4,"*","NotSupported",*'])


def test_a_call_without_an_answer_fails_at_teardown(play: Play) -> None:
    result = play("""
def test_boot(ocpp_station):
    class Silent(MyCentral):
        @on(call.Heartbeat)
        async def never(self, request):
            await anyio.sleep_forever()
    async def main():
        async with ocpp_station.attach(Silent):
            ocpp_station.call(call.Heartbeat())
    run(main)
""")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["the peer's Heartbeat 'station-1' has failed, and nobody asked*"])


def test_a_test_that_fails_by_itself_shows_the_script_and_does_not_fail_twice(play: Play) -> None:
    result = play("""
def test_boot(ocpp_csms):
    ocpp_csms.expect(call.BootNotification)
    ocpp_csms.expect(call.Heartbeat)
    assert boot(ocpp_csms).interval == 60
""")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*- ocpp_csms -*", "*expected, and did not come: Heartbeat()*", "*station -> csms*BootNotification*"]
    )


def test_a_test_that_is_stuck_says_where_it_waits(play: Play) -> None:
    result = play("""
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_boot(ocpp_csms, backend):
    boot = ocpp_csms.expect(call.BootNotification)
    async def main():
        async with ocpp_csms.attach(MyStation):
            await boot.wait()
    run(main, backend=backend)
""")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["E*Stuck: not at its end after 604800 s of virtual time; this waits:"])
    result.stdout.fnmatch_lines(["E*test_it.py:* in test_boot.<locals>.main"])
    result.stdout.fnmatch_lines(
        ["*- ocpp_csms -*", ">> 1. BootNotification()*"] if False else ["*- ocpp_csms -*"]
    )


def test_tests_that_are_skipped_or_known_to_fail_stay_so(play: Play) -> None:
    result = play("""
@pytest.mark.xfail(strict=True)
def test_known(ocpp_csms):
    ocpp_csms.expect(call.Heartbeat)
    raise LookupError

def test_skipped(ocpp_csms):
    ocpp_csms.expect(call.Heartbeat)
    pytest.skip("not today")
""")
    result.assert_outcomes(xfailed=1, skipped=1)


def test_the_fixtures_serve_anyios_tests_in_virtual_time(play: Play) -> None:
    result = play(
        """
@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request):
    return virtual_time(request.param)

@pytest.mark.anyio
async def test_boot(ocpp_csms):
    ocpp_csms.expect(call.BootNotification).delay(20)
    async with ocpp_csms.attach(MyStation) as station:
        began = anyio.current_time()
        assert (await station.boot()).status == "Accepted"
        assert anyio.current_time() == began + 20

@pytest.fixture
async def station(ocpp_csms):
    async with ocpp_csms.attach(MyStation) as station:
        yield station

@pytest.mark.anyio
async def test_a_station_of_a_fixture(ocpp_csms, station):
    ocpp_csms.expect(call.BootNotification)
    assert (await station.boot()).status == "Accepted"

@pytest.mark.anyio
async def test_stuck(ocpp_csms):
    async with ocpp_csms.attach(MyStation):
        await ocpp_csms.expect(call.BootNotification).wait()
""",
        "-p",
        "anyio.pytest_plugin",
    )
    result.assert_outcomes(passed=4, failed=2)
    result.stdout.fnmatch_lines(["E*Stuck: not at its end after 604800 s of virtual time; this waits:"])


def test_the_fixtures_serve_tests_in_real_time(play: Play) -> None:
    """As pytest-asyncio runs them: on a loop of its own, of which we know nothing."""
    result = play("""
import asyncio

@pytest.fixture
def loop():
    with asyncio.Runner() as runner:
        yield runner

def test_boot(ocpp_csms, loop):
    async def body():
        ocpp_csms.expect(call.BootNotification).reply(interval=60)
        async with ocpp_csms.attach(MyStation) as station:
            assert (await asyncio.wait_for(station.boot(), 20)).interval == 60
    loop.run(body())
""")
    result.assert_outcomes(passed=1)


def test_the_fixtures_are_listed_with_what_they_are(play: Play) -> None:
    result = play("", "--fixtures")
    result.stdout.fnmatch_lines(["ocpp_csms*", "*A CSMS that plays a script*", "ocpp_station*"])


LOADED = """
import sys, pytest

class Look:
    found = []

    def pytest_runtest_logfinish(self):
        roots = {name.partition(".")[0] for name in sys.modules}
        self.found.append(sorted(roots & {"anyio", "asyncio", "attrs", "ocpp_sansio", "trio", "websockets"}))

look = Look()
code = pytest.main(["-q", "-p", "ocpp_sansio_adapters.pytest_plugin", "-p", "no:cacheprovider", sys.argv[1]], [look])
print(int(code), *look.found)
"""


def test_nothing_heavy_is_loaded_before_a_fixture_is_used(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    path = pytester.makepyfile("def test_first(): pass\ndef test_second(ocpp_csms): pass\n")
    command = [sys.executable, "-c", LOADED, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    everything = ["anyio", "asyncio", "attrs", "ocpp_sansio", "websockets"]
    assert done.stdout.splitlines()[-1] == f"0 [] {everything}"
