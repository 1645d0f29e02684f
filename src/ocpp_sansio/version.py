"""What differs between the versions of OCPP, as tables; and the door to each version's messages.

The code that reads these tables asks no version for its name.
"""

from collections.abc import Mapping
from enum import Enum
from importlib import import_module
from types import MappingProxyType
from typing import Any

import attrs

from .errors import ErrorCode, Reason
from .messages import Request

__all__ = ["Catalogue", "Rules", "Version"]

Catalogue = Mapping[str, type[Request[Any, Any]]]


@attrs.frozen
class Rules:
    """How one version behaves at the wire.

    `spellings` are the error codes that it writes in its own way; `answers` the code that a rejected CALL
    earns, None if the version has no answer to it; `violations` the code for each JSON Schema keyword.
    """

    message_types: frozenset[int]
    spellings: Mapping[ErrorCode, str]
    answers: Mapping[Reason, ErrorCode | None]
    violations: Mapping[str, ErrorCode]

    def spell(self, code: ErrorCode | str) -> str:
        """The code as this version writes it."""
        return self.spellings.get(code, code) if isinstance(code, ErrorCode) else code


_VALUE_VIOLATIONS = dict.fromkeys(
    ("maxLength", "enum", "minimum", "maximum", "multipleOf", "format"),
    ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,  # J16-418 to J16-420
)
_COUNT_VIOLATIONS = dict.fromkeys(
    ("minItems", "maxItems"), ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION
)  # J16-421

_RULES_16 = Rules(
    message_types=frozenset({2, 3, 4}),
    spellings={
        ErrorCode.FORMAT_VIOLATION: "FormationViolation",  # J16-401: "will not be fixed"
        ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION: "OccurenceConstraintViolation",  # J16-401
        ErrorCode.RPC_FRAMEWORK_ERROR: "FormationViolation",  # 2.x only; this is what 1.6 has for it
        ErrorCode.MESSAGE_TYPE_NOT_SUPPORTED: "GenericError",  # 2.x only; 1.6 has nothing nearer
    },
    answers={
        # 1.6 has no id for an answer to a frame whose id cannot be read (J16-207), so that there is none.
        Reason.TOO_BIG: None,
        Reason.NOT_UTF8: None,
        Reason.NOT_JSON: None,  # J16-405
        Reason.NOT_A_FRAME: None,  # J16-406
        Reason.UNKNOWN_MESSAGE_TYPE: None,  # J16-407
        Reason.ID_NOT_TEXT: None,  # J16-409
        Reason.NOT_UNICODE: ErrorCode.FORMAT_VIOLATION,  # L-218
        Reason.MALFORMED_CALL: ErrorCode.FORMAT_VIOLATION,  # J16-408
        Reason.ID_TOO_LONG: ErrorCode.FORMAT_VIOLATION,  # J16-410
        Reason.UNKNOWN_ACTION: ErrorCode.NOT_IMPLEMENTED,  # J16-412
        Reason.WRONG_DIRECTION: ErrorCode.NOT_SUPPORTED,  # J16-413, L-602
        Reason.PAYLOAD_NOT_AN_OBJECT: ErrorCode.FORMAT_VIOLATION,  # J16-414
        Reason.INVALID_PAYLOAD: ErrorCode.GENERIC_ERROR,  # where `violations` has no code for the keyword
        Reason.TOO_MANY_CALLS: ErrorCode.GENERIC_ERROR,  # J16-424
    },
    violations={
        "required": ErrorCode.PROTOCOL_ERROR,  # J16-415
        "additionalProperties": ErrorCode.FORMAT_VIOLATION,  # J16-416
        "type": ErrorCode.TYPE_CONSTRAINT_VIOLATION,  # J16-417
        **_VALUE_VIOLATIONS,
        **_COUNT_VIOLATIONS,
    },
)


class Version(Enum):
    """A version of OCPP, also found by its number or its WebSocket subprotocol: `Version("1.6")`,
    `Version("ocpp1.6")`.
    """

    V16 = "1.6"

    @classmethod
    def _missing_(cls, value: object) -> "Version":
        for member in cls:
            if member.subprotocol == value:
                return member
        known = ", ".join(repr(member.value) for member in cls)
        raise ValueError(f"{value!r} is not a version of OCPP known here; there is {known}")

    @property
    def subprotocol(self) -> str:
        """Name in the header `Sec-WebSocket-Protocol` (J16-108)."""
        return f"ocpp{self.value}"

    @property
    def rules(self) -> Rules:
        """How this version behaves at the wire."""
        return _RULES[self]

    def load(self) -> Catalogue:
        """Import this version's messages, if that is still to be done, and return its request classes by
        action.

        A first `Connection` does it by itself; a server that cares about the latency of its first connection
        does it at start.
        """
        found = _catalogues.get(self)
        if found is None:
            module = import_module(f".{self.name.lower()}.call", __package__)
            found = MappingProxyType({name: getattr(module, name) for name in module.__all__})
            _catalogues[self] = found
        return found


_RULES: Mapping[Version, Rules] = {Version.V16: _RULES_16}
_catalogues: dict[Version, Catalogue] = {}
