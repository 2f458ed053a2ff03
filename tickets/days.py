"""Local days of a programme: which day an instant belongs to, and when a day begins and ends, across clock changes."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo


def local_day(at: float, zone: ZoneInfo) -> date:
    """The day of an instant (epoch seconds) on that zone's wall."""
    return datetime.fromtimestamp(at, zone).date()


def day_start(day: date, zone: ZoneInfo) -> float:
    """First instant of a local day (epoch seconds); a day has 23, 24 or 25 hours."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()


def day_end(day: date, zone: ZoneInfo) -> float:
    """First instant after a local day (epoch seconds)."""
    return day_start(day + timedelta(days=1), zone)


def each_day(first: date, last: date) -> Iterator[date]:
    """Every day from first to last, both included."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)
