"""The command `ocpp-sansio`: finds the module of a subcommand, runs it, and turns what it raises into a
sentence and a status.

A subcommand is loaded when it is asked for: `decode` needs no event loop, and no extra.
"""

import argparse
import errno
import importlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib.metadata import version
from io import TextIOWrapper
from typing import cast

from ._command import CANNOT_START, INTERRUPTED, NOT_FINE, Parser, Problem, Subcommand, examples

__all__ = ["SUBCOMMANDS", "main"]

PROG = "ocpp-sansio"


#: By name, which is that of its module too, what a subcommand does.
SUBCOMMANDS: Mapping[str, str] = {
    "decode": "explain the OCPP frames in a log",
    "schema": "show what a message is made of",
    "replay": "play a recorded session again, and report every deviation",
    "report": "make a page of a recorded session",
    "csms": "run a CSMS that any station can connect to",
    "station": "run simulated charging stations",
    "demo": "watch a CSMS and stations talk on this machine",
}

#: What the extra `websockets` brings.
EXTRA = frozenset({"anyio", "websockets"})


def main(argv: Sequence[str] | None = None) -> int:
    """Run `ocpp-sansio` and return its exit status.

    0 is fine, 1 means that something is wrong with what was looked at, 2 that the command could not start,
    130 that Ctrl-C ended it. Wrong arguments and `--help` raise SystemExit.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if sys.stdout is None:  # closed by whoever started us
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a log may have what no terminal can show
    try:
        status = _run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _end(_name_in(arguments), "interrupted.", INTERRUPTED)
    except OSError as error:
        if not isinstance(error, BrokenPipeError) and error.errno != errno.ENOSPC:
            raise
        # Nobody reads our output, or it has no room. The interpreter flushes once more at its end, and would
        # complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        full = error.errno == errno.ENOSPC
        return _end(_name_in(arguments), "no space left for the output.", NOT_FINE) if full else NOT_FINE
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
    if name not in SUBCOMMANDS:
        close = get_close_matches(name, SUBCOMMANDS, n=1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        return _end(None, f"there is no command {name!r}{hint}; --help lists them.", CANNOT_START)
    try:
        module = cast("Subcommand", importlib.import_module(f".{name}", __package__))
        parser = Parser(prog=f"{PROG} {name}", description=f"{SUBCOMMANDS[name].capitalize()}.")
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
    listed = "".join(f"  {name:<{width}}  {summary}\n" for name, summary in SUBCOMMANDS.items())
    example = examples((f"{PROG} decode --help", "what a command takes, with examples"))
    parser = Parser(
        prog=PROG,
        usage=f"{PROG} COMMAND ...",
        description="OCPP 1.6, 2.0.1 and 2.1 at the command line.",
        epilog=f"commands:\n{listed}\n{example}",
    )
    parser.add_argument("--version", action="version", version=f"{PROG} {version('ocpp-sansio')}")
    return parser
