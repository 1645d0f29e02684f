"""Which method handles which action: `@on`, `@after` and the table made from them.

Pure; whoever holds the loop calls the handlers.
"""

from collections.abc import Callable, Coroutine, Mapping
from difflib import get_close_matches
from typing import Any, Protocol, TypeVar, overload

import attrs

from .messages import Request, Response, asdict
from .version import Catalogue

__all__ = ["Handler", "Routes", "after", "on", "routes_of"]

Own = TypeVar("Own")
Owner = TypeVar("Owner")
Asked = TypeVar("Asked", contravariant=True)
Answer = TypeVar("Answer", bound=Response)
Method = TypeVar("Method", bound=Callable[..., Any])


class _OnRequest(Protocol[Asked, Answer]):
    """Decorator of a method that gets a request and returns, or awaits and returns, its response."""

    @overload
    def __call__(
        self, method: Callable[[Owner, Asked], Coroutine[Any, Any, Answer]], /
    ) -> Callable[[Owner, Asked], Coroutine[Any, Any, Answer]]: ...
    @overload
    def __call__(self, method: Callable[[Owner, Asked], Answer], /) -> Callable[[Owner, Asked], Answer]: ...


class _AfterRequest(Protocol[Asked]):
    """Decorator of a method that gets a request and returns, or awaits, nothing."""

    @overload
    def __call__(
        self, method: Callable[[Owner, Asked], Coroutine[Any, Any, None]], /
    ) -> Callable[[Owner, Asked], Coroutine[Any, Any, None]]: ...
    @overload
    def __call__(self, method: Callable[[Owner, Asked], None], /) -> Callable[[Owner, Asked], None]: ...


@overload
def on(action: type[Request[Own, Answer]], /) -> _OnRequest[Own, Answer]: ...
@overload
def on(action: str, /) -> Callable[[Method], Method]: ...
def on(action: type[Request[Any, Any]] | str, /) -> Any:
    """Register a method as the handler of an action.

    `@on(call.Heartbeat)` gives it the request object; `@on(Action.heartbeat)` or `@on("Heartbeat")` the
    members as keyword arguments, nested ones as dicts with snake_case keys and times as text. It returns the
    response, or raises an `OCPPError`.
    """
    return _mark("on", action)


@overload
def after(action: type[Request[Own, Any]], /) -> _AfterRequest[Own]: ...
@overload
def after(action: str, /) -> Callable[[Method], Method]: ...
def after(action: type[Request[Any, Any]] | str, /) -> Any:
    """Register a method to run once the response to an action has been sent. It gets what the handler got."""
    return _mark("after", action)


@attrs.frozen
class Mark:
    """What a decorator leaves on a function."""

    stage: str
    action: str
    request_type: type[Request[Any, Any]] | None


def _mark(stage: str, action: type[Request[Any, Any]] | str) -> Callable[[Method], Method]:
    if isinstance(action, str):
        mark = Mark(stage, str(action), None)
    elif isinstance(action, type) and issubclass(action, Request):
        mark = Mark(stage, action.__action__, action)
    else:
        raise TypeError(
            f"@{stage} takes a request class such as call.Heartbeat or the name of an action, not {action!r:.60}"
        )

    def decorate(method: Method) -> Method:
        marks = (*getattr(method, "__ocpp_marks__", ()), mark)
        method.__ocpp_marks__ = marks  # type: ignore[attr-defined]
        return method

    return decorate


@attrs.frozen
class Handler:
    """A method, by name, and the way it wants its request.

    The name is looked up on each call, so that overriding works.
    """

    name: str
    request_type: type[Request[Any, Any]] | None

    def __call__(self, owner: object, request: Request[Any, Any]) -> Any:
        method = getattr(owner, self.name)
        return method(request) if self.request_type is not None else method(**asdict(request))


@attrs.frozen
class Routes:
    """The handlers of a class by action."""

    on: Mapping[str, Handler]
    after: Mapping[str, tuple[Handler, ...]]


def routes_of(cls: type[Any], catalogue: Catalogue) -> Routes:
    """The routes that the methods of a class and its bases declare, checked against a version's actions.

    A derived class replaces the handler of an action; a method that overrides a handler stays one without
    being decorated again.
    Raises ValueError for an unknown action or two handlers of one action in one class, TypeError for another
    version's request.
    """
    handlers: dict[str, Handler] = {}
    hooks: dict[str, dict[str, Handler]] = {}
    for base in reversed(cls.__mro__):
        seen: dict[str, str] = {}
        for name, attribute in vars(base).items():
            for mark in _marks(attribute):
                _check(mark, name, base, catalogue)
                handler = Handler(name, mark.request_type)
                if mark.stage == "after":
                    hooks.setdefault(mark.action, {})[name] = handler
                    continue
                if mark.action in seen:
                    both = f"{seen[mark.action]} and {name}"
                    raise ValueError(f"{base.__qualname__} has two handlers of {mark.action}: {both}")
                seen[mark.action] = name
                handlers[mark.action] = handler
    return Routes(handlers, {action: tuple(found.values()) for action, found in hooks.items()})


def _marks(attribute: object) -> tuple[Mark, ...]:
    function = getattr(
        attribute, "__func__", attribute
    )  # a staticmethod or classmethod keeps its function there
    marks = getattr(function, "__ocpp_marks__", ()) if callable(function) else ()
    return marks if isinstance(marks, tuple) else ()


def _check(mark: Mark, name: str, owner: type[Any], catalogue: Catalogue) -> None:
    where = f"@{mark.stage} of {owner.__qualname__}.{name}"
    if mark.action not in catalogue:
        meant = get_close_matches(mark.action, catalogue, n=1)
        hint = f"; did you mean {meant[0]}?" if meant else ""
        raise ValueError(f"{where}: no action {mark.action!r} in this version{hint}")
    if mark.request_type is not None and catalogue[mark.action] is not mark.request_type:
        raise TypeError(f"{where}: {mark.request_type.__module__}.{mark.action} is another version's request")
