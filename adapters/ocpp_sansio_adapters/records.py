"""What observers are told: immutable records of frames and calls. `time` is seconds on the clock of the driver's event loop."""

from collections.abc import Callable
from typing import TypeAlias, final

import attrs

__all__ = ["CallFinished", "CallStarted", "FrameReceived", "FrameSent", "Observer", "Record"]


@final
@attrs.frozen
class FrameSent:
    """A frame was handed to the transport."""

    time: float
    identity: str
    text: str


@final
@attrs.frozen
class FrameReceived:
    """A frame came from the transport."""

    time: float
    identity: str
    text: str


@final
@attrs.frozen
class CallStarted:
    """A call was asked for: by us (`ours`), or by the peer."""

    time: float
    identity: str
    id: str
    action: str
    ours: bool


@final
@attrs.frozen
class CallFinished:
    """A call has ended after `seconds`, waiting for its turn included. `error` is None if it was answered with a result."""

    time: float
    identity: str
    id: str
    action: str
    ours: bool
    seconds: float
    error: Exception | None


Record: TypeAlias = FrameSent | FrameReceived | CallStarted | CallFinished
Observer: TypeAlias = Callable[[Record], object]
