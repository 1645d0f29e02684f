"""SEND, which OCPP 2.1 adds and which is never answered; test_result_errors has the other addition."""

import pytest

from ocpp_sansio import (
    Connection,
    ConnectionClosed,
    ErrorCode,
    Limits,
    LocalProtocolError,
    QueueFull,
    Raw,
    Rejection,
    Role,
    SchemaViolation,
    SendReceived,
    Version,
)
from ocpp_sansio.v21 import call
from ocpp_sansio.v21.send import NotifyPeriodicEventStream
from tests.pair import events_of, frames_of, receive, state_of
from tests.unit.exchange import STREAM, asked, received, rejected, rejected_text, sent

NOTIFY = "NotifyPeriodicEventStream"

before_21 = pytest.mark.parametrize("version", [Version.V16, Version.V201])


@pytest.fixture
def station() -> Connection:
    return Connection(Role.CHARGING_STATION, Version.V21)


@pytest.fixture
def csms() -> Connection:
    return Connection(Role.CSMS, Version.V21)


def stream() -> NotifyPeriodicEventStream:
    return NotifyPeriodicEventStream(
        data=[{"t": 1.5, "v": "2"}], id=1, pending=0, basetime="2024-05-01T12:00:00Z"
    )


# A SEND that we send.


def test_a_send_carries_id_action_and_payload(station: Connection) -> None:
    # J21-209
    id = station.send(stream(), now=0)
    assert sent(station) == [[6, id, NOTIFY, STREAM]]


def test_a_send_reaches_the_other_side_as_a_typed_message(station: Connection, csms: Connection) -> None:
    id = station.send(stream(), now=0)
    [text] = frames_of(station)
    csms.receive_text(text, now=0)
    assert events_of(csms) == [SendReceived(id, NOTIFY, stream(), STREAM, (), text)]


def test_a_send_does_not_wait_for_the_answer_to_a_call(station: Connection) -> None:
    # J21-304
    pending = asked(station)
    station.send(stream(), now=0)
    assert [frame[0] for frame in sent(station)] == [6]
    assert station.calls == (pending,)


def test_a_send_ends_with_its_frame(station: Connection) -> None:
    # J21-304: nothing is waited for
    station.send(stream(), now=0)
    assert (station.calls, station.deadline) == ((), None)


def test_a_send_may_have_an_id_of_ones_own(station: Connection) -> None:
    assert station.send(stream(), now=0, id="mine") == "mine"
    assert sent(station)[0][1] == "mine"


def test_ids_are_new_for_calls_and_sends_on_every_connection() -> None:
    # J201-205, J21-205, L-205
    ids = []
    for _ in range(20):
        connection = Connection(Role.CHARGING_STATION, "2.1")
        ids += [connection.send(stream(), now=0), connection.call(call.Heartbeat(), now=0).id]
        ids.append(Connection(Role.CHARGING_STATION, "2.0.1").call(Raw("Heartbeat"), now=0).id)
    assert len(set(ids)) == len(ids) == 60


@before_21
def test_a_version_without_send_refuses_to_send(version: Version) -> None:
    # J201-435: no other types than 2 to 4 are used
    connection = Connection(Role.CHARGING_STATION, version)
    before = state_of(connection)
    with pytest.raises(LocalProtocolError, match=f"OCPP {version.value} has no SEND"):
        connection.send(stream(), now=1)
    assert state_of(connection) == before


@pytest.mark.parametrize("message", [call.Heartbeat(), "NotifyPeriodicEventStream", None])
def test_only_what_is_unconfirmed_can_be_sent(station: Connection, message: object) -> None:
    before = state_of(station)
    with pytest.raises(TypeError, match=r"send takes a message such as send\.NotifyPeriodicEventStream"):
        station.send(message, now=1)  # type: ignore[arg-type]
    assert state_of(station) == before


def test_a_send_is_no_call(station: Connection) -> None:
    with pytest.raises(TypeError, match=r"call takes a request such as call\.Heartbeat\(\)"):
        station.call(stream(), now=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("message", [stream(), Raw(NOTIFY, STREAM)])
def test_a_csms_does_not_send_what_is_the_stations(csms: Connection, message: object) -> None:
    # L-602
    before = state_of(csms)
    with pytest.raises(LocalProtocolError, match=f"{NOTIFY} is sent by the Charging Station"):
        csms.send(message, now=1)  # type: ignore[arg-type]
    assert state_of(csms) == before


def test_what_is_only_a_send_is_not_called_without_its_class_either(station: Connection) -> None:
    # J21-603
    before = state_of(station)
    with pytest.raises(LocalProtocolError):
        station.call(Raw(NOTIFY, STREAM), now=1)
    assert state_of(station) == before


def test_an_invalid_send_is_not_sent(station: Connection) -> None:
    message = stream()
    message.data = []
    before = state_of(station)
    with pytest.raises(SchemaViolation, match=r"\$\.data: 0 items, at least 1"):
        station.send(message, now=1)
    assert state_of(station) == before


@pytest.mark.parametrize("id", ["", "x" * 37, "-1"])
def test_the_id_of_a_send_is_that_of_a_call(station: Connection, id: str) -> None:
    # J21-204
    with pytest.raises(ValueError, match="a message id is text of 1 to 36 characters"):
        station.send(stream(), now=1, id=id)


def test_a_send_that_nobody_pulls_is_refused_in_the_end() -> None:
    station = Connection(Role.CHARGING_STATION, "2.1", limits=Limits(undrained=2))
    station.send(stream(), now=0)
    station.send(stream(), now=0)
    before = state_of(station)
    with pytest.raises(QueueFull, match="2 frames have not been pulled"):
        station.send(stream(), now=1)
    assert state_of(station) == before


def test_nothing_is_sent_once_the_link_is_closed(station: Connection) -> None:
    station.receive_close()
    with pytest.raises(ConnectionClosed):
        station.send(stream(), now=1)


# A SEND that we receive.


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ([6, "1", NOTIFY, {**STREAM, "data": []}], Rejection.INVALID_PAYLOAD),
        ([6, "1", NOTIFY, {}], Rejection.INVALID_PAYLOAD),
        ([6, "1", NOTIFY, None], Rejection.INVALID_PAYLOAD),  # J21-210
        ([6, "1", NOTIFY, []], Rejection.PAYLOAD_NOT_AN_OBJECT),
        ([6, "1", "FooBar", {}], Rejection.UNKNOWN_ACTION),
        ([6, "1", "notifyPeriodicEventStream", STREAM], Rejection.UNKNOWN_ACTION),  # J21-209
        ([6, "1", "Heartbeat", {}], Rejection.UNKNOWN_ACTION),  # J21-603
        ([6, "1", NOTIFY], Rejection.MALFORMED_CALL),
        ([6, "1", NOTIFY, STREAM, {}], Rejection.MALFORMED_CALL),
        ([6, "1", 7, STREAM], Rejection.MALFORMED_CALL),
        ([6], Rejection.MALFORMED_CALL),
        ([6, 7, NOTIFY, STREAM], Rejection.ID_NOT_TEXT),
        ([6, "x" * 37, NOTIFY, STREAM], Rejection.ID_TOO_LONG),
        ([6.0, "1", NOTIFY], Rejection.MALFORMED_CALL),
        ([6, "1", NOTIFY, {"data": "\ud800"}], Rejection.NOT_UNICODE),
    ],
)
def test_a_bad_send_is_told_and_never_answered(
    csms: Connection, frame: list[object], reason: Rejection
) -> None:
    # J21-304, J21-404
    event, answers = rejected(csms, *frame)
    assert (event.reason, event.answered_with) == (reason, None)
    assert answers == []


def test_a_broken_send_is_never_answered(csms: Connection) -> None:
    # J21-304, J21-404
    event, answers = rejected_text(csms, f'[6,"1","{NOTIFY}",{{"data":')
    assert (event.reason, answers) == (Rejection.NOT_JSON, [])


def test_a_bad_send_is_explained(csms: Connection) -> None:
    event, _ = rejected(csms, 6, "1", NOTIFY, {**STREAM, "pending": "x"})
    assert event.error.code is ErrorCode.TYPE_CONSTRAINT_VIOLATION
    assert event.error.description == "$.pending: 'x' is not an integer"


def test_a_send_in_the_wrong_direction_is_told_and_never_answered(station: Connection) -> None:
    # J21-304, L-602
    event, answers = rejected(station, 6, "1", NOTIFY, STREAM)
    assert (event.reason, answers) == (Rejection.WRONG_DIRECTION, [])
    assert event.error.description == f"{NOTIFY} is sent by the Charging Station, not to it"


def test_without_a_role_a_send_goes_either_way() -> None:
    tool = Connection(None, "2.1")
    tool.send(stream(), now=0)
    assert isinstance(receive(tool, 6, "1", NOTIFY, STREAM)[0], SendReceived)


def test_the_same_send_may_come_twice(csms: Connection) -> None:
    for _ in range(2):
        assert isinstance(receive(csms, 6, "1", NOTIFY, STREAM)[0], SendReceived)


def test_a_send_owes_nothing_even_under_the_id_of_a_call(csms: Connection) -> None:
    first = received(csms, 2, "1", "Heartbeat", {})
    assert isinstance(receive(csms, 6, "1", NOTIFY, STREAM)[0], SendReceived)
    assert csms.owed == (first,)


def test_the_printed_example_of_a_send_breaks_its_schema(csms: Connection) -> None:
    # J21-219
    example = {"id": 123, "pending": 0, "data": [{"t": "2024-08-27T12:40:00Z", "v": "34.0"}]}
    event, answers = rejected(csms, 6, "1", NOTIFY, example)
    assert (event.reason, answers) == (Rejection.INVALID_PAYLOAD, [])


@pytest.mark.parametrize("role", list(Role))
def test_what_is_only_a_send_is_not_supported_as_a_call(role: Role) -> None:
    # J21-603
    event, answers = rejected(Connection(role, "2.1"), 2, "1", NOTIFY, STREAM)
    assert event.reason is Rejection.ONLY_AS_SEND
    assert answers[0][:3] == [4, "1", "NotSupported"]


@pytest.mark.parametrize("kind", [5, 6])
@pytest.mark.parametrize(
    ("version", "code"), [(Version.V16, None), (Version.V201, "MessageTypeNotSupported")]
)
def test_before_2_1_both_types_are_unknown(version: Version, code: str | None, kind: int) -> None:
    # J16-305, J201-305, J201-1005
    event, answers = rejected(Connection(Role.CSMS, version), kind, "1", NOTIFY, {}, {})
    assert event.reason is Rejection.UNKNOWN_MESSAGE_TYPE
    assert [answer[:3] for answer in answers] == ([[4, "1", code]] if code else [])
