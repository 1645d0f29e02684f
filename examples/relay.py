"""A relay between a station and its CSMS, as a Local Controller is one: two connections in a row that judge
nothing and pass each frame on byte for byte, under the same id.
"""

from contextlib import suppress

from ocpp_sansio import (
    CallErrorReceived,
    CallFailed,
    CallLost,
    CallReceived,
    CallResultErrorReceived,
    CallResultReceived,
    CallTimedOut,
    Connection,
    ConnectionClosed,
    Event,
    LateResponseReceived,
    LocalProtocolError,
    OCPPError,
    PendingCall,
    QueueFull,
    Raw,
    Role,
    SendReceived,
)
from ocpp_sansio.errors import GenericError
from ocpp_sansio.messages import Origin, Response
from ocpp_sansio.v16 import call, call_result

MOST_UNANSWERED = 16  # calls that timed out, for an answer may still come
MOST_RESULTS = 8  # that their receiver may still reject


class Relay:
    """`down` leads to the station, `up` to the CSMS. Give each what arrives, then `pass_on`, then send the
    frames of both.
    """

    def __init__(self, version: str) -> None:
        self.down = Connection(Role.CSMS, version, validation="off")
        self.up = Connection(Role.CHARGING_STATION, version, validation="off")
        # By connection: what it asks, on account of which call to the other one; the last results it got.
        self.asked: dict[Connection, dict[PendingCall, CallReceived]] = {self.down: {}, self.up: {}}
        self.results: dict[Connection, dict[str, CallResultReceived]] = {self.down: {}, self.up: {}}

    def pass_on(self, *, now: float) -> list[Event]:
        """Let each side say what the other one has heard. Returns what is for nobody else's ears."""
        rest = []
        for here, there in ((self.down, self.up), (self.up, self.down)):
            while (event := here.next_event()) is not None:
                if not self._tell(event, here, there, now):
                    rest.append(event)
        return rest

    def station_left(self, *, now: float) -> list[Event]:
        """The station is gone: nobody waits for what it has asked. Close the upstream link then (J201-903)."""
        rest = self.pass_on(now=now)  # what it said before
        self.down.receive_close(now=now)
        for pending in self.asked[self.up]:
            self.up.abandon(pending, now=now)
        return rest + self.pass_on(now=now)

    def _tell(self, event: Event, here: Connection, there: Connection, now: float) -> bool:
        asked = self.asked[here]
        match event:
            case CallReceived(id, _, request):
                try:
                    self.asked[there][there.call(request, id=id, now=now)] = event
                except (ValueError, QueueFull, ConnectionClosed) as problem:
                    self._answer(here, event, GenericError(str(problem)))
            case CallResultReceived(pending, response) if pending in asked:
                self._answer(there, asked.pop(pending), response)
                self.results[here][pending.id] = event
                if len(self.results[here]) > MOST_RESULTS:
                    del self.results[here][next(iter(self.results[here]))]
            case LateResponseReceived(pending, dict(payload), None, text) if pending in asked:
                origin = Origin(here.version.value, 3, pending.id, text)
                self._answer(there, asked.pop(pending), Raw(pending.action, payload, origin))
            case CallErrorReceived(pending, e) | LateResponseReceived(pending, _, e) if pending in asked:
                self._answer(there, asked.pop(pending), e or GenericError("the answer was truncated"))
            case CallFailed(pending) | CallLost(pending) if pending in asked:
                self._answer(there, asked.pop(pending), GenericError("the answer was lost"))
            case CallTimedOut(pending) if pending in asked:  # silence, too, is passed on: up to a bound
                if len(asked) > MOST_UNANSWERED:
                    self._answer(there, asked.pop(next(iter(asked))), GenericError("no answer in time"))
            case SendReceived(id, _, message):
                with suppress(ValueError, LocalProtocolError, QueueFull, ConnectionClosed):
                    there.send(message, id=id, now=now)
            case CallResultErrorReceived(str(id), _, error) if id in self.results[there]:
                with suppress(LocalProtocolError, ConnectionClosed):
                    there.reject_result(self.results[there].pop(id), error)
            case _:
                return False
        return True

    def _answer(self, side: Connection, received: CallReceived, answer: Response | OCPPError) -> None:
        with suppress(ConnectionClosed):
            if isinstance(answer, OCPPError):
                side.reply_error(received, answer)
            else:
                side.reply(received, answer)


def main() -> None:
    """A station boots through a relay, in memory."""
    relay = Relay("1.6")
    station, csms = Connection(Role.CHARGING_STATION, "1.6"), Connection(Role.CSMS, "1.6")
    links = {
        "station -> relay": (station, relay.down),
        "relay -> CSMS": (relay.up, csms),
        "CSMS -> relay": (csms, relay.up),
        "relay -> station": (relay.down, station),
    }

    def carry(*names: str) -> None:
        for name in names:
            sender, receiver = links[name]
            while text := sender.next_frame():
                print(f"{name:17}{text}")
                receiver.receive_text(text, now=0.0)
                relay.pass_on(now=0.0)

    request = call.BootNotification(charge_point_vendor="acme", charge_point_model="One")
    boot = station.call(request, now=0.0, id="boot-1")
    carry("station -> relay", "relay -> CSMS")
    if isinstance(received := csms.next_event(), CallReceived):
        now = "2025-01-01T12:00:00Z"
        csms.reply(received, call_result.BootNotification(status="Accepted", current_time=now, interval=300))
    carry("CSMS -> relay", "relay -> station")
    if answer := boot.response_in(station.next_event()):
        print(f"station: {answer.status}")


if __name__ == "__main__":
    main()
