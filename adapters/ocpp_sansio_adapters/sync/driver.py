"""Driver: one Connection over one transport, for threads: calls of ours that block, and handlers for the
peer's.

The loops stand in `_link`, what is done about the peer's calls in `_serving`.
"""

from collections.abc import Iterable
from concurrent.futures import Executor
from threading import TIMEOUT_MAX, Event, get_ident
from typing import Any, TypeVar

import attrs

from ocpp_sansio import CallTimeout, Connection, ConnectionClosed, LocalProtocolError
from ocpp_sansio.events import CallErrorReceived, CallFailed, CallLost, CallTimedOut
from ocpp_sansio.messages import Raw, Request, Response, Unconfirmed

from ..records import CallWithdrawn, Observer
from ._link import Clock, DrainedTransport, End, Transport
from ._serving import Serving

__all__ = ["Clock", "DrainedTransport", "Driver", "Transport"]

Answer = TypeVar("Answer", bound=Response)

_CALLS_BACK = (
    "call() here would wait for ever: this is the thread that reads, so nobody would read the answer. Give "
    "the charge point a pool, such as pool=ThreadPoolExecutor(): handlers and hooks run there, and may call"
)


@attrs.define(eq=False)
class _Waiter:
    """A call of ours: when it was asked for, how it ended, and what `call` raises then."""

    started: float
    done: Event = attrs.field(factory=Event)
    end: End | None = None
    error: Exception | None = None


class Driver(Serving):
    """One `Connection` over one transport.

    `identity` names the station in logs and records. Observers are called with each `Record`, in order and
    one at a time, and must neither block nor ask anything of the driver. With a `pool`, handlers and hooks
    run in its threads, else in the one of `start`. The pool is its owner's to shut down. Subclasses override
    `handle`, `handled` and `told`.
    """

    def __init__(
        self,
        protocol: Connection,
        transport: Transport,
        *,
        identity: str = "",
        observers: Iterable[Observer] = (),
        pool: Executor | None = None,
    ) -> None:
        super().__init__(protocol, transport, identity, observers, pool)
        self._waiters: dict[str, _Waiter] = {}

    def call(
        self,
        request: Request[Any, Answer],
        *,
        timeout: float | None = None,
        queue_timeout: float | None = None,
        id: str | None = None,
    ) -> Answer:
        """Ask the peer and wait for its answer.

        Waits for `start()` to run, then for its turn (at most `queue_timeout` seconds), then for the answer
        (at most `timeout`). `id` is the message id, if you want to choose it.
        Raises the peer's CALLERROR as an OCPPError, CallTimeout, RemoteProtocolError for an unusable answer,
        ConnectionClosed if the link is lost, and what `Connection.call` raises; LocalProtocolError, too, in
        the thread of `start()`. An interrupt leaves the protocol in order.
        """
        if get_ident() == self._reader:
            raise LocalProtocolError(_CALLS_BACK)
        self._until_started("call", timeout)
        with self._lock:
            now = self.clock.time()
            try:
                pending = self.protocol.call(
                    request, now=now, timeout=timeout, queue_timeout=queue_timeout, id=id
                )
            except ConnectionClosed as closed:
                raise closed from self._lost
            waiter = self._waiters[pending.id] = _Waiter(now)
            self._reporter.call_started(pending, ours=True)
            self._process()
        try:
            waiter.done.wait()
        finally:  # also if that is interrupted
            if waiter.end is None:
                with self._lock:
                    self.protocol.abandon(pending, now=self.clock.time())
                    self._process()
        response = pending.response_in(waiter.end)
        if response is None:
            assert waiter.error is not None
            raise waiter.error
        return response

    def send(self, message: Unconfirmed | Raw) -> None:
        """Tell the peer something that is never answered: a SEND (OCPP 2.1).

        Waits for `start()` to run, and not for the frame to leave. Raises what `Connection.send` raises.
        """
        self._until_started("send", None)
        with self._lock:
            try:
                self.protocol.send(message, now=self.clock.time())
            except ConnectionClosed as closed:
                raise closed from self._lost
            self._process()

    def _until_started(self, verb: str, timeout: float | None) -> None:
        """A call in the same breath as start() in another thread may come first."""
        seconds = self.protocol.call_timeout if timeout is None else timeout
        if not self._started.wait(min(seconds, TIMEOUT_MAX)):
            raise LocalProtocolError(f"{verb}() needs start() to run meanwhile: only it sends and reads")

    def _finish(self, event: End) -> None:
        waiter = self._waiters.pop(event.pending.id, None)
        if waiter is None:
            return  # asked of the protocol object itself
        waiter.end = event
        waiter.error = self._error_in(event, waiter.started)
        self._reporter.call_finished(event.pending, waiter.error, ours=True, answer=event)
        waiter.done.set()

    def _error_in(self, event: End, started: float) -> Exception | None:
        match event:
            case CallErrorReceived(error=error) | CallFailed(error=error):
                return error
            case CallTimedOut(pending=call):
                seconds = call.timeout if call.released else self.clock.time() - started
                return CallTimeout(call.action, call.id, seconds, call.released)
            case CallLost(pending=call) if self._lost is None:
                return CallWithdrawn(
                    f"the caller of {call.action} {call.id!r} was interrupted before its turn"
                )
            case CallLost(pending=call):
                closed = ConnectionClosed(f"the link was lost before {call.action} {call.id!r} was answered")
                closed.__cause__ = self._lost
                return closed
            case _:
                return None
