"""routing.py: which method handles which action, and mistakes that are found when it is looked for."""

import functools
from collections.abc import Callable
from enum import Enum
from typing import Any
from unittest.mock import MagicMock

import attrs
import pytest

from ocpp_sansio import Version
from ocpp_sansio.messages import Request
from ocpp_sansio.routing import Handler, Routes, after, check_names, on, routes_of
from ocpp_sansio.v16 import call, call_result, datatypes
from ocpp_sansio.v16.enums import Action

CATALOGUE = Version.V16.load()


def routes(cls: type[Any]) -> Routes:
    return routes_of(cls, CATALOGUE)


# Declaring.


class OtherMixin(str, Enum):  # noqa: UP042
    """An enum of texts whose members do not print as their value."""

    heartbeat = "Heartbeat"


@pytest.mark.parametrize(
    ("action", "request_type"),
    [
        (call.Heartbeat, call.Heartbeat),
        (Action.heartbeat, None),
        ("Heartbeat", None),
        (OtherMixin.heartbeat, None),
    ],
)
def test_an_action_is_a_class_a_member_or_text(action: Any, request_type: Any) -> None:
    class Handlers:
        @on(action)
        def handle(self) -> None: ...

        @after(action)
        def hook(self) -> None: ...

    found = routes(Handlers)
    assert found.on == {"Heartbeat": Handler("handle", request_type)}
    assert found.after == {"Heartbeat": (Handler("hook", request_type),)}


@pytest.mark.parametrize(
    "action", [None, 5, call_result.Heartbeat, call.Heartbeat(), datatypes.IdTagInfo, Request, object, str]
)
@pytest.mark.parametrize(("decorator", "name"), [(on, "@on"), (after, "@after")])
def test_anything_else_is_refused_where_it_stands(
    decorator: Callable[[Any], Any], name: str, action: Any
) -> None:
    with pytest.raises(TypeError, match=f"{name} takes a request class such as call.Heartbeat or the name"):
        decorator(action)


def test_a_decorated_function_is_the_same_function() -> None:
    def handle(self: object) -> None: ...

    assert on("Heartbeat")(handle) is handle
    assert after("Heartbeat")(handle) is handle


def test_one_method_may_handle_several_actions_and_be_a_hook_too() -> None:
    class Handlers:
        @on("Heartbeat")
        @on(call.ClearCache)
        @after("Reset")
        def handle(self, *args: Any, **kwargs: Any) -> None: ...

    found = routes(Handlers)
    assert found.on == {
        "Heartbeat": Handler("handle", None),
        "ClearCache": Handler("handle", call.ClearCache),
    }
    assert found.after == {"Reset": (Handler("handle", None),)}


def test_hooks_of_one_action_come_in_the_order_of_their_declaration() -> None:
    class Base:
        @after("Heartbeat")
        def second(self) -> None: ...

        @after(call.Heartbeat)
        def first(self, request: call.Heartbeat) -> None: ...

    class Derived(Base):
        @after("Heartbeat")
        def another(self) -> None: ...

        def second(self) -> None: ...

    assert [handler.name for handler in routes(Derived).after["Heartbeat"]] == ["second", "first", "another"]


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


class Outside:
    @on("Heartbeat")
    def heartbeat(self) -> str:
        return "outside"


class Kinds:
    @staticmethod
    @on("Heartbeat")
    def on_inside_static() -> str:
        return "static"

    @on("Reset")
    @staticmethod
    def on_outside_static(type: str) -> str:
        return f"static {type}"

    @classmethod
    @on(call.Authorize)
    def on_inside_class(cls, request: call.Authorize) -> str:
        return f"{cls.__name__} {request.id_tag}"

    @on("ClearCache")
    @classmethod
    def on_outside_class(cls) -> str:
        return cls.__name__

    @wrapped
    @on("GetLocalListVersion")
    def below_a_decorator(self) -> str:
        return "wrapped"


@pytest.mark.parametrize(
    ("request_", "result"),
    [
        (call.Heartbeat(), "static"),
        (call.Reset(type="Soft"), "static Soft"),
        (call.Authorize(id_tag="tag"), "Kinds tag"),
        (call.ClearCache(), "Kinds"),
        (call.GetLocalListVersion(), "wrapped"),
    ],
)
def test_methods_of_every_kind_are_found_and_called(request_: Any, result: str) -> None:
    assert routes(Kinds).on[request_.__action__](Kinds(), request_, "1") == result


def test_a_method_of_another_object_is_found_once() -> None:
    class Borrowing:
        heartbeat = Outside().heartbeat

    assert routes(Borrowing).on["Heartbeat"](Borrowing(), call.Heartbeat(), "1") == "outside"


def test_nothing_of_the_class_is_evaluated() -> None:
    class Trap:
        def __get__(self, instance: object, owner: object = None) -> None:
            raise AssertionError

    class Lazy:
        trap = Trap()
        mock = MagicMock()
        generous = MagicMock(__ocpp_marks__="yes")

        @property
        def meter(self) -> None:
            raise AssertionError

        @functools.cached_property
        def cached(self) -> None:
            raise AssertionError

        @on("Heartbeat")
        def heartbeat(self) -> None: ...

    assert set(routes(Lazy).on) == {"Heartbeat"}


def test_a_class_without_handlers_has_no_routes() -> None:
    assert routes(object) == Routes({}, {})


# Inheritance.


class Base:
    @on("Heartbeat")
    def heartbeat(self) -> str:
        return "base"

    @after("Heartbeat")
    def heard(self) -> str:
        return "base"


def test_handlers_are_inherited() -> None:
    class Derived(Base): ...

    assert routes(Derived) == routes(Base)


def test_a_method_that_overrides_a_handler_is_one_without_being_decorated() -> None:
    class Derived(Base):
        def heartbeat(self) -> str:
            return f"derived from {super().heartbeat()}"

    assert routes(Derived).on["Heartbeat"](Derived(), call.Heartbeat(), "1") == "derived from base"


def test_a_handler_is_looked_up_when_it_is_called() -> None:
    handler = routes(Base).on["Heartbeat"]
    station = Base()
    station.heartbeat = lambda: "patched"  # type: ignore[method-assign]
    assert handler(station, call.Heartbeat(), "1") == "patched"


def test_a_derived_class_replaces_the_handler_of_an_action() -> None:
    class Derived(Base):
        @on(call.Heartbeat)
        def other(self, request: call.Heartbeat) -> str:
            return "other"

    assert routes(Derived).on == {"Heartbeat": Handler("other", call.Heartbeat)}
    assert routes(Base).on == {"Heartbeat": Handler("heartbeat", None)}


def test_a_method_that_is_decorated_again_is_what_its_own_decorators_say() -> None:
    class Derived(Base):
        @on("Reset")
        def heartbeat(self, type: str) -> str:  # type: ignore[override]
            return type

        @after(call.ClearCache)
        def heard(self, request: call.ClearCache) -> str:  # type: ignore[override]
            return "derived"

    assert routes(Derived) == Routes(
        {"Reset": Handler("heartbeat", None)}, {"ClearCache": (Handler("heard", call.ClearCache),)}
    )


def test_a_method_that_is_decorated_again_also_replaces_the_handler_of_its_new_action() -> None:
    class Two(Base):
        @on("Reset")
        def reset(self, type: str) -> None: ...

    class Derived(Two):
        @on("Reset")
        def heartbeat(self, type: str) -> str:  # type: ignore[override]
            return type

    assert routes(Derived).on == {"Reset": Handler("heartbeat", None)}


def test_the_first_of_several_bases_wins_as_everywhere() -> None:
    class Another:
        @on("Heartbeat")
        def beat(self) -> str:
            return "another"

    class Both(Another, Base): ...

    class Reversed(Base, Another): ...

    assert routes(Both).on["Heartbeat"].name == "beat"
    assert routes(Reversed).on["Heartbeat"].name == "heartbeat"


def test_routes_are_immutable() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        routes(Base).on = {}  # type: ignore[misc]


# Mistakes.


def test_two_handlers_of_one_action_are_named() -> None:
    class Twice:
        @on("Heartbeat")
        def one(self) -> None: ...

        @on(call.Heartbeat)
        def two(self, request: call.Heartbeat) -> None: ...

    with pytest.raises(ValueError, match=r"Twice has two handlers of Heartbeat: one and two"):
        routes(Twice)


@pytest.mark.parametrize(
    ("action", "hint"),
    [
        ("BootNotifcation", "; did you mean BootNotification?"),
        ("bootNotification", "; did you mean BootNotification?"),
        ("heartbeat", "; did you mean Heartbeat?"),
        ("Xyzzy", ""),
        ("", ""),
    ],
)
@pytest.mark.parametrize(("decorator", "name"), [(on, "@on"), (after, "@after")])
def test_an_unknown_action_says_where_and_what_may_be_meant(
    decorator: Any, name: str, action: str, hint: str
) -> None:
    class Misspelt:
        @decorator(action)
        def handle(self) -> None: ...

    with pytest.raises(ValueError, match="no action") as caught:
        routes(Misspelt)
    where = f"{name} of {Misspelt.__qualname__}.handle"
    assert str(caught.value) == f"{where}: no action {action!r} in this version{hint}"


@attrs.define(kw_only=True, eq=False, repr=False, weakref_slot=False)
class Heartbeat(Request["Heartbeat", call_result.Heartbeat]):
    """As another version might declare it."""


@attrs.define(kw_only=True, eq=False, repr=False, weakref_slot=False)
class GetVariables(Request["GetVariables", call_result.Heartbeat]):
    """Unknown to 1.6."""


@pytest.mark.parametrize("foreign", [Heartbeat, GetVariables])
def test_a_request_of_another_version_is_refused(foreign: Any) -> None:
    class Mixed:
        @on(foreign)
        def handle(self, request: object) -> None: ...

    with pytest.raises(TypeError, match=rf"Mixed\.handle: .*\.{foreign.__name__} is not a request of this"):
        routes(Mixed)


def test_a_mistake_in_a_base_is_reported_as_the_bases() -> None:
    class Wrong:
        @on("Hartbeat")
        def handle(self) -> None: ...

    class Derived(Wrong): ...

    with pytest.raises(ValueError, match=r"Wrong\.handle"):
        routes(Derived)


# Names that are the base's.


@pytest.mark.parametrize(("decorator", "stage"), [(on, "on"), (after, "after")])
def test_a_name_that_the_base_needs_is_refused(decorator: Any, stage: str) -> None:
    class Handlers:
        @decorator(call.StartTransaction)
        def start(self, request: call.StartTransaction) -> None: ...

        @on(call.Heartbeat)
        def beat(self, request: call.Heartbeat) -> None: ...

    class Derived(Handlers): ...

    problem = rf"@{stage} of .*Handlers\.start: Base has a start of its own, .*; .* such as on_start"
    with pytest.raises(ValueError, match=problem):
        check_names(Handlers, {"start", "call"}, "Base")
    with pytest.raises(ValueError, match=problem):
        check_names(Derived, {"start", "call"}, "Base")
    check_names(Handlers, {"call", "send"}, "Base")


def test_whoever_overrides_such_a_name_without_decorating_it_may() -> None:
    class Handlers:
        def start(self) -> None: ...

        start_later = on("StartTransaction")(lambda self, **members: None)

    check_names(Handlers, {"start"}, "Base")
