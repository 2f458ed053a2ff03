"""When a day's recall and FCR stop moving. Pure rules."""

from datetime import date
from typing import Literal
from zoneinfo import ZoneInfo

from tickets.days import day_end
from tickets.policy import Policy

Maturity = Literal["provisional", "final"]


def maturity_of(day: date, last_call: float | None, zone: ZoneInfo, policy: Policy, at: float) -> Maturity:
    """Final once the recall window after the day's last call (or, without calls, after the day) has passed.

    `last_call`: end of the last call that belongs to the day, epoch seconds; `at`: now.
    """
    over = day_end(day, zone)
    ripe = (over if last_call is None else last_call) + policy.recall_window
    return "final" if at >= max(over, ripe) else "provisional"


def together(maturities: list[Maturity]) -> Maturity:
    """A sum is as ripe as its least ripe part."""
    return "provisional" if "provisional" in maturities else "final"
