"""What a type checker must accept of those who serve links, and the types that it must see. Never run."""

from collections.abc import Iterable
from functools import partial
from typing import Any, assert_type

from ocpp_sansio import Validation
from ocpp_sansio.messages import Request
from ocpp_sansio.reconnect import ReconnectTimer
from ocpp_sansio.v16 import call as call16
from ocpp_sansio.v201 import call as call201
from ocpp_sansio_adapters import v16, v201
from ocpp_sansio_adapters.charge_point import ChargePoint
from ocpp_sansio_adapters.csms import CSMS
from ocpp_sansio_adapters.records import CallFinished, Record
from ocpp_sansio_adapters.station import Station
from ocpp_sansio_adapters.websockets import Endpoint, WebSocket, serving

BOOT16 = call16.BootNotification(charge_point_vendor="acme", charge_point_model="One")
BOOT201 = call201.BootNotification(charging_station={"vendor_name": "acme", "model": "Two"}, reason="PowerUp")


class Database: ...


class WithDatabase(v16.ChargePoint):
    def __init__(self, *arguments: Any, database: Database, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.database = database


def show(record: Record) -> None:
    if isinstance(record, CallFinished):
        print(*record.violations)


def a_csms_takes_classes_and_partials() -> CSMS:
    classes: list[type[ChargePoint]] = [v201.ChargePoint, WithDatabase]
    CSMS(*classes)
    prepared = partial(WithDatabase, database=Database())
    return CSMS(v201.ChargePoint, prepared, observers=[show], validation=Validation("lenient"))


def a_station_boots_with_one_or_several() -> None:
    Station("ws://h", "CP_1", v16.ChargePoint, boot=BOOT16)
    Station("ws://h", "CP_1", v201.ChargePoint, v16.ChargePoint, boot=[BOOT201, BOOT16])
    boots = (BOOT201, BOOT16)  # mypy takes a list of both for one of objects
    Station("ws://h", "CP_1", v201.ChargePoint, v16.ChargePoint, boot=boots)
    listed: list[Request[Any, Any]] = [BOOT201, BOOT16]
    several: Iterable[Request[Any, Any]] = iter(listed)
    Station("ws://h", "CP_1", v201.ChargePoint, v16.ChargePoint, boot=listed)
    Station("ws://h", "CP_1", v201.ChargePoint, v16.ChargePoint, boot=several, observers=(show,))


def a_station_waits_as_it_is_told() -> None:
    Station("ws://h", "CP_1", v16.ChargePoint, timer={"wait_minimum": 1, "random_range": 2.5})
    station = Station("ws://h", "CP_1", v16.ChargePoint, timer=ReconnectTimer(draw=lambda: 0.5))
    assert_type(station.timer, ReconnectTimer)


async def what_is_served_has_a_url(csms: CSMS) -> None:
    async with csms.serving("127.0.0.1", 0, base="/ocpp") as endpoint:
        assert_type(endpoint, Endpoint)
        assert_type(endpoint.url, str)
        assert_type(endpoint.address, tuple[str, int])

    async def handler(websocket: WebSocket) -> None: ...

    async with serving(handler, versions=["1.6"]) as other:
        assert_type(other.url, str)
