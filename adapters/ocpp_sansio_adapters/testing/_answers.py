"""What a script says in part: the wall clock of its answers, and the requests that it wants.

Knows message classes, and no script.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ocpp_sansio.messages import Message, asdict

__all__ = ["EPOCH", "matches", "moment"]

#: What a wall clock shows when a trace begins.
EPOCH = datetime(2025, 1, 1, 12, tzinfo=UTC)


def moment(seconds: float) -> datetime:
    """The wall clock, so many seconds after a trace began."""
    return EPOCH + timedelta(seconds=seconds)


def matches(wanted: Any, found: Any) -> bool:
    """Whether a value is the one that is wanted.

    Of a dict that is wanted, each member must match; of a list, each element. Times may be wanted as text.
    """
    if isinstance(wanted, Mapping):
        return all(matches(value, _member(found, name)) for name, value in wanted.items())
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(wanted) == len(found)
            and all(matches(*pair) for pair in zip(wanted, found, strict=True))
        )
    if isinstance(found, datetime) and isinstance(wanted, str):
        return datetime.fromisoformat(wanted) == found
    return bool(wanted == found)


def _member(found: Any, name: str) -> Any:
    if isinstance(found, Message):
        return getattr(found, name, asdict(found).get(name))
    return found.get(name) if isinstance(found, Mapping) else None
