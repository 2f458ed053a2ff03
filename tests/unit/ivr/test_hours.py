"""Opening hours by the clock on the wall of the place, also when that clock is put forward or back."""

from datetime import UTC, date, datetime

import pytest

from ivr.flow_check import read_calendar
from ivr.hours import easter

OFFICE = """
time_zone: Europe/Rome
week: {mon: ["08:30-13:00", "14:00-18:00"], sun: ["00:00-24:00"], wed: ["00:00-24:00"]}
holidays: ["12-25", "2026-06-03", easter, easter+1]
special: {2026-12-25: ["10:00-12:00"]}
"""


def at(text: str) -> str:
    """What the office is at an instant (UTC)."""
    return read_calendar(OFFICE, "office").at(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("instant", "opening"),
    [
        ("2026-11-23T07:29:59", "closed"),  # Monday, 08:29:59 in Rome
        ("2026-11-23T07:30:00", "open"),
        ("2026-11-23T12:00:00", "closed"),  # the lunch break begins
        ("2026-11-23T17:00:00", "closed"),
        ("2026-07-06T06:30:00", "open"),  # Monday in summer: 08:30 in Rome is 06:30 in UTC
        ("2026-11-24T10:00:00", "closed"),  # Tuesday has no hours
        ("2026-11-22T22:59:59", "open"),  # Sunday 23:59:59
        ("2026-11-22T23:00:00", "closed"),  # Monday 00:00
        ("2024-12-25T10:00:00", "holiday"),  # each year, a Wednesday
        ("2026-06-03T10:00:00", "holiday"),
        ("2027-06-03T10:00:00", "closed"),  # was for one year; a Thursday
        ("2026-04-05T10:00:00", "holiday"),
        ("2026-04-06T10:00:00", "holiday"),
        ("2026-04-13T10:00:00", "open"),
        ("2026-12-25T10:30:00", "open"),  # a special day wins over the holiday: 11:30 in Rome
        ("2026-12-25T12:00:00", "closed"),
        ("2026-10-25T00:30:00", "open"),  # the hour that comes twice, Sunday
        ("2026-10-25T01:30:00", "open"),
        ("2026-03-29T01:30:00", "open"),  # the clock has just jumped from 02:00 to 03:00
    ],
)
def test_opening_hours(instant: str, opening: str) -> None:
    assert at(instant) == opening


@pytest.mark.parametrize(
    "day", ["1961-04-02", "2000-04-23", "2008-03-23", "2024-03-31", "2026-04-05", "2027-03-28", "2038-04-25"]
)
def test_easter_falls_on_its_known_days(day: str) -> None:
    assert easter(int(day[:4])) == date.fromisoformat(day)
