"""OCPP 1.6, 2.0.1 and 2.1 without I/O: text frames in, typed events and text frames out.

Importing this package loads no version's messages, no jsonschema, and nothing that could do I/O.
"""

from .connection import Connection
from .errors import (
    CallTimeout,
    ConnectionClosed,
    ErrorCode,
    LocalProtocolError,
    OCPPError,
    QueueFull,
    Rejection,
    RemoteProtocolError,
    SchemaViolation,
    Unanswered,
)
from .events import (
    CallErrorReceived,
    CallFailed,
    CallLost,
    CallReceived,
    CallResultErrorReceived,
    CallResultReceived,
    CallTimedOut,
    Closed,
    CloseRequested,
    DuplicateCallReceived,
    Event,
    FrameRejected,
    LateResponseReceived,
    PendingCall,
    SendReceived,
    UnmatchedResponseReceived,
)
from .messages import Raw, Role
from .policies import Duplicates, Limits, Strictness, Validation
from .state import BootGate, BootStatus, StationState
from .validation import Violation
from .version import Version

__all__ = [
    "BootGate",
    "BootStatus",
    "CallErrorReceived",
    "CallFailed",
    "CallLost",
    "CallReceived",
    "CallResultErrorReceived",
    "CallResultReceived",
    "CallTimedOut",
    "CallTimeout",
    "CloseRequested",
    "Closed",
    "Connection",
    "ConnectionClosed",
    "DuplicateCallReceived",
    "Duplicates",
    "ErrorCode",
    "Event",
    "FrameRejected",
    "LateResponseReceived",
    "Limits",
    "LocalProtocolError",
    "OCPPError",
    "PendingCall",
    "QueueFull",
    "Raw",
    "Rejection",
    "RemoteProtocolError",
    "Role",
    "SchemaViolation",
    "SendReceived",
    "StationState",
    "Strictness",
    "Unanswered",
    "UnmatchedResponseReceived",
    "Validation",
    "Version",
    "Violation",
]
