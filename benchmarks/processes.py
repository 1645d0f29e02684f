"""Servers in processes of their own, and what they have used."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import NamedTuple

from .servers import CONTENDERS, HOST

__all__ = ["Server", "Use", "contenders", "serving"]

PATIENCE = 60  # seconds until a server that says nothing is given up


class Use(NamedTuple):
    """What a process has used: seconds of CPU since it began, KiB of memory now."""

    cpu: float
    memory: float


class Server(NamedTuple):
    """A process that serves at this port."""

    port: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def used(self) -> Use:
        """Ask it."""
        self.writer.write(b"?")
        return Use(*map(float, (await asyncio.wait_for(self.reader.readline(), PATIENCE)).split()))


def contenders() -> list[str]:
    """The names of those that can run here."""
    return [name for name, one in CONTENDERS.items() if not one.uvloop or find_spec("uvloop")]


@asynccontextmanager
async def serving(name: str, port: int = 0) -> AsyncIterator[Server]:
    """A contender, for as long as the block lasts. At its end it is killed, as a server is that crashes."""
    hello: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    listener = await asyncio.start_server(lambda *streams: hello.put_nowait(streams), HOST, 0)
    control = str(listener.sockets[0].getsockname()[1])
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.servers",
        name,
        control,
        str(port),
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        reader, writer = await asyncio.wait_for(hello.get(), PATIENCE)
        yield Server(int(await asyncio.wait_for(reader.readline(), PATIENCE)), reader, writer)
        writer.close()
    finally:
        listener.close()
        process.kill()
        await process.wait()
