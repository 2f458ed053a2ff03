"""Local time: is a queue open, when does it close. Pure: instants in, answers out."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from acd.config import OpeningHours

_LOOK_AHEAD_DAYS = 8


def local(at: float, zone: ZoneInfo) -> datetime:
    """The local wall clock at this instant (epoch seconds, UTC)."""
    return datetime.fromtimestamp(at, UTC).astimezone(zone)


def is_open(hours: OpeningHours, at: float) -> bool:
    """Whether the hours hold at this instant."""
    now = local(at, hours.zone)
    if now.date().isoformat() in hours.closed_days:
        return False
    second = now.hour * 3600 + now.minute * 60 + now.second + now.microsecond / 1e6
    return any(day == now.weekday() and start <= second < end for day, start, end in hours.weekly)


def next_close(hours: OpeningHours, at: float) -> float | None:
    """The next instant after `at` at which an opening ends; None when there is none within eight days."""
    today = local(at, hours.zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    ends: list[float] = []
    for ahead in range(_LOOK_AHEAD_DAYS):
        day = today + timedelta(days=ahead)
        for weekday, _, end in hours.weekly:
            if weekday == day.weekday():
                # Added to the wall clock without a zone: a day of 23 or 25 hours still closes at its hour.
                ends.append((day + timedelta(seconds=end)).replace(tzinfo=hours.zone).timestamp())
    return next((end for end in sorted(ends) if end > at and not is_open(hours, end)), None)
