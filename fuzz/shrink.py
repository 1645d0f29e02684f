"""An input that fails, made shorter as long as it fails in the same way."""

from collections.abc import Callable
from traceback import extract_tb

__all__ = ["failure", "shrunk"]

Target = Callable[[bytes], None]


def failure(run: Target, data: bytes) -> Exception | None:
    """What the target raises on this input."""
    try:
        run(data)
    except Exception as error:
        return error
    return None


def shrunk(run: Target, data: bytes) -> bytes:
    """The shortest input found that fails as this one does; the same if it does not fail."""
    way = _way(failure(run, data))
    size = len(data)
    while way is not None and size:
        start = 0
        while start < len(data):
            shorter = data[:start] + data[start + size :]
            if _way(failure(run, shorter)) == way:
                data = shorter
            else:
                start += size
        size //= 2
    return data


def _way(error: Exception | None) -> tuple[object, ...] | None:
    """What two failures have in common that are one: the kind, and the line that raised."""
    if error is None:
        return None
    [*_, last] = extract_tb(error.__traceback__)
    return type(error), last.filename, last.lineno
