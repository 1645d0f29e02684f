"""The messages that a connection speaks and how strictly it judges them, by themselves."""

import json
from typing import Any

import attrs
import pytest

from ocpp_sansio import (
    ErrorCode,
    LocalProtocolError,
    Raw,
    Rejection,
    Role,
    SchemaViolation,
    Strictness,
    Validation,
    Version,
    Violation,
)
from ocpp_sansio._codec import Refused
from ocpp_sansio._dialect import Dialect, apportioned
from ocpp_sansio._frames import Malformed
from ocpp_sansio.messages import Message, Origin, Request, limits
from ocpp_sansio.v16 import call, call_result
from ocpp_sansio.v21.send import NotifyPeriodicEventStream
from ocpp_sansio.v201 import call as call201
from tests.unit.declared import Paint, PaintResult, wire
from tests.unit.exchange import STREAM

EXI = "Get15118EVCertificateRequest.exiRequest"  # at most 5600 characters in 2.0.1
Sing = Raw.declare("Sing", request={"required": ["song"]}, response={}, sender=Role.CSMS)


@attrs.define(kw_only=True, eq=False, repr=False, weakref_slot=False, on_setattr=attrs.setters.NO_OP)
class Dotted(Request["Dotted", PaintResult], sender=Role.CSMS):
    text: str = attrs.field(metadata=limits(wire="a.b", max_length=2))


STATION, CSMS = Role.CHARGING_STATION, Role.CSMS


def dialect(
    version: Version = Version.V16,
    extensions: tuple[type[Request[Any, Any]], ...] = (),
    lengths: dict[str, int] | None = None,
    nesting: int = 64,
    role: Role | None = STATION,
    **policy: Any,
) -> Dialect:
    return Dialect.of(version, role, extensions, lengths, Validation(**policy), nesting)


def read(speaker: Dialect, cls: type[Message], payload: dict[str, Any]) -> tuple[Any, tuple[Violation, ...]]:
    action = cls.__name__
    frame = [2, "1", action, payload]
    return speaker.read(cls, action, payload, frame, json.dumps(frame))


# Which there is.


def test_connections_without_wishes_share_a_dialect() -> None:
    assert dialect() is dialect()


def test_versions_have_a_dialect_each() -> None:
    assert dialect(Version.V16) is not dialect(Version.V201)
    assert dialect(Version.V21).version is Version.V21


@pytest.mark.parametrize(
    "wish",
    [
        {"extensions": (Sing,)},
        {"lengths": {"AuthorizeRequest.idTag": 40}},
        {"sent": "off"},
        {"received": "lenient"},
    ],
)
def test_connections_of_the_same_wishes_share_a_dialect_of_their_own(wish: dict[str, Any]) -> None:
    special = dialect(**wish)
    assert special is not dialect()
    assert special is dialect(**wish)


def test_a_dialect_has_the_rules_and_the_actions_of_its_version() -> None:
    speaker = dialect(Version.V21)
    assert speaker.rules is Version.V21.rules
    assert speaker.calls is Version.V21.load()
    assert list(speaker.sends) == ["NotifyPeriodicEventStream"]


@pytest.mark.parametrize("version", [Version.V16, Version.V201])
def test_before_2_1_there_is_no_send(version: Version) -> None:
    assert dict(dialect(version).sends) == {}


def test_an_extension_adds_an_action() -> None:
    # L-1007
    speaker = dialect(extensions=(Sing,))
    assert speaker.calls["Sing"] is Sing
    assert len(speaker.calls) == len(Version.V16.load()) + 1


def test_a_version_without_extensions_keeps_its_own_catalogue() -> None:
    assert Dialect(Version.V16, None, (), (), Validation(), 64).calls is Version.V16.load()


# What is judged.


def test_everything_is_judged_unless_said_otherwise() -> None:
    assert dialect().judges("Heartbeat")
    assert dialect(received="lenient").judges("Heartbeat")
    assert dialect(sent="off").judges("Heartbeat")


def test_off_judges_nothing() -> None:
    assert not dialect(received="off").judges("FooBar")


def test_one_action_may_be_left_unjudged() -> None:
    speaker = dialect(actions={"Sing": "off"})
    assert (speaker.judges("Sing"), speaker.judges("Heartbeat")) == (False, True)


def test_one_action_may_be_judged() -> None:
    speaker = dialect(received="off", actions={"Authorize": "strict"})
    assert (speaker.judges("Authorize"), speaker.judges("Heartbeat")) == (True, False)


# Reading.


def test_a_message_is_read() -> None:
    assert read(dialect(), call.Authorize, {"idTag": "x"}) == (call.Authorize(id_tag="x"), ())


def test_a_time_that_was_understood_is_noted() -> None:
    payload = {"connectorId": 1, "idTag": "x", "meterStart": 0, "timestamp": "2024-05-01T12:00:00"}
    _, [violation] = read(dialect(), call.StartTransaction, payload)
    assert (violation.path, violation.keyword) == ("$.timestamp", "format")


def test_what_the_class_refuses_is_refused() -> None:
    with pytest.raises(Refused):
        read(dialect(), call.Authorize, {})


def test_strict_beside_a_wish_refuses_as_well() -> None:
    with pytest.raises(Refused):
        read(dialect(sent="off"), call.Authorize, {})


def test_lenient_departs_from_the_class_where_the_class_refuses() -> None:
    message, [violation] = read(dialect(received="lenient"), call.Authorize, {"idTag": "x" * 21})
    assert message == call.Authorize(id_tag="x" * 21)
    assert violation.keyword == "maxLength"


def test_lenient_refuses_what_makes_no_sense() -> None:
    with pytest.raises(Refused):
        read(dialect(received="lenient"), call.Authorize, {})


def test_off_reads_a_message_without_a_class() -> None:
    message, violations = read(dialect(received="off"), call.Authorize, {"x": 1})
    assert (message, violations) == (Raw("Authorize", {"x": 1}), ())
    assert message.origin == Origin("1.6", 2, "1", '[2, "1", "Authorize", {"x": 1}]')


def test_a_message_without_a_class_is_not_judged_even_if_all_is_strict() -> None:
    message, _ = dialect().read(Raw, "Sing", {"x": 1}, [3, "1", {"x": 1}], "text")
    assert message == Raw("Sing", {"x": 1})
    assert message.origin == Origin("1.6", 3, "1", "text")


def test_what_no_class_bounds_is_bounded_in_depth() -> None:
    with pytest.raises(Malformed, match="nested deeper than 5 levels"):
        read(dialect(nesting=5, received="off"), call.Authorize, {"x": [[[[]]]]})


def test_a_longer_maximum_is_asked_once_the_class_has_refused() -> None:
    # J201-217, J21-217
    payload = {"iso15118SchemaVersion": "urn:x", "action": "Install", "exiRequest": "x" * 6000}
    for version in (Version.V201, Version.V21):
        cls = version.load()["Get15118EVCertificate"]
        longest = {EXI: 11000 if version is Version.V201 else 12000}
        message, violations = read(dialect(version, lengths=longest), cls, payload)
        assert (len(message.exi_request), violations) == (6000, ())


def test_a_longer_maximum_is_a_maximum() -> None:
    # J201-217
    payload = {"iso15118SchemaVersion": "urn:x", "action": "Install", "exiRequest": "x" * 6001}
    with pytest.raises(Refused):
        read(dialect(Version.V201, lengths={EXI: 6000}), call201.Get15118EVCertificate, payload)


def test_a_maximum_may_be_given_as_it_is_and_where_there_is_none() -> None:
    # J201-217
    names = (("AuthorizeRequest.idTag", 20), ("DataTransferRequest.data", 1))
    speaker = Dialect(Version.V16, STATION, (), names, Validation(), 64)
    assert read(speaker, call.Authorize, {"idTag": "x" * 20})[0] == call.Authorize(id_tag="x" * 20)
    payload = {"vendorId": "v", "data": "xx"}
    assert read(speaker, call.DataTransfer, payload)[0] == call.DataTransfer(vendor_id="v", data="xx")


def test_the_name_of_a_member_may_have_a_dot_of_its_own() -> None:
    made = Dialect(Version.V16, STATION, (Dotted,), (("DottedRequest.a.b", 3),), Validation(), 64)
    assert read(made, Dotted, {"a.b": "xyz"})[0].text == "xyz"


def test_beside_a_longer_maximum_an_odd_time_is_still_noted() -> None:
    # J201-217
    payload = {"connectorId": 1, "idTag": "x" * 21, "meterStart": 0, "timestamp": "2024-05-01T12:00:00"}
    message, [violation] = read(
        dialect(lengths={"StartTransactionRequest.idTag": 30}), call.StartTransaction, payload
    )
    assert message.id_tag == "x" * 21
    assert (violation.path, violation.keyword) == ("$.timestamp", "format")


def test_beside_a_longer_maximum_what_is_only_understood_is_still_read() -> None:
    made = Dialect(Version.V16, STATION, (Paint,), (("PaintRequest.text", 4),), Validation(), 64)
    assert read(made, Paint, wire(text="abcd", colour="Old"))[0].colour == "Old"


def test_a_longer_maximum_is_no_departure_to_the_lenient() -> None:
    # J201-217
    payload = {"iso15118SchemaVersion": "urn:x", "action": "Install", "exiRequest": "x" * 6000, "y": 1}
    speaker = dialect(Version.V201, lengths={EXI: 6000}, received="lenient")
    _, violations = read(speaker, call201.Get15118EVCertificate, payload)
    assert [violation.keyword for violation in violations] == ["additionalProperties"]


# Writing.


def test_a_message_is_written() -> None:
    assert dialect().write(call.Authorize(id_tag="x"), "Authorize") == '{"idTag":"x"}'


def test_a_message_without_a_class_is_written_as_it_is() -> None:
    assert dialect().write(Raw("Authorize", {"x": [1, None]}), "Authorize") == '{"x":[1,null]}'


@pytest.mark.parametrize(
    "policy", [{}, {"received": "off"}, {"sent": "off", "actions": {"Authorize": Validation("lenient")}}]
)
def test_strict_writes_only_what_the_class_allows(policy: dict[str, Any]) -> None:
    with pytest.raises(SchemaViolation):
        dialect(**policy).write(call.Authorize(id_tag="x" * 21), "Authorize")


@pytest.mark.parametrize("sending", [Strictness.LENIENT, Strictness.OFF])
def test_others_write_more(sending: Strictness) -> None:
    text = dialect(sent=sending).write(call.Authorize(id_tag="x" * 21), "Authorize")
    assert json.loads(text) == {"idTag": "x" * 21}


def test_lenient_does_not_write_what_makes_no_sense() -> None:
    message = call.Authorize(id_tag="x")
    message.id_tag = None  # type: ignore[assignment]
    with pytest.raises(SchemaViolation, match="idTag is missing"):
        dialect(sent="lenient").write(message, "Authorize")


def test_lenient_does_not_write_what_contains_itself() -> None:
    message = call.DataTransfer(vendor_id="x")
    loop: list[Any] = []
    loop.append(loop)
    message.data = loop  # type: ignore[assignment]
    with pytest.raises(SchemaViolation):
        dialect(sent="lenient").write(message, "DataTransfer")


def test_a_longer_maximum_may_be_written() -> None:
    # J201-217
    message = call201.Get15118EVCertificate(
        iso15118_schema_version="urn:x", action="Install", exi_request="x" * 6000
    )
    speaker = dialect(Version.V201, lengths={EXI: 6000})
    assert len(json.loads(speaker.write(message, "Get15118EVCertificate"))["exiRequest"]) == 6000


# Codes.


@pytest.mark.parametrize("version", list(Version))
def test_a_keyword_without_a_code_is_a_generic_error(version: Version) -> None:
    # J*-424: a user's own schema may have more keywords than OCPP's
    violation = Violation("$", "propertyNames", {}, "odd")
    assert dialect(version).code_for(Rejection.INVALID_PAYLOAD, violation) is ErrorCode.GENERIC_ERROR


# Who may send what.


def test_a_request_has_an_action() -> None:
    assert dialect().action_to_call(call.Heartbeat()) == "Heartbeat"


def test_a_message_without_a_class_has_the_action_that_it_says() -> None:
    assert dialect().action_to_call(Raw("Sing")) == "Sing"


@pytest.mark.parametrize("role", [*Role, None])
def test_data_transfer_is_everybodys(role: Role | None) -> None:
    assert dialect(role=role).action_to_call(call.DataTransfer(vendor_id="x")) == "DataTransfer"


@pytest.mark.parametrize("message", [call.Heartbeat(), Raw("Heartbeat")])
def test_the_peers_requests_are_not_ours_to_send(message: Request[Any, Any]) -> None:
    # L-602
    with pytest.raises(
        LocalProtocolError, match="Heartbeat is sent by the Charging Station; we are the CSMS"
    ):
        dialect(role=CSMS).action_to_call(message)


@pytest.mark.parametrize("request_", [call.Heartbeat(), call.ClearCache()])
def test_without_a_role_everything_is_ours_and_the_peers(request_: Request[Any, Any]) -> None:
    speaker = dialect(role=None)
    assert speaker.action_to_call(request_) == type(request_).__name__
    assert speaker.asked == speaker.calls
    assert not speaker.is_ours(type(request_))


def test_a_role_is_asked_what_the_other_sends_and_what_both_do() -> None:
    station, csms = dialect(role=STATION), dialect(role=CSMS)
    assert "ClearCache" in station.asked
    assert "ClearCache" not in csms.asked
    assert "Heartbeat" in csms.asked
    assert "Heartbeat" not in station.asked
    assert station.asked.keys() & csms.asked.keys() == {"DataTransfer"}
    assert station.asked.keys() | csms.asked.keys() == station.calls.keys()


def test_a_declared_action_has_a_sender_as_well() -> None:
    csms, station = dialect(extensions=(Sing,), role=CSMS), dialect(extensions=(Sing,))
    assert csms.action_to_call(Sing({"song": "la"})) == "Sing"
    assert station.asked["Sing"] is Sing
    assert "Sing" not in csms.asked
    with pytest.raises(LocalProtocolError, match="Sing is sent by the CSMS"):
        station.action_to_call(Sing({"song": "la"}))


def test_a_request_of_another_version_is_refused() -> None:
    with pytest.raises(TypeError, match=r"ocpp_sansio\.v201\.call\.Heartbeat is not a request of OCPP 1\.6"):
        dialect().action_to_call(call201.Heartbeat())


def test_an_action_that_was_not_declared_here_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Sing is not a request of OCPP 1\.6"):
        dialect().action_to_call(Sing({"song": "la"}))


def test_a_send_has_an_action() -> None:
    speaker = dialect(Version.V21)
    message = NotifyPeriodicEventStream(**STREAM)
    assert speaker.action_to_send(message) == "NotifyPeriodicEventStream"
    assert speaker.action_to_send(Raw("FooBar")) == "FooBar"


@pytest.mark.parametrize("action", ["NotifyPeriodicEventStream"])
def test_a_send_is_not_called(action: str) -> None:
    # J21-603
    with pytest.raises(LocalProtocolError, match=r"NotifyPeriodicEventStream goes through send\(\)"):
        dialect(Version.V21).action_to_call(Raw(action))


def test_a_call_is_not_sent() -> None:
    # J21-603
    with pytest.raises(LocalProtocolError, match=r"Heartbeat goes through call\(\)"):
        dialect(Version.V21).action_to_send(Raw("Heartbeat"))


# Answers.


@pytest.mark.parametrize(
    "response", [call_result.Authorize(id_tag_info={"status": "Accepted"}), Raw("Authorize")]
)
def test_an_answer_has_the_class_of_its_request_or_none(response: Message) -> None:
    dialect().check_answer("Authorize", response)


def test_an_answer_of_another_class_is_refused() -> None:
    with pytest.raises(TypeError, match=r"answered with call_result\.Authorize, not with call_result\.Heart"):
        dialect().check_answer("Authorize", call_result.Heartbeat(current_time="2024-05-01T12:00:00Z"))


def test_an_action_that_nobody_knows_is_answered_without_a_class() -> None:
    dialect().check_answer("FooBar", Raw("FooBar"))
    with pytest.raises(TypeError, match=r"FooBar is answered with messages\.Raw, not with builtins\.dict"):
        dialect().check_answer("FooBar", {})


def test_a_declared_action_is_answered_with_what_was_declared() -> None:
    speaker = dialect(extensions=(Sing,))
    speaker.check_answer("Sing", Sing.__answer__())  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"Sing is answered with messages\.Sing"):
        speaker.check_answer("Sing", call_result.Heartbeat(current_time="2024-05-01T12:00:00Z"))


# The options of several versions.

BOTH: dict[Version, list[Any]] = {Version.V201: [], Version.V16: []}


def test_options_without_names_are_those_of_each_version() -> None:
    options = {"call_timeout": 5, "validation": "lenient"}
    assert apportioned(BOTH, options) == {Version.V201: options, Version.V16: options}
    assert apportioned({Version.V16: []}, {"validation": Validation(actions={"Boot": "off"})}) == {
        Version.V16: {"validation": Validation(actions={"Boot": "off"})}
    }


def test_an_exception_is_for_the_versions_that_have_the_action() -> None:
    policy = Validation(
        "lenient", actions={"StartTransaction": "strict", "TransactionEvent": "strict", "Authorize": "strict"}
    )
    shares = apportioned(BOTH, {"validation": policy, "call_timeout": 5})
    named = {version: list(share["validation"].actions) for version, share in shares.items()}
    assert named == {
        Version.V16: ["StartTransaction", "Authorize"],
        Version.V201: ["TransactionEvent", "Authorize"],
    }
    for share in shares.values():
        assert share["validation"].received is Strictness.LENIENT
        assert share["validation"].of_action("Authorize").received is Strictness.STRICT
        assert share["call_timeout"] == 5


def test_an_exception_may_be_for_a_send_or_an_extension_of_one_version() -> None:
    policy = Validation(actions={"NotifyPeriodicEventStream": "lenient", "Sing": "lenient"})
    shares = apportioned({Version.V21: [], Version.V16: [Sing]}, {"validation": policy})
    named = {version: list(share["validation"].actions) for version, share in shares.items()}
    assert named == {Version.V21: ["NotifyPeriodicEventStream"], Version.V16: ["Sing"]}


def test_what_is_not_judged_needs_no_version_that_has_it() -> None:
    policy = Validation(actions={"Unheard": "off", "Half": Validation("strict", "off")})
    shares = apportioned(BOTH, {"validation": policy})
    assert {tuple(share["validation"].actions) for share in shares.values()} == {("Unheard", "Half")}


def test_a_longer_field_is_for_the_versions_that_have_it() -> None:
    lengths = {EXI: 6000, "AuthorizeRequest.idTag": 30, "ChangeConfigurationRequest.value": 600}
    shares = apportioned(BOTH, {"field_lengths": lengths})
    assert shares[Version.V201]["field_lengths"] == {EXI: 6000}
    assert shares[Version.V16]["field_lengths"] == {
        "AuthorizeRequest.idTag": 30,
        "ChangeConfigurationRequest.value": 600,
    }


def test_a_field_need_not_be_longer_where_it_is_long_already() -> None:
    # 5600 characters in 2.0.1, 11000 in 2.1
    versions: dict[Version, list[Any]] = {Version.V21: [], Version.V201: []}
    shares = apportioned(versions, {"field_lengths": {EXI: 6000}})
    assert [share["field_lengths"] for share in shares.values()] == [{}, {EXI: 6000}]
    with pytest.raises(ValueError, match="more than 5000 characters already"):
        apportioned(versions, {"field_lengths": {EXI: 5000}})


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            {"validation": Validation(actions={"StartTransacton": "strict"})},
            "no action 'StartTransacton' .*; did you mean 'StartTransaction'",
        ),
        (
            {"validation": Validation(actions={"TransacionEvent": "strict"})},
            "no action 'TransacionEvent' .*; did you mean 'TransactionEvent'",
        ),
        ({"validation": "lax"}, "'lax'"),
        (
            {"field_lengths": {"AuthorizeRequst.idTag": 30}},
            "no such message.*; did you mean 'AuthorizeRequest'",
        ),
        (
            {"field_lengths": {"ChangeConfigurationRequest.valu": 900}},
            "no text of that name; did you mean 'value'",
        ),
        ({"field_lengths": {"AuthorizeRequest.idTag": 3}}, "may have more than 3 characters already"),
        ({"field_lengths": {"AuthorizeRequest.idTag": 0}}, "a positive number of characters"),
    ],
)
@pytest.mark.parametrize("versions", [BOTH, dict(reversed(BOTH.items()))])
def test_what_no_version_has_is_refused_with_what_may_be_meant(
    options: dict[str, Any], problem: str, versions: Any
) -> None:
    with pytest.raises(ValueError, match=problem):
        apportioned(versions, options)
