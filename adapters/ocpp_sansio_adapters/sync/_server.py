"""Server: what `sync.websockets.serve` does with each who connects, from the first byte to the last.

`websockets.sync.server` listens and gives each who connects a thread. Here the application is asked who is
let in, the upgrade is answered, the handler runs, and all ends in good order. Nothing that one of them does
may harm another.
"""

import ssl
from collections.abc import Callable, Mapping
from socket import (
    AF_INET6,
    AI_PASSIVE,
    SOCK_STREAM,
    create_server,
    getaddrinfo,
    has_dualstack_ipv6,
    socket,
)
from threading import Event, Lock, Thread, current_thread
from time import monotonic
from types import TracebackType
from typing import Any, Self, TypeAlias
from weakref import WeakSet

from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.sync import server
from websockets.typing import Subprotocol

from ocpp_sansio.handshake import SWITCHING_PROTOCOLS, Credentials, Upgrade, UpgradeRefused

from .._admission import Admission, response_to
from .._settings import (
    ACCEPT_PAUSE,
    DEFLATE,
    LOGGER,
    SHUTDOWN_GRACE,
    SHUTTING_DOWN,
    Discreet,
    Pings,
    is_loss,
    log_end,
    log_open,
)
from ._websocket import CSMSConnection, WebSocket, info_of, shut_down

__all__ = ["Authenticate", "Server"]

#: `authenticate(identity, credentials, peer_certificate)`: whether to let this station in. It may raise
#: `UpgradeRefused(404, ...)` for a station that it does not know.
Authenticate: TypeAlias = Callable[[str, Credentials | None, Mapping[str, Any] | None], bool]

#: Seconds after which a main thread that waits looks whether it was asked to end.
AWAKE = 1.0


class Server:
    """What `serve` returns: lets stations connect from `with` or `serve_forever` on, until `shutdown`."""

    def __init__(
        self,
        host: str | None,
        port: int,
        *,
        handler: Callable[[WebSocket], object],
        admission: Admission[bool],
        tls: ssl.SSLContext | None,
        pings: Pings,
        compression: bool,
        max_size: int,
        open_timeout: float,
        close_timeout: float,
    ) -> None:
        self._handler = handler
        self._admission = admission
        self._tls = tls
        self._pings = pings
        self._open_timeout = open_timeout
        self._close_timeout = close_timeout
        self._settings: dict[str, Any] = {
            "process_request": self._judge,
            "process_response": self._name_version,
            "server_header": None,
            "extensions": [ServerPerMessageDeflateFactory(**DEFLATE)] if compression else None,
            "compression": None,
            "open_timeout": open_timeout,
            "ping_interval": pings.interval,
            "ping_timeout": pings.timeout,
            "close_timeout": close_timeout,
            "max_size": max_size,
            "logger": Discreet(LOGGER, {}),
            "create_connection": self._connection,
        }
        self._lock = Lock()  # round all that follows
        self._opening: WeakSet[socket] = WeakSet()  # that have no WebSocket yet
        self._open: set[WebSocket] = set()
        self._threads: WeakSet[Thread] = WeakSet()  # of those who have connected
        self._server: server.Server | None = None
        self._accepting: Thread | None = None
        self._parting = False
        self._over = Event()
        self._listener = _Listener(*_bound(host, port))
        #: Host and port.
        self.address: tuple[str, int] = self._listener.getsockname()[:2]

    # For users.

    def __enter__(self) -> Self:
        with self._lock:
            if self._server is not None or self._parting:
                raise RuntimeError("a server serves once")
            self._server = server.serve(self._welcome, sock=self._listener, **self._settings)
            name = f"accept {self.address[0]}:{self.address[1]}"
            self._accepting = Thread(target=self._server.serve_forever, name=name)
            self._accepting.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()

    def serve_forever(self) -> None:
        """Wait until another thread calls `shutdown`. For the block of `with`."""
        if self._server is None:
            raise RuntimeError("nobody can connect yet: with serve(...) as server: server.serve_forever()")
        while not self._over.wait(AWAKE):
            pass  # the system may tell any thread of Ctrl-C, and Python heeds it only once this one runs

    def shutdown(self) -> None:
        """Let nobody in any more, end all links in good order, and wait for their threads. Again, it does
        nothing.

        A handler that does not end within a few seconds of its link is left behind, and logged.
        Raises RuntimeError in the thread of a handler, for that is one to wait for.
        """
        with self._lock:
            if current_thread() in self._threads:
                raise RuntimeError("shutdown() waits for the threads of all links, and this is one of them")
            first, self._parting = not self._parting, True
            for stream in self._opening:
                shut_down(stream)
            farewells = [Thread(target=_part_from, args=(websocket,)) for websocket in self._open]
        if not first:
            self._over.wait()
            return
        try:
            self._listener.close()
            for thread in farewells:
                thread.start()
            for thread in farewells:
                thread.join()
            self._join()
        finally:
            self._over.set()

    def _join(self) -> None:
        """Wait for the threads of the links, then for the one that accepted them."""
        end = monotonic() + SHUTDOWN_GRACE
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(max(0.0, end - monotonic()))
        left = [thread for thread in threads if thread.is_alive()]
        if left:
            LOGGER.error("%d handlers have not ended, although their links have", len(left))
        if self._server is not None and self._accepting is not None:
            # Newer versions of websockets wait for all handlers here, however long that takes.
            closing = Thread(target=self._server.shutdown, daemon=True)
            closing.start()
            closing.join(0.0 if left else None)
            self._accepting.join()

    # One who connects, in a thread of its own.

    def _connection(self, stream: socket, *others: Any, **settings: Any) -> CSMSConnection:
        """What `websockets` is to serve somebody with. It would not say why there is no TLS, so that comes
        here.
        """
        try:
            if self._tls is not None:
                stream = self._tls.wrap_socket(stream, server_side=True, do_handshake_on_connect=False)
            with self._lock:
                self._threads.add(current_thread())
                self._opening.add(stream)
                if self._parting:
                    raise ConnectionError(SHUTTING_DOWN)
            if isinstance(stream, ssl.SSLSocket):
                stream.settimeout(self._open_timeout)
                stream.do_handshake()
                stream.settimeout(None)
        except Exception as error:
            LOGGER.info("somebody connected, but there is no link: %r", error)
            stream.close()
            raise
        if self._pings.interval is not None:
            settings["ping_interval"] = self._pings.draw()
        return CSMSConnection(stream, *others, **settings)

    def _judge(self, connection: server.ServerConnection, request: Request) -> Response | None:
        """Whether the station is let in; what it is answered, if not."""
        assert isinstance(connection, CSMSConnection)
        try:
            connection.upgrade = self._judged(connection, request)
        except UpgradeRefused as refusal:
            LOGGER.info("%.100r: refused: %s", request.path.partition("?")[0], refusal)
            return response_to(connection.protocol, refusal)
        return None

    def _judged(self, connection: server.ServerConnection, request: Request) -> Upgrade:
        """What is asked for, if the application lets the station in. Raises UpgradeRefused."""
        certificate = info_of(connection).peer_certificate
        upgrade = self._admission.read(
            request.path,
            request.headers.raw_items(),
            secure=isinstance(connection.socket, ssl.SSLSocket),
            certificate=certificate,
        )
        if self._admission.authenticate is None:
            return upgrade
        try:
            welcome = self._admission.authenticate(upgrade.identity, upgrade.credentials, certificate)
        except UpgradeRefused:
            raise
        except Exception as error:
            raise self._admission.crashed(upgrade, error) from error
        return self._admission.settled(upgrade, welcome)

    def _name_version(
        self, connection: server.ServerConnection, request: Request, response: Response
    ) -> None:
        """Tell the station which version was chosen."""
        assert isinstance(connection, CSMSConnection)
        chosen = None if connection.upgrade is None else connection.upgrade.subprotocol
        if response.status_code == SWITCHING_PROTOCOLS and chosen is not None:
            response.headers["Sec-WebSocket-Protocol"] = chosen
            connection.protocol.subprotocol = Subprotocol(chosen)

    def _welcome(self, connection: server.ServerConnection) -> None:
        """Serve one whose WebSocket is open."""
        assert isinstance(connection, CSMSConnection)
        upgrade = connection.upgrade
        assert upgrade is not None
        if upgrade.version is None:
            assert upgrade.closing is not None
            LOGGER.info("%s: %s", upgrade.identity, upgrade.closing.reason)
            connection.close(upgrade.closing.code, upgrade.closing.reason)
            return
        websocket = WebSocket(connection, identity=upgrade.identity, version=upgrade.version)
        with self._lock:
            self._opening.discard(connection.socket)
            parting = self._parting
            if not parting:
                self._open.add(websocket)
        if parting:
            _part_from(websocket)
            return
        log_open(websocket)
        try:
            self._handler(websocket)
        except Exception as error:
            if not is_loss(error):
                LOGGER.exception("%s: the handler of the link has crashed", websocket.identity)
                websocket.close(CloseCode.INTERNAL_ERROR)
        finally:
            websocket.close()
            with self._lock:
                self._open.discard(websocket)
            log_end(websocket)


class _Listener(socket):
    """Listens. That somebody cannot be accepted is no reason to stop, nor that too many come."""

    def __init__(self, family: int, kind: int, protocol: int, descriptor: int) -> None:
        super().__init__(family, kind, protocol, descriptor)
        self._closed_here = Event()
        self.settimeout(ACCEPT_PAUSE)  # for those who have gone again before they are accepted

    def accept(self) -> tuple[socket, Any]:
        while True:
            try:
                return super().accept()
            except OSError as error:
                if self._closed_here.is_set():
                    raise
                if not isinstance(error, TimeoutError):
                    LOGGER.warning("somebody could not be accepted: %s", error)
                    self._closed_here.wait(ACCEPT_PAUSE)

    def close(self) -> None:
        self._closed_here.set()
        super().close()


def _bound(host: str | None, port: int) -> tuple[int, int, int, int]:
    """A socket that listens there, in its parts. Without a host, at all addresses of this machine."""
    if host is None and has_dualstack_ipv6():
        bound = create_server(("", port), family=AF_INET6, dualstack_ipv6=True)
    else:
        family, *_, address = getaddrinfo(host or "", port, type=SOCK_STREAM, flags=AI_PASSIVE)[0]
        bound = create_server(address[:2], family=family)
    return bound.family, bound.type, bound.proto, bound.detach()


def _part_from(websocket: WebSocket) -> None:
    """End one link in good order, because the server shuts down."""
    websocket.drained(SHUTDOWN_GRACE)
    websocket.close(CloseCode.GOING_AWAY, SHUTTING_DOWN)
