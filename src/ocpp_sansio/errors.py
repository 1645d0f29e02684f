"""What goes wrong, by whose fault: the OCPP error codes and the exceptions of a connection.

Knows no frame and no version; how a version spells a code stands in `version.py`.
"""

from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from .messages import Origin
    from .validation import Violation

__all__ = [
    "CallTimeout",
    "ConnectionClosed",
    "ErrorCode",
    "FormatViolationError",
    "GenericError",
    "InternalError",
    "LocalProtocolError",
    "MessageTypeNotSupportedError",
    "NotImplementedError",
    "NotSupportedError",
    "OCPPError",
    "OccurrenceConstraintViolationError",
    "PropertyConstraintViolationError",
    "ProtocolError",
    "QueueFull",
    "Rejection",
    "RemoteProtocolError",
    "RpcFrameworkError",
    "SchemaViolation",
    "SecurityError",
    "TypeConstraintViolationError",
    "Unanswered",
]


class ErrorCode(StrEnum):
    """The codes of a CALLERROR, spelled as OCPP 2.x spells them (chapter 4.1 of the wire rules)."""

    NOT_IMPLEMENTED = "NotImplemented"
    NOT_SUPPORTED = "NotSupported"
    INTERNAL_ERROR = "InternalError"
    PROTOCOL_ERROR = "ProtocolError"
    SECURITY_ERROR = "SecurityError"
    FORMAT_VIOLATION = "FormatViolation"
    PROPERTY_CONSTRAINT_VIOLATION = "PropertyConstraintViolation"
    OCCURRENCE_CONSTRAINT_VIOLATION = "OccurrenceConstraintViolation"
    TYPE_CONSTRAINT_VIOLATION = "TypeConstraintViolation"
    GENERIC_ERROR = "GenericError"
    MESSAGE_TYPE_NOT_SUPPORTED = "MessageTypeNotSupported"
    RPC_FRAMEWORK_ERROR = "RpcFrameworkError"


class Rejection(StrEnum):
    """Why a frame was rejected. What each earns in an answer stands in `Rules.answers` of the version."""

    TOO_BIG = "too big"  # L-132
    NOT_UTF8 = "not UTF-8"  # J16-201
    NOT_UNICODE = "not Unicode"  # L-218: a lone surrogate
    EMPTY = "empty text"
    NOT_JSON = "not JSON"  # J16-405
    NOT_A_FRAME = "not a frame"  # J16-406
    UNKNOWN_MESSAGE_TYPE = "unknown message type"  # J16-407
    BROKEN_CALL = "a CALL that is not JSON"  # J16-405, with an id that could be salvaged
    TOO_DEEP = "nested too deeply"  # L-218
    DUPLICATE_KEYS = "duplicate keys"  # L-218
    MALFORMED_CALL = "malformed CALL"  # J16-408
    ID_NOT_TEXT = "id is not text"  # J16-409
    ID_TOO_LONG = "id is too long"  # J16-410
    UNKNOWN_ACTION = "unknown action"  # J16-412
    WRONG_DIRECTION = "wrong direction"  # J16-413
    ONLY_AS_SEND = "only as a SEND"  # J21-603
    NOT_ACCEPTED = "not accepted"  # J16-423: the boot gate
    PAYLOAD_NOT_AN_OBJECT = "payload is not an object"  # J16-414
    INVALID_PAYLOAD = "invalid payload"  # J16-415 to J16-421
    TOO_MANY_CALLS = "too many open calls"  # J16-424


class OCPPError(Exception):
    """A CALLERROR: raise a subclass in a handler to send one, catch it from a call to have received one.

    `code` is an `ErrorCode`, or the peer's own text where no version knows it; `description` is text for
    people; `details` is a JSON object. Errors of one class that say the same are equal.
    """

    default_code: ClassVar[ErrorCode] = ErrorCode.GENERIC_ERROR
    default_description: ClassVar[str] = "The request could not be processed."

    def __init__(
        self,
        description: str | None = None,
        details: dict[str, Any] | None = None,
        *,
        code: ErrorCode | str | None = None,
    ) -> None:
        self.code: ErrorCode | str = self.default_code if code is None else code
        self.description = self.default_description if description is None else description
        self.details: dict[str, Any] = {} if details is None else details
        #: The frame that it came in, which sends it on byte for byte under the same id and version.
        self.origin: Origin | None = None
        super().__init__(self.description)

    def __str__(self) -> str:
        return f"{self.code}: {self.description}" if self.description else str(self.code)

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({self.description!r}, {self.details!r}, code={str(self.code)!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OCPPError):
            return NotImplemented
        mine, theirs = self.__reduce__(), other.__reduce__()
        return bool(mine == theirs)

    def __hash__(self) -> int:
        return hash((self.__class__, self.description, self.code))  # details are a dict

    def __reduce__(self) -> Any:
        return _rebuild, (self.__class__, self.description, self.details, self.code)


def _rebuild(
    cls: type[OCPPError], description: str, details: dict[str, Any], code: ErrorCode | str
) -> OCPPError:
    return cls(description, details, code=code)


class NotImplementedError(OCPPError):
    """The receiver does not know the action (J16-412, J201-412, J21-412)."""

    default_code = ErrorCode.NOT_IMPLEMENTED
    default_description = "The action is not known."


class NotSupportedError(OCPPError):
    """The receiver knows the action and does not offer it (J16-413, J201-413, J21-413)."""

    default_code = ErrorCode.NOT_SUPPORTED
    default_description = "The action is known, but not supported here."


class InternalError(OCPPError):
    """The receiver failed while it processed a fine request."""

    default_code = ErrorCode.INTERNAL_ERROR
    default_description = "An unexpected error occurred."


class ProtocolError(OCPPError):
    """The payload is incomplete (1.6) or not that of the message (2.x)."""

    default_code = ErrorCode.PROTOCOL_ERROR
    default_description = "The payload does not have the structure of the message."


class SecurityError(OCPPError):
    """A security reason forbids to process the request."""

    default_code = ErrorCode.SECURITY_ERROR
    default_description = "The request is not allowed for reasons of security."


class FormatViolationError(OCPPError):
    """The message is not well-formed; OCPP 1.6 spells the code `FormationViolation`."""

    default_code = ErrorCode.FORMAT_VIOLATION
    default_description = "The message is not well-formed."


class PropertyConstraintViolationError(OCPPError):
    """A member has a value that it may not have."""

    default_code = ErrorCode.PROPERTY_CONSTRAINT_VIOLATION
    default_description = "A member has a value that is not allowed."


class OccurrenceConstraintViolationError(OCPPError):
    """A member occurs too often or too seldom; OCPP 1.6 spells the code `OccurenceConstraintViolation`."""

    default_code = ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION
    default_description = "A member occurs too often or too seldom."


class TypeConstraintViolationError(OCPPError):
    """A member has the wrong JSON type."""

    default_code = ErrorCode.TYPE_CONSTRAINT_VIOLATION
    default_description = "A member has the wrong type."


class GenericError(OCPPError):
    """Nothing else fits; also what a code that no version knows becomes, with the peer's text in `code`
    (L-401).
    """


class MessageTypeNotSupportedError(OCPPError):
    """The message type number is not known (2.x)."""

    default_code = ErrorCode.MESSAGE_TYPE_NOT_SUPPORTED
    default_description = "The message type is not supported."


class RpcFrameworkError(OCPPError):
    """The text is not a valid RPC frame (2.x)."""

    default_code = ErrorCode.RPC_FRAMEWORK_ERROR
    default_description = "The text is not a valid RPC frame."


ERRORS_BY_CODE: dict[ErrorCode, type[OCPPError]] = {
    cls.default_code: cls for cls in OCPPError.__subclasses__()
}


class LocalProtocolError(Exception):
    """You broke a rule of the protocol or of this interface; nothing has happened."""


class Unanswered(Exception):
    """A call has ended without an answer that can be used: CallTimeout, ConnectionClosed, QueueFull or
    RemoteProtocolError. A refusal is an answer, and an OCPPError.
    """


class RemoteProtocolError(Unanswered):
    """The peer answered a call with something unusable.

    `violation` says where, if the payload did not match its schema.
    """

    def __init__(self, problem: str, violation: "Violation | None" = None) -> None:
        super().__init__(problem, violation)
        self.violation = violation

    def __str__(self) -> str:
        return str(self.args[0])


class SchemaViolation(ValueError):
    """A message of yours does not match its schema; it was not sent. `violation` says where."""

    def __init__(self, subject: str, violation: "Violation") -> None:
        super().__init__(subject, violation)
        self.violation = violation

    def __str__(self) -> str:
        return f"{self.args[0]}: {self.violation}"


class ConnectionClosed(Unanswered):
    """The link is gone: a race, not a bug."""


class QueueFull(Unanswered):
    """Too many calls wait for their turn: try later, or raise `Limits.queued_calls`."""


class CallTimeout(Unanswered, TimeoutError):
    """No answer in time. `action`, `id` and `seconds` say to what and how long; `sent` whether the call left at all."""

    def __init__(self, action: str, id: str, seconds: float, sent: bool = True) -> None:
        waited = "no answer to" if sent else "no turn to send"
        # One argument: TimeoutError is an OSError, which would take more for an errno and a file.
        super().__init__(f"{waited} {action} {id!r} within {seconds:g} s")
        self.action = action
        self.id = id
        self.seconds = seconds
        self.sent = sent

    def __reduce__(self) -> Any:
        return self.__class__, (self.action, self.id, self.seconds, self.sent)
