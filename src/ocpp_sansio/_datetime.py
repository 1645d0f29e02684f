"""dateTime on the wire and in Python: one reader and one writer for every version.

Knows no message. Reading accepts what stations really send (J16-1101, J201-1101); writing gives the one form
that everybody reads.
"""

import re
from datetime import UTC, datetime, timedelta

__all__ = ["format_datetime", "normal_form", "parse_datetime"]

_SHAPE = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[Tt ]"
    r"(?P<time>\d\d:\d\d:\d\d)(?:[.,](?P<fraction>\d+))?"
    r"(?P<zone>[Zz]|[+-]\d\d(?::?(?P<minutes>[0-5]\d))?)?",
    re.ASCII,
)


def parse_datetime(text: str) -> datetime:
    """The aware datetime that an ISO 8601 text means.

    Without a zone it is UTC (L-1101); an offset may lack its minutes; digits beyond the microsecond are
    dropped; a leap second is the second after it.
    Raises ValueError if the text is no point in time, TypeError if it is no text.
    """
    if not isinstance(text, str):
        raise TypeError(f"a time is text, not {type(text).__name__}")
    found = _SHAPE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:40]!r} is not an ISO 8601 date and time such as 2024-05-01T12:00:00Z")
    day, clock, fraction, zone, minutes = found.group("day", "time", "fraction", "zone", "minutes")
    leap = clock.endswith(":60")
    offset = _offset(zone, minutes)
    try:
        moment = datetime.fromisoformat(
            f"{day}T{clock[:6]}{'59' if leap else clock[6:]}.{(fraction or '0')[:6]:0<6}{offset}"
        )
        if leap and moment.astimezone(UTC).timetuple()[3:5] != (23, 59):
            raise ValueError("a leap second ends a day")
        if leap:
            moment = moment.replace(microsecond=0) + timedelta(seconds=1)
        moment.astimezone(UTC)  # a time that UTC cannot express could be read and never be sent
        return moment
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:40]!r} is not a point in time") from None


def _offset(zone: str | None, minutes: str | None) -> str:
    if zone is None or zone in "Zz":
        return "+00:00"
    return f"{zone[:3]}:{minutes or '00'}"


def normal_form(text: str) -> bool:
    """Whether a readable time is written as RFC 3339 with at most milliseconds: what OCPP 2.x demands of
    senders (J201-1101).
    """
    found = _SHAPE.fullmatch(text)
    if found is None:
        return False
    zone = found["zone"]
    return (
        zone is not None
        and (zone in "Zz" or ":" in zone)
        and len(found["fraction"] or "") <= 3
        and "," not in text
    )


# Half the time of isoformat(), which asks the time zone each time; every answer that we send has a time in
# it.
_2 = [f"{number:02d}" for number in range(60)]
_3 = [f"{number:03d}" for number in range(1000)]


def format_datetime(moment: datetime) -> str:
    """The moment in UTC, with milliseconds if it has a fraction and without if not: `2024-05-01T12:00:00Z`.

    A datetime without a zone is taken as UTC. Raises OverflowError if UTC puts it outside the years 1 to
    9999.
    """
    m = moment
    if m.tzinfo is not UTC:
        m = m.replace(tzinfo=UTC) if m.tzinfo is None else m.astimezone(UTC)
    second = f"{m.year:04d}-{_2[m.month]}-{_2[m.day]}T{_2[m.hour]}:{_2[m.minute]}:{_2[m.second]}"
    return f"{second}.{_3[m.microsecond // 1000]}Z" if m.microsecond else f"{second}Z"
