"""The messages that one connection speaks, and how strictly it judges them: a version, the end that it is,
what a user has added, and the policy.

Between payloads and messages. Knows no connection and no state.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from ._codec import Refused, decoder, plain, widened_decoder
from ._frames import check_nesting
from ._lenient import read_leniently
from ._shape import NO_LENGTHS, Lengths, members
from ._values import Note, is_unicode
from ._words import did_you_mean
from .errors import ErrorCode, LocalProtocolError, Rejection, SchemaViolation
from .messages import Message, Origin, Raw, Request, Role, Unconfirmed
from .policies import Strictness, Validation
from .validation import Violation, encode, encode_unjudged, noted
from .version import Catalogue, SendCatalogue, Version

__all__ = ["Dialect"]

Read = tuple[Any, tuple[Violation, ...]]
Extensions = tuple[type[Request[Any, Any]], ...]
Sendable = Request[Any, Any] | Unconfirmed


class Dialect:
    """Immutable once it is made: connections that ask for nothing special share one.

    `calls` and `sends` are the classes of the version and of the user, by action; `asked` those of `calls`
    that the peer may send.
    """

    __slots__ = (
        "_lengths",
        "_relaxed",
        "asked",
        "calls",
        "nesting",
        "role",
        "rules",
        "sends",
        "validation",
        "version",
    )

    def __init__(
        self,
        version: Version,
        role: Role | None,
        extensions: Extensions,
        field_lengths: tuple[tuple[str, int], ...],
        validation: Validation,
        nesting: int,
    ) -> None:
        self.version = version
        self.role = role
        self.nesting = nesting
        self.rules = version.rules
        self.sends = version.load_sends()
        self.calls = _extended(version, self.sends, extensions)
        self.asked = {action: cls for action, cls in self.calls.items() if not self.is_ours(cls)}
        self.validation = validation
        self._relaxed = validation != Validation()
        self._lengths = _lengths(self.calls, field_lengths)
        _check_actions(validation, {*self.calls, *self.sends})

    def is_ours(self, cls: type[Sendable]) -> bool:
        """Whether a message of this class is for us alone to send."""
        return self.role is not None and cls.__sender__ is self.role

    def judges(self, action: str) -> bool:
        """Whether what is received under this name is judged at all."""
        return self.validation.of_action(action).received is not Strictness.OFF

    @classmethod
    def of(
        cls,
        version: Version,
        role: Role | None,
        extensions: Iterable[type[Request[Any, Any]]],
        field_lengths: Mapping[str, int] | None,
        validation: Validation,
        nesting: int,
    ) -> "Dialect":
        """The one dialect of these arguments, as long as it is among the last few that were asked for."""
        lengths = field_lengths or {}
        if not isinstance(lengths, Mapping):
            raise TypeError(f"field_lengths is a mapping of names to lengths, not {lengths!r:.60}")
        for name, length in lengths.items():
            if type(length) is not int or length < 1:
                raise ValueError(f"the length of {name} is a positive number of characters, not {length!r}")
        return _shared(version, role, _classes(extensions), tuple(lengths.items()), validation, nesting)

    def read(
        self, cls: type[Message], action: str, payload: dict[str, Any], frame: list[Any], text: str
    ) -> Read:
        """The message, and its departures that were understood all the same.

        `action` is that of the call; `frame` and `text` are what the payload came in. Raises Refused, and
        Malformed for JSON that is nested too deeply, which most classes leave no room for.
        """
        if cls is Raw or (self._relaxed and not self.judges(action)):
            check_nesting(frame, self.nesting)
            return Raw(action, payload, Origin(self.version.value, frame[0], frame[1], text)), ()
        notes: list[Note] = []
        try:
            message = decoder(cls)(payload, notes)
        except Refused:
            return self._read_again(cls, action, payload, frame)
        if not notes:
            return message, ()
        check_nesting(frame, self.nesting)
        return message, noted(payload, notes)

    def _read_again(self, cls: type[Message], action: str, payload: dict[str, Any], frame: list[Any]) -> Read:
        """Ask what this connection allows beyond the class, once the class has refused."""
        check_nesting(frame, self.nesting)
        lengths = self._lengths.get(cls, NO_LENGTHS)
        if self.validation.of_action(action).received is Strictness.LENIENT:
            return read_leniently(cls, payload, lengths)
        notes: list[Note] = []
        return widened_decoder(cls, lengths, receiving=True)(payload, notes), noted(payload, notes)

    def write(self, message: Message, action: str) -> str:
        """The payload as JSON text. Raises SchemaViolation."""
        if type(message) is Raw:
            return encode_unjudged(message)
        if not self._relaxed:
            return encode(message, self._lengths)
        strictness = self.validation.of_action(action).sent
        if strictness is Strictness.STRICT:
            return encode(message, self._lengths)
        if strictness is Strictness.LENIENT:
            try:
                return encode(message, self._lengths)
            except SchemaViolation:
                if not _makes_sense(message):
                    raise
        return encode_unjudged(message)

    def code_for(self, reason: Rejection, violation: Violation | None = None) -> ErrorCode | None:
        """The error code that a frame earns in this version (chapter 4 of the wire rules), None if it earns no
        answer.
        """
        code = self.rules.answers[reason]
        return code if violation is None else self.rules.violations.get(violation.keyword, code)

    def action_to_call(self, request: Request[Any, Any]) -> str:
        """The action of a request that we may send.

        Raises TypeError if it is not one of this connection's, LocalProtocolError if it is the peer's to send
        or no request.
        """
        return self._checked_action(request, self.calls, self.sends)

    def action_to_send(self, message: Unconfirmed | Raw) -> str:
        """As `action_to_call`, of a message that travels as a SEND."""
        return self._checked_action(message, self.sends, self.calls)

    def _checked_action(
        self,
        message: Sendable,
        ours: Mapping[str, type[Sendable]],
        others: Mapping[str, type[Sendable]],
    ) -> str:
        cls = type(message)
        action: str = message.action if isinstance(message, Raw) else getattr(cls, "__action__", "")
        if cls is Raw and not isinstance(action, str):
            raise TypeError(f"the action of a Raw is text, not {action!r:.60}")
        if cls is Raw and not is_unicode(action):
            raise ValueError(f"the action {action!r:.60} contains a lone surrogate, which is not Unicode")
        known = ours.get(action)
        if cls is not Raw and known is not cls:
            name = f"{cls.__module__}.{cls.__name__}"
            raise TypeError(f"{name} is not a request of OCPP {self.version.value}")
        if known is None and action in others:
            door = "send" if ours is self.calls else "call"
            raise LocalProtocolError(f"{action} goes through {door}() (J21-603)")
        sender = known.__sender__ if known is not None else None
        if sender is not None and self.role is not None and sender is not self.role:
            raise LocalProtocolError(f"{action} is sent by the {sender.value}; we are the {self.role.value}")
        return action

    def check_answer(self, action: str, response: object) -> None:
        """Raise TypeError unless this is a response to the action, with or without a class."""
        request = self.calls.get(action)
        expected = request.__answer__ if request is not None else Raw
        if type(response) not in (expected, Raw):
            raise TypeError(f"{action} is answered with {_name(expected)}, not with {_name(type(response))}")


_shared = lru_cache(maxsize=64)(Dialect)


def _classes(extensions: Iterable[type[Request[Any, Any]]]) -> Extensions:
    """The extensions, if they are request classes."""
    if isinstance(extensions, (str, type)):
        raise TypeError(f"extensions is a list of request classes, not {extensions!r:.60}")
    classes = tuple(extensions)
    for cls in classes:
        if not (isinstance(cls, type) and issubclass(cls, Request) and hasattr(cls, "__action__")):
            raise TypeError(f"an extension is a request class, not {cls!r:.60}")
    return classes


def _check_actions(validation: Validation, known: Iterable[str]) -> None:
    """Raise ValueError for exceptions of a policy that can never apply: probably misspelt."""
    for action in validation.actions:
        how = validation.of_action(action)
        if action not in known and Strictness.OFF not in (how.received, how.sent):
            raise ValueError(
                f"validation: there is no action {action!r} that could be judged {how.received.value}"
            )


def _name(cls: type[Any]) -> str:
    return f"{cls.__module__.rpartition('.')[2]}.{cls.__name__}"


def _makes_sense(message: Message) -> bool:
    try:
        read_leniently(message.__class__, plain(message))
    except (Refused, ValueError, RecursionError):
        return False
    return True


def _extended(version: Version, sends: SendCatalogue, extensions: Extensions) -> Catalogue:
    """The actions of a version and those that a user has declared."""
    catalogue = version.load()
    own: dict[str, type[Request[Any, Any]]] = {}
    for cls in extensions:
        action = cls.__action__
        if action in catalogue or action in sends:
            raise ValueError(
                f"{action} is an action of OCPP {version.value} already; an extension has a name of its own"
            )
        if action in own:
            raise ValueError(f"there are two extensions {action}")
        own[action] = cls
        # What is wrong with a declaration shows here, and not when a peer sends it.
        decoder(cls)
        decoder(cls.__answer__)
    return MappingProxyType({**catalogue, **own}) if own else catalogue


def _lengths(catalogue: Catalogue, given: Iterable[tuple[str, int]]) -> Mapping[type[Message], Lengths]:
    """Maximum lengths by class, from names as the variable FieldLength has them (J201-217)."""
    found: dict[type[Message], dict[str, int]] = {}
    for name, length in given:
        message, _, wire = str(name).partition(".")
        cls = _message_class(catalogue, message)
        declared = members(cls) if cls is not None and cls.__schema__ is None else ()
        texts = {member.wire: member for member in declared if member.type is str}
        if cls is None:
            raise ValueError(f"{name!r}: there is no such message; write it like 'AuthorizeRequest.idTag'")
        if wire not in texts:
            raise ValueError(f"{name!r}: no text of that name{did_you_mean(wire, texts)}")
        if length < texts[wire].limits.get("maxLength", 0):
            raise ValueError(
                f"{name} may have more than {length} characters already; a FieldLength is longer"
            )
        found.setdefault(cls, {})[wire] = length
    return found


def _message_class(catalogue: Catalogue, name: str) -> type[Message] | None:
    """The class of `BootNotificationRequest` or `BootNotificationResponse`."""
    request = catalogue.get(name.removesuffix("Request").removesuffix("Response"))
    if request is None or name not in (f"{request.__action__}Request", f"{request.__action__}Response"):
        return None
    return request if name.endswith("Request") else request.__answer__
