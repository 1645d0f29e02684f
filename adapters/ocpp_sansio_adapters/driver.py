"""Driver: pumps one Connection over one transport, on anyio.

Holds the loop and no protocol decision. One task reads, one pumps (writes what callers asked for, keeps deadlines), each async
handler has its own; whoever has made frames writes them, unless somebody is writing already and takes them along.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from inspect import isawaitable
from math import inf
from typing import Any, ClassVar, Protocol, TypeVar

import anyio
import attrs

from ocpp_sansio import (
    CallErrorReceived,
    CallFailed,
    CallLost,
    CallReceived,
    CallResultReceived,
    CallTimedOut,
    CallTimeout,
    Closed,
    CloseRequested,
    Connection,
    ConnectionClosed,
    DuplicateCallReceived,
    FrameRejected,
    LateResponseReceived,
    LocalProtocolError,
    OCPPError,
    PendingCall,
    UnmatchedResponseReceived,
)
from ocpp_sansio.errors import InternalError, NotSupportedError
from ocpp_sansio.messages import Request, Response

from .records import CallFinished, CallStarted, FrameReceived, FrameSent, Observer, Record

__all__ = ["Driver", "Transport"]

Answer = TypeVar("Answer", bound=Response)

_log = logging.getLogger("ocpp_sansio")

#: Seconds that `@after` hooks, whose answer has left already, may go on for once the link is lost.
HOOK_GRACE = 5.0


class Transport(Protocol):
    """What a driver needs of a connection: one whole text message out, one in. Either raises when the link is gone.

    If it has `aclose(code, reason)` or `close(code, reason)`, the driver closes with it when the connection asks for that.
    """

    async def send(self, text: str, /) -> Any: ...
    async def recv(self) -> str | bytes: ...


@attrs.define(eq=False)
class _Waiter:
    """A caller in `Driver.call`: what it waits for, and the event that ended its call."""

    started: float
    done: anyio.Event = attrs.field(factory=anyio.Event)
    end: CallResultReceived | CallErrorReceived | CallFailed | CallTimedOut | CallLost | None = None


@attrs.define(eq=False)
class _Debt:
    """A call of the peer that is being handled here."""

    received: CallReceived
    started: float


class Driver:
    """One `Connection` over one transport.

    `identity` names the station in logs and records. Observers are called with each `Record`, in order, and must not block.
    Subclasses override `handle` and `handled`.
    """

    def __init__(
        self,
        protocol: Connection,
        transport: Transport,
        *,
        identity: str = "",
        observers: Iterable[Observer] = (),
    ) -> None:
        self.protocol = protocol
        self.transport = transport
        self.identity = identity
        self._observers = tuple(observers)
        self._waiters: dict[str, _Waiter] = {}
        self._answered: list[tuple[CallReceived, Response]] = []  # hooks due as soon as the frames have left
        self._hook_scopes: set[anyio.CancelScope] = set()
        self._started = anyio.Event()
        self._wake = anyio.Event()
        self._armed = inf  # the deadline that the pump sleeps for
        self._writing = False
        self._link_error: Exception | None = None
        self._tasks: Any = None  # the task group of start()

    # For users.

    async def start(self) -> None:
        """Read and answer until the link is lost or this is cancelled; raises the link's own exception. Runs once.

        When the link is lost, handlers that have not answered are cancelled (the peer will ask again), `@after` hooks have a few
        seconds to finish, and calls that wait raise ConnectionClosed.
        """
        if self._tasks is not None:
            raise LocalProtocolError("start() has been called already; a new link needs a new object")
        self._tasks = anyio.create_task_group()
        try:
            async with self._tasks:
                self._started.set()
                self._tasks.start_soon(self._pump)
                try:
                    await self._read()
                finally:
                    self._stop()
        finally:
            self._end()
        # The group ended by its own cancellation: _lose has cancelled it.
        assert self._link_error is not None
        raise self._link_error

    async def call(
        self,
        request: Request[Any, Answer],
        *,
        timeout: float | None = None,
        queue_timeout: float | None = None,
    ) -> Answer:
        """Ask the peer and wait for its answer.

        Waits for `start()` to run, then for its turn (at most `queue_timeout` seconds), then for the answer (at most `timeout`).
        Raises the peer's CALLERROR as an OCPPError, CallTimeout, RemoteProtocolError for an unusable answer, ConnectionClosed if the
        link is lost, and what `Connection.call` raises. Cancelling leaves the protocol in order.
        """
        await self._until_started(timeout)
        now = anyio.current_time()
        pending = self.protocol.call(request, now=now, timeout=timeout, queue_timeout=queue_timeout)
        waiter = self._waiters[pending.id] = _Waiter(now)
        if self._observers:
            self._tell(CallStarted(now, self.identity, pending.id, pending.action, ours=True))
        self._wake.set()
        try:
            await waiter.done.wait()
        finally:
            if waiter.end is None:
                del self._waiters[pending.id]
                self.protocol.abandon(pending, now=anyio.current_time())
                self._drain()
                self._wake.set()
        return self._result(pending, waiter)

    # For subclasses.

    def handle(self, received: CallReceived) -> Any:
        """The response to a call of the peer, or an awaitable of it; an OCPPError refuses the call, anything else is a crash."""
        raise NotSupportedError

    def handled(self, received: CallReceived, response: Response) -> Iterable[Any]:
        """Runs once the response has been sent. Awaitables that it yields are awaited in tasks of their own."""
        return ()

    def frame_sent(self, text: str) -> None:
        """A frame was handed to the transport."""
        if self._observers:
            self._tell(FrameSent(anyio.current_time(), self.identity, text))

    def frame_received(self, text: str | bytes) -> None:
        """A frame came from the transport."""
        if self._observers:
            shown = text if isinstance(text, str) else text.decode(errors="replace")
            self._tell(FrameReceived(anyio.current_time(), self.identity, shown))

    # The two loops.

    async def _read(self) -> None:
        while True:
            try:
                text = await self.transport.recv()
            except Exception as error:
                self._lose(error)
                await anyio.sleep_forever()  # until the cancellation that _lose asked for
            self.frame_received(text)
            self.protocol.receive_text(text, now=anyio.current_time())
            self._drain()
            await self._flush()
            self._rearm()

    async def _pump(self) -> None:
        while True:
            await self._flush()
            self._wake = anyio.Event()
            self._armed = inf if self.protocol.deadline is None else self.protocol.deadline
            with anyio.CancelScope(deadline=self._armed) as scope:
                await self._wake.wait()
            # asyncio runs a timer up to its clock's resolution early; a deadline that was slept for is due.
            now = anyio.current_time()
            self.protocol.handle_timeout(now=max(self._armed, now) if scope.cancelled_caught else now)
            self._drain()

    def _rearm(self) -> None:
        """Wake the pump if it would sleep past a deadline that came up meanwhile."""
        deadline = self.protocol.deadline
        if deadline is not None and deadline < self._armed:
            self._wake.set()

    async def _flush(self) -> None:
        """Write what waits to be sent, then run the hooks of what was answered."""
        if self._writing:
            return
        self._writing = True
        try:
            while (text := self.protocol.next_frame()) is not None:
                await self.transport.send(text)
                self.frame_sent(text)
        except Exception as error:
            self._lose(error)
            return
        finally:
            self._writing = False
        while self._answered:
            self._run_hooks(*self._answered.pop(0))

    # The end.

    def _lose(self, error: Exception) -> None:
        """The link is gone; end start() with this error."""
        if self._link_error is None:
            self._link_error = error
        self._tasks.cancel_scope.cancel()

    def _stop(self) -> None:
        """Cancel what runs for this link. Hooks are shielded; give them their grace, and do not let callers wait for them."""
        self._tasks.cancel_scope.cancel()
        for scope in self._hook_scopes:
            scope.deadline = anyio.current_time() + HOOK_GRACE
        if self._hook_scopes:
            self._end()

    def _end(self) -> None:
        """Wake every caller. The last step of start(), so that whoever waits for both sees the link's own exception first."""
        self.protocol.receive_close()
        self._drain()

    # Events.

    def _drain(self) -> None:
        while (event := self.protocol.next_event()) is not None:
            self._ON_EVENT[type(event)](self, event)

    def _finish(
        self, event: CallResultReceived | CallErrorReceived | CallFailed | CallTimedOut | CallLost
    ) -> None:
        waiter = self._waiters.pop(event.pending.id, None)
        if waiter is None:
            return  # the caller was cancelled
        waiter.end = event
        waiter.done.set()
        if self._observers:
            now, call = anyio.current_time(), event.pending
            error = self._error_in(event, now - waiter.started)
            self._tell(
                CallFinished(now, self.identity, call.id, call.action, True, now - waiter.started, error)
            )

    def _result(self, pending: PendingCall[Answer], waiter: _Waiter) -> Answer:
        response = pending.response_in(waiter.end)
        if response is not None:
            return response
        assert waiter.end is not None and not isinstance(waiter.end, CallResultReceived)
        error = self._error_in(waiter.end, anyio.current_time() - waiter.started)
        assert error is not None
        raise error from (self._link_error if isinstance(error, ConnectionClosed) else None)

    def _error_in(
        self,
        event: CallResultReceived | CallErrorReceived | CallFailed | CallTimedOut | CallLost,
        waited: float,
    ) -> Exception | None:
        match event:
            case CallErrorReceived(error=error) | CallFailed(error=error):
                return error
            case CallTimedOut(pending=call):
                return CallTimeout(
                    call.action, call.id, call.timeout if call.released else waited, call.released
                )
            case CallLost(pending=call):
                return ConnectionClosed(f"the link was lost before {call.action} {call.id!r} was answered")
            case _:
                return None

    def _serve(self, received: CallReceived) -> None:
        debt = _Debt(received, anyio.current_time())
        if self._observers:
            self._tell(CallStarted(debt.started, self.identity, received.id, received.action, ours=False))
        try:
            response = self.handle(received)
        except Exception as error:
            self._refuse(debt, error)
            return
        if isawaitable(response):
            self._tasks.start_soon(self._serve_later, debt, response)
        else:
            self._answer(debt, response)

    async def _serve_later(self, debt: _Debt, response: Any) -> None:
        try:
            self._answer(debt, await response)
        except Exception as error:
            self._refuse(debt, error)
        except BaseException:
            # Cancelled: with the link, which makes this a no-op, or by itself, and then the peer is owed an answer all the same.
            self._refuse(debt, InternalError())
            self._wake.set()
            raise
        await self._flush()

    def _answer(self, debt: _Debt, response: Any) -> None:
        try:
            self.protocol.reply(debt.received, response)
        except ConnectionClosed:
            return
        except Exception as error:
            self._refuse(debt, error)
            return
        self._answered.append((debt.received, response))
        self._observe_served(debt, None)

    def _refuse(self, debt: _Debt, error: Exception) -> None:
        """Answer with the handler's OCPPError; anything else is a crash, whose details are ours and not the peer's."""
        received = debt.received
        if not isinstance(error, OCPPError):
            _log.error("%s: the handler of %s failed", self.identity, received.action, exc_info=error)
        refusal = error if isinstance(error, OCPPError) else InternalError()
        try:
            self.protocol.reply_error(received, refusal)
        except ConnectionClosed:
            return
        except (TypeError, ValueError) as unsendable:
            _log.error(
                "%s: the error of %s cannot be sent", self.identity, received.action, exc_info=unsendable
            )
            self.protocol.reply_error(received, InternalError())
        self._observe_served(debt, error)

    def _observe_served(self, debt: _Debt, error: Exception | None) -> None:
        if self._observers:
            now, call = anyio.current_time(), debt.received
            self._tell(
                CallFinished(now, self.identity, call.id, call.action, False, now - debt.started, error)
            )

    def _report(self, event: object) -> None:
        """Whatever the peer sent that concerns no one's call."""
        match event:
            case FrameRejected(reason=reason, error=error, answered_with=id):
                answer = "not answered" if id is None else f"answered as {id!r}"
                _log.warning("%s: frame rejected (%s, %s): %s", self.identity, reason, answer, error)
            case LateResponseReceived(pending=call):
                _log.warning("%s: late answer to %s %r dropped", self.identity, call.action, call.id)
            case UnmatchedResponseReceived(id=id):
                _log.warning("%s: answer to unknown id %.60r dropped", self.identity, id)
            case DuplicateCallReceived(call=call):
                _log.warning(
                    "%s: %s %r came again while it is handled; dropped", self.identity, call.action, call.id
                )

    def _close_transport(self, event: CloseRequested) -> None:
        close = getattr(self.transport, "aclose", None) or getattr(self.transport, "close", None)
        if close is None:
            self._lose(ConnectionClosed(f"{event.reason}; the transport has no way to close"))
        else:
            self._tasks.start_soon(close, event.code, event.reason)

    _ON_EVENT: ClassVar[Mapping[type[Any], Callable[["Driver", Any], None]]] = {
        CallReceived: _serve,
        CallResultReceived: _finish,
        CallErrorReceived: _finish,
        CallFailed: _finish,
        CallTimedOut: _finish,
        CallLost: _finish,
        FrameRejected: _report,
        LateResponseReceived: _report,
        UnmatchedResponseReceived: _report,
        DuplicateCallReceived: _report,
        CloseRequested: _close_transport,
        Closed: lambda self, event: None,
    }

    # Hooks and observers.

    def _run_hooks(self, received: CallReceived, response: Response) -> None:
        try:
            for hook in self.handled(received, response):
                if isawaitable(hook):
                    self._tasks.start_soon(self._run_hook, received.action, hook)
        except Exception:
            _log.exception("%s: a hook after %s failed", self.identity, received.action)

    async def _run_hook(self, action: str, hook: Any) -> None:
        with anyio.CancelScope(shield=True) as scope:
            self._hook_scopes.add(scope)
            try:
                await hook
            except Exception:
                _log.exception("%s: a hook after %s failed", self.identity, action)
            finally:
                self._hook_scopes.discard(scope)

    def _tell(self, record: Record) -> None:
        for observer in self._observers:
            try:
                observer(record)
            except Exception:
                _log.exception("%s: an observer failed", self.identity)

    async def _until_started(self, timeout: float | None) -> None:
        """A call in the same breath as start(), as in `gather(cp.start(), cp.call(...))`, may come first."""
        if self._started.is_set():
            return
        with anyio.move_on_after(self.protocol.call_timeout if timeout is None else timeout):
            await self._started.wait()
        if not self._started.is_set():
            raise LocalProtocolError(
                "call() needs start() to run at the same time, or nobody reads the answer"
            )
