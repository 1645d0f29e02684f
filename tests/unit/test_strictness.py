"""How strictly messages are judged: by direction and action, down to not at all; and what is passed on as it came."""

import pytest

from ocpp_sansio import (
    CallFailed,
    CallReceived,
    CallResultReceived,
    Connection,
    FrameRejected,
    LocalProtocolError,
    Raw,
    Rejection,
    Role,
    SchemaViolation,
    SendReceived,
    Strictness,
    Validation,
    Version,
)
from ocpp_sansio.v16 import call, call_result
from tests.pair import frames_of, receive, state_of
from tests.unit.exchange import received, rejected, sent

every_version = pytest.mark.parametrize("version", list(Version))

LONG = {"idTag": "x" * 21}
TIME = {"currentTime": "2024-05-01T12:00:00Z"}


def csms(validation: Validation | Strictness | str, version: Version | str = "1.6") -> Connection:
    return Connection(Role.CSMS, version, validation=validation)


def station(validation: Validation | Strictness | str, version: Version | str = "1.6") -> Connection:
    return Connection(Role.CHARGING_STATION, version, validation=validation)


# What is received.


def test_strict_refuses_what_the_schema_refuses() -> None:
    event, _ = rejected(csms("strict"), 2, "1", "Authorize", LONG)
    assert event.reason is Rejection.INVALID_PAYLOAD


def test_lenient_takes_it_and_lists_the_departures() -> None:
    event = received(csms("lenient"), 2, "1", "Authorize", LONG)
    assert event.request == call.Authorize(id_tag="x" * 21)
    assert [violation.path for violation in event.violations] == ["$.idTag"]


def test_lenient_refuses_what_makes_no_sense() -> None:
    event, [answer] = rejected(csms("lenient"), 2, "1", "Authorize", {})
    assert event.reason is Rejection.INVALID_PAYLOAD
    assert answer[2] == "ProtocolError"


def test_lenient_takes_an_answer_too() -> None:
    connection = station("lenient")
    pending = connection.call(call.Heartbeat(), now=0)
    frames_of(connection)
    [event] = receive(connection, 3, pending.id, {**TIME, "more": 1})
    assert isinstance(event, CallResultReceived)
    assert event.response == call_result.Heartbeat(current_time="2024-05-01T12:00:00Z")
    assert [violation.path for violation in event.violations] == ["$.more"]


def test_off_hands_the_payload_over_as_it_stands() -> None:
    event = received(csms("off"), 2, "1", "Authorize", {"nonsense": [1]})
    assert event.request == Raw("Authorize", {"nonsense": [1]})
    assert (event.payload, event.violations) == ({"nonsense": [1]}, ())


def test_off_hands_over_even_what_is_valid_without_its_class() -> None:
    assert isinstance(received(csms("off"), 2, "1", "Heartbeat", {}).request, Raw)


@every_version
def test_off_hands_over_actions_that_nobody_knows(version: Version) -> None:
    # L-1007
    event = received(csms("off", version), 2, "1", "FooBar", {"a": 1})
    assert event.request == Raw("FooBar", {"a": 1})


def test_off_still_wants_a_frame() -> None:
    event, _ = rejected(csms("off"), 2, "1", "FooBar", [])
    assert event.reason is Rejection.PAYLOAD_NOT_AN_OBJECT


def test_off_still_knows_directions() -> None:
    # L-602
    event, _ = rejected(csms("off"), 2, "1", "Reset", {})
    assert event.reason is Rejection.WRONG_DIRECTION


def test_off_hands_an_answer_over_as_it_stands() -> None:
    connection = station("off")
    pending = connection.call(call.Heartbeat(), now=0)
    frames_of(connection)
    [event] = receive(connection, 3, pending.id, {"nonsense": 1})
    assert isinstance(event, CallResultReceived)
    assert event.response == Raw("Heartbeat", {"nonsense": 1})


def test_off_hands_a_send_over_as_it_stands() -> None:
    [event] = receive(csms("off", "2.1"), 6, "1", "NotifyPeriodicEventStream", {"a": 1})
    assert isinstance(event, SendReceived)
    assert event.message == Raw("NotifyPeriodicEventStream", {"a": 1})


def test_off_hands_over_sends_that_nobody_knows() -> None:
    [event] = receive(csms("off", "2.1"), 6, "1", "FooBar", {"a": 1})
    assert isinstance(event, SendReceived)
    assert (event.action, event.message) == ("FooBar", Raw("FooBar", {"a": 1}))


def test_what_is_only_a_send_is_no_call_even_if_nothing_is_judged() -> None:
    # J21-603
    event, _ = rejected(csms("off", "2.1"), 2, "1", "NotifyPeriodicEventStream", {})
    assert event.reason is Rejection.ONLY_AS_SEND


# By action.


def test_one_action_may_be_judged_otherwise() -> None:
    connection = csms(Validation(actions={"Authorize": "lenient"}))  # type: ignore[dict-item]
    assert isinstance(receive(connection, 2, "1", "Authorize", LONG)[0], CallReceived)
    assert isinstance(receive(connection, 2, "2", "Heartbeat", {"x": 1})[0], FrameRejected)


def test_one_action_may_be_judged_more_strictly() -> None:
    connection = csms(Validation("off", actions={"Authorize": "strict"}))  # type: ignore[arg-type, dict-item]
    assert isinstance(receive(connection, 2, "1", "Authorize", LONG)[0], FrameRejected)
    assert isinstance(receive(connection, 2, "2", "Heartbeat", {"x": 1})[0], CallReceived)


def test_a_vendors_action_without_a_schema_needs_no_class() -> None:
    # L-1007
    connection = csms(Validation(actions={"Sing": "off"}))  # type: ignore[dict-item]
    assert received(connection, 2, "1", "Sing", {"song": 1}).request == Raw("Sing", {"song": 1})
    event, [answer] = rejected(connection, 2, "2", "Dance", {})
    assert (event.reason, answer[2]) == (Rejection.UNKNOWN_ACTION, "NotImplemented")


def test_an_exception_holds_for_the_answer_as_well() -> None:
    connection = station(Validation(actions={"Heartbeat": "off"}))  # type: ignore[dict-item]
    heartbeat = connection.call(call.Heartbeat(), now=0)
    frames_of(connection)
    assert isinstance(receive(connection, 3, heartbeat.id, {"x": 1})[0], CallResultReceived)
    boot = connection.call(call.BootNotification(charge_point_model="x", charge_point_vendor="y"), now=0)
    frames_of(connection)
    assert isinstance(receive(connection, 3, boot.id, {"x": 1})[0], CallFailed)


# What is sent.


def long_call() -> call.Authorize:
    return call.Authorize(id_tag="x" * 21)


def wrong_call() -> call.Authorize:
    message = long_call()
    message.id_tag = {"deep": [1]}  # type: ignore[assignment]
    return message


@pytest.mark.parametrize("validation", ["strict", "lenient", "off"])
def test_what_we_send_stays_strict_unless_it_is_said_itself(validation: str) -> None:
    with pytest.raises(SchemaViolation, match=r"\$\.idTag: 21 characters, at most 20"):
        station(validation).call(long_call(), now=0)


@pytest.mark.parametrize("sending", [Strictness.LENIENT, Strictness.OFF])
def test_what_makes_sense_is_sent_leniently(sending: Strictness) -> None:
    connection = station(Validation(sent=sending))
    pending = connection.call(long_call(), now=0)
    assert sent(connection) == [[2, pending.id, "Authorize", LONG]]


def test_what_is_valid_is_sent_leniently_as_it_is_strictly() -> None:
    connection = station(Validation(sent=Strictness.LENIENT))
    pending = connection.call(call.Heartbeat(), now=0)
    assert sent(connection) == [[2, pending.id, "Heartbeat", {}]]


def test_what_makes_no_sense_is_not_sent_leniently() -> None:
    connection = station(Validation(sent=Strictness.LENIENT))
    before = state_of(connection)
    with pytest.raises(SchemaViolation, match=r"\$\.idTag: an object is not text"):
        connection.call(wrong_call(), now=1)
    assert state_of(connection) == before


def test_what_is_no_json_is_not_sent_leniently() -> None:
    message = long_call()
    message.id_tag = object()  # type: ignore[assignment]
    connection = station(Validation(sent=Strictness.LENIENT))
    with pytest.raises(SchemaViolation, match="idTag"):
        connection.call(message, now=0)


def test_off_sends_what_is_json() -> None:
    connection = station(Validation(sent=Strictness.OFF))
    pending = connection.call(wrong_call(), now=0)
    assert sent(connection) == [[2, pending.id, "Authorize", {"idTag": {"deep": [1]}}]]


def test_off_does_not_send_what_is_no_json() -> None:
    message = long_call()
    message.id_tag = object()  # type: ignore[assignment]
    connection = station(Validation(sent=Strictness.OFF))
    before = state_of(connection)
    with pytest.raises(SchemaViolation, match="cannot be written as JSON"):
        connection.call(message, now=1)
    assert state_of(connection) == before


def test_one_action_may_be_sent_otherwise() -> None:
    exception = Validation(sent=Strictness.OFF)
    connection = station(Validation(actions={"Authorize": exception}))
    connection.call(long_call(), now=0)
    with pytest.raises(SchemaViolation):
        connection.call(
            call.StatusNotification(connector_id="x", error_code="NoError", status="Available"), now=0
        )


def test_an_answer_is_sent_leniently_too() -> None:
    connection = csms(Validation(sent=Strictness.OFF))
    event = received(connection, 2, "1", "Authorize", {"idTag": "x"})
    answer = call_result.Authorize(id_tag_info={"status": "Accepted", "parent_id_tag": "x" * 21})
    connection.reply(event, answer)
    assert sent(connection) == [[3, "1", {"idTagInfo": {"status": "Accepted", "parentIdTag": "x" * 21}}]]


# Messages without a class.


def test_a_raw_call_is_sent_as_it_is() -> None:
    connection = station("strict")
    pending = connection.call(Raw("Authorize", {"nonsense": 1}), now=0)
    assert sent(connection) == [[2, pending.id, "Authorize", {"nonsense": 1}]]


def test_a_raw_call_gets_a_raw_answer() -> None:
    connection = station("strict")
    pending = connection.call(Raw("Heartbeat"), now=0)
    frames_of(connection)
    [event] = receive(connection, 3, pending.id, {"nonsense": 1})
    answer = pending.response_in(event)
    assert answer == Raw("Heartbeat", {"nonsense": 1})


def test_a_raw_call_goes_in_the_direction_of_its_action() -> None:
    # L-602
    connection = station("strict")
    before = state_of(connection)
    with pytest.raises(LocalProtocolError, match="Reset is sent by the CSMS"):
        connection.call(Raw("Reset"), now=1)
    assert state_of(connection) == before


def test_an_action_that_nobody_knows_is_called_raw() -> None:
    # L-1007
    connection = station("strict")
    connection.call(Raw("Sing", {"song": "la"}), now=0)
    assert sent(connection)[0][2:] == ["Sing", {"song": "la"}]


@pytest.mark.parametrize("payload", [{"a": float("nan")}, {"a": object()}, {"a": "\ud800"}])
def test_a_raw_call_is_json(payload: dict[str, object]) -> None:
    connection = station("strict")
    before = state_of(connection)
    with pytest.raises(SchemaViolation, match="Raw cannot be sent"):
        connection.call(Raw("Heartbeat", payload), now=1)
    assert state_of(connection) == before


@pytest.mark.parametrize("payload", [[1], None, "text", 7])
def test_the_payload_of_a_raw_call_is_an_object(payload: object) -> None:
    # J*-210
    connection = station("strict")
    before = state_of(connection)
    with pytest.raises(SchemaViolation, match="is not an object"):
        connection.call(Raw("Sing", payload), now=1)  # type: ignore[arg-type]
    assert state_of(connection) == before


@pytest.mark.parametrize("payload", [[1], None])
def test_the_payload_of_a_raw_answer_is_an_object(payload: object) -> None:
    # J*-210
    connection = csms("strict")
    event = received(connection, 2, "1", "Heartbeat", {})
    with pytest.raises(SchemaViolation, match="is not an object"):
        connection.reply(event, Raw("Heartbeat", payload))  # type: ignore[arg-type]
    assert connection.owed == (event,)


def test_the_action_of_a_raw_call_is_unicode() -> None:
    # L-218
    connection = station("strict")
    before = state_of(connection)
    with pytest.raises(ValueError):  # noqa: PT011 - in whatever words
        connection.call(Raw("Si\ud800ng"), now=1)
    assert state_of(connection) == before


@pytest.mark.parametrize("action", [7, None, []])
def test_the_action_of_a_raw_call_is_text(action: object) -> None:
    connection = station("strict")
    before = state_of(connection)
    with pytest.raises(TypeError):
        connection.call(Raw(action), now=1)  # type: ignore[arg-type]
    assert state_of(connection) == before


def test_a_typed_request_may_be_answered_raw() -> None:
    connection = csms("strict")
    connection.reply(received(connection, 2, "1", "Heartbeat", {}), Raw("Heartbeat", {"odd": 1}))
    assert sent(connection) == [[3, "1", {"odd": 1}]]


@pytest.mark.parametrize(
    "answer", [Raw("Heartbeat", TIME), call_result.Heartbeat(current_time=TIME["currentTime"])]
)
def test_a_raw_request_is_answered_raw_or_with_its_class(answer: Raw | call_result.Heartbeat) -> None:
    connection = csms("off")
    connection.reply(received(connection, 2, "1", "Heartbeat", {}), answer)
    assert sent(connection) == [[3, "1", TIME]]


def test_a_raw_request_is_not_answered_with_another_class() -> None:
    connection = csms("off")
    event = received(connection, 2, "1", "Heartbeat", {})
    with pytest.raises(TypeError, match=r"Heartbeat is answered with call_result\.Heartbeat"):
        connection.reply(event, call_result.ClearCache(status="Accepted"))


def test_an_action_that_nobody_knows_is_answered_raw_only() -> None:
    connection = csms("off")
    event = received(connection, 2, "1", "Sing", {})
    with pytest.raises(
        TypeError, match=r"Sing is answered with messages\.Raw, not with call_result\.Heartbeat"
    ):
        connection.reply(event, call_result.Heartbeat(current_time="2024-05-01T12:00:00Z"))
    connection.reply(event, Raw("Sing", {"loud": True}))
    assert sent(connection) == [[3, "1", {"loud": True}]]
