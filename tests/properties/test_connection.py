"""Properties of Connection that hold for any input, clock and order of things."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ocpp_sansio import CallReceived, CallResultReceived, Connection, Event, Limits, Role
from ocpp_sansio.errors import NotSupportedError
from ocpp_sansio.v16 import call
from tests.pair import events_of, frames_of, state_of
from tests.properties.strategies import inputs

ASKS = {Role.CSMS: call.ClearCache, Role.CHARGING_STATION: call.Heartbeat}
ANSWERS = {Role.CSMS: {"status": "Accepted"}, Role.CHARGING_STATION: {"currentTime": "2024-05-01T12:00:00Z"}}

roles = st.sampled_from(Role)


def assert_works(connection: Connection, now: float) -> None:
    """The connection still asks and is answered, hears and answers."""
    for received in connection.owed:
        connection.reply_error(received, NotSupportedError())
    while connection.deadline is not None:
        now = connection.deadline
        connection.handle_timeout(now=now)
        frames_of(connection)
    events_of(connection)
    frames_of(connection)
    role = connection.role
    assert role is not None
    pending = connection.call(ASKS[role](), now=now)
    [frame] = frames_of(connection)
    assert json.loads(frame)[1] == pending.id
    connection.receive_text(json.dumps([3, pending.id, ANSWERS[role]]), now=now)
    [event] = events_of(connection)
    assert isinstance(event, CallResultReceived)
    assert pending.response_in(event) is not None
    connection.receive_text(json.dumps([2, "works", ASKS[role.peer].__action__, {}]), now=now)
    [received] = events_of(connection)
    assert isinstance(received, CallReceived)


@settings(max_examples=400)
@given(roles, st.lists(inputs, max_size=5), st.booleans())
def test_nothing_that_arrives_raises_and_the_connection_goes_on(
    role: Role, arrived: list[str | bytes], asks: bool
) -> None:
    connection = Connection(role, "1.6")
    if asks:
        connection.call(ASKS[role](), now=0.0, id="1")
        frames_of(connection)
    for text in arrived:
        connection.receive_text(text, now=1.0)
        for event in events_of(connection):
            assert repr(event)
        for frame in frames_of(connection):
            # Whatever we say to garbage is itself a frame that 1.6 knows: an error, or a call that got its turn.
            message = json.loads(frame)
            assert message[0] in (2, 4)
            assert frame.isascii()
            assert message[0] == 2 or (
                len(message) == 5 and len(message[1]) <= 255 and len(message[3]) <= 255
            )
    assert_works(connection, 1.0)


@settings(max_examples=200)
@given(roles, st.lists(inputs, max_size=30))
def test_one_frame_in_gives_at_most_one_wire_event(role: Role, arrived: list[str | bytes]) -> None:
    connection = Connection(role, "1.6")
    for text in arrived:
        connection.receive_text(text, now=1.0)
        kinds = [type(event).__name__ for event in events_of(connection)]
        assert len([kind for kind in kinds if kind != "CloseRequested"]) <= 1
        assert len(frames_of(connection)) <= 1


@settings(max_examples=100)
@given(roles, st.lists(inputs, min_size=5, max_size=40))
def test_what_is_held_is_bounded_whatever_arrives(role: Role, arrived: list[str | bytes]) -> None:
    connection = Connection(role, "1.6", limits=Limits(undrained=8, open_calls=3, remembered_ids=2))
    for text in arrived:
        connection.receive_text(text, now=1.0)
        assert len(connection.owed) <= 3
    assert len(events_of(connection)) + len(frames_of(connection)) <= 8 + 2


# A session as data: what a user and a peer do, at which instants.

gaps = st.sampled_from([0.0, 0.5, 1.0, 4.0, 5.0, 30.0])
steps = st.one_of(
    st.tuples(st.just("call"), gaps, st.sampled_from([None, 1.0, 5.0]), st.sampled_from([None, 1.0, 4.0])),
    st.tuples(st.just("result"), gaps, st.integers(0, 3)),
    st.tuples(st.just("error"), gaps, st.integers(0, 3)),
    st.tuples(st.just("ask"), gaps, st.integers(0, 3)),
    st.tuples(st.just("answer"), gaps),
    st.tuples(st.just("abandon"), gaps, st.integers(0, 3)),
    st.tuples(st.just("timeout"), gaps),
    st.tuples(st.just("garbage"), gaps),
)
sessions = st.lists(steps, max_size=25)


class Session:
    """Plays steps on a connection and writes down what it did."""

    def __init__(
        self,
        *,
        spurious: bool = False,
        late_drain: bool = False,
        shift: float = 0.0,
        travels: float | None = None,
    ) -> None:
        self.connection = Connection(Role.CHARGING_STATION, "1.6", call_timeout=5.0)
        self.connection._id_prefix = "id"
        self.spurious, self.late_drain, self.now = spurious, late_drain, 1000.0 + shift
        self.travels = travels
        self.made: list[Any] = []
        self.frames: list[str] = []
        self.events: list[Event] = []
        self.deadlines: list[float | None] = []
        self.shift = shift

    def play(self, session: list[tuple[Any, ...]]) -> "Session":
        for name, gap, *rest in session:
            self.now += gap
            getattr(self, name)(*rest)
            if self.spurious:
                before = state_of(self.connection)
                due = self.connection.deadline is not None and self.connection.deadline <= self.now
                if not due:
                    self.connection.handle_timeout(now=self.now)
                    assert state_of(self.connection)[:-1] == before[:-1]
            if self.travels is not None:
                self.events += events_of(self.connection)
                self.travel(self.travels)
            # Frames leave at once: what the peer may answer is what it has seen.
            self.frames += frames_of(self.connection)
            if not self.late_drain:
                self.events += events_of(self.connection)
            deadline = self.connection.deadline
            self.deadlines.append(None if deadline is None else deadline - self.shift)
        self.events += events_of(self.connection)
        return self

    def travel(self, by: float) -> None:
        """Go on in another process, whose clock is ahead by so much."""
        snapshot = json.loads(json.dumps(self.connection.snapshot(now=self.now)))
        self.now += by
        self.shift += by
        self.connection = Connection.restore(snapshot, now=self.now, call_timeout=5.0)
        live = {pending.id: pending for pending in self.connection.calls}
        self.made = [live.get(pending.id, pending) for pending in self.made]
        assert json.loads(json.dumps(self.connection.snapshot(now=self.now))) == snapshot

    def seen(self) -> tuple[list[str], list[str], list[float | None]]:
        return self.frames, [repr(event) for event in self.events], self.deadlines

    def call(self, timeout: float | None, queue_timeout: float | None) -> None:
        request = call.Heartbeat()
        self.made.append(
            self.connection.call(request, now=self.now, timeout=timeout, queue_timeout=queue_timeout)
        )

    def _id(self, back: int) -> str:
        return self.made[-1 - back].id if back < len(self.made) else "nobody"

    def result(self, back: int) -> None:
        payload = {"currentTime": "2024-05-01T12:00:00Z"}
        self.connection.receive_text(json.dumps([3, self._id(back), payload]), now=self.now)

    def error(self, back: int) -> None:
        self.connection.receive_text(json.dumps([4, self._id(back), "InternalError", "", {}]), now=self.now)

    def ask(self, id: int) -> None:
        self.connection.receive_text(json.dumps([2, str(id), "ClearCache", {}]), now=self.now)

    def answer(self) -> None:
        if self.connection.owed:
            self.connection.reply_error(self.connection.owed[0], NotSupportedError())

    def abandon(self, back: int) -> None:
        if back < len(self.made):
            self.connection.abandon(self.made[-1 - back], now=self.now)

    def timeout(self) -> None:
        self.connection.handle_timeout(now=self.now)
        assert self.connection.deadline is None or self.connection.deadline > self.now

    def garbage(self) -> None:
        self.connection.receive_text("[2", now=self.now)


@settings(max_examples=400)
@given(sessions)
def test_spurious_handle_timeout_changes_nothing(session: list[tuple[Any, ...]]) -> None:
    assert Session(spurious=True).play(session).seen() == Session().play(session).seen()


@settings(max_examples=400)
@given(sessions)
def test_when_events_are_drained_changes_nothing(session: list[tuple[Any, ...]]) -> None:
    assert Session(late_drain=True).play(session).seen() == Session().play(session).seen()


@settings(max_examples=400)
@given(sessions, st.sampled_from([-900.0, 1024.0, 2.0**20]))
def test_shifting_every_instant_changes_nothing(session: list[tuple[Any, ...]], shift: float) -> None:
    assert Session(shift=shift).play(session).seen() == Session().play(session).seen()


@settings(max_examples=300)
@given(sessions, st.sampled_from([0.0, 4096.0, -512.0]))
def test_going_on_elsewhere_after_each_step_changes_nothing(
    session: list[tuple[Any, ...]], ahead: float
) -> None:
    assert Session(travels=ahead).play(session).seen() == Session().play(session).seen()


@settings(max_examples=400)
@given(sessions)
def test_every_call_ends_exactly_once_and_one_at_a_time_is_on_the_wire(
    session: list[tuple[Any, ...]],
) -> None:
    played = Session().play(session)
    played.connection.receive_close()
    played.events += events_of(played.connection)
    ends = ("CallResultReceived", "CallErrorReceived", "CallFailed", "CallTimedOut", "CallLost")
    ended = [event.pending for event in played.events if type(event).__name__ in ends]  # type: ignore[union-attr]
    assert sorted(map(id, ended)) == sorted(map(id, played.made))
    sent = [json.loads(frame)[1] for frame in played.frames if json.loads(frame)[0] == 2]
    assert sent == [pending.id for pending in played.made if pending.released]
