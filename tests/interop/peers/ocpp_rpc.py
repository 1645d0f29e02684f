"""npm's `ocpp-rpc` in both roles, which ocpp_rpc.js runs on Node.js.

It is strict, which is to judge each message by schemas of its own, unless told otherwise or in 2.1: those
that its release 2.2.1 has for 2.1 go by other names than it looks for. Names of members travel as OCPP spells
them, and are here as those of Python.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs

from ocpp_sansio import Version
from tests.interop.foreign import Answers, Refusal, Refused, Withheld
from tests.interop.node import Node, NodeError
from tests.interop.session import Payload

__all__ = ["OcppRpc", "TheirCSMS", "TheirEnd"]

STRICT = {Version.V16, Version.V201}


@attrs.frozen
class OcppRpc:
    """The library, in its process."""

    node: Node

    @asynccontextmanager
    async def station(
        self, url: str, identity: str, version: Version, answers: Answers, **options: Any
    ) -> AsyncIterator["TheirEnd"]:
        """A station of theirs. `options` are those of RPCClient."""
        number = await self.node.ask(
            "station",
            options={
                "endpoint": url,
                "identity": identity,
                "protocols": [version.subprotocol],
                "strictMode": version in STRICT,
                "reconnect": False,
                **options,
            },
            answers=_answers(answers),
        )
        try:
            yield TheirEnd(self.node, number)
        finally:
            await self.node.ask("close", peer=number)

    @asynccontextmanager
    async def csms(
        self, version: Version, answers: Answers, *, password: str | None = None, **options: Any
    ) -> AsyncIterator["TheirCSMS"]:
        """A central system of theirs. `options` are those of RPCServer."""
        server = await self.node.ask(
            "csms",
            options={"protocols": [version.subprotocol], "strictMode": version in STRICT, **options},
            answers=_answers(answers),
            **({} if password is None else {"password": password}),
        )
        try:
            yield TheirCSMS(self.node, server["number"], f"ws://127.0.0.1:{server['port']}")
        finally:
            await self.node.ask("close", peer=server["number"])


@attrs.frozen
class TheirCSMS:
    """A central system of theirs."""

    node: Node
    number: int
    url: str

    async def arrived(self) -> "TheirEnd":
        return TheirEnd(self.node, await self.node.ask("next", peer=self.number, name="client"))


@attrs.frozen
class TheirEnd:
    """An end of theirs."""

    node: Node
    number: int

    async def call(self, action: str, payload: Payload, **options: Any) -> Payload:
        """Ask the other end. `options` are those of RPCClient.call."""
        try:
            result = await self.node.ask(
                "call", peer=self.number, action=action, payload=_to_wire(payload), options=options
            )
        except NodeError as error:
            if isinstance(error.code, str) and error.name.startswith("RPC"):
                raise Refused(Refusal(error.code, error.message, error.details)) from error
            raise
        return _from_wire(result)

    async def asked(self) -> list[tuple[str, Payload]]:
        asked = await self.node.ask("asked", peer=self.number)
        return [(action, _from_wire(payload)) for action, payload in asked]

    async def close(self, code: int, reason: str, **options: Any) -> None:
        """Close the link. `options` are those of RPCClient.close."""
        await self.node.ask("close", peer=self.number, options={"code": code, "reason": reason, **options})

    async def closed(self) -> tuple[int, str]:
        closing = await self.next("close")
        return closing["code"], closing["reason"]

    async def next(self, name: str) -> Any:
        """What happens next under this name, or has happened since it was last asked for."""
        return await self.node.ask("next", peer=self.number, name=name)

    async def ping(self) -> None:
        """Send a ping, and wait for its pong."""
        await self.node.ask("ping", peer=self.number)
        await self.next("ping")

    async def raw(self, text: str) -> None:
        """Send this text."""
        await self.node.ask("raw", peer=self.number, text=text)

    async def release(self) -> None:
        """Let answers go that are withheld."""
        await self.node.ask("release", peer=self.number)


def _answers(answers: Answers) -> dict[str, Any]:
    return {action: _answer(answer) for action, answer in answers.items()}


def _answer(answer: Any) -> dict[str, Any]:
    if isinstance(answer, Refusal):
        return {"refusal": answer}
    withheld = isinstance(answer, Withheld)
    return {"result": _to_wire(answer.payload if withheld else answer), "withheld": withheld}


def _to_wire(value: Any) -> Any:
    """With all names as OCPP spells them. None of the names in our sessions is irregular."""
    return _renamed(value, lambda name: re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), name))


def _from_wire(value: Any) -> Any:
    return _renamed(value, lambda name: re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", name))


def _renamed(value: Any, rename: Any) -> Any:
    if isinstance(value, dict):
        return {rename(name): _renamed(item, rename) for name, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, rename) for item in value]
    return value
