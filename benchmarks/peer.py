"""mobilityhouse's `ocpp` behind the same doors: a CALL that it receives, and a call that it makes.

It validates in a thread (its default) or, with `ASYNC_VALIDATION = False`, at once ("sync").
"""

import asyncio
import atexit
import json
import logging
from collections.abc import Callable, Coroutine
from importlib import import_module
from typing import Any

import ocpp.messages
from ocpp.charge_point import ChargePoint, camel_to_snake_case
from ocpp.routing import create_route_map

from .messages import Sample
from .timing import Run

__all__ = ["NotThere", "calling", "charge_point", "exchanged", "receiving", "refusing"]

_runner = asyncio.Runner()  # one loop for all, so that no round pays for a new thread pool
atexit.register(_runner.close)
logging.getLogger("ocpp").setLevel(logging.CRITICAL + 1)  # nor for a log


class NotThere(Exception):
    """The peer cannot do this; the text says what happened instead."""


def receiving(sample: Sample, answer: dict[str, Any], *, in_thread: bool) -> Run:
    """Take the CALL, hand it to a handler, send the handler's answer. Raises NotThere."""
    sent: list[str] = []
    point = exchanged(sample, answer, sent.append)
    if not sent or json.loads(sent[0])[0] != 3:
        raise NotThere(f"it answers {sent[0][:120] if sent else 'nothing'}")
    return _repeated(lambda: point.route_message(sample.text), sent, in_thread=in_thread)


def exchanged(
    sample: Sample, answer: dict[str, Any], send: Callable[[str], None] = lambda text: None
) -> ChargePoint:
    """One end of a link that has handled the CALL once. Raises NotThere."""
    point = charge_point(sample.version, send)
    answer_class = _class(point, "call_result", sample.action)
    fields = camel_to_snake_case(answer)

    def handle(**_: Any) -> Any:
        return answer_class(**fields)

    _route(point, sample.action, handle)
    _runner.run(point.route_message(sample.text))
    return point


def calling(sample: Sample, answer: str, *, in_thread: bool) -> Run:
    """Make the call over a transport that answers at once. Raises NotThere."""
    sent: list[str] = []
    point = charge_point(sample.version, sent.append)
    request_class = _class(point, "call", sample.action)

    async def send(text: str) -> None:
        id = text[4:40]  # [2,"36 characters",...
        await point.route_message(f'[3,"{id}",{answer}]')

    point._connection.send = send
    try:
        request = request_class(**camel_to_snake_case(sample.payload))
        _runner.run(point.call(request, suppress=False))
    except Exception as error:
        raise NotThere(f"it raises {error!r:.120}") from error
    return _repeated(lambda: point.call(request, suppress=False), sent, in_thread=in_thread)


def refusing(version: str, action: str, text: str) -> Run:
    """Take a CALL that is not valid, and send the CALLERROR that it deserves."""
    sent: list[str] = []
    point = charge_point(version, sent.append)
    _route(point, action, lambda **_: None)
    return _repeated(lambda: point.route_message(text), sent, in_thread=False)


def charge_point(version: str, send: Callable[[str], None]) -> ChargePoint:
    """One end of a link, whose transport is a function."""
    made: ChargePoint = import_module(_module(version)).ChargePoint("CP", _Transport(send))
    return made


class _Transport:
    def __init__(self, take: Callable[[str], None]) -> None:
        self.take = take

    async def send(self, text: str) -> None:
        self.take(text)


def _module(version: str) -> str:
    return f"ocpp.v{version.replace('.', '')}"


def _class(point: ChargePoint, module: str, action: str) -> Any:
    found = getattr(getattr(point, f"_{module}"), action, None)
    if found is None:
        raise NotThere(f"it has no {module}.{action}")
    return found


def _route(point: ChargePoint, action: str, handle: Callable[..., Any]) -> None:
    # What its decorator leaves on a method, without the process-wide list that it also keeps.
    routes = create_route_map(point)
    routes[action] = {"_on_action": handle, "_skip_schema_validation": False}
    point.route_map = routes


def _repeated(work: Callable[[], Coroutine[Any, Any, Any]], sent: list[str], *, in_thread: bool) -> Run:
    async def repeat(count: int) -> None:
        for _ in range(count):
            await work()
        sent.clear()

    def run(count: int) -> None:
        ocpp.messages.ASYNC_VALIDATION = in_thread
        _runner.run(repeat(count))

    return run
