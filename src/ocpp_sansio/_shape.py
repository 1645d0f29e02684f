"""Reads a message class once into `Member`s: what codec, schema and explanation derive from."""

import types
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Union, get_args, get_origin

import attrs

from .messages import ABSENT, Datatype, Message, wire_name

__all__ = ["NO_LENGTHS", "Lengths", "Member", "members"]

_SCALARS = (str, int, float, bool, datetime, object)


@attrs.frozen
class Member:
    """One member of a JSON object, as a field of a message class declares it."""

    name: str
    wire: str
    required: bool
    absent: Any  # what the field holds if the member is not there: None, or ABSENT where null is a value
    # str, int, float, bool, datetime, object (any JSON), a StrEnum or a Datatype; of the elements if `many`
    type: type[Any]
    many: bool
    limits: Mapping[str, Any]  # assertions on the value by JSON Schema keyword
    item_limits: Mapping[str, Any]  # assertions on each element if `many`

    @property
    def values(self) -> Mapping[str, Any]:
        """The assertions that concern a single value: the element's if `many`."""
        return self.item_limits if self.many else self.limits

    def enum_members(self, *, receiving: bool) -> list[StrEnum]:
        """The enum members that may be received, or those that may be sent."""
        refused = () if receiving else self.values.get("receive_only", ())
        declared: type[StrEnum] = self.type
        return [member for member in declared if member not in refused]


#: Longer maximum lengths for some members of a message, by their names on the wire.
Lengths = Mapping[str, int]
NO_LENGTHS: Lengths = MappingProxyType({})


def members(cls: type[Message], lengths: Lengths = NO_LENGTHS) -> tuple[Member, ...]:
    """The members of a message class, required ones first, else in order of declaration.

    Raises TypeError if a field has a type that has no place in JSON as OCPP uses it.
    """
    found = _members.get(cls)
    if found is None:
        declared = [_member(cls, field) for field in attrs.fields(cls) if field.name != cls.__rest__]
        found = _members[cls] = tuple(sorted(declared, key=lambda member: not member.required))
    return found if not lengths else tuple(_widened(member, lengths) for member in found)


def _widened(member: Member, lengths: Lengths) -> Member:
    if member.wire not in lengths:
        return member
    return attrs.evolve(member, limits={**member.limits, "maxLength": lengths[member.wire]})


_members: dict[type[Message], tuple[Member, ...]] = {}


def _member(cls: type[Message], field: "attrs.Attribute[Any]") -> Member:
    declared = _without_none(field.type)
    many = get_origin(declared) is list
    element = get_args(declared)[0] if many else declared
    if element is Any:
        element = object
    if not (element in _SCALARS or (isinstance(element, type) and issubclass(element, (StrEnum, Datatype)))):
        raise TypeError(
            f"{cls.__qualname__}.{field.name}: {field.type!r} is not a type that a message can have"
        )
    limits = {keyword: value for keyword, value in field.metadata.items() if keyword not in ("wire", "items")}
    return Member(
        name=field.name,
        wire=wire_name(field),
        required=field.default is attrs.NOTHING,
        absent=ABSENT if element is object else None,
        type=element,
        many=many,
        limits=limits,
        item_limits=field.metadata.get("items", {}),
    )


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) not in (Union, types.UnionType):
        return annotation
    rest = [arm for arm in get_args(annotation) if arm is not types.NoneType]
    return rest[0] if len(rest) == 1 else annotation
