"""Whatever two ends do, well or badly, over a wire that loses, repeats and garbles: every verb keeps its
contract and every call ends once.

Input: three bytes of options, then verbs, each with the bytes that it decides by.
"""

import json
from collections.abc import Callable
from math import inf, nan
from typing import Any

from ocpp_sansio import BootGate, BootStatus, Connection, Raw, Role, StationState, Validation, Version
from ocpp_sansio.errors import GenericError, SecurityError
from ocpp_sansio.messages import Unconfirmed

from ..choices import Choices
from ..grown import any_json, message, smallest_message
from .end import LIMITS, End

__all__ = ["operations"]

MOST_VERBS = 50
MOST_TRAVELS = 2  # which cost as much as ten other verbs

JUDGES = (
    Validation(),
    Validation("lenient", "lenient"),
    Validation("off", "off"),
    Validation(actions={"DataTransfer": "off"}),
)
#: What follows the id in a frame that nobody has sent. In it, the action of a request.
ACTION = "Action"
BODIES: tuple[tuple[Any, ...], ...] = (
    (ACTION, {}),
    ({},),
    ("InternalError", "", {}),
    ("GenericError", "x" * 300, None),
    (None,),
    ("Nothing", {}),
    (ACTION, {"status": "Accepted"}),
    ({"status": "Accepted"},),
)
#: What a frame is garbled with.
TOKENS = (*'[]{}",23456', "", "null", "\\ud800", "é", "\ud800", "1e400")


def operations(data: bytes) -> None:
    """Do what the bytes say, then hang up and look whether anything is left."""
    session = Session(Choices(data))
    session.run()
    session.finish()


class Session:
    """Two ends, a wire and a clock."""

    def __init__(self, choose: Choices) -> None:
        self.choose = choose
        self.version = choose.pick(tuple(Version))
        flags, boot = choose.byte(), choose.pick(tuple(BootStatus))
        self.eager = not flags & 1
        options: dict[str, Any] = {
            "limits": LIMITS,
            "call_timeout": 8.0,
            "new_id": self.new_id,
            "duplicates": ("handle", "replay")[flags >> 1 & 1],
            "half_duplex": bool(flags & 4),
            "boot_gate": BootGate(trust_unknown=bool(flags & 16)) if flags & 8 else None,
            "validation": JUDGES[flags >> 5 & 3],
        }
        states = [StationState("x", boot) if flags & 128 else None for _ in Role]
        self.ends = [
            End(role, self.version, {**options, "state": state})
            for role, state in zip(Role, states, strict=True)
        ]
        self.end = self.ends[0]
        self.ids = 0
        self.travels = 0
        self.now = 0.0

    def new_id(self) -> str:
        """An id that neither end has used."""
        self.ids += 1
        return f"#{self.ids}"

    def run(self) -> None:
        """Do what the bytes say."""
        for _ in range(MOST_VERBS):
            if self.choose.over:
                return
            byte = self.choose.byte()
            self.end = self.ends[byte & 1]
            VERBS[(byte >> 1) % len(VERBS)](self)
            if self.eager:
                self.pull()
            self.end.check()

    def pull(self) -> None:
        """Carry what this end has to say to the other's inbox."""
        self.end.pull_events()
        self.other.inbox += self.end.pull_frames()
        del self.other.inbox[:-8]

    @property
    def other(self) -> End:
        """The peer of this end."""
        return self.ends[self.end is self.ends[0]]

    # What an application does.

    def call(self) -> None:
        """Ask, with arguments of all kinds."""
        choose, end = self.choose, self.end
        byte = choose.byte()
        request, id, wrong = self.request(byte >> 6)
        timeout = (None, 1.0, 4.0, 16.0)[byte & 3]
        queue_timeout = (None, 1.0, 4.0, 8.0)[byte >> 2 & 3]
        if byte & 48 == 16 and id is None:
            id = choose.pick(("a", "b", *end.live))
        elif byte & 48 == 32:
            id, wrong = choose.pick(("", "x" * 37, "-1", "\ud800")), True
        elif byte & 48 == 48:
            timeout, wrong = choose.pick((0.0, -1.0, nan, inf, 10**400)), True
        if id in end.live:
            if end.live[id] not in end.connection.calls:
                return  # it has ended, and its event was not pulled: two calls of one name would puzzle us, too
            wrong = True
        pending = end.attempt(
            lambda: end.connection.call(
                request, now=self.now, timeout=timeout, queue_timeout=queue_timeout, id=id
            ),
            wrong=wrong,
        )
        if pending is not None:
            end.live[pending.id] = pending
            end.made.append(pending)

    def request(self, kind: int) -> tuple[Any, str | None, bool | None]:
        """What to ask, perhaps under which id, and whether that is wrong."""
        choose, end = self.choose, self.end
        cls = choose.pick(end.may_ask)
        if kind == 0:
            return smallest_message(cls), None, False
        if kind == 1:
            return message(choose, cls), None, False
        if kind == 2:
            passed_on = [(received.request, received.id, None) for received in end.received[-2:]]
            raws = [(Raw(name, {}), None, False) for name in (cls.__action__, "X")]
            return choose.pick(
                (*raws, (smallest_message(choose.pick(self.other.may_ask)), None, False), *passed_on)
            )
        return choose.pick((None, smallest_message(cls.__answer__), "Heartbeat")), None, True

    def reply(self) -> None:
        """Answer a call, also one that has its answer, or one of another link."""
        choose, end = self.choose, self.end
        if not end.received:
            return
        received = choose.pick(end.received)
        byte = choose.byte()
        cls = self.version.load().get(received.action, Raw).__answer__
        response: Any = Raw(received.action, {"status": "Accepted"})
        wrong: bool | None = False
        if byte & 3 == 2:
            passed_on = [result.response for result in end.results[-2:]]
            response = choose.pick((response, None, received.request, Raw("X", {"a": nan}), *passed_on))
            wrong = None
        elif cls is not Raw and byte & 3 != 3:
            response = message(choose, cls) if byte & 3 else smallest_message(cls)
        if end.attempt(lambda: end.connection.reply(received, response, now=self.at(byte)), wrong=wrong):
            end.earned[received.id] += 1

    def reply_error(self) -> None:
        """Answer with an error."""
        end = self.end
        if not end.received:
            return
        received = self.choose.pick(end.received)
        error, wrong = self.error()
        if end.attempt(lambda: end.connection.reply_error(received, error), wrong=wrong):
            end.earned[received.id] += 1

    def error(self) -> tuple[Any, bool]:
        """An error to report, and whether it is one that cannot be."""
        pick = self.choose.byte() % 8
        if pick < 4:
            return self.choose.pick(self.end.errors), False
        return (
            (GenericError("\ud800" * 300, {"a": ["ä"]}), False),
            (SecurityError("x", {"a": "\ud800"}), True),
            (GenericError("x", {"a": nan}), True),
            (ValueError("x"), True),
        )[pick - 4]

    def send(self) -> None:
        """Tell something, if the version can."""
        end = self.end
        sends = list(self.version.load_sends().values())
        byte = self.choose.byte()
        body: Any = message(self.choose, self.choose.pick(sends)) if sends else Raw("X", {})
        if byte & 1:
            body = self.choose.pick((Raw("X", {}), Raw("Heartbeat", {}), None, "X"))
        id = self.choose.pick(("s", "", "\ud800")) if byte & 2 else None
        wrong = not isinstance(body, (Raw, Unconfirmed)) or id not in (None, "s")
        if end.attempt(lambda: end.connection.send(body, now=self.now, id=id), wrong=wrong):
            end.sent[6] += 1

    def reject_result(self) -> None:
        """Say that an answer is no good, perhaps a second time."""
        end = self.end
        if not end.results:
            return
        result = self.choose.pick(end.results)
        error, wrong = self.error()
        if end.attempt(lambda: end.connection.reject_result(result, error), wrong=wrong):
            end.sent[5] += 1

    def abandon(self) -> None:
        """Wait no more for a call, also one that has ended."""
        end = self.end
        if end.made:
            pending, now = self.choose.pick(end.made), self.at(self.choose.byte())
            end.attempt(lambda: end.connection.abandon(pending, now=now))

    def at(self, byte: int) -> float | None:
        """The instant, if the application says it."""
        return self.now if byte & 128 else None

    # What happens outside.

    def deliver(self) -> None:
        """A frame arrives, perhaps not the oldest, perhaps again."""
        inbox = self.end.inbox
        if inbox:
            byte = self.choose.byte()
            index = (byte >> 1) % len(inbox)
            self.end.receive(inbox[index] if byte & 1 else inbox.pop(index), self.now)

    def corrupt(self) -> None:
        """A frame arrives garbled."""
        text = self.end.inbox.pop(0) if self.end.inbox else '[2,"1","Heartbeat",{}]'
        start = self.choose.byte() % (len(text) + 1)
        garbled = text[:start] + self.choose.pick(TOKENS) + text[start + self.choose.byte() % 8 :]
        self.end.receive(garbled, self.now)

    def invent(self) -> None:
        """A frame arrives that this peer has not sent."""
        choose, end = self.choose, self.end
        kind = choose.byte() % 8
        known = [*(call.id for call in end.made[-4:]), *(call.id for call in end.received[-4:])]
        id = choose.pick(("1", "", "x" * 37, *known))
        body = [
            choose.pick(self.other.may_ask).__action__ if part is ACTION else part
            for part in choose.pick(BODIES)
        ]
        end.receive(json.dumps([kind, id, *body]), self.now)

    def wait(self) -> None:
        """Time passes, or the clock runs back."""
        pick = self.choose.byte() % 8
        deadline = self.end.connection.deadline
        if pick == 7 and deadline is not None:
            self.now = deadline
        else:
            self.now += (0.5, 1.0, 4.0, 8.0, 64.0, -1.0, -100.0, 0.0)[pick]

    def handle_timeout(self) -> None:
        """What is due happens, and nothing is due after that."""
        connection = self.end.connection
        connection.handle_timeout(now=self.now)
        assert connection.deadline is None or connection.deadline > connection._now

    def travel(self) -> None:
        """Go on elsewhere, under this clock."""
        self.travels += 1
        if self.travels <= MOST_TRAVELS:
            self.end.travel(self.now)

    def tamper(self) -> None:
        """Somebody has changed a snapshot; it is refused, or makes a connection, and harms nobody."""
        self.travels += 1
        if self.travels > MOST_TRAVELS:
            return
        end = self.end
        end.pull_events()
        taken = end.connection.snapshot(now=self.now)
        before = end.state()
        spoil(self.choose, taken)
        self.try_out(taken, {**end.options, "state": None})
        assert end.state() == before

    def try_out(self, snapshot: dict[str, Any], options: dict[str, Any]) -> None:
        """Go on from a snapshot that may be refused."""
        try:
            there = Connection.restore(snapshot, now=self.now, **options)
        except ValueError:
            return
        there.handle_timeout(now=self.now)
        there.receive_text("[]", now=self.now)
        there.receive_close()

    def close(self) -> None:
        """The link is cut, and after that there is a new one."""
        if self.end.connection.closed:
            self.end.reopen()
        else:
            self.end.close(self.now)

    def finish(self) -> None:
        """Carry what is left, and hang up."""
        for end in self.ends:
            self.end = end
            self.pull()
            end.finish(self.now)


def spoil(choose: Choices, data: Any) -> None:
    """Put something else in one place of JSON data."""
    while True:
        keys = list(data) if isinstance(data, dict) else range(len(data))
        key = choose.pick(keys)
        inside = data[key]
        if not isinstance(inside, (dict, list)) or not inside or choose.byte() & 1:
            data[key] = any_json(choose)
            return
        data = inside


VERBS: tuple[Callable[[Session], None], ...] = (
    Session.call,
    Session.deliver,
    Session.reply,
    Session.wait,
    Session.handle_timeout,
    Session.reply_error,
    Session.deliver,
    Session.corrupt,
    Session.invent,
    Session.abandon,
    Session.send,
    Session.reject_result,
    Session.travel,
    Session.close,
    Session.tamper,
    Session.pull,
)
