"""One end of one link, at which a script is played: hears, looks into the script, and answers.

Pure, but for who waits for an answer.
"""

import traceback
from collections.abc import Callable, Generator, Mapping
from typing import Any, Generic, TypeVar

from ocpp_sansio import (
    CallErrorReceived,
    CallFailed,
    CallLost,
    CallReceived,
    CallResultReceived,
    CallTimedOut,
    CallTimeout,
    Connection,
    ConnectionClosed,
    Event,
    FrameRejected,
    Limits,
    LocalProtocolError,
    PendingCall,
    Role,
    SendReceived,
    UnmatchedResponseReceived,
    Version,
)
from ocpp_sansio.errors import InternalError, NotSupportedError
from ocpp_sansio.messages import Request, Response

from ._changes import Changes
from ._script import Refusal, Script, Silence, Snap
from ._trace import shortened
from ._wire import CSMS, STATION, Wire

__all__ = ["Asked", "Playing"]

Answer = TypeVar("Answer", bound=Response)

ENDS = CallResultReceived | CallErrorReceived | CallFailed | CallTimedOut | CallLost

#: What is ignored stays open at the connection, and is to be no reason to refuse others.
LIMITS = Limits(open_calls=10**6)


class Asked(Generic[Answer]):
    """A call of a scripted peer. `await` it for the answer, or ask for `result()` once it is `done`.

    Either raises the CALLERROR as an OCPPError, CallTimeout, RemoteProtocolError for an unusable answer, and
    ConnectionClosed if the link is lost. An error that nobody asked for fails the test. Cancelling what
    awaits it gives the call up.
    """

    def __init__(self, pending: PendingCall[Answer], give_up: Callable[[], None]) -> None:
        self.pending = pending
        self._changes = Changes()
        self._give_up = give_up
        self._response: Answer | None = None
        self._error: Exception | None = None
        self._is_known = False

    @property
    def done(self) -> bool:
        """Whether the call has ended."""
        return self._response is not None or self._error is not None

    def result(self) -> Answer:
        """The answer. Raises LocalProtocolError if the call has not ended."""
        self._is_known = True
        if self._error is not None:
            raise self._error
        if self._response is None:
            raise LocalProtocolError(f"{self.pending.action} has not been answered yet")
        return self._response

    def __await__(self) -> Generator[Any, Any, Answer]:
        return self._wait().__await__()

    async def _wait(self) -> Answer:
        self._is_known = True
        try:
            await self._changes.until(lambda: self.done)
        finally:
            if not self.done:
                self._give_up()
        return self.result()

    def _end(self, event: ENDS) -> None:
        """It has ended by this event."""
        call = self.pending
        self._response = call.response_in(event)
        match event:
            case CallErrorReceived(error=error) | CallFailed(error=error):
                self._error = error
            case CallTimedOut():
                self._error = CallTimeout(call.action, call.id, call.timeout, call.released)
            case CallLost():
                self._error = ConnectionClosed(
                    f"the link was lost before {call.action} {call.id!r} was answered"
                )
            case _:
                pass
        self._changes.tell()

    def _problem(self) -> str | None:
        """What is wrong, if anything is."""
        call = f"{self.pending.action} {self.pending.id!r}"
        if not self.done and not self._is_known:
            return f"the peer's {call} has no answer"
        if self._error is not None and not self._is_known:
            return f"the peer's {call} has failed, and nobody asked for its result: {self._error!r}"
        return None


class Playing:
    """An end of a wire, where a scripted peer sits. `said` counts its calls, `ignored` are ids that get no
    answer.
    """

    def __init__(
        self,
        script: Script,
        wire: Wire,
        name: str,
        version: Version,
        clock: Callable[[], float],
        options: Mapping[str, Any],
        said: int,
    ) -> None:
        self.said = said
        self.ignored: set[str] = set()
        role = {CSMS: Role.CSMS, STATION: Role.CHARGING_STATION}[name]
        settings: dict[str, Any] = {"new_id": self._new_id, "limits": LIMITS, **options}
        self.connection = Connection(role, version, **settings)
        self._script = script
        self._wire = wire
        self._name = name
        self._clock = clock
        self._asked: list[Asked[Any]] = []
        self._texts: list[str] = []  # that are said raw
        self._said_raw = False
        self._later: list[tuple[float, int, CallReceived, Any]] = []  # answers that take their time
        self._problems: list[str] = []

    def _new_id(self) -> str:
        self.said += 1
        return f"{self._name}-{self.said}"

    # What the peer does of its own accord.

    def ask(self, request: Request[Any, Answer], timeout: float | None) -> Asked[Answer]:
        """Call the other end."""
        pending = self.connection.call(request, now=self._clock(), timeout=timeout)

        def give_up() -> None:
            self.connection.abandon(pending, now=self._clock())

        asked = Asked(pending, give_up)
        self._asked.append(asked)
        return asked

    def say(self, text: str) -> None:
        """Send any text."""
        self._said_raw = True
        self._texts.append(text)

    # What the wire wants of an end.

    @property
    def deadline(self) -> float | None:
        """When an answer is due, or a time-out."""
        due = [instant for instant, *_ in self._later]
        if self.connection.deadline is not None:
            due.append(self.connection.deadline)
        return min(due, default=None)

    def receive_text(self, text: str, *, now: float) -> None:
        """A frame arrives."""
        self.connection.receive_text(text, now=now)
        self._hear(now)

    def receive_close(self, *, now: float) -> None:
        """The link is gone."""
        self._later.clear()
        self.connection.receive_close(now=now)
        self._hear(now)

    def handle_timeout(self, *, now: float) -> None:
        """It is later."""
        self.connection.handle_timeout(now=now)
        self._hear(now)
        for item in sorted(self._later, key=lambda item: item[:2]):
            if item[0] <= now:
                self._later.remove(item)
                self._do(item[2], item[3])

    def next_frame(self, *, now: float) -> str | None:
        """What there is to send."""
        self._hear(now)
        text = self.connection.next_frame()
        return self._texts.pop(0) if text is None and self._texts else text

    # Hearing and answering.

    def _hear(self, now: float) -> None:
        while (event := self.connection.next_event()) is not None:
            match event:
                case CallReceived():
                    self._play(event, event.request, now)
                case SendReceived():
                    self._play(event, event.message, now)
                case CallResultReceived() | CallErrorReceived() | CallFailed() | CallTimedOut() | CallLost():
                    for asked in self._asked:
                        if asked.pending is event.pending:
                            asked._end(event)
                case _:
                    self._judge(event, now)

    def _play(self, event: CallReceived | SendReceived, message: Any, now: float) -> None:
        """Find the line of the script that this plays, and do what it says."""
        time = self._wire.trace._time(now)
        try:
            line = self._script.find(event.action, message)
            if line is None:
                self._note(now, f"came, and was not expected: {shortened(event.text)}{self._instead()}")
                does: Any = Refusal(NotSupportedError())
            else:
                line.requests.append(message)
                does = line._answer(message, time) if isinstance(event, CallReceived) else line._does
        except Exception as error:
            shown = "".join(traceback.format_exception(error)).rstrip().replace("\n", "\n      ")
            self._note(now, f"the script failed at {event.action}:\n      {shown}")
            line, does = None, Refusal(InternalError())
        if isinstance(event, SendReceived):
            if isinstance(does, Snap):
                self._wire.cut(now)
        elif line is not None and line._delay:
            self._later.append((now + line._delay, len(self._later), event, does))
        else:
            self._do(event, does)
        self._script.changes.tell()

    def _instead(self) -> str:
        waited = [line._wanted for line in self._script.unmet()[:1]]
        return f"\n      expected next: {waited[0]}" if waited else ""

    def _do(self, received: CallReceived, does: Response | Refusal | Silence | Snap) -> None:
        now = self._clock()
        try:
            match does:
                case Silence():
                    self.ignored.add(received.id)
                case Snap():
                    self._wire.cut(now)
                case Refusal(error=refusal):
                    self.connection.reply_error(received, refusal)
                case _:
                    self.connection.reply(received, does)
        except (TypeError, ValueError) as error:
            self._note(now, f"the script's answer to {received.action} is none: {error}")
            self.connection.reply_error(received, InternalError())

    def _judge(self, event: Event, now: float) -> None:
        """What concerns no call: some of it is the fault of the end that is tested."""
        match event:
            case FrameRejected(text=text, reason=reason, error=error):
                self._note(now, f"came, and was refused ({reason}: {error}): {shortened(text)}")
            case UnmatchedResponseReceived(text=text) if not self._said_raw and not self._wire.was_faulty:
                self._note(now, f"came, and answers nothing: {shortened(text)}")
            case _:
                pass

    def _note(self, now: float, problem: str) -> None:
        self._problems.append(f"{self._wire.trace._time(now):.3f} s: {problem}")

    # The end.

    def is_quiet(self) -> bool:
        """Whether it owes nothing, and waits for nothing."""
        owed = [call for call in self.connection.owed if call.id not in self.ignored]
        return not owed and not self._later and all(asked.done or asked._is_known for asked in self._asked)

    def problems(self) -> list[str]:
        """What is wrong so far."""
        owed = [
            f"call without an answer: {call.action} {call.id!r}"
            for call in self.connection.owed
            if call.id not in self.ignored
        ]
        return [*self._problems, *owed, *filter(None, (asked._problem() for asked in self._asked))]
