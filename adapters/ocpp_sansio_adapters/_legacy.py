"""Spellings that exist only because programs written for mobilityhouse/ocpp use them.

New code and documentation never do.
"""

from typing import Any

__all__ = ["OlderNames"]


class OlderNames:
    """Attributes of ChargePoint under the names that those programs reach for."""

    transport: Any

    @property
    def _connection(self) -> Any:
        """The WebSocket connection, as in `await self._connection.close()`."""
        return self.transport
