"""Driver: pumps one Connection over one transport, on anyio.

Holds the loop and no protocol decision. One task reads, one writes, one keeps the deadlines, the last two only
while there is something to write or to keep; each async handler of a call and each async hook has its own,
handlers of SENDs share one (`_told`). Nobody but the writer calls `send`: frames cannot interleave, a caller's
cancellation cannot cut one in half, and a peer that does not read holds up neither the reader nor the
deadlines.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from inspect import isawaitable
from math import inf
from typing import Any, Protocol, TypeVar, runtime_checkable

import anyio
import attrs
from anyio.abc import TaskGroup
from anyio.lowlevel import cancel_shielded_checkpoint, checkpoint

from ocpp_sansio import CallTimeout, Connection, ConnectionClosed, LocalProtocolError, OCPPError
from ocpp_sansio.errors import InternalError, NotSupportedError
from ocpp_sansio.events import (
    CallErrorReceived,
    CallFailed,
    CallLost,
    CallReceived,
    CallResultReceived,
    CallTimedOut,
    CloseRequested,
    SendReceived,
)
from ocpp_sansio.messages import Raw, Request, Response, Unconfirmed

from ._failures import cancellation_in, is_failure
from ._tcp import event_clock
from ._told import Told
from .records import CallWithdrawn, Observer, Reporter

__all__ = ["Driver", "TendedTransport", "Transport", "WritableTransport"]

Answer = TypeVar("Answer", bound=Response)
Hook = Callable[[], Any]
End = CallResultReceived | CallErrorReceived | CallFailed | CallTimedOut | CallLost

#: Seconds for hooks, SENDs that have arrived and a frame that is being written, once start() is over.
GRACE = 5.0

#: Turns of the event loop in which everything that does not resist its cancellation is over.
CANCELLATION_TURNS = 5


class Transport(Protocol):
    """What a driver needs of a connection: one whole text message out, one in. Either raises on a lost link.

    At most one `send` and one `recv` run at a time. With an async `aclose(code, reason)` or `close(code,
    reason)`, the driver closes when the connection asks for that.
    """

    async def send(self, text: str, /) -> object: ...
    async def recv(self) -> str | bytes: ...


@runtime_checkable
class TendedTransport(Transport, Protocol):
    """A transport such as our WebSocket: `keep_alive` runs as long as the driver does, and `drained` is set to what a
    graceful end waits for.
    """

    drained: Callable[[], Awaitable[object]]

    async def keep_alive(self) -> None: ...


@runtime_checkable
class WritableTransport(Transport, Protocol):
    """A transport that spares the driver a turn: while it is `writable`, `write` takes a message at once."""

    @property
    def writable(self) -> bool: ...
    def write(self, text: str, /) -> object: ...


@attrs.define(eq=False)
class _Waiter:
    """A call of ours: when it was asked for, how it ended, and what `call` raises then."""

    started: float
    done: anyio.Event = attrs.field(factory=anyio.Event)
    end: End | None = None
    error: Exception | None = None


class Driver:
    """One `Connection` over one transport.

    `identity` names the station in logs and records. Observers are called with each `Record`, in order, and
    must not block. Subclasses override `handle`, `handled` and `told`.
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
        self._writable = transport if isinstance(transport, WritableTransport) else None
        self.identity = identity
        self._reporter = Reporter(identity, observers, anyio.current_time)
        self._waiters: dict[str, _Waiter] = {}
        self._due: deque[tuple[str, str, Iterable[Hook]]] = deque()  # frame, action, hooks
        self._handlers = 0  # running in a task of their own
        self._told = Told(self.told, self._crashed, self._reporter.ignored)
        self._shields: set[anyio.CancelScope] = set()  # of the writer, of hooks and of handlers of SENDs
        self._grace_ends = inf
        self._started = anyio.Event()
        self._frames_wait = anyio.Event()
        self._writer: anyio.CancelScope | None = None
        self._sending = False  # it has begun, and is not through
        self._all_sent: anyio.Event | None = None  # for those who want to know
        self._deadline_moved = anyio.Event()
        self._armed = inf  # the deadline that is slept for; without one, nobody sleeps
        self._closing = False
        self._lost: Exception | None = None  # what start() raises
        self._begun = False
        self._tasks: TaskGroup  # of start()

    # For users.

    async def start(self) -> None:
        """Read and answer, once, until cancelled or until the link is lost; raises the link's own exception.

        At the end, handlers that have not answered are cancelled (the peer will ask again), calls that wait
        raise ConnectionClosed, and `@after` hooks and the SENDs that have arrived have a few seconds to
        finish. If this is cancelled, so has a frame that is being written.
        """
        if self._begun:
            raise LocalProtocolError("start() has been called already; a new link needs a new object")
        self._begun = True
        if self._lost is not None:
            raise self._lost
        try:
            async with anyio.create_task_group() as self._tasks:
                if isinstance(self.transport, TendedTransport):
                    self.transport.drained = self.drained
                    self._tasks.start_soon(self.transport.keep_alive)
                self._started.set()
                try:
                    self._process()  # what the protocol object was asked for before
                    await self._read()
                finally:
                    await self._stop()
        finally:
            self._process_events()  # last, so that gather(start(), call()) raises the link's own exception
        assert self._lost is not None
        raise self._lost

    async def call(
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
        ConnectionClosed if the link is lost, and what `Connection.call` raises. Cancelling leaves the
        protocol in order.
        """
        await self._until_started("call", timeout)
        now = anyio.current_time()
        try:
            pending = self.protocol.call(
                request, now=now, timeout=timeout, queue_timeout=queue_timeout, id=id
            )
        except ConnectionClosed as closed:
            await checkpoint()  # who asks again at once is to let the link end meanwhile
            raise closed from self._lost
        waiter = self._waiters[pending.id] = _Waiter(now)
        self._reporter.call_started(pending, ours=True)
        self._process()
        try:
            await waiter.done.wait()
        finally:
            if waiter.end is None:
                self.protocol.abandon(pending, now=anyio.current_time())
                self._process()
        response = pending.response_in(waiter.end)
        if response is None:
            assert waiter.error is not None
            raise waiter.error
        return response

    async def send(self, message: Unconfirmed | Raw) -> None:
        """Tell the peer something that is never answered: a SEND (OCPP 2.1).

        Waits for `start()` to run, and not for the frame to leave. Raises what `Connection.send` raises.
        """
        await self._until_started("send", None)
        try:
            self.protocol.send(message, now=anyio.current_time())
        except ConnectionClosed as closed:
            raise closed from self._lost
        self._process()

    async def drained(self) -> None:
        """Wait until each call that has arrived is answered, and all that there is to send was handed over."""
        while self._lost is None and (self._sending or self.protocol.owed or self._frames_wait.is_set()):
            self._all_sent = self._all_sent or anyio.Event()
            await self._all_sent.wait()

    # For subclasses.

    def handle(self, received: CallReceived) -> Any:
        """The response to this call, or an awaitable of it. An OCPPError refuses, others are crashes."""
        raise NotSupportedError

    def handled(self, received: CallReceived, response: Response) -> Iterable[Callable[[], Any]]:
        """What to run once the response has been sent; an awaitable result is awaited in its own task."""
        return ()

    def told(self, received: SendReceived) -> Any:
        """The peer tells something that is never answered: a SEND (OCPP 2.1).

        An awaitable result is awaited in a task. One SEND is handled at a time, in order of arrival: while
        one is awaited, the next wait, 32 at most, whether their handlers are async or not; more are dropped,
        and logged as such.
        """

    def frame_sent(self, text: str) -> None:
        """A frame is handed to the transport."""
        self._reporter.frame_sent(text)

    def frame_received(self, text: str) -> None:
        """A frame came from the transport."""
        self._reporter.frame_received(text)

    # The three loops.

    async def _read(self) -> None:
        now = event_clock()
        try:
            while True:
                text = await self.transport.recv()
                self.frame_received(text if isinstance(text, str) else text.decode(errors="replace"))
                self.protocol.receive_text(text, now=now())
                self._process()
                if self._told.busy:
                    await checkpoint()  # recv() may not, while it has frames at hand
        except Exception as error:
            self.lose(error)

    async def _write(self, scope: anyio.CancelScope) -> None:
        try:
            with scope:
                while not self.protocol.closed:
                    self._frames_wait = anyio.Event()
                    self._sending = True
                    while (text := self.protocol.next_frame()) is not None:
                        self.frame_sent(text)
                        await self.transport.send(text)
                        self._sent(text)
                    self._sending = False
                    self._tell_all_sent()
                    if self._writable is not None and not self._frames_wait.is_set():
                        break  # most frames leave at once, and an idle link is spared a task
                    await self._frames_wait.wait()
        except Exception as error:
            self.lose(error)
        finally:
            self._tell_all_sent()
            self._writer = None
            self._shields.discard(scope)

    def _flush(self) -> None:
        """Send what waits: at once where nothing is in the way, which spares the writer a turn."""
        if self._lost is not None or self._write_at_once():
            return
        self._frames_wait.set()
        if self._writer is None:
            self._writer = self._shield()
            self._tasks.start_soon(self._write, self._writer)

    def _write_at_once(self) -> bool:
        """Whether all that waited could be sent without the writer."""
        transport = self._writable
        if transport is None or self._sending:
            return False
        try:
            while transport.writable:
                text = self.protocol.next_frame()
                if text is None:
                    self._tell_all_sent()
                    return True
                self.frame_sent(text)
                transport.write(text)
                self._sent(text)
        except Exception as error:
            self.lose(error)
        return False

    def _tell_all_sent(self) -> None:
        if self._all_sent is not None:
            self._all_sent.set()
            self._all_sent = None

    async def _keep_deadlines(self) -> None:
        while (deadline := self.protocol.deadline) is not None:
            self._deadline_moved = anyio.Event()
            self._armed = deadline
            with anyio.CancelScope(deadline=deadline):
                await self._deadline_moved.wait()
            self.protocol.handle_timeout(now=anyio.current_time())
            self._process()
        self._armed = inf

    def _process(self) -> None:
        """After each input: handle events, send frames or have them sent, and have a sooner deadline kept."""
        self._process_events()
        self._flush()
        deadline = self.protocol.deadline
        if deadline is None or deadline >= self._armed:
            return
        if self._armed == inf:
            self._tasks.start_soon(self._keep_deadlines)
        else:
            self._deadline_moved.set()
        self._armed = deadline

    def _process_events(self) -> None:
        while (event := self.protocol.next_event()) is not None:
            match event:
                case CallReceived():
                    self._serve(event)
                case SendReceived():
                    self._reporter.tolerated(event)
                    self._run(f"the handler of {event.action}", partial(self._told.take, event))
                case CallResultReceived() | CallErrorReceived() | CallFailed() | CallTimedOut() | CallLost():
                    self._finish(event)
                case CloseRequested(code=code, reason=reason) if not self._closing:
                    self._closing = True
                    self._tasks.start_soon(self._close, code, reason)
                case _:
                    self._reporter.ignored(event)

    # The end.

    def lose(self, error: Exception) -> None:
        """The link is gone; before start(), that will raise the error at once."""
        if self._writer is not None:
            self._writer.cancel()  # nobody would see whether its frame is whole
        self._end(error)

    def _end(self, error: Exception) -> None:
        """Nothing is read, sent or answered any more; start() raises the first of these errors."""
        if self._lost is None:
            self._lost = error
            self.protocol.receive_close()
            self._started.set()  # who waits for it hears of the loss
            self._frames_wait.set()
            if self._writer is None:
                self._tell_all_sent()
            if self._begun:
                self._tasks.cancel_scope.cancel()

    async def _stop(self) -> None:
        """Cancel what runs for this link, except what has its grace."""
        self._end(ConnectionClosed("start() was cancelled"))
        self._grace_ends = anyio.current_time() + GRACE
        for scope in self._shields:
            scope.deadline = self._grace_ends
        # What resists its cancellation must not hold up the callers, for it may be one of them.
        for _ in range(CANCELLATION_TURNS):
            if not self._handlers and not self._shields:
                return
            await cancel_shielded_checkpoint()
        self._process_events()

    def _shield(self) -> anyio.CancelScope:
        """The scope of something that is not cancelled with start(), but has its grace."""
        scope = anyio.CancelScope(shield=True, deadline=self._grace_ends)
        self._shields.add(scope)
        return scope

    async def _close(self, code: int, reason: str) -> None:
        close = getattr(self.transport, "aclose", None) or getattr(self.transport, "close", None)
        if close is None:
            self.lose(ConnectionClosed(f"{reason}; the transport has no way to close"))
            return
        try:
            await close(code, reason)
        except Exception as error:
            self.lose(error)

    # Calls of ours.

    async def _until_started(self, verb: str, timeout: float | None) -> None:
        """A call in the same breath as start(), as in `gather(cp.start(), cp.call(...))`, may come first."""
        if self._started.is_set():
            return
        with anyio.move_on_after(self.protocol.call_timeout if timeout is None else timeout):
            await self._started.wait()
        if not self._started.is_set():
            raise LocalProtocolError(f"{verb}() needs start() to run meanwhile: only it sends and reads")

    def _finish(self, event: End) -> None:
        waiter = self._waiters.pop(event.pending.id, None)
        if waiter is None:
            return  # asked of the protocol object itself
        waiter.end = event
        waiter.error = self._error_in(event, waiter.started)
        waiter.done.set()
        self._reporter.call_finished(event.pending, waiter.error, ours=True, answer=event)

    def _error_in(self, event: End, started: float) -> Exception | None:
        match event:
            case CallErrorReceived(error=error) | CallFailed(error=error):
                return error
            case CallTimedOut(pending=call):
                seconds = call.timeout if call.released else anyio.current_time() - started
                return CallTimeout(call.action, call.id, seconds, call.released)
            case CallLost(pending=call) if self._lost is None:
                return CallWithdrawn(f"the caller of {call.action} {call.id!r} was cancelled before its turn")
            case CallLost(pending=call):
                closed = ConnectionClosed(f"the link was lost before {call.action} {call.id!r} was answered")
                closed.__cause__ = self._lost
                return closed
            case _:
                return None

    # Calls of the peer.

    def _serve(self, received: CallReceived) -> None:
        self._reporter.call_started(received, ours=False)
        try:
            response = self.handle(received)
        except BaseException as error:
            if not is_failure(error):
                raise
            self._refuse(received, error)
            return
        if not isinstance(response, Response) and isawaitable(response):
            self._handlers += 1
            self._tasks.start_soon(self._serve_later, received, response)
        else:
            self._answer(received, response)

    async def _serve_later(self, received: CallReceived, response: Any) -> None:
        try:
            self._answer(received, await response)
        except BaseException as error:
            if not is_failure(error):
                raise
            cancellation = cancellation_in(error)
            if cancellation is error:
                self._reporter.call_finished(received, error, ours=False)
                raise
            self._refuse(received, error)
            if cancellation is not None:  # and mistakes beside it
                raise cancellation from None
        finally:
            self._handlers -= 1
            self._flush()

    def _answer(self, received: CallReceived, response: Any) -> None:
        try:
            frame = self.protocol.reply(received, response)
        except Exception as error:
            self._refuse(received, error)
            return
        if hooks := tuple(self.handled(received, response)):
            self._due.append((frame, received.action, hooks))
        self._reporter.call_finished(received, None, ours=False)

    def _refuse(self, received: CallReceived, error: BaseException) -> None:
        """Answer with the handler's OCPPError; anything else is a crash, whose details are ours and not the
        peer's.
        """
        refusal = error if isinstance(error, OCPPError) else InternalError()
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

    def _sent(self, text: str) -> None:
        """Run the hooks of the answer that has left, if it was one that has any. Answers leave in order."""
        if self._due and self._due[0][0] is text:
            _, action, hooks = self._due.popleft()
            for hook in hooks:
                self._run(f"a hook after {action}", hook)

    def _run(self, name: str, work: Callable[[], Any]) -> None:
        """Run something that nobody waits for, in a task of its own if it is awaitable."""
        try:
            result = work()
        except BaseException as error:
            if not is_failure(error):
                raise
            self._crashed(name, error)
            return
        if isawaitable(result):
            self._tasks.start_soon(self._run_later, self._shield(), name, result)

    async def _run_later(self, scope: anyio.CancelScope, name: str, work: Any) -> None:
        try:
            with scope:
                await work
        except BaseException as error:
            if not is_failure(error):
                raise
            self._crashed(name, error)
        finally:
            self._shields.discard(scope)

    def _crashed(self, culprit: str, error: BaseException) -> None:
        # A call that ends with the link is a race that every link ends with, not a crash.
        if self._lost is None or not isinstance(error, ConnectionClosed):
            self._reporter.crashed(culprit, error)
