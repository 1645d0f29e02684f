"""What a CSMS on an event loop does with each who comes, by whichever door: judges it, has it attended to, and
parts from it in good order.

Who is let in is decided by `_admission`. Moves no byte.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import Any, Protocol, TypeAlias, TypeVar

import anyio
from websockets.frames import CloseCode

from ocpp_sansio.handshake import Credentials, Headers, Upgrade, UpgradeRefused

from ._admission import Admission
from ._failures import cancellation_in, is_failure
from ._settings import SHUTTING_DOWN, is_loss

__all__ = ["Authenticate", "attend", "judged", "part"]

#: `authenticate(identity, credentials, peer_certificate)`: whether to let this station in, True or False, now
#: or awaited. It may raise `UpgradeRefused(404, ...)` for a station that it does not know.
Authenticate: TypeAlias = Callable[
    [str, Credentials | None, Mapping[str, Any] | None], bool | Awaitable[bool]
]


class Link(Protocol):
    """What is asked of an open WebSocket here."""

    identity: str
    close_timeout: float
    drained: Callable[[], Awaitable[object]]

    async def aclose(self, code: int = ..., reason: str = ...) -> None: ...


AnyLink = TypeVar("AnyLink", bound=Link)


async def judged(
    admission: Admission[bool | Awaitable[bool]],
    path: str,
    headers: Headers,
    *,
    secure: bool,
    certificate: Mapping[str, Any] | None = None,
) -> Upgrade:
    """What is asked for, if the application lets the station in. Raises UpgradeRefused."""
    upgrade = admission.read(path, headers, secure=secure, certificate=certificate)
    if admission.authenticate is None:
        return upgrade
    try:
        verdict = admission.authenticate(upgrade.identity, upgrade.credentials, certificate)
        welcome = await verdict if isawaitable(verdict) else verdict
    except UpgradeRefused:
        raise
    except BaseException as error:
        _raise_if_cancelled(error)
        raise admission.crashed(upgrade, error) from error
    return admission.settled(upgrade, welcome)


async def attend(
    handler: Callable[[AnyLink], Awaitable[object]], websocket: AnyLink, logger: logging.Logger
) -> None:
    """Let the handler have the link. If it crashes, that is logged and closes the link; raises nothing."""
    try:
        await handler(websocket)
    except BaseException as error:
        _raise_if_cancelled(error)
        if not is_loss(error):
            logger.exception("%s: the handler of the link has crashed", websocket.identity)
            await websocket.aclose(CloseCode.INTERNAL_ERROR)


async def part(
    websocket: Link,
    scope: anyio.CancelScope,
    close: Callable[[int, str], Awaitable[object]],
    grace: float,
) -> None:
    """Close a link once what is owed has left, for at most so many seconds. Its handler, in its scope, has
    those and the ones for closing to come to an end.
    """
    scope.deadline = anyio.current_time() + grace + websocket.close_timeout
    with anyio.move_on_after(grace):
        await websocket.drained()
    await close(CloseCode.GOING_AWAY, SHUTTING_DOWN)


def _raise_if_cancelled(error: BaseException) -> None:
    """A function of the user may raise a cancellation, too: on asyncio, although it was not we who cancelled it."""
    if not is_failure(error) or cancellation_in(error) is not None:
        raise error
