"""Passwords and certificates that a command is told of, in files: a command line can be read by everybody."""

import ssl
from collections.abc import Callable
from pathlib import Path

from ..security import Certificate
from ._command import Problem

__all__ = ["certificate", "made_tls", "password_of", "passwords_in"]


def passwords_in(path: str) -> dict[str, str]:
    """The passwords in a file: a line `IDENTITY:PASSWORD` for each station, `*` for all others. Raises
    Problem.
    """
    found: dict[str, str] = {}
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise Problem(f"{path!r} cannot be read: {getattr(error, 'strerror', error)}.") from None
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        identity, colon, password = line.partition(":")
        if not (identity and colon and password):
            raise Problem(f"line {number} of {path!r} is not of the form IDENTITY:PASSWORD.")
        found[identity] = password
    return found


def password_of(passwords: dict[str, str], identity: str) -> str | None:
    """The password of this station, if it has one."""
    return passwords.get(identity, passwords.get("*"))


def certificate(text: str) -> Certificate:
    """The type of an option that is CHAIN.pem or CHAIN.pem,KEY.pem."""
    chain, _, key = text.partition(",")
    return Certificate(chain, key or None)


def made_tls(make: Callable[[], ssl.SSLContext], *files: object) -> ssl.SSLContext:
    """What `make` makes of these files. Raises Problem, which names them."""
    try:
        return make()
    except (OSError, ValueError) as error:
        names = ", ".join(str(file) for file in files if file)
        raise Problem(f"no TLS with {names}: {getattr(error, 'strerror', None) or error}.") from None
