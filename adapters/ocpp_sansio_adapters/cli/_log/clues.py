"""What the words round a frame in a log say of it: when, which station, which way, which version. Knows no
frame.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import attrs

from ocpp_sansio import Role, Version

__all__ = ["NOTHING", "Clues", "Way", "clues_in_members", "clues_in_words"]


class Way(Enum):
    """Which way a frame went as whoever wrote the log saw it, which does not say who that was."""

    IN = "in"
    OUT = "out"


@attrs.frozen(kw_only=True)
class Clues:
    """What is known of a frame beside its text.

    `time` is in seconds, since 1970, midnight or the beginning of a trace; `clock` is how the log wrote it.
    """

    time: float | None = None
    clock: str = ""
    station: str = ""
    sender: Role | None = None
    way: Way | None = None
    version: Version | None = None

    def or_else(self, other: "Clues") -> "Clues":
        """These, and what only the others know."""
        missing = {name: value for name, value in attrs.asdict(other).items() if not getattr(self, name)}
        if self.clock or self.time is not None:
            missing = {name: value for name, value in missing.items() if name not in ("time", "clock")}
        return attrs.evolve(self, **missing)


NOTHING = Clues()


# In the words of a line.

_ISO = r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
_TIME = re.compile(
    rf"(?P<iso>{_ISO})|(?<![\d:.-])(?P<day>\d\d:\d\d:\d\d(?:[.,]\d{{1,9}})?)(?![\d:])|"
    r"(?<![\w.-])(?P<epoch>1\d{9}(?:\.\d+|\d{3})?)(?![\w.-])"
)

_NAME = r"[\w.@+-]*\w"
_STATIONS = [
    # mobilityhouse's line, ours and those that copy it: "INFO:ocpp:CP_1: receive message [2,...]"
    re.compile(rf"({_NAME}): (?:receive message|send)\s*\W?$"),
    re.compile(
        r"(?:charg(?:e|ing)[ _-]?(?:point|station|box)|charger|station|identity|cp|cs)(?:[ _-]?id)?"
        rf"""\s*[=:#]\s*["'\[(]?({_NAME})""",
        re.IGNORECASE,
    ),
    re.compile(r"(?<![\w/])((?:CP|CS|EVSE|cp|cs|evse)[-_]\w+)"),
    re.compile(rf"wss?://\S+/({_NAME})"),
]

_FAR = r"(?:csms|central[ _-]?system|cpms|server|backend)"
_EXPLICIT: list[tuple[re.Pattern[str], Role]] = [
    (re.compile(rf"(?:->|=>|→|\bto\b)\W*{_FAR}\b", re.IGNORECASE), Role.CHARGING_STATION),
    (re.compile(rf"\b{_FAR}\W*(?:->|=>|→|\bto\b)", re.IGNORECASE), Role.CSMS),
    (re.compile(rf"\b{_FAR}\W*(?:<-|<=|←)", re.IGNORECASE), Role.CHARGING_STATION),
    (re.compile(rf"(?:<-|<=|←|\bfrom\b)\W*{_FAR}\b", re.IGNORECASE), Role.CSMS),
]

_WAYS = re.compile(
    r"(?P<IN>\breceiv(?:e|ed|es|ing)\b|\brecv\b|\brx\b|\bincoming\b|\binbound\b|\[in\]|\bin:|<<|<-|<=|←)|"
    r"(?P<OUT>\bsen(?:d|t|ds|ding)\b|\btx\b|\boutgoing\b|\boutbound\b|\[out\]|\bout:|>>|->|=>|→)",
    re.IGNORECASE,
)
_VERSION = re.compile(r"(?i)\bocpp[ _-]?v?(1\.6|2\.0\.1|2\.1)(?![\d.]*\d)j?")


def clues_in_words(words: str) -> Clues:
    """What the words before a frame say."""
    time, clock = _time_in(words)
    ways = list(_WAYS.finditer(words))
    return Clues(
        time=time,
        clock=clock,
        station=next((found[1] for pattern in _STATIONS if (found := pattern.search(words))), ""),
        sender=next((role for pattern, role in _EXPLICIT if pattern.search(words)), None),
        way=Way[ways[-1].lastgroup or ""] if ways else None,  # the nearest to the frame
        version=_version_of(words),
    )


def _version_of(words: str) -> Version | None:
    found = {Version(number) for number in _VERSION.findall(words)}
    return found.pop() if len(found) == 1 else None


def _time_in(words: str) -> tuple[float | None, str]:
    found = _TIME.search(words)
    if found is None:
        return None, ""
    text = found[0]
    try:
        return _READERS[found.lastgroup or ""](text.replace(",", ".")), text
    except ValueError:
        return None, text


def _iso(text: str) -> float:
    text = text.replace("/", "-")  # as Go writes it
    if len(text) > 6 and text[-5] in "+-" and text[-3] != ":":
        text = f"{text[:-2]}:{text[-2:]}"
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


def _day(text: str) -> float:
    hours, minutes, seconds = text.split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds)


def _epoch(text: str) -> float:
    return float(text) / (1000 if "." not in text and len(text) > 10 else 1)


_READERS = {"iso": _iso, "day": _day, "epoch": _epoch}


# In the members of a JSON object.

_TIMES = ("t", "timestamp", "time", "ts", "datetime", "date", "asctime", "at", "realtimetimestamp")
_IDENTITIES = (
    "station", "stationid", "chargepoint", "chargepointid", "chargingstation", "chargingstationid", "charger",
    "chargerid", "chargeboxid", "cp", "cpid", "cs", "csid", "identity", "evse", "client", "clientid",
)  # fmt: skip
_DIRECTIONS = ("dir", "direction", "way")
_VERSIONS = ("version", "ocppversion", "ocpp", "protocol", "subprotocol")
_ENDS: Mapping[str, Role] = {
    "cs->csms": Role.CHARGING_STATION,
    "cp->csms": Role.CHARGING_STATION,
    "cp->cs": Role.CHARGING_STATION,  # as 1.6 calls them: Charge Point, Central System
    "csms->cs": Role.CSMS,
    "csms->cp": Role.CSMS,
    "cs->cp": Role.CSMS,
}
_DIRECTION_WORDS: Mapping[str, Way] = {
    **dict.fromkeys(("in", "rx", "recv", "receive", "received", "incoming", "inbound"), Way.IN),
    **dict.fromkeys(("out", "tx", "send", "sent", "outgoing", "outbound"), Way.OUT),
}


def clues_in_members(members: Mapping[str, Any]) -> Clues:
    """What the members of an object beside a frame say: a line of our traces, or of a log in JSON."""
    plain = {re.sub(r"[^a-z0-9]", "", name.lower()): value for name, value in members.items()}
    direction = next((str(value).lower() for value in _of(plain, _DIRECTIONS)), "")
    time, clock = _time_of(next(_of(plain, _TIMES), None))
    words = clues_in_words(" ".join(value for value in members.values() if isinstance(value, str))[:500])
    return Clues(
        time=time,
        clock=clock,
        station=next((str(value) for value in _of(plain, _IDENTITIES) if isinstance(value, (str, int))), ""),
        sender=_ENDS.get(direction.replace(" ", "")),
        way=_DIRECTION_WORDS.get(direction, words.way if not direction else None),
        version=next(_versions(_of(plain, _VERSIONS)), None),
    )


def _of(members: Mapping[str, Any], names: Iterable[str]) -> Iterator[Any]:
    return (members[name] for name in names if members.get(name) not in (None, ""))


def _versions(values: Iterable[Any]) -> Iterator[Version]:
    for value in values:
        for spelling in (str(value), str(value).lower().removesuffix("j"), f"ocpp{value}"):
            try:
                yield Version(spelling)
            except ValueError:
                continue


def _time_of(value: Any) -> tuple[float | None, str]:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if not abs(value) < 1e19:  # also of NaN: no time, in whatever unit since 1970
            return None, ""
        while value >= 1e11:  # milliseconds since 1970, or microseconds
            value /= 1000
        if value >= 1e9:
            return float(value), datetime.fromtimestamp(value, UTC).isoformat(timespec="milliseconds")
        return float(value), f"{value:.3f}"
    if isinstance(value, str) and value.isdecimal() and len(value) == 16:  # as journald writes it
        return _time_of(int(value))
    return _time_in(value) if isinstance(value, str) else (None, "")
