"""The receive path in one process: a CALL arrives, is validated, handled, and its answer validated and written.

Beside it the bare floor, `json.loads` of the call and `json.dumps` of the answer; mobilityhouse's `ocpp`; and
the parts that our path is made of, with the state machine as what remains of the path without them.
"""

import json
import statistics
from collections.abc import Callable
from typing import Any

from ocpp_sansio import CallReceived, Connection
from ocpp_sansio._codec import decoder
from ocpp_sansio._frames import parse
from ocpp_sansio.validation import encode

from . import peer
from .messages import MESSAGES, Sample
from .report import Row, Table, at_least, at_most
from .timing import Run, Times, in_turns, median, progress

__all__ = ["measure"]

STATE_MACHINE_GOAL = 1.5  # µs
FLOOR_GOAL = 1.2


def measure(rounds: int) -> list[Table]:
    """The receive path and its parts."""
    paths, parts, to_floor = [], [], []
    for sample in MESSAGES:
        progress(f"receiving {sample.name}")
        runs, remark = _contenders(sample)
        times = in_turns(runs, rounds)
        medians = {name: median(values) for name, values in times.items()}
        to_floor.append(medians["ours"] / medians["floor"])
        paths.append(_path_row(sample, medians, remark))
        parts.append(_parts_row(sample, times, medians))
    mean = statistics.geometric_mean(to_floor)
    return [
        Table(
            "Receive path, µs per message: receive, validate, handle, write a validated answer",
            ["ours", "floor", "sync", "default", "ours/floor", "sync/ours", "default/ours"],
            paths,
            [at_most("ours/floor, geometric mean", mean, FLOOR_GOAL)],
        ),
        Table(
            "What our receive path is made of, µs per message (handler: making the response object)",
            ["path", "parse", "decode", "handler", "encode", "state machine"],
            parts,
        ),
    ]


def _path_row(sample: Sample, medians: dict[str, float], remark: str) -> Row:
    ours, floor = medians["ours"], medians["floor"]
    sync, default = medians.get("sync"), medians.get("default")
    over_sync, over_default = sync and sync / ours, default and default / ours
    goals = (15, 60) if sample.action == "Heartbeat" else (30, 50)
    return Row(
        sample.name,
        [ours, floor, sync, default, ours / floor, over_sync, over_default],
        [
            at_least("sync/ours", over_sync, goals[0]),
            at_least("default/ours", over_default, goals[1]),
        ],
        remark,
    )


def _parts_row(sample: Sample, times: Times, medians: dict[str, float]) -> Row:
    # Round by round, because what disturbed one of the two neighbours probably disturbed the other.
    state_machine = median([path - codec for path, codec in zip(times["ours"], times["codec"], strict=True)])
    parts = [medians[name] for name in ("ours", "parse", "decode", "handler", "encode")]
    check = at_most("state machine", state_machine, STATE_MACHINE_GOAL)
    return Row(sample.name, [*parts, state_machine], [check])


def _contenders(sample: Sample) -> tuple[dict[str, Run], str]:
    text, response = sample.text, sample.response
    answer = encode(response())
    payload, decode, made = sample.payload, decoder(sample.request_class), response()
    runs = {
        "ours": _ours(sample),
        "codec": _codec(sample),  # next to ours, whose difference to it counts
        "floor": _floor(text, json.loads(f'[3,"{json.loads(text)[1]}",{answer}]')),
        "parse": _repeated(lambda: parse(text)),
        "decode": _repeated(lambda: decode(payload, [])),
        "handler": _repeated(response),
        "encode": _repeated(lambda: encode(made)),
    }
    remark = ""
    for name, in_thread in (("sync", False), ("default", True)):
        try:
            runs[name] = peer.receiving(sample, json.loads(answer), in_thread=in_thread)
        except peer.NotThere as reason:
            remark = str(reason)
    return runs, remark


def _ours(sample: Sample) -> Run:
    connection = Connection(sample.receiver, sample.version)
    text, response = sample.text, sample.response

    def run(count: int) -> None:
        for _ in range(count):
            connection.receive_text(text, now=1.0)
            received = connection.next_event()
            assert isinstance(received, CallReceived)
            connection.reply(received, response())
            assert connection.next_frame() is not None
            del received  # as when a handler returns; else two messages would share the processor's caches

    return run


def _codec(sample: Sample) -> Run:
    """The same without the state machine."""
    text, response, decode = sample.text, sample.response, decoder(sample.request_class)

    def run(count: int) -> None:
        for _ in range(count):
            frame = parse(text)
            request = decode(frame[3], [])
            assert request is not None
            answer = encode(response())
            assert answer is not None
            del frame, request

    return run


def _floor(text: str, answer: list[Any]) -> Run:
    def run(count: int) -> None:
        for _ in range(count):
            json.loads(text)
            json.dumps(answer)

    return run


def _repeated(work: Callable[[], object]) -> Run:
    def run(count: int) -> None:
        for _ in range(count):
            work()

    return run
