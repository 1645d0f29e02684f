"""jsonschema as we use it: imported on first need, decimals, numbers and times judged as the codec does.

Judges JSON data by a schema document; knows no message.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ._datetime import parse_datetime
from ._values import ANY_JSON, NO_JSON, any_text, is_multiple, is_number

__all__ = ["make_judge"]


def make_judge(schema: Mapping[str, Any]) -> Any:
    """A jsonschema validator of the draft that `$schema` names, by default draft 6.

    Raises SchemaError for a bad document.
    """
    import jsonschema  # 100 ms that a connection without refusals never pays
    from jsonschema import validators

    base: Any = validators.validator_for(schema, default=jsonschema.Draft6Validator)
    base.check_schema(schema)
    extend: Any = validators.extend
    types = base.TYPE_CHECKER.redefine("number", _is_number)
    judge = extend(base, {"multipleOf": _multiple_of, ANY_JSON: _any_json}, type_checker=types)
    formats = jsonschema.FormatChecker(formats=())
    formats.checks("date-time", raises=ValueError)(_is_time)
    return judge(schema, format_checker=formats)


def _is_number(_: object, value: object) -> bool:
    return is_number(value)


def _is_time(value: object) -> bool:
    if isinstance(value, str):
        parse_datetime(value)
    return True


def _multiple_of(validator: Any, step: float, value: Any, _: object) -> Iterable[Any]:
    import jsonschema

    if validator.is_type(value, "number") and not is_multiple(value, step):
        yield jsonschema.ValidationError(f"{value!r} is not a multiple of {step}")


def _any_json(validator: Any, wanted: bool, value: Any, _: object) -> Iterable[Any]:
    import jsonschema

    try:
        any_text(value)
    except NO_JSON as error:
        yield jsonschema.ValidationError(str(error))
