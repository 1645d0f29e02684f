"""What an idle connection keeps allocated, by tracemalloc over a thousand of them."""

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

from ocpp_sansio import CallReceived, Connection, Role

from . import peer
from .messages import MESSAGES
from .report import Row, Table, at_most
from .timing import progress

__all__ = ["measure"]

COUNT = 1000
GOAL = 1024.0  # bytes
HEARTBEAT = MESSAGES[0]
PEER_ANSWER = {"currentTime": "2026-05-01T12:00:00.250Z"}


def measure(rounds: int) -> list[Table]:
    """Fresh, and after one call of the peer was answered. One round says it all."""
    progress("memory")
    contenders: list[tuple[str, Callable[[], Any]]] = [
        ("fresh", lambda: Connection(Role.CSMS, "1.6")),
        ("after one exchange", _exchanged),
    ]
    peers = [_peer, _exchanged_peer]
    rows = []
    for (name, make), make_peer in zip(contenders, peers, strict=True):
        ours, theirs = _bytes_each(make), _bytes_each(make_peer)
        rows.append(Row(name, [ours, theirs, theirs / ours], [at_most("ours", ours, GOAL)]))
    return [Table("Memory of an idle connection, bytes", ["ours", "peer", "peer/ours"], rows)]


def _bytes_each(make: Callable[[], Any]) -> float:
    make()  # what all of them share
    gc.collect()
    tracemalloc.start()
    kept = [make() for _ in range(COUNT)]
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size / len(kept)


def _exchanged() -> Connection:
    connection = Connection(Role.CSMS, "1.6")
    connection.receive_text(HEARTBEAT.text, now=1.0)
    received = connection.next_event()
    assert isinstance(received, CallReceived)
    connection.reply(received, HEARTBEAT.response())
    assert connection.next_frame() is not None
    return connection


def _peer() -> Any:
    return peer.charge_point("1.6", lambda text: None)


def _exchanged_peer() -> Any:
    return peer.exchanged(HEARTBEAT, PEER_ANSWER)
