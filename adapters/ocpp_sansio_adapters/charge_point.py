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
from ocpp_sansio.messages import Message, Request, Response, Unconfirmed, asdict
from ocpp_sansio.routing import Routes, check_names, routes_of

from ._legacy import OlderNames, Unjudged, answer_of, asked_for, members_of, policy_of, unjudged_in
from .driver import Driver, Transport
from .records import Observer
from .security import hide_secrets

__all__ = ["LOGGER", "ChargePoint", "classes_by_version"]

Answer = TypeVar("Answer", bound=Response)

LOGGER = logging.getLogger("ocpp")
LOGGER.addFilter(hide_secrets)

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

    Programs written for mobilityhouse/ocpp may have handlers and calls with `skip_schema_validation`, which
    judges neither request nor response. A keyword handler gets the members by name all the same, unknown ones
    by their name on the wire; a typed hook gets a `Raw`. With a `protocol` it is refused by ValueError, for
    there the policy is the protocol's.

    Its names are few, because a subclass brings many: `id`, `logger`, `version`, `extensions` (request classes
    of vendors' actions, set by the subclass), `transport` (the connection), `protocol` (the
    `ocpp_sansio.Connection`), and private ones that begin with `_ocpp_`. ValueError refuses handlers and
    hooks of these names when the class is made.
    """

    version: ClassVar[Version]
    extensions: ClassVar[Sequence[type[Request[Any, Any]]]] = ()
    _ocpp_routes: ClassVar[Routes]
    _ocpp_unjudged: ClassVar[Unjudged]

    def __init_subclass__(cls, **options: Any) -> None:
        """Raise ValueError for a handler that would hide a name of this class."""
        super().__init_subclass__(**options)
        check_names(cls, _NAMES, "ChargePoint")

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
        _read_decorators(cls)
        if protocol is not None and protocol.version is not self.version:
            raise ValueError(
                f"the protocol speaks {protocol.version.value}, {cls.__name__} {self.version.value}"
            )
        if protocol is not None and (role is not None or response_timeout != RESPONSE_TIMEOUT):
            raise ValueError("role and response_timeout are the protocol's: give them to its Connection")
        if protocol is not None:
            _check_judged(cls)
        self.id = id
        self.logger = logger
        self.transport = connection
        self.protocol = protocol or Connection(
            role or _role_of(connection),
            self.version,
            call_timeout=response_timeout,
            extensions=self.extensions,
            validation=policy_of(cls._ocpp_unjudged),
        )
        self._ocpp_owns_policy = protocol is None
        self._ocpp_driver = _ChargePointDriver(self, observers)

    async def start(self) -> None:
        """Read and answer until the link is lost or this is cancelled: `Driver.start`."""
        await self._ocpp_driver.start()

    @overload
    async def call(
        self,
        payload: Request[Any, Answer],
        suppress: Literal[False] = False,
        unique_id: str | None = None,
        skip_schema_validation: bool = False,
        *,
        timeout: float | None = None,
        queue_timeout: float | None = None,
    ) -> Answer: ...
    @overload
    async def call(
        self,
        payload: Request[Any, Answer],
        suppress: bool,
        unique_id: str | None = None,
        skip_schema_validation: bool = False,
        *,
        timeout: float | None = None,
        queue_timeout: float | None = None,
    ) -> Answer | None: ...
    async def call(
        self,
        payload: Request[Any, Answer],
        suppress: bool = False,
        unique_id: str | None = None,
        skip_schema_validation: bool = False,
        *,
        timeout: float | None = None,
        queue_timeout: float | None = None,
    ) -> Answer | None:
        """Ask the peer and wait for its answer: `Driver.call`.

        With `suppress`, a CALLERROR is logged and comes as None, as it does by default with
        mobilityhouse/ocpp; `unique_id` is the message id, if you want to choose it.

        With `skip_schema_validation` neither the request nor its answer is judged. The answer is then what
        could be made of it: what is missing is None, what is unknown is left out, what is of the wrong kind is
        as it came. New programs call with a `Raw` instead.
        """
        if skip_schema_validation and not self._ocpp_owns_policy:
            raise ValueError("skip_schema_validation is not for a protocol of your own: call with a Raw")
        asked = asked_for(payload, self._ocpp_unjudged, skip_schema_validation)
        try:
            answer: Answer = await self._ocpp_driver.call(
                asked, timeout=timeout, queue_timeout=queue_timeout, id=unique_id
            )
        except OCPPError as error:
            if not suppress:
                raise
            action = payload.action if isinstance(payload, Raw) else payload.__action__
            self.logger.warning("%s: %s was refused: %s", self.id, action, error)
            return None
        return answer_of(payload, answer, skip_schema_validation) if self._ocpp_owns_policy else answer

    async def send(self, message: Unconfirmed | Raw) -> None:
        """Tell the peer something that is never answered: `Driver.send`."""
        await self._ocpp_driver.send(message)


#: What a handler would hide: what is here, and what an object has besides.
_NAMES = {*dir(ChargePoint), "id", "logger", "protocol", "transport", "version"}


class _ChargePointDriver(Driver):
    """Serves calls by the methods of a charge point and logs its frames."""

    def __init__(self, owner: ChargePoint, observers: Iterable[Observer]) -> None:
        super().__init__(owner.protocol, owner.transport, identity=owner.id, observers=observers)
        self.owner = owner
        self.routes = owner._ocpp_routes

    def handle(self, received: CallReceived) -> Any:
        handler = self.routes.on.get(received.action)
        if handler is not None:
            request = received.request
            return handler(self.owner, request, received.id, members_of=self._names(received.action, request))
        if type(received.request) is Raw and not self._knows(received.action):
            raise NotImplementedError(f"unknown action {received.action!r:.60}")
        raise NotSupportedError(f"{received.action} is known, but not supported here.")

    def _knows(self, action: str) -> bool:
        """Asked where nothing was judged, for then the protocol lets every action pass."""
        own = {request.__action__ for request in self.owner.extensions}
        return action in own or action in self.owner.version.load()

    def handled(self, received: CallReceived, response: Response) -> Iterator[Callable[[], Any]]:
        request = received.request
        names = self._names(received.action, request)
        for hook in self.routes.after.get(received.action, ()):
            yield partial(hook, self.owner, request, received.id, response, members_of=names)

    def told(self, received: SendReceived) -> Any:
        handler = self.routes.on.get(received.action)
        if handler is None:
            return None
        message = received.message
        return handler(self.owner, message, received.id, members_of=self._names(received.action, message))

    def _names(self, action: str, message: Message) -> Callable[[Message], dict[str, Any]]:
        """What makes keyword arguments of a message of this action and of its response."""
        cls = self.owner._ocpp_unjudged.get(action)
        return asdict if cls is None else members_of(message, cls)

    def frame_sent(self, text: str) -> None:
        self.owner.logger.info("%s: send %s", self.owner.id, text)
        super().frame_sent(text)

    def frame_received(self, text: str) -> None:
        self.owner.logger.info("%s: receive message %s", self.owner.id, text)
        super().frame_received(text)


def classes_by_version(
    owner: str, charge_points: Sequence[type[ChargePoint]]
) -> dict[Version, type[ChargePoint]]:
    """The classes that `owner`, such as "a station", serves links with: one for each version, in order.

    Raises TypeError and ValueError for what is no such class, for two of one version, for none at all, and
    for mistakes in their decorators.
    """
    for cls in charge_points:
        if not (isinstance(cls, type) and issubclass(cls, ChargePoint) and hasattr(cls, "version")):
            raise TypeError(f"{owner} takes classes of charge points that have a version, not {cls!r:.60}")
    classes = {cls.version: cls for cls in charge_points}
    if not charge_points or len(classes) < len(charge_points):
        raise ValueError(f"{owner} has one class of charge points for each version that it speaks")
    for cls in charge_points:
        _read_decorators(cls)
        _check_judged(cls)
    return classes


def _read_decorators(cls: type[ChargePoint]) -> None:
    """Make the routes of a class, once. Raises TypeError and ValueError as `routes_of`."""
    if "_ocpp_routes" in vars(cls):
        return
    own = {request.__action__: request for request in cls.extensions}
    catalogue: Unjudged = {**cls.version.load(), **cls.version.load_sends(), **own}
    cls._ocpp_routes = routes_of(cls, catalogue)
    cls._ocpp_unjudged = unjudged_in(cls._ocpp_routes, catalogue)


def _check_judged(cls: type[ChargePoint]) -> None:
    """Raise ValueError if handlers ask for a policy where the protocol has its own."""
    if cls._ocpp_unjudged:
        names = ", ".join(cls._ocpp_unjudged)
        raise ValueError(
            f"{cls.__qualname__} skips the validation of {names}, but the policy is the protocol's: leave "
            "out skip_schema_validation, and give the Connection a Validation"
        )


def _role_of(connection: object) -> Role | None:
    """What the side of a `websockets` connection says about our role, without importing websockets."""
    holder = getattr(connection, "protocol", connection)  # in websockets.legacy, the connection itself
    side = getattr(holder, "side", None)
    name = getattr(side, "name", side)  # in websockets.legacy, text
    return {"SERVER": Role.CSMS, "CLIENT": Role.CHARGING_STATION}.get(str(name).upper())
