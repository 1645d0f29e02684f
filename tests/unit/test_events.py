"""Events: a flat union of classes with slots, and reprs of a readable size."""

from typing import Any, get_args

import attrs
import pytest

from ocpp_sansio import (
    CallErrorReceived,
    CallFailed,
    CallReceived,
    CallResultErrorReceived,
    CallResultReceived,
    Connection,
    DuplicateCallReceived,
    Event,
    FrameRejected,
    LateResponseReceived,
    PendingCall,
    Rejection,
    Role,
    SendReceived,
    UnmatchedResponseReceived,
    Version,
    events,
)
from ocpp_sansio.errors import GenericError
from ocpp_sansio.v16 import call
from tests.pair import events_of, receive
from tests.unit.exchange import asked

KINDS = get_args(Event)


def test_the_union_is_what_the_module_offers() -> None:
    classes = {getattr(events, name) for name in events.__all__} - {Event, PendingCall}
    assert set(KINDS) == classes


@pytest.mark.parametrize("kind", [*KINDS, PendingCall])
def test_events_are_final_slotted_attrs_classes(kind: type) -> None:
    assert attrs.has(kind)
    assert kind.__final__
    assert not hasattr(object.__new__(kind), "__dict__")


def test_events_compare_by_value_and_calls_by_identity() -> None:
    assert CallReceived("1", "Heartbeat", call.Heartbeat(), {}, (), "x") == CallReceived(
        "1", "Heartbeat", call.Heartbeat(), {}, (), "x"
    )
    assert PendingCall("1", "Heartbeat", call.Heartbeat(), 1) != PendingCall(
        "1", "Heartbeat", call.Heartbeat(), 1
    )


def test_a_frame_of_megabytes_does_not_flood_the_repr() -> None:
    small = FrameRejected("[]", Rejection.NOT_A_FRAME, GenericError("d"), None)
    assert "text='[]'" in repr(small)
    large = FrameRejected("x" * 10**7, Rejection.NOT_JSON, GenericError("d"), None)
    assert "10000000 characters" in repr(large)
    assert len(repr(large)) < 500


HUGE = "x" * 200_000

#: How each kind of event comes by huge content: what was received before, and the frame that brings it.
HUGE_FRAMES: dict[type, list[tuple[Any, ...]]] = {
    CallReceived: [(2, "1", "DataTransfer", {"vendorId": "a", "data": HUGE})],
    DuplicateCallReceived: [(2, "1", "DataTransfer", {"vendorId": "a", "data": HUGE})] * 2,
    FrameRejected: [(2, "1", "DataTransfer", {"vendorId": "a", HUGE: HUGE})],
    CallResultReceived: [(3, "q", {"status": "Accepted", "data": HUGE})],
    CallFailed: [(3, "q", {"status": HUGE})],
    CallErrorReceived: [(4, "q", "GenericError", HUGE, {"a": HUGE})],
    UnmatchedResponseReceived: [(3, HUGE, {"a": HUGE})],
    CallResultErrorReceived: [(5, "z", "GenericError", HUGE, {"a": HUGE})],
}


def huge(kind: type) -> Event:
    csms = Connection(Role.CSMS, "2.1")
    pending = csms.call(Version.V21.load()["DataTransfer"](vendor_id="a"), now=0, id="q")
    csms.next_frame()
    assert pending.released
    for frame in HUGE_FRAMES[kind]:
        [event] = receive(csms, *frame)
    return event


@pytest.mark.parametrize("kind", HUGE_FRAMES)
def test_the_repr_of_an_event_is_short_however_much_the_peer_has_sent(kind: type) -> None:
    event = huge(kind)
    assert type(event) is kind
    assert len(repr(event)) < 10_000


def test_an_unmatched_error_does_not_flood_the_repr() -> None:
    [event] = receive(Connection(Role.CSMS, "1.6"), 4, "z", HUGE, HUGE, {"a": HUGE})
    assert isinstance(event, UnmatchedResponseReceived)
    assert len(repr(event)) < 10_000


def test_a_late_error_does_not_flood_the_repr() -> None:
    csms = Connection(Role.CSMS, "1.6")
    pending = asked(csms, "ClearCache")
    csms.handle_timeout(now=30)
    events_of(csms)
    [event] = receive(csms, 4, pending.id, "GenericError", HUGE, {})
    assert isinstance(event, LateResponseReceived)
    assert len(repr(event)) < 10_000


@pytest.mark.parametrize("kind", [2, 6])
def test_an_action_that_is_not_judged_does_not_flood_the_repr(kind: int) -> None:
    csms = Connection(Role.CSMS, "2.1", validation="off")
    [event] = receive(csms, kind, "1", HUGE, {"a": HUGE})
    assert isinstance(event, (CallReceived, SendReceived))
    assert len(repr(event)) < 10_000


def test_content_of_everyday_size_is_shown_whole() -> None:
    [event] = receive(Connection(Role.CSMS, "1.6"), 2, "1", "Authorize", {"idTag": "x"})
    assert repr(event) == (
        "CallReceived(id='1', action='Authorize', request=Authorize(id_tag='x'), payload={'idTag': 'x'}, "
        'violations=(), text=\'[2, "1", "Authorize", {"idTag": "x"}]\')'
    )
