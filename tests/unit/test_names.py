"""The 1.6 messages go by their names, older spellings too, and the classes build what they say.

That the names are those which the field knows is shown in test_names_known.py, for all versions.
"""

import json
import subprocess
import sys
from datetime import UTC, datetime
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import pytest

from ocpp_sansio.messages import Role
from ocpp_sansio.v16 import call, call_result, datatypes, enums
from ocpp_sansio.v16.enums import Action


def test_units_that_they_lack() -> None:
    assert enums.UnitOfMeasure.celcius == "Celcius"
    assert enums.UnitOfMeasure.hertz == "Hertz"


def test_there_are_39_actions_with_request_and_response() -> None:
    assert len(Action) == 39
    names = {action.value for action in Action}
    assert set(call.__all__) == set(call_result.__all__) == names


@pytest.mark.parametrize("action", Action)
def test_a_request_knows_its_action_and_its_answer(action: Action) -> None:
    request = getattr(call, action)
    assert request.__action__ == action
    assert request.__answer__ is getattr(call_result, action)


FROM_THE_STATION = {
    "Authorize",
    "BootNotification",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "LogStatusNotification",
    "MeterValues",
    "SecurityEventNotification",
    "SignCertificate",
    "SignedFirmwareStatusNotification",
    "StartTransaction",
    "StatusNotification",
    "StopTransaction",
}


@pytest.mark.parametrize("action", Action)
def test_who_sends_it(action: Action) -> None:
    sender = Role.CHARGING_STATION if action in FROM_THE_STATION else Role.CSMS
    assert getattr(call, action).__sender__ is (None if action == "DataTransfer" else sender)


@pytest.mark.parametrize("module", [call, call_result, datatypes])
def test_the_draft_is_that_of_the_schema_where_it_matters(module: ModuleType) -> None:
    """The older schemas are of draft 4, to which `12.0` is no integer; the security extension's are of draft 6."""
    folder = Path(str(find_spec("ocpp").submodule_search_locations[0])) / "v16" / "schemas"
    for name in module.__all__:
        cls = getattr(module, name)
        has_integer = any(field.type in (int, int | None) for field in attrs.fields(cls))
        if module is datatypes:
            of_draft_4 = name in ("ChargingProfile", "ChargingSchedule", "ChargingSchedulePeriod")
        else:
            file = folder / f"{name}{'Response' if module is call_result else ''}.json"
            of_draft_4 = "draft-04" in json.loads(file.read_text("utf-8-sig"))["$schema"] and has_integer
        assert cls.__draft__ == (4 if of_draft_4 else 6), name


@pytest.mark.parametrize("module", [call, call_result])
def test_the_payload_spelling_resolves_and_warns(module: ModuleType) -> None:
    short = module.__name__.rpartition(".")[2]
    for name in module.__all__:
        expected = rf"^{short}\.{name}Payload is now {short}\.{name}$"
        with pytest.warns(DeprecationWarning, match=expected) as warned:
            assert getattr(module, f"{name}Payload") is getattr(module, name)
        assert warned[0].filename == __file__  # the line that wrote the older spelling


def test_the_payload_spelling_can_be_imported() -> None:
    with pytest.warns(DeprecationWarning, match=r"^call\.HeartbeatPayload is now") as warned:
        from ocpp_sansio.v16.call import HeartbeatPayload
    assert HeartbeatPayload is call.Heartbeat
    assert warned[0].filename == __file__


@pytest.mark.parametrize(
    "name", ["BootNotificatoin", "BootNotificatoinPayload", "Payload", "RolePayload", "_x"]
)
def test_a_misspelt_message_is_an_attribute_error(name: str) -> None:
    with pytest.raises(
        AttributeError, match=f"module 'ocpp_sansio.v16.call' has no attribute '{name}'"
    ) as caught:
        getattr(call, name)
    assert caught.value.name == name
    assert caught.value.obj is call


@pytest.mark.parametrize("action", Action)
def test_the_camel_case_spelling_of_an_action_is_the_same_member(action: Action) -> None:
    assert getattr(Action, action.value) is action
    assert list(Action).count(action) == 1


def test_a_misspelt_action_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        Action.Bootnotification  # noqa: B018


def test_text_is_taken_for_enums_and_times() -> None:
    response = call_result.BootNotification(
        status="Accepted", current_time="2024-05-01T14:00:00+02:00", interval=300
    )
    assert response.status is enums.RegistrationStatus.accepted
    assert response.current_time == datetime(2024, 5, 1, 12, tzinfo=UTC)
    assert response.current_time.tzinfo is not None


def test_mappings_are_taken_for_datatypes_at_any_depth() -> None:
    profile = {
        "charging_profile_id": 1,
        "stack_level": 0,
        "charging_profile_purpose": "TxProfile",
        "charging_profile_kind": enums.ChargingProfileKindType.absolute,
        "charging_schedule": {
            "charging_rate_unit": "A",
            "charging_schedule_period": [{"start_period": 0, "limit": 16.0}],
        },
    }
    request = call.SetChargingProfile(connector_id=1, cs_charging_profiles=profile)
    schedule = request.cs_charging_profiles.charging_schedule
    assert (
        request.cs_charging_profiles.charging_profile_purpose is enums.ChargingProfilePurposeType.tx_profile
    )
    assert schedule.charging_rate_unit is enums.ChargingRateUnitType.amps
    assert schedule.charging_schedule_period == [datatypes.ChargingSchedulePeriod(start_period=0, limit=16.0)]


def test_lists_of_mappings_are_taken_for_lists_of_datatypes() -> None:
    request = call.MeterValues(
        connector_id=1,
        meter_value=[
            {"timestamp": "2024-05-01T12:00:00Z", "sampled_value": [{"value": "1", "unit": "Hertz"}]}
        ],
    )
    (value,) = request.meter_value
    assert value == datatypes.MeterValue(
        timestamp=datetime(2024, 5, 1, 12, tzinfo=UTC),
        sampled_value=[datatypes.SampledValue(value="1", unit=enums.UnitOfMeasure.hertz)],
    )


@pytest.mark.parametrize(
    "build",
    [
        lambda: call_result.Reset(status="accepted"),
        lambda: call_result.Authorize(id_tag_info={"status": "Fine"}),
        lambda: call_result.BootNotification(status="Accepted", current_time="soon", interval=1),
        lambda: call.ExtendedTriggerMessage(requested_message="DiagnosticsStatusNotification"),
    ],
)
def test_wrong_text_is_a_value_error(build: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the text is the enum's or the parser's
        build()


@pytest.mark.parametrize(
    "build",
    [
        call.Authorize,
        lambda: call.Authorize("x"),
        lambda: call.Authorize(id_tag="x", id_tga="x"),
        lambda: call_result.Authorize(id_tag_info={"status": "Accepted", "parentIdTag": "x"}),
    ],
)
def test_missing_positional_and_unknown_fields_are_type_errors(build: Any) -> None:
    with pytest.raises(TypeError):
        build()


def test_absent_fields_are_none_and_left_out_of_the_repr() -> None:
    request = call.BootNotification(charge_point_vendor="ICU Eve Mini", charge_point_model="ICU")
    assert request.iccid is None
    assert repr(request) == "BootNotification(charge_point_vendor='ICU Eve Mini', charge_point_model='ICU')"
    assert repr(call.Heartbeat()) == "Heartbeat()"


def test_equal_is_the_same_class_with_the_same_values() -> None:
    assert call.Authorize(id_tag="a") == call.Authorize(id_tag="a")
    assert call.Authorize(id_tag="a") != call.Authorize(id_tag="b")
    assert call.Heartbeat() == call.Heartbeat()
    assert call.Heartbeat() != call.ClearCache()
    assert call.Heartbeat() != call_result.MeterValues()


@pytest.mark.parametrize("module", [call, call_result, datatypes, enums])
def test_all_names_what_is_there(module: ModuleType) -> None:
    base = StrEnum if module is enums else object
    defined = {
        name
        for name, item in vars(module).items()
        if isinstance(item, type) and issubclass(item, base) and item.__module__ == module.__name__
    }
    assert set(module.__all__) == defined


@pytest.mark.parametrize(
    ("module", "loaded"),
    [
        ("", set()),
        (".enums", {"enums"}),
        (".datatypes", {"datatypes", "enums"}),
        (".call", {"call", "call_result", "datatypes", "enums"}),
    ],
)
def test_a_module_loads_only_what_it_needs(module: str, loaded: set[str]) -> None:
    program = f"import sys, ocpp_sansio.v16{module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    names = {name.removeprefix("ocpp_sansio.") for name in done.stdout.split()}
    assert {name.removeprefix("v16.") for name in names if name.startswith("v16.")} == loaded
    assert not {"v201", "v21", "jsonschema"} & names
