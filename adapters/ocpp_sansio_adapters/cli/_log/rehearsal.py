"""A recorded session played again through a Connection at either end, which hold it to the rules that a log
alone does not show: who may speak before the station is accepted, how long an answer may take, one call at a
time, fresh ids.
"""

from typing import Any

from ocpp_sansio import BootGate, Connection, Role, StationState, Version
from ocpp_sansio.events import CallTimedOut

from .conversation import Conversation, fresh
from .spoken import Exchange, Spoken, Trouble
from .words import duration

__all__ = ["Rehearsal"]


class Rehearsal(Conversation):
    """As a Conversation; `patience` is how many seconds each end waits for an answer."""

    forgives_overtaking = False

    def __init__(self, version: Version, *, patience: float = 30.0) -> None:
        self._states = {role: StationState() for role in Role}
        self._patience = patience
        self._used: dict[tuple[Role | None, str], Spoken] = {}
        super().__init__(version)

    def take(self, text: str, sender: Role | None, time: float | None = None) -> Spoken:
        spoken = super().take(text, sender, time)
        exchange = spoken.exchange
        if exchange is not None and exchange.answer is spoken:
            self._check_time(exchange, spoken)
        return spoken

    def _end(self, role: Role | None) -> Connection:
        if role is None:
            return fresh(None, self.version)
        return fresh(role, self.version, state=self._states[role], boot_gate=BootGate())

    def _who_asks(self, role: Role | None) -> Connection:
        # Whoever asks for a boot learns from the answer.
        return fresh(None, self.version, state=None if role is None else self._states[role])

    def _open_exchange(self, spoken: Spoken, **more: Any) -> None:
        used = self._used.get((spoken.sender, spoken.id))
        if used is not None and used.text != spoken.text:
            text = f"{used.action or used.kind} had the id {spoken.id!r} already, if the link is the same"
            spoken.troubles.append(Trouble(text=text, rule=self._rule("205"), noted=True))
        self._used[spoken.sender, spoken.id] = spoken
        super()._open_exchange(spoken, **more)

    def _check_time(self, exchange: Exchange, answer: Spoken) -> None:
        """Whether the end that has asked still waits: a connection on the clock of the recording says so."""
        seconds = exchange.seconds
        if seconds is None or exchange.received is None:
            return
        request = exchange.received.request
        asker = fresh(None, self.version, call_timeout=self._patience)
        pending = asker.call(request, now=0.0)
        asker.next_frame()
        asker.handle_timeout(now=seconds)
        if asker.next_event() == CallTimedOut(pending):
            text = f"the answer took {duration(seconds)}; whoever asked has given up after {duration(self._patience)}"
            answer.troubles.append(Trouble(text=text, rule="L-307"))
