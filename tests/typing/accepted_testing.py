"""Tests that users write with `ocpp_sansio_adapters.testing`: each line checks, each mistake is an error."""

from typing import assert_type

from ocpp_sansio import CallReceived, Raw
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v21 import send
from ocpp_sansio_adapters.testing import Expectation, Link, Pair, ScriptedCSMS, run
from ocpp_sansio_adapters.v16 import ChargePoint


class Wallbox(ChargePoint):
    pass


def accept(request: call.BootNotification) -> call_result.BootNotification:
    return call_result.BootNotification(status="Accepted", current_time="2024-05-01T12:00:00Z", interval=3)


async def script(csms: ScriptedCSMS) -> int:
    line = csms.expect(call.BootNotification, charge_point_vendor="acme")
    assert_type(line, Expectation[call.BootNotification, call_result.BootNotification])
    line.reply(accept).times(3)
    csms.expect(call.BootNotification).reply(status="Rejected")
    csms.expect(call.BootNotification).reply(Raw("BootNotification", {}))
    csms.expect(send.NotifyPeriodicEventStream, id=1)
    assert_type(await line.wait(), call.BootNotification)
    assert_type(await csms.call(call.Reset(type="Soft")), call_result.Reset)
    async with csms.attach(Wallbox, "CP_1") as wallbox:
        assert_type(wallbox, Wallbox)
    async with Link().attach(Wallbox, ChargePoint) as (station, central):
        assert_type(station, Wallbox)
        assert_type(central, ChargePoint)
    return 3


def pure(pair: Pair, csms: ScriptedCSMS) -> None:
    assert_type(pair.csms.take(CallReceived), CallReceived)
    assert_type(run(script, csms), int)


def mistakes(csms: ScriptedCSMS) -> None:
    boots = csms.expect(call.BootNotification)
    boots.reply(call_result.Heartbeat(current_time="2024-05-01T12:00:00Z"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    csms.expect(call.Heartbeat, where=lambda request: request.charge_point_vendor)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownLambdaType, reportUnknownMemberType]
