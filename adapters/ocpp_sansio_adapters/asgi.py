"""CSMSApp: a CSMS as an ASGI application, on its own or mounted in FastAPI, Starlette or Quart.

The server (uvicorn, hypercorn and others, on asyncio or trio) moves bytes, pings, and limits the size of
messages; `ocpp_sansio.handshake` decides who is let in and what is spoken. This room turns the events of ASGI
into both, and into a `WebSocket` for the CSMS. Knows no OCPP message.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeAlias
from urllib.parse import quote, unquote

import anyio
import attrs
from anyio.abc import TaskGroup
from websockets.frames import CloseCode

from ocpp_sansio import CloseRequested
from ocpp_sansio.handshake import NoCommonVersion, UpgradeRefused, identity_of
from ocpp_sansio.security import SecurityProfile

from ._admission import Admission
from ._asgi_websocket import DISCONNECT, LOGGER, Ahead, Receive, Send, WebSocket
from ._hosting import Authenticate, attend, judged, part
from ._settings import CLOSE_TIMEOUT, SHUTDOWN_GRACE, SHUTTING_DOWN, Info, check_seconds
from .csms import CSMS
from .security import check_app

__all__ = ["CSMSApp", "WebSocket"]

Scope: TypeAlias = Mapping[str, Any]

CONNECT = "websocket.connect"
REFUSAL = "websocket.http.response"  # an extension of ASGI, and what its messages begin with
UPGRADE: tuple[tuple[str, str], ...] = (("upgrade", "websocket"), ("connection", "upgrade"))


@attrs.define(eq=False)
class _Link:
    """A WebSocket and the scope of its handler, which is shielded so that it can end in good order."""

    websocket: WebSocket
    scope: anyio.CancelScope = attrs.field(factory=partial(anyio.CancelScope, shield=True))
    ended: anyio.Event = attrs.field(factory=anyio.Event)

    async def run(self, handler: Callable[[WebSocket], Awaitable[object]]) -> None:
        """Let the handler have the link, and close it afterwards."""
        websocket = self.websocket
        try:
            with self.scope:
                try:
                    await attend(handler, websocket, LOGGER)
                finally:
                    await websocket.aclose()
        finally:
            self.ended.set()

    async def part(self, close: Callable[[int, str], Awaitable[object]]) -> None:
        """End the link because the server shuts down, when what is owed has left."""
        with anyio.CancelScope(shield=True):
            await part(self.websocket, self.scope, close, SHUTDOWN_GRACE)
            await self.ended.wait()


class CSMSApp:
    """A CSMS as an ASGI application: `app.mount("/ocpp", CSMSApp(csms))`, or `uvicorn.run(CSMSApp(csms))`.

    Stations connect with their identity below the path that it is mounted at, and there below `base`.
    `authenticate` and `no_common_version` are those of `websockets.serve`; the certificate of a peer is not
    known here. `profile` is the security profile, and so it is 0, 1 or 2; whether a station has come by TLS
    is what the server says, which may have it from a proxy. A server without the extension
    `websocket.http.response` answers all refusals with 403. What is no WebSocket is answered with 426 or 404.

    Pings, compression and the largest message are settings of the server. So is what becomes of links when it
    shuts down, unless `aclose` is called before: uvicorn closes them with 1012 at once. Hypercorn cancels
    them after its `graceful_timeout`, and then answers that are owed leave, and 1001 is said; but on asyncio,
    since Python 3.12, it waits until they end by themselves. Raises TypeError and ValueError for wrong
    arguments.
    """

    def __init__(
        self,
        csms: CSMS,
        *,
        authenticate: Authenticate | None = None,
        profile: SecurityProfile | int | None = None,
        base: str = "/",
        no_common_version: NoCommonVersion | str = NoCommonVersion.CLOSE,
        close_timeout: float = CLOSE_TIMEOUT,
    ) -> None:
        if not isinstance(csms, CSMS):
            raise TypeError(f"csms is a CSMS, not {csms!r:.60}")
        check_seconds("close_timeout", close_timeout)
        self._handler = csms.handle
        self._admission = Admission(
            logger=LOGGER,
            versions=csms.versions,
            authenticate=authenticate,
            profile=check_app(profile, authenticate is not None),
            base=base,
            no_common_version=NoCommonVersion(no_common_version),
        )
        self._close_timeout = close_timeout
        self._links: set[_Link] = set()
        self._parting = False
        self._doors = {"lifespan": self._live, "http": self._decline, "websocket": self._welcome}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What a server or a framework calls, as ASGI says."""
        door = self._doors.get(scope["type"])
        if door is None:
            raise ValueError(f"this application knows nothing of {scope['type']!r:.60}")
        await door(scope, receive, send)

    async def aclose(self) -> None:
        """Let nobody in any more, and close all links with 1001 once answers that are owed have left.

        The end of a lifespan does this, which comes too late with most servers, and not at all to what is
        mounted. Call it before the server shuts down: in `shutdown_trigger` of hypercorn, or in a
        `uvicorn.Server` whose `shutdown` awaits this first.
        """
        self._parting = True
        async with anyio.create_task_group() as tasks:
            for link in self._links:
                tasks.start_soon(link.part, link.websocket.aclose)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The life of the server, as far as it tells."""
        while True:
            event = (await receive())["type"]
            if event == "lifespan.startup":
                self._parting = False
            else:
                await self.aclose()
            await send({"type": f"{event}.complete"})
            if self._parting:
                return

    async def _decline(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Somebody speaks HTTP."""
        answer, headers = UpgradeRefused(426, "stations connect here, with WebSockets"), UPGRADE
        try:
            identity_of(_path_of(scope), base=self._admission.base)
        except UpgradeRefused as refusal:
            answer, headers = refusal, ()
        # HTTP/2 has no such headers.
        await _respond(send, "http.response", answer, headers if scope["http_version"] == "1.1" else ())

    async def _welcome(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one who connects. Raises nothing that is not the server's."""
        if (await receive())["type"] != CONNECT:
            return
        async with anyio.create_task_group() as tasks:
            try:
                await self._attend(scope, receive, send, tasks)
            except OSError as error:
                LOGGER.debug("somebody connected and left: %r", error)
            except Exception:
                LOGGER.exception("a station could not be served")
            tasks.cancel_scope.cancel()

    async def _attend(self, scope: Scope, receive: Receive, send: Send, tasks: TaskGroup) -> None:
        """Answer the upgrade, and have the WebSocket served."""
        ahead = Ahead(receive)
        tasks.start_soon(ahead.fetch)
        info = _info_of(scope)
        try:
            upgrade = None
            with ahead.judging:
                upgrade = await judged(
                    self._admission,
                    _path_of(scope),
                    _with_subprotocols(scope, info.headers),
                    secure=scope.get("scheme") == "wss",
                )
            if self._parting:
                raise UpgradeRefused(503, SHUTTING_DOWN)
        except UpgradeRefused as refusal:
            LOGGER.info("%.100r: refused: %s", info.path.partition("?")[0], refusal)
            await _refuse(scope, send, refusal)
            return
        if upgrade is None or ahead.left:
            LOGGER.debug("somebody connected and left")
            return
        await send({"type": "websocket.accept", "subprotocol": upgrade.subprotocol})
        if upgrade.version is None:
            assert upgrade.closing is not None
            LOGGER.info("%s: %s", upgrade.identity, upgrade.closing.reason)
            await self._close_at_once(ahead, send, upgrade.closing)
            return
        websocket = WebSocket(
            ahead,
            send,
            identity=upgrade.identity,
            version=upgrade.version,
            info=attrs.evolve(info, subprotocol=upgrade.subprotocol),
            close_timeout=self._close_timeout,
        )
        await self._run(_Link(websocket), tasks)

    async def _close_at_once(self, receive: Receive, send: Send, closing: CloseRequested) -> None:
        """Close what has just opened, since nobody may speak. Waits for the end."""
        await send({"type": "websocket.close", "code": closing.code, "reason": closing.reason})
        with anyio.move_on_after(self._close_timeout):
            while (await receive())["type"] != DISCONNECT:
                pass

    async def _run(self, link: _Link, tasks: TaskGroup) -> None:
        """Serve an open link to its end, also if the server cancels this."""
        websocket = link.websocket
        if self._parting:
            await websocket.aclose(CloseCode.GOING_AWAY, SHUTTING_DOWN)
            return
        self._links.add(link)
        LOGGER.info("%s: connected, speaks %s", websocket.identity, websocket.subprotocol)
        tasks.start_soon(link.run, self._handler)
        try:
            await link.ended.wait()
        except anyio.get_cancelled_exc_class():
            await link.part(websocket._leave)
            raise
        finally:
            link.scope.cancel()
            self._links.discard(link)
            LOGGER.info("%s: closed: %s", websocket.identity, websocket._closed())


def _info_of(scope: Scope) -> Info:
    """What a handler may want to know."""
    path, query = _target_of(scope), scope.get("query_string", b"").decode("latin-1")
    return Info(
        path=f"{path}?{query}" if query else path,
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]),
        remote=tuple(scope["client"]) if scope.get("client") else None,
    )


def _target_of(scope: Scope) -> str:
    """The path that was asked for, still encoded. A server may keep that to itself."""
    raw: bytes | None = scope.get("raw_path")
    return quote(scope["path"]) if raw is None else raw.decode("latin-1")


def _path_of(scope: Scope) -> str:
    """The encoded path below the one that we are mounted at.

    Not every server and framework has the mount in the path as well: it is taken off where it is.
    """
    path, mount = _target_of(scope), scope.get("root_path", "").rstrip("/")
    head = "/".join(path.split("/")[: mount.count("/") + 1])
    return path[len(head) :] if unquote(head) == mount else path


def _with_subprotocols(scope: Scope, headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers, with the offers as the server has read them: it accepts no others."""
    if "subprotocols" not in scope:
        return list(headers)
    name = "sec-websocket-protocol"
    offers = [(name, offer) for offer in scope["subprotocols"]]
    return [pair for pair in headers if pair[0].lower() != name] + offers


async def _refuse(scope: Scope, send: Send, refusal: UpgradeRefused) -> None:
    if REFUSAL in (scope.get("extensions") or {}):
        await _respond(send, REFUSAL, refusal)
    else:
        await send({"type": "websocket.close", "code": CloseCode.POLICY_VIOLATION, "reason": ""})


async def _respond(
    send: Send, kind: str, refusal: UpgradeRefused, headers: Iterable[tuple[str, str]] = ()
) -> None:
    """Answer with the status of the refusal, and its reason."""
    body = f"{refusal.reason}\n".encode()
    pairs = [
        ("content-type", "text/plain; charset=utf-8"),
        ("content-length", str(len(body))),
        *refusal.headers,
        *headers,
    ]
    encoded = [(name.lower().encode(), value.encode()) for name, value in pairs]
    await send({"type": f"{kind}.start", "status": refusal.status, "headers": encoded})
    await send({"type": f"{kind}.body", "body": body})
