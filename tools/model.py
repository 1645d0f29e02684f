"""From checked schemas to the classes of a version: which there are, their names, and what each field is.

Merges what the schemas repeat, and stops where two things of one name differ. Writes no text.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from tools import naming, overrides
from tools.actions import ACTIONS, UNCONFIRMED, Sender
from tools.schemas import ANY, Draft, Node, Refused

Kind = Literal["str", "int", "float", "bool", "datetime", "enum", "datatype", "any", "custom_data"]

SCALARS: dict[str, Kind] = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}

# Assertion -> argument of `limits()`, in the order of its signature.
LIMITS = {
    "maxLength": "max_length",
    "minimum": "minimum",
    "maximum": "maximum",
    "multipleOf": "multiple_of",
    "minItems": "min_items",
    "maxItems": "max_items",
    "format": "format",
}


@dataclass(frozen=True)
class Enumeration:
    """A set of strings: Python member name to value, in the schema's order."""

    name: str
    members: Mapping[str, str]


@dataclass(frozen=True)
class Field:
    """A property. `target` is the class of an enum or datatype; `limits` has a list's elements in `items`."""

    name: str
    wire: str
    required: bool
    kind: Kind
    target: str | None
    is_list: bool
    limits: Mapping[str, Any]


@dataclass(frozen=True)
class Structure:
    """An object: its fields, required ones first."""

    name: str
    fields: tuple[Field, ...]
    draft: Draft


@dataclass(frozen=True)
class Exchange:
    """An action: its request and its answer. One without an answer is unconfirmed."""

    action: str
    sender: Sender
    request: Structure
    response: Structure | None


@dataclass
class Catalogue:
    """All classes of a version; a datatype comes after those that it contains."""

    actions: Enumeration
    exchanges: list[Exchange] = field(default_factory=list[Exchange])
    enums: dict[str, Enumeration] = field(default_factory=dict[str, Enumeration])
    datatypes: dict[str, Structure] = field(default_factory=dict[str, Structure])


class Builder:
    """Collects the classes of one version. Owner is the schema or class that a property belongs to."""

    def __init__(self, version: str, schemas: Mapping[str, Node], request_suffix: str) -> None:
        self._version = version
        self._schemas = dict(schemas)
        self._request_suffix = request_suffix
        self._class_names = _Table("CLASS_NAMES", overrides.CLASS_NAMES[version])
        self._field_names = _Table("FIELD_NAMES", overrides.FIELD_NAMES[version])
        self._member_names = _Table("MEMBER_NAMES", overrides.MEMBER_NAMES[version])
        self._receive_only = _Table("RECEIVE_ONLY", overrides.RECEIVE_ONLY[version])
        actions = tuple(sorted(ACTIONS[version]))
        self.catalogue = Catalogue(self._enumeration("Action", actions, "tools/actions.py"))

    def build(self) -> Catalogue:
        """All classes; raises Refused where schemas, actions and overrides do not fit each other."""
        for action in self.catalogue.actions.members.values():
            confirmed = action not in UNCONFIRMED[self._version]
            request = self._message(action, f"{action}{self._request_suffix}" if confirmed else action)
            response = self._message(action, f"{action}Response") if confirmed else None
            sender = ACTIONS[self._version][action]
            self.catalogue.exchanges.append(Exchange(action, sender, request, response))
        for name in self._schemas:
            raise Refused(f"{name}.json", "belongs to no action of tools/actions.py")
        for table in (self._class_names, self._field_names, self._member_names, self._receive_only):
            table.check_used_up()
        return self.catalogue

    def _message(self, action: str, file: str) -> Structure:
        if file not in self._schemas:
            raise Refused(f"{file}.json", f"is missing; tools/actions.py has the action {action}")
        return self._structure(action, file, self._schemas.pop(file))

    def _structure(self, name: str, owner: str, node: Node) -> Structure:
        fields = [self._field(owner, wire, node, child) for wire, child in node.properties.items()]
        _check_names([item.name for item in fields], naming.FORBIDDEN_FIELDS, node.place)
        fields.sort(key=lambda item: (not item.required, item.kind == "custom_data"))
        # The two drafts differ in integers alone: draft 4 refuses 12.0, draft 6 takes it for one.
        has_integer = any(item.kind == "int" for item in fields)
        return Structure(name, tuple(fields), node.draft if has_integer else 6)

    def _field(self, owner: str, wire: str, parent: Node, node: Node) -> Field:
        name = self._field_names.find(f"{owner}.{wire}") or naming.snake(wire)
        if node.items is None:
            kind, target, limits = self._value(owner, wire, node)
        else:
            _check_element(node.items)
            kind, target, limits = self._value(owner, wire, node.items)
            limits = _limits(node) | ({"items": limits} if limits else {})
        is_list = node.items is not None
        return Field(name, wire, wire in parent.required, kind, target, is_list, limits)

    def _value(self, owner: str, wire: str, node: Node) -> tuple[Kind, str | None, dict[str, Any]]:
        """What a single value is: its kind, its class if it has one, its limits."""
        if node.is_open:
            _check_custom_data(node)
            return "custom_data", None, {}
        if node.type == ANY:
            return "any", None, {}
        if node.type == "object":
            target = self._class_name(owner, wire, node)
            _merge(self.catalogue.datatypes, self._structure(target, target, node), node.place)
            return "datatype", target, {}
        if "enum" in node.assertions:
            target = self._class_name(owner, wire, node)
            receive_only = tuple(self._receive_only.find(target) or ())
            values = (*node.assertions["enum"], *receive_only)
            _merge(self.catalogue.enums, self._enumeration(target, values, node.place), node.place)
            return "enum", target, _limits(node) | ({"receive_only": receive_only} if receive_only else {})
        if node.assertions.get("format") == "date-time":
            return "datetime", None, {}
        return SCALARS[node.type], None, _limits(node)

    def _class_name(self, owner: str, wire: str, node: Node) -> str:
        name = self._class_names.find(f"{owner}.{wire}", node.definition or wire) or node.definition
        if name is None:
            raise Refused(node.place, f"has no name; give {owner}.{wire} one in tools/overrides.py")
        return name

    def _enumeration(self, name: str, values: tuple[str, ...], place: str) -> Enumeration:
        members = [self._member_names.find(f"{name}.{value}") or naming.snake(value) for value in values]
        _check_names(members, naming.FORBIDDEN_MEMBERS, place)
        return Enumeration(name, dict(zip(members, values, strict=True)))


AnyClass = TypeVar("AnyClass", Enumeration, Structure)


class _Table(dict[str, Any]):
    """A table of tools/overrides.py that knows which of its entries were needed."""

    def __init__(self, title: str, entries: Mapping[str, Any]) -> None:
        super().__init__(entries)
        self._title = title
        self._unused = set(entries)

    def find(self, *keys: str) -> Any:
        """The entry of the first key that has one, or None."""
        for key in keys:
            if key in self:
                self._unused.discard(key)
                return self[key]
        return None

    def check_used_up(self) -> None:
        """Raise Refused if an entry fitted nothing."""
        for key in sorted(self._unused):
            raise Refused("tools/overrides.py", f"{key!r} of {self._title} fits nothing in the schemas")


def _merge(known: dict[str, AnyClass], new: AnyClass, place: str) -> None:
    """Add a class, unless the same is there already."""
    if known.setdefault(new.name, new) != new:
        raise Refused(place, f"differs from another definition that is to be the class {new.name} too")


def _limits(node: Node) -> dict[str, Any]:
    return {
        limit: node.assertions[keyword] for keyword, limit in LIMITS.items() if keyword in node.assertions
    }


def _check_custom_data(node: Node) -> None:
    """Raise Refused unless this is the one open object that the library has a class for (J201-1001)."""
    vendor_id = node.properties.get("vendorId")
    known = (
        set(node.properties) == set(node.required) == {"vendorId"}
        and vendor_id is not None
        and (vendor_id.type, vendor_id.assertions) == ("string", {"maxLength": 255})
    )
    if not known:
        raise Refused(node.place, "is an open object other than CustomDataType, which is not supported")


def _check_element(node: Node) -> None:
    """Raise Refused for arrays that the library has no converter for; no version has them."""
    if node.type in ("array", ANY) or node.is_open or node.assertions.get("format") == "date-time":
        raise Refused(node.place, "an array of arrays, times, any JSON or open objects is not supported")


def _check_names(names: list[str], forbidden: frozenset[str], place: str) -> None:
    """Raise Refused unless these can be the names in one class."""
    for name in names:
        if not naming.usable(name) or name in forbidden:
            raise Refused(place, f"{name!r} is no usable Python name; choose another in tools/overrides.py")
        if names.count(name) > 1:
            raise Refused(place, f"{name!r} would name two things; choose names in tools/overrides.py")
