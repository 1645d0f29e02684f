"""Visit: somebody comes to a simulated station, is let charge or not, and leaves; with all that the CSMS is told of
it.
"""

from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Any

import anyio

from ocpp_sansio.messages import Request

from .charger import Connector, Phase, Transaction
from .meter import Reading
from .outbox import Letter
from .profiles import TX_PROFILE

if TYPE_CHECKING:
    from .life import Life

__all__ = ["Visit"]

SHORTEST = 0.01  # seconds between two meter values


class Visit:
    """At this connector of the station that lives this life, for so many seconds at most."""

    def __init__(
        self, life: "Life", connector: Connector, transaction: Transaction, seconds: float = inf
    ) -> None:
        self.life = life
        self.connector = connector
        self.transaction = transaction
        self.seconds = seconds
        connector.transaction, connector.phase = transaction, Phase.PREPARING

    async def run(self) -> None:
        """From the first word to the last. A cancellation has to wait until the life says so."""
        life, connector, transaction = self.life, self.connector, self.transaction
        try:
            with life.shielded():
                try:
                    transaction.reservation_id = life.charger.use_reservation(connector, transaction.token)
                    await life.report(connector)
                    if await self._is_welcome():
                        await self._charge()
                finally:
                    connector.transaction, connector.phase = None, Phase.AVAILABLE
                    connector.meter.limit = None
                    profiles = life.charger.profiles
                    profiles.clear(profiles.chosen(None, connector.number, TX_PROFILE))
            await life.report(connector)
        finally:
            transaction.over.set()

    async def _is_welcome(self) -> bool:
        """Whether the CSMS lets whoever has come charge; it has said so if it was the one who began."""
        if self.transaction.remote_start_id is not None:
            return True
        answer = await self.life.ask(self.life.dialect.authorize(self.transaction.token))
        return answer is not None and self.life.dialect.welcome(answer)

    async def _charge(self) -> None:
        life, connector, transaction = self.life, self.connector, self.transaction
        connector.meter.plug_in()
        connector.phase = Phase.CHARGING
        reading = life.read(connector)
        transaction.began = reading.time
        begun = life.dialect.began(connector, transaction, reading)
        letter = life.outbox.put(lambda: begun, self._hear_of_begin)
        await letter.settled.wait()
        if transaction.void:
            return
        await life.report(connector)
        until = anyio.current_time() + life.clock.real(self.seconds)
        while not transaction.stop:
            with anyio.CancelScope(deadline=min(until, anyio.current_time() + self._interval())):
                await transaction.stopping.wait()
            if anyio.current_time() >= until:
                transaction.end("Local")
            if not transaction.stop and letter.settled.is_set():
                letter = self._say(life.dialect.sample, vital=False)
        letter = self._say(life.dialect.ended, vital=True)
        connector.phase = Phase.FINISHING
        await letter.settled.wait()
        await life.report(connector)

    def _hear_of_begin(self, answer: Any) -> None:
        if answer is None:
            self.transaction.void = True
            self.transaction.end("Other")
            return
        self.life.dialect.learn(self.transaction, answer)
        if not self.life.dialect.welcome(answer):
            self.transaction.end("DeAuthorized")

    def _say(
        self, make: Callable[[Connector, Transaction, Reading], Request[Any, Any]], *, vital: bool
    ) -> Letter:
        """Tell what the meter shows now, at the latest when there is a link again."""
        connector, transaction, reading = self.connector, self.transaction, self.life.read(self.connector)

        def heard(answer: Any) -> None:
            transaction.told = answer is not None

        return self.life.outbox.put(
            lambda: None if transaction.void else make(connector, transaction, reading), heard, vital=vital
        )

    def _interval(self) -> float:
        """Real seconds between two meter values."""
        life = self.life
        seconds = float(life.charger.settings[life.dialect.sample_interval].value) or inf
        return life.clock.real(max(SHORTEST, seconds))
