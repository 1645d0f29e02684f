"""The schema derived from every class equals the official one in every assertion, departures listed by name."""

import importlib
from typing import Any

import pytest

from ocpp_sansio.messages import Message
from ocpp_sansio.schema import schema_for
from tools.overrides import DEPARTURES
from tools.schemas import ANNOTATIONS, _document, _undo, installed_folder

# What says nothing about data: annotations, where a schema begins, and two keywords that are inert where they
# stand (`additionalItems` beside `items` that is no list, `additionalProperties` on text).
SILENT = {*ANNOTATIONS, "$schema", "definitions", "additionalItems"}

#: Where mobilityhouse's copy of a schema is not OCA's, and ours is: file, pointer.
EXPECTED_DEPARTURES = {
    ("v16", "MeterValues", "/properties/meterValue/minItems"),
    ("v16", "MeterValues", "/properties/meterValue/items/properties/sampledValue/minItems"),
    (
        "v16",
        "MeterValues",
        "/properties/meterValue/items/properties/sampledValue/items/properties/unit/enum/17",
    ),
    (
        "v16",
        "StopTransaction",
        "/properties/transactionData/items/properties/sampledValue/items/properties/unit/enum/14",
    ),
    ("v201", "Get15118EVCertificateResponse", "/properties/exiResponse/maxLength"),
}


def official() -> list[tuple[str, str, dict[str, Any]]]:
    """Version, name and document of each official schema."""
    found = []
    for version, departures in DEPARTURES.items():
        documents = {path.stem: _document(path) for path in sorted(installed_folder(version).glob("*.json"))}
        for departure in departures:
            _undo(departure, documents)
        found += [(version, name, document) for name, document in documents.items()]
    return found


OFFICIAL = official()


def class_of(version: str, name: str) -> type[Message]:
    module = "call"
    if name.endswith("Response"):
        module, name = "call_result", name.removesuffix("Response")
    elif version != "v16" and not name.endswith("Request"):
        module = "send"
    elif version != "v16":
        name = name.removesuffix("Request")
    return getattr(importlib.import_module(f"ocpp_sansio.{version}.{module}"), name)


def assertions(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """What a schema asserts, references resolved; sets where the order says nothing."""
    if "$ref" in node:
        return assertions(definitions[node["$ref"].removeprefix("#/definitions/")], definitions)
    said = {keyword: value for keyword, value in node.items() if keyword not in SILENT}
    if node.get("type") != "object":
        said.pop("additionalProperties", None)
    else:
        said["properties"] = {
            name: assertions(child, definitions) for name, child in node.get("properties", {}).items()
        }
    if "items" in node:
        said["items"] = assertions(node["items"], definitions)
    for keyword in {"required", "enum"} & said.keys():
        said[keyword] = set(said[keyword])
    return said


def test_there_are_387_official_schemas() -> None:
    assert len(OFFICIAL) == 387


@pytest.mark.parametrize(("version", "name", "document"), OFFICIAL, ids=[f"{v}-{n}" for v, n, _ in OFFICIAL])
def test_the_derived_schema_equals_the_official_one(
    version: str, name: str, document: dict[str, Any]
) -> None:
    derived = schema_for(class_of(version, name))
    assert assertions(derived, derived.get("definitions", {})) == assertions(
        document, document.get("definitions", {})
    )


def test_the_dialect_is_the_official_one() -> None:
    """Draft 4 and draft 6 differ in integers alone, so the draft of a class without any says nothing."""
    for version, name, document in OFFICIAL:
        cls = class_of(version, name)
        if any(child.get("type") == "integer" for child in document.get("properties", {}).values()):
            assert f"draft-0{cls.__draft__}/" in document["$schema"]


def test_the_departures_are_these() -> None:
    listed = {(version, item.schema, item.pointer) for version, found in DEPARTURES.items() for item in found}
    assert listed == EXPECTED_DEPARTURES
    assert all(item.reason for found in DEPARTURES.values() for item in found)
