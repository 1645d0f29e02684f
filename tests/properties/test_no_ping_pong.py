"""Properties of two of our own connections, of any version and with any policies, on a wire on which rubbish
arrives: they fall silent, they go on working, and what is refused or shifted in time changes nothing.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from math import inf, nan
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocpp_sansio import (
    BootGate,
    BootStatus,
    CallReceived,
    CallResultReceived,
    Connection,
    ConnectionClosed,
    Duplicates,
    Event,
    Limits,
    LocalProtocolError,
    PendingCall,
    QueueFull,
    Raw,
    Role,
    SchemaViolation,
    StationState,
    Strictness,
    Validation,
    Version,
)
from ocpp_sansio.errors import NotSupportedError
from ocpp_sansio.strategies import frames, near_valid_frames, texts
from tests.pair import events_of, frames_of, state_of
from tests.properties.strategies import TRAPS

STREAM = "NotifyPeriodicEventStream"
MOST_QUEUED = 2
BOOT = "BootNotification"
ASKS = {Role.CSMS: "ClearCache", Role.CHARGING_STATION: "Heartbeat"}
SMALL = {
    Version.V16: {"chargePointVendor": "v", "chargePointModel": "m"},
    Version.V201: {"reason": "PowerUp", "chargingStation": {"vendorName": "v", "model": "m"}},
    Version.V21: {"reason": "PowerUp", "chargingStation": {"vendorName": "v", "model": "m"}},
}
ACCEPTED = {"status": "Accepted", "currentTime": "2025-01-01T12:00:00Z", "interval": 300}

#: What a connection may send of itself when a message of this type arrives: nothing ever answers an error. The
#: end of a call may let the next one go, and only 2.1 has an answer to an answer.
REACTIONS = {2: {3, 4}, 3: {2, 5}, 4: {2}, 5: set(), 6: set()}

KIND = re.compile(r"\ufeff?\s*\[\s*([2-6])(?:\.0)?\s*(?:[],]|$)")

Session = tuple[Version, "Policy", "Policy", str, list[tuple[Any, ...]]]

Refusal = type[Exception] | tuple[type[Exception], ...]

versions = st.sampled_from(Version)


@attrs.frozen(kw_only=True)
class Policy:
    """How one end is made."""

    validation: Validation
    duplicates: Duplicates
    half_duplex: bool
    gate: BootGate | None
    boot: BootStatus

    def connect(self, role: Role, version: Version, ids: Iterator[int]) -> Connection:
        """An end whose ids are "1", "2" and so on, as they are in many frames of others."""
        return Connection(
            role,
            version,
            call_timeout=5.0,
            new_id=lambda: str(next(ids)),
            limits=Limits(queued_calls=MOST_QUEUED),
            validation=self.validation,
            duplicates=self.duplicates,
            half_duplex=self.half_duplex,
            state=StationState("CS1", self.boot),
            boot_gate=self.gate,
        )


policies = st.builds(
    Policy,
    validation=st.builds(
        Validation,
        st.sampled_from(Strictness),
        st.sampled_from(Strictness),
        st.sampled_from([{}, {"Heartbeat": "off"}]),
    ),
    duplicates=st.sampled_from(Duplicates),
    half_duplex=st.booleans(),
    gate=st.none() | st.builds(BootGate, st.booleans()),
    boot=st.sampled_from(BootStatus),
)


def arrivals(version: Version) -> st.SearchStrategy[str]:
    """Texts of frames that are valid, nearly so, cut, or nothing of the kind."""
    whole = near_valid_frames(version) | frames(version)
    cut = st.tuples(whole, st.integers(1, 40)).map(lambda found: found[0][: -found[1]])
    return whole | cut | texts()


# Such as the ends might have sent each other, whole or nearly so.
FAMILIAR = [
    *('[2,"1","Heartbeat",{}]', '[2,"2","ClearCache",{}]', '[2,"3","FooBar",{}]', '[2,"1"'),
    *('[3,"1",{}]', '[3,"1",{"status":"Accepted"}]', '[3,"1",7]', '[3,"1"', '[3,"2",{"status":"No"}]'),
    *('[4,"1","GenericError","",{}]', '[4,"-1","RpcFrameworkError","",{}]', '[4,"2"]', '[4,"1",null,null'),
    *('[5,"1","GenericError","",{}]', "[5]", '[6,"1","NotifyPeriodicEventStream",{}]', '[6,"1","Noti'),
    '[6,"1","NotifyPeriodicEventStream",{"id":1,"pending":0,"basetime":"2025-01-01T12:00:00Z","data":[{"t":1,"v":""}]}]',
    *('[7,"1",{}]', '["4","1","GenericError","",{}]', "[null]", "[-1]", "[4", "[[4]]"),
]

roles = st.sampled_from(Role)
gaps = st.sampled_from([0.0, 0.5, 4.5, 5.0])
answers = st.sampled_from(["late", "error", "rubbish"])


def steps(version: Version) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    """A session as data: what arrives at either end, and what its user does; each after a while."""
    names = st.sampled_from(["ask", "ask", "exchange", "exchange", "repeat", "abandon"])
    step = st.one_of(
        st.tuples(st.just("arrive"), gaps, roles, arrivals(version)),
        st.tuples(st.just("arrive"), gaps, roles, st.sampled_from(FAMILIAR)),
        st.tuples(names, gaps, roles),
        st.tuples(names, gaps, roles),
    )
    return st.lists(step, min_size=4, max_size=14)


sessions = versions.flatmap(
    lambda version: st.tuples(st.just(version), policies, policies, answers, steps(version))
)


class TwoEnds:
    """A station and a CSMS on one clock, who write down what they send and what happens to them."""

    def __init__(
        self, version: Version, station: Policy, csms: Policy, answer: str, now: float = 1000.0
    ) -> None:
        self.ids = {role: count(1) for role in Role}
        policies = {Role.CHARGING_STATION: station, Role.CSMS: csms}
        self.ends = {role: policies[role].connect(role, version, self.ids[role]) for role in Role}
        self.answer, self.start, self.now = answer, now, now
        self.asked: list[PendingCall[Any]] = []
        self.received: dict[Role, list[CallReceived]] = {role: [] for role in Role}
        self.results: dict[Role, list[CallResultReceived]] = {role: [] for role in Role}
        self.wire: list[tuple[Role, str]] = []  # on the way to that role
        self.last: dict[Role | None, str] = {}
        self.log: list[Any] = []

    def play(self, session: list[tuple[Any, ...]]) -> "TwoEnds":
        for name, gap, role, *rest in session:
            self.now += gap
            getattr(self, name)(self.ends[role], *rest)
            self.pull()
        return self

    def arrive(self, end: Connection, text: str) -> None:
        """Let a text arrive, and look at what the connection does of itself."""
        before, self.last[end.role] = len(end._frames), text
        end.receive_text(text, now=self.now)
        sent = {
            2 if isinstance(frame, PendingCall) else json.loads(frame)[0] for frame in end._frames[before:]
        }
        known = end.version.rules.message_types
        found = KIND.match(text)
        kind = int(found[1]) if found is not None else 0
        assert sent <= known & (REACTIONS[kind] if kind in known else {4}), text

    def ask(self, end: Connection) -> None:
        assert end.role is not None
        with suppress(QueueFull):
            self.asked.append(end.call(Raw(ASKS[end.role]), now=self.now))

    def abandon(self, end: Connection) -> None:
        for pending in end.calls[-1:]:
            end.abandon(pending, now=self.now)

    def repeat(self, end: Connection) -> None:
        """Deliver once more what this end was sent last."""
        self.arrive(end, self.last.get(end.role, "[]"))

    def exchange(self, end: Connection) -> None:
        """Deliver what this end has sent so far, and let it look at the clock."""
        assert end.role is not None
        receiver = end.role.peer
        due = [text for role, text in self.wire if role is receiver]
        self.wire = [(role, text) for role, text in self.wire if role is not receiver]
        for text in due:
            self.arrive(self.ends[receiver], text)
        end.handle_timeout(now=self.now)

    def pull(self) -> None:
        """Take what both ends have to send and to tell; their users answer."""
        for role, end in self.ends.items():
            sent = frames_of(end)
            for event in events_of(end):
                self.log.append((role, repr(event)))
                self.react(end, event)
            sent += frames_of(end)
            self.log += [(role, text) for text in sent]
            self.wire += [(role.peer, text) for text in sent]
            deadline = end.deadline
            self.log.append(None if deadline is None else deadline - self.start)

    def react(self, end: Connection, event: Event) -> None:
        """Do what the user of this end would."""
        assert end.role is not None
        if isinstance(event, CallReceived):
            self.received[end.role].append(event)
            if self.answer == "error":
                end.reply_error(event, NotSupportedError())
            elif self.answer == "rubbish":
                end.reply(event, Raw(event.action, {"rubbish": []}))
        if isinstance(event, CallResultReceived):
            self.results[end.role].append(event)
            if self.answer == "rubbish" and end.version is Version.V21:
                end.reject_result(event, NotSupportedError())

    def all_of(self, role: Role) -> tuple[object, ...]:
        """What a refused verb must leave alone."""
        end = self.ends[role]
        memories = end._outgoing._recent, end._outgoing._late, end._incoming.recent, end._state
        return *state_of(end), repr(self.ids[role]), *map(repr, memories)


@settings(max_examples=120)
@given(sessions)
def test_errors_are_never_answered_and_silence_comes(session: Session) -> None:
    # J*-404, J21-304: each message type answered by one that is nearer to silence
    pair = TwoEnds(*session[:4]).play(session[4])
    rounds = 0
    while pair.wire:
        rounds += 1
        # A call, its answer, the refusal of that; the next call waits for no more than the answer.
        assert rounds <= 2 * len(pair.asked) + 2
        wire, pair.wire = pair.wire, []
        for role, text in wire:
            pair.arrive(pair.ends[role], text)
        pair.pull()


@settings(max_examples=40)
@given(sessions, st.sampled_from([-900.0, 1024.0, 2.0**20]))
def test_shifting_every_instant_changes_nothing_between_two_ends(session: Session, shift: float) -> None:
    here, there = (TwoEnds(*session[:4], now=now).play(session[4]).log for now in (1000.0, 1000.0 + shift))
    assert here == there


@settings(max_examples=80)
@given(sessions)
def test_both_ends_go_on_whatever_arrived(session: Session) -> None:
    pair = TwoEnds(*session[:4]).play(session[4])
    for end in pair.ends.values():
        assert_works(end, pair.now)


@pytest.mark.parametrize("validation", Strictness)
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("version", Version)
def test_no_trap_of_json_raises_or_stops_an_end(version: Version, role: Role, validation: Strictness) -> None:
    for trap in [*TRAPS, *FAMILIAR]:
        end = Connection(role, version, validation=validation)
        end.call(Raw(ASKS[role]), now=0.0, id="1")
        frames_of(end)
        end.receive_text(trap, now=0.0)
        assert_works(end, 0.0)


def assert_works(end: Connection, now: float) -> None:
    """The end boots, asks and is answered, or hears and answers, as its role is."""
    for received in end.owed:
        end.reply_error(received, NotSupportedError())
    while end.deadline is not None:
        end.handle_timeout(now=max(now, end.deadline))
        frames_of(end)
    for pending in end.calls:  # which the gate held back
        end.abandon(pending)
    events_of(end)
    frames_of(end)
    assert end.calls == end.owed == ()
    for action, request, answer in (
        (BOOT, SMALL[end.version], ACCEPTED),
        ("Heartbeat", {}, {"currentTime": ACCEPTED["currentTime"]}),
    ):
        if end.role is Role.CHARGING_STATION:
            pending = end.call(Raw(action, request), now=now)
            assert [json.loads(frame) for frame in frames_of(end)] == [[2, pending.id, action, request]]
            end.receive_text(json.dumps([3, pending.id, answer]), now=now)
            assert [type(event) for event in events_of(end)] == [CallResultReceived]
        else:
            end.receive_text(json.dumps([2, f"works-{action}", action, request]), now=now)
            [received] = events_of(end)
            assert isinstance(received, CallReceived)
            end.reply(received, Raw(action, answer))
            assert [json.loads(frame) for frame in frames_of(end)] == [[3, received.id, answer]]


@settings(max_examples=60)
@given(sessions, st.booleans())
def test_refused_verbs_change_nothing(session: Session, closes: bool) -> None:
    pair = TwoEnds(*session[:4]).play(session[4])
    for role, end in pair.ends.items():
        if closes:
            end.receive_close()
        before = pair.all_of(role)
        for error, verb in refused_verbs(pair, end):
            with pytest.raises(error):
                verb()
            assert pair.all_of(role) == before


def refused_verbs(pair: TwoEnds, end: Connection) -> Iterator[tuple[Refusal, Callable[[], object]]]:
    """What this end must not do now, and the error that it earns."""
    now, no, role = pair.now, NotSupportedError(), end.role
    assert role is not None
    ask, unwritable = Raw(ASKS[role]), Raw(ASKS[role], {"number": nan})
    yield ValueError, lambda: end.receive_text("[]", now=nan)
    yield ValueError, lambda: end.receive_close(now=nan)
    yield ValueError, lambda: end.handle_timeout(now=inf)
    for pending in end.calls:
        yield ValueError, lambda pending=pending: end.abandon(pending, now=nan)
    if end.closed:
        yield ConnectionClosed, lambda: end.call(ask, now=now)
        yield ConnectionClosed, lambda: end.send(Raw(STREAM), now=now)
        for result in pair.results[role]:
            yield ConnectionClosed, lambda result=result: end.reject_result(result, no)
        for received in pair.received[role]:
            yield ConnectionClosed, lambda received=received: end.reply(received, Raw(received.action))
            yield ConnectionClosed, lambda received=received: end.reply_error(received, no)
        return
    yield LocalProtocolError, lambda: end.call(Raw(ASKS[role.peer]), now=now)
    yield TypeError, lambda: end.call("Heartbeat", now=now)  # type: ignore[arg-type]
    if sum(pending._deadline is None for pending in end.calls) == MOST_QUEUED:
        yield QueueFull, lambda: end.call(ask, now=now)
    else:
        yield SchemaViolation, lambda: end.call(unwritable, now=now)
        yield ValueError, lambda: end.call(ask, now=nan)
        yield ValueError, lambda: end.call(ask, now=now, timeout=0)
        yield ValueError, lambda: end.call(ask, now=now, queue_timeout=-1)
        for id in ("", "-1", "x" * 37, "\ud800", *(pending.id for pending in end.calls)):
            yield ValueError, lambda id=id: end.call(ask, now=now, id=id)
    for received in pair.received[role]:
        answers: list[tuple[Refusal, Callable[..., object]]] = [
            (TypeError, lambda received: end.reply(received, "no response")),
            (SchemaViolation, lambda received: end.reply(received, unwritable)),
            (ValueError, lambda received: end.reply(received, Raw(received.action), now=nan)),
            (TypeError, lambda received: end.reply_error(received, ValueError())),
            (ValueError, lambda received: end.reply_error(received, NotSupportedError(details={"": nan}))),
            (ValueError, lambda received: end.reply_error(received, no, now=inf)),
        ]
        owed = any(received is open for open in end.owed)
        for error, verb in answers:
            yield error if owed else LocalProtocolError, lambda verb=verb, received=received: verb(received)
    if end.version is not Version.V21 or role is Role.CSMS:
        yield LocalProtocolError, lambda: end.send(Raw(STREAM), now=now)
    else:
        yield TypeError, lambda: end.send(no, now=now)  # type: ignore[arg-type]
        yield (
            (SchemaViolation, LocalProtocolError),
            lambda: end.send(Raw(STREAM, unwritable.payload), now=now),
        )
    for result in pair.results[role]:
        if end.version is not Version.V21 or pair.answer == "rubbish":  # it was rejected before
            yield LocalProtocolError, lambda result=result: end.reject_result(result, no)
            continue
        forgotten = not end._outgoing.rejectable(result.pending)
        error = LocalProtocolError if forgotten else TypeError
        yield error, lambda result=result: end.reject_result(result, ValueError())  # type: ignore[arg-type]
        error = LocalProtocolError if forgotten else ValueError
        yield error, lambda result=result: end.reject_result(result, no, now=nan)
