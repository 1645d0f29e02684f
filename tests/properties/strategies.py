"""What the public strategies of `ocpp_sansio.strategies` do not draw: several faults at once, and traps in bytes."""

import json
from typing import Any

from hypothesis import strategies as st

from ocpp_sansio._shape import members
from ocpp_sansio.messages import Message
from ocpp_sansio.strategies import json_values as any_json
from ocpp_sansio.strategies import payloads
from ocpp_sansio.version import Version

CATALOGUE = Version.V16.load()
REQUESTS = list(CATALOGUE.values())
RESPONSES = [cls.__answer__ for cls in REQUESTS]
CLASSES: list[type[Message]] = [*REQUESTS, *RESPONSES]

characters = st.characters(exclude_categories=["Cs"])  # half a character is no text

# Values that nearly fit many members are worth more than any other.
json_values = (
    any_json
    | st.sampled_from(["", "2024-05-01T12:00:00", "Accepted", "x" * 600, 12.0, 0.15, -1])
    | st.builds(list)
    | st.builds(dict)
)


@st.composite
def classes_and_payloads(draw: st.DrawFn) -> tuple[type[Message], dict[str, Any]]:
    """A class of the version and one of its payloads."""
    cls = draw(st.sampled_from(CLASSES))
    return cls, draw(payloads(cls))


def _places(node: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in a payload."""
    items = (
        list(node.items())
        if isinstance(node, dict)
        else list(enumerate(node))
        if isinstance(node, list)
        else []
    )
    found: list[tuple[Any, Any]] = [(node, key) for key, _ in items]
    for _, value in items:
        found += _places(value)
    return found


@st.composite
def mutated_payloads(draw: st.DrawFn) -> tuple[type[Message], dict[str, Any]]:
    """A class and a payload that was valid before one to three changes: replaced, dropped or added members."""
    cls, payload = draw(classes_and_payloads())
    for _ in range(draw(st.integers(1, 3))):
        # Drawn values are mutable and Hypothesis keeps them: each change works on a copy.
        payload = json.loads(json.dumps(payload))
        places = _places(payload)
        change = draw(st.sampled_from(["replace", "drop", "add"]))
        if change == "add" or not places:
            objects = [
                payload,
                *(container[key] for container, key in places if isinstance(container[key], dict)),
            ]
            known = [member.wire for member in members(cls)] or ["x"]
            name = draw(st.sampled_from(known) | st.text(characters, max_size=10))
            draw(st.sampled_from(objects))[name] = draw(json_values)
            continue
        container, key = draw(st.sampled_from(places))
        if change == "replace":
            container[key] = draw(json_values)
        else:
            del container[key]
    return cls, payload


ids = st.text(characters, max_size=40) | st.sampled_from(["1", "-1", "", "x" * 36, "x" * 37, "x" * 256])
actions = st.sampled_from([*CATALOGUE, "FooBar", "heartbeat", "HeartbeatRequest"])


@st.composite
def frames(draw: st.DrawFn) -> list[Any]:
    """Frames that are valid or nearly so."""
    kind = draw(st.sampled_from([2, 2, 2, 3, 4, 5, 6, 2.0, True, None, "2"]))
    id = draw(ids | json_values)
    if kind == 3:
        frame = [kind, id, draw(mutated_payloads())[1]]
    elif kind == 4:
        frame = [
            kind,
            id,
            draw(st.sampled_from(["NotSupported", "Weird"]) | json_values),
            draw(json_values),
            draw(json_values),
        ]
    else:
        cls, payload = draw(classes_and_payloads() | mutated_payloads())
        action = draw(st.just(cls.__name__) | actions | json_values)
        frame = [kind, id, action, draw(st.just(payload) | st.none() | json_values)]
    cut = draw(st.integers(0, 12))
    return frame[:cut] if cut < len(frame) else [*frame, draw(json_values)] if cut == 12 else frame


TRAPS = [
    "",
    " ",
    "[",
    "]",
    "[]",
    "[2]",
    "NaN",
    "[NaN]",
    "[1e400]",
    '[2,"1","Heartbeat",{"a":1e400}]',
    '[2,"1","Heartbeat",{"a":-Infinity}]',
    '[2,"1",[],{}]',
    '[2,"1",{"a":1},{}]',
    '[2,"1","Heartbeat",{},{}]',
    "[" * 100_000,
    '{"a":' * 50_000,
    '[2,"1","Heartbeat",' + "[" * 900 + "]" * 900 + "]",
    '[4,"1","GenericError","",{"a":' + "[" * 900 + "]" * 900 + "}]",
    "[[" + "[" * 900 + "]" * 900 + "]]",
    '[2,"1","Heartbeat",{"a":' + "1" * 5000 + "}]",
    "[" + "1" * 5000 + "]",
    '[2,"\\ud800","Heartbeat",{}]',
    '[2,"1","\\udc00",{}]',
    '["\ud800"]',
    '[2,"1","Heartbeat",{"a":1,"a":2}]',
    '\ufeff[2,"1","Heartbeat",{}]',
    '[2,"1","Heartbeat",{}]\x00',
    '[2,"1","Heart\x00beat",{}]',
    '[2,"' + "x" * 1_000_000 + '","Heartbeat",{}]',
    '[3,"' + "x" * 1_000_000 + '",{}]',
    "x" * 10_000_000,
    '[2,"1","DataTransfer",{"vendorId":"' + "x" * 10_000_000 + '"}]',
]

texts = (
    frames().map(json.dumps)
    | frames().map(lambda frame: json.dumps(frame, ensure_ascii=False, indent=1))
    | st.sampled_from(TRAPS)
    | st.text(max_size=200)
    | st.tuples(frames().map(json.dumps), st.integers(0, 200)).map(lambda cut: cut[0][: cut[1]])
)
inputs = texts | st.binary(max_size=200) | frames().map(lambda frame: json.dumps(frame).encode())
