"""The machine: what may happen to two peers on a faulty wire, as the rules of a Hypothesis state machine."""

import json
import sys
from collections.abc import Callable
from operator import attrgetter
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ocpp_sansio import (
    BootGate,
    BootStatus,
    Connection,
    Duplicates,
    Role,
    Version,
)
from ocpp_sansio.errors import InternalError

from .misuse import MISUSES, REFUSALS
from .peer import TICK, Clock, Peer, agree, pick
from .setting import Options
from .vocabulary import FLAWS, INVALID, STREAM, WRONG_ANSWERS, Frame, Word, words

__all__ = ["Model"]

Patience = tuple[float | None, float | None]

sides = st.sampled_from(["station", "csms"])
indexes = st.integers(0, 5)
mostly = st.sampled_from([True, True, True, False])
seldom = st.sampled_from([False, False, False, True])
variants = st.integers(0, 2)  # of answers: accepted, pending or rejected
#: For an answer, and for a turn.
patiences = st.sampled_from([(None, None), (1.0, None), (4.0, None), (None, 1.0), (1.0, 1.0), (4.0, 4.0)])
ids = st.sampled_from(["new"] * 5 + ["used", "live", "theirs"])
#: As seen from a deadline.
instants = st.sampled_from(["exactly", "just before", "just after", "long", "no time"])

options = st.builds(
    Options,
    knows_its_role=mostly,
    call_timeout=st.sampled_from([4.0, 1.0]),
    queued_calls=st.sampled_from([3, 1]),
    open_calls=st.sampled_from([3, 1]),
    undrained=st.sampled_from([1000] * 7 + [3]),
    remembered_ids=st.sampled_from([3, 1]),
    bad_frames=st.sampled_from([3, 1]),
    duplicates=st.sampled_from(Duplicates),
    half_duplex=st.booleans(),
    boot_gate=st.sampled_from([None, None, BootGate(), BootGate(trust_unknown=False)]),
    has_state=st.booleans(),
)

DISTURBANCES = {**FLAWS, **WRONG_ANSWERS}


def needs(what: str) -> Callable[[Any], Any]:
    """A rule for when one of the peers has something; `Model.one` is that peer."""
    has = attrgetter(what)
    return precondition(lambda self: any(has(peer) for peer in self.peers.values()))


class Model(RuleBasedStateMachine):
    """Two peers, and the wire to each: the frames that are on their way, in order."""

    #: The class of the connections.
    kind: ClassVar[type[Connection]] = Connection

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0
        self.clock = Clock()
        self.peers: dict[str, Peer] = {}
        self.wires: dict[str, list[Frame]] = {"station": [], "csms": []}

    @initialize(version=st.sampled_from(Version), station=options, csms=options)
    def begin(self, version: Version, station: Options, csms: Options) -> None:
        self.version = version
        self.peers = {
            "station": Peer(Role.CHARGING_STATION, version, station, self.clock, self.kind),
            "csms": Peer(Role.CSMS, version, csms, self.clock, self.kind),
        }

    @invariant()
    def both_are_as_the_oracle_says(self) -> None:
        self.steps += 1
        for peer in self.peers.values():
            peer.check()

    def teardown(self) -> None:
        """When the link is gone, every call has ended, once, and nothing is owed."""
        if sys.exception() is not None:
            return  # it has failed already, and what comes after that explains nothing
        for peer in self.peers.values():
            peer.pull_frames()
            peer.close(peer.now)
            peer.check()
            peer.pull_frames()
            peer.pull_events()
            agree([ask for ask in peer.asks if ask.ends != 1] == [], "every call ends once")
            agree(peer.connection.calls == () and peer.connection.owed == (), "nothing is left")

    def one(self, who: str, has: str) -> Peer:
        """The peer that has it: this one, or the other."""
        return next(peer for peer in (self.peers[who], *self.peers.values()) if attrgetter(has)(peer))

    def side_of(self, peer: Peer) -> str:
        return "station" if peer is self.peers["station"] else "csms"

    # What the two do.

    @rule(who=sides, word=indexes, patience=patiences, id=ids, more=seldom, goes=mostly)
    def ask(self, who: str, word: int, patience: Patience, id: str, more: bool, goes: bool) -> None:
        """One call, or three in a row."""
        peer = self.peers[who]
        peer.ask(self.a_call(peer, word), *patience, self.an_id(peer, id))
        for further in (word + 1, word + 2) if more else ():
            peer.ask(self.a_call(peer, further), *patience, None)
        if goes:
            self.carry(who)

    def a_call(self, peer: Peer, index: int) -> Word:
        """One that is this role's to make."""
        calls = [word for word in words(self.version).values() if word.answers]
        return pick(
            [word for word in calls if None in (word.sender, peer.role) or word.sender is peer.role], index
        )

    def an_id(self, peer: Peer, id: str) -> str | None:
        """That of the first call, of the latest that has not ended or of one that is owed; None for a new one."""
        known = {
            "new": [],
            "used": [ask.id for ask in peer.asks[:1]],
            "live": [ask.id for ask in peer.oracle.calls],
            "theirs": list(peer.oracle.owed),
        }[id]
        return known[-1] if known else None

    @rule(who=sides, word=indexes, variant=variants)
    def ask_and_be_answered(self, who: str, word: int, variant: int) -> None:
        """As it should be, if nothing stands in the way."""
        peer, other = self.peers[who], self.peers[_other(who)]
        peer.ask(self.a_call(peer, word), None, None, None)
        self.carry(who)
        for received in other.connection.owed:
            other.answer(received, variant, other.now)
        self.carry(_other(who))
        peer.pull_events()

    @rule(who=sides, word=indexes, until=instants)
    def ask_in_vain(self, who: str, word: int, until: str) -> None:
        """Nobody answers for a while."""
        peer = self.peers[who]
        peer.ask(self.a_call(peer, word), None, None, None)
        self.carry(who)
        self.time_passes(peer, until, told=True)

    @precondition(lambda self: self.version is Version.V21)
    @rule(who=sides, id=ids, goes=mostly)
    def tell(self, who: str, id: str, goes: bool) -> None:
        peer = self.peers[who]
        peer.tell(words(Version.V21)[STREAM], self.an_id(peer, id))
        if goes:
            self.carry(who)

    @needs("connection.owed")
    @rule(who=sides, which=indexes, variant=st.sampled_from([0, 1, 2, None]), told=mostly, goes=mostly)
    def answer(self, who: str, which: int, variant: int | None, told: bool, goes: bool) -> None:
        peer = self.one(who, "connection.owed")
        received = pick(peer.connection.owed, which)
        now = peer.now if told else None
        if variant is None:
            peer.refuse(received, InternalError("why", {"a": 1}), now)
        else:
            peer.answer(received, variant, now)
        if goes:
            self.carry(self.side_of(peer))

    @precondition(lambda self: self.version is Version.V21)
    @needs("results")
    @rule(who=sides, which=st.integers(0, 1), told=mostly, twice=seldom)
    def reject_result(self, who: str, which: int, told: bool, twice: bool) -> None:
        peer = self.one(who, "results")
        ask, result = pick(peer.results[::-1], which)
        for _ in range(2 if twice else 1):
            peer.reject(ask, result, peer.now if told else None)

    @rule(who=sides, word=indexes)
    def change_ones_mind(self, who: str, word: int) -> None:
        """What is asked and withdrawn at once leaves nothing behind."""
        peer = self.peers[who]
        for _ in range(5):
            if peer.ask(self.a_call(peer, word), None, 4.0, None):
                peer.abandon(peer.asks[-1], None)

    @needs("abandonable")
    @rule(who=sides, which=indexes, told=mostly)
    def abandon(self, who: str, which: int, told: bool) -> None:
        peer = self.one(who, "abandonable")
        peer.abandon(pick(peer.abandonable, which), peer.now if told else None)

    # What the two must not do.

    @rule(who=sides, how=st.sampled_from(sorted(MISUSES)), which=indexes)
    def misuse(self, who: str, how: str, which: int) -> None:
        peer = self.peers[who]
        peer.is_refused(REFUSALS, lambda: MISUSES[how](peer, which))

    # What is taken away and carried.

    def carry(self, who: str) -> None:
        """What this side has to say arrives at the other, behind what is on the wire."""
        self.wires[_other(who)] += self.peers[who].pull_frames()
        self.deliver_all(_other(who))

    def deliver_all(self, who: str) -> None:
        while self.wires[who]:
            self.peers[who].receive(self.wires[who].pop(0))

    @rule(who=sides, what=st.sampled_from(["frames", "frame", "events"]))
    def pull(self, who: str, what: str) -> None:
        peer = self.peers[who]
        if what == "events":
            peer.pull_events()
        else:
            self.wires[_other(who)] += peer.pull_frames(1 if what == "frame" else None)

    @precondition(lambda self: any(self.wires.values()))
    @rule(who=sides)
    def deliver(self, who: str) -> None:
        to = self.one_on_whose_wire(who)
        self.peers[to].receive(self.wires[to].pop(0))

    def one_on_whose_wire(self, who: str) -> str:
        """The side for which something is on its way: this one, or the other."""
        return who if self.wires[who] else _other(who)

    @rule()
    def talk(self) -> None:
        """For once the wire works, until both have nothing more to say."""
        while any(self.wires.values()) or any(peer.oracle.frames for peer in self.peers.values()):
            for who in self.peers:
                self.carry(who)

    # What the wire does.

    @precondition(lambda self: any(self.wires.values()))
    @rule(who=sides, which=indexes)
    def drop(self, who: str, which: int) -> None:
        wire = self.wires[self.one_on_whose_wire(who)]
        del wire[which % len(wire)]

    @needs("heard")
    @rule(who=sides, which=indexes, arrives=mostly)
    def repeat(self, who: str, which: int, arrives: bool) -> None:
        """A frame that has arrived arrives again, perhaps on the next socket."""
        peer = self.one(who, "heard")
        self.put(self.side_of(peer), pick(peer.heard[::-1], which), arrives)

    @needs("answered")
    @rule(who=sides, which=st.integers(0, 1))
    def retry(self, who: str, which: int) -> None:
        """A call that was answered comes again, as if the answer had been lost (L-205)."""
        peer = self.one(who, "answered")
        self.put(self.side_of(peer), Frame(pick(peer.answered[::-1], which).text), arrives=True)

    @needs("oracle.slot")
    @rule(who=sides, how=st.sampled_from(sorted(WRONG_ANSWERS)), arrives=mostly)
    def answer_wrongly(self, who: str, how: str, arrives: bool) -> None:
        peer = self.one(who, "oracle.slot")
        assert peer.oracle.slot is not None
        self.put(self.side_of(peer), WRONG_ANSWERS[how](peer.oracle.slot.id), arrives)

    @rule(who=sides, how=st.sampled_from(sorted(DISTURBANCES)), which=indexes, arrives=mostly)
    def disturb(self, who: str, how: str, which: int, arrives: bool) -> None:
        """A frame from nowhere, under an id that means something to this side."""
        oracle = self.peers[who].oracle
        known = [*oracle.late, *oracle.owed, *oracle.answered, *(ask.id for ask in oracle.queue), "stranger"]
        self.put(who, DISTURBANCES[how](pick(known, which)), arrives)

    @rule(
        who=sides,
        action=st.sampled_from(["theirs", "own", "unknown", "STREAM"]),
        kind=st.sampled_from([2, 2, 6]),
        payload=st.sampled_from(["right", "right", "invalid", "null", "list"]),
        which=indexes,
        arrives=mostly,
    )
    def call_wrongly(self, who: str, action: str, kind: int, payload: str, which: int, arrives: bool) -> None:
        """Somebody asks this side, perhaps under an id that it knows."""
        peer = self.peers[who]
        word = self.a_word(peer, action, which)
        content: Any = {"right": word.payload, "invalid": INVALID, "null": None, "list": []}[payload]
        known = [*peer.oracle.owed, *(call.id for call in peer.answered[-2:]), f"stranger {which}"]
        frame = Frame(json.dumps([kind, pick(known, which), word.action, content]))
        self.put(who, frame, arrives)

    def a_word(self, peer: Peer, action: str, which: int) -> Word:
        """A call that is this role's own to make, the other's or unknown, or the word that travels as a SEND."""
        if action == "unknown":
            return Word("Sing", None, {})
        if action == "STREAM":
            return words(Version.V21)[STREAM]
        calls = [word for word in words(self.version).values() if word.answers]
        mine = peer.role or Role.CSMS
        return pick([word for word in calls if (word.sender is mine) == (action == "own")], which)

    def put(self, who: str, frame: Frame, arrives: bool) -> None:
        """A frame from nowhere is on the wire to this side."""
        self.wires[who].append(frame)
        if arrives:
            self.deliver_all(who)

    @rule(who=sides, loses=st.booleans(), told=mostly, reconnects=mostly)
    def cut(self, who: str, loses: bool, told: bool, reconnects: bool) -> None:
        """This side sees its socket close; what is on the wire may arrive on the next one."""
        peer = self.peers[who]
        peer.close(peer.now if told else None)
        if loses:
            self.wires[who].clear()
        if reconnects:
            peer.reconnect()

    # What time and fate do.

    @rule(who=sides, until=instants, told=mostly)
    def wait(self, who: str, until: str, told: bool) -> None:
        """Time passes, as seen from the deadline of one side."""
        waits = [peer for peer in (self.peers[who], *self.peers.values()) if peer.oracle.deadline is not None]
        self.time_passes(pick([*waits, self.peers[who]], 0), until, told)

    def time_passes(self, peer: Peer, until: str, told: bool) -> None:
        deadline = peer.oracle.deadline
        left = 1.0 if deadline is None else max(0.0, deadline - peer.now)
        self.clock.time += {
            "no time": 0.0,
            "just before": max(0.0, left - TICK),
            "exactly": left,
            "just after": left + TICK,
            "long": left + 100.0,
        }[until]
        if told:
            peer.handle_timeout()

    @rule(who=sides, by=st.sampled_from([TICK, 2.0, 500.0]), told=mostly)
    def clock_runs_back(self, who: str, by: float, told: bool) -> None:
        self.peers[who].ahead -= by
        if told:
            self.peers[who].handle_timeout()

    @rule(who=sides, by=st.sampled_from([0.0, 4096.0, -512.0]))
    def travel(self, who: str, by: float) -> None:
        self.peers[who].travel(by)

    @needs("state")
    @rule(
        who=sides,
        boot=st.sampled_from(BootStatus),
        requested=st.sampled_from([(), ("Heartbeat",), ("DataTransfer",)]),
    )
    def change_the_state(self, who: str, boot: BootStatus, requested: tuple[str, ...]) -> None:
        """Somebody knows better what the state of the station is."""
        self.one(who, "state").know(boot, requested)


def _other(who: str) -> str:
    return "csms" if who == "station" else "station"
