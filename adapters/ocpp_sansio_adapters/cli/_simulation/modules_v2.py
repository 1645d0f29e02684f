"""The modules of OCPP 2.0.1 or 2.1, for code that is the same for both."""

from importlib import import_module
from types import ModuleType

from ocpp_sansio import Version

__all__ = ["messages_of"]


def messages_of(version: Version) -> tuple[ModuleType, ModuleType, ModuleType, ModuleType]:
    """`call, call_result, datatypes, enums` of this version.

    Type checkers cannot follow. Let them see the modules of 2.0.1 instead, to whose messages 2.1 only adds.
    """
    package = f"ocpp_sansio.{version.name.lower()}"
    return (
        import_module(f"{package}.call"),
        import_module(f"{package}.call_result"),
        import_module(f"{package}.datatypes"),
        import_module(f"{package}.enums"),
    )
