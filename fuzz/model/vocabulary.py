"""What the two peers of the model say to each other: a few messages of each version, and texts that no peer
should send.

Of each action there is one request that its schema takes, and the answers that it takes; any other payload is
invalid. So the oracle can judge a payload without a schema.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import attrs

from ocpp_sansio import Rejection, Role, Version
from ocpp_sansio._codec import decoder
from ocpp_sansio.messages import Message, Request, Response, Unconfirmed

__all__ = ["BOOT", "FLAWS", "FRAME_SIZE", "INVALID", "STREAM", "WRONG_ANSWERS", "Frame", "Word", "words"]

Payload = dict[str, Any]
Made = TypeVar("Made", bound=Message)

BOOT = "BootNotification"
STREAM = "NotifyPeriodicEventStream"
INVALID: Payload = {"unheardOf": 1}
_TIME = "2024-05-01T12:00:00Z"


@attrs.frozen
class Word:
    """One action as the model uses it. A SEND has no answers."""

    action: str
    sender: Role | None
    payload: Payload
    answers: tuple[Payload, ...] = ()

    def request(self, version: Version) -> Request[Any, Any]:
        """The request as an object."""
        cls = version.load()[self.action]
        return _made(cls, self.payload)

    def response(self, version: Version, payload: Payload) -> Response:
        """One of the answers as an object."""
        cls = version.load()[self.action].__answer__
        return _made(cls, payload)

    def message(self, version: Version) -> Unconfirmed:
        """The SEND as an object."""
        cls = version.load_sends()[self.action]
        return _made(cls, self.payload)


def _made(cls: type[Made], payload: Payload) -> Made:
    message: Made = decoder(cls)(payload, [])
    return message


def _statuses(*names: str, **others: Any) -> tuple[Payload, ...]:
    return tuple({**others, "status": name} for name in names)


_BOOTED = _statuses("Accepted", "Pending", "Rejected", currentTime=_TIME, interval=300)
_DONE = _statuses("Accepted", "Rejected")
_SHARED = [
    Word("Heartbeat", Role.CHARGING_STATION, {}, ({"currentTime": _TIME},)),
    Word("ClearCache", Role.CSMS, {}, _DONE),
    Word("DataTransfer", None, {"vendorId": "v"}, _DONE),
    Word("TriggerMessage", Role.CSMS, {"requestedMessage": "Heartbeat"}, _DONE),
]
_BOOT_16 = {"chargePointVendor": "v", "chargePointModel": "m"}
_BOOT_2X = {"reason": "PowerUp", "chargingStation": {"vendorName": "v", "model": "m"}}
_START_2X = {"idToken": {"idToken": "x", "type": "Local"}, "remoteStartId": 1}
_WORDS_16 = [
    *_SHARED,
    Word(BOOT, Role.CHARGING_STATION, _BOOT_16, _BOOTED),
    Word("RemoteStartTransaction", Role.CSMS, {"idTag": "x"}, _DONE),
]
_WORDS_201 = [
    *_SHARED,
    Word(BOOT, Role.CHARGING_STATION, _BOOT_2X, _BOOTED),
    Word("RequestStartTransaction", Role.CSMS, _START_2X, _DONE),
]
_STREAMED = {"id": 1, "pending": 0, "basetime": _TIME, "data": [{"t": 0, "v": "1"}]}
_WORDS_21 = [*_WORDS_201, Word(STREAM, Role.CHARGING_STATION, _STREAMED)]
_WORDS: Mapping[Version, Mapping[str, Word]] = {
    version: {word.action: word for word in said}
    for version, said in zip(Version, (_WORDS_16, _WORDS_201, _WORDS_21), strict=True)
}


def words(version: Version) -> Mapping[str, Word]:
    """The words of a version by action; in 2.1, one of them is a SEND."""
    return _WORDS[version]


@attrs.frozen
class Frame:
    """A text on the wire. Of one that is no proper frame, `flaw` says why not, and the rest what can still be
    read of it: its message type, its id and, of a CALLERROR, its code.

    `closes` is the code with which the WebSocket should be closed because of it.
    """

    text: str | bytes
    flaw: Rejection | None = None
    kind: int | None = None
    id: str | None = None
    code: str | None = None
    closes: int | None = None


_LONG = "x" * 37
_DEEP = "[" * 65 + "]" * 65
#: The biggest frame that the connections of the model take.
FRAME_SIZE = 2000

#: What garbage there is, made with a message id that means something to the one who gets it.
FLAWS: Mapping[str, Callable[[str], Frame]] = {
    "empty": lambda id: Frame("", Rejection.EMPTY),
    "no JSON": lambda id: Frame("nonsense", Rejection.NOT_JSON),
    "no array": lambda id: Frame("{}", Rejection.NOT_A_FRAME),
    "no type": lambda id: Frame(f'["2","{id}"]', Rejection.UNKNOWN_MESSAGE_TYPE, None, id),
    "type 9": lambda id: Frame(f'[9,"{id}"]', Rejection.UNKNOWN_MESSAGE_TYPE, None, id),
    "cut CALL": lambda id: Frame(f'[2,"{id}","Heartbeat",{{', Rejection.BROKEN_CALL, 2, id),
    "short": lambda id: Frame(f'[2,"{id}","Heartbeat"]', Rejection.MALFORMED_CALL, 2, id),
    "id 7": lambda id: Frame('[2,7,"Heartbeat",{}]', Rejection.ID_NOT_TEXT, 2),
    "long id": lambda id: Frame(f'[2,"{_LONG}","Heartbeat",{{}}]', Rejection.ID_TOO_LONG, 2, _LONG),
    "surrogate": lambda id: Frame(f'[2,"{id}","Heartbeat","\\ud800"]', Rejection.NOT_UNICODE, 2, id),
    "no UTF-8": lambda id: Frame(b"\xff", Rejection.NOT_UTF8, closes=1007),
    "too big": lambda id: Frame("x" * (FRAME_SIZE + 1), Rejection.TOO_BIG, closes=1009),
    "cut SEND": lambda id: Frame(f'[6,"{id}","{STREAM}",', Rejection.NOT_JSON, 6, id),
    "cut CALLRESULTERROR": lambda id: Frame(f'[5,"{id}",', Rejection.NOT_JSON, 5, id),
}

#: What a call can be answered with instead of one of its answers.
WRONG_ANSWERS: Mapping[str, Callable[[str], Frame]] = {
    "invalid": lambda id: Frame(f'[3,"{id}",{{"unheardOf":1}}]'),
    "null": lambda id: Frame(f'[3,"{id}",null]'),
    "no payload": lambda id: Frame(f'[3,"{id}"]'),
    "too much": lambda id: Frame(f'[3,"{id}",{{}},{{}}]'),
    "a list": lambda id: Frame(f'[3,"{id}",[]]'),
    "error": lambda id: Frame(f'[4,"{id}","InternalError","",{{}}]'),
    "odd error": lambda id: Frame(f'[4,"{id}","Weird"]'),
    "bare error": lambda id: Frame(f'[4,"{id}"]'),
    "cut CALLRESULT": lambda id: Frame(f'[3,"{id}",{{', Rejection.NOT_JSON, 3, id),
    "cut CALLERROR": lambda id: Frame(f'[4,"{id}",', Rejection.NOT_JSON, 4, id),
    "cut CALLERROR with code": lambda id: Frame(
        f'[4,"{id}","InternalError",', Rejection.NOT_JSON, 4, id, "InternalError"
    ),
    "deep": lambda id: Frame(f'[3,"{id}",{{"a":{_DEEP}}}]', Rejection.TOO_DEEP, 3, id),
    "deep error": lambda id: Frame(
        f'[4,"{id}","InternalError","",{{"a":{_DEEP}}}]', Rejection.TOO_DEEP, 4, id, "InternalError"
    ),
    "answer to an answer": lambda id: Frame(f'[5,"{id}","InternalError","",{{}}]'),
    "nothing": lambda id: Frame("[3]"),
}
