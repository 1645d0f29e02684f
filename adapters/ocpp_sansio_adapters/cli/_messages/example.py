"""A valid example of any message, made from its class: what must be there, or everything that may be."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from ocpp_sansio._shape import Member, members
from ocpp_sansio.messages import Datatype, Message, Raw

__all__ = ["example_of"]

Made = TypeVar("Made", bound=Message)

MOMENT = datetime(2026, 5, 1, 12, tzinfo=UTC)
#: How deep what may be left out is filled in; deeper, it is left out.
MOST_LEVELS = 4

#: Members that have a better value than their type suggests, by their names in Python.
_NAMED: Mapping[str, Any] = {
    "charge_point_vendor": "Vendor",
    "charge_point_model": "Model",
    "vendor_name": "Vendor",
    "model": "Model",
    "vendor_id": "com.example",
    "message_id": "1",
    "id_tag": "04E91C5A123456",
    "parent_id_tag": "04E91C5A000000",
    "id_token": "04E91C5A123456",
    "interval": 300,
    "connector_id": 1,
    "evse_id": 1,
    "meter_start": 0,
    "meter_stop": 12340,
    "limit": 16.0,
    "start_period": 0,
    "duration": 3600,
    "location": "https://example.com/files",
    "remote_location": "https://example.com/files",
    "ocpp_csms_url": "wss://example.com/ocpp",
    "firmware_version": "1.0.0",
    "value": "1234",
    "language": "en",
    "currency": "EUR",
    "email": "info@example.com",
    "hash_algorithm": "SHA256",
    "iccid": "89310410106543789301",
    "imsi": "310170845466094",
}
_SCALARS: Mapping[type[Any], Any] = {
    str: "text",
    int: 1,
    float: 1.0,
    bool: True,
    object: "data",
    datetime: MOMENT,
}


def example_of(cls: type[Made], *, full: bool = False) -> Made:
    """A message that may be sent. `full` fills in what may be left out, too, but for `customData`."""
    return _made(cls, full, MOST_LEVELS)


def _made(cls: type[Made], full: bool, levels: int) -> Made:
    if issubclass(cls, Raw):
        raise TypeError(f"{cls.__name__} has no members to make an example of")
    deeper = full and levels > 0
    return cls(
        **{
            member.name: _value(member, deeper, levels - 1)
            for member in members(cls)
            if member.required or (deeper and member.name != "custom_data")
        }
    )


def _value(member: Member, full: bool, levels: int) -> Any:
    value = _single(member, full, levels)
    return [value] * max(1, member.limits.get("minItems", 1)) if member.many else value


def _single(member: Member, full: bool, levels: int) -> Any:
    kind = member.type
    if issubclass(kind, StrEnum):
        allowed = member.enum_members(receiving=False)
        return next((value for value in allowed if str(value) in ("Accepted", "Available")), allowed[0])
    if issubclass(kind, Datatype):
        return _made(kind, full, levels)
    named = _NAMED.get(member.name)
    value = named if type(named) is kind else _SCALARS[kind]
    return _within(value, member.values)


def _within(value: Any, limits: Mapping[str, Any]) -> Any:
    """The value, or the one nearest to it that the limits of its member allow."""
    if isinstance(value, str):
        return value[: limits.get("maxLength", len(value))]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return type(value)(min(max(value, limits.get("minimum", value)), limits.get("maximum", value)))
    return value
