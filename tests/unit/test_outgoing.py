"""Slot, queue and deadlines, by themselves."""

import pytest

from ocpp_sansio import PendingCall, QueueFull
from ocpp_sansio._outgoing import Outgoing
from ocpp_sansio.v16 import call


def pending(id: str, timeout: float = 30) -> PendingCall:
    return PendingCall(id, "Heartbeat", call.Heartbeat(), timeout)


@pytest.fixture
def outgoing() -> Outgoing:
    return Outgoing(capacity=3, memory=2)


def sent(call: PendingCall) -> PendingCall:
    call.released = True
    return call


def test_the_first_call_has_its_turn_and_the_others_wait(outgoing: Outgoing) -> None:
    first, second = pending("1"), pending("2")
    assert outgoing.add(first, 10, None)
    assert not outgoing.add(second, 11, None)
    assert outgoing.slot is first
    assert outgoing.calls == (first, second)
    assert outgoing.knows("2")
    assert not outgoing.knows("3")


def test_room_is_checked_for_those_who_would_wait(outgoing: Outgoing) -> None:
    for n in range(4):
        outgoing.check_room()
        outgoing.add(pending(str(n)), 0, None)
    with pytest.raises(QueueFull):
        outgoing.check_room()


def test_no_deadline_without_calls(outgoing: Outgoing) -> None:
    assert outgoing.deadline is None
    assert outgoing.take_expired(1e9) == []
    assert outgoing.next_turn(0, lambda action: True) is None


def test_the_deadline_is_the_earliest_of_slot_and_queue(outgoing: Outgoing) -> None:
    outgoing.add(pending("1", timeout=5), 10, None)
    assert outgoing.deadline == 15
    outgoing.add(pending("2"), 10, 9)
    assert outgoing.deadline == 15
    outgoing.add(pending("3"), 10, 1)
    assert outgoing.deadline == 11


def test_a_free_slot_with_a_waiting_queue_still_has_the_queues_deadline(outgoing: Outgoing) -> None:
    first = sent(pending("1"))
    outgoing.add(first, 0, None)
    outgoing.add(pending("2"), 0, 4)
    assert outgoing.answered("1") is first
    outgoing.free_slot()
    assert outgoing.deadline == 4


def test_a_call_that_left_the_queue_no_longer_expires(outgoing: Outgoing) -> None:
    first, second, third = sent(pending("1")), pending("2"), pending("3")
    outgoing.add(first, 0, None)
    outgoing.add(second, 0, 8)
    outgoing.add(third, 0, 4)
    outgoing.free_slot()
    assert outgoing.next_turn(1, lambda action: True) is second
    assert outgoing.take_expired(8) == [third]
    assert outgoing.deadline == 31


def test_an_expiry_below_the_top_surfaces_later(outgoing: Outgoing) -> None:
    outgoing.add(pending("1"), 0, None)
    early, late = pending("2"), pending("3")
    outgoing.add(early, 0, 4)
    outgoing.add(late, 0, 8)
    assert outgoing.take_waiting(late)
    assert outgoing.deadline == 4
    assert outgoing.take_waiting(early)
    assert outgoing.deadline == 30


@pytest.mark.parametrize("id", ["2", "", None, 1, [], {}])
def test_only_the_call_on_the_wire_can_be_answered(outgoing: Outgoing, id: object) -> None:
    outgoing.add(sent(pending("1")), 0, None)
    outgoing.add(pending("2"), 0, None)
    assert outgoing.answered(id) is None


def test_a_waiting_call_can_be_taken_back_and_one_on_the_wire_cannot(outgoing: Outgoing) -> None:
    first, second = pending("1"), pending("2")
    outgoing.add(first, 0, None)
    outgoing.add(second, 0, None)
    assert outgoing.take_waiting(second)
    assert not outgoing.take_waiting(second)
    assert outgoing.take_waiting(first)
    assert outgoing.slot is None
    outgoing.add(sent(first), 0, None)
    assert not outgoing.take_waiting(first)


def test_only_calls_that_were_sent_can_be_answered_late(outgoing: Outgoing) -> None:
    outgoing.add(pending("1", timeout=1), 0, None)
    outgoing.take_expired(1)
    assert outgoing.take_late("1") is None
    second = sent(pending("2", timeout=1))
    outgoing.add(second, 0, None)
    outgoing.take_expired(1)
    assert outgoing.take_late("2") is second
    assert outgoing.take_late("2") is None
    assert outgoing.take_late(7) is None


def test_everything_is_taken_at_the_end(outgoing: Outgoing) -> None:
    calls = pending("1"), pending("2"), pending("3")
    for call_ in calls:
        outgoing.add(call_, 0, 5)
    assert outgoing.take_all() == calls
    assert outgoing.calls == ()
    assert outgoing.deadline is None


def test_calls_that_left_the_queue_are_not_kept_for_their_expiry(outgoing: Outgoing) -> None:
    outgoing.add(pending("slot"), 0, None)
    outgoing.add(pending("early"), 0, 5)
    for n in range(1000):
        call_ = pending(str(n))
        outgoing.add(call_, 0, 100)
        assert outgoing.take_waiting(call_)
    assert len(outgoing._expiries) < 20
    assert outgoing.deadline == 5


# Calls that may not go yet.


def test_a_call_that_may_not_go_waits_before_a_free_slot(outgoing: Outgoing) -> None:
    first = pending("1")
    assert not outgoing.add(first, 0, None, may_go=False)
    assert outgoing.slot is None
    assert outgoing.calls == (first,)
    assert outgoing.knows("1")


def test_only_the_queue_has_room_for_a_call_that_may_not_go(outgoing: Outgoing) -> None:
    for n in range(3):
        outgoing.check_room(may_go=False)
        outgoing.add(pending(str(n)), 0, None, may_go=False)
    with pytest.raises(QueueFull, match="3 calls are waiting"):
        outgoing.check_room(may_go=False)
    outgoing.check_room()


def test_the_first_call_that_may_go_has_its_turn(outgoing: Outgoing) -> None:
    held = PendingCall("1", "Held", call.Heartbeat(), 30)
    free = pending("2")
    outgoing.add(held, 0, None, may_go=False)
    outgoing.add(free, 0, 5, may_go=False)
    assert outgoing.next_turn(7, lambda action: action != "Held") is free
    assert outgoing.calls == (free, held)
    assert outgoing.deadline == 37


def test_where_no_call_may_go_none_has_its_turn(outgoing: Outgoing) -> None:
    outgoing.add(pending("1"), 0, None, may_go=False)
    assert outgoing.next_turn(0, lambda action: False) is None
    assert outgoing.slot is None


# Answers that can be rejected.


def answered_by(outgoing: Outgoing, id: str) -> PendingCall:
    call_ = sent(pending(id))
    outgoing.add(call_, 0, None)
    outgoing.free_slot()
    return call_


def test_an_answer_can_be_rejected_once() -> None:
    outgoing = Outgoing(3, 2, rejectable=True)
    call_ = answered_by(outgoing, "1")
    assert outgoing.rejectable(call_)
    outgoing.reject(call_)
    assert not outgoing.rejectable(call_)


def test_an_answer_to_another_call_of_the_same_id_cannot_be_rejected() -> None:
    outgoing = Outgoing(3, 2, rejectable=True)
    answered_by(outgoing, "1")
    assert not outgoing.rejectable(pending("1"))


def test_only_the_last_few_answers_can_be_rejected() -> None:
    outgoing = Outgoing(3, 2, rejectable=True)
    calls = [answered_by(outgoing, str(n)) for n in range(9)]
    assert [outgoing.rejectable(call_) for call_ in calls] == [False, *[True] * 8]


def test_where_answers_cannot_be_rejected_none_is_kept(outgoing: Outgoing) -> None:
    call_ = answered_by(outgoing, "1")
    assert not outgoing.rejectable(call_)
    outgoing.reject(call_)
