"""ChargePoint for OCPP 2.0.1, without an event loop."""

from typing import ClassVar

from ocpp_sansio import Version

from . import charge_point

__all__ = ["ChargePoint"]


class ChargePoint(charge_point.ChargePoint):
    """A charge point, or a CSMS's view of one, that speaks OCPP 2.0.1."""

    version: ClassVar[Version] = Version.V201
