"""Decisions read from bytes, so that a fuzzer which changes a byte changes one decision."""

from collections.abc import Sequence
from typing import TypeVar

__all__ = ["NONE", "Choices"]

Item = TypeVar("Item")


class Choices:
    """Reads decisions one after another; when the bytes are used up, each further one is the first of its menu."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def over(self) -> bool:
        """Whether the bytes are used up."""
        return self._at >= len(self._data)

    def byte(self) -> int:
        """A number below 256."""
        at = self._at
        if at >= len(self._data):
            return 0
        self._at = at + 1
        return self._data[at]

    def pick(self, menu: Sequence[Item]) -> Item:
        """One item of a menu of at most 256."""
        return menu[self.byte() % len(menu)]

    def pick_wide(self, menu: Sequence[Item]) -> Item:
        """One item of a longer menu."""
        return menu[(self.byte() << 8 | self.byte()) % len(menu)]

    def take(self, count: int) -> bytes:
        """That many bytes, or what is left of them."""
        found = self._data[self._at : self._at + count]
        self._at += len(found)
        return found

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._data))


#: Every decision is the first of its menu.
NONE = Choices(b"")
