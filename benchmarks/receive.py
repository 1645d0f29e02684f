"""The receive path in one process: a CALL arrives, is validated, handled, and its answer is validated and written.

Three contenders: this library; the bare floor, `json.loads` of the call and `json.dumps` of the answer; and mobilityhouse's `ocpp`,
with its validation in a thread (its default) and without (sync).
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import ocpp.messages
import ocpp.v16
from ocpp.routing import create_route_map
from ocpp.v16 import call_result as peer_result

from ocpp_sansio import CallReceived, Connection, Role

from .messages import Sample

__all__ = ["contenders"]

Round = Callable[[int], None]  # handles the message that many times


def contenders(sample: Sample) -> dict[str, Round]:
    """One function for each contender."""
    return {
        "ours": _ours(sample),
        "floor": _floor(sample),
        "peer sync": _peer(sample, in_thread=False),
        "peer default": _peer(sample, in_thread=True),
    }


def _ours(sample: Sample) -> Round:
    connection = Connection(Role.CSMS, "1.6")
    text, response = sample.text, sample.response

    def rounds(count: int) -> None:
        for _ in range(count):
            connection.receive_text(text, now=1.0)
            received = connection.next_event()
            assert isinstance(received, CallReceived)
            connection.reply(received, response())
            assert connection.next_frame() is not None

    return rounds


def _floor(sample: Sample) -> Round:
    _, id, _, _ = json.loads(sample.text)
    answer = [3, id, {_camel(name): value for name, value in sample.answer.items()}]

    def rounds(count: int) -> None:
        for _ in range(count):
            json.loads(sample.text)
            json.dumps(answer)

    return rounds


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(map(str.title, tail))


class _Sink:
    async def send(self, text: str) -> None:
        pass


def _peer(sample: Sample, *, in_thread: bool) -> Round:
    charge_point = ocpp.v16.ChargePoint("CP", _Sink())
    charge_point.logger.setLevel("ERROR")
    answer_type = getattr(peer_result, sample.action)

    def handle(**_: Any) -> Any:
        return answer_type(**sample.answer)

    # What its decorator leaves on a method, without the process-wide list that it also keeps.
    routes = create_route_map(charge_point)
    routes[sample.action] = {"_on_action": handle, "_skip_schema_validation": False}
    charge_point.route_map = routes

    async def handle_all(count: int) -> None:
        for _ in range(count):
            await charge_point.route_message(sample.text)

    def rounds(count: int) -> None:
        ocpp.messages.ASYNC_VALIDATION = in_thread
        asyncio.run(handle_all(count))

    return rounds
