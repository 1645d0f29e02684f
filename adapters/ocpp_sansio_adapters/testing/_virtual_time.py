"""Virtual time: a clock that jumps to the next deadline whenever every task waits, on asyncio and trio.

For links in memory only: nobody can tell when a socket will have something to read.
"""

import asyncio
import contextlib
import selectors
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from ._pair import WEEK
from ._wire import check_seconds

__all__ = ["Stuck", "beside", "run", "virtual_time", "watched"]

Result = TypeVar("Result")
Given = TypeVarTuple("Given")

#: Seconds of real time that threads have before the clock jumps all the same, for they may wait for it.
THREADS = 10.0

_OURS = Path(__file__).parent  # whose parent is the whole package

#: Whether somebody watches already that the test does not go on for ever.
_is_watched: ContextVar[bool] = ContextVar("_is_watched", default=False)


class Stuck(AssertionError):
    """A test has not come to its end in all the time that it had: it waits for what cannot happen, or for
    what does not. The text says where each task waits.
    """


def run(
    main: Callable[..., Awaitable[Result]],
    *args: Any,
    backend: str = "asyncio",
    limit: float = WEEK,
    patience: float = 0.0,
) -> Result:
    """Run an async function to its end, in virtual time, and return its result: `run(main, csms)` awaits
    `main(csms)`.

    Whenever every task waits, the clock of the event loop jumps to the next deadline, so that no sleep and no
    time-out takes any time. What reads another clock, such as `time.monotonic` or `datetime.now`, is not
    fooled.

    `backend` is `"asyncio"` or `"trio"`. After `limit` seconds of virtual time, which is at once if nothing
    can happen any more, `Stuck` is raised. While threads work for `anyio.to_thread`, `asyncio.to_thread` or
    `trio.to_thread`, the clock stands still. `patience` is seconds of real time to wait before it jumps, for
    what waits for something else of the real world. Raises ValueError for wrong arguments, and what `main`
    raises.
    """
    check_seconds("limit", limit)

    async def whole() -> Result:
        async with watched(limit):
            return await main(*args)

    name, options = virtual_time(backend, patience=patience)
    if name == "trio":
        import trio

        return trio.run(whole, **options)
    return anyio.run(whole, backend=name, backend_options=options)


def virtual_time(backend: str = "asyncio", *, patience: float = 0.0) -> tuple[str, dict[str, Any]]:
    """What the fixture `anyio_backend` of a test module returns for its tests to run in virtual time, each
    time with a new clock. The arguments are those of `run`. Raises ValueError for other backends.
    """
    check_seconds("patience", patience)
    if backend == "asyncio":
        return backend, {"loop_factory": lambda: _JumpingLoop(patience)}
    if backend == "trio":
        from ._trio_clock import jumping

        return backend, jumping(patience, THREADS)
    raise ValueError(f"backend is 'asyncio' or 'trio', not {backend!r}")


class _JumpingSelector(selectors.DefaultSelector):
    """Moves its clock instead of waiting for input, unless threads are at work."""

    def __init__(self, patience: float) -> None:
        super().__init__()
        self.now = 0.0
        self.threads = 0  # of executors
        self._patience = patience

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        real = max(self._patience, THREADS if self.threads or _anyio_threads() else 0.0)
        if real and (ready := super().select(real)):
            return ready
        if timeout is None:
            raise Stuck("every task waits, and for nothing that could happen")
        self.now += timeout
        return ready


def _anyio_threads() -> float:
    """How many threads work for `anyio.to_thread`."""
    try:
        return anyio.to_thread.current_default_thread_limiter().borrowed_tokens
    except RuntimeError:
        return 0  # nobody uses anyio on this loop


class _JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop on the clock of its selector."""

    def __init__(self, patience: float) -> None:
        self._jumping = _JumpingSelector(patience)
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Given], Result], *args: *Given
    ) -> asyncio.Future[Result]:
        future = super().run_in_executor(executor, func, *args)
        self._jumping.threads += 1
        future.add_done_callback(self._thread_done)
        return future

    def _thread_done(self, future: object) -> None:
        self._jumping.threads -= 1

    async def shutdown_default_executor(self, *args: Any) -> None:
        self._jumping.threads += 1  # another thread waits for those
        await super().shutdown_default_executor(*args)
        self._jumping.threads -= 1


@asynccontextmanager
async def beside(*workers: Callable[[], Awaitable[object]]) -> AsyncGenerator[TaskGroup]:
    """Run these beside the block, and cancel them at its end. What the block or one of them raises comes out
    as itself, and not in a group.
    """
    errors: list[BaseException] = []
    async with anyio.create_task_group() as tasks:

        async def attempt(worker: Callable[[], Awaitable[object]]) -> None:
            try:
                await worker()
            except Exception as error:
                errors.append(error)
                tasks.cancel_scope.cancel()

        for worker in workers:
            tasks.start_soon(attempt, worker)
        try:
            yield tasks
        except BaseException as error:
            # What pytest raises to fail or skip is no Exception; cancellations, and groups of them, pass.
            if not isinstance(error, Exception) and isinstance(error, _never_caught()):
                raise
            errors.append(error)
        tasks.cancel_scope.cancel()
    if errors:
        raise errors[0]


def _never_caught() -> tuple[type[BaseException], ...]:
    return anyio.get_cancelled_exc_class(), BaseExceptionGroup, GeneratorExit, KeyboardInterrupt, SystemExit


@asynccontextmanager
async def watched(limit: float = WEEK) -> AsyncGenerator[None]:
    """Raise Stuck if the block takes longer; nothing if somebody watches already."""
    if _is_watched.get():
        yield
        return

    async def watch() -> None:
        await anyio.sleep(limit)
        raise Stuck(f"not at its end after {limit:g} s of virtual time; this waits:\n{_waiting()}")

    token = _is_watched.set(True)
    try:
        async with beside(watch):
            yield
    finally:
        _is_watched.reset(token)


def _waiting() -> str:
    """Where each task that runs code of the test or the program waits, a line each."""
    places = (place for task in anyio.get_running_tasks() for place in _places(task))
    return "\n".join(f"  {place}" for place in places) or "  nobody but ocpp_sansio itself"


def _places(task: anyio.TaskInfo) -> list[str]:
    """The innermost line of a task that is neither the event loop's nor ours; none if all are."""
    awaited: Any = task.coro
    place: list[str] = []
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
        if frame is not None and not _is_foreign(frame.f_code.co_filename):
            code = frame.f_code
            place = [f"{Path(code.co_filename).name}:{frame.f_lineno} in {code.co_qualname}"]
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
    return place


#: Whose lines tell the author of a test nothing.
_FOREIGN = (
    *(str(Path(file).parent) for file in (_OURS, anyio.__file__, asyncio.__file__)),
    contextlib.__file__,
)


def _is_foreign(path: str) -> bool:
    return path.startswith(_FOREIGN) or "trio" in Path(path).parts
