"""What a user decides about a connection: limits, how strictly messages are judged, what a repeated call gets.

Plain objects without behaviour beyond their own checks; the rooms that obey them read them.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import attrs

__all__ = ["Duplicates", "Limits", "Strictness", "Validation"]


@attrs.frozen(kw_only=True)
class Limits:
    """What one connection holds at most: counts, but for `frame_size`, which is in characters."""

    frame_size: int = 2**20  # L-132; a bigger frame is rejected with CloseRequested(1009)
    nesting: int = 64  # objects and arrays inside each other in one frame (L-218); messages need about 10
    queued_calls: int = 1000  # calls of ours that wait for their turn; one more is QueueFull
    open_calls: int = 32  # calls of the peer that we have not answered; one more earns GenericError
    undrained: int = 1000  # events and frames not pulled; beyond it, frames are dropped as if lost
    remembered_ids: int = 100  # calls that timed out, so that a late answer is known as one
    bad_frames: int = 20  # unreadable frames in a row; the last of them brings CloseRequested(1008)
    reject_duplicate_keys: bool = False  # instead of taking the last; costs half the parsing again (L-218)

    def __attrs_post_init__(self) -> None:
        for field in attrs.fields(Limits):
            value = getattr(self, field.name)
            if field.type is int and (type(value) is not int or value < 1):
                raise ValueError(f"Limits.{field.name} is a positive whole number, not {value!r}")
            if field.type is bool and type(value) is not bool:
                raise ValueError(f"Limits.{field.name} is True or False, not {value!r}")


class Strictness(StrEnum):
    """How a message is judged.

    STRICT refuses what its schema refuses. LENIENT takes what it can make sense of and lists the departures
    in `violations`. OFF judges nothing: what is received comes as a `Raw`, what is sent goes out as it is.
    """

    STRICT = "strict"
    LENIENT = "lenient"
    OFF = "off"


@attrs.frozen
class Validation:
    """How strictly messages are judged, by direction and action.

    `actions` are exceptions, which hold for an action's request and its answer alike:
    `Validation("lenient", actions={"DataTransfer": "off"})`. Where one is the name of a strictness, it is that
    of what is received. An action that is judged OFF needs no class.
    """

    received: Strictness = attrs.field(default=Strictness.STRICT, converter=Strictness)
    sent: Strictness = attrs.field(default=Strictness.STRICT, converter=Strictness)
    actions: "Mapping[str, Validation | Strictness | str]" = attrs.field(
        factory=dict, eq=lambda actions: frozenset(actions.items())
    )

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.actions, Mapping):
            raise TypeError(f"actions is a mapping of action names, not {self.actions!r:.60}")
        exceptions = {
            action: how if isinstance(how, Validation) else Validation(Strictness(how), self.sent)
            for action, how in self.actions.items()
        }
        object.__setattr__(self, "actions", MappingProxyType(exceptions))

    @classmethod
    def of(cls, given: "Validation | Strictness | str") -> "Validation":
        """A policy, or one for what is received by the name of its strictness; what we send stays strict."""
        return given if isinstance(given, Validation) else cls(received=Strictness(given))

    def of_action(self, action: str) -> "Validation":
        """What holds for this action."""
        found = self.actions.get(action, self)
        assert isinstance(found, Validation)
        return found


class Duplicates(StrEnum):
    """What a CALL gets whose id was answered before (L-205); one that is still being handled is dropped."""

    HANDLE = "handle"  # as if it were new
    REPLAY = "replay"  # the answer that the same call got, again
