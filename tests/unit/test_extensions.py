"""What a user adds to a version: actions of a vendor, declared as ours are or by JSON Schema, and longer fields."""

import json

import attrs
import jsonschema
import pytest

from ocpp_sansio import (
    CallFailed,
    CallReceived,
    CallResultReceived,
    Connection,
    ErrorCode,
    FrameRejected,
    LocalProtocolError,
    Raw,
    Role,
    SchemaViolation,
    Validation,
    Version,
)
from ocpp_sansio.messages import Request, Response, limits
from ocpp_sansio.schema import schema_for
from ocpp_sansio.v201 import call, call_result
from ocpp_sansio.validation import violations
from tests.pair import events_of, frames_of


@attrs.define(kw_only=True, eq=False, repr=False, weakref_slot=False, on_setattr=attrs.setters.NO_OP)
class BlinkResult(Response):
    done: bool


@attrs.define(kw_only=True, eq=False, repr=False, weakref_slot=False, on_setattr=attrs.setters.NO_OP)
class Blink(Request["Blink", BlinkResult], sender=Role.CSMS):
    colour: str = attrs.field(metadata=limits(max_length=6))


Sing = Raw.declare(
    "Sing",
    request={
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {
            "song": {"type": "string", "pattern": "^[a-z]+$"},
            "at": {"type": ["integer", "null"]},
        },
        "required": ["song"],
    },
    response={"type": "object", "properties": {"loud": {"type": "boolean"}}, "additionalProperties": False},
    sender=Role.CSMS,
)

both_versions = pytest.mark.parametrize("version", [Version.V16, Version.V21])


def pair(version: Version = Version.V201) -> tuple[Connection, Connection]:
    extensions = [Blink, Sing]
    return (
        Connection(Role.CSMS, version, extensions=extensions),
        Connection(Role.CHARGING_STATION, version, extensions=extensions),
    )


def passed_on(sender: Connection, receiver: Connection) -> object:
    [text] = frames_of(sender)
    receiver.receive_text(text, now=0.0)
    [event] = events_of(receiver)
    return event


@both_versions
def test_a_declared_action_is_typed_validated_and_routed_like_any_other(version: Version) -> None:
    csms, station = pair(version)
    pending = csms.call(Blink(colour="red"), now=0.0)
    received = passed_on(csms, station)
    assert isinstance(received, CallReceived)
    assert received.request == Blink(colour="red")
    station.reply(received, BlinkResult(done=True))
    assert pending.response_in(passed_on(station, csms)) == BlinkResult(done=True)  # type: ignore[arg-type]
    with pytest.raises(SchemaViolation, match=r"\$\.colour: 7 characters, at most 6"):
        csms.call(Blink(colour="magenta"), now=0.0)
    with pytest.raises(LocalProtocolError, match="Blink is sent by the CSMS"):
        station.call(Blink(colour="red"), now=0.0)
    with pytest.raises(TypeError, match="not a request of OCPP"):
        Connection(Role.CSMS, version).call(Blink(colour="red"), now=0.0)


def test_an_action_of_a_schema_document_has_a_raw_payload() -> None:
    csms, station = pair()
    pending = csms.call(Sing(payload={"song": "la", "more": [1]}), now=0.0)
    received = passed_on(csms, station)
    assert isinstance(received, CallReceived)
    assert isinstance(received.request, Raw)
    assert (received.action, received.request.payload) == ("Sing", {"song": "la", "more": [1]})
    with pytest.raises(TypeError, match="Sing is answered with"):
        station.reply(received, BlinkResult(done=True))
    station.reply(received, Sing.answer({"loud": True}))
    event = passed_on(station, csms)
    assert isinstance(event, CallResultReceived)
    assert event.response is pending.response_in(event)
    assert event.response.payload == {"loud": True}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("payload", "place", "code"),
    [
        ({}, "$: song is missing", ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION),
        ({"song": "LA"}, "$.song: 'LA' does not match", ErrorCode.PROPERTY_CONSTRAINT_VIOLATION),
        (
            {"song": "la", "at": "noon"},
            "$.at: 'noon' is not an integer or null",
            ErrorCode.TYPE_CONSTRAINT_VIOLATION,
        ),
    ],
)
def test_a_schema_document_judges_both_ways(payload: dict[str, object], place: str, code: ErrorCode) -> None:
    csms, station = pair()
    with pytest.raises(SchemaViolation) as caught:
        csms.call(Sing(payload=payload), now=0.0)
    assert place in str(caught.value)
    station.receive_text(json.dumps([2, "1", "Sing", payload]), now=0.0)
    [event] = events_of(station)
    assert isinstance(event, FrameRejected)
    assert event.answered_with == "1"
    assert event.error.code is code
    assert place in event.error.description
    assert any(place in str(violation) for violation in violations(Sing, payload))


def test_an_invalid_answer_to_a_schema_document_fails_the_call() -> None:
    csms, station = pair()
    pending = csms.call(Sing(payload={"song": "la"}), now=0.0)
    frames_of(csms)
    csms.receive_text(json.dumps([3, pending.id, {"loud": 1}]), now=0.0)
    [event] = events_of(csms)
    assert isinstance(event, CallFailed)
    assert "$.loud: 1 is not true or false" in str(event.error)
    assert station.owed == ()


@pytest.mark.parametrize(
    "payload", [["la"], "la", None, {"song": object()}, {"song": "la", "x": float("nan")}]
)
def test_what_is_no_json_object_is_not_sent(payload: object) -> None:
    csms, _ = pair()
    with pytest.raises(SchemaViolation):
        csms.call(Sing(payload=payload), now=0.0)


def test_a_schema_document_is_shown_as_it_is() -> None:
    assert schema_for(Sing)["properties"]["song"] == {"type": "string", "pattern": "^[a-z]+$"}


def test_a_bad_declaration_is_refused_before_a_peer_can_use_it() -> None:
    @attrs.define(kw_only=True)
    class Odd(Request["Odd", BlinkResult]):
        member: set[int]

    for wrong, error in (
        (Raw.declare("X", request={"type": "objekt"}, response={}), jsonschema.SchemaError),
        (Odd, TypeError),
    ):
        with pytest.raises(error):
            Connection(Role.CSMS, "1.6", extensions=[wrong])


@pytest.mark.parametrize("schema", [{"$ref": "#/nowhere"}, {"$ref": "#"}])
def test_a_document_that_cannot_judge_refuses_and_never_raises(schema: dict[str, object]) -> None:
    csms = Connection(None, "1.6", extensions=[Raw.declare("X", request=schema, response=schema)])
    csms.receive_text('[2,"1","X",{"a":1}]', now=0.0)
    [event] = events_of(csms)
    assert isinstance(event, FrameRejected)
    assert "cannot be judged by its schema" in event.error.description
    assert len(frames_of(csms)) == 1


def test_an_extension_has_a_name_of_its_own() -> None:
    class Heartbeat(Request["Heartbeat", call_result.Heartbeat]):
        pass

    with pytest.raises(ValueError, match=r"Heartbeat is an action of OCPP 1\.6 already"):
        Connection(Role.CSMS, "1.6", extensions=[Heartbeat])


# Longer fields.

EXI = "Get15118EVCertificateRequest.exiRequest"  # at most 5600 characters in 2.0.1


def certificate(length: int) -> call.Get15118EVCertificate:
    return call.Get15118EVCertificate(
        iso15118_schema_version="urn:x", action="Install", exi_request="x" * length
    )


def test_a_longer_maximum_is_for_one_field_of_one_connection() -> None:
    station = Connection(Role.CHARGING_STATION, "2.0.1", field_lengths={EXI: 6000})
    csms = Connection(Role.CSMS, "2.0.1", field_lengths={EXI: 6000})
    station.call(certificate(6000), now=0.0)
    received = passed_on(station, csms)
    assert isinstance(received, CallReceived)
    assert received.request == certificate(6000)
    with pytest.raises(SchemaViolation, match=r"\$\.exiRequest: 6001 characters, at most 6000"):
        station.call(certificate(6001), now=0.0)
    with pytest.raises(SchemaViolation, match=r"\$\.exiRequest: 6000 characters, at most 5600"):
        Connection(Role.CHARGING_STATION, "2.0.1").call(certificate(6000), now=0.0)


@pytest.mark.parametrize("sent", ["strict", "lenient"])
def test_longer_fields_count_whatever_is_received_leniently(sent: str) -> None:
    policy = Validation("lenient", sent)
    station = Connection(Role.CHARGING_STATION, "2.0.1", field_lengths={EXI: 6000}, validation=policy)
    station.call(certificate(6000), now=0.0)
    assert len(frames_of(station)[0]) > 6000


def test_a_refusal_names_what_is_still_wrong() -> None:
    csms = Connection(Role.CSMS, "2.0.1", field_lengths={EXI: 6000})
    payload = {"iso15118SchemaVersion": "x" * 51, "action": "Install", "exiRequest": "x" * 6000}
    csms.receive_text(json.dumps([2, "1", "Get15118EVCertificate", payload]), now=0.0)
    [event] = events_of(csms)
    assert isinstance(event, FrameRejected)
    assert event.error.description == "$.iso15118SchemaVersion: 51 characters, at most 50"


def test_a_longer_maximum_of_an_answer() -> None:
    name = "Get15118EVCertificateResponse.exiResponse"
    csms = Connection(Role.CSMS, "2.0.1", field_lengths={name: 7500})
    station = Connection(Role.CHARGING_STATION, "2.0.1", field_lengths={name: 7500})
    pending = station.call(certificate(10), now=0.0)
    received = passed_on(station, csms)
    assert isinstance(received, CallReceived)
    answer = call_result.Get15118EVCertificate(status="Accepted", exi_response="x" * 7500)
    csms.reply(received, answer)
    assert pending.response_in(passed_on(csms, station)) == answer  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "there is no such message"),
        ("Nothing.x", "there is no such message"),
        ("HeartbeatRequest.x", "no text of that name$"),
        ("BootNotificationRequest", "no text of that name$"),
        ("GetBaseReportRequest.requestId", "no text of that name"),
        (EXI.replace("Request", ""), "there is no such message"),
        (EXI.replace("R", "r"), "there is no such message"),
    ],
)
def test_only_texts_of_messages_can_be_longer(name: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Connection(Role.CSMS, "2.0.1", field_lengths={name: 1})


@pytest.mark.parametrize("length", [0, -1, 1.5, "7"])
def test_a_length_is_a_positive_number(length: object) -> None:
    with pytest.raises(ValueError, match="positive number of characters"):
        Connection(Role.CSMS, "2.0.1", field_lengths={EXI: length})  # type: ignore[dict-item]


def test_a_message_without_a_class_of_its_own_has_no_texts_to_be_longer() -> None:
    with pytest.raises(ValueError, match="no text of that name"):
        Connection(Role.CSMS, "2.0.1", extensions=[Sing], field_lengths={"SingRequest.song": 5})
