"""Which numbered wire rule a finding breaks: names for what a Connection has decided, and no decision.

A number is a topic, with one rule for each version: 415 is J16-415, J201-415 or J21-415. See
docs/reference/wire-rules.md.
"""

from collections.abc import Mapping

from ocpp_sansio import Rejection, Version

__all__ = ["rule", "rule_of_keyword", "rule_of_rejection"]

_REJECTIONS: Mapping[Rejection, str] = {
    Rejection.TOO_BIG: "L-132",
    Rejection.NOT_UTF8: "201",
    Rejection.NOT_UNICODE: "L-218",
    Rejection.EMPTY: "201",
    Rejection.NOT_JSON: "405",
    Rejection.NOT_A_FRAME: "406",
    Rejection.UNKNOWN_MESSAGE_TYPE: "407",
    Rejection.BROKEN_CALL: "405",
    Rejection.TOO_DEEP: "L-218",
    Rejection.DUPLICATE_KEYS: "L-218",
    Rejection.MALFORMED_CALL: "408",
    Rejection.ID_NOT_TEXT: "409",
    Rejection.ID_TOO_LONG: "410",
    Rejection.UNKNOWN_ACTION: "412",
    Rejection.WRONG_DIRECTION: "413",
    Rejection.ONLY_AS_SEND: "603",
    Rejection.NOT_ACCEPTED: "423",
    Rejection.PAYLOAD_NOT_AN_OBJECT: "414",
    Rejection.TOO_MANY_CALLS: "424",
}
_KEYWORDS: Mapping[str, str] = {
    "required": "415",
    "additionalProperties": "416",
    "type": "417",
    "maxLength": "418",
    "enum": "419",
    **dict.fromkeys(("minimum", "maximum", "multipleOf", "format"), "420"),
    **dict.fromkeys(("minItems", "maxItems"), "421"),
}


def rule(number: str, version: Version) -> str:
    """The id of a topic's rule in a version; what has an id of its own keeps it."""
    return f"{version.name.replace('V', 'J')}-{number}" if number.isdecimal() else number


def rule_of_rejection(reason: Rejection, version: Version) -> str:
    """The rule that a rejected frame breaks; none for a payload, where `rule_of_keyword` says it."""
    number = _REJECTIONS.get(reason, "")
    return rule(number, version) if number else ""


def rule_of_keyword(keyword: str, version: Version) -> str:
    """The rule that a payload breaks where this keyword of its schema failed."""
    number = _KEYWORDS.get(keyword, "")
    return rule(number, version) if number else ""
