"""Local days across clock changes, and when a day's figures are final."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from core.clock import from_iso
from tickets.days import day_end, day_start, each_day, local_day
from tickets.maturity import maturity_of, together
from tickets.policy import HOUR, Policy, policy_of

ROME = ZoneInfo("Europe/Rome")
POLICY = Policy()


@pytest.mark.parametrize(("day", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 11, 23), 24)])
def test_a_day_has_23_24_or_25_hours(day: tuple[int, int, int], hours: int) -> None:
    assert day_end(date(*day), ROME) - day_start(date(*day), ROME) == hours * HOUR


def test_an_instant_belongs_to_the_day_on_the_programmes_wall() -> None:
    late = from_iso("2026-11-22T23:30:00Z")
    assert local_day(late, ROME) == date(2026, 11, 23)
    assert local_day(late, ZoneInfo("Europe/London")) == date(2026, 11, 22)


def test_both_hours_called_half_past_two_on_the_long_day_belong_to_it() -> None:
    for instant in ("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"):
        assert local_day(from_iso(instant), ROME) == date(2026, 10, 25)


def test_each_day_counts_both_ends() -> None:
    days = list(each_day(date(2026, 2, 27), date(2026, 3, 1)))
    assert days == [date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 1)]


def test_a_day_is_provisional_until_72_hours_after_the_end_of_its_last_call() -> None:
    day, last = date(2026, 11, 20), from_iso("2026-11-20T22:50:00Z") + 30 * 60
    assert maturity_of(day, last, ROME, POLICY, last + 72 * HOUR - 1) == "provisional"
    assert maturity_of(day, last, ROME, POLICY, last + 72 * HOUR) == "final"


def test_a_day_that_is_not_over_is_provisional_however_long_ago_its_last_call_was() -> None:
    short = Policy(recall_window=HOUR)
    noon = from_iso("2026-11-20T11:00:00Z")
    assert maturity_of(date(2026, 11, 20), noon, ROME, short, noon + 2 * HOUR) == "provisional"


def test_a_day_without_calls_is_final_72_hours_after_it() -> None:
    day = date(2026, 11, 20)
    assert maturity_of(day, None, ROME, POLICY, day_end(day, ROME) + 72 * HOUR - 1) == "provisional"
    assert maturity_of(day, None, ROME, POLICY, day_end(day, ROME) + 72 * HOUR) == "final"


def test_a_sum_is_as_ripe_as_its_least_ripe_part() -> None:
    assert together(["final", "provisional"]) == "provisional"
    assert together(["final", "final"]) == "final"


def test_the_window_is_part_of_the_name_of_the_definition() -> None:
    assert (policy_of(72).version, policy_of(48).version) == ("kpi-1/72h", "kpi-1/48h")
