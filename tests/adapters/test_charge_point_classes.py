"""charge_point.py: what handlers may be called, and which classes a CSMS or a station may serve its links with."""

from typing import Any

import pytest

from ocpp_sansio import Version
from ocpp_sansio.routing import after, on
from ocpp_sansio_adapters import charge_point, v16, v201
from ocpp_sansio_adapters.charge_point import classes_by_version


class Plain(v16.ChargePoint): ...


class Versionless(charge_point.ChargePoint): ...


class Misspelt(v16.ChargePoint):
    @on("Hartbeat")
    def heartbeat(self) -> None: ...


class Unjudged(v16.ChargePoint):
    @on("Heartbeat", skip_schema_validation=True)
    def heartbeat(self) -> None: ...


NAMES = [
    "call",
    "extensions",
    "id",
    "logger",
    "protocol",
    "send",
    "start",
    "transport",
    "version",
    "_connection",
]


@pytest.mark.parametrize("base", [v16.ChargePoint, charge_point.ChargePoint])
@pytest.mark.parametrize("decorator", [on("Heartbeat"), after("Heartbeat")])
@pytest.mark.parametrize("name", NAMES)
def test_a_handler_may_not_hide_a_name_of_the_base(name: str, decorator: Any, base: Any) -> None:
    method = decorator(lambda self, **members: None)
    with pytest.raises(ValueError, match=rf"\.{name}: ChargePoint has a {name} of its own"):
        type("Station", (base,), {name: method})
    mixin = type("Mixin", (), {name: method})
    with pytest.raises(ValueError, match=rf"@\w+ of Mixin\.{name}: ChargePoint has a {name} of its own"):
        type("Station", (mixin, base), {})


def test_every_name_that_an_object_has_is_one_of_the_base() -> None:
    station = Plain("CP_1", None)  # type: ignore[arg-type]
    public = {name for name in vars(station) if not name.startswith("_ocpp_")}
    assert public <= set(NAMES)
    assert {name for name in dir(station) if not name.startswith(("__", "_ocpp_"))} == set(NAMES)


def test_a_method_of_the_base_may_be_overridden_all_the_same() -> None:
    class Counted(v16.ChargePoint):
        starts = 0

        async def start(self) -> None:
            self.starts += 1
            await super().start()

        async def call(self, *arguments: Any, **options: Any) -> Any:
            return await super().call(*arguments, **options)

    assert classes_by_version("a CSMS", [Counted]) == {Version.V16: Counted}


def test_classes_are_told_by_their_version_in_order() -> None:
    classes = classes_by_version("a station", [v201.ChargePoint, Plain])
    assert list(classes.items()) == [(Version.V201, v201.ChargePoint), (Version.V16, Plain)]


@pytest.mark.parametrize(
    ("classes", "error", "problem"),
    [
        ([], ValueError, "a CSMS has one class of charge points for each version that it speaks"),
        ([Plain, v16.ChargePoint], ValueError, "a CSMS has one class of charge points for each version"),
        ([Versionless], TypeError, "a CSMS takes classes of charge points that have a version, not <class"),
        (
            [Plain("CP_1", None)],
            TypeError,
            "a CSMS takes classes of charge points that have a version, not <",
        ),  # type: ignore[arg-type]
        (["1.6"], TypeError, "a CSMS takes classes of charge points that have a version, not '1.6'"),
        ([int], TypeError, "a CSMS takes classes of charge points that have a version, not <class 'int'>"),
        ([v201.ChargePoint, Misspelt], ValueError, "no action 'Hartbeat'"),
        (
            [v201.ChargePoint, Unjudged],
            ValueError,
            "Unjudged skips the validation of Heartbeat, but the policy",
        ),
    ],
)
def test_other_classes_are_refused(classes: Any, error: type[Exception], problem: str) -> None:
    with pytest.raises(error, match=problem):
        classes_by_version("a CSMS", classes)
