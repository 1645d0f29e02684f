"""Many simulated stations in one process: what they are called, what they speak, and that they come a few at a
time.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial

import anyio

from ocpp_sansio import Version

from .dialect import Dialect
from .life import Life
from .v2 import dialect_of

__all__ = ["SPOKEN", "dialect_for", "identities", "run_all"]

#: Connections that may be in the making at once: fewer than any listen backlog takes.
HANDSHAKES = 20


def _dialect_of_16() -> Dialect:
    from .v16 import Dialect16  # which loads the messages of 1.6

    return Dialect16()


_MADE: Mapping[Version, Callable[[], Dialect]] = {
    Version.V21: partial(dialect_of, Version.V21),
    Version.V201: partial(dialect_of, Version.V201),
    Version.V16: _dialect_of_16,
}

#: The versions that stations can speak, the newest first.
SPOKEN = tuple(_MADE)


@cache
def dialect_for(version: Version) -> Dialect:
    """What stations of this version say; its messages are loaded now if they were not before."""
    return _MADE[version]()


def identities(id: str | None, count: int) -> list[str]:
    """The identities of so many stations."""
    if count == 1:
        return [id or "CS-001"]
    width = max(3, len(str(count)))
    return [f"{id or 'CS'}-{number:0{width}}" for number in range(1, count + 1)]


async def run_all(lives: Iterable[Life]) -> None:
    """Run them all until cancelled. Each begins when one of those before it has tried to connect."""
    turns = anyio.Semaphore(HANDSHAKES)

    async def run(life: Life) -> None:
        async with anyio.create_task_group() as own:
            own.start_soon(life.run)
            await life.tried.wait()
            turns.release()

    async with anyio.create_task_group() as tasks:
        for life in lives:
            await turns.acquire()
            tasks.start_soon(run, life)
