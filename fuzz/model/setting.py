"""What the oracle is told and what it says: how an end is set up, what it knows of the station, the calls it
makes and is owed an answer to, and the events that must come.
"""

from math import inf
from operator import attrgetter
from typing import Any

import attrs

from ocpp_sansio import BootGate, Duplicates, Limits, PendingCall

from .vocabulary import BOOT, FRAME_SIZE

__all__ = ["ANYTHING", "Ask", "Expected", "Memory", "Options", "Owed", "keep"]


@attrs.frozen
class Options:
    """How one end is set up, in small numbers, so that every limit is met."""

    knows_its_role: bool = True
    call_timeout: float = 4.0
    queued_calls: int = 3
    open_calls: int = 3
    undrained: int = 1000
    remembered_ids: int = 3
    bad_frames: int = 3
    duplicates: Duplicates = Duplicates.HANDLE
    half_duplex: bool = False
    boot_gate: BootGate | None = None
    has_state: bool = False

    def keywords(self) -> dict[str, Any]:
        """What the constructor of a connection takes, but for the state."""
        return {
            "call_timeout": self.call_timeout,
            "limits": Limits(
                frame_size=FRAME_SIZE,
                queued_calls=self.queued_calls,
                open_calls=self.open_calls,
                undrained=self.undrained,
                remembered_ids=self.remembered_ids,
                bad_frames=self.bad_frames,
            ),
            "duplicates": self.duplicates,
            "half_duplex": self.half_duplex,
            "boot_gate": self.gate,
        }

    @property
    def gate(self) -> BootGate | None:
        """A gate needs to know which end it stands at."""
        return self.boot_gate if self.knows_its_role else None

    @property
    def remembers(self) -> bool:
        """Whether something is known of the station from one socket to the next."""
        return self.has_state or self.gate is not None or self.duplicates is Duplicates.REPLAY


@attrs.define
class Memory:
    """What one end knows of the station from one socket to the next."""

    boot: str = "Unknown"
    requested: set[str] = attrs.field(factory=set)
    answers: dict[str, tuple[str, list[Any]]] = attrs.field(factory=dict)  # by id: a call and its answer

    def observe(self, action: str, request: dict[str, Any], response: dict[str, Any]) -> None:
        """A call was answered, by whichever end."""
        if action == BOOT:
            self.boot = response["status"]
            if self.boot != "Pending":
                self.requested = set()
        elif action == "TriggerMessage" and self.boot == "Pending" and response["status"] == "Accepted":
            self.requested = self.requested | {request["requestedMessage"]}


@attrs.define(eq=False)
class Ask:
    """A call of ours, from the question to the event that ends it."""

    id: str
    action: str
    timeout: float
    # What the connection calls it; None once that is out of reach, in a connection that went on elsewhere.
    pending: PendingCall[Any] | None = attrs.field(default=None, repr=False)
    sent: bool = False  # its frame was pulled, so that the peer may have seen it
    deadline: float = inf  # when the patience for an answer ends, once it has its turn
    expires: float = inf  # when the patience for its turn ends, while it waits
    ends: int = 0


@attrs.frozen
class Owed:
    """A call of the peer that has no answer yet."""

    action: str
    payload: dict[str, Any]
    text: str


class Expected:
    """An event that must come: its class, the call of ours that it is about, and what its members must be.
    `error__code` is the code of its error.
    """

    def __init__(self, kind: type[Any], ask: Ask | None = None, **facts: Any) -> None:
        self.kind = kind
        self.ask = ask
        self.facts = {name.replace("__", "."): value for name, value in facts.items()}

    def __repr__(self) -> str:
        ask = [] if self.ask is None else [repr(self.ask)]
        return f"{self.kind.__name__}({', '.join(ask + [f'{k}={v!r}' for k, v in self.facts.items()])})"

    def matches(self, event: object) -> bool:
        """Whether this is the event."""
        return (
            type(event) is self.kind
            and self._is_about(getattr(event, "pending", None))
            and all(attrgetter(name)(event) == value for name, value in self.facts.items())
        )

    def _is_about(self, pending: PendingCall[Any] | None) -> bool:
        if self.ask is None or pending is None:
            return self.ask is None and pending is None
        if self.ask.pending is not None and self.ask.pending is not pending:
            return False
        return (pending.id, pending.action, pending.released) == (self.ask.id, self.ask.action, self.ask.sent)


class _Anything:
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]  # what equals everything has no hash

    def __repr__(self) -> str:
        return "ANYTHING"


#: Stands where the oracle has no opinion.
ANYTHING: Any = _Anything()


def keep(memory: dict[str, Any], id: str, value: Any, most: int) -> None:
    """Remember it as the newest of so many."""
    memory.pop(id, None)
    memory[id] = value
    if len(memory) > most:
        del memory[next(iter(memory))]
