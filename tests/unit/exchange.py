"""What tests of connections have in common: what was sent, as JSON, and the ways to begin."""

import json
from typing import Any

from ocpp_sansio import BootStatus, CallReceived, Connection, FrameRejected, PendingCall, Raw, StationState
from tests.pair import events_of, frames_of, receive

#: Valid payloads of the SEND of OCPP 2.1 and of the answer to a BootNotification.
STREAM = {"data": [{"t": 1.5, "v": "2"}], "id": 1, "pending": 0, "basetime": "2024-05-01T12:00:00Z"}
BOOTED = {"status": "Accepted", "currentTime": "2024-05-01T12:00:00Z", "interval": 300}


def sent(connection: Connection) -> list[list[Any]]:
    """Pull every frame and read it."""
    return [json.loads(frame) for frame in frames_of(connection)]


def asked(connection: Connection, action: str = "Heartbeat", id: str | None = None) -> PendingCall[Any]:
    """A call of ours that is on the wire, and whose answer is not judged."""
    pending = connection.call(Raw(action), now=0.0, id=id)
    frames_of(connection)
    return pending


def received(connection: Connection, *frame: object) -> CallReceived:
    """A call of the peer that waits for our answer."""
    [event] = receive(connection, *frame)
    assert isinstance(event, CallReceived)
    return event


def rejected(connection: Connection, *frame: object) -> tuple[FrameRejected, list[list[Any]]]:
    """A frame that is not accepted, and what was sent in answer."""
    [event] = receive(connection, *frame)
    assert isinstance(event, FrameRejected)
    return event, sent(connection)


def rejected_text(connection: Connection, text: str) -> tuple[FrameRejected, list[list[Any]]]:
    """The same for a text."""
    connection.receive_text(text, now=0.0)
    [event] = events_of(connection)
    assert isinstance(event, FrameRejected)
    return event, sent(connection)


def known(boot: str = "Unknown") -> StationState:
    """A station of this boot status."""
    return StationState("CP1", boot=BootStatus(boot))


def boot_of(connection: Connection) -> CallReceived:
    """A BootNotification that the connection has received."""
    old = {"chargePointVendor": "acme", "chargePointModel": "x1"}
    new = {"reason": "PowerUp", "chargingStation": {"model": "x1", "vendorName": "acme"}}
    return received(
        connection, 2, "boot", "BootNotification", old if connection.version.value == "1.6" else new
    )
