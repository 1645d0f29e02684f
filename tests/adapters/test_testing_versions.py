"""Scripted peers of any version: their options may name what only some versions have."""

import pytest

from ocpp_sansio import Raw, Validation
from ocpp_sansio.v16 import call
from ocpp_sansio_adapters.testing import ScriptedCSMS
from tests.adapters.scripted import Bench, trouble

BENT = {"chargePointVendor": 7, "chargePointModel": "One"}


def test_options_may_name_what_only_other_versions_have() -> None:
    policy = Validation("lenient", actions={"TransactionEvent": "strict", "Authorize": "strict"})
    csms = ScriptedCSMS(validation=policy, field_lengths={"Get15118EVCertificateRequest.exiRequest": 6000})
    csms.allow(call.BootNotification)
    csms.allow(call.Authorize)
    bench = Bench(csms)
    bench.connection.call(Raw("BootNotification", BENT), now=bench.pair.now)
    bench.pair.settle()
    csms.check()
    bench.connection.call(Raw("Authorize", {"idTag": 7}), now=bench.pair.now)
    bench.pair.settle()
    assert "came, and was refused (invalid payload: " in trouble(csms)


def test_options_name_nothing_that_no_version_has() -> None:
    with pytest.raises(ValueError, match="did you mean 'TransactionEvent'"):
        Bench(ScriptedCSMS(validation=Validation(actions={"TransacionEvent": "strict"})))


def test_options_may_name_a_vendors_action() -> None:
    document = {"type": "object", "properties": {"song": {"type": "string"}}}
    sing = Raw.declare("Sing", request=document, response=document)
    csms = ScriptedCSMS(extensions=[sing], validation=Validation(actions={"Sing": "lenient"}))
    csms.expect(sing, song="Ode").reply(Raw("Sing", {"song": "Joy"}))
    assert Bench(csms, extensions=[sing]).answer(sing({"song": "Ode"})).payload == {"song": "Joy"}
    csms.check()
