"""How a WebSocket opens: the steps that both ends have in common.

Moves bytes until the upgrade is answered. Decides nothing: who is let in and what is spoken is decided by
`ocpp_sansio.handshake`, and asked by `websockets` and `_server`.
"""

from contextlib import suppress
from typing import Any

import anyio
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSAttribute
from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from ocpp_sansio import CloseRequested

from ._settings import Info
from ._websocket import LOST

__all__ = ["close_at_once", "handshake", "info_of", "write"]


async def handshake(stream: ByteStream, protocol: Any) -> tuple[Any, list[Frame]]:
    """The request or the response of the upgrade, and the frames that came in its wake."""
    while True:
        await write(stream, protocol)
        events = protocol.events_received()
        if events:
            return events[0], events[1:]
        if protocol.handshake_exc is not None:
            raise ConnectionError("what came is no upgrade to a WebSocket") from protocol.handshake_exc
        try:
            protocol.receive_data(await stream.receive())
        except anyio.EndOfStream:
            protocol.receive_eof()


async def close_at_once(
    stream: ByteStream,
    protocol: ClientProtocol | ServerProtocol,
    closing: CloseRequested,
    close_timeout: float,
) -> None:
    """Close what has just opened, since nobody may speak. Waits for the other end's word."""
    protocol.send_close(closing.code, closing.reason)
    with suppress(*LOST), anyio.move_on_after(close_timeout):
        while protocol.close_rcvd is None:
            await write(stream, protocol)
            protocol.receive_data(await stream.receive())


async def write(stream: ByteStream, protocol: ClientProtocol | ServerProtocol) -> None:
    """Write what waits. That nothing follows is said by closing the stream."""
    for octets in protocol.data_to_send():
        if octets:
            await stream.send(octets)


def info_of(
    stream: ByteStream, path: str, message: Request | Response, subprotocol: str | None = None
) -> Info:
    """What a handler may want to know."""
    return Info(
        path=path,
        subprotocol=subprotocol,
        headers=tuple(message.headers.raw_items()),
        remote=stream.extra(SocketAttribute.remote_address, None),
        peer_certificate=stream.extra(TLSAttribute.peer_certificate, None),
    )
