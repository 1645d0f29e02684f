"""The messages that one connection speaks, and how strictly it judges them: a version, the end that it is,
what a user has added, and the policy.

Between payloads and messages. Knows no connection and no state.
"""

from collections import ChainMap
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import attrs

from ._codec import Refused, decoder, plain, widened_decoder
from ._frames import check_nesting
from ._lenient import read_leniently
from ._shape import NO_LENGTHS, Lengths, Member, members
from ._values import Note, is_unicode
from ._words import did_you_mean
from .errors import ErrorCode, LocalProtocolError, Rejection, SchemaViolation
from .messages import Message, Origin, Raw, Request, Role, Unconfirmed
from .policies import Strictness, Validation
from .validation import Violation, encode, encode_unjudged, noted
from .version import Catalogue, SendCatalogue, Version

__all__ = ["Dialect", "apportioned"]

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
        lengths = _checked_lengths(field_lengths)
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


#: What a FieldLength appends to the name of an action.
_ENDS = ("Request", "Response")

_shared = lru_cache(maxsize=64)(Dialect)


def apportioned(
    speakers: Mapping[Version, Iterable[type[Request[Any, Any]]]], options: Mapping[str, Any]
) -> dict[Version, dict[str, Any]]:
    """The options of `Connection` for each of several versions, which are given with their extensions.

    An exception of the policy and a longer field go to the versions that have what they name. Raises
    ValueError for a name that none of them has, and TypeError or ValueError for what else is wrong with them.
    """
    shares = {version: dict(options) for version in speakers}
    policy = Validation.of(options.get("validation", Strictness.STRICT))
    lengths = _checked_lengths(options.get("field_lengths"))
    if len(shares) < 2 or not (policy.actions or lengths):
        return shares
    sends = {version: version.load_sends() for version in speakers}
    calls = {
        version: _extended(version, sends[version], _classes(extensions))
        for version, extensions in speakers.items()
    }
    _check_actions(policy, {name for known in (*calls.values(), *sends.values()) for name in known})
    longer = {version: _longer(catalogue, lengths) for version, catalogue in calls.items()}
    for name, length in lengths.items():
        if not any(name in found for found in longer.values()):
            union = ChainMap(*map(dict, calls.values()))
            knows = next((catalogue for catalogue in calls.values() if _text(catalogue, name)), union)
            _lengths(knows, [(name, length)])  # raises
    for version, share in shares.items():
        known = {*calls[version], *sends[version]}
        actions = {action: how for action, how in policy.actions.items() if _applies(policy, action, known)}
        share |= {"validation": attrs.evolve(policy, actions=actions), "field_lengths": longer[version]}
    return shares


def _classes(extensions: Iterable[type[Request[Any, Any]]]) -> Extensions:
    """The extensions, if they are request classes."""
    if isinstance(extensions, (str, type)):
        raise TypeError(f"extensions is a list of request classes, not {extensions!r:.60}")
    classes = tuple(extensions)
    for cls in classes:
        if not (isinstance(cls, type) and issubclass(cls, Request) and hasattr(cls, "__action__")):
            raise TypeError(f"an extension is a request class, not {cls!r:.60}")
    return classes


def _check_actions(validation: Validation, known: Collection[str]) -> None:
    """Raise ValueError for exceptions of a policy that can never apply: probably misspelt."""
    for action in validation.actions:
        if not _applies(validation, action, known):
            how = validation.of_action(action).received.value
            hint = did_you_mean(action, known)
            raise ValueError(f"validation: there is no action {action!r} that could be judged {how}{hint}")


def _applies(validation: Validation, action: str, known: Collection[str]) -> bool:
    """Whether this exception of a policy can apply: what is not judged needs no class."""
    how = validation.of_action(action)
    return action in known or Strictness.OFF in (how.received, how.sent)


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


def _checked_lengths(given: Mapping[str, int] | None) -> Mapping[str, int]:
    """Names and lengths, if they are that."""
    lengths = given or {}
    if not isinstance(lengths, Mapping):
        raise TypeError(f"field_lengths is a mapping of names to lengths, not {lengths!r:.60}")
    for name, length in lengths.items():
        if type(length) is not int or length < 1:
            raise ValueError(f"the length of {name} is a positive number of characters, not {length!r}")
    return lengths


def _lengths(catalogue: Catalogue, given: Iterable[tuple[str, int]]) -> Mapping[type[Message], Lengths]:
    """Maximum lengths by class, from names as the variable FieldLength has them (J201-217)."""
    found: dict[type[Message], dict[str, int]] = {}
    for name, length in given:
        text = _text(catalogue, name)
        if text is None:
            raise ValueError(_say_no_text(catalogue, name))
        cls, member = text
        if length < member.limits.get("maxLength", 0):
            raise ValueError(
                f"{name} may have more than {length} characters already; a FieldLength is longer"
            )
        found.setdefault(cls, {})[member.wire] = length
    return found


def _longer(catalogue: Catalogue, lengths: Mapping[str, int]) -> dict[str, int]:
    """Those of the lengths that `_lengths` would take."""
    found: dict[str, int] = {}
    for name, length in lengths.items():
        text = _text(catalogue, name)
        if text is not None and length >= text[1].limits.get("maxLength", 0):
            found[name] = length
    return found


def _text(catalogue: Catalogue, name: str) -> tuple[type[Message], Member] | None:
    """The class and its member that such a name is for, if there is one."""
    message, _, wire = str(name).partition(".")
    cls = _message_class(catalogue, message)
    return None if cls is None or wire not in (texts := _texts(cls)) else (cls, texts[wire])


def _texts(cls: type[Message]) -> dict[str, Member]:
    """The members that a length may be given for."""
    declared = members(cls) if cls.__schema__ is None else ()
    return {member.wire: member for member in declared if member.type is str}


def _say_no_text(catalogue: Catalogue, name: str) -> str:
    message, _, wire = str(name).partition(".")
    cls = _message_class(catalogue, message)
    if cls is not None:
        return f"{name!r}: no text of that name{did_you_mean(wire, _texts(cls))}"
    hint = did_you_mean(message, [f"{action}{end}" for action in catalogue for end in _ENDS])
    return f"{name!r}: there is no such message; write it like 'AuthorizeRequest.idTag'{hint}"


def _message_class(catalogue: Catalogue, name: str) -> type[Message] | None:
    """The class of `BootNotificationRequest` or `BootNotificationResponse`."""
    request = catalogue.get(name.removesuffix("Request").removesuffix("Response"))
    if request is None or name not in (f"{request.__action__}{end}" for end in _ENDS):
        return None
    return request if name.endswith("Request") else request.__answer__
