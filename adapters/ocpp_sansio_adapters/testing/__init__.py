"""Tests of programs that speak OCPP: no sockets, and no time that really passes.

`Pair` wires two connections, `ScriptedCSMS` and `ScriptedStation` play the peer of your program, `Link` lies
between two programs of yours, `run` has a clock that jumps. `docs/how-to/test-your-station.md` shows how. All
but `Pair` needs anyio, and is loaded when it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._pair import Pair, Side
from ._trace import Entry, Trace
from ._wire import Lane

if TYPE_CHECKING:
    from ._link import Link, Transport
    from ._peer import ScriptedCSMS, ScriptedPeer, ScriptedStation
    from ._playing import Asked
    from ._script import Expectation
    from ._virtual_time import Stuck, run, virtual_time

__all__ = [
    "Asked",
    "Entry",
    "Expectation",
    "Lane",
    "Link",
    "Pair",
    "ScriptedCSMS",
    "ScriptedPeer",
    "ScriptedStation",
    "Side",
    "Stuck",
    "Trace",
    "Transport",
    "run",
    "virtual_time",
]

_LATER = {
    "Asked": "_playing",
    "Expectation": "_script",
    "Link": "_link",
    "ScriptedCSMS": "_peer",
    "ScriptedPeer": "_peer",
    "ScriptedStation": "_peer",
    "Stuck": "_virtual_time",
    "Transport": "_link",
    "run": "_virtual_time",
    "virtual_time": "_virtual_time",
}

if not TYPE_CHECKING:  # which would let every typo pass

    def __getattr__(name: str) -> Any:
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f".{_LATER[name]}", __name__), name)
