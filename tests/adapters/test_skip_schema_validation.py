"""_legacy.py: `skip_schema_validation` of handlers and calls, as programs for mobilityhouse/ocpp use it."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpp_sansio import Connection, Raw, RemoteProtocolError, Role, SchemaViolation, Version
from ocpp_sansio._codec import decoder
from ocpp_sansio.messages import ABSENT, CustomData, Response, asdict
from ocpp_sansio.routing import after, on
from ocpp_sansio.strategies import payloads
from ocpp_sansio.v16 import call, call_result, datatypes
from ocpp_sansio.v16.enums import RegistrationStatus
from ocpp_sansio.v21 import call as call21
from ocpp_sansio.v201 import call as call201
from ocpp_sansio_adapters import v16, v21, v201
from ocpp_sansio_adapters._legacy import answer_of, members_of
from tests.adapters.wire import NOW, End, quiet, running, wire

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


# Handlers.


class Tolerant(v16.ChargePoint):
    """Answers some actions in whatever form they come; `got` is what its handlers and hooks were given."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.got: list[Any] = []

    @on("BootNotification", skip_schema_validation=True)
    async def boot(self, **members: Any) -> call_result.BootNotification:
        self.got.append(members)
        return call_result.BootNotification(current_time=NOW, interval=-1, status="Accepted")

    @on("MeterValues", skip_schema_validation=True)
    def meter_values(self, call_unique_id: str, **members: Any) -> call_result.MeterValues:
        self.got.append((call_unique_id, members))
        return call_result.MeterValues()

    @on("DataTransfer", skip_schema_validation=True)
    def data_transfer(self, vendor_id: Any, data: Any = None, **others: Any) -> Any:
        self.got.append((vendor_id, data, others))
        return Raw("DataTransfer", {"status": "Sideways", "data": {"my_key": 1}})

    @after("DataTransfer", inject_response=True)
    def transferred(self, vendor_id: Any, call_response: dict[str, Any], **others: Any) -> None:
        self.got.append(("after", vendor_id, call_response))

    @on("Heartbeat")
    def heartbeat(self) -> call_result.Heartbeat:
        return call_result.Heartbeat(current_time=NOW)


@asynccontextmanager
async def tolerant(role: Role | None = None) -> AsyncIterator[tuple[Tolerant, End]]:
    async with wire() as (near, far):
        station = Tolerant("CP_1", near, role=role)
        async with running(station._ocpp_driver):
            yield station, far


async def test_what_no_schema_allows_is_handled_and_answered() -> None:
    async with tolerant() as (station, far):
        far.ask("BootNotification", chargePointVendor="a" * 50, chargerIp="10.0.0.7")
        assert await far.hear() == [3, "1", {"currentTime": NOW, "interval": -1, "status": "Accepted"}]
    # What the class knows has its Python name, what it does not know the name that it came under.
    assert station.got == [{"charge_point_vendor": "a" * 50, "chargerIp": "10.0.0.7"}]


async def test_nested_members_have_their_names_and_values_stay_as_they_came() -> None:
    odd = {"timestamp": "yesterday", "sampledValue": ["x", None, {"value": 7, "myUnit": {"aB": 1}}], "aB": {}}
    async with tolerant() as (station, far):
        far.ask("MeterValues", id="m", connectorId="1", meterValue=[odd, 3], transactionId=None)
        assert await far.hear() == [3, "m", {}]
        far.ask("MeterValues", id="n", meterValue={"sampledValue": []})
        assert await far.hear() == [3, "n", {}]
    named = {
        "timestamp": "yesterday",
        "sampled_value": ["x", None, {"value": 7, "myUnit": {"aB": 1}}],
        "aB": {},
    }
    assert station.got == [
        ("m", {"connector_id": "1", "meter_value": [named, 3], "transaction_id": None}),
        ("n", {"meter_value": {"sampled_value": []}}),
    ]


async def test_what_the_handler_returns_is_sent_as_it_is() -> None:
    async with tolerant() as (station, far):
        far.ask("DataTransfer", vendorId=["acme"], data={"theirKey": {"a_b": None}}, surplus=1)
        assert await far.hear() == [3, "1", {"status": "Sideways", "data": {"my_key": 1}}]
        await quiet()
    response = {"status": "Sideways", "data": {"my_key": 1}}
    assert station.got == [
        (["acme"], {"theirKey": {"a_b": None}}, {"surplus": 1}),
        ("after", ["acme"], response),
    ]


async def test_the_other_actions_are_judged_as_ever() -> None:
    async with tolerant() as (_, far):
        far.ask("Heartbeat", surplus=1)
        assert (await far.hear())[:3] == [4, "1", "FormationViolation"]


@pytest.mark.parametrize("payload", [[], "text", 1, True])
async def test_a_payload_is_an_object_all_the_same(payload: Any) -> None:
    async with tolerant() as (station, far):
        far.say(2, "1", "BootNotification", payload)
        assert (await far.hear())[:3] == [4, "1", "FormationViolation"]
    assert station.got == []


async def test_a_member_under_its_python_name_gives_way_to_the_real_one() -> None:
    async with tolerant() as (station, far):
        far.ask("BootNotification", charge_point_vendor="b", charge_point_model="m", chargePointVendor="a")
        await far.hear()
    assert station.got == [{"charge_point_model": "m", "charge_point_vendor": "a"}]


async def test_a_handler_that_is_overridden_still_skips() -> None:
    class Derived(Tolerant):
        async def boot(self, **members: Any) -> call_result.BootNotification:
            return await super().boot(derived=True, **members)

    async with wire() as (near, far):
        station = Derived("CP_1", near)
        async with running(station._ocpp_driver):
            far.ask("BootNotification", surplus=1)
            await far.hear()
    assert station.got == [{"derived": True, "surplus": 1}]


async def test_a_handler_that_is_decorated_again_without_it_skips_no_longer() -> None:
    class Strict(Tolerant):
        @on("BootNotification")
        async def boot(self, **members: Any) -> call_result.BootNotification:
            raise AssertionError

    async with wire() as (near, far), running(Strict("CP_1", near)._ocpp_driver):
        far.ask("BootNotification", surplus=1)
        assert (await far.hear())[0] == 4


async def test_a_typed_hook_gets_what_was_not_judged_as_a_raw_and_others_get_names() -> None:
    got: list[Any] = []

    class Hooked(Tolerant):
        @after(call.BootNotification)
        def booted(self, request: call.BootNotification | Raw) -> None:
            got.append(request)

        @after("BootNotification", inject_response=True)
        def booted_later(self, call_response: dict[str, Any], **members: Any) -> None:
            got.append((members, call_response))

    async with wire() as (near, far), running(Hooked("CP_1", near)._ocpp_driver):
        far.ask("BootNotification", surplus=1)
        await far.hear()
        await quiet()
    response = {"status": "Accepted", "current_time": NOW, "interval": -1}
    assert got == [Raw("BootNotification", {"surplus": 1}), ({"surplus": 1}, response)]


async def test_custom_data_and_any_json_keep_their_keys() -> None:
    got: list[Any] = []

    class Station(v201.ChargePoint):
        @on("DataTransfer", skip_schema_validation=True)
        def transfer(self, **members: Any) -> Any:
            got.append(members)
            return Raw("DataTransfer", {})

    custom = {"vendorId": "acme", "myKey": {"anyThing": 1}, "other_key": None}
    async with wire() as (near, far), running(Station("CP_1", near)._ocpp_driver):
        far.ask("DataTransfer", vendorId=1, data={"aB": [{"cD": 1}]}, customData=custom)
        assert await far.hear() == [3, "1", {}]
    custom_data = {"vendor_id": "acme", "myKey": {"anyThing": 1}, "other_key": None}
    assert got == [{"vendor_id": 1, "data": {"aB": [{"cD": 1}]}, "custom_data": custom_data}]


async def test_a_send_may_skip_too() -> None:
    got: list[Any] = []

    class CSMS(v21.ChargePoint):
        @on("NotifyPeriodicEventStream", skip_schema_validation=True)
        def hear(self, **members: Any) -> None:
            got.append(members)

    async with wire() as (near, far), running(CSMS("CP_1", near)._ocpp_driver):
        far.say(6, "1", "NotifyPeriodicEventStream", {"basetime": "now", "data": [{"t": "x", "aB": 1}]})
        await quiet()
    assert got == [{"basetime": "now", "data": [{"t": "x", "aB": 1}]}]


Sing = Raw.declare("Sing", request={"required": ["song"]}, response={"required": ["echo"]})


async def test_a_vendors_action_has_no_names_and_comes_as_its_payload() -> None:
    class Singer(v16.ChargePoint):
        extensions = (Sing,)

        @on("Sing", skip_schema_validation=True)
        def sing(self, payload: dict[str, Any]) -> Any:
            return Raw("Sing", {"heard": payload})

    async with wire() as (near, far), running(Singer("CP_1", near)._ocpp_driver):
        far.ask("Sing", aB=1)
        assert await far.hear() == [3, "1", {"heard": {"aB": 1}}]


# Calls.


async def answered(far: End, payload: Any) -> None:
    far.say(3, (await far.hear())[1], payload)


async def ask(station: Any, far: End, request: Any, answer: Any, *options: Any, **others: Any) -> Any:
    """What a call returns or raises that gets this answer."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(answered, far, answer)
        try:
            return await station.call(request, *options, **others)
        except Exception as error:
            raised = error
    raise raised


def long_boot() -> call.BootNotification:
    return call.BootNotification(charge_point_vendor="a" * 50, charge_point_model="One")


async def test_a_call_may_skip_the_judgement_of_what_it_asks_and_gets() -> None:
    odd = {"status": "Sideways", "currentTime": "soon", "surplus": 1}
    async with tolerant() as (station, far):
        answer = await ask(station, far, long_boot(), odd, skip_schema_validation=True)
    [_, _, action, payload] = json.loads(station.transport.sent[0])
    assert (action, payload) == (
        "BootNotification",
        {"chargePointVendor": "a" * 50, "chargePointModel": "One"},
    )
    assert type(answer) is call_result.BootNotification
    assert (answer.status, answer.current_time, answer.interval) == ("Sideways", "soon", None)


async def test_a_sound_answer_has_the_types_of_its_class() -> None:
    sound = {"status": "Accepted", "currentTime": NOW, "interval": 10.0}
    async with tolerant() as (station, far):
        answer = await ask(station, far, long_boot(), sound, False, "mine", True)
    assert answer == call_result.BootNotification(current_time=NOW, interval=10, status="Accepted")
    assert answer.status is RegistrationStatus.accepted
    assert answer.current_time == datetime(2024, 5, 1, 12, tzinfo=UTC)
    assert type(answer.interval) is int
    assert json.loads(station.transport.sent[0])[1] == "mine"


async def test_what_is_nested_in_an_answer_is_of_its_class() -> None:
    info = {"status": "Nearly", "expiryDate": NOW, "parentIdTag": None}
    async with tolerant() as (station, far):
        request = call.Authorize(id_tag="x" * 30)
        answer = await ask(station, far, request, {"idTagInfo": info}, skip_schema_validation=True)
        strange = await ask(station, far, request, {"idTagInfo": "Accepted"}, skip_schema_validation=True)
    assert type(answer.id_tag_info) is datatypes.IdTagInfo
    assert (answer.id_tag_info.status, answer.id_tag_info.parent_id_tag) == ("Nearly", None)
    assert strange.id_tag_info == "Accepted"


async def test_an_answer_that_is_no_object_is_unusable_all_the_same() -> None:
    async with tolerant() as (station, far):
        with pytest.raises(RemoteProtocolError, match="not an object"):
            await ask(station, far, call.Heartbeat(), [1], skip_schema_validation=True)


async def test_a_refusal_is_none_or_raised_as_ever() -> None:
    async def refuse(far: End) -> None:
        far.say(4, (await far.hear())[1], "GenericError", "not today", {})

    async with tolerant() as (station, far), anyio.create_task_group() as tasks:
        tasks.start_soon(refuse, far)
        assert await station.call(long_boot(), True, skip_schema_validation=True) is None


@pytest.mark.parametrize("skip", [False, True])
async def test_a_raw_is_answered_with_a_raw(skip: bool) -> None:
    async with tolerant() as (station, far):
        answer = await ask(station, far, Raw("Sing", {"a_b": 1}), {"cD": 1}, skip_schema_validation=skip)
    assert answer == Raw("Sing", {"cD": 1})


async def test_a_vendors_answer_is_of_its_class() -> None:
    class Singer(v16.ChargePoint):
        extensions = (Sing,)

    async with wire() as (near, far):
        station = Singer("CP_1", near)
        async with running(station._ocpp_driver):
            answer = await ask(station, far, Sing({}), {}, skip_schema_validation=True)
    assert type(answer) is Sing.__answer__
    assert answer.payload == {}


async def test_directions_are_checked_all_the_same() -> None:
    async with tolerant(Role.CSMS) as (station, _):
        with pytest.raises(Exception, match="BootNotification is sent by the Charging Station"):
            await station.call(long_boot(), skip_schema_validation=True)


async def test_only_a_request_can_be_called() -> None:
    async with tolerant() as (station, _):
        with pytest.raises(TypeError, match="call takes a request"):
            await station.call({"status": "Accepted"}, skip_schema_validation=True)


# A handler that skips leaves our own calls of the same action alone: DataTransfer goes both ways.


async def test_our_own_request_of_an_action_that_a_handler_skips_is_judged() -> None:
    async with tolerant() as (station, _):
        with pytest.raises(SchemaViolation, match=r"vendorId: 300 characters, at most 255"):
            await station.call(call.DataTransfer(vendor_id="a" * 300))
        assert station.transport.sent == []


async def test_the_answer_to_our_own_request_of_an_action_that_a_handler_skips_is_judged() -> None:
    request = call.DataTransfer(vendor_id="acme")
    async with tolerant() as (station, far):
        answer = await ask(station, far, request, {"status": "Accepted"})
        with pytest.raises(RemoteProtocolError, match="the answer to DataTransfer is invalid: ") as caught:
            await ask(station, far, request, {"status": "Sideways"})
    assert answer == call_result.DataTransfer(status="Accepted")
    assert caught.value.violation is not None
    assert caught.value.violation.path == "$.status"


# Where it is refused.


async def test_a_protocol_of_ones_own_has_its_own_policy() -> None:
    protocol = Connection(None, "1.6")
    with pytest.raises(ValueError, match=r"Tolerant skips the validation of BootNotification, MeterV.*Valid"):
        Tolerant("CP_1", None, protocol=protocol)
    async with wire() as (near, far):
        station = v16.ChargePoint("CP_1", near, protocol=protocol)
        async with running(station._ocpp_driver):
            with pytest.raises(ValueError, match="not for a protocol of your own: call with a Raw"):
                await station.call(call.Heartbeat(), skip_schema_validation=True)
            far.ask("Heartbeat")
            assert (await far.hear())[:3] == [4, "1", "NotSupported"]


def test_a_typed_handler_has_no_way_to_get_what_is_not_judged() -> None:
    with pytest.raises(TypeError, match="skip_schema_validation is for handlers that get keyword arguments"):
        on(call.Heartbeat, skip_schema_validation=True)  # type: ignore[call-overload]


# What is sound is read alike, judged or not.

REQUESTS = [cls for version in Version for cls in version.load().values()]


@given(st.data())
def test_a_sound_answer_is_what_the_decoder_makes_of_it(data: st.DataObject) -> None:
    cls = data.draw(st.sampled_from(REQUESTS))
    payload = data.draw(payloads(cls.__answer__))
    made: Response = answer_of(cls.__new__(cls), Raw(cls.__action__, payload), skip=True)
    decoded = decoder(cls.__answer__)(payload, [])
    assert made == decoded
    assert repr(made) == repr(decoded)


@given(st.data())
def test_a_sound_request_has_the_names_that_it_would_have(data: st.DataObject) -> None:
    cls = data.draw(st.sampled_from(REQUESTS))
    payload = data.draw(payloads(cls))
    raw = Raw(cls.__action__, payload)
    assert names_in(members_of(raw, cls)(raw)) == names_in(asdict(decoder(cls)(payload, [])))


def names_in(value: Any) -> Any:
    """The keys of data without what they hold."""
    if isinstance(value, Mapping):
        return {key: names_in(item) for key, item in value.items()}
    return [names_in(item) for item in value] if isinstance(value, list) else None


def test_names_that_no_rule_gives_are_those_of_the_class() -> None:
    request = Raw(
        "NotifyEVChargingNeeds", {"evseId": 1, "chargingNeeds": {"v2xChargingParameters": {"x": 1}}}
    )
    assert members_of(request, call21.NotifyEVChargingNeeds)(request) == {
        "evse_id": 1,
        "charging_needs": {"v2x_charging_parameters": {"x": 1}},
    }


def test_absent_any_json_and_custom_data_are_what_they_are_elsewhere() -> None:
    request = call201.DataTransfer(vendor_id="acme")
    answer: Any = answer_of(
        request, Raw("DataTransfer", {"customData": {"vendorId": "a", "b": 1}}), skip=True
    )
    assert answer.data is ABSENT
    assert answer.custom_data == CustomData(vendor_id="a", extra={"b": 1})
