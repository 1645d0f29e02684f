"""A Python program run as its users run it, in a process of its own, its output watched line by line."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

__all__ = ["Program", "running"]

#: Seconds to wait for a line before the program counts as stuck; in a good run it comes at once.
PATIENCE = 20


class Program:
    """A running program. `printed` is what it has said so far, on stdout and stderr alike."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.printed: list[str] = []

    async def line(self, text: str) -> str:
        """Read on until a line contains `text`, and return that line."""
        while line := await self._next_line(text):
            if text in line:
                return line
        raise AssertionError("\n".join([f"ended without a line with {text!r}:", *self.printed]))

    async def ended(self) -> int:
        """Read on until the program ends, and return its exit status."""
        while await self._next_line("the end"):
            pass
        return await self.process.wait()

    async def _next_line(self, awaited: str) -> str:
        """The next line with its end, or nothing at the end of the output."""
        assert self.process.stdout is not None
        try:
            async with asyncio.timeout(PATIENCE):
                line = (await self.process.stdout.readline()).decode()
        except TimeoutError:
            raise AssertionError("\n".join([f"waited in vain for {awaited!r}:", *self.printed])) from None
        if line:
            self.printed.append(line.rstrip())
        return line


@asynccontextmanager
async def running(*command: str | Path) -> AsyncIterator[Program]:
    """Run `python *command`; whatever still runs at the end is killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()  # an unread pipe would keep its transport open
