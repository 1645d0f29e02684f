"""What two ends of one link have said to each other, judged frame by frame: a Connection for either end says
what is wrong.

Knows no log and no terminal.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from ocpp_sansio import (
    CallErrorReceived,
    CallFailed,
    CallReceived,
    CallResultErrorReceived,
    CallResultReceived,
    CloseRequested,
    Connection,
    DuplicateCallReceived,
    Event,
    FrameRejected,
    Limits,
    OCPPError,
    Rejection,
    Role,
    SendReceived,
    UnmatchedResponseReceived,
    Validation,
    Version,
    Violation,
)
from ocpp_sansio.errors import GenericError
from ocpp_sansio.messages import Message, Raw, Request
from ocpp_sansio.validation import violations

from .._messages.example import example_of
from .rules import rule, rule_of_keyword, rule_of_rejection
from .spoken import Exchange, Spoken, Trouble, look

__all__ = ["Conversation", "fresh", "hear"]

#: Whoever reads a log forgives more than a server: what is never answered there stays open for ever.
LIMITS = Limits(open_calls=10**6, bad_frames=10**9, frame_size=2**26)
#: Characters of a broken answer in which its id is looked for.
HEAD = 400
_QUOTED = re.compile(r'"([^"\\]*)"')
#: Of the violations of one message, how many are told.
MOST_VIOLATIONS = 16


def fresh(role: Role | None, version: Version, **options: Any) -> Connection:
    """A connection that reads what others have said."""
    return Connection(role, version, limits=LIMITS, validation=Validation(sent="off"), **options)


class Conversation:
    """The frames of one link, in order of `take`."""

    #: A CSMS serves calls that come before it has answered (L-303): in a log they are no sign of trouble.
    forgives_overtaking = True

    def __init__(self, version: Version) -> None:
        self.version = version
        self._ends = {role: self._end(role) for role in (*Role, None)}
        self._open: dict[tuple[Role | None, str], Exchange] = {}
        self._latest: dict[Role | None, Exchange] = {}
        self._given_up: list[Exchange] = []
        self._catalogue = version.load()

    @property
    def unanswered(self) -> list[Exchange]:
        """The calls that have no answer so far."""
        return [exchange for exchange in (*self._given_up, *self._open.values()) if exchange.answerable]

    def take(self, text: str, sender: Role | None, time: float | None = None) -> Spoken:
        """Judge one frame. `sender` is who said it, None if nobody knows."""
        spoken = Spoken(text=text, sender=sender, time=time)
        look(spoken)
        receiver = self._ends[sender.peer if sender is not None else None]
        event = hear(receiver, text)
        match event:
            case DuplicateCallReceived(id=id):
                return self._duplicate(spoken, id)
            case CallReceived():
                self._call(spoken, event)
            case SendReceived():
                spoken.kind, spoken.id, spoken.action = "SEND", event.id, event.action
                spoken.troubles += self._notes(event.violations)
            case UnmatchedResponseReceived(id=id):
                self._answer(spoken, id if isinstance(id, str) else "")
            case CallResultErrorReceived(error=error, action=action):
                spoken.kind, spoken.error, spoken.action = "CALLRESULTERROR", error, action or ""
                spoken.troubles.append(
                    Trouble(text=f"the answer was rejected: {error}", rule=self._rule("305"))
                )
            case FrameRejected():
                self._rejected(spoken, event)
            case _:
                pass
        return spoken

    def _end(self, role: Role | None) -> Connection:
        return fresh(role, self.version)

    # A CALL.

    def _call(self, spoken: Spoken, event: CallReceived) -> None:
        spoken.kind, spoken.id, spoken.action = "CALL", event.id, event.action
        spoken.troubles += self._notes(event.violations)
        self._open_exchange(spoken, received=event)

    def _open_exchange(self, spoken: Spoken, **more: Any) -> None:
        exchange = spoken.exchange = Exchange(call=spoken, **more)
        before = self._latest.get(spoken.sender)
        if before is not None and before.answer is None and spoken.sender is not None:
            before.overtaken_by = spoken
        self._latest[spoken.sender] = exchange
        self._open[spoken.sender, spoken.id] = exchange

    def _duplicate(self, spoken: Spoken, id: str) -> Spoken:
        earlier = self._open.get((spoken.sender, id))
        assert earlier is not None
        if earlier.call.text == spoken.text:
            spoken.kind, spoken.id, spoken.action = "CALL", id, earlier.call.action
            again = "the same call again, before it was answered"
            spoken.troubles.append(Trouble(text=again, rule="L-205", noted=True))
            return spoken
        self._given_up.append(self._open.pop((spoken.sender, id)))
        self._discharge(earlier)
        text = f"the id {id!r} was used for {earlier.call.action} and not answered yet"
        told = self.take(spoken.text, spoken.sender, spoken.time)
        told.troubles.append(Trouble(text=text, rule=self._rule("205")))
        return told

    def _rejected(self, spoken: Spoken, event: FrameRejected) -> None:
        broken_answer = self._broken_answer(spoken)
        if broken_answer:
            return
        spoken.troubles += self._reasons(spoken, event)
        if event.answered_with is not None and spoken.kind == "CALL" and spoken.id:
            self._open_exchange(spoken)
        elif spoken.kind == "CALL" and spoken.id and (spoken.sender, spoken.id) not in self._open:
            self._open_exchange(spoken, answerable=False)

    def _reasons(self, spoken: Spoken, event: FrameRejected) -> Iterator[Trouble]:
        earned = "" if event.answered_with is None else self.version.rules.spell(event.error.code)
        if event.reason is not Rejection.INVALID_PAYLOAD:
            by = rule_of_rejection(event.reason, self.version)
            yield Trouble(text=event.error.description, code=earned, rule=by)
            return
        details = event.error.details
        first = details["path"], details["keyword"]
        cls = self._catalogue.get(spoken.action) or self.version.load_sends().get(spoken.action)
        found = _violations(cls, spoken.payload)
        chosen = [item for item in found if (item.path, item.keyword) == first]
        if not chosen:
            text = event.error.description.removeprefix(f"{first[0]}: ")
            yield Trouble(
                text=text, path=first[0], keyword=first[1], code=earned, rule=self._keyword_rule(first[1])
            )
        for item in [*chosen[:1], *(item for item in found if item not in chosen[:1])]:
            code = earned if item in chosen[:1] else ""
            yield self._trouble(item, code=code)

    # An answer.

    def _answer(self, spoken: Spoken, id: str) -> None:
        found = self._asked(spoken, id)
        if found is None:
            spoken.troubles.append(self._unasked(spoken))
            return
        key, exchange = found
        asker = self._asker(exchange)
        event = None if asker is None else hear(asker, spoken.text)
        self._judge(spoken, exchange, event, asker)
        self._close(key, exchange, spoken)

    def _unasked(self, spoken: Spoken) -> Trouble:
        """An answer without a call; a log may begin after the call."""
        if any(role is None or role is not spoken.sender for role in self._latest):
            return Trouble(text="an answer to nothing that was asked here", rule="L-307")
        return Trouble(
            text="an answer to what was asked before the log begins, or never", rule="L-307", noted=True
        )

    def _asked(self, spoken: Spoken, id: str) -> tuple[tuple[Role | None, str], Exchange] | None:
        callers = [spoken.sender.peer, None] if spoken.sender is not None else [None, *Role]
        return next(
            ((key, self._open[key]) for caller in callers if (key := (caller, id)) in self._open), None
        )

    def _asker(self, exchange: Exchange) -> Connection | None:
        """A connection that has asked this, and nothing else: it judges the answer, whatever else is under
        way.
        """
        request = exchange.received.request if exchange.received is not None else self._example(exchange)
        asker = self._who_asks(exchange.call.sender)
        try:
            asker.call(request, now=0.0, id=exchange.call.id)
        except ValueError:  # an id that nobody may use
            return None
        asker.next_frame()
        return asker

    def _who_asks(self, role: Role | None) -> Connection:
        return fresh(None, self.version)

    def _example(self, exchange: Exchange) -> Request[Any, Any]:
        cls = self._catalogue.get(exchange.call.action)
        return Raw(exchange.call.action or "?", {}) if cls is None else example_of(cls)

    def _judge(
        self, spoken: Spoken, exchange: Exchange, event: Event | None, asker: Connection | None
    ) -> None:
        spoken.action = exchange.call.action
        spoken.id = exchange.call.id
        match event:
            case CallResultReceived(violations=odd, response=response):
                exchange.response = response
                spoken.kind = "CALLRESULT"
                spoken.troubles += self._notes(odd)
                if exchange.received is None:
                    text = "answered as if nothing were wrong with the call"
                    spoken.troubles.append(Trouble(text=text, noted=True))
            case CallErrorReceived(error=error):
                spoken.kind, spoken.error = "CALLERROR", error
                spoken.code = self.version.rules.spell(error.code)
                spoken.troubles += self._refusal(exchange, error)
            case CallFailed(error=error):
                spoken.kind = "CALLRESULT"
                assert asker is not None
                code = _code_in(asker.next_frame())
                cls = self._catalogue.get(exchange.call.action)
                found = _violations(cls.__answer__ if cls else None, spoken.payload)
                if error.violation is None or not found:
                    problem = str(error).partition(f"{exchange.call.id!r} ")[2] or str(error)
                    spoken.troubles.append(
                        Trouble(text=f"the answer {problem}", code=code, rule=self._rule("305"))
                    )
                spoken.troubles += (self._trouble(item, code=code) for item in found if error.violation)
            case _:
                pass

    def _refusal(self, exchange: Exchange, error: OCPPError) -> Iterator[Trouble]:
        described = f": {error.description}" if error.description else ""
        fine = "" if exchange.received is None else ", though the call is valid"
        # Whoever refuses what is wrong does what it should.
        text = f"refused with {self.version.rules.spell(error.code)}{fine}{described}"
        yield Trouble(text=text, noted=exchange.received is None)
        if error.code not in self.version.rules.codes:
            yield Trouble(
                text=f"{error.code} is no code of OCPP {self.version.value}", rule="L-401", noted=True
            )

    def _broken_answer(self, spoken: Spoken) -> bool:
        """Whether the frame is what is left of an answer: then it ends the call that it names."""
        if spoken.kind == "CALL" or not spoken.text:
            return False
        for id in _QUOTED.findall(spoken.text[:HEAD])[:2]:
            found = self._asked(spoken, id)
            asker = self._asker(found[1]) if found is not None else None
            event = None if asker is None else hear(asker, spoken.text)
            if found is not None and isinstance(event, (CallFailed, CallErrorReceived)):
                self._judge(spoken, found[1], event, asker)
                self._close(*found, spoken)
                return True
        return False

    def _close(self, key: tuple[Role | None, str], exchange: Exchange, answer: Spoken) -> None:
        exchange.answer, answer.exchange = answer, exchange
        if answer.sender is None and exchange.call.sender is not None:
            answer.sender = exchange.call.sender.peer
        del self._open[key]
        self._discharge(exchange)
        if exchange.overtaken_by is not None:
            text = f"sent before {exchange.call.action} {exchange.call.id!r} was answered: one call at a time"
            exchange.overtaken_by.troubles.append(
                Trouble(text=text, rule=self._rule("301"), noted=self.forgives_overtaking)
            )

    def _discharge(self, exchange: Exchange) -> None:
        """Tell the connection that was asked that it has answered."""
        if exchange.received is None:
            return
        sender = exchange.call.sender
        connection = self._ends[sender.peer if sender is not None else None]
        if exchange.response is not None:
            connection.reply(exchange.received, exchange.response)
        else:
            connection.reply_error(exchange.received, GenericError())
        connection.next_frame()

    # Words.

    def _rule(self, number: str) -> str:
        return rule(number, self.version)

    def _keyword_rule(self, keyword: str) -> str:
        return rule_of_keyword(keyword, self.version)

    def _notes(self, found: tuple[Violation, ...]) -> Iterator[Trouble]:
        return (self._trouble(item, noted=True) for item in found)

    def _trouble(self, item: Violation, *, code: str = "", noted: bool = False) -> Trouble:
        return Trouble(
            text=item.message,
            path=item.path,
            keyword=item.keyword,
            code=code,
            rule=self._keyword_rule(item.keyword),
            noted=noted,
            value=item.value,
        )


def hear(connection: Connection, text: str) -> Event | None:
    """What a connection makes of one frame; what it would send is left where it is, and what it asks for."""
    connection.receive_text(text, now=0.0)
    event = connection.next_event()
    while isinstance(connection.next_event(), CloseRequested):
        pass
    if isinstance(event, FrameRejected):
        connection.next_frame()
    return event


def _violations(cls: type[Message] | None, payload: Any) -> list[Violation]:
    return [] if cls is None else list(violations(cls, payload))[:MOST_VIOLATIONS]


def _code_in(frame: str | None) -> str:
    return "" if frame is None else str(json.loads(frame)[2])
