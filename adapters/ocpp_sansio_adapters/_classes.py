"""Classes: what a CSMS or a station serves its links with, one class of charge points for each version.

Makes the Connection of a link and the object that serves it, and finds what is wrong with either beforehand.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from inspect import signature
from typing import Any, Protocol, TypeAlias

from ocpp_sansio import Connection, Role, StationState, Version
from ocpp_sansio._dialect import apportioned

from .charge_point import ChargePoint, classes_by_version
from .driver import Transport
from .records import Observer

__all__ = ["Classes", "Maker"]


class _Partial(Protocol):
    """A `functools.partial` of a class of charge points. That of a subclass is none of `ChargePoint` to type
    checkers, and a function is no partial.
    """

    @property
    def func(self) -> Callable[..., ChargePoint]: ...
    @property
    def keywords(self) -> dict[str, Any]: ...
    def __call__(self, *arguments: Any, **options: Any) -> ChargePoint: ...


#: A class of charge points, or `functools.partial` of one with what else its objects are made with.
Maker: TypeAlias = type[ChargePoint] | _Partial

#: What a partial cannot have, because whoever serves the link gives it, or it is the protocol's there.
_GIVEN = {"id", "connection", "protocol", "role", "response_timeout"}


class Classes:
    """For each version, in order: what makes its charge points, and the options of its Connections.

    `owner` is whom errors name, such as "a station". `observers` see all links; with `observed`, whoever
    makes a charge point has one more. Raises TypeError and ValueError for wrong arguments, also for those
    that would be wrong once there is a link.
    """

    def __init__(
        self,
        owner: str,
        role: Role,
        makers: Sequence[Maker],
        options: Mapping[str, Any],
        observers: Iterable[Observer],
        *,
        observed: bool = False,
    ) -> None:
        classes = classes_by_version(owner, [_class_of(maker) for maker in makers])
        shared = tuple(observers)
        self._role = role
        self._makers = dict(zip(classes, makers, strict=True))
        self._extensions = {version: cls.extensions for version, cls in classes.items()}
        self._options = apportioned(self._extensions, options)
        self._observers = {version: (*_own(maker), *shared) for version, maker in self._makers.items()}
        for version, maker in self._makers.items():
            _check_observers(self._observers[version])
            _check_maker(owner, maker, bool(observed or self._observers[version]))
            self.connection(version, StationState())

    @property
    def versions(self) -> list[Version]:
        return list(self._makers)

    def connection(self, version: Version, state: StationState) -> Connection:
        """Our end of a link."""
        return Connection(
            self._role,
            version,
            state=state,
            extensions=self._extensions[version],
            **self._options[version],
        )

    def charge_point(
        self, identity: str, transport: Transport, protocol: Connection, *observers: Observer
    ) -> ChargePoint:
        """What serves a link. Those who would not see anything are no arguments of its class."""
        watching = [*self._observers[protocol.version], *observers]
        seen: dict[str, Any] = {"observers": watching} if watching else {}
        return self._makers[protocol.version](identity, transport, protocol=protocol, **seen)


def _class_of(maker: Any) -> Any:
    return maker.func if isinstance(maker, partial) else maker


def _own(maker: Maker) -> Iterable[Observer]:
    """The observers that a partial brings along."""
    return () if isinstance(maker, type) else maker.keywords.get("observers", ())


def _check_observers(observers: Iterable[object]) -> None:
    for observer in observers:
        if not callable(observer):
            raise TypeError(f"an observer is a function, not {observer!r:.60}")


def _check_maker(owner: str, maker: Maker, observed: bool) -> None:
    """Raise TypeError for what could not be called when there is a link."""
    cls = _class_of(maker)
    more: dict[str, Any] = {}
    if isinstance(maker, partial):
        taken = ["what is given by position"] if maker.args else sorted(_GIVEN & maker.keywords.keys())
        if taken:
            raise TypeError(f"partial({cls.__qualname__}, ...): {taken[0]} is for {owner} itself to give")
        more = maker.keywords
    if observed:
        more = {**more, "observers": ()}
    try:
        signature(cls).bind("", None, protocol=None, **more)
    except TypeError as problem:
        given = "".join(f", {keyword}=..." for keyword in ("protocol", *more))
        raise TypeError(f"{owner} makes {cls.__qualname__}(id, connection{given}): {problem}") from None
