"""Colours and arrows, where a terminal has them; `NO_COLOR` is respected (https://no-color.org)."""

import os
from collections.abc import Mapping
from typing import TextIO

__all__ = ["Paint", "printable"]

_CODES: Mapping[str, str] = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "cyan": "36",
}


class Paint:
    """`paint("red", "text")`: coloured on a terminal that wants it, else as it is.

    `right`, `left`, `cross` and `dot` are signs that the stream's encoding has.
    """

    def __init__(self, out: TextIO, environment: Mapping[str, str] = os.environ) -> None:
        self._on = out.isatty() and environment.get("TERM") != "dumb" and not environment.get("NO_COLOR")
        fancy = _has(out, "→←✗·")
        self.right, self.left, self.cross, self.dot = (
            ("→", "←", "✗", "·") if fancy else ("->", "<-", "x", "-")
        )

    def __call__(self, colour: str, text: str) -> str:
        return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if self._on and text else text


def _has(out: TextIO, signs: str) -> bool:
    try:
        signs.encode(out.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def printable(text: str) -> str:
    """The text without characters that a terminal obeys: those are written as escapes."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
