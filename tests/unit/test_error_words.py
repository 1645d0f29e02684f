"""Errors that an application sends and receives: their codes, words and details, in every version."""

import json

import pytest

from ocpp_sansio import (
    CallErrorReceived,
    CallReceived,
    CallResultReceived,
    Connection,
    ErrorCode,
    FrameRejected,
    Limits,
    OCPPError,
    Raw,
    Rejection,
    Role,
    Version,
)
from ocpp_sansio.errors import (
    GenericError,
    InternalError,
    NotSupportedError,
    PropertyConstraintViolationError,
)
from tests.pair import events_of, frames_of, receive
from tests.unit.exchange import asked, received, rejected, sent

every_version = pytest.mark.parametrize("version", list(Version))
since_201 = pytest.mark.parametrize("version", [Version.V201, Version.V21])


def csms(version: Version) -> Connection:
    return Connection(Role.CSMS, version)


# What is sent.


@every_version
def test_a_handler_that_crashes_is_an_internal_error(version: Version) -> None:
    # J*-422
    connection = csms(version)
    connection.reply_error(received(connection, 2, "1", "Heartbeat", {}), InternalError())
    assert [answer[2] for answer in sent(connection)] == ["InternalError"]


@every_version
def test_too_many_open_calls_are_a_generic_error(version: Version) -> None:
    # J*-424
    connection = Connection(Role.CSMS, version, limits=Limits(open_calls=1))
    received(connection, 2, "1", "Heartbeat", {})
    event, answers = rejected(connection, 2, "2", "Heartbeat", {})
    assert event.reason is Rejection.TOO_MANY_CALLS
    assert [answer[:3] for answer in answers] == [[4, "2", "GenericError"]]


@every_version
@pytest.mark.parametrize("error", [PropertyConstraintViolationError(), NotSupportedError()])
def test_a_charging_profile_may_be_refused_as_the_standard_wants(version: Version, error: OCPPError) -> None:
    # J*-430: which of them is for the application to say
    connection = Connection(Role.CHARGING_STATION, version, validation="off")
    connection.reply_error(received(connection, 2, "1", "SetChargingProfile", {}), error)
    assert [answer[2] for answer in sent(connection)] == [error.code]


# The words of an error.


@every_version
def test_details_are_an_object_even_if_there_are_none(version: Version) -> None:
    # J*-212
    connection = csms(version)
    connection.reply_error(received(connection, 2, "1", "Heartbeat", {}), GenericError(""))
    assert sent(connection) == [[4, "1", "GenericError", "", {}]]


@every_version
def test_a_description_has_at_most_255_characters(version: Version) -> None:
    # J*-212
    connection = csms(version)
    connection.reply_error(received(connection, 2, "1", "Heartbeat", {}), GenericError("😀" * 300))
    assert sent(connection)[0][3] == "😀" * 255


@since_201
def test_since_2_0_1_there_are_twelve_codes(version: Version) -> None:
    # J201-401, J21-401
    assert [version.rules.spell(code) for code in version.rules.codes] == [
        "NotImplemented",
        "NotSupported",
        "InternalError",
        "ProtocolError",
        "SecurityError",
        "FormatViolation",
        "PropertyConstraintViolation",
        "OccurrenceConstraintViolation",
        "TypeConstraintViolation",
        "GenericError",
        "MessageTypeNotSupported",
        "RpcFrameworkError",
    ]


@every_version
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("FormationViolation", ErrorCode.FORMAT_VIOLATION),
        ("FormatViolation", ErrorCode.FORMAT_VIOLATION),
        ("OccurenceConstraintViolation", ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION),
        ("OccurrenceConstraintViolation", ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION),
        ("RpcFrameworkError", ErrorCode.RPC_FRAMEWORK_ERROR),
        ("Weird", "Weird"),
        ("", ErrorCode.GENERIC_ERROR),
    ],
)
def test_any_code_of_any_version_ends_the_call(version: Version, text: str, code: ErrorCode | str) -> None:
    # L-401
    station = Connection(Role.CHARGING_STATION, version)
    pending = asked(station)
    [event] = receive(station, 4, pending.id, text, "", {})
    assert isinstance(event, CallErrorReceived)
    assert (event.pending, event.error.code) == (pending, code)


@every_version
def test_a_negative_answer_is_no_error(version: Version) -> None:
    # J*-402
    connection = csms(version)
    pending = connection.call(Raw("ClearCache"), now=0)
    frames_of(connection)
    [event] = receive(connection, 3, pending.id, {"status": "Rejected"})
    assert isinstance(event, CallResultReceived)
    station = Connection(Role.CHARGING_STATION, version)
    station.reply(received(station, 2, "1", "ClearCache", {}), Raw("ClearCache", {"status": "Rejected"}))
    assert sent(station) == [[3, "1", {"status": "Rejected"}]]


@every_version
def test_a_refusal_names_the_place(version: Version) -> None:
    # J201-213, J21-213: bad input is quoted as text
    event, [answer] = rejected(csms(version), 2, "1", "Heartbeat", {'"\\': '"'})
    assert isinstance(event, FrameRejected)
    assert json.loads(json.dumps(answer))[3] == event.error.description
    assert answer[4]["path"].startswith("$")


def test_after_a_type_that_is_not_supported_only_types_2_to_4_follow() -> None:
    # J201-435
    station = Connection(Role.CHARGING_STATION, Version.V201)
    pending = asked(station)
    [event] = receive(station, 4, pending.id, "MessageTypeNotSupported", "", {})
    assert isinstance(event, CallErrorReceived)
    assert event.error.code is ErrorCode.MESSAGE_TYPE_NOT_SUPPORTED
    station.call(Raw("Heartbeat"), now=0)
    call = received(station, 2, "1", "ClearCache", {})
    assert isinstance(call, CallReceived)
    station.reply_error(call, NotSupportedError())
    assert {frame[0] for frame in sent(station)} == {2, 4}
    assert events_of(station) == []
