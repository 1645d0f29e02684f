"""dateTime: what is read, what is written."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from ocpp_sansio._datetime import format_datetime, normal_form, parse_datetime
from ocpp_sansio._values import read_time

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)

READABLE = [
    # text, meaning, normal form (RFC 3339 with at most milliseconds)
    ("2024-05-01T12:00:00Z", NOON, True),
    ("2024-05-01T12:00:00.5Z", NOON.replace(microsecond=500_000), True),
    ("2024-05-01T12:00:00.250Z", NOON.replace(microsecond=250_000), True),
    ("2024-05-01T14:00:00+02:00", NOON, True),
    ("2024-05-01T12:00:00-00:00", NOON, True),
    ("2024-05-01t12:00:00z", NOON, True),
    ("2024-05-01 12:00:00Z", NOON, True),
    ("2024-05-01T12:00:00", NOON, False),  # Growatt, AEFA
    ("2024-05-01T12:00:00.377", NOON.replace(microsecond=377_000), False),
    ("2024-05-01T14:00:00+02", NOON, False),  # monta-emulator
    ("2024-05-01T14:00:00+0200", NOON, False),
    ("2024-05-01T12:00:00.1234567Z", NOON.replace(microsecond=123_456), False),  # .NET
    ("2024-05-01T12:00:00.046499+00:00", NOON.replace(microsecond=46_499), False),
    ("2024-05-01T12:00:00,5Z", NOON.replace(microsecond=500_000), False),
    ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC), True),  # a leap second
    ("2016-12-31T23:59:60.750Z", datetime(2017, 1, 1, tzinfo=UTC), True),
    ("2017-01-01T01:59:60+02:00", datetime(2017, 1, 1, tzinfo=UTC), True),
    ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC), True),
]


@pytest.mark.parametrize(("text", "moment", "normal"), READABLE)
def test_readable_times(text: str, moment: datetime, normal: bool) -> None:
    assert parse_datetime(text) == moment
    assert parse_datetime(text).tzinfo is not None
    assert normal_form(text) is normal


@pytest.mark.parametrize(("text", "moment", "normal"), READABLE)
def test_the_codec_reads_the_same_and_notes_what_is_not_in_normal_form(
    text: str, moment: datetime, normal: bool
) -> None:
    notes: list[object] = []
    node: dict[str, object] = {}
    assert read_time(text, node, "t", notes) == moment  # type: ignore[arg-type]
    assert notes == ([] if normal else [(node, "t", text)])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2024-05-01",
        "2024-05-01T12:00Z",
        "2024-05-01T3:11:55Z",
        "20240501T120000Z",
        "2024-W18-3T12:00:00Z",
        "2024-02-30T12:00:00Z",
        "2024-05-01T24:00:01Z",
        "2024-05-01T12:60:00Z",
        "2024-05-01T12:00:61Z",
        "2024-05-01T12:00:00+25:00",
        "2024-05-01T12:00:00+02:75",
        "2024-05-01T12:30:60Z",
        "2024-05-01T12:00:00.Z",
        "2024-05-01T12:00:00Zx",
        "2024-05-01T12:00:00 Z",
        "２０２４-05-01T12:00:00Z",  # noqa: RUF001  # digits, but not those of ISO 8601
        "0001-01-01T00:00:00+05:00",  # before the year 1 in UTC: readable, but never to be sent again
        "9999-12-31T23:59:60Z",
    ],
)
def test_unreadable_times(text: str) -> None:
    with pytest.raises(ValueError, match=r"date and time|point in time"):
        parse_datetime(text)
    with pytest.raises(ValueError, match=r"date and time|point in time"):
        read_time(text, {}, "t", [])


@pytest.mark.parametrize("value", [None, 7, 1.5, [], {}, b"2024-05-01T12:00:00Z"])
def test_a_time_is_text(value: object) -> None:
    with pytest.raises(TypeError, match="a time is text"):
        parse_datetime(value)  # type: ignore[arg-type]


def test_normal_form_is_for_readable_times() -> None:
    assert not normal_form("now")


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOON, "2024-05-01T12:00:00Z"),
        (NOON.replace(microsecond=250_000), "2024-05-01T12:00:00.250Z"),
        (NOON.replace(microsecond=123_999), "2024-05-01T12:00:00.123Z"),
        (NOON.replace(microsecond=1), "2024-05-01T12:00:00.000Z"),
        (NOON.astimezone(timezone(timedelta(hours=5, minutes=30))), "2024-05-01T12:00:00Z"),
        (datetime(2024, 5, 1, 12), "2024-05-01T12:00:00Z"),  # noqa: DTZ001  # naive is UTC
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
    ],
)
def test_times_are_written_in_utc_with_at_most_milliseconds(moment: datetime, text: str) -> None:
    assert format_datetime(moment) == text
    assert normal_form(text)


def test_a_time_that_utc_cannot_express_is_an_error() -> None:
    with pytest.raises(OverflowError):
        format_datetime(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))))
