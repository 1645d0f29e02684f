"""Finds a message by what somebody types: an action, a request or an answer, a datatype or an enum, in one
version or several.
"""

import inspect
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from enum import StrEnum
from importlib import import_module
from types import ModuleType
from typing import Any, TypeAlias

import attrs

from ocpp_sansio import Version
from ocpp_sansio.messages import Datatype, Message, Role

from .._command import Problem

__all__ = ["Part", "Subject", "find"]

#: What has a schema of its own, and what it is.
Part: TypeAlias = tuple[str, type[Message]]


@attrs.frozen
class Subject:
    """What a name stands for in a version: a message with its parts, or a datatype or an enum."""

    version: Version
    name: str
    parts: tuple[Part, ...] = ()
    enum: type[StrEnum] | None = None
    sender: Role | None = None
    is_action: bool = False


def find(name: str, versions: Iterable[Version]) -> list[Subject]:
    """Everything of this name, in any of these versions; capitals do not matter. Raises Problem if there is
    nothing.
    """
    versions = list(versions)
    found = [subject for version in versions for subject in _in_version(name, version)]
    if found:
        return found
    known = sorted({known for version in versions for known in _names(version)})
    close = get_close_matches(name.lower(), [entry.lower() for entry in known], n=1)
    hint = "".join(f"; did you mean {entry}?" for entry in known if entry.lower() in close)
    spoken = ", ".join(version.value for version in versions)
    raise Problem(f"there is no message, datatype or enum {name!r} in OCPP {spoken}{hint or '.'}")


def _names(version: Version) -> Iterator[str]:
    yield from version.load()
    yield from version.load_sends()
    yield from _classes(_module(version, "datatypes"), Datatype)
    yield from _classes(_module(version, "enums"), StrEnum)


def _in_version(name: str, version: Version) -> Iterator[Subject]:
    wanted = name.lower()
    for action, cls in version.load().items():
        parts: tuple[Part, ...] = (("request", cls), ("answer", cls.__answer__))
        if wanted in (action.lower(), f"{action}Request".lower()):
            # The whole of it, but for who asks for one half.
            parts = parts if wanted == action.lower() else parts[:1]
            yield Subject(version, action, parts, sender=cls.__sender__, is_action=True)
        elif wanted == f"{action}Response".lower():
            yield Subject(version, action, parts[1:], sender=cls.__sender__, is_action=True)
    for action, message in version.load_sends().items():
        if wanted == action.lower():
            yield Subject(version, action, (("SEND", message),), sender=message.__sender__, is_action=True)
    for found in _classes(_module(version, "datatypes"), Datatype).values():
        if wanted == found.__name__.lower():
            yield Subject(version, found.__name__, (("datatype", found),))
    for kind in _classes(_module(version, "enums"), StrEnum).values():
        if wanted == kind.__name__.lower():
            yield Subject(version, kind.__name__, enum=kind)


def _module(version: Version, name: str) -> ModuleType:
    return import_module(f"ocpp_sansio.{version.name.lower()}.{name}")


def _classes(module: ModuleType, base: type[Any]) -> dict[str, type[Any]]:
    """The classes that a module defines, by name."""
    return {
        name: cls
        for name, cls in inspect.getmembers(module, inspect.isclass)
        if issubclass(cls, base) and cls.__module__ == module.__name__
    }
