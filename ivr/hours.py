"""Opening hours: a week, holidays and single days, in a place's own time."""

import re
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Opening = Literal["open", "closed", "holiday"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_EASTER = re.compile(r"easter(?:([+-])(\d{1,3}))?")


def _check_span(text: str) -> str:
    matched = _SPAN.fullmatch(text)
    if matched is None:
        raise ValueError(f"{text!r} is no span of hours; write it as 08:30-18:00")
    start, end = _minutes(text)
    if end > 24 * 60:
        raise ValueError(f"{text!r} ends after 24:00; write the rest into the next day")
    if start >= end:
        raise ValueError(
            f"{text!r} does not end after it starts; split hours that go over midnight: 22:00-24:00, 00:00-06:00"
        )
    return text


def _minutes(span: str) -> tuple[int, int]:
    start, end = span.split("-")
    return tuple(int(part[:2]) * 60 + int(part[3:]) for part in (start, end))  # type: ignore[return-value]


def _check_holiday(text: str) -> str:
    if _EASTER.fullmatch(text):
        return text
    try:
        date.fromisoformat(text if len(text) > 5 else f"2024-{text}")
    except ValueError:
        raise ValueError(f"{text!r} is no holiday; write 12-25, 2026-12-07, easter or easter+1") from None
    return text


def _check_zone(text: str) -> str:
    if text not in available_timezones():
        raise ValueError(f"{text!r} is no time zone; write it as Europe/Rome")
    return text


Span = Annotated[str, AfterValidator(_check_span)]


class Calendar(BaseModel):
    """When a service is open. `special` days win over `holidays`, which win over the `week`.

    Holidays: `12-25` each year, `2026-12-07` once, `easter`, `easter+1` (Gregorian).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    time_zone: Annotated[str, AfterValidator(_check_zone)] = "Europe/Rome"
    week: dict[Day, list[Span]]
    holidays: list[Annotated[str, AfterValidator(_check_holiday)]] = Field(default_factory=list)
    special: dict[date, list[Span]] = Field(default_factory=dict)

    def at(self, instant: float) -> Opening:
        """Open, closed or holiday at `instant` (epoch seconds, UTC), by the clock on the wall of the place."""
        local = datetime.fromtimestamp(instant, ZoneInfo(self.time_zone))
        day = local.date()
        if day in self.special:
            return _within(self.special[day], local.time())
        if any(_falls_on(holiday, day) for holiday in self.holidays):
            return "holiday"
        return _within(self.week.get(_DAYS[day.weekday()], []), local.time())


def _within(spans: list[str], now: time) -> Opening:
    minute = now.hour * 60 + now.minute
    return "open" if any(start <= minute < end for start, end in map(_minutes, spans)) else "closed"


def _falls_on(holiday: str, day: date) -> bool:
    relative = _EASTER.fullmatch(holiday)
    if relative is not None:
        shift = int(relative[2] or 0) * (-1 if relative[1] == "-" else 1)
        return easter(day.year) + timedelta(days=shift) == day
    return holiday in (day.isoformat(), day.isoformat()[5:])


def easter(year: int) -> date:
    """Easter Sunday (Gregorian). Source: the computus in Meeus, Astronomical Algorithms, chapter 8."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    moon = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 19 * moon) // 433
    n = (h + moon - 7 * m + 90) // 25
    return date(year, n, (h + moon - 7 * m + 33 * n + 19) % 32)
