"""What differs between the versions of OCPP, as tables; and the door to each version's messages.

The code that reads these tables asks no version for its name.
"""

from collections.abc import Mapping
from enum import Enum
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any

import attrs

from ._frames import CALL, CALLERROR, CALLRESULT, CALLRESULTERROR, SEND
from .errors import ErrorCode, Rejection
from .messages import Request, Unconfirmed

__all__ = ["BootRules", "Catalogue", "Rules", "SendCatalogue", "Version"]

Catalogue = Mapping[str, type[Request[Any, Any]]]
SendCatalogue = Mapping[str, type[Unconfirmed]]


@attrs.frozen
class BootRules:
    """What the boot status of a station allows (chapter 5 of the wire rules).

    `requests` are the calls of a CSMS that ask a pending station for messages, with the action that they ask
    for, or None if their `requestedMessage` names it; `triggers` are the names in there that are not actions.
    `barred` are calls that a pending station answers with status Rejected. `rejected_answers` says whether a
    rejected station answers at all.
    """

    requests: Mapping[str, str | None]
    triggers: Mapping[str, str]
    barred: frozenset[str]
    rejected_answers: bool


@attrs.frozen
class Rules:
    """How one version behaves at the wire.

    `message_types` are the numbers that it knows; `spellings` the error codes that it writes in its own way;
    `answers` the code that a rejected frame earns, None if the version has no answer to it; `violations` the
    code for each JSON Schema keyword. `unreadable_id` answers to a frame whose id cannot be read, None if
    there is no such id.
    """

    message_types: frozenset[int]
    spellings: Mapping[ErrorCode, str]
    answers: Mapping[Rejection, ErrorCode | None]
    violations: Mapping[str, ErrorCode]
    unreadable_id: str | None
    boot: BootRules

    @property
    def codes(self) -> tuple[ErrorCode, ...]:
        """The error codes that this version has."""
        taken: dict[str, ErrorCode] = {}
        for code in ErrorCode:
            taken.setdefault(self.spell(code), code)
        return tuple(taken.values())

    def spell(self, code: ErrorCode | str) -> str:
        """The code as this version writes it."""
        return self.spellings.get(code, code) if isinstance(code, ErrorCode) else code


_VALUE_VIOLATIONS = dict.fromkeys(
    (
        *("maxLength", "enum", "minimum", "maximum", "multipleOf", "format"),  # J*-418 to J*-420
        # of the same kind, in a user's own schema:
        *("minLength", "pattern", "const", "exclusiveMinimum", "exclusiveMaximum"),
    ),
    ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
)
_COUNT_VIOLATIONS = dict.fromkeys(
    ("minItems", "maxItems"),
    ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION,  # J*-421
)
_TYPE_VIOLATIONS = {"type": ErrorCode.TYPE_CONSTRAINT_VIOLATION}  # J*-417

# What all versions answer alike.
_ANSWERS: dict[Rejection, ErrorCode | None] = {
    Rejection.TOO_BIG: None,  # the link is closed instead (L-132)
    Rejection.NOT_UTF8: None,  # the link is closed instead (RFC 6455, 8.1)
    Rejection.EMPTY: None,  # sent by some stations as a sign of life
    Rejection.NOT_UNICODE: ErrorCode.FORMAT_VIOLATION,  # L-218
    Rejection.TOO_DEEP: ErrorCode.FORMAT_VIOLATION,  # L-218
    Rejection.DUPLICATE_KEYS: ErrorCode.FORMAT_VIOLATION,  # L-218
    Rejection.NOT_ACCEPTED: ErrorCode.SECURITY_ERROR,  # J*-423
    Rejection.ONLY_AS_SEND: ErrorCode.NOT_SUPPORTED,  # J21-603
    Rejection.UNKNOWN_ACTION: ErrorCode.NOT_IMPLEMENTED,  # J*-412
    Rejection.WRONG_DIRECTION: ErrorCode.NOT_SUPPORTED,  # J*-413, L-602
    Rejection.PAYLOAD_NOT_AN_OBJECT: ErrorCode.FORMAT_VIOLATION,  # J*-414
    Rejection.INVALID_PAYLOAD: ErrorCode.GENERIC_ERROR,  # where `violations` has no code for the keyword
    Rejection.TOO_MANY_CALLS: ErrorCode.GENERIC_ERROR,  # J*-424
}

_RULES_16 = Rules(
    message_types=frozenset({CALL, CALLRESULT, CALLERROR}),
    spellings={
        ErrorCode.FORMAT_VIOLATION: "FormationViolation",  # J16-401: "will not be fixed"
        ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION: "OccurenceConstraintViolation",  # J16-401
        ErrorCode.RPC_FRAMEWORK_ERROR: "FormationViolation",  # 2.x only; this is what 1.6 has for it
        ErrorCode.MESSAGE_TYPE_NOT_SUPPORTED: "GenericError",  # 2.x only; 1.6 has nothing nearer
    },
    answers={
        **_ANSWERS,
        Rejection.NOT_JSON: None,  # J16-405
        Rejection.BROKEN_CALL: ErrorCode.FORMAT_VIOLATION,  # J16-405: its id could be read
        Rejection.NOT_A_FRAME: None,  # J16-406
        Rejection.UNKNOWN_MESSAGE_TYPE: None,  # J16-407
        Rejection.ID_NOT_TEXT: None,  # J16-409
        Rejection.MALFORMED_CALL: ErrorCode.FORMAT_VIOLATION,  # J16-408
        Rejection.ID_TOO_LONG: ErrorCode.FORMAT_VIOLATION,  # J16-410
    },
    violations={
        "required": ErrorCode.PROTOCOL_ERROR,  # J16-415
        "additionalProperties": ErrorCode.FORMAT_VIOLATION,  # J16-416
        **_TYPE_VIOLATIONS,
        **_VALUE_VIOLATIONS,
        **_COUNT_VIOLATIONS,
    },
    unreadable_id=None,  # J16-207
    boot=BootRules(
        requests={"TriggerMessage": None, "ExtendedTriggerMessage": None},  # J16-502
        triggers={
            "SignChargePointCertificate": "SignCertificate",
            "FirmwareStatusNotification": "SignedFirmwareStatusNotification",  # J16-604: of the extended one
        },
        barred=frozenset({"RemoteStartTransaction", "RemoteStopTransaction"}),  # J16-503
        rejected_answers=False,  # J16-505
    ),
)

_RULES_201 = Rules(
    message_types=frozenset({CALL, CALLRESULT, CALLERROR}),
    spellings={},
    answers={
        **_ANSWERS,
        Rejection.NOT_JSON: ErrorCode.RPC_FRAMEWORK_ERROR,  # J201-405
        Rejection.BROKEN_CALL: ErrorCode.RPC_FRAMEWORK_ERROR,  # J201-405: its id could be read
        Rejection.NOT_A_FRAME: ErrorCode.RPC_FRAMEWORK_ERROR,  # J201-406
        Rejection.UNKNOWN_MESSAGE_TYPE: ErrorCode.MESSAGE_TYPE_NOT_SUPPORTED,  # J201-407
        Rejection.ID_NOT_TEXT: ErrorCode.RPC_FRAMEWORK_ERROR,  # J201-409
        Rejection.MALFORMED_CALL: ErrorCode.RPC_FRAMEWORK_ERROR,  # J201-408
        Rejection.ID_TOO_LONG: ErrorCode.RPC_FRAMEWORK_ERROR,  # J201-410
    },
    violations={
        "required": ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION,  # J201-415
        "additionalProperties": ErrorCode.PROTOCOL_ERROR,  # J201-416
        **_TYPE_VIOLATIONS,
        **_VALUE_VIOLATIONS,
        **_COUNT_VIOLATIONS,
    },
    unreadable_id="-1",  # J201-207
    boot=BootRules(
        requests={
            "TriggerMessage": None,
            "GetBaseReport": "NotifyReport",
            "GetReport": "NotifyReport",
            "GetMonitoringReport": "NotifyMonitoringReport",
            "CustomerInformation": "NotifyCustomerInformation",
            "GetLog": "LogStatusNotification",
        },  # J201-502
        triggers={
            "SignChargingStationCertificate": "SignCertificate",
            "SignV2GCertificate": "SignCertificate",
            "SignV2G20Certificate": "SignCertificate",
            "SignCombinedCertificate": "SignCertificate",
        },
        barred=frozenset({"RequestStartTransaction", "RequestStopTransaction"}),  # J201-503
        rejected_answers=True,  # J201-505
    ),
)

_RULES_21 = attrs.evolve(
    _RULES_201,
    message_types=frozenset({CALL, CALLRESULT, CALLERROR, CALLRESULTERROR, SEND}),
    answers={**_RULES_201.answers, Rejection.UNKNOWN_MESSAGE_TYPE: None},  # J21-407
)


class Version(Enum):
    """A version of OCPP, also found by its number or its WebSocket subprotocol: `Version("1.6")`,
    `Version("ocpp1.6")`.
    """

    V16 = "1.6"
    V201 = "2.0.1"
    V21 = "2.1"

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
        return _messages(self, "call")

    def load_sends(self) -> SendCatalogue:
        """As `load`, the messages that travel as SEND; none before 2.1."""
        return _messages(self, "send") if SEND in self.rules.message_types else {}


@cache
def _messages(version: Version, module: str) -> Mapping[str, Any]:
    """The classes of one of a version's modules, by name."""
    found = import_module(f".{version.name.lower()}.{module}", __package__)
    return MappingProxyType({name: getattr(found, name) for name in found.__all__})


_RULES: Mapping[Version, Rules] = {
    Version.V16: _RULES_16,
    Version.V201: _RULES_201,
    Version.V21: _RULES_21,
}
