"""What the value of an option may be: numbers within bounds, versions, URLs. Each refusal is a sentence, and a short
one.
"""

import re
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from math import inf

from ocpp_sansio import Version

__all__ = ["add_version", "endpoint", "seconds", "some_seconds", "version", "versions", "whole"]

MOST_SECONDS = 1e9
#: The most that a whole number may be where nothing else bounds it.
MOST_WHOLE = 2**31 - 1
#: Characters of a wrong value that are said again.
SHOWN = 40


def whole(least: int, most: int = MOST_WHOLE) -> Callable[[str], int]:
    """The type of an option that is a whole number."""

    def number(text: str) -> int:
        short = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
        if not short or not least <= int(text) <= most:
            raise ArgumentTypeError(f"a whole number from {least} to {most} is needed, not {_shown(text)}")
        return int(text)

    return number


def seconds(text: str, *, least: float = 0.0) -> float:
    """The type of an option that is a time, which may be 0."""
    try:
        found = float(text)
    except ValueError:
        found = -inf
    if not least <= found < MOST_SECONDS:
        said = "a number of seconds" if not least else "a number of seconds above 0"
        raise ArgumentTypeError(f"{said} is needed, not {_shown(text)}")
    return found


def some_seconds(text: str) -> float:
    """The type of an option that is a time, and not 0."""
    return seconds(text, least=1e-9)


def version(text: str) -> Version:
    """The type of an option that is a version as people write it: 1.6, 1.6J, ocpp1.6, 2.0.1."""
    try:
        return Version(text.strip().lower().removesuffix("j"))
    except ValueError:
        known = ", ".join(member.value for member in Version)
        raise ArgumentTypeError(
            f"{_shown(text)} is not a version of OCPP known here; there is {known}"
        ) from None


def versions(text: str) -> list[Version]:
    """The type of an option that is several versions, the preferred first."""
    found = [version(name) for name in text.split(",")]
    if len(set(found)) < len(found):
        raise ArgumentTypeError(f"{_shown(text)} has a version twice")
    return found


def add_version(parser: ArgumentParser, default: str = "what the log says, or a guess") -> None:
    """The option `--version` of what is read, with words for its default."""
    parser.add_argument(
        "--version", metavar="V", type=version, help=f"1.6, 2.0.1 or 2.1 (default: {default})"
    )


def endpoint(text: str) -> str:
    """The type of an argument that is the URL of a CSMS. The rest of it is judged by `url_for`."""
    if not text.lower().startswith(("ws://", "wss://")):
        shown = re.sub(r"^(.*//)?.*@", r"\1***@", text)  # there may be a password in it
        raise ArgumentTypeError(f"a URL that begins with ws:// or wss:// is needed, not {_shown(shown)}")
    return text


def _shown(text: str) -> str:
    return repr(text) if len(text) <= SHOWN else f"{text[:SHOWN]!r}..."
