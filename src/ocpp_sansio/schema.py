"""JSON Schema derived from a message class: what jsonschema judges by, and what a person may read."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from ._shape import NO_LENGTHS, Lengths, Member, members
from ._values import ANY_JSON
from .messages import Datatype, Message

__all__ = ["element_schema", "node_schema", "schema_for", "schema_uri"]

_URI = {4: "http://json-schema.org/draft-04/schema#", 6: "http://json-schema.org/draft-06/schema#"}
_TYPES: dict[type[Any], dict[str, str]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time"},
}


def schema_for(cls: type[Message], *, receiving: bool = False) -> dict[str, Any]:
    """The JSON Schema of a message or datatype, datatypes under `definitions`.

    It states what may be sent; `receiving=True` adds the enum values that are understood and never sent.
    """
    if cls.__schema__ is not None:
        return dict(cls.__schema__)
    definitions: dict[str, Any] = {}
    schema = {"$schema": schema_uri(cls), **_object(cls, receiving, definitions)}
    return {**schema, "definitions": definitions} if definitions else schema


def node_schema(cls: type[Message], *, receiving: bool, lengths: Lengths = NO_LENGTHS) -> dict[str, Any]:
    """The schema of one object alone: nested datatypes are just objects, arrays have no elements and what an
    open object holds beyond its fields is not looked at, so that judging costs what the fields hold.
    """
    return {"$schema": schema_uri(cls), **_object(cls, receiving, None, lengths)}


def element_schema(member: Member, *, receiving: bool) -> dict[str, Any]:
    """The schema of one element of an array, nested datatypes being just objects."""
    return _value(member, receiving, None)


def schema_uri(cls: type[Message]) -> str:
    """The draft that a class is declared in."""
    return _URI[cls.__draft__]


def _object(
    cls: type[Message], receiving: bool, definitions: dict[str, Any] | None, lengths: Lengths = NO_LENGTHS
) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            member.wire: _member(member, receiving, definitions) for member in members(cls, lengths)
        },
    }
    if cls.__rest__ is None:
        schema["additionalProperties"] = False
    required = [member.wire for member in members(cls) if member.required]
    return {**schema, "required": required} if required else schema


def _member(member: Member, receiving: bool, definitions: dict[str, Any] | None) -> dict[str, Any]:
    value = _value(member, receiving, definitions)
    if not member.many:
        return value
    items = {} if definitions is None else {"items": value}
    return {"type": "array", **items, **_assertions(member.limits)}


def _value(member: Member, receiving: bool, definitions: dict[str, Any] | None) -> dict[str, Any]:
    """The schema of a single value: the element's if the member is an array."""
    return {**_type(member, receiving, definitions), **_assertions(member.values)}


def _type(member: Member, receiving: bool, definitions: dict[str, Any] | None) -> dict[str, Any]:
    if issubclass(member.type, Datatype):
        if definitions is None:
            return {"type": "object"}
        name = member.type.__name__
        if name not in definitions:
            definitions[name] = {}  # reserves the place, should the datatype contain itself
            definitions[name] = _object(member.type, receiving, definitions)
        return {"$ref": f"#/definitions/{name}"}
    if member.type is object:
        return {ANY_JSON: True} if definitions is None else {}
    if issubclass(member.type, StrEnum):
        return {"type": "string", "enum": [m.value for m in member.enum_members(receiving=receiving)]}
    return dict(_TYPES[member.type])


def _assertions(limits: Mapping[str, Any]) -> dict[str, Any]:
    return {keyword: value for keyword, value in limits.items() if keyword != "receive_only"}
