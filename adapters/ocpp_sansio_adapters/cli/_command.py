"""What a subcommand is made of: its parser, its exit statuses, and the one sentence that it ends with when it
cannot go on.

Imports next to nothing, so that `--help` is there at once.
"""

import argparse
from collections.abc import Callable
from typing import Any, NoReturn, Protocol, TypeAlias

__all__ = [
    "CANNOT_START",
    "FINE",
    "INTERRUPTED",
    "NOT_FINE",
    "Parser",
    "Problem",
    "Subcommand",
    "examples",
]

#: Exit statuses.
FINE = 0
NOT_FINE = 1  # something is wrong with what was looked at, or with what was to be done
CANNOT_START = 2  # as argparse reports wrong arguments
INTERRUPTED = 130  # as a shell reports a command that Ctrl-C has ended


class Problem(Exception):
    """The command cannot start, or cannot go on: one sentence for whoever typed it, and the exit status."""

    def __init__(self, sentence: str, status: int = CANNOT_START) -> None:
        super().__init__(sentence)
        self.status = status


class Subcommand(Protocol):
    """What the module of a subcommand offers: the arguments that it takes, and what it does with them.

    `add_arguments` may also set `description` and `epilog` of the parser. `run` returns the exit status,
    raises Problem for what a sentence can say, and may let KeyboardInterrupt pass.
    """

    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


class Parser(argparse.ArgumentParser):
    """Says what is wrong with an argument in one sentence, without the usage around it."""

    def __init__(self, *, prog: str, description: str, **options: Any) -> None:
        super().__init__(
            prog=prog,
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,  # or an option added later would change what a script means
            **options,
        )

    def error(self, message: str) -> NoReturn:
        self.exit(CANNOT_START, f"{self.prog}: {message}; --help lists the options.\n")


Example: TypeAlias = tuple[str, str]


def examples(*lines: Example) -> str:
    """The epilog of a `--help`: what to type, each with what it does."""
    shown = "".join(f"\n  {command}\n      {purpose}\n" for command, purpose in lines)
    return f"example{'s' * (len(lines) > 1)}:{shown}"
