"""JSON Schema derived from classes."""

import jsonschema
import pytest

from ocpp_sansio import Version
from ocpp_sansio.messages import CustomData
from ocpp_sansio.schema import node_schema, schema_for
from ocpp_sansio.v16 import call, call_result, datatypes
from tests.unit.declared import Inner, Paint, PaintResult, Strict, wire


def test_the_schema_of_a_message() -> None:
    schema = schema_for(Paint)
    assert schema["$schema"] == "http://json-schema.org/draft-06/schema#"
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["text", "whole", "number", "flag", "when", "colour", "inner"]
    properties = schema["properties"]
    assert properties["text"] == {"type": "string", "maxLength": 3}
    assert properties["number"] == {"type": "number", "minimum": -1, "maximum": 100}
    assert properties["when"] == {"type": "string", "format": "date-time"}
    assert properties["colour"] == {"type": "string", "enum": ["Red", "Dark.Blue"]}
    assert properties["inner"] == {"$ref": "#/definitions/Inner"}
    assert properties["tenth"] == {"type": "number", "multipleOf": 0.1}
    assert properties["it's {odd}"] == {"type": "string"}
    assert properties["texts"] == {
        "type": "array",
        "items": {"type": "string", "maxLength": 2},
        "minItems": 1,
        "maxItems": 3,
    }
    assert properties["inners"] == {"type": "array", "items": {"$ref": "#/definitions/Inner"}, "maxItems": 2}
    assert schema["definitions"]["Inner"]["properties"]["count"] == {
        "type": "integer",
        "minimum": 0,
        "maximum": 10,
    }


def test_what_is_received_may_hold_more_enum_values() -> None:
    assert schema_for(Paint, receiving=True)["properties"]["colour"]["enum"] == ["Red", "Dark.Blue", "Old"]


def test_the_draft_is_the_classes_own() -> None:
    assert schema_for(Strict)["$schema"] == "http://json-schema.org/draft-04/schema#"
    assert schema_for(Inner)["$schema"] == "http://json-schema.org/draft-06/schema#"


def test_an_empty_message_requires_nothing() -> None:
    assert schema_for(PaintResult) == {
        "$schema": "http://json-schema.org/draft-06/schema#",
        "type": "object",
        "properties": {},
        "additionalProperties": False,
    }


def test_a_node_schema_does_not_look_into_nested_objects() -> None:
    schema = node_schema(Paint, receiving=True)
    assert "definitions" not in schema
    assert schema["properties"]["inner"] == {"type": "object"}
    assert schema["properties"]["inners"] == {"type": "array", "maxItems": 2}


def test_a_node_schema_does_not_look_at_the_rest_of_an_open_object() -> None:
    schema = node_schema(CustomData, receiving=True)
    assert list(schema["properties"]) == ["vendorId"]
    assert "additionalProperties" not in schema


def test_the_schema_judges_as_it_says() -> None:
    judge = jsonschema.Draft6Validator(schema_for(Paint))
    judge.validate(wire(inners=[{"count": 1}]))
    with pytest.raises(jsonschema.ValidationError):
        judge.validate(wire(inners=[{"count": 99}]))


@pytest.mark.parametrize("action", Version.V16.load())
def test_every_schema_of_the_version_is_a_schema(action: str) -> None:
    for cls in (getattr(call, action), getattr(call_result, action)):
        schema = schema_for(cls)
        jsonschema.validators.validator_for(schema).check_schema(schema)


def test_a_uri_is_an_annotation_here() -> None:
    assert schema_for(call.UpdateFirmware)["properties"]["location"] == {"type": "string", "format": "uri"}
    assert schema_for(datatypes.LogParameters)["properties"]["remoteLocation"] == {
        "type": "string",
        "maxLength": 512,
    }
