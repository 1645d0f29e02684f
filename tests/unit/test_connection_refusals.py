"""Connection: verbs that are refused say why, and change nothing."""

import math

import attrs
import pytest

from ocpp_sansio import (
    CallReceived,
    Connection,
    LocalProtocolError,
    Role,
    SchemaViolation,
)
from ocpp_sansio.errors import NotSupportedError
from ocpp_sansio.messages import Request
from ocpp_sansio.v16 import call, call_result
from tests.pair import receive, state_of


class Vendor(Request["Vendor", call_result.Heartbeat], sender=Role.CHARGING_STATION):
    pass


def test_only_requests_of_the_version_can_be_called(station: Connection) -> None:
    before = state_of(station)
    with pytest.raises(TypeError, match=r"such as call\.Heartbeat\(\)"):
        station.call("Heartbeat", now=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"Vendor is not a request of OCPP 1\.6"):
        station.call(attrs.define(Vendor)(), now=1)
    assert state_of(station) == before


def test_a_request_of_the_other_side_is_a_local_error(station: Connection, csms: Connection) -> None:
    before = state_of(station)
    with pytest.raises(LocalProtocolError, match="Reset is sent by the CSMS; we are the Charging Station"):
        station.call(call.Reset(type="Hard"), now=1)
    assert state_of(station) == before
    with pytest.raises(LocalProtocolError, match="Heartbeat is sent by the Charging Station"):
        csms.call(call.Heartbeat(), now=1)


@pytest.mark.parametrize("role", [*Role, None])
def test_data_transfer_goes_both_ways(role: Role | None) -> None:
    connection = Connection(role, "1.6")
    connection.call(call.DataTransfer(vendor_id="acme"), now=0)
    assert isinstance(receive(connection, 2, "1", "DataTransfer", {"vendorId": "acme"})[0], CallReceived)


def test_without_a_role_directions_are_not_checked() -> None:
    connection = Connection(None, "1.6")
    connection.call(call.Heartbeat(), now=0)
    connection.call(call.Reset(type="Soft"), now=0)
    assert isinstance(receive(connection, 2, "1", "Heartbeat", {})[0], CallReceived)
    assert isinstance(receive(connection, 2, "2", "Reset", {"type": "Soft"})[0], CallReceived)


def test_an_invalid_request_is_not_sent(station: Connection) -> None:
    before = state_of(station)
    with pytest.raises(
        SchemaViolation, match=r"call.Authorize cannot be sent: \$.idTag: 21 characters, at most 20"
    ):
        station.call(call.Authorize(id_tag="x" * 21), now=1)
    assert state_of(station) == before


@pytest.mark.parametrize("id", ["", "x" * 37, "-1", 7])
def test_ids_are_text_of_1_to_36_characters(station: Connection, id: object) -> None:
    before = state_of(station)
    with pytest.raises(ValueError, match="J16-204"):
        station.call(call.Heartbeat(), now=1, id=id)  # type: ignore[arg-type]
    assert state_of(station) == before


def test_an_id_belongs_to_one_live_call(station: Connection) -> None:
    station.call(call.Heartbeat(), now=0, id="a")
    station.call(call.Heartbeat(), now=0, id="b")
    before = state_of(station)
    for id in "ab":
        with pytest.raises(ValueError, match="has not ended"):
            station.call(call.Heartbeat(), now=1, id=id)
    assert state_of(station) == before


def test_ids_come_from_new_id_if_it_is_given(station: Connection) -> None:
    assert [station.call(call.Heartbeat(), now=0).id for _ in range(3)] == ["1", "2", "3"]
    assert station.call(call.Heartbeat(), now=0, id="x" * 36).id == "x" * 36


def test_a_refused_instant_draws_no_id(station: Connection) -> None:
    with pytest.raises(ValueError, match="finite"):
        station.call(call.Heartbeat(), now=math.nan)
    assert station.call(call.Heartbeat(), now=0).id == "1"


def test_an_id_with_half_a_character_is_refused(station: Connection) -> None:
    with pytest.raises(ValueError, match="J16-204"):
        station.call(call.Heartbeat(), now=0, id="\ud800")


def test_ids_are_unique_across_connections_and_at_most_36_characters() -> None:
    ids = set()
    for _ in range(50):
        connection = Connection(Role.CHARGING_STATION, "1.6")
        ids |= {connection.call(call.Heartbeat(), now=0).id for _ in range(20)}
    assert len(ids) == 1000
    assert max(map(len, ids)) <= 36


def test_only_a_received_call_can_be_answered(csms: Connection) -> None:
    with pytest.raises(TypeError, match="only a CallReceived"):
        csms.reply(None, call_result.Heartbeat(current_time="2024-05-01T12:00:00Z"))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="not a request of OCPP"):
        csms.call(Request(), now=0)


def test_an_answer_is_of_the_requests_type(csms: Connection) -> None:
    [received] = receive(csms, 2, "1", "Heartbeat", {})
    before = state_of(csms)
    with pytest.raises(
        TypeError, match=r"Heartbeat is answered with call_result.Heartbeat, not with call_result.Authorize"
    ):
        csms.reply(received, call_result.Authorize(id_tag_info={"status": "Accepted"}))
    with pytest.raises(TypeError, match=r"not with builtins.dict"):
        csms.reply(received, {})  # type: ignore[arg-type]
    assert state_of(csms) == before


def test_an_invalid_response_leaves_the_call_owed(csms: Connection) -> None:
    [received] = receive(csms, 2, "1", "Heartbeat", {})
    before = state_of(csms)
    response = call_result.Heartbeat(current_time="2024-05-01T12:00:00Z")
    response.current_time = None  # type: ignore[assignment]
    with pytest.raises(SchemaViolation, match="currentTime is missing"):
        csms.reply(received, response)
    assert state_of(csms) == before
    csms.reply_error(received, NotSupportedError())


def test_a_call_is_answered_once(csms: Connection) -> None:
    [received] = receive(csms, 2, "1", "Heartbeat", {})
    csms.reply_error(received, NotSupportedError())
    before = state_of(csms)
    with pytest.raises(LocalProtocolError, match="not owed an answer"):
        csms.reply(received, call_result.Heartbeat(current_time="2024-05-01T12:00:00Z"))
    with pytest.raises(LocalProtocolError, match="not owed an answer"):
        csms.reply_error(received, NotSupportedError())
    assert state_of(csms) == before


def test_a_call_is_answered_by_the_connection_that_received_it(csms: Connection) -> None:
    other = Connection(Role.CSMS, "1.6")
    [received] = receive(csms, 2, "1", "Heartbeat", {})
    receive(other, 2, "1", "Heartbeat", {})
    with pytest.raises(LocalProtocolError, match="another connection"):
        other.reply_error(received, NotSupportedError())


@pytest.mark.parametrize(
    ("error", "exception"),
    [
        (ValueError("x"), TypeError),
        (NotSupportedError("x", {"a": object()}), TypeError),
        (NotSupportedError("x", {"a": math.nan}), ValueError),
        (NotSupportedError("x", {"a": "\ud800"}), ValueError),
        (NotSupportedError("x", ["a"]), TypeError),  # type: ignore[arg-type]
        (NotSupportedError("x", code="\ud800"), ValueError),
        (NotSupportedError(b"x"), TypeError),  # type: ignore[arg-type]
    ],
)
def test_an_error_is_an_ocpp_error_with_json_details(
    csms: Connection, error: Exception, exception: type[Exception]
) -> None:
    [received] = receive(csms, 2, "1", "Heartbeat", {})
    before = state_of(csms)
    with pytest.raises(exception):
        csms.reply_error(received, error)  # type: ignore[arg-type]
    assert state_of(csms) == before


def test_a_role_is_a_role() -> None:
    with pytest.raises(TypeError, match=r"Role\.CSMS or Role\.CHARGING_STATION"):
        Connection("CSMS", "1.6")  # type: ignore[arg-type]
