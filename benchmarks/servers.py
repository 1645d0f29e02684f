"""The contenders over real WebSockets, each in a process of its own: `python -m benchmarks.servers NAME CONTROL [PORT]`.

Each serves whatever connects and answers each call. CONTROL is a port where it says at which port it listens, and
where it is asked what its process has used.
"""

import argparse
import resource
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import anyio

__all__ = ["CONTENDERS", "HOST", "SUBPROTOCOL", "raise_descriptors"]

HOST = "127.0.0.1"
SUBPROTOCOL = "ocpp1.6"
NOW = "2024-05-01T12:00:00Z"
BACKLOG = 4096  # stations that may knock at the same time

#: Entered with the port to listen at, or 0, it listens at the port that it gives.
Serving = Callable[[int], AbstractAsyncContextManager[int]]


class Contender(NamedTuple):
    """A server, and the event loop that it runs on."""

    serving: Serving
    backend: str = "asyncio"
    uvloop: bool = False


@asynccontextmanager
async def ours(port: int) -> Any:
    """A CSMS of this library, with its own WebSockets."""
    from ocpp_sansio_adapters.csms import CSMS

    async with anyio.create_task_group() as tasks:
        _, port = await tasks.start(partial(CSMS(_our_charge_point()).serve, HOST, port))
        yield port
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def ours_on_websockets(port: int) -> Any:
    """A ChargePoint of this library over a connection of `websockets`, as in the tutorials."""
    charge_point = _our_charge_point()
    async with _websockets(lambda connection: charge_point("CP_1", connection).start(), port) as port:
        yield port


def _our_charge_point() -> Any:
    from ocpp_sansio.routing import on
    from ocpp_sansio.v16 import call, call_result
    from ocpp_sansio_adapters.v16 import ChargePoint

    class Central(ChargePoint):
        @on(call.Heartbeat)
        def on_heartbeat(self, request: call.Heartbeat) -> call_result.Heartbeat:
            return call_result.Heartbeat(current_time=NOW)

        @on(call.MeterValues)
        def on_meter_values(self, request: call.MeterValues) -> call_result.MeterValues:
            return call_result.MeterValues()

    return Central


@asynccontextmanager
async def echo(port: int) -> Any:
    """`websockets.asyncio` alone: what comes goes back."""

    async def handle(connection: Any) -> None:
        async for text in connection:
            await connection.send(text)

    async with _websockets(handle, port) as port:
        yield port


@asynccontextmanager
async def theirs(port: int, *, in_thread: bool) -> Any:
    """The library of mobilityhouse over `websockets.asyncio`, which validates in a thread unless told otherwise."""
    import ocpp.messages
    from ocpp.routing import on
    from ocpp.v16 import ChargePoint, call_result

    ocpp.messages.ASYNC_VALIDATION = in_thread

    class Central(ChargePoint):
        @on("Heartbeat")
        def on_heartbeat(self) -> Any:
            return call_result.Heartbeat(current_time=NOW)

        @on("MeterValues")
        def on_meter_values(self, **_: Any) -> Any:
            return call_result.MeterValues()

    async with _websockets(lambda connection: Central("CP_1", connection).start(), port) as port:
        yield port


@asynccontextmanager
async def _websockets(handle: Callable[[Any], Awaitable[None]], port: int) -> Any:
    from websockets.asyncio.server import serve
    from websockets.exceptions import ConnectionClosed
    from websockets.typing import Subprotocol

    async def until_closed(connection: Any) -> None:
        with suppress(ConnectionClosed):
            await handle(connection)

    names = [Subprotocol(SUBPROTOCOL)]
    async with serve(until_closed, HOST, port, subprotocols=names, backlog=BACKLOG) as server:
        yield next(iter(server.sockets)).getsockname()[1]


CONTENDERS = {
    "echo": Contender(echo),
    "ours": Contender(ours),
    "ours, uvloop": Contender(ours, uvloop=True),
    "ours, trio": Contender(ours, "trio"),
    "ours on websockets": Contender(ours_on_websockets),
    "sync": Contender(partial(theirs, in_thread=False)),
    "default": Contender(partial(theirs, in_thread=True)),
}


def raise_descriptors() -> int:
    """Let this process have as many sockets as the system allows; returns how many."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def used() -> str:
    """Seconds of CPU, and KiB of memory that no other process shares."""
    pages = Path("/proc/self/statm")
    memory = int(pages.read_text().split()[1]) * resource.getpagesize() if pages.exists() else 0
    return f"{time.process_time():.9f} {memory / 1024:.0f}\n"


async def run(serving: Serving, control_port: int, port: int) -> None:
    """Serve, and answer each byte from the control connection, until that closes."""
    async with serving(port) as address, await anyio.connect_tcp(HOST, control_port) as control:
        await control.send(b"%d\n" % address)
        async for _ in control:
            await control.send(used().encode())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=CONTENDERS)
    parser.add_argument("control", type=int)
    parser.add_argument("port", type=int, nargs="?", default=0)
    options = parser.parse_args()
    raise_descriptors()
    chosen = CONTENDERS[options.name]
    anyio.run(
        run,
        chosen.serving,
        options.control,
        options.port,
        backend=chosen.backend,
        backend_options={"use_uvloop": True} if chosen.uvloop else {},
    )
