"""What somebody else's code may raise: mistakes, which concern its caller alone, and what ends the program.

Groups of exceptions may have both in them, and cancellations besides. Knows no OCPP.
"""

from math import inf

import anyio

__all__ = ["cancellation_in", "is_failure"]


def is_failure(error: BaseException) -> bool:
    """Whether these are mistakes, to which a cancellation that was not ours belongs, and nothing else."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(is_failure, error.exceptions))
    return isinstance(error, (Exception, anyio.get_cancelled_exc_class()))


def cancellation_in(error: BaseException) -> BaseException | None:
    """What of it must be raised again, because the task that we run in is being cancelled."""
    if anyio.current_effective_deadline() > -inf:
        return None  # on asyncio, anybody can raise a cancellation
    cancelled = anyio.get_cancelled_exc_class()
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup(cancelled)
    return error if isinstance(error, cancelled) else None
