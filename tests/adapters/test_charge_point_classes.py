"""charge_point.py: which classes a CSMS or a station may serve its links with."""

from typing import Any

import pytest

from ocpp_sansio import Version
from ocpp_sansio.routing import on
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
