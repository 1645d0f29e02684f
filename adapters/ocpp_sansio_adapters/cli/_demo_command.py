"""The demo as a subcommand: its options are its own, and so is what it does with them."""

import argparse

from . import demo
from ._interrupt import Interruption

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the demo, which its own parser knows."""
    known = demo._parser()
    parser.description, parser.epilog = known.description, "example:\n  ocpp-sansio demo --stations 50\n"
    for action in known._actions:
        if not isinstance(action, argparse._HelpAction):
            parser._add_action(action)


def run(options: argparse.Namespace) -> int:
    """Run it, with a Ctrl-C that closes all links in good order."""
    guard = Interruption()
    guard.install()
    try:
        return demo._run(options, guard)
    finally:
        guard.remove()
