"""The programs of examples/threads run, and say what their reader is promised."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen

from tests.adapters.threads import PATIENCE

EXAMPLES = Path(__file__).parents[2] / "examples"


@contextmanager
def running(*command: str) -> Iterator["Popen[str]"]:
    """Run `python -W error *command`; what still runs at the end is killed."""
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    program = Popen(
        [sys.executable, "-W", "error", *command], stdout=PIPE, stderr=STDOUT, text=True, env=environment
    )
    try:
        yield program
    finally:
        program.kill()
        program.communicate()


def lines(program: "Popen[str]", count: int) -> list[str]:
    """The next lines that it prints, in any order."""
    assert program.stdout is not None
    return sorted(program.stdout.readline().rstrip() for _ in range(count))


def attended(csms: "Popen[str]") -> bool:
    """Whether it has told of a station that booted, reported and left, and ends when it is interrupted."""
    told = lines(csms, 4)
    csms.send_signal(signal.SIGINT)
    ended = csms.wait(PATIENCE) == 0 and lines(csms, 1) == [""]
    expected = ["booted, One", "report Accepted", "ChargingStation.Model = One", "left"]
    return ended and told == sorted(f"CS_7: {line}" for line in expected)


def test_a_csms_with_threads_gets_a_report_of_a_station_with_threads() -> None:
    with running(str(EXAMPLES / "threads/csms.py"), "0") as csms:
        [listening] = lines(csms, 1)
        with running(str(EXAMPLES / "threads/charging_station.py"), listening.split()[-1], "CS_7") as station:
            accepted, reported = lines(station, 2)
            assert accepted.startswith("Accepted, clock set to ")
            assert reported == "reported"
            assert station.wait(PATIENCE) == 0
        assert attended(csms)


def test_a_csms_with_threads_gets_a_report_of_a_station_with_an_event_loop() -> None:
    with running(str(EXAMPLES / "threads/csms.py"), "0") as csms:
        [listening] = lines(csms, 1)
        with running(str(EXAMPLES / "v201/charging_station.py"), listening.split()[-1], "CS_7") as station:
            assert lines(station, 2)[1] == "reported"
        assert attended(csms)
