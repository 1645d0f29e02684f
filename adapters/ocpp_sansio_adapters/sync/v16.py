"""ChargePoint for OCPP 1.6, without an event loop."""

from typing import ClassVar

from ocpp_sansio import Version

from . import charge_point

__all__ = ["ChargePoint"]


class ChargePoint(charge_point.ChargePoint):
    """A charge point, or a CSMS's view of one, that speaks OCPP 1.6."""

    version: ClassVar[Version] = Version.V16
