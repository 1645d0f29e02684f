"""Serving: what the peer wants, its calls and its SENDs, given to handlers in the reading thread or in a
pool.
"""

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from functools import partial
from inspect import isawaitable, iscoroutine
from typing import Any

from ocpp_sansio import Connection, ConnectionClosed, LocalProtocolError, OCPPError
from ocpp_sansio.errors import InternalError, NotSupportedError
from ocpp_sansio.events import CallReceived, CloseRequested, SendReceived
from ocpp_sansio.messages import Response

from ..records import Observer
from ._link import GRACE, Link, Transport

__all__ = ["Serving"]

#: SENDs that wait while an earlier one is handled; one more is dropped. As many as `Limits.open_calls`.
WAITING = 32


class Serving(Link):
    """A link that answers its peer."""

    def __init__(
        self,
        protocol: Connection,
        transport: Transport,
        identity: str,
        observers: Iterable[Observer],
        pool: Executor | None,
    ) -> None:
        super().__init__(protocol, transport, identity, observers)
        self._pool = pool
        self._told: deque[SendReceived] = deque()  # which wait for an earlier one
        self._telling = False
        self._hooks: list[tuple[str, Callable[[], Any]]] = []  # for the pool, once all has left
        self._replies = 0  # answers that were given, and those of them that were handed to the transport
        self._written = 0

    # For subclasses.

    def handle(self, received: CallReceived) -> Any:
        """The response to this call. An OCPPError refuses, others are crashes."""
        raise NotSupportedError

    def handled(self, received: CallReceived, response: Response) -> Iterable[Callable[[], Any]]:
        """What to run once the response has been sent."""
        return ()

    def told(self, received: SendReceived) -> Any:
        """The peer tells something that is never answered: a SEND (OCPP 2.1).

        One SEND is handled at a time, in order of arrival. In a pool, the next ones wait meanwhile, 32 at
        most; more are dropped, and logged as such.
        """

    # In the writing thread.

    def _all_sent(self) -> Iterable[Callable[[], object]]:
        self._written = self._replies
        due, self._hooks = self._hooks, []
        return [partial(self._submit, name, self._run, name, hook) for name, hook in due]

    # In the reading thread.

    def _attend(self) -> None:
        while self._arrived:
            match self._arrived.popleft():
                case CallReceived() as received:
                    with self._lock:
                        self._reporter.call_started(received, ours=False)
                    self._take_call(received)
                case SendReceived() as received:
                    self._reporter.tolerated(received)
                    self._take_send(received)
                case CloseRequested(code=code, reason=reason):
                    with self._lock:
                        self._until(lambda: not self._fresh and not self._sending, GRACE)
                    self.transport.close(code, reason)

    def _take_call(self, received: CallReceived) -> None:
        if self._pool is None:
            self._serve(received)
            return
        name = f"the handler of {received.action}"
        future = self._submit(name, self._serve, received)
        if future is None:
            self._refuse(received, InternalError())
        else:
            future.add_done_callback(partial(self._served, received))

    def _served(self, received: CallReceived, future: Future[None]) -> None:
        """Nobody hears of it otherwise: the handler was thrown out of its pool, or raised SystemExit."""
        error = RuntimeError("cancelled by its pool") if future.cancelled() else future.exception()
        if error is not None:
            self._refuse(received, error)

    def _serve(self, received: CallReceived) -> None:
        if self._lost is not None:
            with self._lock:
                self._reporter.call_finished(received, self._lost, ours=False)
            return
        try:
            response = _plain(self.handle(received))
        except Exception as error:
            self._refuse(received, error)
            return
        self._answer(received, response)

    def _answer(self, received: CallReceived, response: Any) -> None:
        with self._lock:
            try:
                self.protocol.reply(received, response)
            except Exception as error:
                self._refuse(received, error)
                return
            self._reporter.call_finished(received, None, ours=False)
            self._replies += 1
            reply = self._replies
            hooks = list(self.handled(received, response))
            name = f"a hook after {received.action}"
            if self._pool is not None:
                self._hooks += [(name, hook) for hook in hooks]
                hooks = []
            self._process()
            if hooks:
                self._settled.wait_for(lambda: self._written >= reply or self._lost is not None)
                hooks = hooks if self._written >= reply else []
        for hook in hooks:
            self._run(name, hook)

    def _refuse(self, received: CallReceived, error: BaseException) -> None:
        """Answer with the handler's OCPPError; anything else is a crash, whose details are ours and not the
        peer's.
        """
        refusal = error if isinstance(error, OCPPError) else InternalError()
        with self._lock:
            if refusal is not error:
                self._crashed(f"the handler of {received.action}", error)
            try:
                self.protocol.reply_error(received, refusal)
            except (ConnectionClosed, LocalProtocolError):
                pass  # too late, or the handler has answered on its own
            except Exception as unsendable:
                self._crashed(f"the handler of {received.action}, whose error cannot be sent,", unsendable)
                self.protocol.reply_error(received, InternalError())
            self._reporter.call_finished(received, error, ours=False)
            self._process()

    def _take_send(self, received: SendReceived) -> None:
        if self._pool is None:
            self._tell(received)
            return
        with self._lock:
            if not self._telling:
                self._telling = True
            elif len(self._told) < WAITING:
                self._told.append(received)
                return
            else:
                self._reporter.ignored(received)
                return
        if self._submit(f"the handler of {received.action}", self._tell_all, received) is None:
            self._telling = False

    def _tell_all(self, received: SendReceived) -> None:
        """Handle one, and what comes meanwhile."""
        while True:
            self._tell(received)
            with self._lock:
                if not self._told:
                    self._telling = False
                    return
                received = self._told.popleft()

    def _tell(self, received: SendReceived) -> None:
        self._run(f"the handler of {received.action}", partial(self.told, received))

    def _run(self, name: str, work: Callable[[], Any]) -> None:
        """Run something that nobody waits for."""
        try:
            _plain(work())
        except Exception as error:
            self._crashed(name, error)

    def _submit(self, name: str, work: Callable[..., None], *arguments: Any) -> "Future[None] | None":
        """Have something run in the pool. None if that has been shut down."""
        assert self._pool is not None
        try:
            return self._pool.submit(work, *arguments)
        except RuntimeError as error:
            self._crashed(name, error)
            return None

    def _crashed(self, culprit: str, error: BaseException) -> None:
        # A call that ends with the link is a race that every link ends with, not a crash.
        if self._lost is None or not isinstance(error, ConnectionClosed):
            self._reporter.crashed(culprit, error)


def _plain(result: Any) -> Any:
    """What was returned. Raises TypeError for an awaitable."""
    if isawaitable(result):
        if iscoroutine(result):
            result.close()  # or Python would warn that nobody has awaited it
        raise TypeError(f"it has returned {result!r:.60}, which nobody awaits here")
    return result
