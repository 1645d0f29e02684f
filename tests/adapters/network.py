"""Charge points for both ends, and a network in memory that connects stations to a CSMS."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import attrs
from anyio.abc import TaskGroup
from websockets.exceptions import ConnectionClosed

from ocpp_sansio import Version
from ocpp_sansio.routing import on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v201 import call as call_201
from ocpp_sansio.v201 import call_result as call_result_201
from ocpp_sansio_adapters import v16, v21, v201
from ocpp_sansio_adapters._websocket import WebSocket
from ocpp_sansio_adapters.csms import CSMS
from tests.adapters.pipe import station_and_csms

__all__ = ["BOOT", "NOW", "At21", "At201", "AtCSMS", "AtStation", "Link", "Network", "network"]

NOW = "2024-05-01T12:00:00Z"
BOOT = call.BootNotification(charge_point_vendor="acme", charge_point_model="One")


class AtCSMS(v16.ChargePoint):
    """What serves a station of 1.6. `seen` is what has been asked of all."""

    seen: list[str] = []  # noqa: RUF012
    verdict = "Accepted"

    @on(call.BootNotification)
    def boot(self, request: call.BootNotification) -> call_result.BootNotification:
        self.seen.append(request.charge_point_model)
        return call_result.BootNotification(current_time=NOW, interval=10, status=self.verdict)


class At201(v201.ChargePoint):
    @on(call_201.Heartbeat)
    def heartbeat(self, request: call_201.Heartbeat) -> call_result_201.Heartbeat:
        return call_result_201.Heartbeat(current_time=NOW)


class At21(v21.ChargePoint):
    pass


class AtStation(v16.ChargePoint):
    @on(call.ClearCache)
    def clear_cache(self, request: call.ClearCache) -> call_result.ClearCache:
        return call_result.ClearCache(status="Accepted")

    @on(call.Reset)
    async def reset(self, request: call.Reset) -> call_result.Reset:
        await anyio.sleep_forever()
        return call_result.Reset(status="Accepted")


CLASSES: dict[Version, Any] = {Version.V16: AtStation, Version.V201: v201.ChargePoint, Version.V21: At21}


@attrs.define(eq=False)
class Link:
    """A station and its link. `hang_up` and `cut` end it, in good order or not."""

    charge_point: Any
    websocket: WebSocket
    at_csms: WebSocket
    ended: bool = False  # at the CSMS

    async def hang_up(self) -> None:
        await self.websocket.aclose()
        await anyio.sleep(1)


class Network:
    """Connects stations to a CSMS, for as long as a test lasts."""

    def __init__(self, csms: CSMS, tasks: TaskGroup) -> None:
        self.csms = csms
        self.tasks = tasks

    async def connect(self, identity: str = "CP_1", version: Version = Version.V16) -> Link:
        near, far = station_and_csms(identity=identity, version=version)
        link = Link(CLASSES[version](identity, near), near, far)
        self.tasks.start_soon(self._serve, link)
        self.tasks.start_soon(self._live, link)
        await anyio.sleep(1)
        return link

    async def _serve(self, link: Link) -> None:
        """As `websockets.serve` does."""
        with suppress(ConnectionClosed):
            await self.csms.handle(link.at_csms)
        await link.at_csms.aclose()
        link.ended = True

    async def _live(self, link: Link) -> None:
        with suppress(ConnectionClosed):
            await link.charge_point.start()


@asynccontextmanager
async def network(csms: CSMS) -> AsyncIterator[Network]:
    async with anyio.create_task_group() as tasks:
        yield Network(csms, tasks)
        tasks.cancel_scope.cancel()
