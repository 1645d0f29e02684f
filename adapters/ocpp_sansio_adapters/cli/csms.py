"""`ocpp-sansio csms`: a CSMS that any station can connect to, shows every message, and takes commands."""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from functools import partial
from typing import Any

import anyio
from anyio.abc import TaskGroup

from ocpp_sansio import BootGate, BootStatus, Role, Version
from ocpp_sansio.handshake import Credentials

from ..csms import CSMS
from ..security import csms_tls
from ._arguments import versions, whole
from ._command import FINE, NOT_FINE, Problem, examples
from ._credentials import certificate, made_tls, password_of, passwords_in
from ._desk.desk import Desk, Failed, Verb
from ._desk.live import Shell, add_live_arguments, live
from ._simulation.csms import SPOKEN, Host, answering
from ._simulation.sensible import Sensible

__all__ = ["add_arguments", "run"]

#: What may be said to a station that boots.
BOOTS: Mapping[str, BootStatus] = {
    str(status).lower(): status for status in BootStatus if status is not BootStatus.UNKNOWN
}

DESCRIPTION = """Run a CSMS that any station can connect to.

It accepts everybody, answers everything, shows each message (-> is from the
station, <- to it), and takes commands from the terminal or from standard
input: `call CP_1 Reset type=Soft`. `help` lists them.

Exit status: 0 when its commands are done, 1 if one of them failed, 2 if it
cannot start, 130 after Ctrl-C."""


def add_arguments(parser: ArgumentParser) -> None:
    """What `csms` can be told."""
    parser.description = DESCRIPTION
    parser.epilog = examples(
        ("ocpp-sansio csms", "let stations connect to ws://127.0.0.1:9000/THEIR_IDENTITY"),
        (
            "printf 'wait CP_1\\ncall CP_1 ClearCache\\n' | ocpp-sansio csms",
            "a script: the exit status is 1 if a command failed",
        ),
        (
            "ocpp-sansio csms --host 0.0.0.0 --tls cert.pem,key.pem --auth passwords.txt",
            "security profile 2; passwords.txt has a line IDENTITY:PASSWORD for each station, * is any",
        ),
    )
    parser.add_argument(
        "--host",
        metavar="ADDRESS",
        default="127.0.0.1",
        help="the address to listen at (default: %(default)s; all: 0.0.0.0)",
    )
    parser.add_argument(
        "--port",
        metavar="N",
        type=whole(0, 65_535),
        default=9000,
        help="the port; 0 takes a free one (default: %(default)s)",
    )
    parser.add_argument(
        "--base",
        metavar="PATH",
        default="/",
        help="path below which stations connect, before their identity (default: /)",
    )
    parser.add_argument(
        "--versions",
        metavar="V[,V...]",
        type=versions,
        default=list(SPOKEN),
        help="the versions to speak, the preferred first (default: 2.1,2.0.1,1.6)",
    )
    parser.add_argument(
        "--tls",
        metavar="CHAIN[,KEY]",
        type=certificate,
        action="append",
        help="serve wss:// with this certificate (PEM); give one of RSA and one of ECDSA if you like",
    )
    parser.add_argument(
        "--stations-ca",
        metavar="FILE",
        help="with --tls: let only those in whose certificate is from these authorities (profile 3)",
    )
    parser.add_argument(
        "--auth", metavar="FILE", help="let only those in whose IDENTITY:PASSWORD is a line of FILE"
    )
    parser.add_argument(
        "--interval",
        metavar="S",
        type=whole(1),
        default=300,
        help="between heartbeats, in seconds (default: %(default)s)",
    )
    parser.add_argument(
        "--boot",
        choices=[*BOOTS],
        default="accepted",
        help="what stations that boot are told; the command boot changes it (default: %(default)s)",
    )
    add_live_arguments(parser)


def run(options: Namespace) -> int:
    """Serve until a script has ended, or a signal ends it."""
    settings: dict[str, Any] = {"base": options.base}
    if options.tls is not None:
        chains = [each.chain for each in options.tls]
        make = partial(csms_tls, *options.tls, stations=options.stations_ca)
        settings["tls"] = made_tls(make, *chains, options.stations_ca)
    elif options.stations_ca is not None:
        raise Problem("--stations-ca needs --tls.")
    if options.auth is not None:
        settings["authenticate"] = partial(_authenticate, passwords_in(options.auth))
    command = _Command(options, settings)
    return live(options, Role.CSMS, command.complete, command.work)


class _Command:
    """What lasts as long as the run."""

    def __init__(self, options: Namespace, settings: dict[str, Any]) -> None:
        self.options = options
        self.settings = settings
        self.desk: Desk | None = None

    def complete(self, line: str, word: str) -> list[str]:
        return self.desk.complete(line, word) if self.desk is not None else []

    async def work(self, shell: Shell) -> int:
        host = Host(shell, interval=self.options.interval, boot=BOOTS[self.options.boot])
        classes = [partial(answering(version), owner=host) for version in self.options.versions]
        csms = CSMS(*classes, call_timeout=self.options.timeout, boot_gate=BootGate())

        async def boot(rest: str) -> None:
            if rest not in BOOTS:
                raise Failed(f"usage: boot {'|'.join(BOOTS)}")
            host.boot = BOOTS[rest]

        desk = self.desk = Desk(
            role=Role.CSMS,
            shell=shell,
            peers=lambda: csms.stations,
            wait_for=partial(_ready, csms, host),
            overview=partial(_overview, csms, host),
            values=lambda identity, member: host.of(identity).values(member),
            more={"boot": Verb("|".join(BOOTS), "what stations that boot are told from now on", boot)},
        )
        async with anyio.create_task_group() as tasks:
            address, port = await self._listen(csms, tasks)
            scheme = "wss" if "tls" in self.settings else "ws"
            shown = f"[{address}]" if ":" in address else address
            base = "/".join(["", *filter(None, self.options.base.split("/"))])
            shell.show(f"Listening at {scheme}://{shown}:{port}{base}/IDENTITY for {_list(csms.versions)}.")
            if shell.console.interactive:
                shell.show("Commands: help lists them, Tab completes them, Ctrl-D ends.")
            await desk.serve(shell.console)
            tasks.cancel_scope.cancel()
        return NOT_FINE if desk.failures else FINE

    async def _listen(self, csms: CSMS, tasks: TaskGroup) -> tuple[str, int]:
        options = self.options
        try:
            address: tuple[str, int] = await tasks.start(
                partial(csms.serve, options.host, options.port, **self.settings)
            )
        except OSError as error:
            why = error.strerror or str(error)
            raise Problem(f"cannot listen at {options.host}, port {options.port}: {why}.") from None
        except ValueError as error:
            raise Problem(f"{error}.") from None
        return address


async def _ready(csms: CSMS, host: Host, identity: str) -> None:
    """Wait until it is connected, and has booted or said anything else: a station that has only just begun
    refuses what it is asked.
    """
    station = await csms.stations.wait(identity)
    assert isinstance(station, Sensible)
    state = station.protocol.state
    if state is None or state.boot is BootStatus.UNKNOWN:
        await host.word_from(station)


def _overview(csms: CSMS, host: Host) -> list[str]:
    """A line about each station that is connected."""
    lines = []
    for identity, station in csms.stations.items():
        known = host.of(identity)
        parts = [f"OCPP {station.version.value}"]
        parts += [known.maker] if known.maker else []
        parts += [f"{name}: {status}" for name, status in known.connectors.items()]
        parts += [f"transaction {id} at {place}" for id, place in known.transactions.items()]
        lines.append(f"{identity}: {', '.join(parts)}")
    return lines


def _list(versions: list[Version]) -> str:
    *first, last = [version.value for version in versions]
    return f"OCPP {', '.join(first)} and {last}" if first else f"OCPP {last}"


def _authenticate(
    passwords: dict[str, str],
    identity: str,
    credentials: Credentials | None,
    certificate: Mapping[str, Any] | None,
) -> bool:
    password = password_of(passwords, identity)
    return password is not None and credentials is not None and credentials.matches(password)
