"""Whatever text arrives at a connection of whatever kind, it does not raise, answers in bounds, and goes on.

Input: five bytes of options, then frames with a line feed between them.
"""

import json
from collections import Counter
from typing import Any

from ocpp_sansio import (
    BootGate,
    BootStatus,
    CallFailed,
    CallReceived,
    CloseRequested,
    Connection,
    DuplicateCallReceived,
    Event,
    FrameRejected,
    Limits,
    Raw,
    Role,
    StationState,
    Version,
)
from ocpp_sansio.errors import NotSupportedError
from ocpp_sansio.messages import Message, Request

from ..choices import Choices
from ..grown import smallest, smallest_message

__all__ = ["text"]

MOST_FRAMES = 16

#: An answer repeats an id of 255 characters and says 255 more, of which JSON makes 12 each; and a path.
LONGEST_ANSWER = 10_000

KINDS = [(version, role) for version in Version for role in (*Role, None)]
SMALL = Limits(frame_size=300, nesting=6, undrained=4, open_calls=2, remembered_ids=1, bad_frames=3)
SMALL_AND_ONCE = Limits(
    frame_size=300,
    nesting=6,
    undrained=4,
    open_calls=2,
    remembered_ids=1,
    bad_frames=3,
    reject_duplicate_keys=True,
)
LIMITS = (None, SMALL, Limits(reject_duplicate_keys=True), SMALL_AND_ONCE)
GATES = (BootGate(), BootGate(trust_unknown=False))

SING = Raw.declare(
    "Sing",
    request={"type": "object", "required": ["song"], "properties": {"song": {"maxLength": 9}}},
    response={"type": "object"},
)
#: What a user adds to a version.
ADDED = {"extensions": [SING], "field_lengths": {"DataTransferRequest.vendorId": 300}}

#: By id, with their timeouts: one that times out, one that waits for its answer, one that waits for its turn.
CALLS = (("0", 1.0), ("1", 64.0), ("2", 64.0))


def _asked(version: Version, role: Role | None) -> list[type[Request[Any, Any]]]:
    """What the role may ask."""
    return [cls for cls in version.load().values() if role is None or cls.__sender__ in (None, role)]


ASKED = {kind: _asked(*kind) for kind in KINDS}


def text(data: bytes) -> None:
    """Let the frames arrive, then see whether the connection still works."""
    session = Session(Choices(data))
    session.ask()
    session.receive()
    if session.travels:
        session.travel()
    session.work()


class Session:
    """One connection and what it has said."""

    def __init__(self, choose: Choices) -> None:
        version, role = choose.pick(KINDS)
        flags, more = choose.byte(), choose.byte()
        self.as_bytes, self.answers, self.drains_late = flags & 1, flags & 2, flags & 4
        self.travels, self.shows = more & 192 == 192, more & 192 == 128  # which cost as much as all the rest
        has_state = more & 1
        self.options: dict[str, Any] = {
            "validation": ("strict", "lenient", "off", "strict")[flags >> 3 & 3],
            "duplicates": ("handle", "replay")[flags >> 5 & 1],
            "half_duplex": bool(flags & 64),
            "limits": LIMITS[more >> 1 & 3],
            "loads": json.loads if more & 12 == 8 else None,
            "boot_gate": GATES[flags >> 7] if has_state and role is not None else None,
            "state": StationState("x", tuple(BootStatus)[more >> 4 & 3]) if has_state else None,
        }
        self.connection = Connection(role, version, **self.options)
        self.asked = choose.pick(ASKED[version, role])
        last = choose.byte()
        self.calls = CALLS[: last & 3]
        if last & 4:
            self.options |= ADDED
        self.connection = Connection(role, version, **self.options)
        self.incoming = choose.rest().split(b"\n", MOST_FRAMES)[:MOST_FRAMES]
        self.ids: set[str] = set()

    def ask(self) -> None:
        """Make the calls; the first one has timed out when frames arrive."""
        for id, timeout in self.calls:
            self.connection.call(smallest_message(self.asked), now=0.0, id=id, timeout=timeout)
            self.connection.next_frame()
        self.connection.handle_timeout(now=2.0)
        self.drained()

    def receive(self) -> None:
        """Let every frame arrive."""
        for raw in self.incoming:
            frame: str | bytes = raw if self.as_bytes else raw.decode(errors="surrogateescape")
            self.connection.receive_text(frame, now=4.0)
            if not self.drains_late:
                self.check(*self.drained(), 1)
        if self.drains_late:
            self.check(*self.drained(), len(self.incoming))

    def drained(self) -> tuple[list[Event], list[str]]:
        """Every event and every frame. The application answers what it has been asked."""
        events, frames = [], []
        while (event := self.connection.next_event()) is not None:
            assert not self.shows or repr(event)
            events.append(event)
            if type(event) is CallReceived:
                self.ids.add(event.id)
                if self.answers:
                    self.connection.reply_error(event, NotSupportedError())
        while (frame := self.connection.next_frame()) is not None:
            frames.append(frame)
        return events, frames

    def check(self, events: list[Event], texts: list[str], arrived: int) -> None:
        """At most one wire event for each frame that arrived, and no answer that it did not earn."""
        earned: Counter[str] = Counter()
        failed = closes = 0
        for event in events:
            match event:
                case CloseRequested():
                    closes += 1
                case CallFailed():
                    failed += 1
                case FrameRejected(answered_with=str(id)) | DuplicateCallReceived(id=id, call=None):
                    earned[id] += 1
                case CallReceived() if self.answers:
                    earned[event.id] += 1
                case _:
                    pass
        assert closes <= arrived
        assert len(events) - closes <= arrived
        if not texts:
            assert not earned
            return
        assert all(text.isascii() and len(text) <= LONGEST_ANSWER for text in texts)
        frames = [json.loads(text) for text in texts]
        kinds = Counter(frame[0] for frame in frames)
        assert kinds[2] <= arrived
        assert kinds[5] <= failed
        assert kinds[6] == 0
        assert earned == Counter(frame[1] for frame in frames if frame[0] in (3, 4))
        for frame in frames:
            assert len(frame[1]) <= 255
            assert frame[0] not in (4, 5) or (len(frame) == 5 and len(frame[3]) <= 255)

    def travel(self) -> None:
        """What goes on from a snapshot has the same snapshot."""
        taken = self.connection.snapshot(now=8.0)
        self.connection = Connection.restore(json.loads(json.dumps(taken)), now=2.0, **self.options)
        assert self.connection.snapshot(now=2.0) == taken

    def work(self) -> None:
        """A call of ours is answered, and one of the peer's received."""
        connection, now = self.connection, 8.0
        if connection.state is not None:
            connection.state.boot = BootStatus.ACCEPTED
        for received in connection.owed:
            connection.reply_error(received, NotSupportedError())
        for _ in range(1 + len(self.calls)):
            connection.handle_timeout(now=now)
            connection.next_frame()
            now = max(now, connection.deadline or now)
        self.drained()
        assert connection.calls == ()
        pending = connection.call(smallest_message(self.asked), now=now, id="ours")
        assert connection.next_frame() == f'[2,"ours","{self.asked.__action__}",{written(self.asked)}]'
        connection.receive_text(f'[3,"ours",{written(self.asked.__answer__)}]', now=now)
        assert pending.response_in(connection.next_event()) is not None
        asks = ASKED[connection.version, connection.role and connection.role.peer][0]
        id = "theirs"
        while id in self.ids:
            id += "!"
        connection.receive_text(f'[2,{json.dumps(id)},"{asks.__action__}",{written(asks)}]', now=now)
        event = connection.next_event()
        assert isinstance(event, CallReceived)
        assert event.id == id
        assert connection.next_event() is None
        assert connection.next_frame() is None


def written(cls: type[Message]) -> str:
    """The smallest payload of the class."""
    return json.dumps(smallest(cls), separators=(",", ":"))
