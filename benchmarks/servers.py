"""The contenders of the loopback benchmark, each in a process of its own: `python -m benchmarks.servers NAME PORT`.

Each serves whatever connects and answers each call. PORT is where it says at which port it listens, and where it
is asked for the CPU time that its process has used, all threads together.
"""

import argparse
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from typing import Any, NamedTuple

import anyio

__all__ = ["CONTENDERS"]

HOST = "127.0.0.1"
SUBPROTOCOL = "ocpp1.6"
NOW = "2024-05-01T12:00:00Z"

Serving = Callable[[], AbstractAsyncContextManager[int]]  # entered, it listens at this port


class Contender(NamedTuple):
    """A server, and the event loop that it runs on."""

    serving: Serving
    backend: str = "asyncio"


@asynccontextmanager
async def ours() -> Any:
    """A CSMS of this library, with its own WebSockets."""
    from ocpp_sansio_adapters.csms import CSMS

    async with anyio.create_task_group() as tasks:
        _, port = await tasks.start(partial(CSMS(_our_charge_point()).serve, HOST))
        yield port
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def ours_on_websockets() -> Any:
    """A ChargePoint of this library over a connection of `websockets`, as in the tutorials."""
    charge_point = _our_charge_point()
    async with _websockets(lambda connection: charge_point("CP_1", connection).start()) as port:
        yield port


def _our_charge_point() -> Any:
    from ocpp_sansio.routing import on
    from ocpp_sansio.v16 import call, call_result
    from ocpp_sansio_adapters.v16 import ChargePoint

    class Central(ChargePoint):
        @on(call.Heartbeat)
        def on_heartbeat(self, request: call.Heartbeat) -> call_result.Heartbeat:
            return call_result.Heartbeat(current_time=NOW)

    return Central


@asynccontextmanager
async def echo() -> Any:
    """`websockets.asyncio` alone: what comes goes back."""

    async def handle(connection: Any) -> None:
        async for text in connection:
            await connection.send(text)

    async with _websockets(handle) as port:
        yield port


@asynccontextmanager
async def theirs(*, in_thread: bool) -> Any:
    """The library of mobilityhouse over `websockets.asyncio`, which validates in a thread unless told otherwise."""
    import ocpp.messages
    from ocpp.routing import on
    from ocpp.v16 import ChargePoint, call_result

    ocpp.messages.ASYNC_VALIDATION = in_thread

    class Central(ChargePoint):
        @on("Heartbeat")
        def on_heartbeat(self) -> Any:
            return call_result.Heartbeat(current_time=NOW)

    async with _websockets(lambda connection: Central("CP_1", connection).start()) as port:
        yield port


@asynccontextmanager
async def _websockets(handle: Callable[[Any], Awaitable[None]]) -> Any:
    from websockets.asyncio.server import serve
    from websockets.exceptions import ConnectionClosed
    from websockets.typing import Subprotocol

    async def until_closed(connection: Any) -> None:
        with suppress(ConnectionClosed):
            await handle(connection)

    async with serve(until_closed, HOST, 0, subprotocols=[Subprotocol(SUBPROTOCOL)]) as server:
        yield next(iter(server.sockets)).getsockname()[1]


CONTENDERS = {
    "echo": Contender(echo),
    "ours": Contender(ours),
    "ours, trio": Contender(ours, "trio"),
    "ours on websockets": Contender(ours_on_websockets),
    "sync": Contender(partial(theirs, in_thread=False)),
    "default": Contender(partial(theirs, in_thread=True)),
}


async def run(serving: Serving, control_port: int) -> None:
    """Serve, and answer each byte from the control connection with the CPU time, until that closes."""
    async with serving() as port, await anyio.connect_tcp(HOST, control_port) as control:
        await control.send(b"%d\n" % port)
        async for _ in control:
            await control.send(b"%.9f\n" % time.process_time())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=CONTENDERS)
    parser.add_argument("port", type=int)
    options = parser.parse_args()
    chosen = CONTENDERS[options.name]
    anyio.run(run, chosen.serving, options.port, backend=chosen.backend)
