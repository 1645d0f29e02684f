"""The demo's operator: sits at the CSMS of `csms`, asks each station that boots how it is configured, and stops
each transaction after a while.
"""

import logging
from collections.abc import Mapping
from itertools import count
from random import Random

import anyio
from anyio.abc import TaskGroup

from ocpp_sansio import OCPPError, Role, Unanswered, Version

from ...charge_point import ChargePoint
from .._messages.request import find_action, message_from
from .._simulation.clock import Clock
from .._simulation.csms import Host
from .._simulation.sensible import Watcher
from .settings import HEARTBEAT_INTERVAL

__all__ = ["Operator"]

_log = logging.getLogger(__name__)

_VARIABLES = (
    "GetVariables getVariableData[0].component.name=SampledDataCtrlr "
    "getVariableData[0].variable.name=TxUpdatedInterval "
    "getVariableData[1].component.name=TxCtrlr getVariableData[1].variable.name=TxStartPoint"
)

#: What the operator would type.
QUESTIONS: Mapping[Version, str] = {
    Version.V16: "GetConfiguration key=MeterValueSampleInterval key=NumberOfConnectors",
    Version.V201: _VARIABLES,
    Version.V21: _VARIABLES,
}
STOPS: Mapping[Version, str] = {
    Version.V16: "RemoteStopTransaction transactionId=",
    Version.V201: "RequestStopTransaction transactionId=",
    Version.V21: "RequestStopTransaction transactionId=",
}


class Operator(Host):
    """Works in `tasks`. A transaction is let run for `seconds` at most."""

    def __init__(self, watcher: Watcher, clock: Clock, tasks: TaskGroup, seconds: float) -> None:
        super().__init__(watcher, clock, interval=HEARTBEAT_INTERVAL)
        self.transaction_ids = count(1001)  # which find room in the table
        self._tasks = tasks
        self._seconds = seconds

    def greet(self, station: ChargePoint) -> None:
        self._tasks.start_soon(self._order, station, QUESTIONS[station.version])

    def began(self, station: ChargePoint) -> None:
        self._tasks.start_soon(self.stop, station)

    async def stop(self, station: ChargePoint) -> None:
        """Let it charge for a while, and stop it."""
        # Not all at once, as a crowd of customers would not be, and the same each time.
        await anyio.sleep(self._seconds * Random(station.id).uniform(0.7, 1))
        for transaction in list(self.of(station.id).transactions):
            await self._order(station, STOPS[station.version] + transaction)

    async def _order(self, station: ChargePoint, line: str) -> None:
        action, _, members = line.partition(" ")
        try:
            await station.call(message_from(find_action(station.version, Role.CSMS, action), members))
        except (OCPPError, Unanswered) as error:
            _log.warning("%s: %s came to nothing: %s", station.id, action, error)
