"""Peers on an event loop in another thread, so that one that knows a single loop can meet ours on either."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import ParamSpec, TypeVar

import anyio
from anyio import to_thread
from anyio.from_thread import BlockingPortal

__all__ = ["PATIENCE", "Elsewhere", "patiently"]

PATIENCE = 20.0  # seconds that a loaded machine may take for what takes milliseconds

P = ParamSpec("P")
T = TypeVar("T")


class Elsewhere:
    """The loop of another thread."""

    def __init__(self, portal: BlockingPortal) -> None:
        self._portal = portal

    async def run(self, function: Callable[P, Awaitable[T]], *args: P.args, **keywords: P.kwargs) -> T:
        """Await a function there."""
        return await patiently(partial(self._portal.call, partial(function, *args, **keywords)))

    @asynccontextmanager
    async def entered(self, manager: AbstractAsyncContextManager[T]) -> AsyncIterator[T]:
        """Enter and leave a context manager there. It does not learn of exceptions in the block."""
        block = self._portal.wrap_async_context_manager(manager)
        entered = await patiently(block.__enter__)
        try:
            yield entered
        finally:
            with anyio.CancelScope(shield=True):
                await patiently(partial(block.__exit__, None, None, None))


async def patiently(function: Callable[[], T]) -> T:
    """The result of a function that blocks; it may hang without hanging the tests."""
    with anyio.fail_after(PATIENCE):
        return await to_thread.run_sync(function, abandon_on_cancel=True)
