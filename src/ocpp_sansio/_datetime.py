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
_NORMAL = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:[Zz]|[+-]\d\d:[0-5]\d)",
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
        if leap:
            if moment.astimezone(UTC).timetuple()[3:5] != (23, 59):
                raise ValueError("a leap second ends a day")
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
    return _NORMAL.fullmatch(text) is not None


# An eighth of the time of isoformat(), which asks the time zone each time; every answer that we send has a
# time in it, and nearly all of them are of the second that was written last.
_THREE_DIGITS = [f"{number:03d}" for number in range(1000)]
_SECOND = timedelta(seconds=1)
_last = (datetime(1, 1, 1, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC), "")  # from, before, text


def format_datetime(moment: datetime) -> str:
    """The moment in UTC, with milliseconds if it has a fraction and without if not: `2024-05-01T12:00:00Z`.

    A datetime without a zone is taken as UTC. Raises OverflowError if UTC puts it outside the years 1 to
    9999.
    """
    if moment.tzinfo is not UTC:
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    start, end, second = _last
    if not start <= moment < end:
        second = _remember_second(moment)
    fraction = moment.microsecond
    return f"{second}.{_THREE_DIGITS[fraction // 1000]}Z" if fraction else f"{second}Z"


def _remember_second(moment: datetime) -> str:
    global _last  # noqa: PLW0603 - one tuple, replaced as a whole: threads may race for it
    start = moment.replace(microsecond=0)
    second = moment.isoformat()[:19]
    end = start + _SECOND if start < _LAST_SECOND else start
    _last = start, end, second
    return second


_LAST_SECOND = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
