"""The fuzz targets: plain functions of bytes, which raise if something is wrong. They know nothing of any fuzzer.

Replay an input with `from fuzz.targets import TARGETS; TARGETS["text"](b"...")`.
"""

from collections.abc import Callable

from .handshake import handshake
from .operations import operations
from .payloads import payloads
from .text import text

__all__ = ["TARGETS"]

TARGETS: dict[str, Callable[[bytes], None]] = {
    "text": text,
    "operations": operations,
    "payloads": payloads,
    "handshake": handshake,
}
