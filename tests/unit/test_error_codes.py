"""Which situation earns which code, in every version (chapter 4 of the wire rules)."""

from typing import Any

import pytest

from ocpp_sansio import (
    Connection,
    ErrorCode,
    Rejection,
    Role,
    UnmatchedResponseReceived,
    Version,
)
from ocpp_sansio.errors import (
    ERRORS_BY_CODE,
    NotSupportedError,
)
from tests.pair import frames_of, receive
from tests.unit.exchange import asked, received, rejected, rejected_text, sent

every_version = pytest.mark.parametrize("version", list(Version))
since_201 = pytest.mark.parametrize("version", [Version.V201, Version.V21])

#: A StatusNotification that is valid, by version.
STATUS: dict[Version, dict[str, Any]] = {
    Version.V16: {"connectorId": 1, "errorCode": "NoError", "status": "Available"},
    Version.V201: {
        "timestamp": "2024-05-01T12:00:00Z",
        "connectorStatus": "Available",
        "evseId": 1,
        "connectorId": 1,
    },
}
STATUS[Version.V21] = STATUS[Version.V201]


def csms(version: Version) -> Connection:
    return Connection(Role.CSMS, version)


def code_of(version: Version, *frame: object) -> str:
    """The code that a frame earns under its id."""
    event, [answer] = rejected(csms(version), *frame)
    assert answer[:2] == [4, frame[1]]
    assert event.answered_with == frame[1]
    assert version.rules.spell(event.error.code) == answer[2]
    return answer[2]


# Frames.


@every_version
@pytest.mark.parametrize("text", ["{}", "7", '"text"', "null", "true", "[]"])
def test_what_is_no_frame_is_a_framework_error_where_there_is_one(version: Version, text: str) -> None:
    # J*-406
    event, answers = rejected_text(csms(version), text)
    assert event.reason is Rejection.NOT_A_FRAME
    codes = [] if version is Version.V16 else [[4, "-1", "RpcFrameworkError"]]
    assert [answer[:3] for answer in answers] == codes


@every_version
@pytest.mark.parametrize("rest", [[], ["Heartbeat"], ["Heartbeat", {}, {}], [7, {}]])
def test_a_call_of_the_wrong_shape(version: Version, rest: list[object]) -> None:
    # J*-408, J*-202, L-202
    code = "FormationViolation" if version is Version.V16 else "RpcFrameworkError"
    assert code_of(version, 2, "1", *rest) == code


@every_version
@pytest.mark.parametrize("id", [7, None, True, ["1"], {"id": 1}, 1.5])
def test_an_id_that_is_no_text(version: Version, id: object) -> None:
    # J*-409, J*-204
    event, answers = rejected(csms(version), 2, id, "Heartbeat", {})
    assert event.reason is Rejection.ID_NOT_TEXT
    codes = [] if version is Version.V16 else [[4, "-1", "RpcFrameworkError"]]
    assert [answer[:3] for answer in answers] == codes


@every_version
def test_an_id_that_is_too_long(version: Version) -> None:
    # J*-410, J*-204
    code = "FormationViolation" if version is Version.V16 else "RpcFrameworkError"
    assert code_of(version, 2, "x" * 37, "Heartbeat", {}) == code


@every_version
@pytest.mark.parametrize("id", ["x" * 36, "ä" * 36, "😀" * 36, "", "-1", "1", "-2"])
def test_any_text_of_at_most_36_characters_is_an_id(version: Version, id: str) -> None:
    # J*-204, J*-206, J16-207
    connection = csms(version)
    connection.reply_error(received(connection, 2, id, "Heartbeat", {}), NotSupportedError())
    assert [answer[:2] for answer in sent(connection)] == [[4, id]]


@every_version
def test_minus_one_answers_nobody(version: Version) -> None:
    # J*-207, J*-404
    station = Connection(Role.CHARGING_STATION, version)
    pending = asked(station)
    [event] = receive(station, 4, "-1", "RpcFrameworkError", "", {})
    assert isinstance(event, UnmatchedResponseReceived)
    assert (station.calls, frames_of(station)) == ((pending,), [])


@every_version
def test_a_bad_frame_is_never_answered_under_an_id_of_more_than_255_characters(version: Version) -> None:
    # J*-207: as if it could not be read
    _, answers = rejected(csms(version), 2, "x" * 256, "Heartbeat", {})
    assert [answer[1] for answer in answers] == ([] if version is Version.V16 else ["-1"])


@every_version
@pytest.mark.parametrize("kind", ["2", True, None, 2.5, -1, 7, 10**30, [2]])
def test_a_message_type_is_a_number_of_the_version(version: Version, kind: object) -> None:
    # J*-203, J*-407, J201-1005
    event, answers = rejected(csms(version), kind, "1", "Heartbeat", {})
    assert event.reason is Rejection.UNKNOWN_MESSAGE_TYPE
    codes = [[4, "1", "MessageTypeNotSupported"]] if version is Version.V201 else []
    assert [answer[:3] for answer in answers] == codes


# Actions.


@every_version
@pytest.mark.parametrize(
    "action", ["FooBar", "heartbeat", "HEARTBEAT", "HeartbeatRequest", " Heartbeat", "", "/Heartbeat"]
)
def test_an_action_that_nobody_knows(version: Version, action: str) -> None:
    # J*-412, J*-208
    assert code_of(version, 2, "1", action, {}) == "NotImplemented"


@every_version
@pytest.mark.parametrize("action", ["Heartbeat-Signed", "BootNotification-Signed"])
def test_a_signed_call_is_an_action_that_nobody_knows(version: Version, action: str) -> None:
    # L-808, J16-801
    jws = {"payload": "e30", "protected": "e30", "signature": "AA"}
    assert code_of(version, 2, "1", action, jws) == "NotImplemented"


@every_version
def test_an_action_of_the_wrong_direction(version: Version) -> None:
    # J*-413, L-602
    assert code_of(version, 2, "1", "ClearCache", {}) == "NotSupported"
    event, [answer] = rejected(Connection(Role.CHARGING_STATION, version), 2, "1", "Heartbeat", {})
    assert event.reason is Rejection.WRONG_DIRECTION
    assert answer[2] == "NotSupported"


@every_version
def test_an_application_says_what_it_does_not_support(version: Version) -> None:
    # J*-413, J16-403
    connection = csms(version)
    connection.reply_error(received(connection, 2, "1", "Heartbeat", {}), NotSupportedError())
    assert [answer[2] for answer in sent(connection)] == ["NotSupported"]


@every_version
@pytest.mark.parametrize("frame", [(2, "1", "FooBar", {"x": 1}), (2, "1", "ClearCache", {"x": 1})])
def test_the_action_comes_before_the_payload(version: Version, frame: tuple[object, ...]) -> None:
    # L-425
    event, _ = rejected(csms(version), *frame)
    assert event.reason is not Rejection.INVALID_PAYLOAD


@every_version
def test_the_action_comes_before_what_stands_in_the_place_of_its_payload(version: Version) -> None:
    # L-425
    event, _ = rejected(csms(version), 2, "1", "FooBar", [])
    assert event.reason is Rejection.UNKNOWN_ACTION


# Payloads.


@every_version
@pytest.mark.parametrize("payload", [[], "{}", 7, True, [{}]])
def test_a_payload_that_is_no_object(version: Version, payload: object) -> None:
    # J*-414, J*-210
    code = "FormationViolation" if version is Version.V16 else "FormatViolation"
    assert code_of(version, 2, "1", "Heartbeat", payload) == code


def status_code(version: Version, **changes: object) -> str:
    payload = {**STATUS[version], **changes}
    given = {name: value for name, value in payload.items() if value is not ...}
    return code_of(version, 2, "1", "StatusNotification", given)


@every_version
def test_a_member_that_is_missing(version: Version) -> None:
    # J*-415, J*-403
    code = "ProtocolError" if version is Version.V16 else "OccurrenceConstraintViolation"
    assert status_code(version, connectorId=...) == code


@every_version
def test_a_member_that_nobody_knows(version: Version) -> None:
    # J*-416, J*-214
    code = "FormationViolation" if version is Version.V16 else "ProtocolError"
    assert status_code(version, extra=1) == code


@every_version
@pytest.mark.parametrize("value", ["1", True, {}, [1], None, 1.5])
def test_a_member_of_the_wrong_type(version: Version, value: object) -> None:
    # J*-417, J*-211: null is no way to leave a member out
    assert status_code(version, connectorId=value) == "TypeConstraintViolation"


@every_version
def test_a_text_that_is_too_long(version: Version) -> None:
    # J*-418
    if version is Version.V16:
        assert status_code(version, info="x" * 51) == "PropertyConstraintViolation"
    else:
        assert status_code(version, customData={"vendorId": "x" * 256}) == "PropertyConstraintViolation"


@every_version
@pytest.mark.parametrize("value", ["available", "Fine", ""])
def test_a_value_outside_its_enumeration(version: Version, value: str) -> None:
    # J*-419
    member = "status" if version is Version.V16 else "connectorStatus"
    assert status_code(version, **{member: value}) == "PropertyConstraintViolation"


@every_version
@pytest.mark.parametrize("value", ["noon", "2024-13-01T00:00:00Z", "2024-05-01", ""])
def test_a_time_that_cannot_be(version: Version, value: str) -> None:
    # J*-420
    assert status_code(version, timestamp=value) == "PropertyConstraintViolation"


def test_a_number_out_of_range() -> None:
    # J21-420
    value = {"timestamp": "2024-05-01T12:00:00Z", "sampledValue": [{"value": 1}]}
    payload = {"evseId": -1, "meterValue": [value]}
    assert code_of(Version.V21, 2, "1", "MeterValues", payload) == "PropertyConstraintViolation"


def test_a_number_of_too_many_decimals() -> None:
    # J16-420, J16-216
    station = Connection(Role.CHARGING_STATION, Version.V16)
    period = {"startPeriod": 0, "limit": 8.15}
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [period]}
    profile = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": schedule,
    }
    payload = {"connectorId": 1, "csChargingProfiles": profile}
    _, [answer] = rejected(station, 2, "1", "SetChargingProfile", payload)
    assert answer[2] == "PropertyConstraintViolation"


@since_201
def test_too_few_items(version: Version) -> None:
    # J201-421, J21-421, J201-211, J21-211: an empty list is no way to leave a member out
    payload = {"evseId": 1, "meterValue": []}
    assert code_of(version, 2, "1", "MeterValues", payload) == "OccurrenceConstraintViolation"


@since_201
def test_too_many_items(version: Version) -> None:
    # J201-421, J21-421
    certificate = {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": "a",
        "issuerKeyHash": "b",
        "serialNumber": "1",
    }
    request = {**certificate, "responderURL": "http://x"}
    payload = {"idToken": {"idToken": "1", "type": "Central"}, "iso15118CertificateHashData": [request] * 5}
    assert code_of(version, 2, "1", "Authorize", payload) == "OccurrenceConstraintViolation"


def test_1_6_has_one_r_in_occurence() -> None:
    # J16-421, J16-401
    connection = csms(Version.V16)
    call = received(connection, 2, "1", "Heartbeat", {})
    connection.reply_error(call, ERRORS_BY_CODE[ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION]())
    assert sent(connection)[0][2] == "OccurenceConstraintViolation"
