"""What a simulated station has to tell of its transactions: every message is delivered, in order, however often
the link is lost meanwhile.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

import anyio
import attrs
from anyio.lowlevel import checkpoint

from ocpp_sansio import ConnectionClosed, OCPPError, Unanswered
from ocpp_sansio.messages import Request

from ...station import Station

__all__ = ["Letter", "Outbox"]

ATTEMPTS = 3  # to deliver a message that is not answered
MOST_KEPT = 1000  # letters; beyond it, what need not be told is left out


@attrs.define(eq=False)
class Letter:
    """One message. `make` is asked for it at its turn, because it may hang on the answer to one before; None is
    no message. `heard` is given the answer, or None if there is none to be had.

    `settled` is set when it was delivered or given up, and as soon as there is no link to deliver it over.
    """

    make: Callable[[], Request[Any, Any] | None]
    heard: Callable[[Any], object]
    offline: bool
    settled: anyio.Event = attrs.field(factory=anyio.Event)


class Outbox:
    """`run` delivers, until cancelled. `complain` is told which message was not answered, and why."""

    def __init__(self, station: Station, complain: Callable[[Request[Any, Any], Exception], object]) -> None:
        self._station = station
        self._complain = complain
        self._letters: deque[Letter] = deque()
        self._some = anyio.Event()
        self._none = anyio.Event()

    def __len__(self) -> int:
        return len(self._letters)

    def put(
        self,
        make: Callable[[], Request[Any, Any] | None],
        heard: Callable[[Any], object] = lambda answer: None,
        *,
        vital: bool = True,
    ) -> Letter:
        """Tell this once all before it is told. What is not `vital` may be left out."""
        offline = self._station.charge_point is None
        letter = Letter(make, heard, offline)
        if offline:
            letter.settled.set()
        if vital or len(self._letters) < MOST_KEPT:
            self._letters.append(letter)
            self._some.set()
            if self._none.is_set():
                self._none = anyio.Event()
        return letter

    def link_lost(self) -> None:
        """Nobody is to wait until there is another."""
        for letter in self._letters:
            letter.settled.set()

    async def empty(self) -> None:
        """Wait until all is told."""
        while self._letters:
            await self._none.wait()

    async def run(self) -> None:
        while True:
            while not self._letters:
                self._none.set()
                self._some = anyio.Event()
                await self._some.wait()
            letter = self._letters[0]
            answer = await self._deliver(letter)
            self._letters.popleft()
            letter.heard(answer)
            letter.settled.set()

    async def _deliver(self, letter: Letter) -> Any:
        request: Any = letter.make()
        if request is None:
            return None
        if letter.offline and hasattr(request, "offline"):
            request.offline = True  # of a TransactionEvent: it tells what happened without a link
        for _ in range(ATTEMPTS):
            while True:
                try:
                    return await self._station.call(request)
                except ConnectionClosed:
                    await checkpoint()  # the next try waits for the next link
                except OCPPError:
                    return None
                except Unanswered as trouble:
                    self._complain(request, trouble)
                    break
        return None
