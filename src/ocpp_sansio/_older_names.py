"""Spellings from before mobilityhouse/ocpp 1.0, for programs that still use them.

They resolve at run time only: a type checker that saw a module's `__getattr__` would let every typo pass.
"""

import sys
import warnings
from collections.abc import Callable, Collection
from enum import StrEnum
from typing import Any

__all__ = ["camel_case_members", "payload_names"]


def camel_case_members(actions: type[StrEnum]) -> None:
    """Let `Action.BootNotification` be `Action.boot_notification`."""
    for action in actions:
        setattr(actions, action.value, action)


def payload_names(module: str, names: Collection[str]) -> Callable[[str], Any]:
    """A module's `__getattr__`: `call.BootNotificationPayload` is `call.BootNotification`, and says so by a
    DeprecationWarning. `names` are the module's own.
    """
    shown = module.rpartition(".")[2]

    def __getattr__(name: str) -> Any:
        newer = name.removesuffix("Payload")
        if newer == name or newer not in names:
            raise AttributeError(
                f"module {module!r} has no attribute {name!r}", name=name, obj=sys.modules[module]
            )
        warnings.warn(f"{shown}.{name} is now {shown}.{newer}", DeprecationWarning, stacklevel=2)
        return getattr(sys.modules[module], newer)

    return __getattr__
