"""What a type checker must refuse of those who serve links: without the ignores, each line is an error. Never run."""

from functools import partial
from typing import Any

from ocpp_sansio import Connection
from ocpp_sansio.v16 import call
from ocpp_sansio_adapters import v16
from ocpp_sansio_adapters.csms import CSMS
from ocpp_sansio_adapters.station import Station

BOOT = call.BootNotification(charge_point_vendor="acme", charge_point_model="One")


def make(identity: str, connection: Any, *, protocol: Connection) -> v16.ChargePoint:
    return v16.ChargePoint(identity, connection, protocol=protocol)


def no_class_of_charge_points() -> None:
    CSMS(int)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    CSMS(make)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    CSMS(partial(int, "5"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    CSMS(v16.ChargePoint, observers=[1])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]


def no_boot() -> None:
    Station("ws://h", "CP_1", v16.ChargePoint, boot="BootNotification")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Station("ws://h", "CP_1", v16.ChargePoint, boot=[call.BootNotification])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    Station("ws://h", "CP_1", v16.ChargePoint, boot=BOOT, timer=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
