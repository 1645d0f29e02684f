"""TLS over a byte stream: anyio's, which here also tells the peer why a handshake has failed.

anyio raises what OpenSSL says and leaves unsent what it would tell the peer. Without that alert a station
cannot know whether it is the version, the suite or the certificate (J16-712). Decides nothing.
"""

import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar, TypeVarTuple

import anyio
from anyio.abc import AnyByteStream, Listener, TaskGroup
from anyio.streams import tls

from ._settings import LOGGER
from ._websocket import LOST

__all__ = ["TLSStream", "listening_with_tls"]

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")

ALERT_TIMEOUT = 1.0  # seconds, for a peer that does not read


class TLSStream(tls.TLSStream):
    """A TLS stream whose peer is told of its faults."""

    async def _call_sslobject_method(self, func: Callable[[*Arguments], Result], *args: *Arguments) -> Result:
        try:
            return await super()._call_sslobject_method(func, *args)
        except ssl.SSLError:
            with suppress(*LOST), anyio.move_on_after(ALERT_TIMEOUT):
                await self.transport_stream.send(self._write_bio.read())
            raise


class _Listener(Listener[tls.TLSStream]):
    """Does not show the traceback of each port scanner."""

    def __init__(self, listener: Listener[Any], context: ssl.SSLContext, timeout: float) -> None:
        self._listener = listener
        self._context = context
        self._timeout = timeout

    async def serve(
        self, handler: Callable[[tls.TLSStream], Any], task_group: TaskGroup | None = None
    ) -> None:
        async def secure(stream: AnyByteStream) -> None:
            try:
                with anyio.fail_after(self._timeout):
                    secured = await TLSStream.wrap(
                        stream, ssl_context=self._context, standard_compatible=False
                    )
            except Exception as error:
                LOGGER.info("no TLS with somebody who connected: %r", error)
                await anyio.aclose_forcefully(stream)
            except BaseException:
                await anyio.aclose_forcefully(stream)
                raise
            else:
                await handler(secured)

        await self._listener.serve(secure, task_group)

    async def aclose(self) -> None:
        await self._listener.aclose()


def listening_with_tls(
    listener: Listener[Any], context: ssl.SSLContext, timeout: float
) -> Listener[tls.TLSStream]:
    """The listener, such that its streams are secure; who takes longer than that is hung up on."""
    return _Listener(listener, context, timeout)
