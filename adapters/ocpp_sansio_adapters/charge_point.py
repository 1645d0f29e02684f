"""ChargePoint: a Driver and the handlers for it, over a connection that the user has made.

One class for both ends, as users of mobilityhouse/ocpp know it: at a station it is the station, at a CSMS it
stands for one.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar, Literal, TypeVar, overload

from ocpp_sansio import CallReceived, Connection, OCPPError, Raw, Role, SendReceived, Version
from ocpp_sansio.errors import NotImplementedError, NotSupportedError
from ocpp_sansio.messages import Request, Response, Unconfirmed
from ocpp_sansio.routing import Routes, routes_of

from ._legacy import OlderNames
from .driver import Driver, Transport
from .records import Observer

__all__ = ["LOGGER", "ChargePoint"]

Answer = TypeVar("Answer", bound=Response)

LOGGER = logging.getLogger("ocpp")

RESPONSE_TIMEOUT = 30


class ChargePoint(OlderNames):
    """Subclass it, decorate methods with `@on` and `@after`, and `await start()`.

    `connection` is anything with `async send(str)` and `async recv()`, such as a connection of `websockets`.
    `response_timeout` is the time in seconds that an answer may take. `role` is which end we are; without it,
    the side of a `websockets` connection tells, and directions are not checked where nothing does. Frames are
    logged at INFO.

    Whoever wants more of the protocol, such as its policies, makes the `ocpp_sansio.Connection` and gives it
    as `protocol`. Its role, time-out and extensions then count: ValueError if `role` or `response_timeout` is
    given as well, and what `extensions` lists is to be given to the Connection, too. What it does not judge
    (`validation="off"`) comes as a `Raw`: to a typed handler as that object, instead of one of its class, to
    a keyword handler as the one argument `payload`, a dict as it was sent.

    Its names are few, because a subclass brings many: `id`, `logger`, `version`, `extensions` (request classes
    of vendors' actions, set by the subclass), `transport` (the connection), `protocol` (the
    `ocpp_sansio.Connection`), and private ones that begin with `_ocpp_`.
    """

    version: ClassVar[Version]
    extensions: ClassVar[Sequence[type[Request[Any, Any]]]] = ()
    _ocpp_routes: ClassVar[Routes]

    def __init__(
        self,
        id: str,
        connection: Transport,
        response_timeout: float = RESPONSE_TIMEOUT,
        logger: logging.Logger = LOGGER,
        *,
        role: Role | None = None,
        protocol: Connection | None = None,
        observers: Iterable[Observer] = (),
    ) -> None:
        cls = type(self)
        if "_ocpp_routes" not in vars(cls):
            own = {request.__action__: request for request in self.extensions}
            cls._ocpp_routes = routes_of(cls, {**self.version.load(), **self.version.load_sends(), **own})
        if protocol is not None and protocol.version is not self.version:
            raise ValueError(
                f"the protocol speaks {protocol.version.value}, {cls.__name__} {self.version.value}"
            )
        if protocol is not None and (role is not None or response_timeout != RESPONSE_TIMEOUT):
            raise ValueError("role and response_timeout are the protocol's: give them to its Connection")
        self.id = id
        self.logger = logger
        self.transport = connection
        self.protocol = protocol or Connection(
            role or _role_of(connection),
            self.version,
            call_timeout=response_timeout,
            extensions=self.extensions,
        )
        self._ocpp_driver = _ChargePointDriver(self, observers)

    async def start(self) -> None:
        """Read and answer until the link is lost or this is cancelled: `Driver.start`."""
        await self._ocpp_driver.start()

    @overload
    async def call(
        self,
        request: Request[Any, Answer],
        suppress: Literal[False] = False,
        *,
        unique_id: str | None = None,
        timeout: float | None = None,
        queue_timeout: float | None = None,
    ) -> Answer: ...
    @overload
    async def call(
        self,
        request: Request[Any, Answer],
        suppress: bool,
        *,
        unique_id: str | None = None,
        timeout: float | None = None,
        queue_timeout: float | None = None,
    ) -> Answer | None: ...
    async def call(
        self,
        request: Request[Any, Answer],
        suppress: bool = False,
        *,
        unique_id: str | None = None,
        timeout: float | None = None,
        queue_timeout: float | None = None,
    ) -> Answer | None:
        """Ask the peer and wait for its answer: `Driver.call`.

        With `suppress`, a CALLERROR is logged and comes as None, as it does by default with mobilityhouse/ocpp;
        `unique_id` is the message id, if you want to choose it.
        """
        try:
            return await self._ocpp_driver.call(
                request, timeout=timeout, queue_timeout=queue_timeout, id=unique_id
            )
        except OCPPError as error:
            if not suppress:
                raise
            action = request.action if isinstance(request, Raw) else request.__action__
            self.logger.warning("%s: %s was refused: %s", self.id, action, error)
            return None

    async def send(self, message: Unconfirmed | Raw) -> None:
        """Tell the peer something that is never answered: `Driver.send`."""
        await self._ocpp_driver.send(message)


class _ChargePointDriver(Driver):
    """Serves calls by the methods of a charge point and logs its frames."""

    def __init__(self, owner: ChargePoint, observers: Iterable[Observer]) -> None:
        super().__init__(owner.protocol, owner.transport, identity=owner.id, observers=observers)
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
        return handler(self.owner, received.message, received.id) if handler is not None else None

    def frame_sent(self, text: str) -> None:
        self.owner.logger.info("%s: send %s", self.owner.id, text)
        super().frame_sent(text)

    def frame_received(self, text: str) -> None:
        self.owner.logger.info("%s: receive message %s", self.owner.id, text)
        super().frame_received(text)


def _role_of(connection: object) -> Role | None:
    """What the side of a `websockets` connection says about our role, without importing websockets."""
    holder = getattr(connection, "protocol", connection)  # in websockets.legacy, the connection itself
    side = getattr(holder, "side", None)
    name = getattr(side, "name", side)  # in websockets.legacy, text
    return {"SERVER": Role.CSMS, "CLIENT": Role.CHARGING_STATION}.get(str(name).upper())
