"""The station's part of a recording, played to a live CSMS: its calls in order, and its recorded answers to
what it is asked.

The verdict on each frame is that of a `Rehearsal`; here, answers are compared with the recorded ones.
"""

import argparse
import os
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast

import anyio
import attrs

from ocpp_sansio import (
    CallReceived,
    CallTimeout,
    Connection,
    ConnectionClosed,
    OCPPError,
    RemoteProtocolError,
    Role,
    Validation,
)
from ocpp_sansio.errors import NotSupportedError
from ocpp_sansio.handshake import UpgradeFailed
from ocpp_sansio.messages import Raw, Request

from ...driver import Driver
from ...records import FrameReceived, FrameSent, Record
from ...websockets import WebSocket, connect
from .._command import FINE, NOT_FINE, Problem
from .._messages.example import example_of
from .._paint import Paint
from .reading import Heard, Link, Reading
from .redaction import Redactor
from .rehearsal import Rehearsal
from .rules import rule
from .spoken import Exchange, Spoken, Trouble
from .telling import caption, counted, duration, status_of, told_of

__all__ = ["play"]


def play(reading: Reading, options: argparse.Namespace) -> int:
    """Play each station of the recording, one after the other, and tell what is other than recorded."""
    deviations = 0
    for link in reading.conversations:
        heard = [item for item in reading.heard if item.link == link]
        deviations += anyio.run(_Playing(link, heard, options).run)
    paint = Paint(sys.stdout)
    print(paint("red", counted(deviations, "deviation")) if deviations else paint("green", "no deviation"))
    return NOT_FINE if deviations else FINE


class _Player(Driver):
    """Answers what the CSMS asks as the station did then; what it was not asked, with a plain yes."""

    def __init__(
        self, protocol: Connection, transport: WebSocket, answers: dict[str, deque[Spoken]], **more: Any
    ) -> None:
        super().__init__(protocol, transport, **more)
        self._answers = answers

    def handle(self, received: CallReceived) -> Any:
        recorded = self._answers.get(received.action)
        if recorded:
            answer = recorded.popleft()
            if answer.error is not None:
                raise OCPPError(answer.error.description, answer.error.details, code=answer.error.code)
            if isinstance(answer.payload, dict):
                return Raw(received.action, answer.payload)
        if isinstance(received.request, Raw):
            raise NotSupportedError("the recording has no answer to this")
        return example_of(received.request.__answer__)


@attrs.define
class _Playing:
    """One station's part."""

    link: Link
    heard: list[Heard]
    options: argparse.Namespace
    transactions: dict[int, int] = attrs.field(factory=dict[int, int])  # recorded id: the one of today
    live: list[Spoken] = attrs.field(factory=list[Spoken])

    async def run(self) -> int:
        """Play, and return the number of deviations."""
        identity = self.link.station or self.options.station or "CP_1"
        password = self.options.password or os.environ.get("OCPP_PASSWORD") or None
        version = self.link.version
        redactor = Redactor(off=self.options.secrets)
        conversation = Rehearsal(version, patience=self.options.timeout)

        def observe(record: Record) -> None:
            if isinstance(record, FrameSent | FrameReceived):
                sender = Role.CHARGING_STATION if isinstance(record, FrameSent) else Role.CSMS
                self.live.append(conversation.take(record.text, sender, record.time))

        print(f"{identity}, OCPP {version.value}, to {self.options.against}")
        protocol = Connection(
            Role.CHARGING_STATION,
            version,
            call_timeout=self.options.timeout,
            validation=Validation(sent="off"),
        )
        deviations = 0
        try:
            async with connect(
                self.options.against, identity, versions=[version], password=password
            ) as websocket:
                player = _Player(
                    protocol, websocket, self._recorded_answers(), identity=identity, observers=[observe]
                )
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(_keep, player)
                    deviations = await self._play(player, redactor)
                    tasks.cancel_scope.cancel()
        except (OSError, UpgradeFailed, ValueError) as error:
            raise Problem(f"there is no link to {self.options.against}: {error}.") from None
        return deviations

    async def _play(self, player: _Player, redactor: Redactor) -> int:
        deviations = 0
        for item in self.heard:
            exchange = item.spoken.exchange
            if exchange is None or exchange.call is not item.spoken:
                continue
            if item.spoken.sender is not Role.CHARGING_STATION:
                continue
            seen = len(self.live)
            troubles, said = await self._ask(player, exchange)
            troubles += [
                trouble
                for spoken in self.live[seen:]
                if spoken.sender is Role.CSMS
                for trouble in spoken.troubles
                if not trouble.noted
                and spoken.kind != "CALLERROR"  # which was compared with the recorded answer
            ]
            deviations += len(troubles)
            self._tell(item, said, troubles, redactor)
            if player.protocol.closed:
                break
        return deviations

    async def _ask(self, player: _Player, exchange: Exchange) -> tuple[list[Trouble], str]:
        """Ask what the station has asked. Returns what is other than recorded, and the answer in a word."""
        request = self._request(exchange)
        began = anyio.current_time()
        try:
            await player.call(request)
        except OCPPError as error:
            return list(self._compare_error(exchange, error)), f"refused: {error.code}"
        except CallTimeout as error:
            return [Trouble(text=str(error), rule=rule("302", self.link.version))], "no answer"
        except RemoteProtocolError:
            return [], "unusable"  # the conversation says why
        except ConnectionClosed:
            return [Trouble(text="the CSMS has closed the link")], "no link"
        payload: Any = next(
            (
                item.payload
                for item in reversed(self.live)
                if item.kind == "CALLRESULT" and item.sender is Role.CSMS
            ),
            {},
        )
        self._learn(exchange, payload)
        took = duration(anyio.current_time() - began)
        return list(self._compare(exchange, payload)), f"{status_of(payload) or 'answered'}, {took}"

    def _request(self, exchange: Exchange) -> Request[Any, Any]:
        """The call, with the transaction id that the live CSMS has given."""
        recorded = exchange.received
        if recorded is None:
            payload = exchange.call.payload
            return Raw(exchange.call.action, payload if isinstance(payload, dict) else {})
        number = getattr(recorded.request, "transaction_id", None)
        if isinstance(number, int) and number in self.transactions:
            request: Any = recorded.request  # an attrs class, as all messages with members are
            return cast("Request[Any, Any]", attrs.evolve(request, transaction_id=self.transactions[number]))
        return recorded.request

    def _learn(self, exchange: Exchange, payload: Any) -> None:
        recorded = exchange.answer.payload if exchange.answer is not None else None
        match recorded, payload:
            case {"transactionId": int() as then}, {"transactionId": int() as now}:
                self.transactions[then] = now
            case _:
                pass

    def _compare(self, exchange: Exchange, payload: Any) -> Iterator[Trouble]:
        answer = exchange.answer
        if answer is None:
            return
        if answer.kind == "CALLERROR":
            yield Trouble(text=f"answered; recorded was a refusal{_code_of(answer)}")
            return
        now, then = status_of(payload), status_of(answer.payload)
        if now != then:
            yield Trouble(text=f"the status is {now or 'not there'}; recorded was {then or 'none'}")

    def _compare_error(self, exchange: Exchange, error: OCPPError) -> Iterator[Trouble]:
        answer = exchange.answer
        described = f": {error.description}" if error.description else ""
        if answer is None or answer.kind != "CALLERROR":
            recorded = "nothing" if answer is None else status_of(answer.payload) or "an answer"
            yield Trouble(text=f"refused with {error.code}; recorded was {recorded}{described}")
        elif answer.error is not None and answer.error.code != error.code:
            yield Trouble(text=f"refused with {error.code}; recorded was {answer.error.code}{described}")

    def _recorded_answers(self) -> dict[str, deque[Spoken]]:
        """What the station has answered, by action, in order."""
        found: dict[str, deque[Spoken]] = {}
        for item in self.heard:
            exchange = item.spoken.exchange
            if (
                exchange is not None
                and exchange.answer is item.spoken
                and item.spoken.sender is Role.CHARGING_STATION
            ):
                found.setdefault(item.spoken.action, deque()).append(item.spoken)
        return found

    def _tell(self, item: Heard, said: str, troubles: list[Trouble], redactor: Redactor) -> None:
        paint = Paint(sys.stdout)
        line = next(told_of(item, paint, redactor, slow=float("inf"), names=False))
        print(f"{line}  {said}")
        redactor.frame(item.spoken.text)
        for trouble in troubles:
            by = f"  [{trouble.rule}]" if trouble.rule else ""
            path = f"{trouble.path}: " if trouble.path else ""
            print(f"          {paint('red', paint.cross)} {path}{caption(trouble, redactor)}{by}", flush=True)


def _code_of(answer: Spoken) -> str:
    return "" if answer.error is None else f" with {answer.error.code}"


async def _keep(player: _Player) -> None:
    """Read until the link is lost; whoever calls is told then."""
    with suppress(Exception):
        await player.start()
