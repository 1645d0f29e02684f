"""Reads the JSON schemas and vouches for them: what leaves this room holds only keywords that we understand.

Knows nothing of Python names and classes.
"""

import importlib.util
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from tools.overrides import REMOVED, Departure

Draft = Literal[4, 6]

# What may stand beside `type`. Anything else stops the generator: an assertion that is not understood is one
# that the classes would silently lack.
KEYWORDS: dict[str, set[str]] = {
    "object": {"properties", "required", "additionalProperties"},
    "array": {"items", "additionalItems", "minItems", "maxItems"},
    "string": {"enum", "maxLength", "format", "additionalProperties"},
    "integer": {"minimum", "maximum", "multipleOf"},
    "number": {"minimum", "maximum", "multipleOf"},
    "boolean": set(),
}
# Keywords that say how a value is built; the other known ones are assertions about a single value.
STRUCTURE = {"type", "properties", "required", "additionalProperties", "items", "additionalItems"}
# `additionalItems` does nothing unless `items` is a list, nor `additionalProperties` on a string.
ONLY_FALSE = ("additionalProperties", "additionalItems")
FORMATS = {"date-time", "uri"}
ANNOTATIONS = {"title", "id", "$id", "description", "javaType", "comment", "default"}
DRAFTS: dict[str, Draft] = {
    "http://json-schema.org/draft-04/schema#": 4,
    "http://json-schema.org/draft-06/schema#": 6,
}
ANY = "any"  # the type of a schema that says nothing
ROOT_ONLY = ("$schema", "definitions")


class Refused(Exception):
    """Why no code is generated: a sentence that begins with the place, a file and mostly a JSON pointer."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}")


@dataclass(frozen=True)
class Node:
    """A checked schema: references resolved, annotations and inert keywords gone.

    `definition` is the name of the definition that it was reached by; `assertions` are those about one value.
    """

    place: str
    draft: Draft
    type: str
    definition: str | None = None
    assertions: Mapping[str, Any] = field(default_factory=dict[str, Any])
    properties: Mapping[str, "Node"] = field(default_factory=dict[str, "Node"])
    required: frozenset[str] = frozenset()
    items: "Node | None" = None
    is_open: bool = False  # an object that may have members beside `properties`


def installed_folder(version: str) -> Path:
    """Where the installed `ocpp` distribution keeps its schemas of a version (`v16`). Does not import it."""
    spec = importlib.util.find_spec("ocpp")
    if spec is None or not spec.submodule_search_locations:
        raise Refused("ocpp", "its schemas are needed and it is not installed; `pip install ocpp==2.1.0`")
    return Path(spec.submodule_search_locations[0]) / version / "schemas"


def read_folder(folder: Path, departures: Sequence[Departure]) -> dict[str, Node]:
    """The schema of every file of a folder, by the file's name without its ending; departures are undone."""
    documents = {path.stem: _document(path) for path in sorted(folder.glob("*.json"))}
    for departure in departures:
        _undo(departure, documents)
    return {name: _Reader(name, document).read() for name, document in documents.items()}


def _document(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")  # some begin with a byte order mark
        return _object(json.loads(text), f"{path.name}#")
    except ValueError as error:
        raise Refused(path.name, f"is not JSON ({error})") from None


def _object(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused(place, f"{value!r} where an object should be")
    return cast(dict[str, Any], value)


def _undo(departure: Departure, documents: Mapping[str, Any]) -> None:
    """Put OCA's wording in the place of the copy's."""
    place = f"{departure.schema}.json#{departure.pointer}"
    *steps, last = departure.pointer.removeprefix("/").split("/")
    try:
        parent: Any = documents[departure.schema]
        for step in steps:
            parent = parent[_key(parent, step)]
        found: Any = parent[_key(parent, last)]
    except (LookupError, TypeError, ValueError):
        raise Refused(place, "is not there; DEPARTURES in tools/overrides.py is outdated") from None
    if found != departure.copy:
        raise Refused(place, f"is {found!r}, not the {departure.copy!r} of DEPARTURES in tools/overrides.py")
    if departure.official is REMOVED:
        del parent[_key(parent, last)]
    else:
        parent[_key(parent, last)] = departure.official


def _key(parent: Any, step: str) -> Any:
    return int(step) if isinstance(parent, list) else step


class _Reader:
    """Turns one document into nodes; raises Refused at the first thing that is not understood."""

    def __init__(self, name: str, document: dict[str, Any]) -> None:
        self._place = f"{name}.json#"
        self._document = document
        self._draft: Draft = self._known_draft(document.get("$schema"))
        self._definitions = _object(document.get("definitions", {}), f"{self._place}/definitions")

    def read(self) -> Node:
        for name in self._definitions:  # also those that nothing refers to
            self._definition(name, self._place, ())
        root = {keyword: value for keyword, value in self._document.items() if keyword not in ROOT_ONLY}
        return self._node(root, self._place)

    def _known_draft(self, uri: Any) -> Draft:
        if uri not in DRAFTS:
            raise Refused(f"{self._place}/$schema", f"unknown draft {uri!r}")
        return DRAFTS[uri]

    def _node(
        self, value: Any, place: str, definition: str | None = None, open_definitions: tuple[str, ...] = ()
    ) -> Node:
        """`open_definitions` are those that the value is part of."""
        schema = {key: item for key, item in _object(value, place).items() if key not in ANNOTATIONS}
        if "$ref" in schema:
            return self._reference(schema, place, open_definitions)
        _check_keywords(schema, place)

        def child(value: Any, step: str) -> Node:
            return self._node(value, f"{place}/{step}", None, open_definitions)

        return Node(
            place,
            self._draft,
            schema.get("type", ANY),
            definition,
            {keyword: item for keyword, item in schema.items() if keyword not in STRUCTURE},
            {name: child(item, f"properties/{name}") for name, item in schema.get("properties", {}).items()},
            frozenset(schema.get("required", ())),
            child(schema["items"], "items") if "items" in schema else None,
            schema.get("type") == "object" and "additionalProperties" not in schema,
        )

    def _reference(self, schema: dict[str, Any], place: str, open_definitions: tuple[str, ...]) -> Node:
        if len(schema) > 1:
            raise Refused(place, "keywords beside $ref, which mean nothing there")
        target = str(schema["$ref"])
        name = target.removeprefix("#/definitions/")
        if name == target or name not in self._definitions:
            raise Refused(f"{place}/$ref", f"{target!r} is no definition of this file")
        return self._definition(name, f"{place}/$ref", open_definitions)

    def _definition(self, name: str, place: str, open_definitions: tuple[str, ...]) -> Node:
        if name in open_definitions:
            raise Refused(place, f"{name} contains itself, which is not supported yet")
        inside = f"{self._place}/definitions/{name}"
        return self._node(self._definitions[name], inside, name, (*open_definitions, name))


def _check_keywords(schema: Mapping[str, Any], place: str) -> None:
    """All that can be said against a schema without looking at its children."""
    for keyword in schema:
        if keyword != "type" and not any(keyword in keywords for keywords in KEYWORDS.values()):
            raise Refused(f"{place}/{keyword}", f"unknown keyword {keyword!r}")
    if not schema:
        return
    if "type" not in schema:
        raise Refused(place, "has no type and yet keywords")
    kind = schema["type"]
    if not isinstance(kind, str) or kind not in KEYWORDS:
        raise Refused(f"{place}/type", f"unknown type {kind!r}")
    for keyword in schema:
        if keyword != "type" and keyword not in KEYWORDS[kind]:
            raise Refused(f"{place}/{keyword}", f"means nothing for the type {kind}")
    for keyword in ONLY_FALSE:
        if schema.get(keyword, False) is not False:
            raise Refused(f"{place}/{keyword}", f"is {schema[keyword]!r}; only false is understood")
    if schema.get("format", "uri") not in FORMATS:
        raise Refused(f"{place}/format", f"unknown format {schema['format']!r}")
    if not all(isinstance(value, str) for value in schema.get("enum", ())):
        raise Refused(f"{place}/enum", "a value that is no text")
    if kind == "array" and "items" not in schema:
        raise Refused(place, "has no items; an array of any JSON is not supported yet")
    if kind == "object":
        _check_object(schema, place)


def _check_object(schema: Mapping[str, Any], place: str) -> None:
    properties = _object(schema.get("properties", {}), f"{place}/properties")
    for name in schema.get("required", ()):
        if name not in properties:
            raise Refused(f"{place}/required", f"{name!r} is no property")
