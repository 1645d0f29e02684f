"""BootGate at a station: what waits, what is refused and in which words, before it is accepted."""

import pytest

from ocpp_sansio import (
    BootGate,
    BootStatus,
    CallLost,
    CallReceived,
    CallResultReceived,
    CallTimedOut,
    Connection,
    Limits,
    QueueFull,
    Raw,
    Rejection,
    Role,
    StationState,
    Version,
)
from ocpp_sansio.errors import InternalError
from tests.pair import events_of, frames_of, receive
from tests.unit.exchange import BOOTED, asked, known, received, rejected, sent

BOOT = Raw("BootNotification")
HEARTBEAT = Raw("Heartbeat")

every_version = pytest.mark.parametrize("version", list(Version))
since_201 = pytest.mark.parametrize("version", [Version.V201, Version.V21])


def station(version: Version, state: StationState | None = None) -> Connection:
    return Connection(Role.CHARGING_STATION, version, state=state, boot_gate=BootGate())


def csms(version: Version, state: StationState | None = None) -> Connection:
    return Connection(Role.CSMS, version, state=state, boot_gate=BootGate())


def booted(status: str) -> dict[str, object]:
    return {**BOOTED, "status": status}


def boot(connection: Connection, status: str) -> None:
    """The station asks, and is answered."""
    pending = asked(connection, "BootNotification")
    [event] = receive(connection, 3, pending.id, booted(status))
    assert isinstance(event, CallResultReceived)


def granted(connection: Connection, action: str, payload: dict[str, object], status: str) -> None:
    """The CSMS asks the station for something, and is answered."""
    connection.reply(received(connection, 2, "ask", action, payload), Raw(action, {"status": status}))


# A station that has not been answered.


@every_version
def test_before_the_first_answer_only_a_boot_notification_goes_out(version: Version) -> None:
    # J*-501, J*-324
    connection = station(version)
    held = [connection.call(HEARTBEAT, now=0), connection.call(Raw("StatusNotification"), now=0)]
    assert sent(connection) == []
    first = connection.call(BOOT, now=0)
    assert [frame[1] for frame in sent(connection)] == [first.id]
    assert connection.calls == (first, *held)


@every_version
def test_held_calls_go_out_in_order_once_the_station_is_accepted(version: Version) -> None:
    # J*-324
    connection = station(version)
    held = [connection.call(HEARTBEAT, now=0) for _ in range(2)]
    boot(connection, "Accepted")
    assert [frame[1] for frame in sent(connection)] == [held[0].id]
    receive(connection, 4, held[0].id, "InternalError", "", {})
    assert [frame[1] for frame in sent(connection)] == [held[1].id]


def test_the_clock_of_a_held_call_starts_when_it_goes_out() -> None:
    connection = station(Version.V16)
    held = connection.call(HEARTBEAT, now=0, timeout=10)
    assert connection.deadline is None
    pending = connection.call(BOOT, now=50)
    frames_of(connection)
    receive(connection, 3, pending.id, booted("Accepted"), now=60)
    assert connection.calls == (held,)
    assert connection.deadline == 70


def test_a_held_call_may_run_out_of_patience() -> None:
    connection = station(Version.V16)
    held = connection.call(HEARTBEAT, now=0, queue_timeout=5)
    assert connection.deadline == 5
    connection.handle_timeout(now=5)
    assert events_of(connection) == [CallTimedOut(held)]


def test_a_queue_that_is_full_of_held_calls_does_not_hold_a_boot_notification_back() -> None:
    # J16-501
    connection = Connection(Role.CHARGING_STATION, "1.6", boot_gate=BootGate(), limits=Limits(queued_calls=1))
    held = connection.call(HEARTBEAT, now=0)
    with pytest.raises(QueueFull):
        connection.call(HEARTBEAT, now=0)
    first = connection.call(BOOT, now=0)
    assert connection.calls == (first, held)


def test_a_held_call_may_be_abandoned() -> None:
    connection = station(Version.V16)
    held = connection.call(HEARTBEAT, now=0)
    connection.abandon(held)
    assert events_of(connection) == [CallLost(held)]
    assert connection.calls == ()


def test_a_boot_notification_that_waits_overtakes_held_calls() -> None:
    connection = station(Version.V16)
    held = connection.call(HEARTBEAT, now=0)
    first, second = connection.call(BOOT, now=0), connection.call(BOOT, now=0)
    frames_of(connection)
    receive(connection, 3, first.id, booted("Rejected"))
    assert [frame[1] for frame in sent(connection)] == [second.id]
    assert connection.calls == (second, held)


@every_version
def test_calls_of_the_csms_are_served_before_the_first_answer(version: Version) -> None:
    connection = station(version)
    [event] = receive(connection, 2, "1", "GetLocalListVersion", {})
    assert isinstance(event, CallReceived)


def test_an_error_in_answer_to_a_boot_notification_opens_nothing() -> None:
    connection = station(Version.V16)
    connection.call(HEARTBEAT, now=0)
    pending = connection.call(BOOT, now=0)
    frames_of(connection)
    receive(connection, 4, pending.id, "InternalError", "", {})
    assert sent(connection) == []


# A pending station.


@every_version
def test_a_pending_station_still_holds_its_calls_back(version: Version) -> None:
    # J*-502, J*-324
    connection = station(version)
    connection.call(HEARTBEAT, now=0)
    boot(connection, "Pending")
    assert sent(connection) == []


@every_version
def test_a_trigger_lets_its_message_pass_and_no_other(version: Version) -> None:
    # J*-502
    connection = station(version, known("Pending"))
    heartbeat = connection.call(HEARTBEAT, now=0)
    status = connection.call(Raw("StatusNotification"), now=0)
    granted(connection, "TriggerMessage", {"requestedMessage": "StatusNotification"}, "Accepted")
    answer, released = sent(connection)
    # J16-604: the answer to the trigger comes before the message that it asks for
    assert answer[:2] == [3, "ask"]
    assert released[1:3] == [status.id, "StatusNotification"]
    assert connection.calls == (status, heartbeat)


@every_version
def test_a_trigger_that_was_refused_lets_nothing_pass(version: Version) -> None:
    connection = station(version, known("Pending"))
    connection.call(HEARTBEAT, now=0)
    granted(connection, "TriggerMessage", {"requestedMessage": "Heartbeat"}, "Rejected")
    assert [frame[0] for frame in sent(connection)] == [3]


def test_a_trigger_that_was_answered_with_an_error_lets_nothing_pass() -> None:
    connection = station(Version.V16, known("Pending"))
    connection.call(HEARTBEAT, now=0)
    [received] = receive(connection, 2, "ask", "TriggerMessage", {"requestedMessage": "Heartbeat"})
    assert isinstance(received, CallReceived)
    connection.reply_error(received, InternalError())
    assert [frame[0] for frame in sent(connection)] == [4]


@since_201
@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"}),
        ("GetReport", {"requestId": 1}),
    ],
)
def test_a_report_that_was_asked_for_passes(version: Version, action: str, payload: dict) -> None:
    # J201-502, J21-502
    connection = station(version, known("Pending"))
    connection.call(Raw("NotifyReport"), now=0)
    granted(connection, action, payload, "Accepted")
    assert [frame[0] for frame in sent(connection)] == [3, 2]


@pytest.mark.parametrize("requested", ["SignChargePointCertificate", "LogStatusNotification"])
def test_the_extended_trigger_of_1_6_lets_its_message_pass(requested: str) -> None:
    # J16-502, J16-604
    action = {"SignChargePointCertificate": "SignCertificate"}.get(requested, requested)
    connection = station(Version.V16, known("Pending"))
    connection.call(Raw(action), now=0)
    granted(connection, "ExtendedTriggerMessage", {"requestedMessage": requested}, "Accepted")
    assert [frame[0] for frame in sent(connection)] == [3, 2]


@pytest.mark.parametrize("action", ["RemoteStartTransaction", "RemoteStopTransaction"])
def test_a_pending_station_of_1_6_rejects_remote_start_and_stop(action: str) -> None:
    # J16-503
    connection = station(Version.V16, known("Pending"))
    event, answers = rejected(connection, 2, "1", action, {"nonsense": 1})
    assert answers == [[3, "1", {"status": "Rejected"}]]
    assert (event.reason, event.answered_with) == (Rejection.NOT_ACCEPTED, "1")
    assert connection.owed == ()


@since_201
@pytest.mark.parametrize("action", ["RequestStartTransaction", "RequestStopTransaction"])
def test_a_pending_station_of_2_x_rejects_remote_start_and_stop(version: Version, action: str) -> None:
    # J201-503, J21-503
    connection = station(version, known("Pending"))
    event, answers = rejected(connection, 2, "1", action, {"transactionId": "x"})
    assert answers == [[3, "1", {"status": "Rejected"}]]
    assert event.error.description == f"{action} may not be sent while the station is Pending"


@every_version
def test_a_pending_station_serves_other_calls(version: Version) -> None:
    # J*-503
    connection = station(version, known("Pending"))
    [event] = receive(connection, 2, "1", "GetLocalListVersion", {})
    assert isinstance(event, CallReceived)


@every_version
def test_a_csms_holds_a_remote_start_back_from_a_pending_station(version: Version) -> None:
    # J*-503
    [start] = version.rules.boot.barred & {"RemoteStartTransaction", "RequestStartTransaction"}
    connection = csms(version, known("Pending"))
    held = connection.call(Raw(start), now=0)
    assert sent(connection) == []
    connection.call(Raw("GetLocalListVersion"), now=0)
    assert [frame[2] for frame in sent(connection)] == ["GetLocalListVersion"]
    assert held in connection.calls


# A rejected station.


@every_version
def test_a_rejected_station_sends_nothing_but_boot_notifications(version: Version) -> None:
    # J*-504
    connection = station(version)
    connection.call(HEARTBEAT, now=0)
    boot(connection, "Rejected")
    assert sent(connection) == []
    connection.call(BOOT, now=300)
    assert [frame[2] for frame in sent(connection)] == ["BootNotification"]


@every_version
@pytest.mark.parametrize(("status", "interval"), [("Pending", 0), ("Rejected", 0), ("Rejected", 86400)])
def test_when_to_boot_again_is_for_the_station_to_say(version: Version, status: str, interval: int) -> None:
    """J*-507: `interval` says when, 0 leaves it to the station; the connection hands it over and keeps no
    clock for it.
    """
    connection = station(version)
    pending = connection.call(BOOT, now=0)
    frames_of(connection)
    [event] = receive(connection, 3, pending.id, {**booted(status), "interval": interval})
    assert isinstance(event, CallResultReceived)
    assert event.payload["interval"] == interval
    connection.call(BOOT, now=0)
    assert [frame[2] for frame in sent(connection)] == ["BootNotification"]


@pytest.mark.parametrize("action", ["Reset", "TriggerMessage", "RemoteStartTransaction", "FooBar"])
def test_a_rejected_station_of_1_6_is_silent(action: str) -> None:
    # J16-505
    event, answers = rejected(station(Version.V16, known("Rejected")), 2, "1", action, {})
    assert answers == []
    assert (event.reason, event.answered_with) == (Rejection.NOT_ACCEPTED, None)


@since_201
@pytest.mark.parametrize("action", ["Reset", "TriggerMessage", "RequestStartTransaction", "FooBar"])
def test_a_rejected_station_of_2_x_answers_security_error(version: Version, action: str) -> None:
    # J201-505, J21-505
    event, answers = rejected(station(version, known("Rejected")), 2, "1", action, {})
    assert [answer[:3] for answer in answers] == [[4, "1", "SecurityError"]]
    assert event.answered_with == "1"


@every_version
def test_a_csms_sends_nothing_to_a_rejected_station(version: Version) -> None:
    # J*-505
    connection = csms(version, known("Rejected"))
    connection.call(Raw("TriggerMessage"), now=0)
    assert sent(connection) == []


def test_a_status_that_was_set_from_outside_lets_held_calls_go_before_new_ones() -> None:
    state = StationState("CP_1")
    connection = station(Version.V16, state)
    held = connection.call(HEARTBEAT, now=0)
    state.boot = BootStatus.ACCEPTED
    later = connection.call(Raw("Authorize"), now=1)
    assert connection.calls == (held, later)
    assert [frame[2] for frame in sent(connection)] == ["Heartbeat"]


@pytest.mark.parametrize("frame", [(2, "1", "Reset", 7), (2, "1", "Reset"), (2, "1", "FooBar", {})])
def test_a_rejected_station_of_1_6_answers_nothing_at_all(frame: tuple[object, ...]) -> None:
    # J16-505
    _, answers = rejected(station(Version.V16, StationState(boot=BootStatus.REJECTED)), *frame)
    assert answers == []


def test_nor_does_it_answer_what_is_broken() -> None:
    # J16-505
    connection = station(Version.V16, StationState(boot=BootStatus.REJECTED))
    connection.receive_text('[2,"1","Reset",{', now=0)
    assert frames_of(connection) == []


def test_what_was_asked_for_before_the_boot_does_not_pass_after_it() -> None:
    # J16-502
    state = StationState(boot=BootStatus.ACCEPTED)
    connection = station(Version.V16, state)
    trigger = received(connection, 2, "1", "TriggerMessage", {"requestedMessage": "Heartbeat"})
    connection.reply(trigger, Raw("TriggerMessage", {"status": "Accepted"}))
    frames_of(connection)
    state.boot = BootStatus.PENDING
    held = connection.call(HEARTBEAT, now=0)
    assert frames_of(connection) == []
    assert connection.calls == (held,)
