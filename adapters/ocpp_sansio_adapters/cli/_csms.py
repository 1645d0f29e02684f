"""The demo's CSMS: a WebSocket server, and an object for each station that is connected."""

import asyncio
import logging
from collections.abc import Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from itertools import count
from random import Random
from urllib.parse import unquote

import attrs
import websockets
from websockets.asyncio.server import Server, ServerConnection, serve

from ocpp_sansio import CallTimeout, ConnectionClosed, OCPPError, RemoteProtocolError, Version
from ocpp_sansio.routing import after, on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v16.datatypes import IdTagInfo
from ocpp_sansio.v16.enums import AuthorizationStatus, RegistrationStatus

from ..driver import Transport
from ..records import Observer
from ..v16 import ChargePoint
from ._settings import HEARTBEAT_INTERVAL, Clock, Settings

__all__ = ["CSMS", "ManagedStation"]

_log = logging.getLogger(__name__)

ACCEPTED = IdTagInfo(status=AuthorizationStatus.accepted)


class ManagedStation(ChargePoint):
    """What the CSMS knows of one station, for as long as that is connected."""

    def __init__(
        self,
        id: str,
        connection: Transport,
        *,
        clock: Clock,
        transaction_ids: Iterator[int],
        call_timeout: float,
        observers: Iterable[Observer],
    ) -> None:
        super().__init__(id, connection, response_timeout=call_timeout, observers=observers)
        self.clock = clock
        self.transaction_ids = transaction_ids
        self.transaction_id: int | None = None
        self.charging = asyncio.Event()

    @on(call.BootNotification)
    def on_boot(self, request: call.BootNotification) -> call_result.BootNotification:
        return call_result.BootNotification(
            status=RegistrationStatus.accepted, current_time=self.clock.now(), interval=HEARTBEAT_INTERVAL
        )

    @after(call.BootNotification)
    async def ask_configuration(self, request: call.BootNotification) -> None:
        await self.call(call.GetConfiguration(key=["MeterValueSampleInterval", "NumberOfConnectors"]))

    @on(call.StatusNotification)
    def on_status(self, request: call.StatusNotification) -> call_result.StatusNotification:
        return call_result.StatusNotification()

    @on(call.Heartbeat)
    def on_heartbeat(self, request: call.Heartbeat) -> call_result.Heartbeat:
        return call_result.Heartbeat(current_time=self.clock.now())

    @on(call.Authorize)
    async def on_authorize(self, request: call.Authorize) -> call_result.Authorize:
        return call_result.Authorize(id_tag_info=ACCEPTED)

    @on(call.StartTransaction)
    def on_start(self, request: call.StartTransaction) -> call_result.StartTransaction:
        self.transaction_id = next(self.transaction_ids)
        return call_result.StartTransaction(transaction_id=self.transaction_id, id_tag_info=ACCEPTED)

    @after(call.StartTransaction)
    def started(self, request: call.StartTransaction) -> None:
        self.charging.set()

    @on(call.MeterValues)
    def on_meter_values(self, request: call.MeterValues) -> call_result.MeterValues:
        return call_result.MeterValues()

    @on(call.StopTransaction)
    def on_stop(self, request: call.StopTransaction) -> call_result.StopTransaction:
        self.transaction_id = None
        return call_result.StopTransaction(id_tag_info=ACCEPTED)

    async def stop_remotely(self, after: float) -> None:
        """Wait for the transaction, let it run for this many seconds, and ask the station to stop it."""
        await self.charging.wait()
        await asyncio.sleep(after)
        if self.transaction_id is None:
            return
        try:
            await self.call(call.RemoteStopTransaction(transaction_id=self.transaction_id))
        except (OCPPError, CallTimeout, RemoteProtocolError, ConnectionClosed) as error:
            _log.warning("%s: could not be stopped: %s", self.id, error)


@attrs.define
class CSMS:
    """`async with csms.serve() as server` listens on a free port of loopback; a station's identity is the end of its URL."""

    settings: Settings
    clock: Clock
    observers: tuple[Observer, ...] = ()
    station_class: type[ManagedStation] = ManagedStation
    _transaction_ids: Iterator[int] = attrs.field(factory=lambda: count(1001), init=False)

    def serve(self) -> AbstractAsyncContextManager[Server]:
        """The WebSocket server; stations connect to the port of its socket."""
        return serve(
            self.welcome,
            "127.0.0.1",
            0,
            subprotocols=[websockets.Subprotocol(Version.V16.subprotocol)],
            compression=None,  # deflate would keep a quarter of a megabyte for each connection
        )

    async def welcome(self, connection: ServerConnection) -> None:
        """Talk to a station until it leaves."""
        assert connection.request is not None
        identity = unquote(connection.request.path.rpartition("/")[2])
        station = self.station_class(
            identity,
            connection,
            clock=self.clock,
            transaction_ids=self._transaction_ids,
            call_timeout=self.settings.call_timeout,
            observers=self.observers,
        )
        # Not all at once, as a crowd of customers would not be, and the same each time.
        patience = self.settings.seconds * Random(identity).uniform(0.7, 1)
        operator = asyncio.create_task(station.stop_remotely(after=patience))
        try:
            await station.start()
        except websockets.ConnectionClosed:
            pass  # the station has left
        finally:
            operator.cancel()
