"""The station's part of a recording, played to a live CSMS: its calls in order, and its recorded answers to
what it is asked.

The verdict on each frame is that of a `Rehearsal`; here, answers are compared with the recorded ones.
"""

import argparse
import os
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

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
from ocpp_sansio.errors import NotSupportedError, SchemaViolation
from ocpp_sansio.handshake import UpgradeFailed
from ocpp_sansio.messages import Raw, Request

from ...driver import Driver
from ...records import FrameReceived, FrameSent, Record
from ...websockets import WebSocket, connect
from .._command import FINE, INTERRUPTED, NOT_FINE, Problem
from .._messages.example import example_of
from .deviations import Deviations
from .listening import Heard, Link, Reading
from .numbers import Numbers
from .redaction import Redactor
from .rehearsal import Rehearsal
from .rules import rule
from .spoken import Exchange, Spoken, Trouble
from .telling import status_of
from .words import counted, duration

__all__ = ["play"]


def play(reading: Reading, told: Deviations, options: argparse.Namespace) -> int:
    """Play each station of the recording, one after the other, and tell what is other than recorded. Ctrl-C
    ends it with what was found.
    """
    by_link: dict[Link, list[Heard]] = {}
    for item in reading.heard:
        by_link.setdefault(item.link, []).append(item)
    asked = 0
    cut = False
    for link, heard in by_link.items():
        playing = _Playing(link, heard, told, options)
        try:
            anyio.run(playing.run)
        except KeyboardInterrupt:
            cut = True
        asked += playing.asked
        if cut:
            break
    told.end(reading, f"{counted(asked, 'call')} played on {counted(len(by_link), 'link')}")
    if cut:
        raise Problem("interrupted before everything was played.", INTERRUPTED)
    return NOT_FINE if told.number else FINE


class _Player(Driver):
    """Answers what the CSMS asks as the station did then; what it was not asked, with a plain yes."""

    def __init__(
        self, protocol: Connection, transport: WebSocket, recorded: Mapping[str, deque[Exchange]], **more: Any
    ) -> None:
        super().__init__(protocol, transport, **more)
        self._recorded = recorded
        self.numbers = Numbers()

    def handle(self, received: CallReceived) -> Any:
        recorded = self._recorded.get(received.action)
        if recorded:
            exchange = recorded.popleft()
            answer = exchange.answer
            assert answer is not None
            self.numbers.learn(exchange.call.payload, received.payload)
            if answer.error is not None:
                raise OCPPError(answer.error.description, answer.error.details, code=answer.error.code)
            if isinstance(answer.payload, dict):
                return Raw(received.action, answer.payload)
        if isinstance(received.request, Raw):
            raise NotSupportedError("the recording has no answer to this")
        return example_of(received.request.__answer__)


@attrs.define
class _Playing:
    """One station's part. `asked` counts its calls."""

    link: Link
    heard: list[Heard]
    told: Deviations
    options: argparse.Namespace
    live: list[Spoken] = attrs.field(factory=list[Spoken])
    asked: int = 0

    async def run(self) -> None:
        """Play, and tell what is other than recorded."""
        identity = self.link.station or self.options.station or "CP_1"
        password = self.options.password or os.environ.get("OCPP_PASSWORD") or None
        version = self.link.version
        conversation = Rehearsal(version, patience=self.options.timeout)

        def observe(record: Record) -> None:
            if isinstance(record, FrameSent | FrameReceived):
                sender = Role.CHARGING_STATION if isinstance(record, FrameSent) else Role.CSMS
                self.live.append(conversation.take(record.text, sender, record.time))

        url = Redactor(off=self.options.secrets).address(self.options.against)
        if not self.options.json:
            print(f"{identity}, OCPP {version.value}, to {url}", flush=True)
        protocol = Connection(
            Role.CHARGING_STATION,
            version,
            call_timeout=self.options.timeout,
            validation=Validation(sent="off"),
        )
        try:
            async with connect(
                self.options.against, identity, versions=[version], password=password
            ) as websocket:
                player = _Player(
                    protocol, websocket, self._recorded_answers(), identity=identity, observers=[observe]
                )
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(_keep, player)
                    await self._play(player)
                    tasks.cancel_scope.cancel()
        except (OSError, UpgradeFailed, ValueError) as error:
            raise Problem(f"there is no link to {url}: {error}.") from None

    async def _play(self, player: _Player) -> None:
        seen = 0
        for item in self.heard:
            exchange = item.spoken.exchange
            if exchange is None or exchange.call is not item.spoken:
                continue
            if item.spoken.sender is not Role.CHARGING_STATION:
                continue
            troubles, said = await self._ask(player, exchange)
            self.asked += 1
            troubles += [
                trouble
                for spoken in self.live[seen:]
                if spoken.sender is Role.CSMS
                for trouble in spoken.troubles
                if not trouble.noted
                and spoken.kind != "CALLERROR"  # which was compared with the recorded answer
            ]
            seen = len(self.live)
            self.told.tell(item, troubles, said)
            if player.protocol.closed:
                break

    async def _ask(self, player: _Player, exchange: Exchange) -> tuple[list[Trouble], str]:
        """Ask what the station has asked. Returns what is other than recorded, and the answer in a word."""
        began = anyio.current_time()
        try:
            await player.call(_request(exchange, player.numbers))
        except OCPPError as error:
            return list(self._compare_error(exchange, error)), f"refused: {self._spelled(error)}"
        except CallTimeout as error:
            return [Trouble(text=str(error), rule=rule("302", self.link.version))], "no answer"
        except SchemaViolation as error:
            return [Trouble(text=str(error))], "not sent"
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
        if exchange.answer is not None:
            player.numbers.learn(exchange.answer.payload, payload)
        took = duration(anyio.current_time() - began)
        return list(self._compare(exchange, payload)), f"{status_of(payload) or 'answered'}, {took}"

    def _compare(self, exchange: Exchange, payload: Any) -> Iterator[Trouble]:
        answer = exchange.answer
        if answer is None:
            return
        if answer.kind == "CALLERROR":
            yield Trouble(text=f"answered; recorded was a refusal{_code_of(answer)}")
            return
        now, then = status_of(payload), status_of(answer.payload)
        if now != then:
            said = f"the status is {now}" if now else "there is no status"
            yield Trouble(text=f"{said}; recorded was {then or 'none'}")

    def _compare_error(self, exchange: Exchange, error: OCPPError) -> Iterator[Trouble]:
        answer = exchange.answer
        described = f": {error.description}" if error.description else ""
        if answer is None or answer.kind != "CALLERROR":
            recorded = "nothing" if answer is None else status_of(answer.payload) or "an answer"
            yield Trouble(text=f"refused with {self._spelled(error)}; recorded was {recorded}{described}")
        elif answer.error is not None and answer.error.code != error.code:
            yield Trouble(text=f"refused with {self._spelled(error)}; recorded was {answer.code}{described}")

    def _spelled(self, error: OCPPError) -> str:
        return self.link.version.rules.spell(error.code)

    def _recorded_answers(self) -> dict[str, deque[Exchange]]:
        """What the station has answered to what, by action, in order."""
        found: dict[str, deque[Exchange]] = {}
        for item in self.heard:
            exchange = item.spoken.exchange
            if (
                exchange is not None
                and exchange.answer is item.spoken
                and item.spoken.sender is Role.CHARGING_STATION
            ):
                found.setdefault(item.spoken.action, deque()).append(exchange)
        return found


def _request(exchange: Exchange, numbers: Numbers) -> Request[Any, Any]:
    """The call, with the numbers that the live CSMS has given."""
    payload = exchange.call.payload
    if exchange.received is None:
        return Raw(exchange.call.action, payload if isinstance(payload, dict) else {})
    now = numbers.today(payload)
    return exchange.received.request if now == payload else Raw(exchange.call.action, now)


def _code_of(answer: Spoken) -> str:
    return f" with {answer.code}" if answer.code else ""


async def _keep(player: _Player) -> None:
    """Read until the link is lost; whoever calls is told then."""
    with suppress(Exception):
        await player.start()
