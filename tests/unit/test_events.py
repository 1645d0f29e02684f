"""Events: a flat union of classes with slots, and reprs of a readable size."""

from typing import get_args

import attrs
import pytest

from ocpp_sansio import CallReceived, Event, FrameRejected, PendingCall, Rejection, events
from ocpp_sansio.errors import GenericError
from ocpp_sansio.v16 import call

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
