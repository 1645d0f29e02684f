"""Which method handles which action: `@on`, `@after` and the table made from them.

Pure; whoever holds the loop calls the handlers.
"""

from collections.abc import Callable, Collection, Coroutine, Mapping
from difflib import get_close_matches
from inspect import signature
from typing import Any, Protocol, TypeVar, overload

import attrs

from .messages import Message, Request, Response, Unconfirmed, asdict

__all__ = ["Handler", "Routes", "after", "check_names", "on", "routes_of"]

Own = TypeVar("Own")
Owner = TypeVar("Owner")
Asked = TypeVar("Asked")
Told = TypeVar("Told", bound=Unconfirmed)
Answer = TypeVar("Answer", bound=Response)
Method = TypeVar("Method", bound=Callable[..., Any])

Routed = type[Request[Any, Any]] | type[Unconfirmed]


class _OnRequest(Protocol[Asked, Answer]):
    """Decorator of a method that gets a request and returns, or awaits and returns, its response."""

    @overload
    def __call__(
        self, method: Callable[[Owner, Asked], Coroutine[Any, Any, Answer]], /
    ) -> Callable[[Owner, Asked], Coroutine[Any, Any, Answer]]: ...
    @overload
    def __call__(self, method: Callable[[Owner, Asked], Answer], /) -> Callable[[Owner, Asked], Answer]: ...


class _OnMessage(Protocol[Asked]):
    """Decorator of a method that gets a message and returns, or awaits, nothing."""

    @overload
    def __call__(
        self, method: Callable[[Owner, Asked], Coroutine[Any, Any, None]], /
    ) -> Callable[[Owner, Asked], Coroutine[Any, Any, None]]: ...
    @overload
    def __call__(self, method: Callable[[Owner, Asked], None], /) -> Callable[[Owner, Asked], None]: ...


@overload
def on(action: type[Request[Own, Answer]]) -> _OnRequest[Own, Answer]: ...
@overload
def on(action: type[Told]) -> _OnMessage[Told]: ...
@overload
def on(action: str, *, skip_schema_validation: bool = False) -> Callable[[Method], Method]: ...
def on(action: Routed | str, *, skip_schema_validation: bool = False) -> Any:
    """Register a method as the handler of an action.

    `@on(call.Heartbeat)` gives it the request object; `@on(Action.heartbeat)` or `@on("Heartbeat")` the
    members as keyword arguments, nested ones as dicts with snake_case keys and times as text, and the message
    id as `call_unique_id` if it has a parameter of that name. It returns the response, or raises an
    `OCPPError`. What travels as a SEND, such as `send.NotifyPeriodicEventStream`, has no response.

    With `skip_schema_validation`, for programs written for mobilityhouse/ocpp, neither the request nor the
    response is judged: the keyword arguments are whatever the peer has sent. New programs give their
    Connection a `Validation`.
    """
    if skip_schema_validation and not isinstance(action, str):
        raise TypeError("skip_schema_validation is for handlers that get keyword arguments: name the action")
    return _mark("on", action, skip_schema_validation=skip_schema_validation)


@overload
def after(action: type[Request[Own, Any]]) -> _OnMessage[Own]: ...
@overload
def after(action: str, *, inject_response: bool = False) -> Callable[[Method], Method]: ...
def after(action: type[Request[Any, Any]] | str, *, inject_response: bool = False) -> Any:
    """Register a method to run once the response to an action has been sent. It gets what the handler got.

    With `inject_response`, a method that gets keyword arguments gets the response as well, as the dict
    `call_response`.
    """
    if inject_response and not isinstance(action, str):
        raise TypeError("inject_response is for hooks that get keyword arguments: name the action")
    return _mark("after", action, inject_response=inject_response)


@attrs.frozen
class Mark:
    """What a decorator leaves on a function."""

    stage: str
    action: str
    request_type: Routed | None
    inject_response: bool
    skip_schema_validation: bool


def _mark(
    stage: str,
    action: Routed | str,
    *,
    inject_response: bool = False,
    skip_schema_validation: bool = False,
) -> Callable[[Method], Method]:
    request_type = None
    name: str | None = None
    if isinstance(action, str):
        name = str.__str__(action)  # the value of a member of any enum of texts
    elif isinstance(action, type) and issubclass(action, (Request, Unconfirmed)):
        request_type = action
        name = getattr(action, "__action__", None)
    if name is None:
        raise TypeError(
            f"@{stage} takes a request class such as call.Heartbeat or the name of an action, not {action!r:.60}"
        )
    mark = Mark(stage, name, request_type, inject_response, skip_schema_validation)

    def decorate(method: Method) -> Method:
        function: Any = _function_of(method)
        function.__ocpp_marks__ = (*_marks(method), mark)
        return method

    return decorate


def _function_of(attribute: object) -> object:
    """A staticmethod or classmethod keeps its function inside."""
    return getattr(attribute, "__func__", attribute)


def _marks(attribute: object) -> tuple[Mark, ...]:
    marks = getattr(_function_of(attribute), "__ocpp_marks__", ())
    return marks if isinstance(marks, tuple) else ()  # an object that has every attribute one asks for


@attrs.frozen
class Handler:
    """A method, by name, and the way it wants its request.

    The name is looked up on each call, so that overriding works. `wants_id` and `wants_response` are about
    keyword arguments beside the members. Who routes sees to it that `skip_schema_validation` is obeyed.
    """

    name: str
    request_type: Routed | None
    wants_id: bool = False
    wants_response: bool = False
    skip_schema_validation: bool = False

    def __call__(
        self,
        owner: object,
        request: Message,
        id: str,
        response: Message | None = None,
        *,
        members_of: Callable[[Message], dict[str, Any]] = asdict,
    ) -> Any:
        """`response` is for hooks; `members_of` makes keyword arguments from a message."""
        method = getattr(owner, self.name)
        if self.request_type is not None:
            return method(request)
        members = members_of(request)
        if self.wants_id:
            members["call_unique_id"] = id
        if self.wants_response and response is not None:
            members["call_response"] = members_of(response)
        return method(**members)


@attrs.frozen
class Routes:
    """The handlers of a class by action."""

    on: Mapping[str, Handler]
    after: Mapping[str, tuple[Handler, ...]]


def routes_of(cls: type[Any], catalogue: Mapping[str, Routed]) -> Routes:
    """The routes that the methods of a class and its bases declare, checked against a version's actions.

    A derived class replaces the handler of an action. A method that overrides a handler or hook stays one
    without being decorated again; if it is decorated, it is what its own decorators say.
    Raises ValueError for an unknown action or two handlers of one action in one class, TypeError for a
    request class that is not of this version.
    """
    declared: dict[str, tuple[Mark, ...]] = {}
    for base in reversed(cls.__mro__):
        own = {name: marks for name, attribute in vars(base).items() if (marks := _marks(attribute))}
        _check(own, base, catalogue)
        for name in own:
            declared.pop(name, None)  # so that it comes last, and wins
        declared |= own
    handlers: dict[str, Handler] = {}
    hooks: dict[str, tuple[Handler, ...]] = {}
    for name, marks in declared.items():
        for mark in marks:
            wants_id = "call_unique_id" in signature(getattr(cls, name)).parameters
            handler = Handler(
                name, mark.request_type, wants_id, mark.inject_response, mark.skip_schema_validation
            )
            if mark.stage == "on":
                handlers[mark.action] = handler
            else:
                hooks[mark.action] = (*hooks.get(mark.action, ()), handler)
    return Routes(handlers, hooks)


def check_names(cls: type[Any], taken: Collection[str], owner: str) -> None:
    """Raise ValueError for a handler or hook of the class whose name is among those that its base, `owner`,
    needs for itself. Whoever overrides such a method without decorating it knows what he does.
    """
    for base in cls.__mro__:
        for name, attribute in vars(base).items():
            if name in taken and (marks := _marks(attribute)):
                raise ValueError(
                    f"@{marks[0].stage} of {base.__qualname__}.{name}: {owner} has a {name} of its own, which "
                    f"this would hide; give the method another name, such as on_{name}"
                )


def _check(
    declared: Mapping[str, tuple[Mark, ...]], owner: type[Any], catalogue: Mapping[str, Routed]
) -> None:
    """Raise ValueError or TypeError unless what one class declares makes sense."""
    handler_of: dict[str, str] = {}
    for name, marks in declared.items():
        for mark in marks:
            _check_action(mark, f"@{mark.stage} of {owner.__qualname__}.{name}", catalogue)
            if mark.stage == "on" and handler_of.setdefault(mark.action, name) != name:
                both = f"{handler_of[mark.action]} and {name}"
                raise ValueError(f"{owner.__qualname__} has two handlers of {mark.action}: {both}")


def _check_action(mark: Mark, where: str, catalogue: Mapping[str, Routed]) -> None:
    request_type = mark.request_type
    if request_type is not None and catalogue.get(mark.action) is not request_type:
        foreign = f"{request_type.__module__}.{request_type.__qualname__}"
        raise TypeError(f"{where}: {foreign} is not a request of this version")
    if mark.action not in catalogue:
        meant = get_close_matches(mark.action, catalogue, n=1)
        hint = f"; did you mean {meant[0]}?" if meant else ""
        raise ValueError(f"{where}: no action {mark.action!r} in this version{hint}")
