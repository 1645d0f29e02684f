"""Two connections wired to each other, for tests: every frame that one side pulls, the other receives."""

import json

import attrs

from ocpp_sansio import CallReceived, Connection, Event, PendingCall, Role
from ocpp_sansio.messages import Request


def events_of(connection: Connection) -> list[Event]:
    """Pull every event."""
    found = []
    while (event := connection.next_event()) is not None:
        found.append(event)
    return found


def frames_of(connection: Connection) -> list[str]:
    """Pull every frame."""
    found = []
    while (frame := connection.next_frame()) is not None:
        found.append(frame)
    return found


def state_of(connection: Connection) -> tuple[object, ...]:
    """What a refused verb must leave alone."""
    return (
        connection.deadline,
        connection.calls,
        connection.owed,
        connection.closed,
        connection.consecutive_timeouts,
        tuple(connection._frames),
        tuple(connection._events),
        connection._now,
    )


def receive(connection: Connection, *frame: object, now: float = 0.0) -> list[Event]:
    """Let a frame arrive, and pull what it caused."""
    connection.receive_text(json.dumps(frame), now=now)
    return events_of(connection)


@attrs.define
class Pair:
    """A station and a CSMS of OCPP 1.6 on one clock."""

    now: float = 100.0
    station: Connection = attrs.field(factory=lambda: Connection(Role.CHARGING_STATION, "1.6"))
    csms: Connection = attrs.field(factory=lambda: Connection(Role.CSMS, "1.6"))

    def deliver(self) -> None:
        """Carry every frame to the other side until both are silent."""
        while True:
            frames = [(self.csms, text) for text in frames_of(self.station)]
            frames += [(self.station, text) for text in frames_of(self.csms)]
            if not frames:
                return
            for receiver, text in frames:
                receiver.receive_text(text, now=self.now)

    def ask(self, request: Request, **options: object) -> tuple[PendingCall, CallReceived]:
        """The station asks; the CSMS has received it."""
        pending = self.station.call(request, now=self.now, **options)
        self.deliver()
        [received] = events_of(self.csms)
        assert isinstance(received, CallReceived)
        return pending, received
