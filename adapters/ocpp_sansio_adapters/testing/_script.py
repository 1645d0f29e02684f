"""What a scripted peer expects, and what it answers. Says nothing to anybody by itself: `_peer` does.

The order is that in which the script was written. A call goes to the first expectation that it matches among
those whose turn it is; what is allowed is looked at after that.
"""

import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from itertools import groupby
from math import inf
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

from ocpp_sansio import Connection, OCPPError, Raw, Role, Version
from ocpp_sansio.messages import Message, Request, Response, Unconfirmed
from ocpp_sansio.validation import encode

from .._plain import check_names, plain_answer
from ._answers import matches, moment
from ._changes import Changes
from ._wire import check_seconds

__all__ = ["Expectation", "Refusal", "Script", "Silence", "Snap"]

Own = TypeVar("Own")
Answer = TypeVar("Answer", bound=Response)

Make = Callable[[Any, float], Response]


class Refusal:
    """Answers with a CALLERROR."""

    def __init__(self, error: OCPPError) -> None:
        self.error = error


class Silence:
    """Never answers."""


class Snap:
    """Cuts the link instead."""


class Expectation(Generic[Own, Answer]):
    """A call, or a SEND, that a scripted peer expects or allows, and its answer.

    Without `reply` or one of its like, the answer is a plain one: Accepted, and of the other members those
    that must be there. `requests` are those that have come so far.
    """

    def __init__(
        self,
        action: str,
        cls: type[Message] | None,
        where: Callable[[Any], object] | None,
        members: Mapping[str, Any],
        changes: Changes,
    ) -> None:
        self.requests: list[Own] = []
        self._action = action
        self._cls = cls
        self._where = where
        self._members = members
        self._changes = changes
        self._does: Make | Refusal | Silence | Snap | None = None
        self._says = "reply with a plain answer"
        self._delay = 0.0
        self._least, self._most = 1, 1.0
        self._stage = 0
        self._at = _caller()

    # What is said when the script is written.

    def times(self, least: int, most: float | None = None) -> Self:
        """It comes so often: exactly `least` times, or up to `most` times, which may be `math.inf`.

        Raises ValueError for other numbers, TypeError for what is allowed, which may come any number of
        times.
        """
        if self._stage < 0:
            raise TypeError("what is allowed may come any number of times: use expect()")
        most = least if most is None else most
        if (
            type(least) is not int
            or not (most == inf or type(most) is int)
            or not 0 <= least <= most
            or not most
        ):
            raise ValueError(
                f"times are whole numbers, such as 3, or 0 and math.inf, not {least!r} and {most!r}"
            )
        self._least, self._most = least, most
        return self

    def delay(self, seconds: float) -> Self:
        """The answer takes so long. Raises ValueError for what is no length of time."""
        self._delay = check_seconds("seconds", seconds)
        return self

    def reply(
        self, response: Answer | Raw | Callable[[Own], Answer | Raw] | None = None, /, **members: Any
    ) -> Self:
        """Answer with this response, with what a function makes of the request, or with a plain answer in
        which these members are different: `reply(status="Rejected", interval=60)`.

        A `Raw` goes out as it stands, however wrong it is. Raises TypeError for what is no answer to this,
        and ValueError for a response that the schema forbids; what a function makes is judged when the
        request comes.
        """
        self._settle_on("reply")
        if response is not None and members:
            raise TypeError("reply takes a response or members, not both")
        if response is None:
            self._check(lambda: self._made(members, None, 0.0))
            self._does = lambda request, now: self._made(members, request, now)
            self._says = "reply " + (
                ", ".join(f"{name}={value!r}" for name, value in members.items()) or "plainly"
            )
        elif isinstance(response, Response):
            self._check(lambda: response)
            self._does = lambda request, now: response
            self._says = f"reply {response!r}"
        elif callable(response):
            make = response
            self._does = lambda request, now: make(request)
            self._says = f"reply {getattr(make, '__name__', make)}(request)"
        else:
            raise TypeError(f"reply takes a response or a function that makes one, not {response!r:.60}")
        return self

    def reply_error(self, error: OCPPError) -> Self:
        """Answer with a CALLERROR, such as `InternalError("no disk")`. Raises TypeError for what is none."""
        self._settle_on("reply_error")
        if not isinstance(error, OCPPError):
            raise TypeError(f"reply_error takes an OCPPError, not {error!r:.60}")
        self._does = Refusal(error)
        self._says = f"reply with the error {error}"
        return self

    def ignore(self) -> Self:
        """Never answer."""
        self._settle_on("ignore")
        self._does = Silence()
        self._says = "ignore it"
        return self

    def cut(self) -> Self:
        """Cut the link instead of an answer. What has come is not known to the station, then."""
        self._settle_on("cut")
        self._does = Snap()
        self._says = "cut the link"
        return self

    def _settle_on(self, verb: str) -> None:
        if self._does is not None:
            raise TypeError(f"{self._action} has its answer already: {self._says}")
        if verb.startswith("reply") and self._cls is not None and issubclass(self._cls, Unconfirmed):
            raise TypeError(f"{self._action} is a SEND, which has no answer")

    def _check(self, make: Callable[[], Any]) -> None:
        """Judge a response now, where the line of the script is to blame."""
        if self._cls is None or issubclass(self._cls, Raw):
            return
        response = make()
        expected: Any = getattr(self._cls, "__answer__", None)
        if type(response) is Raw:
            return
        if type(response) is not expected:
            raise TypeError(
                f"{self._action} is answered with a {expected.__name__} of its version, not {response!r}"
            )
        encode(response)

    def _made(self, members: Mapping[str, Any], request: Any, now: float) -> Any:
        cls: Any = self._cls if self._cls is not None else type(request)
        if issubclass(cls, Raw):
            return Raw(self._action, dict(members))
        return plain_answer(cls.__answer__, moment(now), members)

    # What is asked when the script is played.

    @property
    def request(self) -> Own:
        """The last that has come. Raises AssertionError if none has."""
        if not self.requests:
            raise AssertionError(f"{self._wanted} has not come")
        return self.requests[-1]

    @property
    def is_met(self) -> bool:
        """Whether it has come as often as it must."""
        return len(self.requests) >= self._least

    async def wait(self) -> Own:
        """Wait until it has come as often as it must, at least once. Returns the last that came."""
        await self._changes.until(lambda: self.requests and self.is_met)
        return self.request

    # For the script.

    @property
    def _wanted(self) -> str:
        """What is waited for, in words."""
        members = [f"{name}={value!r}" for name, value in self._members.items()]
        if self._where is not None:
            members.append(f"where={getattr(self._where, '__name__', 'a function')}")
        return f"{self._action}({', '.join(members)})"

    @property
    def _count(self) -> str:
        """How often it must come, in words."""
        most = "any number of" if self._most == inf else f"{self._most:g}"
        many = most if self._least == self._most else f"{self._least} to {most}"
        return f"{len(self.requests)} of {many} times"

    @property
    def _conduct(self) -> str:
        """What is done about it, in words."""
        return self._says + (f" after {self._delay:g} s" if self._delay else "")

    def __repr__(self) -> str:
        return f"<{self._wanted}: {self._count}, {self._conduct}  [{self._at}]>"

    def _fits(self, action: str, message: Message) -> bool:
        """Whether this is a message that is waited for, and still may come."""
        return (
            action == self._action
            and len(self.requests) < self._most
            and matches(self._members, message.payload if isinstance(message, Raw) else message)
            and (self._where is None or bool(self._where(message)))
        )

    def _check_version(self, connection: Connection) -> None:
        """Raise TypeError if this is not a message of what the connection speaks."""
        if self._cls is not None and not _is_spoken(self._cls, connection):
            spoken = connection.version.value
            raise TypeError(
                f"{self._cls.__module__}.{self._action} is expected [{self._at}], but OCPP {spoken} is spoken"
            )

    def _answer(self, request: Any, now: float) -> Response | Refusal | Silence | Snap:
        """What to do about a request; `now` is seconds since the trace began."""
        if isinstance(self._does, Refusal | Silence | Snap):
            return self._does
        return self._made({}, request, now) if self._does is None else self._does(request, now)


class Script:
    """All that is expected and allowed."""

    def __init__(self, role: Role) -> None:
        self.changes = Changes()
        self.expected: list[Expectation[Any, Any]] = []
        self.allowed: list[Expectation[Any, Any]] = []
        self._role = role
        self._stage = 1
        self._loose = False  # in a block of any order
        self._playing = 1  # the stage that was reached

    def expect(
        self, wanted: object, where: Callable[[Any], object] | None, members: Mapping[str, Any]
    ) -> Expectation[Any, Any]:
        """A new line at the end of the script."""
        line = self._line(wanted, where, members)
        self._stage += not self._loose
        line._stage = self._stage
        self.expected.append(line)
        return line

    def allow(
        self, wanted: object, where: Callable[[Any], object] | None, members: Mapping[str, Any]
    ) -> Expectation[Any, Any]:
        """Something that may come at any time, any number of times."""
        line = self._line(wanted, where, members)
        line._stage, line._least, line._most = -1, 0, inf
        self.allowed.insert(0, line)  # the newest is the first to be asked
        return line

    def _line(
        self, wanted: Any, where: Callable[[Any], object] | None, members: Mapping[str, Any]
    ) -> Expectation[Any, Any]:
        is_class = (
            isinstance(wanted, type) and issubclass(wanted, Request | Unconfirmed) and wanted is not Raw
        )
        action = getattr(wanted, "__action__", None) if is_class else wanted
        if not isinstance(action, str):
            raise TypeError(
                f"a peer expects a class such as call.Heartbeat or the name of an action, not {wanted!r:.60}"
            )
        if is_class and wanted.__sender__ is self._role:
            raise ValueError(f"{action} is what a {self._role.value} sends, and not what it gets")
        if is_class and not issubclass(wanted, Raw):
            check_names(wanted, members)
        if where is not None and not callable(where):
            raise TypeError(f"where is a function of the request, not {where!r:.60}")
        return Expectation(str(action), wanted if is_class else None, where, members, self.changes)

    @contextmanager
    def any_order(self) -> Generator[None]:
        """What is expected within the block may come in any order."""
        if self._loose:
            raise TypeError("any_order() is open already")
        self._stage += 1
        self._loose = True
        try:
            yield
        finally:
            self._loose = False

    def find(self, action: str, message: Message) -> Expectation[Any, Any] | None:
        """The line that is played by this message, if any is. What a `where` raises comes out."""
        for stage, lines in groupby(self.expected, lambda line: line._stage):
            if stage < self._playing:
                continue
            group = list(lines)
            for line in group:
                if line._fits(action, message):
                    self._playing = stage
                    return line
            if not all(line.is_met for line in group):
                break
        return next((line for line in self.allowed if line._fits(action, message)), None)

    def is_of(self, version: Version) -> bool:
        """Whether each class that is expected or allowed is one of this version, or of no version."""
        return not any(
            line._cls.__module__.startswith("ocpp_sansio.v") and line._cls not in _classes(version)
            for line in [*self.expected, *self.allowed]
            if line._cls is not None
        )

    def unmet(self) -> list[Expectation[Any, Any]]:
        """The lines that were not played as often as they must be."""
        return [line for line in self.expected if not line.is_met]

    def lines(self) -> list[str]:
        """The script, for people."""
        found = [
            f"  {'  ' if line.is_met else '>>'} {number}. {line._wanted}  {line._count}, {line._conduct}"
            f"  [{line._at}]"
            for number, line in enumerate(self.expected, 1)
        ]
        for line in reversed(self.allowed):
            came = f"{len(line.requests)} came"
            found.append(f"     allowed: {line._wanted}  {came}, {line._conduct}  [{line._at}]")
        return found


def _classes(version: Version) -> list[object]:
    return [*version.load().values(), *version.load_sends().values()]


def _is_spoken(cls: type[Message], connection: Connection) -> bool:
    """Whether a connection speaks of messages of this class."""
    dialect = connection._dialect
    return cls in (*dialect.calls.values(), *dialect.sends.values())


_HERE = str(Path(__file__).parent)


def _caller() -> str:
    """Where the script says this: file and line of the first frame that is not ours."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
