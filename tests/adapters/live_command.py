"""`csms` and `station` of the command, for tests: both in memory on virtual time, or as processes with a
script.
"""

import asyncio
import io
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import anyio
import attrs
import pytest
from websockets.exceptions import ConnectionClosed

from ocpp_sansio import BootGate, Role, Version
from ocpp_sansio_adapters import station as station_module
from ocpp_sansio_adapters.charge_point import ChargePoint
from ocpp_sansio_adapters.cli._desk.console import PlainConsole
from ocpp_sansio_adapters.cli._desk.live import Shell
from ocpp_sansio_adapters.cli._desk.shown import Narrator
from ocpp_sansio_adapters.cli._paint import Paint
from ocpp_sansio_adapters.cli._simulation.clock import Clock
from ocpp_sansio_adapters.cli._simulation.csms import SPOKEN, Host, answering
from ocpp_sansio_adapters.cli._simulation.fleet import dialect_for
from ocpp_sansio_adapters.cli._simulation.life import Life, Plan
from ocpp_sansio_adapters.csms import CSMS
from tests.adapters.pipe import station_and_csms
from tests.interop.process import Program

__all__ = ["EPOCH", "Playground", "a_shell", "playground", "program"]

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def a_shell(role: Role, out: io.StringIO) -> Shell:
    """One that shows everything on `out`."""
    console, paint = PlainConsole(out, None), Paint(out)
    return Shell(console, Narrator(role, paint, lambda: EPOCH), paint, anyio.CancelScope(), {}, None)


@attrs.define(eq=False)
class Playground:
    """A CSMS of the command and stations of the command, which talk in memory. `seen` are frames, as they are
    shown.
    """

    tasks: Any  # of the stations
    served: Any  # of their links at the CSMS
    csms: CSMS
    host: Host
    out: io.StringIO
    shown: io.StringIO
    lives: list[Life] = attrs.field(factory=list)
    links: list[Any] = attrs.field(factory=list)
    began: float = attrs.field(factory=anyio.current_time)

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=anyio.current_time() - self.began)

    def life(self, version: Version | str, *, identity: str = "CP_1", **plan: Any) -> Life:
        """A station that lives from now on. Nobody comes by himself unless the plan says so."""
        spoken = Version(version)
        shell = a_shell(Role.CHARGING_STATION, self.out)
        clock = Clock(speed=plan.pop("speed", 1.0), wall=self.now)
        plan = {"url": "ws://127.0.0.1", "charge": 0.0, "clock": clock, **plan}
        life = Life(identity, Plan(**plan), {spoken: dialect_for(spoken)}, shell)
        self.lives.append(life)
        self.tasks.start_soon(life.run)
        return life

    async def joined(self, identity: str = "CP_1") -> ChargePoint:
        """The station at the CSMS, once it has booted and told its statuses."""
        await anyio.sleep(1)
        return self.csms.stations[identity]

    def said(self, *beginnings: str) -> list[str]:
        """What stations and CSMS have sent so far that begins so, such as `-> Heartbeat`; without time and
        name.
        """
        lines = [line.split(" ", 2)[2] for line in self.out.getvalue().splitlines() if line]
        return [line for line in lines if line.startswith(beginnings)]

    @asynccontextmanager
    async def connect(self, url: str, identity: str, versions: Any, **settings: Any) -> AsyncIterator[Any]:
        """Stands in for `websockets.connect`."""
        near, far = station_and_csms(identity=identity, version=Version(versions[0]))
        self.links.append(near)
        self.served.start_soon(self._serve, far)
        try:
            yield near
        finally:
            await near.aclose()

    async def _serve(self, websocket: Any) -> None:
        """As a door does: that a link ends is no error."""
        with suppress(ConnectionClosed):
            await self.csms.handle(websocket)
        await websocket.aclose()

    def cut(self) -> None:
        """The link is lost."""
        self.links[-1]._stream.cut()


@asynccontextmanager
async def playground(
    monkeypatch: pytest.MonkeyPatch, *classes: type[ChargePoint]
) -> AsyncIterator[Playground]:
    """A CSMS without stations yet; all are gone at the end of the block. `classes` are in the place of its own."""
    shown = io.StringIO()
    host = Host(a_shell(Role.CSMS, shown))
    others: dict[Version, Any] = {cls.version: cls for cls in classes}
    served_by = (others.get(version) or answering(version) for version in SPOKEN)
    csms = CSMS(*(partial(cls, owner=host) for cls in served_by), boot_gate=BootGate())
    async with anyio.create_task_group() as served, anyio.create_task_group() as tasks:
        found = Playground(tasks, served, csms, host, io.StringIO(), shown)
        monkeypatch.setattr(station_module, "connect", found.connect)
        yield found
        tasks.cancel_scope.cancel()


class Typed(Program):
    """A running command that can be typed at."""

    def type(self, *lines: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{line}\n" for line in lines).encode())

    def end_of_input(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    async def lines(self, *texts: str) -> None:
        """Read on until each of these was in a line, in this order."""
        for text in texts:
            await self.line(text)


@asynccontextmanager
async def program(*arguments: str, stdin: Any = asyncio.subprocess.PIPE) -> AsyncIterator[Typed]:
    """Run `ocpp-sansio *arguments`; whatever still runs at the end is killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ocpp_sansio_adapters.cli",
        *arguments,
        stdin=stdin,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | {"NO_COLOR": "1"},
    )
    try:
        yield Typed(process)
    finally:
        if process.returncode is None:
            process.kill()
        with suppress(BrokenPipeError, ConnectionResetError):
            await process.communicate()  # an unread pipe would keep its transport open
