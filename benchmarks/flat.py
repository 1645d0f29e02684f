"""Whether a message costs the same after a hundred thousand of them, and while a thousand calls wait."""

from collections import deque

from ocpp_sansio import CallReceived, Connection, Role
from ocpp_sansio.v16 import call

from .messages import MESSAGES
from .report import Row, Table, at_most
from .timing import Run, in_turns, median, progress

__all__ = ["measure"]

GOAL = 1.2  # times what it cost at the beginning; what is more than noise
MESSAGES_BEFORE = 100_000
CALLS_BEFORE = 20_000
WAITING = 1000
HEARTBEAT = MESSAGES[0]
ANSWER = '{"currentTime":"2026-05-01T12:00:00.250Z"}'


def measure(rounds: int) -> list[Table]:
    """A connection at its beginning beside one with a past, in turns."""
    progress("whether the cost is flat")
    fresh, used = _receiving(Connection(Role.CSMS, "1.6")), _receiving(Connection(Role.CSMS, "1.6"))
    used(MESSAGES_BEFORE)
    asking, asked = _calling(waiting=0), _calling(waiting=0)
    asked(CALLS_BEFORE)
    pairs: list[tuple[str, Run, Run]] = [
        (f"receive and answer, after {MESSAGES_BEFORE:,}", fresh, used),
        (f"call and its answer, after {CALLS_BEFORE:,}", asking, asked),
        (f"call and its answer, {WAITING:,} waiting", asking, _calling(waiting=WAITING - 1)),
    ]
    rows = []
    for name, first, later in pairs:
        before, after = (
            median(times) for times in in_turns({"first": first, "later": later}, rounds).values()
        )
        rows.append(
            Row(name, [before, after, after / before], [at_most("later/first", after / before, GOAL)])
        )
    return [Table("Cost of a Heartbeat, µs", ["first", "later", "later/first"], rows)]


def _receiving(connection: Connection) -> Run:
    def run(count: int) -> None:
        for _ in range(count):
            connection.receive_text(HEARTBEAT.text, now=1.0)
            received = connection.next_event()
            assert isinstance(received, CallReceived)
            connection.reply(received, HEARTBEAT.response())
            assert connection.next_frame() is not None

    return run


def _calling(waiting: int) -> Run:
    """Calls that are answered one by one, with so many in the queue all the while."""
    connection = Connection(Role.CHARGING_STATION, "1.6")
    calls = deque(connection.call(call.Heartbeat(), now=1.0) for _ in range(waiting))

    def run(count: int) -> None:
        for _ in range(count):
            calls.append(connection.call(call.Heartbeat(), now=1.0))
            assert connection.next_frame() is not None
            connection.receive_text(f'[3,"{calls.popleft().id}",{ANSWER}]', now=1.0)
            assert connection.next_event() is not None

    return run
