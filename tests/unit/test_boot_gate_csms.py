"""BootGate at a CSMS, and what both ends remember from one socket to the next."""

import pytest

from ocpp_sansio import (
    BootGate,
    BootStatus,
    CallReceived,
    Connection,
    LocalProtocolError,
    Raw,
    Rejection,
    Role,
    SendReceived,
    StationState,
    Version,
)
from tests.pair import events_of, frames_of, receive, state_of
from tests.unit.exchange import BOOTED, STREAM, asked, boot_of, known, rejected, sent

HEARTBEAT = Raw("Heartbeat")

every_version = pytest.mark.parametrize("version", list(Version))


def station(version: Version, state: StationState | None = None) -> Connection:
    return Connection(Role.CHARGING_STATION, version, state=state, boot_gate=BootGate())


def csms(version: Version, state: StationState | None = None, *, trust: bool = True) -> Connection:
    return Connection(Role.CSMS, version, state=state, boot_gate=BootGate(trust_unknown=trust))


def booted(status: str) -> Raw:
    return Raw("BootNotification", {**BOOTED, "status": status})


def boot(connection: Connection, status: str) -> None:
    """The station asks, and is answered."""
    pending = asked(connection, "BootNotification")
    receive(connection, 3, pending.id, booted(status).payload)


# Who is not accepted.


@every_version
@pytest.mark.parametrize("status", ["Pending", "Rejected"])
def test_a_call_before_acceptance_is_a_security_error(version: Version, status: str) -> None:
    # J*-506, J*-423
    event, answers = rejected(csms(version, known(status)), 2, "1", "Heartbeat", {})
    assert [answer[:3] for answer in answers] == [[4, "1", "SecurityError"]]
    assert event.reason is Rejection.NOT_ACCEPTED
    assert event.error.description == f"Heartbeat may not be sent while the station is {status}"


@every_version
@pytest.mark.parametrize(
    "frame", [(2, "1", "FooBar", {}), (2, "1", "Reset", {}), (2, "1", "Heartbeat", {"x": 1})]
)
def test_the_gate_comes_before_action_direction_and_payload(version: Version, frame: tuple) -> None:
    # L-425
    _, answers = rejected(csms(version, known("Pending")), *frame)
    assert [answer[2] for answer in answers] == ["SecurityError"]


@every_version
@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ((2, "1", "Heartbeat"), Rejection.MALFORMED_CALL),
        ((2, "x" * 37, "Heartbeat", {}), Rejection.ID_TOO_LONG),
    ],
)
def test_the_frame_comes_before_the_gate(version: Version, frame: tuple, reason: Rejection) -> None:
    # L-425
    event, _ = rejected(csms(version, known("Pending")), *frame)
    assert event.reason is reason


@every_version
def test_the_gate_comes_before_what_stands_in_the_place_of_a_payload(version: Version) -> None:
    # L-425
    event, _ = rejected(csms(version, known("Pending")), 2, "1", "Heartbeat", [])
    assert event.reason is Rejection.NOT_ACCEPTED


@every_version
def test_a_boot_notification_always_reaches_the_csms(version: Version) -> None:
    policy = csms(version, known("Rejected"))
    event = boot_of(policy)
    assert event.action == "BootNotification"


@every_version
def test_acceptance_by_the_csms_opens_its_gate(version: Version) -> None:
    connection = csms(version, known("Pending"))
    held = connection.call(Raw(min(version.rules.boot.barred)), now=0)
    connection.reply(boot_of(connection), booted("Accepted"))
    assert [frame[1] for frame in sent(connection)] == ["boot", held.id]
    assert isinstance(receive(connection, 2, "2", "Heartbeat", {})[0], CallReceived)


@every_version
def test_a_csms_lets_pass_what_it_has_asked_for(version: Version) -> None:
    # J*-502
    connection = csms(version, known("Pending"))
    pending = connection.call(Raw("TriggerMessage", {"requestedMessage": "Heartbeat"}), now=0)
    frames_of(connection)
    receive(connection, 3, pending.id, {"status": "Accepted"})
    assert isinstance(receive(connection, 2, "1", "Heartbeat", {})[0], CallReceived)


@every_version
def test_a_csms_does_not_refuse_a_station_that_it_has_not_heard_of(version: Version) -> None:
    # L-506
    [event] = receive(csms(version), 2, "1", "Heartbeat", {})
    assert isinstance(event, CallReceived)


@every_version
def test_a_csms_may_refuse_whoever_has_not_booted(version: Version) -> None:
    # L-506: configurable
    event, answers = rejected(csms(version, trust=False), 2, "1", "Heartbeat", {})
    assert [answer[2] for answer in answers] == ["SecurityError"]
    assert event.error.description == "Heartbeat may not be sent while the station is Unknown"


# From one socket to the next.


@every_version
def test_an_accepted_station_needs_no_boot_notification_on_its_next_socket(version: Version) -> None:
    # J*-129
    state = known()
    boot(station(version, state), "Accepted")
    following = station(version, state)
    following.call(HEARTBEAT, now=0)
    assert [frame[2] for frame in sent(following)] == ["Heartbeat"]


@every_version
def test_a_csms_remembers_acceptance_on_the_next_socket(version: Version) -> None:
    # J*-129
    state = known()
    first = csms(version, state, trust=False)
    first.reply(boot_of(first), booted("Accepted"))
    first.receive_close()
    assert isinstance(receive(csms(version, state, trust=False), 2, "1", "Heartbeat", {})[0], CallReceived)


@every_version
def test_a_csms_remembers_that_a_station_is_pending(version: Version) -> None:
    # J*-129
    state = known()
    first = csms(version, state)
    first.reply(boot_of(first), booted("Pending"))
    _, answers = rejected(csms(version, state), 2, "1", "Heartbeat", {})
    assert [answer[2] for answer in answers] == ["SecurityError"]


def test_the_status_is_recorded_without_a_gate() -> None:
    state = known()
    connection = Connection(Role.CHARGING_STATION, "1.6", state=state)
    boot(connection, "Pending")
    assert state.boot is BootStatus.PENDING
    connection.call(HEARTBEAT, now=0)
    assert [frame[2] for frame in sent(connection)] == ["Heartbeat"]


def test_without_a_state_a_gate_has_one_of_its_own() -> None:
    connection = station(Version.V16)
    boot(connection, "Accepted")
    connection.call(HEARTBEAT, now=0)
    assert [frame[2] for frame in sent(connection)] == ["Heartbeat"]


def test_a_gate_needs_a_role() -> None:
    with pytest.raises(ValueError, match="a boot gate needs to know which end this is: give a role"):
        Connection(None, "1.6", boot_gate=BootGate())


# SEND.


def test_a_send_before_acceptance_is_a_local_error() -> None:
    # L-511
    connection = station(Version.V21)
    before = state_of(connection)
    with pytest.raises(LocalProtocolError, match="NotifyPeriodicEventStream may not be sent before"):
        connection.send(Raw("NotifyPeriodicEventStream", STREAM), now=1)
    assert state_of(connection) == before


def test_a_send_before_acceptance_is_rejected_and_not_answered() -> None:
    # L-511
    event, answers = rejected(
        csms(Version.V21, known("Pending")), 6, "1", "NotifyPeriodicEventStream", STREAM
    )
    assert answers == []
    assert (event.reason, event.answered_with) == (Rejection.NOT_ACCEPTED, None)


def test_a_send_after_acceptance_passes() -> None:
    connection = station(Version.V21, known("Accepted"))
    connection.send(Raw("NotifyPeriodicEventStream", STREAM), now=0)
    [frame] = frames_of(connection)
    other = csms(Version.V21, known("Accepted"))
    other.receive_text(frame, now=0)
    assert isinstance(events_of(other)[0], SendReceived)
