"""What a server spends on a message over a real WebSocket: CPU time of its process, stations in ours.

All servers run at once, and take turns. The measure is an echo by `websockets.asyncio` alone.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from statistics import median
from typing import NamedTuple

from .report import Row, Table, at_most
from .servers import CONTENDERS, HOST, SUBPROTOCOL
from .stations import Stations, connected
from .timing import progress

__all__ = ["measure"]

#: Messages of a turn, over all stations: enough for the CPU clock, few enough for the machine to stay as it is.
MESSAGES = 400
COUNTS = (1, 100)
HEARTBEAT = '[2,"4f9c1b2ad0e34c5f8b7a6d5e-1","Heartbeat",{}]'
GOAL = 1.4  # times the echo
PATIENCE = 60  # seconds until a server that says nothing is given up


class Server(NamedTuple):
    """A process that serves, and how it is asked for its CPU time."""

    port: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def cpu(self) -> float:
        """Seconds."""
        self.writer.write(b"?")
        return float(await asyncio.wait_for(self.reader.readline(), PATIENCE))


@asynccontextmanager
async def serving(name: str) -> AsyncIterator[Server]:
    """A contender, in a process of its own."""
    hello: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    listener = await asyncio.start_server(lambda *streams: hello.put_nowait(streams), HOST, 0)
    port = listener.sockets[0].getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.servers", name, str(port), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        reader, writer = await asyncio.wait_for(hello.get(), PATIENCE)
        yield Server(int(await asyncio.wait_for(reader.readline(), PATIENCE)), reader, writer)
        writer.close()
    finally:
        listener.close()
        process.kill()
        await process.wait()


def measure(rounds: int) -> list[Table]:
    """CPU µs of each server for a Heartbeat and its answer, by the number of stations."""
    return [asyncio.run(_measure(rounds))]


async def _measure(rounds: int) -> Table:
    rows = []
    async with AsyncExitStack() as stack:
        servers = {}
        for name in CONTENDERS:
            progress(f"loopback, {name} starts")
            servers[name] = await stack.enter_async_context(serving(name))
        for count in COUNTS:
            async with AsyncExitStack() as linked:
                stations = {
                    name: await linked.enter_async_context(
                        connected(server.port, count, SUBPROTOCOL, HEARTBEAT)
                    )
                    for name, server in servers.items()
                }
                rows.append(await _row(count, servers, stations, rounds))
    return Table(
        "A Heartbeat over loopback: µs of CPU of the server",
        [*CONTENDERS, "ours/echo", "sync/echo", "default/echo"],
        rows,
    )


async def _row(count: int, servers: dict[str, Server], stations: dict[str, Stations], rounds: int) -> Row:
    times: dict[str, list[float]] = {name: [] for name in servers}
    for number in range(-1, rounds):  # the first turn compiles and fills caches
        progress(f"loopback, {count} stations, {max(number, 0)} of {rounds}")
        for name, server in servers.items():
            spent = await _turn(server, stations[name], count)
            if number >= 0:
                times[name].append(spent)
    found = {name: median(spent) for name, spent in times.items()}
    ratio = {
        name: median(mine / echo for mine, echo in zip(times[name], times["echo"], strict=True))
        for name in ("ours", "sync", "default")
    }
    return Row(
        f"{count} station{'s' * (count > 1)}",
        [*found.values(), *ratio.values()],
        [at_most("ours/echo", ratio["ours"], GOAL)],
    )


async def _turn(server: Server, stations: Stations, count: int) -> float:
    """CPU µs of the server for a message."""
    calls = max(1, MESSAGES // count)
    before = await server.cpu()
    await stations.ask(calls)
    return (await server.cpu() - before) / (calls * count) * 1e6
