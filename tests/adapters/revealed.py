"""What a log and an exception show, to look for secrets in it, in all forms that they may have."""

import logging
import traceback
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["KEY", "SECRET", "Log", "all_of", "assert_hidden", "listening"]

SECRET = "zq8X-very-secret-0123"
KEY = bytes.fromhex("5a51385878787878787878787878787801020304")


def forms(secret: str | bytes, user: str = "CP_1") -> list[str]:
    """All that a secret may look like in a log."""
    octets = secret.encode() if isinstance(secret, str) else secret
    token = b64encode(f"{user}:".encode() + octets).decode()
    return [
        octets.decode("latin-1"),
        repr(octets)[2:-1],
        octets.hex(),
        octets.hex().upper(),
        token,
        token[8:-8],
    ]


FORMS = [form for secret in (SECRET, KEY) for form in forms(secret)]


class Log(logging.Handler):
    """All records of all loggers, as text: with arguments, exceptions and what caused those."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts += [record.getMessage(), repr(record.__dict__)]
        if record.exc_info and record.exc_info[1] is not None:
            self.texts.append(all_of(record.exc_info[1]))

    @property
    def text(self) -> str:
        return "\n".join(self.texts)


def all_of(error: BaseException) -> str:
    """An exception as a traceback shows it, and those behind it."""
    return f"{''.join(traceback.format_exception(error))} {error!r} {error.__cause__!r} {error.__context__!r}"


@contextmanager
def listening() -> Iterator[Log]:
    handler = Log()
    loggers = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
    before = [(logger, logger.level) for logger in loggers]
    logging.getLogger().addHandler(handler)
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    try:
        yield handler
    finally:
        logging.getLogger().removeHandler(handler)
        for logger, level in before:
            logger.setLevel(level)


def assert_hidden(text: str, *also: str) -> None:
    assert [form for form in (*FORMS, *also) if form in text] == []
