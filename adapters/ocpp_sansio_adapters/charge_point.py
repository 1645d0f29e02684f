"""ChargePoint: a Driver whose handlers are its own methods, over a connection that the user has made.

One class for both ends, as users of mobilityhouse/ocpp know it: at a station it is the station, at a CSMS it stands for one.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, ClassVar

from ocpp_sansio import CallReceived, Connection, Role, Version
from ocpp_sansio.errors import NotSupportedError
from ocpp_sansio.messages import Response
from ocpp_sansio.routing import Routes, routes_of

from ._legacy import OlderNames
from .driver import Driver, Transport
from .records import Observer

__all__ = ["LOGGER", "ChargePoint"]

LOGGER = logging.getLogger("ocpp")


class ChargePoint(OlderNames, Driver):
    """Subclass it, decorate methods with `@on` and `@after`, and `await start()`.

    `connection` is anything with `async send(str)` and `async recv()`, such as a connection of `websockets`. `response_timeout` is
    the time in seconds that an answer may take. `role` is which end we are; without it, the side of a `websockets` connection tells,
    and directions are not checked where nothing does. Frames are logged at INFO.
    """

    version: ClassVar[Version]
    _routes: ClassVar[Routes]

    def __init__(
        self,
        id: str,
        connection: Transport,
        response_timeout: float = 30,
        logger: logging.Logger = LOGGER,
        *,
        role: Role | None = None,
        observers: Iterable[Observer] = (),
    ) -> None:
        protocol = Connection(role or _role_of(connection), self.version, call_timeout=response_timeout)
        super().__init__(protocol, connection, identity=id, observers=observers)
        self.id = id
        self.logger = logger
        cls = type(self)
        if "_routes" not in vars(cls):
            cls._routes = routes_of(cls, self.version.load())

    def handle(self, received: CallReceived) -> Any:
        handler = self._routes.on.get(received.action)
        if handler is None:
            raise NotSupportedError(f"{received.action} is known, but not supported here.")
        return handler(self, received.request)

    def handled(self, received: CallReceived, response: Response) -> Iterator[Callable[[], Any]]:
        for hook in self._routes.after.get(received.action, ()):
            yield partial(hook, self, received.request)

    def frame_sent(self, text: str) -> None:
        self.logger.info("%s: send %s", self.id, text)
        super().frame_sent(text)

    def frame_received(self, text: str) -> None:
        self.logger.info("%s: receive message %s", self.id, text)
        super().frame_received(text)


def _role_of(connection: object) -> Role | None:
    """What the side of a `websockets` connection says about our role, without importing websockets."""
    holder = getattr(connection, "protocol", connection)  # in websockets.legacy, the connection itself
    side = getattr(holder, "side", None)
    name = getattr(side, "name", side)  # in websockets.legacy, text
    return {"SERVER": Role.CSMS, "CLIENT": Role.CHARGING_STATION}.get(str(name).upper())
