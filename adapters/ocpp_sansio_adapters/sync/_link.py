"""Link: the loops that carry frames between one Connection and one transport, with threads.

Holds no protocol decision. The thread that calls `start` reads, one thread writes, one keeps the deadlines.
One lock guards the Connection; nobody holds it while it sends, receives or runs a handler. Nobody but the
writer calls `send`: frames leave in the order of `next_frame`, and a peer that does not read holds up neither
the reader nor the deadlines, as it would if whoever has something to say had to write it, too. What is made
of the events stands in `_serving` and `driver`.
"""

from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from math import inf
from threading import TIMEOUT_MAX, Condition, Event, RLock, Thread, get_ident
from time import monotonic
from typing import ClassVar, Protocol, runtime_checkable

from ocpp_sansio import Connection, ConnectionClosed, LocalProtocolError
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

from ..records import Observer, Reporter

__all__ = ["GRACE", "Clock", "DrainedTransport", "End", "Link", "Transport"]

End = CallResultReceived | CallErrorReceived | CallFailed | CallTimedOut | CallLost

#: Seconds for what is to be sent, once close() was called.
GRACE = 5.0
#: Seconds that one frame may take to leave. A peer that has stopped reading would hold the writer for ever.
WRITE_LIMIT = 30.0


class Transport(Protocol):
    """What a driver needs of a connection: one whole text message out, one in. Either raises on a lost link.

    At most one `send` and one `recv` run at a time. `close` may come from any thread, and makes both raise.
    With a `cut()`, which is the same without a farewell and at once, a link is cut that takes nothing more.
    """

    def send(self, text: str, /) -> object: ...
    def recv(self) -> str | bytes: ...
    def close(self, code: int = ..., reason: str = ..., /) -> object: ...


@runtime_checkable
class DrainedTransport(Transport, Protocol):
    """A transport such as our WebSocket: `drained` is set to what a graceful end waits for."""

    drained: Callable[[float], object]


class Clock:
    """The time that a driver goes by, and how it waits for it."""

    def time(self) -> float:
        return monotonic()

    def wait(self, changed: Condition, until: float) -> None:
        """Wait, with the lock of the condition, until it is notified or that time has come."""
        changed.wait(min(max(until - self.time(), 0.0), TIMEOUT_MAX))


class Link:
    """One `Connection` over one transport. Those above say what is done about its events."""

    clock: ClassVar[Clock] = Clock()

    def __init__(
        self, protocol: Connection, transport: Transport, identity: str, observers: Iterable[Observer]
    ) -> None:
        self.protocol = protocol
        self.transport = transport
        self.identity = identity
        self._reporter = Reporter(identity, observers, self.clock.time)
        self._lock = RLock()  # round all that follows, and the protocol
        self._frames_wait = Condition(self._lock)  # for the writer
        self._deadline_moved = Condition(self._lock)  # for the keeper
        self._settled = Condition(self._lock)  # for those who wait until all has left
        self._arrived: deque[CallReceived | SendReceived | CloseRequested] = deque()  # for the reader
        self._fresh = False  # there may be frames that were not pulled
        self._sending = False
        self._send_ends = inf  # the latest instant at which the frame that is being sent has left
        self._armed = inf  # the instant that the keeper waits for
        self._started = Event()
        self._begun = False
        self._reader = 0
        self._parted = False  # by our close()
        self._lost: Exception | None = None  # what start() raises

    # For users; each from any thread.

    def start(self) -> None:
        """Read and answer, once, until `close` is called or the link is lost; raises the link's own
        exception.

        At the end, calls that wait raise ConnectionClosed. Handlers that still run in the pool are left to
        it, their answers are dropped (the peer will ask again), those that have not begun will not.
        """
        with self._lock:
            if self._begun:
                raise LocalProtocolError("start() has been called already; a new link needs a new object")
            self._begun = True
            self._reader = get_ident()
        threads = [
            Thread(target=work, name=f"{self.identity} {name}", daemon=True)
            for name, work in (("writer", self._write), ("deadlines", self._keep_deadlines))
        ]
        running: list[Thread] = []
        try:
            for thread in threads:
                thread.start()
                running.append(thread)
            if isinstance(self.transport, DrainedTransport):
                self.transport.drained = self.drained
            self._started.set()
            if self._lost is None:
                self._read()
        finally:
            self._end(ConnectionClosed("start() was interrupted"))
            self._join(running)
            self._reader = 0
        assert self._lost is not None
        if not self._parted:
            raise self._lost

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Let leave what was said so far, close the link, and so end `start`. Again, it does nothing.

        Calls that wait for an answer raise ConnectionClosed. Returns once the transport has closed; `start`
        may still be in a handler then.
        """
        with self._lock:
            self._until(lambda: not self._fresh and not self._sending, GRACE)
            self._parted = self._parted or self._lost is None
            self._end(ConnectionClosed("the link was closed by close()"))
        self.transport.close(code, reason)

    def drained(self, seconds: float) -> bool:
        """Wait at most so long until each call that has arrived is answered, and all that there is to send
        was handed over. Returns whether that is so.
        """
        with self._lock:
            return self._until(
                lambda: not self._fresh and not self._sending and not self.protocol.owed, seconds
            )

    # For those above.

    def frame_sent(self, text: str) -> None:
        """A frame is handed to the transport."""
        self._reporter.frame_sent(text)

    def frame_received(self, text: str) -> None:
        """A frame came from the transport."""
        self._reporter.frame_received(text)

    def _attend(self) -> None:
        """Do what is to be done about what has arrived; in the reading thread, without the lock."""

    def _finish(self, event: End) -> None:
        """A call of ours has ended; with the lock."""

    def _all_sent(self) -> Iterable[Callable[[], object]]:
        """All frames were handed to the transport; with the lock. Returns what is to be run without it."""
        return ()

    # The three loops.

    def _read(self) -> None:
        try:
            while True:
                self._attend()
                text = self.transport.recv()
                with self._lock:
                    self.frame_received(text if isinstance(text, str) else text.decode(errors="replace"))
                    self.protocol.receive_text(text, now=self.clock.time())
                    self._process()
        except Exception as error:
            self.lose(error)

    def _write(self) -> None:
        try:
            while (text := self._next_frame()) is not None:
                self.transport.send(text)
        except Exception as error:
            self.lose(error)
        with self._lock:
            self._sending = False
            self._settled.notify_all()

    def _next_frame(self) -> str | None:
        """Wait for the next frame. None once there will be none."""
        while self._lost is None:
            with self._lock:
                self._send_ends = inf
                self._fresh = False
                text = self.protocol.next_frame()
                self._sending = text is not None
                if text is not None:
                    self.frame_sent(text)
                    self._send_ends = self.clock.time() + WRITE_LIMIT
                    self._arm()
                    return text
                due = self._all_sent()
                self._settled.notify_all()
            for work in due:
                work()
            with self._lock:
                while not self._fresh and self._lost is None:
                    self._frames_wait.wait()
        return None

    def _keep_deadlines(self) -> None:
        with self._lock:
            while self._lost is None and self.clock.time() < self._send_ends:
                self._armed = self._next_instant()
                self.clock.wait(self._deadline_moved, self._armed)
                self.protocol.handle_timeout(now=self.clock.time())
                self._process()
        if self._lost is None:
            self.lose(ConnectionClosed(f"the peer has taken nothing for {WRITE_LIMIT:g} s"))

    def _next_instant(self) -> float:
        deadline = self.protocol.deadline
        return self._send_ends if deadline is None else min(deadline, self._send_ends)

    def _arm(self) -> None:
        """Wake the keeper if it waits for something later. Not for each frame: it finds out in time."""
        if self._next_instant() < self._armed:
            self._deadline_moved.notify()

    def _process(self) -> None:
        """After each input, with the lock: sort the events, wake the writer, and the keeper if need be."""
        while (event := self.protocol.next_event()) is not None:
            match event:
                case CallReceived() | SendReceived() | CloseRequested():
                    self._arrived.append(event)
                case CallResultReceived() | CallErrorReceived() | CallFailed() | CallTimedOut() | CallLost():
                    self._finish(event)
                case _:
                    self._reporter.ignored(event)
        self._fresh = self._lost is None
        self._frames_wait.notify()
        self._arm()

    # The end.

    def lose(self, error: Exception) -> None:
        """The link is gone; start() raises the first of these errors."""
        self._end(error)
        with suppress(Exception):  # whoever still sends or receives is to come back
            getattr(self.transport, "cut", self.transport.close)()

    def _end(self, error: Exception) -> None:
        """Nothing is read, sent or answered any more."""
        with self._lock:
            if self._lost is None:
                self._lost = error
                self.protocol.receive_close()
                self._process()
                for condition in (self._frames_wait, self._deadline_moved, self._settled):
                    condition.notify_all()
                self._started.set()  # who waits for it hears of the loss

    def _join(self, threads: Iterable[Thread]) -> None:
        for thread in threads:
            thread.join(GRACE)
            if thread.is_alive():  # it writes, on a link that was not lost: start() was interrupted
                self.lose(ConnectionClosed("start() was interrupted"))
                thread.join(GRACE)

    def _until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """With the lock, wait for this, while there is a link and at most so long."""
        end = self.clock.time() + seconds
        while not holds() and self._lost is None and self.clock.time() < end:
            self.clock.wait(self._settled, end)
        return holds()
