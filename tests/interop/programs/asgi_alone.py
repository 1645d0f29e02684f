"""A CSMS that a server runs on its own, for `test_asgi_servers`.

As a program, it runs in a server that is set up here: uvicorn and hypercorn so that it may close its links
first, and hypercorn on trio as it is.
"""

import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import uvicorn
from hypercorn.asyncio import serve as serve_on_asyncio
from hypercorn.config import Config
from hypercorn.trio import serve as serve_on_trio

from ocpp_sansio.routing import on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio_adapters import v16
from ocpp_sansio_adapters.asgi import CSMSApp
from ocpp_sansio_adapters.csms import CSMS

__all__ = ["app"]


class Late(v16.ChargePoint):
    """Answers a heartbeat once somebody waits for that, because the server shuts down."""

    @on(call.Heartbeat)
    async def heartbeat(self, request: call.Heartbeat) -> call_result.Heartbeat:
        parting = anyio.Event()
        websocket: Any = self.transport
        drained: Callable[[], Awaitable[object]] = websocket.drained

        async def told() -> None:
            parting.set()
            await drained()

        websocket.drained = told
        print(f"{self.id} waits", flush=True)
        await parting.wait()
        return call_result.Heartbeat(current_time="2025-01-01T12:00:00Z")


app = CSMSApp(CSMS(Late), base="/ocpp")


class Server(uvicorn.Server):
    """Lets the application close its links first, for uvicorn does not wait for anything."""

    async def shutdown(self, sockets: Any = None) -> None:
        await app.aclose()
        await super().shutdown(sockets)


CONFIG = Config.from_mapping(bind="127.0.0.1:0", graceful_timeout=0)


async def terminated() -> None:
    with anyio.open_signal_receiver(signal.SIGTERM) as signals:
        await anext(signals)


async def on_trio() -> None:
    """Hypercorn, which without workers knows no signal here but SIGINT."""
    await serve_on_trio(app, CONFIG, shutdown_trigger=terminated)


async def on_asyncio() -> None:
    """Hypercorn, which since Python 3.12 waits here until all links have ended."""

    async def closed() -> None:
        await terminated()
        await app.aclose()

    await serve_on_asyncio(app, CONFIG, shutdown_trigger=closed)


if __name__ == "__main__":
    match sys.argv[1]:
        case "uvicorn":
            Server(uvicorn.Config(app, port=0)).run()
        case backend:
            anyio.run(on_trio if backend == "trio" else on_asyncio, backend=backend)
