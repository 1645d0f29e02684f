"""ChargePoint: a Driver and the handlers for it, over a connection that the user has made.

One class for both ends: at a station it is the station, at a CSMS it stands for one.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial
from inspect import isasyncgenfunction, iscoroutinefunction
from threading import Thread
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar

from websockets.sync.connection import Connection as SyncConnection

from ocpp_sansio import CallReceived, Connection, Raw, Role, SendReceived, Version
from ocpp_sansio.errors import NotImplementedError, NotSupportedError
from ocpp_sansio.messages import Request, Response, Unconfirmed
from ocpp_sansio.routing import Routes, check_names, routes_of

from ..records import Observer
from ..security import hide_secrets
from ._websocket import WebSocket
from .driver import Driver, Transport

__all__ = ["LOGGER", "ChargePoint"]

Answer = TypeVar("Answer", bound=Response)

LOGGER = logging.getLogger("ocpp")
LOGGER.addFilter(hide_secrets)

RESPONSE_TIMEOUT = 30


class ChargePoint:
    """Subclass it, decorate methods with `@on` and `@after`, and call `start()`, or enter it: `with` runs
    `start` in a thread of its own, and at the end closes the link and waits for that thread.

    `connection` is a `WebSocket`, a connection of `websockets.sync`, or anything that is a
    `sync.driver.Transport`. `response_timeout` is the time in seconds that an answer may take. `role` is
    which end we are; without it, the side of the WebSocket tells, and directions are not checked where
    nothing does. Frames are logged at INFO.

    Handlers and hooks are plain functions; TypeError refuses others when the class is made. They run one at a
    time, in the thread of `start`, which meanwhile reads nothing: a handler may `send`, but not `call`. With
    a `pool`, such as `ThreadPoolExecutor()`, they run in its threads, several at a time, and may do both. A
    pool may serve many charge points, and is shut down by whoever made it.

    Whoever wants more of the protocol, such as its policies, makes the `ocpp_sansio.Connection` and gives it
    as `protocol`, and leaves it alone from then on. Its role, time-out and extensions then count: ValueError
    if `role` or `response_timeout` is given as well.

    Its names are few, because a subclass brings many: `id`, `logger`, `version`, `extensions` (request
    classes of vendors' actions, set by the subclass), `transport` (the connection), `protocol` (the
    `ocpp_sansio.Connection`), and private ones that begin with `_ocpp_`. ValueError refuses handlers and
    hooks of these names when the class is made.
    """

    version: ClassVar[Version]
    extensions: ClassVar[Sequence[type[Request[Any, Any]]]] = ()
    _ocpp_routes: ClassVar[Routes]

    def __init_subclass__(cls, **options: Any) -> None:
        """Read the decorators. Raises TypeError and ValueError for what is wrong with them."""
        super().__init_subclass__(**options)
        check_names(cls, _NAMES, "ChargePoint")
        _check_plain(cls)
        if hasattr(cls, "version"):
            own = {request.__action__: request for request in cls.extensions}
            cls._ocpp_routes = routes_of(cls, {**cls.version.load(), **cls.version.load_sends(), **own})
            _check_judged(cls)

    def __init__(
        self,
        id: str,
        connection: Transport | SyncConnection,
        response_timeout: float = RESPONSE_TIMEOUT,
        logger: logging.Logger = LOGGER,
        *,
        role: Role | None = None,
        protocol: Connection | None = None,
        observers: Iterable[Observer] = (),
        pool: Executor | None = None,
    ) -> None:
        cls = type(self)
        if protocol is not None and protocol.version is not self.version:
            raise ValueError(
                f"the protocol speaks {protocol.version.value}, {cls.__name__} {self.version.value}"
            )
        if protocol is not None and (role is not None or response_timeout != RESPONSE_TIMEOUT):
            raise ValueError("role and response_timeout are the protocol's: give them to its Connection")
        if pool is not None and not isinstance(pool, Executor):
            raise TypeError(f"pool is an Executor, such as ThreadPoolExecutor(), not {pool!r:.60}")
        self.id = id
        self.logger = logger
        self.transport = connection
        self.protocol = protocol or Connection(
            role or _role_of(connection),
            self.version,
            call_timeout=response_timeout,
            extensions=self.extensions,
        )
        self._ocpp_driver = _ChargePointDriver(self, observers, pool)
        self._ocpp_thread: Thread | None = None

    def start(self) -> None:
        """Read and answer until `close` is called or the link is lost: `Driver.start`."""
        self._ocpp_driver.start()

    def call(
        self,
        request: Request[Any, Answer],
        *,
        timeout: float | None = None,
        queue_timeout: float | None = None,
        unique_id: str | None = None,
    ) -> Answer:
        """Ask the peer and wait for its answer, in any thread: `Driver.call`.

        `unique_id` is the message id, if you want to choose it.
        """
        return self._ocpp_driver.call(request, timeout=timeout, queue_timeout=queue_timeout, id=unique_id)

    def send(self, message: Unconfirmed | Raw) -> None:
        """Tell the peer something that is never answered, in any thread: `Driver.send`."""
        self._ocpp_driver.send(message)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the link and end `start`, from any thread: `Driver.close`."""
        self._ocpp_driver.close(code, reason)

    def __enter__(self) -> Self:
        self._ocpp_thread = Thread(target=self._ocpp_run, name=f"{self.id} reader")
        self._ocpp_thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._ocpp_thread is not None
        try:
            self.close()
        finally:
            self._ocpp_thread.join()

    def _ocpp_run(self) -> None:
        with suppress(Exception):  # the calls of the block have it as the cause of what they raise
            self.start()


#: What a handler would hide: what is here, and what an object has besides.
_NAMES = {*dir(ChargePoint), "id", "logger", "protocol", "transport", "version"}


class _ChargePointDriver(Driver):
    """Serves calls by the methods of a charge point and logs its frames."""

    def __init__(self, owner: ChargePoint, observers: Iterable[Observer], pool: Executor | None) -> None:
        given = owner.transport
        if isinstance(given, SyncConnection):
            transport: Transport = WebSocket(given, identity=owner.id, version=owner.version)
        else:
            transport = given
        super().__init__(owner.protocol, transport, identity=owner.id, observers=observers, pool=pool)
        self.owner = owner
        self.routes = owner._ocpp_routes

    def handle(self, received: CallReceived) -> Any:
        handler = self.routes.on.get(received.action)
        if handler is not None:
            return handler(self.owner, received.request, received.id)
        if type(received.request) is Raw and not self._knows(received.action):
            raise NotImplementedError(f"unknown action {received.action!r:.60}")
        raise NotSupportedError(f"{received.action} is known, but not supported here.")

    def _knows(self, action: str) -> bool:
        """Asked where nothing was judged, for then the protocol lets every action pass."""
        own = {request.__action__ for request in self.owner.extensions}
        return action in own or action in self.owner.version.load()

    def handled(self, received: CallReceived, response: Response) -> Iterator[Callable[[], Any]]:
        for hook in self.routes.after.get(received.action, ()):
            yield partial(hook, self.owner, received.request, received.id, response)

    def told(self, received: SendReceived) -> Any:
        handler = self.routes.on.get(received.action)
        return None if handler is None else handler(self.owner, received.message, received.id)

    def frame_sent(self, text: str) -> None:
        self.owner.logger.info("%s: send %s", self.owner.id, text)
        super().frame_sent(text)

    def frame_received(self, text: str) -> None:
        self.owner.logger.info("%s: receive message %s", self.owner.id, text)
        super().frame_received(text)


def _check_plain(cls: type[ChargePoint]) -> None:
    """Raise TypeError for a handler or hook that somebody would have to await."""
    marked = {
        name
        for base in cls.__mro__
        for name, attribute in vars(base).items()
        if getattr(getattr(attribute, "__func__", attribute), "__ocpp_marks__", None)
    }
    for name in sorted(marked):
        method = getattr(cls, name)
        if iscoroutinefunction(method) or isasyncgenfunction(method):
            raise TypeError(
                f"{cls.__qualname__}.{name} is async, and nobody awaits it here: handlers of "
                "ocpp_sansio_adapters.sync are plain functions, which may block"
            )


def _check_judged(cls: type[ChargePoint]) -> None:
    """Raise ValueError for a switch that is for programs written for mobilityhouse/ocpp, all async."""
    unjudged = [action for action, handler in cls._ocpp_routes.on.items() if handler.skip_schema_validation]
    if unjudged:
        raise ValueError(
            f"{cls.__qualname__} skips the validation of {', '.join(unjudged)}: leave out "
            "skip_schema_validation, and give a protocol whose Connection has a Validation"
        )


def _role_of(connection: object) -> Role | None:
    """What the side of a WebSocket says about our role."""
    side = getattr(getattr(connection, "protocol", None), "side", None)
    return {"SERVER": Role.CSMS, "CLIENT": Role.CHARGING_STATION}.get(getattr(side, "name", ""))
