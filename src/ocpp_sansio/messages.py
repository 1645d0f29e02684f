"""How a message class is declared.

A message is an attrs class; its fields, their types and their `limits` are the single definition from which
decoder, encoder and JSON Schema are derived. This room knows nothing of frames, versions or validation.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import Enum
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Generic,
    Literal,
    NamedTuple,
    TypeVar,
    cast,
    get_args,
    get_origin,
)

import attrs

from ._datetime import format_datetime

__all__ = [
    "ABSENT",
    "Absent",
    "CustomData",
    "Datatype",
    "Message",
    "Origin",
    "Raw",
    "Request",
    "Response",
    "Role",
    "Unconfirmed",
    "asdict",
    "limits",
]


class Absent(Enum):
    """The type of ABSENT."""

    ABSENT = "absent"

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "ABSENT"

    __str__ = __repr__


#: What a member that may be any JSON, null included, holds when it is not there. Elsewhere absent is None.
ABSENT = Absent.ABSENT


class Role(Enum):
    """The two ends of an OCPP connection."""

    CSMS = "CSMS"
    CHARGING_STATION = "Charging Station"

    @property
    def peer(self) -> "Role":
        """The role at the other end."""
        return Role.CHARGING_STATION if self is Role.CSMS else Role.CSMS


class Message:
    """What every payload class shares: equality by value, and a `repr` that leaves out what is absent."""

    __slots__ = ()

    #: JSON Schema draft of the definition. To draft 4 `12.0` is not an integer, to draft 6 it is (J16-215).
    __draft__: ClassVar[Literal[4, 6]] = 6

    #: A JSON Schema document that stands in the place of fields: see `Raw`.
    __schema__: ClassVar[Mapping[str, Any] | None] = None

    if TYPE_CHECKING:
        __attrs_attrs__: ClassVar[Any]  # every subclass is an attrs class

    #: Field of an open object that takes the members which no field declares.
    __rest__: ClassVar[str | None] = None

    def __init_subclass__(
        cls, *, draft: Literal[4, 6] | None = None, rest: str | None = None, **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        if draft is not None:
            cls.__draft__ = draft
        if rest is not None:
            cls.__rest__ = rest

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        compared = (field.name for field in attrs.fields(self.__class__) if field.eq)
        return all(getattr(self, name) == getattr(other, name) for name in compared)

    __hash__ = None  # type: ignore[assignment]  # payloads are mutable on purpose

    def __repr__(self) -> str:
        shown = ", ".join(f"{field.name}={value!r}" for field, value in _present(self) if field.repr)
        return f"{self.__class__.__name__}({shown})"


class Datatype(Message):
    """A named JSON object that occurs inside messages."""

    __slots__ = ()


class Response(Message):
    """The payload of a CALLRESULT."""

    __slots__ = ()


Own = TypeVar("Own")
Answer = TypeVar("Answer", bound=Response)


class Request(Message, Generic[Own, Answer]):
    """The payload of a CALL, declared with its own name and the type of its answer.

    `class Heartbeat(Request["Heartbeat", call_result.Heartbeat], sender=Role.CHARGING_STATION)`

    The first parameter looks redundant and is not: it lets `call()` and `on()` hand the exact request and
    response types to a type checker. `sender` is the role that may send it; None means either. The action on
    the wire is the name of the class.
    """

    __slots__ = ()

    __action__: ClassVar[str]
    __answer__: ClassVar[type[Response]]
    __sender__: ClassVar[Role | None]

    def __init_subclass__(cls, *, sender: Role | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for base in cls.__dict__.get("__orig_bases__", ()):
            if get_origin(base) is Request and _declare(cls, sender):
                cls.__answer__ = get_args(base)[1]


class Unconfirmed(Message):
    """The payload of a SEND, which is never answered.

    `sender` is the role that may send it; None means either.
    """

    __slots__ = ()

    __action__: ClassVar[str]
    __sender__: ClassVar[Role | None]

    def __init_subclass__(cls, *, sender: Role | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if Unconfirmed in cls.__bases__:
            _declare(cls, sender)


def _declare(cls: "type[Request[Any, Any] | Unconfirmed]", sender: Role | None) -> bool:
    """Record the action and its sender; False if that was done before.

    attrs builds a slotted class a second time, without the keywords; what the first pass recorded is in
    __dict__ then.
    """
    if "__action__" in cls.__dict__:
        return False
    cls.__action__ = cls.__name__
    cls.__sender__ = sender
    return True


def limits(
    *,
    max_length: int | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    multiple_of: float | None = None,
    min_items: int | None = None,
    max_items: int | None = None,
    format: Literal["uri"] | None = None,
    items: dict[str, Any] | None = None,
    wire: str | None = None,
    receive_only: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Metadata of a field: its JSON Schema assertions, keyed by keyword, and how it differs from what its
    name and type say.

    `items` are the limits of an array's elements; `wire` is the name on the wire where camel-casing the
    Python name does not give it; `receive_only` are enum values that are understood from a peer and never
    sent.
    """
    given = {
        "maxLength": max_length,
        "minimum": minimum,
        "maximum": maximum,
        "multipleOf": multiple_of,
        "minItems": min_items,
        "maxItems": max_items,
        "format": format,
        "items": items,
        "wire": wire,
        "receive_only": receive_only or None,
    }
    return {keyword: value for keyword, value in given.items() if value is not None}


def wire_name(field: "attrs.Attribute[Any]") -> str:
    """Name of the field on the wire: declared, or its Python name in camel case."""
    declared = field.metadata.get("wire")
    if declared is not None:
        return str(declared)
    head, *tail = field.name.split("_")
    return head + "".join(word.capitalize() for word in tail)


@attrs.define(kw_only=True, eq=False, repr=False, weakref_slot=False, on_setattr=attrs.setters.NO_OP)
class CustomData(Datatype, rest="extra"):
    """A vendor's own data in a message of OCPP 2.x: the one object that may have unknown members (J201-1001).

    `extra` holds the further members under their names on the wire, untouched and in order.
    """

    vendor_id: str = attrs.field(metadata=limits(max_length=255))
    extra: dict[str, Any] = attrs.field(factory=dict)


class Origin(NamedTuple):
    """The frame that a message came in, for whoever passes it on."""

    version: str
    kind: int  # the message type
    id: str
    frame: str


@attrs.define(eq=False, repr=False, weakref_slot=False, on_setattr=attrs.setters.NO_OP)
class Raw(Request["Raw", "Raw"], Response):
    """A message without a class: the name of an action and a payload, a JSON object as it stands.

    It is sent without being checked, as a call or as an answer, and a call of it is answered with another.
    One that was received knows its `origin` and, sent on under the same id and version, leaves byte for byte
    as it came, whatever was done to `payload`. `Raw.declare` makes a class from it.
    """

    action: str
    payload: dict[str, Any] = attrs.field(factory=dict)
    origin: Origin | None = attrs.field(default=None, eq=False, repr=False)

    @staticmethod
    def declare(
        action: str, *, request: Mapping[str, Any], response: Mapping[str, Any], sender: Role | None = None
    ) -> "type[DeclaredRaw]":
        """The request class of an action that JSON Schema documents describe, for
        `Connection(extensions=...)`: `Sing = Raw.declare("Sing", ...)`, then `Sing({"song": "..."})`, which
        is answered with `Sing.answer({"loud": True})`.

        The documents judge what is sent and received. Their `$schema` says which draft they are in; without
        one it is draft 6. `sender` is the role that may send it, None means either.
        """
        answer = _declared(f"{action}Response", action, response)
        return _declared(action, action, request, __answer__=answer, __sender__=sender)


class DeclaredRaw(Raw):
    """What `Raw.declare` makes: a `Raw` of one action, judged by a JSON Schema document."""

    __slots__ = ()

    def __init__(self, payload: dict[str, Any] | None = None) -> None:
        super().__init__(self.__action__, {} if payload is None else payload)

    @classmethod
    def answer(cls, payload: dict[str, Any] | None = None) -> "DeclaredRaw":
        """The answer to a request of this class."""
        declared: Any = cls.__answer__
        return cast("DeclaredRaw", declared(payload))


Raw.__answer__ = Raw  # which a class cannot say of itself


def _declared(name: str, action: str, schema: Mapping[str, Any], **names: Any) -> type[DeclaredRaw]:
    return type(name, (DeclaredRaw,), {"__slots__": (), "__action__": action, "__schema__": schema, **names})


def asdict(message: Message) -> dict[str, Any]:
    """The message as plain, JSON-able data under Python names; times are text in UTC.

    Absent members are left out; the further members of an open object stand beside those that have a field.
    Of a `Raw`, it is the payload as it stands.
    """
    if isinstance(message, Raw):
        return {"payload": message.payload}
    members = {field.name: _plain(value) for field, value in _present(message)}
    return members if message.__rest__ is None else {**members.pop(message.__rest__), **members}


def _present(message: Message) -> "Iterator[tuple[attrs.Attribute[Any], Any]]":
    """The fields that have a value; a required one that was set to None is shown as it is."""
    for field in attrs.fields(message.__class__):
        value = getattr(message, field.name)
        if value is not field.default:
            yield field, value


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return asdict(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return format_datetime(value) if isinstance(value, datetime) else value
