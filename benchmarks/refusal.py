"""A CALL with one fault: found, explained to the letter, answered with its CALLERROR."""

import copy
import json
from typing import Any

from ocpp_sansio import Connection, FrameRejected, Role

from . import peer
from .messages import MESSAGES
from .report import Row, Table, at_most
from .timing import Run, in_turns, median, progress

__all__ = ["measure"]

SMALL_GOAL, BIG_GOAL = 100.0, 500.0  # µs


def measure(rounds: int) -> list[Table]:
    """A small frame, and one of 18 kB with a fault in the last item."""
    id_token = {"idTag": "04A7B2C3D4E5F60718293A4B5C"}
    report = next(sample for sample in MESSAGES if sample.action == "NotifyReport")
    misspelt = copy.deepcopy(report.payload)
    misspelt["reportData"][-1]["variableAttribute"][0]["mutability"] = "ReadWrit"
    rows = [
        _row("an idTag that is too long", "1.6", "Authorize", id_token, SMALL_GOAL, rounds),
        _row("a misspelt value in item 50", "2.0.1", "NotifyReport", misspelt, BIG_GOAL, rounds),
    ]
    return [Table("A refused frame with its exact error, µs", ["size", "ours", "sync", "sync/ours"], rows)]


def _row(what: str, version: str, action: str, payload: dict[str, Any], goal: float, rounds: int) -> Row:
    name = f"{version} {action}, {what}"
    progress(f"refusing {name}")
    text = json.dumps([2, "4711", action, payload], separators=(",", ":"))
    runs = {"ours": _ours(version, text), "sync": peer.refusing(version, action, text)}
    ours, sync = (median(values) for values in in_turns(runs, rounds).values())
    return Row(name, [len(text), ours, sync, sync / ours], [at_most("ours", ours, goal)])


def _ours(version: str, text: str) -> Run:
    connection = Connection(Role.CSMS, version)

    def run(count: int) -> None:
        for _ in range(count):
            connection.receive_text(text, now=1.0)
            assert isinstance(connection.next_event(), FrameRejected)
            assert connection.next_frame() is not None

    return run
