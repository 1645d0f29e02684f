"""The command `ocpp-sansio`: finds the module of a subcommand, runs it, and turns what it raises into a
sentence and a status.

A subcommand is loaded when it is asked for: `decode` needs no event loop, and no extra.
"""

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib.metadata import version
from typing import cast

import attrs

from ._command import CANNOT_START, INTERRUPTED, NOT_FINE, Parser, Problem, Subcommand, examples

__all__ = ["SUBCOMMANDS", "main"]

PROG = "ocpp-sansio"


@attrs.frozen
class Entry:
    """Where a subcommand lives, and what it does."""

    module: str
    summary: str


SUBCOMMANDS: Mapping[str, Entry] = {
    "decode": Entry("decode", "explain the OCPP frames in a log"),
    "schema": Entry("schema", "show what a message is made of"),
    "replay": Entry("replay", "play a recorded session again, and report every deviation"),
    "report": Entry("report", "make a page of a recorded session"),
    "csms": Entry("csms", "run a CSMS that any station can connect to"),
    "station": Entry("station", "run simulated charging stations"),
    "demo": Entry("demo", "watch a CSMS and stations talk on this machine"),
}

#: What the extra `websockets` brings.
EXTRA = frozenset({"anyio", "websockets"})


def main(argv: Sequence[str] | None = None) -> int:
    """Run `ocpp-sansio` and return its exit status.

    0 is fine, 1 means that something is wrong with what was looked at, 2 that the command could not start,
    130 that Ctrl-C ended it. Wrong arguments and `--help` raise SystemExit.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        status = _run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _end(_name_in(arguments), "interrupted.", INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has left. The interpreter flushes once more at its end, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOT_FINE
    finally:
        if argv is None:
            # One more Ctrl-C while the interpreter leaves would be a traceback.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    return status


def _run(arguments: list[str]) -> int:
    name = _name_in(arguments)
    if name is None:
        _overview().parse_args(arguments)
        _overview().print_help()
        return CANNOT_START
    entry = SUBCOMMANDS.get(name)
    if entry is None:
        close = get_close_matches(name, SUBCOMMANDS, n=1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        return _end(None, f"there is no command {name!r}{hint}; --help lists them.", CANNOT_START)
    try:
        module = cast("Subcommand", importlib.import_module(f".{entry.module}", __package__))
        parser = Parser(prog=f"{PROG} {name}", description=f"{entry.summary.capitalize()}.")
        module.add_arguments(parser)
        return module.run(parser.parse_args(arguments[1:]))
    except Problem as problem:
        return _end(name, str(problem), problem.status)
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in EXTRA:
            raise
        cure = "install it with `pip install 'ocpp-sansio[websockets]'`"
        return _end(name, f"the extra `websockets` is not installed; {cure}.", CANNOT_START)


def _name_in(arguments: Sequence[str]) -> str | None:
    """The subcommand that is asked for."""
    return arguments[0] if arguments and not arguments[0].startswith("-") else None


def _end(name: str | None, sentence: str, status: int) -> int:
    sys.stdout.flush()
    print(f"{PROG} {name}: {sentence}" if name else f"{PROG}: {sentence}", file=sys.stderr)
    return status


def _overview() -> argparse.ArgumentParser:
    """The parser of a command line without a subcommand."""
    width = max(map(len, SUBCOMMANDS))
    listed = "".join(f"  {name:<{width}}  {entry.summary}\n" for name, entry in SUBCOMMANDS.items())
    example = examples((f"{PROG} decode --help", "what a command takes, with examples"))
    parser = Parser(
        prog=PROG,
        usage=f"{PROG} COMMAND ...",
        description="OCPP 1.6, 2.0.1 and 2.1 at the command line.",
        epilog=f"commands:\n{listed}\n{example}",
    )
    parser.add_argument("--version", action="version", version=f"{PROG} {version('ocpp-sansio')}")
    return parser
