"""Many stations that say nothing: what one costs a server, how long they take to come in, and to come back after the
server has crashed and begun anew.
"""

import asyncio
from time import perf_counter

from .processes import contenders, serving
from .report import Row, Table, at_most
from .servers import SUBPROTOCOL, raise_descriptors
from .stations import connected
from .timing import progress

__all__ = ["measure"]

#: How many stations, and whether they offer compression. The last takes minutes.
CROWDS = ((1000, False), (1000, True), (10_000, False))
SPARE = 100  # descriptors for everything else
HEARTBEAT = '[2,"1","Heartbeat",{}]'
WARM = 20  # stations that have come and gone before memory is measured
GOALS = {False: 18.0, True: 45.0}  # KiB for an idle station, without and with compression


def measure(rounds: int) -> list[Table]:
    """Tables by the number of stations, without and with compression. One round each, whatever is asked for."""
    most = raise_descriptors() - SPARE
    return [asyncio.run(_table(min(count, most), deflate=deflate)) for count, deflate in CROWDS]


async def _table(count: int, *, deflate: bool) -> Table:
    rows = [await _row(name, count, deflate=deflate) for name in contenders()]
    how = "offered" if deflate else "not offered"
    return Table(
        f"{count:,} stations that say nothing, compression {how}",
        ["KiB each", "all in s", "all back s", "CPU s"],
        rows,
    )


async def _row(name: str, count: int, *, deflate: bool) -> Row:
    progress(f"scale, {name}, {count} stations")
    async with serving(name) as server:
        async with connected(server.port, WARM, SUBPROTOCOL, HEARTBEAT, deflate=deflate) as warm:
            await warm.ask(1) if not deflate else None
        before, began = await server.used(), perf_counter()
        stations = connected(server.port, count, SUBPROTOCOL, HEARTBEAT, deflate=deflate)
        crowd = await stations.__aenter__()
        entered = perf_counter() - began
        after = await server.used()
    await crowd.lost()
    began = perf_counter()
    async with serving(name, server.port):
        await crowd.connect()
        back = perf_counter() - began
        await stations.__aexit__(None, None, None)
    memory = (after.memory - before.memory) / count
    checks = [at_most("KiB each", memory, GOALS[deflate])] if name == "ours" else []
    return Row(name, [memory, entered, back, after.cpu - before.cpu], checks)
