"""What the peer tells without an answer, the SENDs of OCPP 2.1: handled one at a time, in order of arrival.

A peer may send as many of them as it likes, and one may be lost: what waits is bounded, and more is dropped.
Knows no connection and starts no task.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any

from ocpp_sansio import SendReceived

from ._failures import cancellation_in, is_failure

__all__ = ["WAITING", "Told"]

#: SENDs that wait while an earlier one is handled; one more is dropped. As many as `Limits.open_calls`.
WAITING = 32


class Told:
    """The SENDs that wait for an earlier one. None does unless it is `busy`.

    `handler` is called with each; `crashed` is told by whom what was raised, `dropped` what finds no room.
    """

    def __init__(
        self,
        handler: Callable[[SendReceived], Any],
        crashed: Callable[[str, BaseException], None],
        dropped: Callable[[SendReceived], None],
    ) -> None:
        self.busy = False
        self._handler = handler
        self._crashed = crashed
        self._dropped = dropped
        self._waiting: deque[SendReceived] = deque()

    def take(self, received: SendReceived) -> Awaitable[None] | None:
        """Handle it, now or after those before it.

        Returns an awaitable if a task is needed for that, which then handles what comes meanwhile, too.
        """
        if not self.busy:
            work = self._begin(received)
            if work is None:
                return None
            self.busy = True
            return self._handle_all(received, work)
        if len(self._waiting) < WAITING:
            self._waiting.append(received)
        else:
            self._dropped(received)
        return None

    async def _handle_all(self, received: SendReceived, work: Awaitable[Any]) -> None:
        await self._finish(received, work)
        while self._waiting:
            received = self._waiting.popleft()
            following = self._begin(received)
            if following is not None:
                await self._finish(received, following)
        self.busy = False

    def _begin(self, received: SendReceived) -> Awaitable[Any] | None:
        """Call the handler. Returns what is to be awaited, if anything is."""
        try:
            result = self._handler(received)
        except BaseException as error:
            if not is_failure(error):
                raise
            self._crashed(_culprit(received), error)
            return None
        return result if isawaitable(result) else None

    async def _finish(self, received: SendReceived, work: Awaitable[Any]) -> None:
        try:
            await work
        except BaseException as error:
            if not is_failure(error):
                raise
            cancellation = cancellation_in(error)
            if cancellation is not error:
                self._crashed(_culprit(received), error)
            if cancellation is not None:
                raise cancellation from None


def _culprit(received: SendReceived) -> str:
    return f"the handler of {received.action}"
