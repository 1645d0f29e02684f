"""Changes: wakes whoever waits for something to become true, on asyncio as on trio."""

from collections.abc import Callable

import anyio

__all__ = ["Changes"]


class Changes:
    """Something that changes. Needs an event loop only while somebody waits."""

    def __init__(self) -> None:
        self._next: anyio.Event | None = None

    def tell(self) -> None:
        """Something has changed."""
        if self._next is not None:
            self._next.set()
            self._next = None

    async def wait(self) -> None:
        """Wait for the next change."""
        if self._next is None:
            self._next = anyio.Event()
        await self._next.wait()

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until this is true; it is asked at first and after each change."""
        while not condition():
            await self.wait()
