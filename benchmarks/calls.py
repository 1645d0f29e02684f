"""A call's round trip in one process, with a transport that answers at once."""

import json
import statistics

from ocpp_sansio import Connection
from ocpp_sansio._codec import decoder
from ocpp_sansio.validation import encode

from . import peer
from .messages import MESSAGES, Sample
from .report import Row, Table, at_least
from .timing import Run, in_turns, median, progress

__all__ = ["measure"]

GOALS = {"sync": 30, "default": 60}


def measure(rounds: int) -> list[Table]:
    """Ours beside `await cp.call(...)`."""
    rows = []
    ratios: dict[str, list[float]] = {name: [] for name in GOALS}
    for sample in MESSAGES:
        progress(f"calling {sample.name}")
        runs, remark = _contenders(sample)
        medians = {name: median(values) for name, values in in_turns(runs, rounds).items()}
        ours, sync, default = medians["ours"], medians.get("sync"), medians.get("default")
        rows.append(
            Row(
                sample.name,
                [ours, sync, default, sync and sync / ours, default and default / ours],
                remark=remark,
            )
        )
        for name in ratios.keys() & medians.keys():
            ratios[name].append(medians[name] / ours)
    checks = [
        at_least(
            f"{name}/ours, geometric mean of {len(found)}", statistics.geometric_mean(found), GOALS[name]
        )
        for name, found in ratios.items()
    ]
    title = "call() round trip, µs per call: validate and write the call, read and validate the answer"
    return [Table(title, ["ours", "sync", "default", "sync/ours", "default/ours"], rows, checks)]


def _contenders(sample: Sample) -> tuple[dict[str, Run], str]:
    answer = encode(sample.response())
    runs = {"ours": _ours(sample, answer)}
    remark = ""
    for name, in_thread in (("sync", False), ("default", True)):
        try:
            runs[name] = peer.calling(sample, answer, in_thread=in_thread)
        except peer.NotThere as reason:
            remark = str(reason)
    return runs, remark


def _ours(sample: Sample, answer: str) -> Run:
    connection = Connection(sample.sender, sample.version)
    request = decoder(sample.request_class)(json.loads(json.dumps(sample.payload)), [])

    def run(count: int) -> None:
        for _ in range(count):
            pending = connection.call(request, now=1.0)
            assert connection.next_frame() is not None
            connection.receive_text(f'[3,"{pending.id}",{answer}]', now=1.0)
            assert pending.response_in(connection.next_event()) is not None

    return run
