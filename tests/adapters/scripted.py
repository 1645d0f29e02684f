"""For tests of the harness: charge points that play against a script, a bare station, and what a peer complains
of.
"""

from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from ocpp_sansio import (
    CallErrorReceived,
    CallResultReceived,
    Connection,
    Role,
)
from ocpp_sansio.errors import SecurityError
from ocpp_sansio.messages import Request
from ocpp_sansio.routing import after, on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio_adapters import v16
from ocpp_sansio_adapters.testing import Pair, ScriptedPeer

__all__ = ["BOOT", "DAY", "NOW", "Bench", "Central", "ChargePoint", "Run", "status", "trouble"]

Run = Callable[..., Any]

BOOT = call.BootNotification(charge_point_vendor="acme", charge_point_model="One")
NOW = "2025-01-01T12:00:00Z"
DAY = 24 * 3600


class ChargePoint(v16.ChargePoint):
    """A station with a little logic: it boots until it is accepted, then says now and then that it lives."""

    @on(call.Reset)
    def reset(self, request: call.Reset) -> call_result.Reset:
        if request.type == "Hard":
            raise SecurityError("not you")
        return call_result.Reset(status="Accepted")

    @after(call.Reset)
    async def booted_again(self, request: call.Reset) -> None:
        await anyio.sleep(1)
        await self.call(BOOT)

    @on(call.ClearCache)
    async def clear_cache(self, request: call.ClearCache) -> call_result.ClearCache:
        await anyio.sleep(2)
        return call_result.ClearCache(status="Accepted")

    async def boot(self) -> int:
        while True:
            answer = await self.call(BOOT)
            if answer.status == "Accepted":
                return answer.interval
            await anyio.sleep(answer.interval)

    async def live(self) -> None:
        interval = await self.boot()
        while True:
            await anyio.sleep(interval)
            await self.call(call.Heartbeat())


class Central(v16.ChargePoint):
    """A CSMS's view of a station."""

    @on(call.BootNotification)
    def booted(self, request: call.BootNotification) -> call_result.BootNotification:
        return call_result.BootNotification(status="Accepted", current_time=NOW, interval=300)


def status(connector: int, status: str = "Available") -> call.StatusNotification:
    return call.StatusNotification(connector_id=connector, error_code="NoError", status=status)


class Bench:
    """A bare station against a script. `ask` gives the event that ends a call, or None if none does."""

    def __init__(self, peer: ScriptedPeer, version: str = "1.6", **options: Any) -> None:
        self.peer = peer
        self.pair = Pair(Connection(Role.CHARGING_STATION, version, **options), peer)
        self.connection = self.pair.station.connection

    def ask(self, request: Request[Any, Any]) -> Any:
        self.connection.call(request, now=self.pair.now)
        self.pair.settle()
        return self.pair.station.events.pop(0) if self.pair.station.events else None

    def answer(self, request: Request[Any, Any]) -> Any:
        event = self.ask(request)
        assert isinstance(event, CallResultReceived)
        return event.response

    def refusal(self, request: Request[Any, Any]) -> Any:
        event = self.ask(request)
        assert isinstance(event, CallErrorReceived)
        return event.error


def trouble(peer: ScriptedPeer) -> str:
    with pytest.raises(AssertionError) as caught:
        peer.check()
    return str(caught.value)
