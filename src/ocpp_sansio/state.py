"""StationState: what belongs to an identity and outlives a socket; BootGate: who may send what before a
station is accepted (chapter 5 of the wire rules).

Knows actions by name and no frame.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple
from zlib import crc32

import attrs

from ._memory import Memory
from .messages import Message, Raw, Role
from .version import BootRules

__all__ = ["BootGate", "BootStatus", "StationState"]

FORMAT = "ocpp-sansio station 1"
MOST_ANSWERS = 100  # that are remembered, to be sent again
BOOT = "BootNotification"
#: Whose old answers are worth nothing: what they say was true then.
_NEVER_REPLAYED = (BOOT, "Heartbeat")
MOST_REQUESTED = 100  # more than there are actions; a peer that is not judged could invent more


class BootStatus(StrEnum):
    """What the last BootNotification of a station was answered; UNKNOWN if none was since it booted."""

    UNKNOWN = "Unknown"
    ACCEPTED = "Accepted"
    PENDING = "Pending"
    REJECTED = "Rejected"


_ANSWERS_TO_BOOT = tuple(BootStatus)[1:]


class _Answered(NamedTuple):
    """A call that was answered: a checksum of its frame, and the frame of the answer."""

    checksum: int
    answer: str


def _as_set(actions: Iterable[str]) -> set[str]:
    return set(actions)


@attrs.define
class StationState:
    """What one end remembers about a station from one socket to the next (J16-129, L-205).

    Hand the same object to each successive `Connection(state=...)` of that identity. `boot` is its boot
    status, `requested` the actions that the CSMS has asked for while it is pending. A station that boots
    begins with a new one. Calls that a gate holds back see a change that you make by hand at the next
    `handle_timeout`.
    """

    identity: str = attrs.field(default="", validator=attrs.validators.instance_of(str))
    boot: BootStatus = attrs.field(default=BootStatus.UNKNOWN, converter=BootStatus)
    requested: set[str] = attrs.field(factory=set, converter=_as_set)
    _answers: Memory[_Answered] = attrs.field(factory=lambda: Memory(MOST_ANSWERS), init=False, repr=False)

    def remember_answer(self, id: str, action: str, call: str, answer: str) -> None:
        """Keep the answer to a call, both as frames. After a boot, ids may begin again: all are forgotten."""
        if action == BOOT:
            self._answers.clear()
        if action not in _NEVER_REPLAYED:
            self._answers.keep(id, _Answered(crc32(call.encode()), answer))

    def answer_to(self, id: str, call: str) -> str | None:
        """The answer that this very call got; ids alone begin again where stations count them from 1."""
        answered = self._answers.get(id)
        return answered.answer if answered is not None and answered.checksum == crc32(call.encode()) else None

    def snapshot(self) -> dict[str, Any]:
        """Everything that `restore` needs, as plain JSON."""
        return {
            "format": FORMAT,
            "identity": self.identity,
            "boot": self.boot.value,
            "requested": sorted(self.requested),
            "answers": [[id, *answered] for id, answered in self._answers.items()],
        }

    @classmethod
    def restore(cls, snapshot: Mapping[str, Any]) -> "StationState":
        """The state of a snapshot. Raises ValueError for what is not one of this format."""
        found = snapshot.get("format") if isinstance(snapshot, Mapping) else None
        if found != FORMAT:
            raise ValueError(
                f"not a snapshot that can be restored here: its format is {found!r:.60}, not {FORMAT!r}"
            )
        try:
            requested = {str(action) for action in snapshot["requested"]}
            state = cls(snapshot["identity"], snapshot["boot"], requested)
            for id, checksum, answer in snapshot["answers"]:
                state._answers.keep(str(id), _Answered(int(checksum), str(answer)))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"malformed snapshot: {error}") from error
        return state

    def observe(self, rules: BootRules, action: str, request: Message, response: Message) -> None:
        """A call was answered, in whichever direction: take from it what concerns the boot."""
        waits = self.boot is BootStatus.PENDING and action in rules.requests
        status = _member(response, "status") if waits or action == BOOT else ""
        if action == BOOT and status in _ANSWERS_TO_BOOT:
            self.boot = BootStatus(status)
            if self.boot is not BootStatus.PENDING:
                self.requested.clear()
        elif waits and status == "Accepted":
            wanted = rules.requests[action] or _member(request, "requestedMessage")
            if wanted and len(self.requested) < MOST_REQUESTED:
                self.requested |= {wanted, rules.triggers.get(wanted, wanted)}


@attrs.frozen
class BootGate:
    """The policy that holds a connection to the boot status of its station.

    What we may not send yet waits for its turn; what the peer may not send yet is refused with SecurityError,
    or not answered where the version says so. A CSMS takes a station whose boot it has not seen as accepted
    (L-506), unless `trust_unknown` is false.
    """

    trust_unknown: bool = attrs.field(default=True, validator=attrs.validators.instance_of(bool))

    def admits(self, sender: Role, here: Role, state: StationState, rules: BootRules, action: str) -> bool:
        """Whether `sender` may send a message of this action now, as seen from `here`."""
        boot = state.boot
        if boot is BootStatus.UNKNOWN and here is Role.CSMS and self.trust_unknown:
            return True
        if sender is Role.CHARGING_STATION:
            return (
                boot is BootStatus.ACCEPTED
                or action == BOOT  # when to try again is the station's business (J16-507)
                or (boot is BootStatus.PENDING and action in state.requested)
            )
        # To a station whose status nobody knows yet, anything goes: no version regulates it.
        return boot is not BootStatus.REJECTED and not (boot is BootStatus.PENDING and action in rules.barred)


def _member(message: Message, wire: str) -> str:
    """`status` or `requestedMessage` of a message with or without a class; empty if there is no such text."""
    names = {"status": "status", "requestedMessage": "requested_message"}
    found = message.payload.get(wire) if isinstance(message, Raw) else getattr(message, names[wire], None)
    return found if isinstance(found, str) else ""
