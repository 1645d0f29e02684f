"""`ocpp-sansio station`: simulated charging stations that boot, charge and do what a CSMS asks of them."""

import ssl
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from functools import partial

import anyio

from ocpp_sansio import Role, Version

from ..charge_point import ChargePoint
from ..security import station_tls
from ._arguments import endpoint, seconds, some_seconds, version, whole
from ._command import FINE, NOT_FINE, Problem, examples
from ._credentials import certificate, made_tls, password_of, passwords_in
from ._descriptors import ensure_descriptors
from ._desk.desk import WAIT, Desk, Failed, Verb
from ._desk.live import Shell, add_live_arguments, live
from ._log.redaction import Redactor
from ._simulation.charger import Connector
from ._simulation.dialect import Dialect
from ._simulation.fleet import SPOKEN, dialect_for, identities, run_all
from ._simulation.life import Life, Plan

__all__ = ["add_arguments", "run"]

DESCRIPTION = """Run simulated charging stations against a CSMS.

They boot, send heartbeats and meter values, let customers charge, do what the
CSMS asks, and connect again when the link is lost. Each message is shown (->
is from the station, <- to it). Commands come from the terminal or from
standard input: `start CS-001`, `call CS-001 Authorize idTag=04E9A1`. `help`
lists them.

Exit status: 0 when its commands are done, 1 if one of them failed, 2 if it
cannot start, 130 after Ctrl-C."""

MOST_CONNECTORS = 100
#: Characters of an id token.
LONGEST_TOKEN: Mapping[Version, int] = {Version.V16: 20, Version.V201: 36, Version.V21: 255}
PROGRESS = 2.0  # seconds between two signs of it


def add_arguments(parser: ArgumentParser) -> None:
    """What `station` can be told."""
    parser.description = DESCRIPTION
    parser.epilog = examples(
        (
            "ocpp-sansio station ws://127.0.0.1:9000",
            "one station, CS-001, of the newest version that both speak",
        ),
        (
            "ocpp-sansio station ws://127.0.0.1:9000 --version 1.6 --count 50 --charge 600 --quiet",
            "fifty stations, CS-001 to CS-050, at each of which somebody charges for up to ten minutes",
        ),
        (
            "printf 'start CP_1\\nsleep 30\\nstop CP_1\\n' | ocpp-sansio station URL --id CP_1 --charge 0",
            "a script: the exit status is 1 if a command failed",
        ),
    )
    parser.add_argument(
        "url",
        metavar="URL",
        type=endpoint,
        help="the endpoint, ws:// or wss://; the identity is appended to it",
    )
    parser.add_argument(
        "--id", metavar="ID", help="the identity; of several, what their identities begin with"
    )
    parser.add_argument(
        "--version",
        metavar="V",
        type=version,
        action="append",
        help="the version to speak; again for another (default: 2.1, 2.0.1 and 1.6, the newest preferred)",
    )
    parser.add_argument(
        "--count", metavar="N", type=whole(1, 10_000), default=1, help="how many stations (default: 1)"
    )
    parser.add_argument(
        "--connectors",
        metavar="N",
        type=whole(1, MOST_CONNECTORS),
        default=2,
        help="connectors of each station (default: %(default)s)",
    )
    parser.add_argument(
        "--charge",
        metavar="S",
        type=seconds,
        default=300.0,
        help="how long a customer charges at most; with 0, nobody comes by himself (default: %(default)g)",
    )
    parser.add_argument(
        "--pause",
        metavar="S",
        type=seconds,
        default=60.0,
        help="how long until the next customer comes, at most (default: %(default)g)",
    )
    parser.add_argument(
        "--sample",
        metavar="S",
        type=some_seconds,
        default=60.0,
        help="seconds between two meter values, until the CSMS says otherwise (default: %(default)g)",
    )
    parser.add_argument(
        "--reconnect",
        metavar="S",
        type=seconds,
        default=10.0,
        help="wait so long, and up to twice that, before connecting again (default: %(default)g)",
    )
    parser.add_argument("--ca", metavar="FILE", help="the authorities of the CSMS's certificate (PEM)")
    parser.add_argument(
        "--cert", metavar="CHAIN[,KEY]", type=certificate, help="the stations' own certificate (profile 3)"
    )
    parser.add_argument(
        "--auth",
        metavar="FILE",
        help="passwords: a line IDENTITY:PASSWORD for each station, * for all others",
    )
    add_live_arguments(parser)


def run(options: Namespace) -> int:
    """Run the stations until a script has ended, or a signal ends it."""
    ensure_descriptors(options.count)
    command = _Command(options)
    return live(options, Role.CHARGING_STATION, command.complete, command.work)


class _Command:
    """What lasts as long as the run."""

    def __init__(self, options: Namespace) -> None:
        self.options = options
        self.passwords = passwords_in(options.auth) if options.auth is not None else {}
        self.settings = _tls_settings(options)
        self.dialects: Mapping[Version, Dialect] = {
            version: dialect_for(version) for version in options.version or SPOKEN
        }
        self.lives: dict[str, Life] = {}
        self.desk: Desk | None = None

    def complete(self, line: str, word: str) -> list[str]:
        return self.desk.complete(line, word) if self.desk is not None else []

    async def work(self, shell: Shell) -> int:
        url = Redactor().address(self.options.url)
        shell.outlook = f"; {url} is tried again in {self.options.reconnect:g} s or more"
        for identity in identities(self.options.id, self.options.count):
            try:
                self.lives[identity] = Life(identity, self._plan(identity), self.dialects, shell)
            except (TypeError, ValueError) as error:
                raise Problem(f"{error}.") from None
        desk = self.desk = Desk(
            role=Role.CHARGING_STATION,
            shell=shell,
            peers=self._peers,
            wait_for=self._wait_for,
            overview=self._overview,
            values=lambda identity, member: self._life(identity).values(member),
            names=lambda: self.lives,
            more=self._verbs(),
        )
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run_all, list(self.lives.values()))
            if len(self.lives) > 1:
                tasks.start_soon(self._tell_progress, shell)
            if shell.console.interactive:
                shell.show("Commands: help lists them, Tab completes them, Ctrl-D ends.")
            await desk.serve(shell.console)
            tasks.cancel_scope.cancel()
        return NOT_FINE if desk.failures else FINE

    async def _tell_progress(self, shell: Shell) -> None:
        """Say how many are connected, until all have tried."""
        lives, began = self.lives.values(), anyio.current_time()
        while not all(life.tried.is_set() for life in lives):
            with anyio.move_on_after(PROGRESS):
                for life in lives:
                    await life.tried.wait()
            connected = sum(life.station.charge_point is not None for life in lives)
            passed = anyio.current_time() - began
            shell.show(f"{connected} of {len(lives)} stations are connected after {passed:.1f} s.")

    def _plan(self, identity: str) -> Plan:
        options, password = self.options, password_of(self.passwords, identity)
        return Plan(
            url=options.url,
            connectors=options.connectors,
            charge=options.charge,
            pause=options.pause,
            sample=options.sample,
            reconnect=options.reconnect,
            timeout=options.timeout,
            settings=self.settings if password is None else {**self.settings, "password": password},
        )

    def _verbs(self) -> dict[str, Verb]:
        return {
            "start": Verb("STATION [CONNECTOR [TOKEN]]", "somebody comes to charge", self._start, True),
            "stop": Verb("STATION [CONNECTOR]", "whoever charges there leaves", self._stop, True),
            "reconnect": Verb("STATION", "close the link; the next comes by itself", self._reconnect, True),
        }

    def _peers(self) -> dict[str, ChargePoint]:
        links = {identity: life.station.charge_point for identity, life in self.lives.items()}
        return {identity: link for identity, link in links.items() if link is not None}

    async def _wait_for(self, identity: str) -> object:
        return await self._life(identity).station.connected()

    def _overview(self) -> list[str]:
        return [f"{identity}: {', '.join(life.overview())}" for identity, life in self.lives.items()]

    def _life(self, identity: str) -> Life:
        if identity not in self.lives:
            raise Failed(f"there is no station {identity!r:.40} here; stations lists them")
        return self.lives[identity]

    async def _start(self, rest: str) -> None:
        identity, number, token = _words(rest, 3)
        life = self._life(identity)
        with anyio.move_on_after(WAIT):
            await life.ready.wait()
            await life.station.connected()
        token = token or life.new_token()
        ready = life.ready.is_set() and life.station.charge_point is not None
        connector = life.charger.free(_number(number), token) if ready else None
        if connector is None:
            raise Failed(f"{identity}: nobody can charge there now: {', '.join(life.overview())}")
        longest = LONGEST_TOKEN[life.dialect.version]
        if len(token) > longest:
            raise Failed(f"{identity}: a token has {longest} characters at most, and not {len(token)}")
        life.begin(connector, token)

    async def _stop(self, rest: str) -> None:
        identity, number = _words(rest, 2)
        life, wanted = self._life(identity), _number(number)
        found: list[Connector] = [each for each, _ in life.charger.running() if wanted in (None, each.number)]
        if not found:
            raise Failed(f"{identity}: nobody charges there: {', '.join(life.overview())}")
        for connector in found:
            assert connector.transaction is not None
            connector.transaction.end("Local")

    async def _reconnect(self, rest: str) -> None:
        await self._life(rest).station.reconnect()


def _words(rest: str, most: int) -> list[str]:
    words = rest.split()
    if not words or len(words) > most:
        raise Failed("a station is named first; help shows what may follow")
    return [*words, *[""] * (most - len(words))]


def _number(word: str) -> int | None:
    if not word:
        return None
    if not word.isdecimal():
        raise Failed(f"the number of a connector is needed, not {word!r:.40}")
    return int(word)


def _tls_settings(options: Namespace) -> dict[str, ssl.SSLContext]:
    if options.ca is None and options.cert is None:
        return {}
    make = partial(station_tls, csms=options.ca, certificate=options.cert)
    return {"tls": made_tls(make, options.ca, getattr(options.cert, "chain", None))}
