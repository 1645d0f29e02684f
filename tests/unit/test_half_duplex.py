"""One call in total, for peers that allow no more: ours wait while we owe an answer."""

import pytest

from ocpp_sansio import (
    BootGate,
    CallReceived,
    CallTimedOut,
    Connection,
    Limits,
    QueueFull,
    Raw,
    Role,
    StationState,
    Version,
)
from ocpp_sansio.errors import NotSupportedError
from ocpp_sansio.v16 import call
from ocpp_sansio.v21.send import NotifyPeriodicEventStream
from ocpp_sansio.validation import encode
from tests.pair import events_of, frames_of, receive, state_of
from tests.unit.exchange import STREAM, asked, received, sent

CLEAR = Raw("ClearCache")
TIME = {"currentTime": "2024-05-01T12:00:00Z"}

every_version = pytest.mark.parametrize("version", list(Version))


def csms(version: Version = Version.V16, limits: Limits | None = None) -> Connection:
    return Connection(Role.CSMS, version, half_duplex=True, limits=limits)


@every_version
def test_a_call_waits_while_we_owe_an_answer(version: Version) -> None:
    connection = csms(version)
    received(connection, 2, "1", "Heartbeat", {})
    pending = connection.call(CLEAR, now=0)
    assert sent(connection) == []
    assert connection.calls == (pending,)


@every_version
def test_the_answer_goes_out_first_and_then_the_call(version: Version) -> None:
    connection = csms(version)
    owed = received(connection, 2, "1", "Heartbeat", {})
    pending = connection.call(CLEAR, now=0)
    connection.reply(owed, Raw("Heartbeat", TIME))
    assert [frame[:2] for frame in sent(connection)] == [[3, "1"], [2, pending.id]]


def test_an_error_is_an_answer_too() -> None:
    connection = csms()
    owed = received(connection, 2, "1", "Heartbeat", {})
    pending = connection.call(CLEAR, now=0)
    connection.reply_error(owed, NotSupportedError())
    assert [frame[:2] for frame in sent(connection)] == [[4, "1"], [2, pending.id]]


def test_every_answer_that_we_owe_comes_first() -> None:
    connection = csms()
    owed = [received(connection, 2, id, "Heartbeat", {}) for id in "12"]
    connection.call(CLEAR, now=0)
    connection.reply_error(owed[0], NotSupportedError())
    assert [frame[0] for frame in sent(connection)] == [4]
    connection.reply_error(owed[1], NotSupportedError())
    assert [frame[0] for frame in sent(connection)] == [4, 2]


def test_calls_that_wait_go_out_one_at_a_time_and_in_order() -> None:
    # J16-301
    connection = csms()
    owed = received(connection, 2, "1", "Heartbeat", {})
    calls = [connection.call(CLEAR, now=0) for _ in range(2)]
    connection.reply_error(owed, NotSupportedError())
    assert [frame[1] for frame in sent(connection)] == ["1", calls[0].id]
    receive(connection, 3, calls[0].id, {})
    assert [frame[1] for frame in sent(connection)] == [calls[1].id]


def test_an_answer_to_us_does_not_release_the_next_while_we_owe_one() -> None:
    connection = csms()
    first = asked(connection, "ClearCache")
    second = connection.call(CLEAR, now=0)
    owed = received(connection, 2, "1", "Heartbeat", {})
    receive(connection, 3, first.id, {})
    assert sent(connection) == []
    connection.reply_error(owed, NotSupportedError())
    assert [frame[1] for frame in sent(connection)] == ["1", second.id]


def test_while_nothing_is_owed_a_call_goes_out_at_once() -> None:
    connection = csms()
    connection.call(CLEAR, now=0)
    assert [frame[0] for frame in sent(connection)] == [2]


def test_a_call_of_the_peer_is_served_while_ours_is_open() -> None:
    # J16-303: calls may still cross
    connection = csms()
    asked(connection, "ClearCache")
    assert isinstance(receive(connection, 2, "1", "Heartbeat", {})[0], CallReceived)


def test_a_call_that_was_refused_owes_nothing() -> None:
    connection = csms()
    receive(connection, 2, "1", "FooBar", {})
    frames_of(connection)
    connection.call(CLEAR, now=0)
    assert [frame[0] for frame in sent(connection)] == [2]


def test_a_handler_that_waits_for_its_own_call_waits_until_that_times_out() -> None:
    connection = csms()
    received(connection, 2, "1", "Heartbeat", {})
    pending = connection.call(CLEAR, now=0, queue_timeout=5)
    assert connection.deadline == 5
    connection.handle_timeout(now=5)
    assert events_of(connection) == [CallTimedOut(pending)]
    assert sent(connection) == []


def test_the_clock_of_the_answer_starts_when_a_call_has_its_turn() -> None:
    connection = csms()
    owed = received(connection, 2, "1", "Heartbeat", {})
    connection.call(CLEAR, now=0, timeout=10)
    connection.reply_error(owed, NotSupportedError(), now=5)
    assert connection.deadline == 15


def test_a_call_that_waits_for_an_answer_of_ours_does_not_wait_for_ever() -> None:
    """A handler may wait for it, and the answer for the handler."""
    connection = csms()
    received(connection, 2, "1", "Heartbeat", {})
    first = connection.call(CLEAR, now=0, timeout=10)
    second = connection.call(CLEAR, now=0, timeout=10, queue_timeout=20)
    assert connection.deadline == 10
    connection.handle_timeout(now=10)
    assert events_of(connection) == [CallTimedOut(first)]
    assert connection.deadline == 20
    connection.handle_timeout(now=20)
    assert events_of(connection) == [CallTimedOut(second)]


def test_calls_that_wait_are_bounded() -> None:
    connection = csms(limits=Limits(queued_calls=2))
    received(connection, 2, "1", "Heartbeat", {})
    for _ in range(2):
        connection.call(CLEAR, now=0)
    before = state_of(connection)
    with pytest.raises(QueueFull, match="2 calls are waiting"):
        connection.call(CLEAR, now=1)
    assert state_of(connection) == before


def test_a_send_does_not_wait() -> None:
    # J21-304
    connection = Connection(Role.CHARGING_STATION, "2.1", half_duplex=True)
    received(connection, 2, "1", "ClearCache", {})
    connection.send(NotifyPeriodicEventStream(**STREAM), now=0)
    assert [frame[0] for frame in sent(connection)] == [6]


def test_with_full_duplex_a_call_crosses() -> None:
    # J16-303
    connection = Connection(Role.CSMS, "1.6")
    received(connection, 2, "1", "Heartbeat", {})
    connection.call(CLEAR, now=0)
    assert [frame[0] for frame in sent(connection)] == [2]


def test_a_boot_gate_holds_calls_back_as_well() -> None:
    state = StationState()
    station = Connection(Role.CHARGING_STATION, "1.6", half_duplex=True, state=state, boot_gate=BootGate())
    held = station.call(Raw("Heartbeat"), now=0)
    owed = received(station, 2, "1", "ClearCache", {})
    boot = station.call(Raw("BootNotification"), now=0)
    assert sent(station) == []
    station.reply_error(owed, NotSupportedError())
    assert [frame[1] for frame in sent(station)] == ["1", boot.id]
    assert station.calls == (boot, held)


def test_when_the_link_closes_nothing_waits_any_more() -> None:
    connection = csms()
    received(connection, 2, "1", "Heartbeat", {})
    connection.call(CLEAR, now=0)
    connection.receive_close()
    assert (connection.calls, connection.owed) == ((), ())
    assert sent(connection) == []


def test_what_only_waits_for_the_answer_goes_after_it_though_others_are_held_back_by_the_gate() -> None:
    station = Connection(Role.CHARGING_STATION, "1.6", half_duplex=True, boot_gate=BootGate())
    station.call(call.Heartbeat(), now=0.0)
    station.handle_timeout(now=0.0)  # looks at the heartbeat, and holds it back
    station.receive_text('[2,"1","ClearCache",{}]', now=0.0)
    boot = station.call(call.BootNotification(charge_point_vendor="v", charge_point_model="m"), now=0.0)
    station.reply_error(station.owed[0], NotSupportedError())
    assert frames_of(station)[1:] == [f'[2,"{boot.id}","BootNotification",{encode(boot.request)}]']


def test_a_gate_looks_again_when_other_actions_are_asked_for_as_many_as_before() -> None:
    state = StationState(boot="Pending", requested={"Heartbeat"})  # type: ignore[arg-type]
    station = Connection(Role.CHARGING_STATION, "1.6", state=state, boot_gate=BootGate())
    authorize = station.call(call.Authorize(id_tag="x"), now=0.0)
    station.handle_timeout(now=0.0)
    state.requested = {"Authorize"}
    station.handle_timeout(now=1.0)
    assert len(frames_of(station)) == 1
    assert station.calls == (authorize,)
