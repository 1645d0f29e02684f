"""A bounded memory: what keeps a connection from remembering every id that it ever saw."""

from typing import TypeVar

__all__ = ["Memory"]

Value = TypeVar("Value")


class Memory(dict[str, Value]):
    """The last few values by message id."""

    __slots__ = ("_most",)

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def keep(self, id: str, value: Value) -> None:
        """Remember it as the newest; beyond the bound, the oldest is forgotten."""
        self.pop(id, None)
        self[id] = value
        if len(self) > self._most:
            del self[next(iter(self))]
