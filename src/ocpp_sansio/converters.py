"""What a user may pass for a field, beside the exact type: text for a time or an enum member, a mapping for a
datatype.

Each converter is a function of one argument, used as `attrs.field(converter=to.optional_enum[enums.Reason])`.
The subscripted ones are written as generic classes because that is the one spelling from which mypy and
pyright both learn the argument's type; at run time the subscript gives the function.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ._datetime import parse_datetime
from ._words import say_not_one_of
from .messages import CustomData, Datatype

__all__ = [
    "custom_data",
    "datatype",
    "datatype_list",
    "enum",
    "enum_list",
    "optional_custom_data",
    "optional_datatype",
    "optional_datatype_list",
    "optional_enum",
    "optional_enum_list",
    "optional_time",
    "time",
]

E = TypeVar("E", bound=StrEnum)
D = TypeVar("D", bound=Datatype)


def time(value: datetime | str) -> datetime:
    """An aware datetime; text is read as the wire's, a datetime without a zone is UTC."""
    if isinstance(value, str):
        return parse_datetime(value)
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def optional_time(value: datetime | str | None) -> datetime | None:
    """As `time`; None is absent."""
    return None if value is None else time(value)


def custom_data(value: CustomData | Mapping[str, Any]) -> CustomData:
    """A CustomData, or the JSON object itself: `{"vendorId": "com.example", "anything": 1}`."""
    if not isinstance(value, Mapping):
        return value  # an odd type is left for the encoder to name
    members = dict(value)
    vendor_id = members.pop("vendor_id", None)
    vendor_id = members.pop("vendorId", vendor_id)
    if vendor_id is None:
        raise ValueError("custom data needs a 'vendorId' (J201-1002)")
    return CustomData(vendor_id=vendor_id, extra=members)


def optional_custom_data(value: CustomData | Mapping[str, Any] | None) -> CustomData | None:
    """As `custom_data`; None is absent."""
    return None if value is None else custom_data(value)


if TYPE_CHECKING:
    # Type checkers read these signatures; `type: ignore` because a __new__ that returns something else is
    # unusual, not wrong.
    class enum(Generic[E]):
        """A member, or its text."""

        def __new__(cls, value: E | str) -> E: ...  # type: ignore[misc]

    class optional_enum(Generic[E]):
        """As `enum`; None is absent."""

        def __new__(cls, value: E | str | None) -> E | None: ...  # type: ignore[misc]

    class enum_list(Generic[E]):
        """Members, or their texts."""

        def __new__(cls, value: Iterable[E | str]) -> list[E]: ...  # type: ignore[misc]

    class optional_enum_list(Generic[E]):
        """As `enum_list`; None is absent."""

        def __new__(cls, value: Iterable[E | str] | None) -> list[E] | None: ...  # type: ignore[misc]

    class datatype(Generic[D]):
        """An instance, or a mapping of its fields."""

        def __new__(cls, value: D | Mapping[str, Any]) -> D: ...  # type: ignore[misc]

    class optional_datatype(Generic[D]):
        """As `datatype`; None is absent."""

        def __new__(cls, value: D | Mapping[str, Any] | None) -> D | None: ...  # type: ignore[misc]

    class datatype_list(Generic[D]):
        """Instances, or mappings of their fields."""

        def __new__(cls, value: Iterable[D | Mapping[str, Any]]) -> list[D]: ...  # type: ignore[misc]

    class optional_datatype_list(Generic[D]):
        """As `datatype_list`; None is absent."""

        def __new__(cls, value: Iterable[D | Mapping[str, Any]] | None) -> list[D] | None: ...  # type: ignore[misc]

else:
    Converter = Callable[[Any], Any]

    def _member(cls: type[StrEnum]) -> Converter:
        def convert(value: Any) -> Any:
            if value.__class__ is cls:
                return value
            try:
                return cls(value)
            except ValueError:
                raise ValueError(say_not_one_of(value, cls)) from None

        return convert

    def _instance(cls: type[Datatype]) -> Converter:
        def convert(value: Any) -> Any:
            # Anything else is left for the encoder, whose refusal names the place.
            return cls(**value) if isinstance(value, Mapping) else value

        return convert

    def _list(one: Converter) -> Converter:
        def convert(value: Any) -> Any:
            if isinstance(value, (str, Mapping)) or not isinstance(value, Iterable):
                return value
            return [one(item) for item in value]

        return convert

    def _optional(one: Converter) -> Converter:
        return lambda value: None if value is None else one(value)

    class _Subscript:
        """`enum[cls]`: the converter for `cls`, composed from the functions above."""

        def __init__(self, *steps: Callable[[Any], Converter]) -> None:
            self._steps = steps

        def __getitem__(self, cls: Any) -> Converter:
            for step in self._steps:
                cls = step(cls)
            return cls

    enum = _Subscript(_member)
    optional_enum = _Subscript(_member, _optional)
    enum_list = _Subscript(_member, _list)
    optional_enum_list = _Subscript(_member, _list, _optional)
    datatype = _Subscript(_instance)
    optional_datatype = _Subscript(_instance, _optional)
    datatype_list = _Subscript(_instance, _list)
    optional_datatype_list = _Subscript(_instance, _list, _optional)
