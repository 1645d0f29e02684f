"""What the value of an option may be: numbers within bounds, versions. Each refusal is a sentence."""

from argparse import ArgumentTypeError
from collections.abc import Callable
from math import inf

from ocpp_sansio import Version

__all__ = ["seconds", "some_seconds", "version", "versions", "whole"]

MOST_SECONDS = 1e9


def whole(least: int, most: int) -> Callable[[str], int]:
    """The type of an option that is a whole number."""

    def number(text: str) -> int:
        found = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1
        if not least <= found <= most:
            raise ArgumentTypeError(f"a whole number from {least} to {most} is needed, not {text!r}")
        return found

    return number


def seconds(text: str, *, least: float = 0.0) -> float:
    """The type of an option that is a time, which may be 0."""
    try:
        found = float(text)
    except ValueError:
        found = -inf
    if not least <= found < MOST_SECONDS:
        said = "a number of seconds" if not least else "a number of seconds above 0"
        raise ArgumentTypeError(f"{said} is needed, not {text!r}")
    return found


def some_seconds(text: str) -> float:
    """The type of an option that is a time, and not 0."""
    return seconds(text, least=1e-9)


def version(text: str) -> Version:
    """The type of an option that is a version."""
    try:
        return Version(text.strip())
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def versions(text: str) -> list[Version]:
    """The type of an option that is several versions, the preferred first."""
    found = [version(name) for name in text.split(",")]
    if len(set(found)) < len(found):
        raise ArgumentTypeError(f"{text!r} has a version twice")
    return found
