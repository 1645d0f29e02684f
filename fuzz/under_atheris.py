"""The child of `explore`: one target under Atheris, `python -m fuzz.under_atheris TARGET [libFuzzer option ...]`.

Ends the process. Imports the targets late, because only what is imported under Atheris is instrumented: the
rooms of the protocol package that the target searches, which makes it a quarter faster than all of them. The
decoders and encoders that the package compiles count where payloads are searched, and would drown the rest
elsewhere.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from importlib import import_module
from types import CodeType
from typing import Any

__all__ = ["main"]

SECONDS_BETWEEN_REPORTS = 2.0

#: What decides nothing.
GENERATED = [
    f"{version}.{room}"
    for version in ("v16", "v201", "v21")
    for room in ("call", "call_result", "datatypes", "enums", "send")
]
OF_MESSAGES = (
    *("_codec", "_datetime", "_judge", "_lenient", "_paths", "_shape", "_values", "_words"),
    *("converters", "messages", "schema", "validation"),
)
OF_LINKS = (
    *("_dialect", "_frames", "_inbound", "_incoming", "_link", "_memory", "_outgoing", "_snapshot"),
    *("connection", "state"),
)
#: By target, the rooms that another one searches.
LEFT_OUT = {"operations": OF_MESSAGES, "payloads": OF_LINKS}
SEARCHES_COMPILED = ("payloads",)


def main(name: str, *options: str) -> None:
    """Fuzz one target for as long as the options say."""
    atheris: Any = import_module("atheris")  # which only some platforms have: explore looks first
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for explore, and no finding
    left_out = [f"ocpp_sansio.{room}" for room in (*GENERATED, *LEFT_OUT.get(name, ()))]
    with atheris.instrument_imports(include=["ocpp_sansio"], exclude=left_out):
        if name in SEARCHES_COMPILED:
            codec: Any = import_module("ocpp_sansio._codec")
            codec.compile = compiler_for(atheris)
        targets: Any = import_module("fuzz.targets")
    atheris.Setup([sys.argv[0], *options], reporting(targets.TARGETS[name]))
    atheris.Fuzz()


def compiler_for(atheris: Any) -> Callable[..., CodeType]:
    """A `compile` whose code is instrumented as imported code is."""

    def instrumented(source: str, filename: str, mode: str) -> CodeType:
        code: CodeType = atheris.patch_code(compile(source, filename, mode), True)
        return code

    return instrumented


def reporting(target: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """The target, saying now and then how far it is: libFuzzer does so only at powers of two."""
    done, told = 0, time.monotonic()

    def run(data: bytes) -> None:
        nonlocal done, told
        target(data)
        done += 1
        if done & 63 == 0 and time.monotonic() - told >= SECONDS_BETWEEN_REPORTS:
            told = time.monotonic()
            try:
                os.write(2, b"#%d\talive\n" % done)
            except OSError:
                os._exit(1)  # nobody listens any more

    return run


if __name__ == "__main__":
    main(*sys.argv[1:])
