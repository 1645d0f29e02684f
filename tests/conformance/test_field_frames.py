"""Frames that were seen in public logs, issues and test suites of other OCPP software. They stay where they
are, beside the repository; without them these tests are skipped.

A frame is known here by the number of its line.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import attrs
import pytest

from ocpp_sansio import (
    CallFailed,
    CallReceived,
    CallResultReceived,
    Connection,
    Event,
    FrameRejected,
    Raw,
    Rejection,
    Role,
    Strictness,
    Version,
)
from tests.conformance.test_frames import least
from tests.pair import events_of, frames_of

FIELD = Path(__file__).resolve().parents[3] / "shared/field/frames.jsonl"

pytestmark = pytest.mark.skipif(not FIELD.exists(), reason="frames from the field are not at hand")

Report = Callable[[str, Mapping[Any, int]], None]

RECEIVERS = {"cs->csms": Role.CSMS, "csms->cs": Role.CHARGING_STATION}

#: Where STRICT decides otherwise than the people who collected the frames, by the reason.
DIFFERENCES = {
    "only the envelope was judged there, and no action is answered like this": {
        *(64, 84, 109, 166, 168, 173, 178, 179, 265, 284),
        *(295, 304, 305, 306, 319, 321, 327, 339, 341, 475),
    },
    "the official schema has no minItems for sampledValue (J16-211)": {46},
    "a refusal is heard, even if elements are missing (L-202)": {54, 225, 499},
    "null is a payload without members (J16-210)": {219},
    "an id may be empty (J16-204)": {498},
}

#: CALLs of stations that LENIENT refuses all the same, since nothing could be put in without guessing.
REFUSED: dict[tuple[Rejection, str | None], set[int]] = {
    (Rejection.INVALID_PAYLOAD, "required"): {
        *(68, 70, 72, 172, 288, 289, 317, 328, 330, 332, 349),
        *(360, 361, 365, 367, 372, 376, 378, 452, 473, 474),
    },
    (Rejection.INVALID_PAYLOAD, "type"): {494},  # null in the place of a required idTag
    (Rejection.INVALID_PAYLOAD, "format"): {274},  # no text in the place of a required timestamp
    (Rejection.MALFORMED_CALL, None): {226},  # no payload
}


@attrs.frozen
class Frame:
    """One frame of the collection."""

    line: int
    raw: str
    versions: tuple[Version, ...]
    receiver: Role | None  # None if it is not known
    expect: str

    @property
    def content(self) -> Any:
        """The frame as JSON; None if it is none."""
        try:
            return json.loads(self.raw)
        except ValueError:
            return None

    @property
    def answers(self) -> str | None:
        """The id of the call that it answers, if it is one that we could have made."""
        match self.content:
            case [3 | 4, str(id), *_] if 1 <= len(id) <= 36 and id != "-1":
                return id
        return None

    def receivers(self) -> Iterator[tuple[Version, Role | None]]:
        """Everyone who may get it."""
        roles = [self.receiver] if self.receiver is not None else list(Role)
        return product(self.versions, [*roles, None])


@cache
def frames() -> tuple[Frame, ...]:
    found = []
    for line, text in enumerate(FIELD.read_text(encoding="utf-8").splitlines(), 1):
        entry = json.loads(text)
        versions = tuple(Version) if entry["version"] == "any" else (Version(entry["version"]),)
        receiver = RECEIVERS.get(entry["direction"])
        found.append(Frame(line, entry["raw"], versions, receiver, entry["expect"]))
    return tuple(found)


def each_version() -> Iterator[tuple[Frame, Version]]:
    return ((frame, version) for frame in frames() for version in frame.versions)


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Report:
    """Shows counts, whatever pytest does with output."""

    def shown(what: str, counts: Mapping[Any, int]) -> None:
        with capsys.disabled():
            print(f"\nfield frames, {what}: {dict(counts)}", end="")

    return shown


@cache
def question(version: Version, action: str) -> Any:
    return least(version.load()[action])


def arrive(frame: Frame, version: Version, role: Role | None, how: str, action: str | None = None) -> Event:
    """What happens when the frame arrives, perhaps as the answer to a call of this action."""
    connection = Connection(role, version, validation=how)
    if action is not None:
        connection.call(question(version, action), now=0.0, id=frame.answers)
        frames_of(connection)
    connection.receive_text(frame.raw, now=0.0)
    [event] = events_of(connection)
    return event


def accepts(frame: Frame, how: str) -> bool:
    """Whether any version that the frame may be of takes it; a CALLRESULT, as the answer to any question."""
    for version in frame.versions:
        actions: list[str | None] = [None]
        if frame.answers is not None and frame.content[0] == 3:
            senders = (frame.receiver, None) if frame.receiver is not None else (*Role, None)
            actions = [action for action, cls in version.load().items() if cls.__sender__ in senders]
        for action in actions:
            event = arrive(frame, version, frame.receiver, how, action)
            if not isinstance(event, (FrameRejected, CallFailed)):
                return True
    return False


def assert_works(connection: Connection) -> None:
    """A Heartbeat is still asked and answered."""
    while connection.deadline is not None:
        connection.handle_timeout(now=connection.deadline)
    events_of(connection)
    frames_of(connection)
    if connection.role is not Role.CSMS:
        pending = connection.call(question(connection.version, "Heartbeat"), now=100.0)
        assert len(frames_of(connection)) == 1
        connection.receive_text(f'[3,"{pending.id}",{{"currentTime":"2025-01-01T12:00:00Z"}}]', now=100.0)
        [event] = events_of(connection)
        assert isinstance(event, CallResultReceived)
    if connection.role is not Role.CHARGING_STATION:
        connection.receive_text('[2,"works","Heartbeat",{}]', now=100.0)
        [event] = events_of(connection)
        assert isinstance(event, CallReceived)
        connection.reply(event, Raw("Heartbeat", {"currentTime": "2025-01-01T12:00:00Z"}))
        assert len(frames_of(connection)) == 1


@pytest.mark.parametrize("how", Strictness)
def test_nothing_raises_and_the_connection_goes_on(how: Strictness) -> None:
    for frame in frames():
        for version, role in frame.receivers():
            connection = Connection(role, version, validation=how)
            if frame.answers is not None:
                asked = question(version, "ClearCache" if role is Role.CSMS else "Heartbeat")
                connection.call(asked, now=0.0, id=frame.answers)
                frames_of(connection)
            connection.receive_text(frame.raw, now=0.0)
            assert all(repr(event) for event in events_of(connection)), frame
            assert {json.loads(text)[0] for text in frames_of(connection)} <= {4, 5}, frame
            assert_works(connection)


def test_strict_decides_as_expected(report: Report) -> None:
    verdicts = {frame: accepts(frame, "strict") for frame in frames()}
    tally = Counter(f"{frame.expect}: {'taken' if taken else 'refused'}" for frame, taken in verdicts.items())
    report("STRICT", tally)
    expected = {"valid": True, "invalid": False}
    differing = {
        frame.line for frame, taken in verdicts.items() if expected.get(frame.expect, taken) != taken
    }
    explained = [line for lines in DIFFERENCES.values() for line in lines]
    assert differing == set(explained)
    assert len(differing) == len(explained) == 26
    assert tally == {
        "valid: taken": 354,
        "valid: refused": 20,
        "invalid: taken": 6,
        "invalid: refused": 79,
        "unknown: taken": 11,
        "unknown: refused": 32,
    }


def test_lenient_takes_what_a_csms_must_live_with(report: Report) -> None:
    """Each CALL that is JSON and names an action of its version, but for those of REFUSED."""
    tally: Counter[str] = Counter()
    refused: dict[tuple[Rejection, str | None], set[int]] = {}
    for frame, version in each_version():
        match frame.content:
            case [2, _, str(action), *_] if frame.receiver is Role.CSMS and action in version.load():
                event = arrive(frame, version, Role.CSMS, "lenient")
            case _:
                continue
        if isinstance(event, FrameRejected):
            refused.setdefault((event.reason, event.error.details.get("keyword")), set()).add(frame.line)
            tally["refused"] += 1
            continue
        assert isinstance(event, CallReceived)
        assert isinstance(event.request, version.load()[action])
        mended = isinstance(arrive(frame, version, Role.CSMS, "strict"), FrameRejected)
        assert event.violations or not mended, frame
        tally["mended" if mended else "taken by STRICT, too"] += 1
    report("LENIENT, CALLs of stations", tally)
    assert refused == REFUSED
    assert tally == {"taken by STRICT, too": 133, "mended": 17, "refused": 26}


def test_lenient_takes_all_that_strict_takes(report: Report) -> None:
    taken: Counter[str] = Counter()
    for frame in frames():
        strict, lenient = accepts(frame, "strict"), accepts(frame, "lenient")
        assert lenient or not strict, frame
        taken.update(strict=strict, lenient=lenient)
    report(f"of {len(frames())}, taken by", taken)
    assert taken == {"strict": 371, "lenient": 421}


def test_off_takes_each_call_that_has_the_form_of_one() -> None:
    calls = 0
    for frame, version in each_version():
        match frame.content:
            case [2, str(id), str(action), dict() | None as payload] if len(id) <= 36:
                event = arrive(frame, version, frame.receiver, "off")
                assert isinstance(event, CallReceived)
                assert event.request == Raw(action, payload or {})
                calls += 1
    assert calls == 308
