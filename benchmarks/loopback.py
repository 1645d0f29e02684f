"""What a message costs a server over a real WebSocket: CPU time of its process, messages a second, waiting times.

All servers run at once, and take turns; the stations are in this process. The measure is an echo by
`websockets.asyncio` alone.
"""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from statistics import median, quantiles
from time import perf_counter
from typing import NamedTuple

from .messages import MESSAGES
from .processes import Server, contenders, serving
from .report import Row, Table, at_most
from .servers import SUBPROTOCOL, raise_descriptors
from .stations import Stations, connected
from .timing import progress

__all__ = ["measure"]

#: Messages of a turn, over all stations: enough for the CPU clock, few enough for the machine to stay as it is.
MESSAGES_A_TURN = 1000
COUNTS = (1, 100, 1000)
TEXTS = {
    sample.title: sample.text
    for sample in MESSAGES
    if sample.name in ("1.6 Heartbeat", "1.6 MeterValues, 20 samples")
}
GOAL = 1.4  # times the echo, of a Heartbeat


class Turn(NamedTuple):
    """Medians of one contender: µs of the server's CPU for a message, messages a second, and ms until half and
    until 99 of 100 of the answers were there.
    """

    cpu: float
    rate: float
    p50: float
    p99: float


def measure(rounds: int) -> list[Table]:
    """Tables of messages by the number of stations."""
    return asyncio.run(_measure(rounds))


async def _measure(rounds: int) -> list[Table]:
    raise_descriptors()
    async with AsyncExitStack() as stack:
        servers = {}
        for name in contenders():
            progress(f"loopback, {name} starts")
            servers[name] = await stack.enter_async_context(serving(name))
        return [
            await _table(title, text, count, servers, rounds)
            for title, text in TEXTS.items()
            for count in COUNTS
        ]


async def _table(title: str, text: str, count: int, servers: dict[str, Server], rounds: int) -> Table:
    turns: dict[str, list[Turn]] = {name: [] for name in servers}
    async with AsyncExitStack() as linked:
        stations = {
            name: await linked.enter_async_context(connected(server.port, count, SUBPROTOCOL, text))
            for name, server in servers.items()
        }
        for number in range(-1, rounds):  # the first turn compiles and fills caches
            progress(f"loopback, {title}, {count} stations, {max(number, 0)} of {rounds}")
            for name, server in servers.items():
                turn = await _turn(server, stations[name], count)
                if number >= 0:
                    turns[name].append(turn)
    return Table(
        f"{title}, {count} station{'s' * (count > 1)}",
        ["CPU µs", "of echo", "a second", "p50 ms", "p99 ms"],
        list(_rows(title, turns)),
    )


def _rows(title: str, turns: dict[str, list[Turn]]) -> Iterator[Row]:
    for name, mine in turns.items():
        found = Turn(*map(median, zip(*mine, strict=True)))
        ratio = median(one.cpu / echo.cpu for one, echo in zip(mine, turns["echo"], strict=True))
        judged = name == "ours" and title == "Heartbeat"
        yield Row(
            name,
            [found.cpu, ratio, found.rate, found.p50, found.p99],
            [at_most("of echo", ratio, GOAL)] if judged else [],
        )


async def _turn(server: Server, stations: Stations, count: int) -> Turn:
    calls = max(1, MESSAGES_A_TURN // count)
    before, began = await server.used(), perf_counter()
    waits = await stations.ask(calls)
    seconds, after = perf_counter() - began, await server.used()
    cuts = quantiles(waits, n=100)
    return Turn(
        (after.cpu - before.cpu) / len(waits) * 1e6, len(waits) / seconds, cuts[49] * 1e3, cuts[98] * 1e3
    )
