"""Hypothesis strategies for whoever tests a program that speaks OCPP; needs the extra `testing`.

Everything is derived from the message classes, so that what is drawn is what the standard allows, and what
`near_valid_frames` draws is wrong in one thing.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from hypothesis import strategies as st

from ._codec import decoder
from ._shape import Member, members
from .messages import Datatype, Message, Request, Response
from .version import Version

__all__ = ["frames", "json_values", "near_valid_frames", "payloads", "requests", "responses", "texts"]

Answer = TypeVar("Answer", bound=Response)

_characters = st.characters(exclude_categories=["Cs"])  # half a character is no text (L-218)
_ids = st.text(_characters, min_size=1, max_size=36)
_naive = st.datetimes(
    min_value=datetime.fromisoformat("0001-01-02"), max_value=datetime.fromisoformat("9999-12-30")
)
_times = _naive.map(lambda moment: f"{moment.replace(tzinfo=UTC).isoformat(timespec='milliseconds')[:23]}Z")

#: Any JSON value, small.
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(_characters, max_size=40),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(_characters, max_size=10), inner, max_size=3)
    ),
    max_leaves=6,
)


#: Those that were made: a datatype is in many messages.
_payloads: dict[type[Message], st.SearchStrategy[dict[str, Any]]] = {}


def payloads(cls: type[Message]) -> st.SearchStrategy[dict[str, Any]]:
    """Valid JSON payloads of a message class or datatype, times in normal form."""
    if cls not in _payloads:
        _payloads[cls] = _payloads_of(cls)
    return _payloads[cls]


def _payloads_of(cls: type[Message]) -> st.SearchStrategy[dict[str, Any]]:
    required = {member.wire: _member(member) for member in members(cls) if member.required}
    optional = {member.wire: _member(member) for member in members(cls) if not member.required}
    closed = st.fixed_dictionaries(required, optional=optional)
    if cls.__rest__ is None:
        return closed
    names = st.text(_characters, max_size=10).filter(lambda name: name not in {**required, **optional})
    rest = st.dictionaries(names, json_values, max_size=2)
    return st.tuples(closed, rest).map(lambda parts: {**parts[0], **parts[1]})


def requests(version: Version | str) -> st.SearchStrategy[Request[Any, Any]]:
    """Requests of a version."""
    return st.sampled_from(list(Version(version).load().values())).flatmap(_messages)


def responses(request_type: type[Request[Any, Answer]]) -> st.SearchStrategy[Answer]:
    """Responses to a request."""
    return _messages(request_type.__answer__)


def _messages(cls: type[Any]) -> st.SearchStrategy[Any]:
    return payloads(cls).map(lambda payload: decoder(cls)(payload, []))


def frames(version: Version | str) -> st.SearchStrategy[str]:
    """Texts of valid frames of a version: CALL, CALLRESULT and CALLERROR."""
    return _frames(Version(version)).map(json.dumps)


def near_valid_frames(version: Version | str) -> st.SearchStrategy[str]:
    """Texts of frames that were valid but for one thing: an element or member replaced, dropped or added."""
    return _spoilt_frames(Version(version)).map(json.dumps)


def texts() -> st.SearchStrategy[str]:
    """The traps of JSON and of RPC framing, small and huge, and any text."""
    return st.sampled_from(_TRAPS).map(lambda trap: trap()) | st.text(max_size=200)


@st.composite
def _frames(draw: st.DrawFn, version: Version) -> list[Any]:
    cls = draw(st.sampled_from(list(version.load().values())))
    id = draw(_ids)
    kind = draw(st.sampled_from([2, 2, 3, 4]))
    if kind == 2:
        return [2, id, cls.__action__, draw(payloads(cls))]
    if kind == 3:
        return [3, id, draw(payloads(cls.__answer__))]
    code = draw(st.sampled_from([version.rules.spell(code) for code in version.rules.codes]))
    details = draw(st.dictionaries(st.text(_characters, max_size=10), json_values, max_size=2))
    return [4, id, code, draw(st.text(_characters, max_size=60)), details]


@st.composite
def _spoilt_frames(draw: st.DrawFn, version: Version) -> list[Any]:
    frame = json.loads(json.dumps(draw(_frames(version))))  # Hypothesis keeps what it drew: work on a copy
    container, key = draw(st.sampled_from(_places(frame)))
    how = draw(st.sampled_from(["replace", "drop", "add"]))
    if how == "replace":
        container[key] = draw(json_values)
    elif how == "drop":
        del container[key]
    elif isinstance(container, dict):
        container[draw(st.text(_characters, max_size=10))] = draw(json_values)
    else:
        container.append(draw(json_values))
    return frame  # type: ignore[no-any-return]


def _places(node: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in JSON data."""
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    return [place for key in keys for place in [(node, key), *_places(node[key])]]


def _member(member: Member) -> st.SearchStrategy[Any]:
    if not member.many:
        return _value(member)
    least = member.limits.get("minItems", 0)
    most = min(member.limits.get("maxItems", least + 3), least + 3)
    return st.lists(_value(member), min_size=least, max_size=most)


def _value(member: Member) -> st.SearchStrategy[Any]:
    kind = member.type
    if issubclass(kind, Datatype):
        return st.deferred(lambda: payloads(kind))
    if issubclass(kind, StrEnum):
        return st.sampled_from([str(found) for found in member.enum_members(receiving=False)])
    return _SCALARS[kind](member)


def _texts_of(member: Member) -> st.SearchStrategy[str]:
    return st.text(_characters, max_size=min(member.values.get("maxLength", 60), 60))


def _integers_of(member: Member) -> st.SearchStrategy[int]:
    return st.integers(member.values.get("minimum", -(2**31)), member.values.get("maximum", 2**31 - 1))


def _numbers_of(member: Member) -> st.SearchStrategy[float]:
    limits = member.values
    if "multipleOf" in limits:
        step = limits["multipleOf"]
        return st.integers(-(10**6), 10**6).map(lambda count: round(count * step, 9))
    low, high = limits.get("minimum"), limits.get("maximum")
    return st.floats(low, high, allow_nan=False, allow_infinity=False) | _integers_of(member)


_SCALARS: dict[type[Any], Callable[[Member], st.SearchStrategy[Any]]] = {
    str: _texts_of,
    int: _integers_of,
    float: _numbers_of,
    bool: lambda member: st.booleans(),
    datetime: lambda member: _times,
    object: lambda member: json_values,
}

# Made when drawn: some are megabytes.
_TRAPS: list[Callable[[], str]] = [
    lambda: "",
    lambda: " ",
    lambda: "[]",
    lambda: "[2]",
    lambda: "[true]",
    lambda: "NaN",
    lambda: "[1e400]",
    lambda: '[2,"1","Heartbeat",{"a":1e400}]',
    lambda: '[2,"1","Heartbeat",{"a":-Infinity}]',
    lambda: '[2,"1",[],{}]',
    lambda: '[2,"1",{"a":1},{}]',
    lambda: '[2,"1","Heartbeat",{},{}]',
    lambda: '[2.0,"1","Heartbeat",{}]',
    lambda: '[2,1,"Heartbeat",{}]',
    lambda: '[2,"1","Heartbeat",null]',
    lambda: '[3,"-1",{}]',
    lambda: '[4,"-1"]',
    lambda: "[" * 100_000,
    lambda: '{"a":' * 50_000,
    lambda: '[2,"1","Heartbeat",' + "[" * 900 + "]" * 900 + "]",
    lambda: '[4,"1","GenericError","",{"a":' + "[" * 900 + "]" * 900 + "}]",
    lambda: "[[" + "[" * 900 + "]" * 900 + "]]",
    lambda: '[2,"1","Heartbeat",{"a":' + "1" * 5000 + "}]",
    lambda: '[2,"\\ud800","Heartbeat",{}]',
    lambda: '[3,"1",{"a":"\\udc00"}]',
    lambda: '["\ud800"]',
    lambda: '[2,"1","Heartbeat",{"a":1,"a":2}]',
    lambda: '\ufeff[2,"1","Heartbeat",{}]',
    lambda: '[2,"1","Heartbeat",{}]\x00',
    lambda: '[2,"' + "x" * 36 + '","Heartbeat",{}]',
    lambda: '[2,"' + "x" * 37 + '","Heartbeat",{}]',
    lambda: '[2,"' + "x" * 1_000_000 + '","Heartbeat",{}]',
    lambda: "x" * 10_000_000,
    lambda: '[2,"1","DataTransfer",{"vendorId":"' + "x" * 10_000_000 + '"}]',
]
