"""charge_point.py and _legacy.py: what users subclass."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from websockets.protocol import CLIENT, SERVER, Protocol

from ocpp_sansio import CallReceived, LocalProtocolError, Raw, Role, Version
from ocpp_sansio.routing import after, on
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v16.enums import Action, RegistrationStatus
from ocpp_sansio.v201 import call_result as call_result201
from ocpp_sansio_adapters import charge_point, v201
from ocpp_sansio_adapters.v16 import ChargePoint
from tests.adapters.wire import NOW, quiet, running, wire

pytestmark = pytest.mark.anyio

BOOT = {"chargePointVendor": "acme", "chargePointModel": "One"}
METER_VALUES: dict[str, Any] = {
    "connectorId": 1,
    "meterValue": [
        {
            "timestamp": "2024-05-01T12:00:00+02:00",
            "sampledValue": [{"value": "1", "unit": "Wh"}, {"value": "2"}],
        }
    ],
}


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


def accepted(vendor: str) -> call_result.BootNotification:
    status = RegistrationStatus.accepted if vendor == "acme" else RegistrationStatus.rejected
    return call_result.BootNotification(current_time=NOW, interval=10, status=status)


class ByClass(ChargePoint):
    @on(call.BootNotification)
    def boot(self, request: call.BootNotification) -> call_result.BootNotification:
        return accepted(request.charge_point_vendor)


class ByClassLater(ChargePoint):
    @on(call.BootNotification)
    async def boot(self, request: call.BootNotification) -> call_result.BootNotification:
        await quiet()
        return accepted(request.charge_point_vendor)


class ByMember(ChargePoint):
    @on(Action.boot_notification)
    async def boot(
        self, charge_point_vendor: str, charge_point_model: str, **others: Any
    ) -> call_result.BootNotification:
        assert others == {}
        return accepted(charge_point_vendor)


class ByText(ChargePoint):
    @on("BootNotification")
    def boot(self, charge_point_vendor: str, **others: Any) -> call_result.BootNotification:
        return accepted(charge_point_vendor)


class ByStaticMethod(ChargePoint):
    @staticmethod
    @on(call.BootNotification)
    def boot(request: call.BootNotification) -> call_result.BootNotification:
        return accepted(request.charge_point_vendor)


class Overriding(ByText):
    """Overrides a handler without decorating it again."""

    def boot(self, charge_point_vendor: str, **others: Any) -> call_result.BootNotification:
        return super().boot(charge_point_vendor[::-1], **others)


@pytest.mark.parametrize("cls", [ByClass, ByClassLater, ByMember, ByText, ByStaticMethod])
async def test_handlers_of_every_kind_answer(cls: type[ChargePoint]) -> None:
    async with wire() as (near, far), running(cls("CP_1", near)):
        far.ask("BootNotification", **BOOT)
        assert await far.hear() == [3, "1", {"currentTime": NOW, "interval": 10, "status": "Accepted"}]


async def test_a_method_that_overrides_a_handler_is_one() -> None:
    async with wire() as (near, far), running(Overriding("CP_1", near)):
        far.ask("BootNotification", **{**BOOT, "chargePointVendor": "emca"})
        assert (await far.hear())[2]["status"] == "Accepted"


async def test_keyword_handlers_get_plain_nested_dicts_in_snake_case_and_times_as_text() -> None:
    got: list[dict[str, Any]] = []

    class Metered(ChargePoint):
        @on("MeterValues")
        def meter_values(self, **members: Any) -> call_result.MeterValues:
            got.append(members)
            return call_result.MeterValues()

    async with wire() as (near, far), running(Metered("CP_1", near)):
        far.ask("MeterValues", **METER_VALUES)
        await far.hear()
    samples = [{"value": "1", "unit": "Wh"}, {"value": "2"}]
    assert got == [
        {"connector_id": 1, "meter_value": [{"timestamp": "2024-05-01T10:00:00Z", "sampled_value": samples}]}
    ]


async def test_keyword_handlers_get_custom_data_as_one_dict_and_may_send_it_on() -> None:
    got: list[Any] = []

    class Station(v201.ChargePoint):
        @on("ClearCache")
        def clear_cache(self, custom_data: dict[str, Any]) -> call_result201.ClearCache:
            got.append(custom_data)
            return call_result201.ClearCache(status="Accepted", custom_data=custom_data)

    custom_data = {"vendorId": "acme", "anyThing": {"my_key": None}, "extra": 1}
    async with wire() as (near, far), running(Station("CP_1", near)):
        far.ask("ClearCache", customData=custom_data)
        assert await far.hear() == [3, "1", {"status": "Accepted", "customData": custom_data}]
    assert got == [{"vendor_id": "acme", "anyThing": {"my_key": None}, "extra": 1}]


class TooFew(ChargePoint):
    @on("BootNotification")
    def boot(self, charge_point_vendor: str) -> call_result.BootNotification:
        return accepted(charge_point_vendor)


class TooMany(ChargePoint):
    @on("BootNotification")
    async def boot(
        self, charge_point_vendor: str, charge_point_model: str, iccid: str
    ) -> call_result.BootNotification:
        return accepted(charge_point_vendor)


@pytest.mark.parametrize(
    ("cls", "parameter"), [(TooFew, "charge_point_model"), (TooMany, "iccid")], ids=["too few", "too many"]
)
async def test_parameters_that_do_not_fit_are_a_crash_that_names_them(
    cls: type[ChargePoint], parameter: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with wire() as (near, far), running(cls("CP_1", near)):
        far.ask("BootNotification", **BOOT)
        assert (await far.hear())[:3] == [4, "1", "InternalError"]
        assert parameter in caplog.text
        assert parameter not in near.sent[0]


async def test_an_action_without_a_handler_is_not_supported_and_no_crash(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with wire() as (near, far), running(ChargePoint("CP_1", near)):
        far.ask("BootNotification", **BOOT)
        assert await far.hear() == [
            4, "1", "NotSupported", "BootNotification is known, but not supported here.", {},
        ]  # fmt: skip
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_hooks_get_what_the_handler_got_in_the_form_that_they_ask_for() -> None:
    got: list[tuple[str, Any]] = []

    class Hooked(ByText):
        @after(call.BootNotification)
        def typed(self, request: call.BootNotification) -> None:
            got.append(("typed", request.charge_point_vendor))

        @after(Action.boot_notification)
        async def by_keyword(self, charge_point_vendor: str, **others: Any) -> None:
            got.append(("keyword", charge_point_vendor))

        @after("Heartbeat")
        def of_another_action(self) -> None:
            raise AssertionError

    async with wire() as (near, far), running(Hooked("CP_1", near)):
        far.ask("BootNotification", **BOOT)
        await far.hear()
        await quiet()
    assert got == [("typed", "acme"), ("keyword", "acme")]


async def test_properties_are_not_evaluated() -> None:
    class Lazy(ByClass):
        @property
        def meter(self) -> None:
            raise AssertionError

    async with wire() as (near, far), running(Lazy("CP_1", near)):
        far.ask("BootNotification", **BOOT)
        assert (await far.hear())[0] == 3


def test_a_mistake_in_a_class_shows_when_the_first_object_is_made() -> None:
    class Misspelt(ChargePoint):
        @on("BootNotifcation")
        def boot(self) -> None: ...

    with pytest.raises(ValueError, match=r"Misspelt\.boot: .* did you mean BootNotification\?"):
        Misspelt("CP_1", SimpleNamespace())


def test_each_class_has_its_own_routes() -> None:
    base, derived = ByText("CP_1", SimpleNamespace()), Overriding("CP_1", SimpleNamespace())
    assert base._ocpp_routes is not derived._ocpp_routes
    assert ByText("CP_2", SimpleNamespace())._ocpp_routes is base._ocpp_routes


async def test_frames_are_logged_at_info_as_tutorials_show_them(caplog: pytest.LogCaptureFixture) -> None:
    async with wire() as (near, far), running(ByClass("CP_1", near)):
        caplog.set_level(logging.INFO)
        far.ask("BootNotification", **BOOT)
        await far.hear()
        received, sent = caplog.records
        assert received.name == sent.name == "ocpp"
        assert received.levelno == sent.levelno == logging.INFO
        assert received.getMessage() == (
            'CP_1: receive message [2, "1", "BootNotification", '
            '{"chargePointVendor": "acme", "chargePointModel": "One"}]'
        )
        assert sent.getMessage() == f"CP_1: send {near.sent[0]}"


async def test_bytes_are_logged_as_text(caplog: pytest.LogCaptureFixture) -> None:
    async with wire() as (near, far), running(ByClass("CP_1", near)):
        caplog.set_level(logging.INFO)
        far.say_raw(b"[2]")
        await quiet()
        assert caplog.records[0].getMessage() == "CP_1: receive message [2]"


async def test_a_logger_of_ones_own_gets_the_frames(caplog: pytest.LogCaptureFixture) -> None:
    async with wire() as (near, far):
        caplog.set_level(logging.INFO)
        async with running(ByClass("CP_1", near, 30, logging.getLogger("mine"))):
            far.ask("BootNotification", **BOOT)
            await far.hear()
    assert [record.name for record in caplog.records] == ["mine", "mine"]


async def test_observers_are_told_by_the_id() -> None:
    records: list[Any] = []
    async with wire() as (near, far), running(ByClass("CP_1", near, observers=[records.append])):
        far.ask("BootNotification", **BOOT)
        await far.hear()
    assert [record.identity for record in records] == ["CP_1"] * 4


async def test_response_timeout_is_how_long_an_answer_may_take() -> None:
    async with wire() as (near, _), running(cp := ChargePoint("CP_1", near, response_timeout=7)):
        with pytest.raises(TimeoutError, match="within 7 s"):
            await cp.call(call.Heartbeat())
    assert ChargePoint("CP_1", SimpleNamespace()).protocol.call_timeout == 30


# Which end we are.


@pytest.mark.parametrize(
    ("connection", "role"),
    [
        (SimpleNamespace(protocol=Protocol(SERVER)), Role.CSMS),
        (SimpleNamespace(protocol=Protocol(CLIENT)), Role.CHARGING_STATION),
        (SimpleNamespace(side="server"), Role.CSMS),  # as websockets.legacy has it
        (SimpleNamespace(side="client"), Role.CHARGING_STATION),
        (SimpleNamespace(side="undefined"), None),
        (SimpleNamespace(protocol=None), None),
        (SimpleNamespace(protocol=SimpleNamespace(side=3)), None),
        (SimpleNamespace(), None),
    ],
)
def test_the_side_of_a_websocket_tells_the_role(connection: Any, role: Role | None) -> None:
    assert ChargePoint("CP_1", connection).protocol.role is role


def test_the_role_that_is_given_counts() -> None:
    connection = SimpleNamespace(protocol=Protocol(SERVER))
    assert ChargePoint("CP_1", connection, role=Role.CHARGING_STATION).protocol.role is Role.CHARGING_STATION


async def test_a_role_checks_directions_and_no_role_does_not() -> None:
    async with wire() as (near, far), running(cp := ByClass("CP_1", near, role=Role.CSMS)):
        with pytest.raises(LocalProtocolError):
            await cp.call(call.Heartbeat())
        far.ask("Reset", type="Soft")
        assert (await far.hear())[2] == "NotSupported"


def test_the_versions_charge_point_speaks_its_version() -> None:
    assert ChargePoint("CP_1", SimpleNamespace()).protocol.version is Version.V16
    assert issubclass(ChargePoint, charge_point.ChargePoint)


def test_the_connection_is_found_under_its_older_name() -> None:
    connection = SimpleNamespace()
    assert ChargePoint("CP_1", connection)._connection is connection


def test_a_subclass_may_have_nearly_any_name_for_its_own() -> None:
    """A station's class has names of its own; ours that it could meet by accident are these."""
    names = {
        name
        for name in (*vars(ChargePoint("CP_1", SimpleNamespace())), *dir(ChargePoint))
        if not name.startswith("__")
    }
    assert names == {
        "_connection",
        "_ocpp_driver",
        "_ocpp_owns_policy",
        "_ocpp_routes",
        "_ocpp_unjudged",
        "call",
        "extensions",
        "id",
        "logger",
        "protocol",
        "send",
        "start",
        "transport",
        "version",
    }


def test_a_vendors_action_is_declared_on_the_class() -> None:
    vendor = Raw.declare("Sing", request={"type": "object"}, response={"type": "object"}, sender=None)

    class Station(ChargePoint):
        extensions = (vendor,)

        @on("Sing")
        def sing(self, payload: dict[str, Any]) -> Any:
            return Raw("Sing", {"echo": payload})

    station = Station("CP_1", SimpleNamespace())
    station.protocol.receive_text('[2,"1","Sing",{"song":"la"}]', now=0.0)
    received = station.protocol.next_event()
    assert isinstance(received, CallReceived)
    answer = station._ocpp_driver.handle(received)
    assert answer.payload == {"echo": {"song": "la"}}
