"""Message classes declared for tests: every kind of member, both drafts, with limits that official 1.6 schemas do not use."""

from datetime import datetime
from enum import StrEnum

import attrs

from ocpp_sansio import Role
from ocpp_sansio import converters as to
from ocpp_sansio.messages import Datatype, Request, Response, limits


class Colour(StrEnum):
    red = "Red"
    dark_blue = "Dark.Blue"
    old = "Old"


@attrs.define(kw_only=True, eq=False, repr=False, weakref_slot=False, on_setattr=attrs.setters.NO_OP)
class Inner(Datatype):
    count: int = attrs.field(metadata=limits(minimum=0, maximum=10))
    note: str | None = attrs.field(default=None, metadata=limits(max_length=5))


@attrs.define(kw_only=True, eq=False, repr=False, weakref_slot=False, on_setattr=attrs.setters.NO_OP)
class PaintResult(Response):
    pass


@attrs.define(kw_only=True, eq=False, repr=False, weakref_slot=False, on_setattr=attrs.setters.NO_OP)
class Paint(Request["Paint", PaintResult], sender=Role.CSMS):
    text: str = attrs.field(metadata=limits(max_length=3))
    whole: int
    number: float = attrs.field(metadata=limits(minimum=-1, maximum=100))
    flag: bool
    when: datetime = attrs.field(converter=to.time)
    colour: Colour = attrs.field(converter=to.enum[Colour], metadata=limits(receive_only=("Old",)))
    inner: Inner = attrs.field(converter=to.datatype[Inner])
    tenth: float | None = attrs.field(default=None, metadata=limits(multiple_of=0.1))
    step: float | None = attrs.field(default=None, metadata=limits(multiple_of=0.25))
    odd_name: str | None = attrs.field(default=None, metadata=limits(wire="it's {odd}"))
    texts: list[str] | None = attrs.field(
        default=None, metadata=limits(min_items=1, max_items=3, items=limits(max_length=2))
    )
    wholes: list[int] | None = attrs.field(default=None, metadata=limits(items=limits(minimum=1)))
    flags: list[bool] | None = None
    numbers: list[float] | None = None
    whens: list[datetime] | None = None
    colours: list[Colour] | None = attrs.field(default=None, converter=to.optional_enum_list[Colour])
    inners: list[Inner] | None = attrs.field(
        default=None, converter=to.optional_datatype_list[Inner], metadata=limits(max_items=2)
    )
    maybe_colour: Colour | None = attrs.field(default=None, converter=to.optional_enum[Colour])
    maybe_inner: Inner | None = attrs.field(default=None, converter=to.optional_datatype[Inner])
    maybe_when: datetime | None = attrs.field(default=None, converter=to.optional_time)


@attrs.define(kw_only=True, eq=False, repr=False, weakref_slot=False, on_setattr=attrs.setters.NO_OP)
class Strict(Datatype, draft=4):
    whole: int = attrs.field(metadata=limits(minimum=0))


def paint(**changes: object) -> Paint:
    """A valid Paint with changes."""
    members: dict[str, object] = {
        "text": "abc",
        "whole": 1,
        "number": 2.5,
        "flag": True,
        "when": "2024-05-01T12:00:00Z",
        "colour": "Red",
        "inner": {"count": 3},
    }
    return Paint(**{**members, **changes})


def wire(**changes: object) -> dict[str, object]:
    """The same as JSON data."""
    payload: dict[str, object] = {
        "text": "abc",
        "whole": 1,
        "number": 2.5,
        "flag": True,
        "when": "2024-05-01T12:00:00Z",
        "colour": "Red",
        "inner": {"count": 3},
    }
    return {**payload, **changes}
