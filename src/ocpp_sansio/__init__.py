"""OCPP 1.6, 2.0.1 and 2.1 without I/O: text frames in, typed events and text frames out.

Importing this package loads no version's messages, no jsonschema, and nothing that could do I/O.
"""

from .connection import Connection, Limits
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
)
from .events import (
    CallErrorReceived,
    CallFailed,
    CallLost,
    CallReceived,
    CallResultReceived,
    CallTimedOut,
    Closed,
    CloseRequested,
    DuplicateCallReceived,
    Event,
    FrameRejected,
    LateResponseReceived,
    PendingCall,
    UnmatchedResponseReceived,
)
from .messages import Raw, Role
from .validation import Violation
from .version import Version

__all__ = [
    "CallErrorReceived",
    "CallFailed",
    "CallLost",
    "CallReceived",
    "CallResultReceived",
    "CallTimedOut",
    "CallTimeout",
    "CloseRequested",
    "Closed",
    "Connection",
    "ConnectionClosed",
    "DuplicateCallReceived",
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
    "UnmatchedResponseReceived",
    "Version",
    "Violation",
]
