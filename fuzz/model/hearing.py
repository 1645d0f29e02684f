"""What the oracle says about a frame that arrives: which event it must give, and which answer."""

import json
from typing import Any

import attrs

from ocpp_sansio import (
    CallErrorReceived,
    CallFailed,
    CallReceived,
    CallResultErrorReceived,
    CallResultReceived,
    CloseRequested,
    DuplicateCallReceived,
    FrameRejected,
    LateResponseReceived,
    Rejection,
    Role,
    SendReceived,
    UnmatchedResponseReceived,
    Version,
)

from .oracle import RECENT, STARTS, Oracle
from .setting import ANYTHING, Ask, Owed, keep
from .vocabulary import STREAM, Frame, words

__all__ = ["Hearing"]

#: Flaws that leave nothing of a frame. So many in a row are the sign of a peer that speaks something else.
UNREADABLE = {
    Rejection.NOT_JSON,
    Rejection.NOT_A_FRAME,
    Rejection.NOT_UNICODE,
    Rejection.TOO_DEEP,
    Rejection.BROKEN_CALL,
    Rejection.UNKNOWN_MESSAGE_TYPE,
    Rejection.MALFORMED_CALL,
    Rejection.ID_NOT_TEXT,
}
_SILENCE = {Rejection.EMPTY, Rejection.TOO_BIG, Rejection.NOT_UTF8}
_NO_ID_IN_16 = {Rejection.NOT_JSON, Rejection.NOT_A_FRAME, Rejection.ID_NOT_TEXT}  # J16-405, 406, 409
#: What a version has no answer to.
UNANSWERED = {
    Version.V16: _SILENCE | _NO_ID_IN_16 | {Rejection.UNKNOWN_MESSAGE_TYPE},  # J16-407
    Version.V201: _SILENCE,
    Version.V21: _SILENCE | {Rejection.UNKNOWN_MESSAGE_TYPE},  # J21-407
}
#: What 1.6 spells in its own way (J16-401).
SPELLINGS = {
    "FormationViolation": "FormatViolation",
    "OccurenceConstraintViolation": "OccurrenceConstraintViolation",
}


class Hearing(Oracle):
    """The whole oracle: with ears."""

    def hear(self, frame: Frame, now: float) -> None:
        """A frame arrives."""
        self.tick(now)
        if self.closed:
            return
        if len(self.frames) + len(self.events) >= self.options.undrained:
            self.complain()
            return
        if frame.closes is not None:
            self.reject(ANYTHING, frame.flaw)
            self.expect(CloseRequested, code=frame.closes)
            return
        if frame.flaw is None:
            frame = self.understand(frame)
        if frame.flaw is not None:
            self.hear_flawed(frame, frame.flaw)
        self.bad_frames = self.bad_frames + 1 if frame.flaw in UNREADABLE else 0
        if self.bad_frames == self.options.bad_frames:
            self.bad_frames = 0
            self.expect(
                CloseRequested, code=1008, reason=f"{self.options.bad_frames} unreadable frames in a row"
            )

    def complain(self) -> None:
        """Nobody takes anything away: the frame is as good as lost on the wire."""
        too_fast = "frames arrive faster than they are handled"
        if not self.events or self.events[-1].facts.get("reason") != too_fast:
            self.expect(CloseRequested, code=1008, reason=too_fast)

    def understand(self, frame: Frame) -> Frame:
        """Hear a frame that is whole. One of a type that this version does not have is given back as flawed."""
        text = str(frame.text)
        kind, *rest = json.loads(text)
        id: Any = rest[0] if rest else None
        if kind > 4 and not self.has_send:
            return attrs.evolve(frame, flaw=Rejection.UNKNOWN_MESSAGE_TYPE, kind=kind, id=id)
        if kind == 2:
            self.hear_call(text, *rest)
        elif kind == 3:
            self.hear_result(text, id, rest[1:])
        elif kind == 4:
            self.hear_error(text, id, *rest[1:])
        elif kind == 5:
            self.hear_result_error(text, *rest)
        else:
            self.hear_send(text, *rest)
        return frame

    def hear_flawed(self, frame: Frame, flaw: Rejection) -> None:
        """What is left of an answer ends its call (L-401). Anything else is refused, if it is one to refuse."""
        ask = self.asked(frame.id)
        if frame.kind not in (3, 4):
            self.reject(frame.text, flaw, frame.id, answer=frame.kind not in (5, 6) or not self.has_send)
        elif ask is not None and frame.code is not None:
            self.end_answered(CallErrorReceived, ask, error__code=frame.code)
        elif ask is not None:
            self.fail(ask, None, is_result=frame.kind == 3)
        elif frame.id in self.late:
            self.hear_straggler(str(frame.text), frame.id, None, frame.code)
        else:
            self.reject(frame.text, flaw, answer=False)

    def reject(
        self,
        text: Any,
        flaw: Rejection | None,
        id: str | None = None,
        *,
        answer: bool = True,
        code: Any = ANYTHING,
    ) -> None:
        """Refuse a frame; answer it if it is one to answer, and if that would not be taken for the answer to a
        call that is being handled (L-411).
        """
        unreadable_id = None if self.version is Version.V16 else "-1"  # J*-207
        to = unreadable_id if id is None else id
        if not answer or flaw in UNANSWERED[self.version] or to in self.owed or self.is_mute:
            to = None
        if to is not None:
            self.frames.append([4, to, code, ANYTHING, ANYTHING])
        self.expect(FrameRejected, text=text, reason=flaw, answered_with=to)

    @property
    def is_mute(self) -> bool:
        """A station of 1.6 that was rejected does not answer at all (J16-505)."""
        rejected = self.memory is not None and self.memory.boot == "Rejected"
        gated = self.options.gate is not None and self.role is Role.CHARGING_STATION
        return rejected and gated and self.version is Version.V16

    # The peer asks.

    def hear_call(self, text: str, id: str, action: str, payload: Any) -> None:
        """Who may ask comes first, then what, then how (L-425)."""
        payload = {} if payload is None else payload
        word = words(self.version).get(action)
        if id in self.owed:
            self.expect(DuplicateCallReceived, id=id, call__text=self.owed[id].text, text=text)
        elif not self.admits(self.peer, action):
            self.refuse_unaccepted(text, id, action)
        elif self.replay(text, id):
            self.expect(DuplicateCallReceived, id=id, call=None, text=text)
        elif word is None:
            self.reject(text, Rejection.UNKNOWN_ACTION, id, code="NotImplemented")
        elif not word.answers:
            self.reject(text, Rejection.ONLY_AS_SEND, id, code="NotSupported")
        elif self.role is not None and word.sender is self.role:
            self.reject(text, Rejection.WRONG_DIRECTION, id, code="NotSupported")
        elif not isinstance(payload, dict):
            self.reject(text, Rejection.PAYLOAD_NOT_AN_OBJECT, id)
        elif len(self.owed) >= self.options.open_calls:
            self.reject(text, Rejection.TOO_MANY_CALLS, id, code="GenericError")
        elif payload != word.payload:
            self.reject(text, Rejection.INVALID_PAYLOAD, id)
        else:
            self.owed[id] = Owed(action, word.payload, text)
            self.expect(CallReceived, id=id, action=action, payload=payload, text=text)

    @property
    def peer(self) -> Role | None:
        """Who is at the other end."""
        return None if self.role is None else self.role.peer

    def replay(self, text: str, id: str) -> bool:
        """The very call that was answered gets its answer again (L-205)."""
        if self.memory is None or self.memory.answers.get(id, ("",))[0] != text:
            return False
        self.frames.append(self.memory.answers[id][1])
        return True

    def refuse_unaccepted(self, text: str, id: str, action: str) -> None:
        """A pending station has an answer of its own to those who want to start something (J*-503)."""
        assert self.memory is not None
        if self.role is Role.CHARGING_STATION and self.memory.boot == "Pending" and action in STARTS:
            self.frames.append([3, id, {"status": "Rejected"}])
            self.expect(FrameRejected, text=text, reason=Rejection.NOT_ACCEPTED, answered_with=id)
        else:
            self.reject(text, Rejection.NOT_ACCEPTED, id, code="SecurityError")

    def hear_send(self, text: str, id: str, action: str, payload: Any) -> None:
        """Whatever it is, nothing is said to it (J21-304)."""
        payload = {} if payload is None else payload
        word = words(self.version)[STREAM]
        if not self.admits(self.peer, action):
            self.reject(text, Rejection.NOT_ACCEPTED, answer=False)
        elif action != STREAM:
            self.reject(text, Rejection.UNKNOWN_ACTION, answer=False)
        elif word.sender is self.role:
            self.reject(text, Rejection.WRONG_DIRECTION, answer=False)
        elif not isinstance(payload, dict):
            self.reject(text, Rejection.PAYLOAD_NOT_AN_OBJECT, answer=False)
        elif payload != word.payload:
            self.reject(text, Rejection.INVALID_PAYLOAD, answer=False)
        else:
            self.expect(SendReceived, id=id, action=action, payload=payload, text=text)

    # The peer answers.

    def asked(self, id: Any) -> Ask | None:
        """The call that an answer with this id ends: the one in the slot, if the peer may have seen it."""
        return self.slot if self.slot is not None and self.slot.sent and self.slot.id == id else None

    def hear_result(self, text: str, id: Any, rest: list[Any]) -> None:
        """A CALLRESULT."""
        payload = rest[0] if rest else None
        if rest == [None]:
            payload = {}  # J*-210
        ask = self.asked(id)
        if ask is None:
            self.hear_straggler(text, id, payload, None)
            return
        word = words(self.version)[ask.action]
        if len(rest) != 1 or payload not in word.answers:
            self.fail(ask, payload, is_result=True)
            return
        if self.memory is not None:
            self.memory.observe(ask.action, word.payload, payload)
        self.end_answered(CallResultReceived, ask, payload=payload)

    def hear_error(self, text: str, id: Any, code: str = "GenericError", *rest: Any) -> None:
        """A CALLERROR: however little is in it, it ends its call (L-401)."""
        ask = self.asked(id)
        if ask is None:
            self.hear_straggler(text, id, None, code)
        else:
            self.end_answered(CallErrorReceived, ask, **_error(code))

    def hear_result_error(self, text: str, id: str, code: str, *rest: Any) -> None:
        """A CALLRESULTERROR: to one of the last few answers, once (J21-305)."""
        action = self.answered.pop(id, None)
        self.expect(CallResultErrorReceived, id=id, action=action, text=text, **_error(code))

    def fail(self, ask: Ask, payload: Any, *, is_result: bool) -> None:
        """The answer is of no use. 2.1 has a way to say so of a CALLRESULT (J21-305)."""
        if is_result and self.has_send:
            self.frames.append([5, ask.id, ANYTHING, ANYTHING, ANYTHING])
        self.end_answered(CallFailed, ask, payload=payload)

    def end_answered(self, kind: type[Any], ask: Ask, **facts: Any) -> None:
        """The call in the slot has ended, and the next may go."""
        self.slot = None
        self.timeouts = 0
        if self.has_send:
            keep(self.rejectable, ask.id, ask, RECENT)
        self.expect(kind, ask, **facts)
        self.turn()

    def hear_straggler(self, text: str, id: Any, payload: Any, code: str | None) -> None:
        """An answer to a call that has timed out, or to none: an event and nothing else (L-307)."""
        ask = self.late.pop(id, None)
        if ask is not None:
            self.expect(LateResponseReceived, ask, payload=payload, text=text, **_error(code))
        else:
            self.expect(UnmatchedResponseReceived, id=id, payload=payload, text=text, **_error(code))


def _error(code: str | None) -> dict[str, Any]:
    """What must be true of the error of an event."""
    return {"error": None} if code is None else {"error__code": SPELLINGS.get(code, code)}
