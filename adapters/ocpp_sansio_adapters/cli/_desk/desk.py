"""The commands that an operator types while a CSMS or stations run: one table, the same at both ends."""

from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import partial
from types import MappingProxyType
from typing import Any

import anyio
import attrs

from ocpp_sansio import LocalProtocolError, OCPPError, Raw, Role, Unanswered
from ocpp_sansio.errors import SchemaViolation
from ocpp_sansio.messages import Unconfirmed
from ocpp_sansio.validation import encode_unjudged

from ...charge_point import ChargePoint
from .._messages.request import Unreadable, find_action, message_from, payload_from, sendable, words_after
from .console import Console
from .live import Shell
from .shown import pretty, printable

__all__ = ["WAIT", "Desk", "Failed", "Verb"]

WAIT = 60.0  # seconds, where the command does not say
MOST_NAMED = 5  # stations in one sentence

#: What `help` ends with.
PATTERNS = ("", "call and raw take a pattern for STATION, and go to all that it names: call CP_* ClearCache")


class Failed(Exception):
    """A command could not be carried out: one sentence."""


@attrs.frozen
class Verb:
    """A command: what follows its name, what it does, and whether a station is named first."""

    arguments: str
    summary: str
    run: Callable[[str], Awaitable[None]]
    of_station: bool = False


@attrs.define
class Desk:
    """Reads commands and obeys them. `role` is which end we are.

    `peers` are those that can be talked to now, by identity; `wait_for` waits until one can be; `overview`
    describes them; `values` are what a member of a request to one may well be. `names` are all that there will
    be, if that is known. `more` are the commands of this end alone. `failures` counts those that could not be
    carried out.
    """

    role: Role
    shell: Shell
    peers: Callable[[], Mapping[str, ChargePoint]]
    wait_for: Callable[[str], Awaitable[object]]
    overview: Callable[[], list[str]]
    values: Callable[[str, str], Iterable[str]] = lambda identity, member: ()
    names: Callable[[], Iterable[str]] = lambda: ()
    more: Mapping[str, Verb] = MappingProxyType({})
    failures: int = attrs.field(default=0, init=False)
    verbs: Mapping[str, Verb] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.verbs = {
            "call": Verb("STATION ACTION [MEMBER=VALUE ...]", "call, and show the answer", self._call, True),
            "raw": Verb("STATION ACTION [JSON]", "the same, with whatever payload you like", self._raw, True),
            **self.more,
            "stations": Verb("", "who is connected", self._stations),
            "wait": Verb(
                "[STATION [SECONDS]]", "until a station is there; alone, until Ctrl-C", self._wait, True
            ),
            "sleep": Verb("SECONDS", "do nothing for a while", self._sleep),
            "help": Verb("", "these lines", self._help),
            "quit": Verb("", "close all links and end; so do Ctrl-D and the end of a script", self._help),
        }

    async def serve(self, console: Console) -> None:
        """Obey until there are no more commands. At a terminal they need not wait for each other."""
        commands = 0
        async with anyio.create_task_group() as tasks:
            while (line := await console.command()) is not None:
                line = line.strip()
                if not line or line.startswith("#"):
                    continue
                commands += 1
                if line.split()[0] == "quit":
                    break
                if console.interactive:
                    tasks.start_soon(self.obey, line)
                else:
                    await self.obey(line)
            tasks.cancel_scope.cancel()
        if not commands and not console.interactive:
            await anyio.sleep_forever()  # nobody is there: a service

    async def obey(self, line: str) -> None:
        """Carry out one command."""
        name, _, rest = line.partition(" ")
        verb = self.verbs.get(name)
        try:
            if verb is None:
                raise Failed(f"there is no command {name!r:.40}; help lists them")
            await verb.run(rest.strip())
        except (Failed, Unreadable) as problem:
            self.fail(str(problem))

    def fail(self, sentence: str) -> None:
        """Say why a command was not carried out."""
        self.failures += 1
        self.shell.show(f"failed: {printable(sentence)}{'' if sentence.endswith(('.', '?')) else '.'}")

    def complete(self, line: str, word: str) -> list[str]:
        """How the last word of this line may go on."""
        words = line.split()[: -1 if word else None]
        match words:
            case []:
                return [f"{name} " for name in self.verbs if name.startswith(word)]
            case [name] if name in self.verbs and self.verbs[name].of_station:
                known = {*self.peers(), *self.names()}
                return [f"{identity} " for identity in sorted(known) if identity.startswith(word)]
            case ["call" | "raw", identity, *rest]:
                return self._complete_request(identity, rest, word)
            case _:
                return []

    def _complete_request(self, identity: str, rest: list[str], word: str) -> list[str]:
        found = self._matching(identity)
        if not found:
            return []
        actions = sendable(found[0].version, self.role)
        if not rest:
            return [f"{action} " for action in actions if action.startswith(word)]
        if rest[0] not in actions:
            return []
        path, assigned, begun = word.rpartition("=")
        values = self.values(found[0].id, path) if assigned else ()
        known = [f"{path}={value}" for value in values if value.startswith(begun)]
        return known or words_after(actions[rest[0]], word)

    # The commands.

    async def _call(self, rest: str) -> None:
        pattern, action, text = _three(rest, "call STATION ACTION [MEMBER=VALUE ...]")
        await self._each(pattern, partial(self._ask, action, text))

    async def _ask(self, action: str, text: str, peer: ChargePoint) -> None:
        cls = find_action(peer.version, self.role, action)
        message = message_from(cls, text)
        if isinstance(message, Unconfirmed):
            with _told(peer, action):
                await peer.send(message)
            self.shell.show(f"{printable(peer.id)}: {action} is sent, and is never answered.")
        else:
            await self._answered(peer, action, message)

    async def _raw(self, rest: str) -> None:
        pattern, action, text = _three(rest, "raw STATION ACTION [JSON]")
        await self._each(
            pattern, partial(self._answered, action=action, request=Raw(action, payload_from(None, text)))
        )

    async def _answered(self, peer: ChargePoint, action: str, request: Any) -> None:
        began = anyio.current_time()
        with _told(peer, action):
            # Of a station whose boot is pending, it has no turn.
            answer = await peer.call(request, queue_timeout=WAIT)
        milliseconds = (anyio.current_time() - began) * 1000
        shown = pretty(self.shell.narrator.hide(encode_unjudged(answer)))
        self.shell.show(f"{printable(peer.id)}: {action} was answered after {milliseconds:.0f} ms: {shown}")

    async def _each(self, pattern: str, work: Callable[[ChargePoint], Awaitable[None]]) -> None:
        """Do this with each station that the pattern names, with all at the same time."""
        found = self._matching(pattern)
        if not found:
            there = list(self.peers())
            named = ", ".join(there[:MOST_NAMED]) + (", ..." if len(there) > MOST_NAMED else "")
            raise Failed(f"{pattern} is not connected; " + (f"there is {named}" if there else "nobody is"))
        if len(found) == 1:
            await work(found[0])
            return

        async def one(peer: ChargePoint) -> None:
            try:
                await work(peer)
            except (Failed, Unreadable) as problem:
                self.fail(str(problem))

        async with anyio.create_task_group() as tasks:
            for peer in found:
                tasks.start_soon(one, peer)

    def _matching(self, pattern: str) -> list[ChargePoint]:
        peers = self.peers()
        if pattern in peers:
            return [peers[pattern]]
        return [peers[name] for name in sorted(peers) if fnmatchcase(name, pattern)]

    async def _stations(self, rest: str) -> None:
        self.shell.show("\n".join(map(printable, self.overview())) or "Nobody is connected.")

    async def _wait(self, rest: str) -> None:
        identity, _, seconds = rest.partition(" ")
        if not identity:
            await anyio.sleep_forever()
        patience = _seconds(seconds) if seconds else WAIT
        with anyio.move_on_after(patience) as scope:
            await self.wait_for(identity)
        if scope.cancelled_caught:
            missing = "is connected, and has not booted" if identity in self.peers() else "has not connected"
            raise Failed(f"{identity} {missing} within {patience:g} s")

    async def _sleep(self, rest: str) -> None:
        await anyio.sleep(_seconds(rest))

    async def _help(self, rest: str) -> None:
        lines = [(f"{name} {verb.arguments}".rstrip(), verb.summary) for name, verb in self.verbs.items()]
        width = max(len(usage) for usage, _ in lines)
        shown = [f"{usage:<{width}}  {summary}" for usage, summary in lines]
        self.shell.show("\n".join([*shown, *PATTERNS]))


@contextmanager
def _told(peer: ChargePoint, action: str) -> Generator[None]:
    """What may become of a message instead of an answer is a failure of the command. Raises Failed."""
    try:
        yield
    except OCPPError as refusal:
        raise Failed(f"{peer.id}: {action} was refused: {refusal}") from None
    except (LocalProtocolError, SchemaViolation) as trouble:
        raise Failed(f"{peer.id}: {action} was not sent: {trouble}") from None
    except Unanswered as trouble:
        raise Failed(f"{peer.id}: {action} was not answered: {trouble}") from None


def _three(rest: str, usage: str) -> tuple[str, str, str]:
    words = rest.split(maxsplit=2)
    if len(words) < 2:
        raise Failed(f"usage: {usage}")
    return words[0], words[1], words[2] if len(words) > 2 else ""


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e9:
        raise Failed(f"a number of seconds is needed, not {text!r:.40}")
    return seconds
