"""How a message class is declared, and what its instances do."""

from datetime import UTC, datetime

import attrs
import pytest

from ocpp_sansio import Role, Version
from ocpp_sansio._shape import members
from ocpp_sansio.messages import ABSENT, Origin, Raw, Request, asdict, limits, wire_name
from ocpp_sansio.v16 import call, call_result, datatypes, enums
from tests.unit.declared import Colour, Inner, Paint, PaintResult, paint


def test_the_declaration_is_on_the_class() -> None:
    assert (Paint.__action__, Paint.__answer__, Paint.__sender__) == ("Paint", PaintResult, Role.CSMS)
    assert call.DataTransfer.__sender__ is None


def test_a_subclass_of_a_request_is_the_same_request() -> None:
    class Mine(call.Heartbeat):
        pass

    assert (Mine.__action__, Mine.__answer__) == ("Heartbeat", call_result.Heartbeat)


def test_a_role_knows_its_peer() -> None:
    assert Role.CSMS.peer is Role.CHARGING_STATION
    assert Role.CHARGING_STATION.peer is Role.CSMS


def test_messages_compare_by_class_and_value() -> None:
    assert paint() == paint()
    assert paint() != paint(text="x")
    assert call.Heartbeat() != call.ClearCache()
    assert call.Heartbeat() != "Heartbeat"


def test_messages_are_mutable_and_so_not_hashable() -> None:
    message = paint()
    message.text = "new"
    assert message == paint(text="new")
    with pytest.raises(TypeError, match="unhashable"):
        hash(message)


def test_messages_have_no_room_for_misspelt_attributes() -> None:
    with pytest.raises(AttributeError):
        paint().txt = "x"  # type: ignore[attr-defined]


def test_the_repr_leaves_out_what_is_absent() -> None:
    boot = call.BootNotification(charge_point_vendor="acme", charge_point_model="x1")
    assert repr(boot) == "BootNotification(charge_point_vendor='acme', charge_point_model='x1')"
    assert repr(call.Heartbeat()) == "Heartbeat()"


@pytest.mark.parametrize(
    ("name", "wire"),
    [("id_tag", "idTag"), ("key", "key"), ("odd_name", "it's {odd}"), ("charge_box_serial_number", None)],
)
def test_wire_names_are_declared_or_camel_case(name: str, wire: str | None) -> None:
    field = attrs.fields_dict(Paint).get(name)
    if field is None:
        field = attrs.make_class("X", {name: attrs.field()}).__attrs_attrs__[0]
    assert wire_name(field) == (wire or "chargeBoxSerialNumber")


def test_limits_are_keyed_by_keyword() -> None:
    assert limits() == {}
    assert limits(max_length=5, min_items=0, receive_only=("a",)) == {
        "maxLength": 5,
        "minItems": 0,
        "receive_only": ("a",),
    }
    assert limits(items=limits(minimum=0), wire="x") == {"items": {"minimum": 0}, "wire": "x"}


def test_asdict_is_plain_data_under_python_names() -> None:
    message = paint(inners=[{"count": 1}], odd_name="x", whens=[datetime(2024, 5, 1, 12, tzinfo=UTC)])
    assert asdict(message) == {
        "text": "abc",
        "whole": 1,
        "number": 2.5,
        "flag": True,
        "when": "2024-05-01T12:00:00Z",
        "colour": "Red",
        "inner": {"count": 3},
        "inners": [{"count": 1}],
        "odd_name": "x",
        "whens": ["2024-05-01T12:00:00Z"],
    }


def test_members_are_read_once_required_first() -> None:
    assert members(Paint) is members(Paint)
    assert [member.required for member in members(Paint)] == [True] * 7 + [False] * 13
    inners = next(member for member in members(Paint) if member.name == "inners")
    assert (inners.type, inners.many, inners.limits) == (Inner, True, {"maxItems": 2})


# Converters.


def test_text_mappings_and_iterables_become_what_the_field_declares() -> None:
    message = paint(
        colour="Dark.Blue",
        inner={"count": 1},
        inners=({"count": n} for n in range(2)),
        colours=("Red", Colour.old),
        maybe_when="2024-05-01T14:00:00+02:00",
    )
    assert message.colour is Colour.dark_blue
    assert message.inner == Inner(count=1)
    assert message.inners == [Inner(count=0), Inner(count=1)]
    assert message.colours == [Colour.red, Colour.old]
    assert message.maybe_when == datetime(2024, 5, 1, 12, tzinfo=UTC)


def test_exact_values_are_kept_as_they_are() -> None:
    inner, moment = Inner(count=1), datetime(2024, 5, 1, tzinfo=UTC)
    message = paint(inner=inner, when=moment, maybe_inner=inner)
    assert message.inner is inner
    assert message.maybe_inner is inner
    assert message.when is moment


def test_a_naive_time_is_utc() -> None:
    assert paint(when=datetime(2024, 5, 1)).when == datetime(2024, 5, 1, tzinfo=UTC)  # noqa: DTZ001


def test_nested_mappings_are_converted_at_every_depth() -> None:
    profile = call.SetChargingProfile(
        connector_id=1,
        cs_charging_profiles={
            "charging_profile_id": 1,
            "stack_level": 0,
            "charging_profile_purpose": "TxProfile",
            "charging_profile_kind": "Absolute",
            "charging_schedule": {
                "charging_rate_unit": "A",
                "charging_schedule_period": [{"start_period": 0, "limit": 21.4}],
            },
        },
    )
    schedule = profile.cs_charging_profiles.charging_schedule
    assert isinstance(schedule, datatypes.ChargingSchedule)
    assert schedule.charging_rate_unit is enums.ChargingRateUnitType.amps
    assert schedule.charging_schedule_period[0].limit == 21.4


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"colour": "Read"}, ValueError, "'Read' is not one of Red, Dark.Blue, Old; did you mean 'Red'?"),
        ({"colours": ["Green"]}, ValueError, "'Green' is not one of Red, Dark.Blue, Old"),
        ({"when": "noon"}, ValueError, "'noon' is not an ISO 8601 date and time"),
        ({"inner": {"cnt": 1}}, TypeError, "cnt"),
        ({"inner": {}}, TypeError, "count"),
        ({"txt": 1}, TypeError, "txt"),
    ],
)
def test_what_cannot_be_converted_is_refused_at_once(
    changes: dict[str, object], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        paint(**changes)


@pytest.mark.parametrize("value", [7, "text", {"a": 1}])
def test_what_is_no_list_is_left_for_the_encoder_to_name(value: object) -> None:
    assert paint(inners=value).inners == value


def test_a_value_of_another_type_is_left_for_the_encoder_to_name() -> None:
    assert paint(when=7).when == 7
    assert paint(inner=7).inner == 7


def test_a_request_must_name_its_response() -> None:
    class Abstract(Request):  # type: ignore[type-arg]
        pass

    assert not hasattr(Abstract, "__action__")


# Messages without a class.


def test_a_raw_message_is_an_action_and_a_payload() -> None:
    message = Raw("Sing", {"song": "la"})
    assert (message.action, message.payload, message.origin) == ("Sing", {"song": "la"}, None)


def test_a_raw_message_may_be_empty() -> None:
    assert Raw("Sing").payload == {}
    assert Raw("Sing").payload is not Raw("Sing").payload


def test_raw_messages_compare_by_action_and_payload() -> None:
    origin = Origin("1.6", 2, "1", "[]")
    assert Raw("Sing", {"a": 1}) == Raw("Sing", {"a": 1}, origin)
    assert Raw("Sing") != Raw("Dance")
    assert Raw("Sing", {"a": 1}) != Raw("Sing")


def test_the_repr_of_a_raw_message_leaves_out_its_origin() -> None:
    assert repr(Raw("Sing", {"a": 1}, Origin("1.6", 2, "1", "x" * 10**6))) == (
        "Raw(action='Sing', payload={'a': 1})"
    )


def test_a_raw_message_answers_a_raw_one() -> None:
    assert Raw.__answer__ is Raw


def test_a_raw_message_has_no_room_for_misspelt_attributes() -> None:
    with pytest.raises(AttributeError):
        Raw("Sing").paylod = {}  # type: ignore[attr-defined]


def test_the_plain_data_of_a_raw_message_is_its_payload() -> None:
    # L-1007
    payload = {"a_b": [None, {"cD": 1}]}
    assert asdict(Raw("Sing", payload)) == {"payload": payload}


def test_an_origin_is_version_type_id_and_frame() -> None:
    assert Origin("1.6", 2, "1", "text")._asdict() == {
        "version": "1.6",
        "kind": 2,
        "id": "1",
        "frame": "text",
    }


Sing = Raw.declare("Sing", request={"type": "object"}, response={"required": ["loud"]}, sender=Role.CSMS)


def test_a_declared_action_has_a_name_a_sender_and_an_answer() -> None:
    # L-1007
    assert (Sing.__name__, Sing.__action__, Sing.__sender__) == ("Sing", "Sing", Role.CSMS)
    assert Sing.__answer__.__name__ == "SingResponse"
    assert Sing.__schema__ == {"type": "object"}
    assert Sing.__answer__.__schema__ == {"required": ["loud"]}


def test_a_declared_action_may_have_either_sender() -> None:
    assert Raw.declare("Sing", request={}, response={}).__sender__ is None


def test_a_declared_message_knows_its_action() -> None:
    message = Sing({"song": "la"})
    assert (message.action, message.payload) == ("Sing", {"song": "la"})
    assert Sing().payload == {}
    answer = Sing.answer({"loud": True})
    assert (type(answer), answer.action, answer.payload) == (Sing.__answer__, "Sing", {"loud": True})


def test_two_declarations_of_one_name_are_two_classes() -> None:
    assert Raw.declare("Sing", request={}, response={})() != Sing()


# What is sent without an answer, and what is absent.


def test_a_send_is_declared_with_its_sender() -> None:
    cls = Version.V21.load_sends()["NotifyPeriodicEventStream"]
    assert (cls.__action__, cls.__sender__) == ("NotifyPeriodicEventStream", Role.CHARGING_STATION)


def test_a_subclass_of_a_send_is_the_same_send() -> None:
    cls = Version.V21.load_sends()["NotifyPeriodicEventStream"]

    class Mine(cls):  # type: ignore[valid-type, misc]
        pass

    assert (Mine.__action__, Mine.__sender__) == (cls.__action__, cls.__sender__)


def test_absent_is_false_and_says_so() -> None:
    assert not ABSENT
    assert repr(ABSENT) == str(ABSENT) == "ABSENT"
