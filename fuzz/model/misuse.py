"""What a user must not do. Each is refused with an exception, whatever the state of the connection."""

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from ocpp_sansio import (
    CallReceived,
    ConnectionClosed,
    LocalProtocolError,
    QueueFull,
    Raw,
    Role,
)
from ocpp_sansio.errors import GenericError

from .peer import Peer, pick
from .vocabulary import words

__all__ = ["MISUSES", "REFUSALS"]

#: Which of them it is depends on what is looked at first, and is the business of plain tests.
REFUSALS = (LocalProtocolError, ConnectionClosed, QueueFull, TypeError, ValueError)

_NAN = float("nan")


def _a_call(peer: Peer, **options: Any) -> None:
    request = words(peer.version)["DataTransfer"].request(peer.version)
    call: Any = peer.connection.call
    call(request, **{"now": peer.now, **options})


def _what_the_peer_asks(peer: Peer, index: int) -> None:
    """A station clears no cache, and a CSMS has no heartbeat. A tool without a role may ask for both: there, the
    payload alone is no request.
    """
    action = "Heartbeat" if peer.role is Role.CSMS else "ClearCache"
    word = words(peer.version)[action]
    request: Any = word.payload if peer.role is None else word.request(peer.version)
    peer.connection.call(request, now=peer.now)


def _never_came(peer: Peer) -> CallReceived:
    word = words(peer.version)["DataTransfer"]
    return CallReceived("x", word.action, word.request(peer.version), word.payload, (), "")


def _answered(peer: Peer, index: int) -> CallReceived:
    return pick([*reversed(peer.answered), _never_came(peer)], index)


def _owed(peer: Peer, index: int) -> CallReceived:
    return pick([*peer.connection.owed, _never_came(peer)], index)


def _answer_with_a_request(peer: Peer, index: int) -> None:
    received = _owed(peer, index)
    nonsense: Any = received.request
    peer.connection.reply(received, nonsense, now=peer.now)


def _answer_with_a_broken_error(peer: Peer, index: int) -> None:
    peer.connection.reply_error(_owed(peer, index), GenericError("", {"a": object()}), now=peer.now)


def _broken(message: Any) -> Any:
    """What its schema does not take: something that is no JSON in its first member."""
    setattr(message, attrs.fields(type(message))[0].name, object())
    return message


def _ask_invalidly(peer: Peer, index: int) -> None:
    request = _broken(words(peer.version)["DataTransfer"].request(peer.version))
    peer.connection.call(request, now=peer.now)


def _answer_invalidly(peer: Peer, index: int) -> None:
    received = _owed(peer, index)
    word = words(peer.version)[received.action]
    peer.connection.reply(received, _broken(word.response(peer.version, word.answers[0])), now=peer.now)


def _answer_twice(peer: Peer, index: int) -> None:
    received = _answered(peer, index)
    peer.connection.reply(received, Raw(received.action, {}), now=peer.now)


MISUSES: Mapping[str, Callable[[Peer, int], object]] = {
    "answer twice": _answer_twice,
    "refuse what is answered": lambda peer, index: peer.connection.reply_error(
        _answered(peer, index), GenericError(), now=peer.now
    ),
    "answer invalidly": _answer_invalidly,
    "answer with a request": _answer_with_a_request,
    "answer with a broken error": _answer_with_a_broken_error,
    "ask invalidly": _ask_invalidly,
    "ask what the peer asks": _what_the_peer_asks,
    "ask under a reserved id": lambda peer, index: _a_call(peer, id="-1"),
    "ask under a long id": lambda peer, index: _a_call(peer, id="x" * 37),
    "ask without patience": lambda peer, index: _a_call(peer, timeout=0.0),
    "ask at no time": lambda peer, index: _a_call(peer, now=_NAN),
    "time out at no time": lambda peer, index: peer.connection.handle_timeout(now=_NAN),
    "receive at no time": lambda peer, index: peer.connection.receive_text("", now=_NAN),
    "travel at no time": lambda peer, index: peer.connection.snapshot(now=_NAN),
}
