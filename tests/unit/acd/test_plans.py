"""Plans as data: what is refused, and how the refusal says where and what instead."""

import math
from typing import Any

import pytest

from acd.bounds import Known
from acd.plans import queue_from_dict
from core.errors import Invalid

KNOWN = Known(frozenset({"roaming", "italian"}), frozenset({"q", "other"}), frozenset({"p"}), frozenset({"goodbye"}))
OPEN = {"zone": "Europe/Rome", "weekly": [[0, 28800, 64800]]}
EVERYONE: list[dict[str, Any]] = [{"require": ""}]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"announcements": {"every": -5}}, r"announcements\.every = -5: write a number from 1 to 86400"),
        ({"announcements": {"every": 0}}, r"announcements\.every = 0"),
        ({"announcements": {"first_after": math.nan}}, r"announcements\.first_after = nan"),
        ({"ring_timeout": -5}, r"ring_timeout = -5: write a number from 1 to 600"),
        ({"ring_timeout": math.inf}, r"ring_timeout = inf"),
        ({"wrap_up": {"seconds": -1}}, r"wrap_up\.seconds = -1"),
        ({"call_back": {"max_attempts": 0}}, r"call_back\.max_attempts = 0"),
        ({"preferred_wait": math.nan}, r"preferred_wait = nan"),
        ({"owner_wait": -1}, r"owner_wait = -1"),
        ({"weights": {"idle": math.inf}}, r"weights\.idle = inf"),
        ({"max_waiting": -1, "on_full": {"kind": "voicemail"}}, r"max_waiting = -1"),
        ({"max_waiting": 5}, r"max_waiting needs on_full"),
        ({"on_full": {"kind": "voicemail"}}, r"on_full needs max_waiting"),
        ({"max_expected_wait": 60}, r"max_expected_wait needs on_long_wait"),
        ({"max_waiting": 5, "on_full": {"kind": "queue"}}, r"on_full\.target is missing: write the id of a queue"),
        (
            {"max_waiting": 5, "on_full": {"kind": "queue", "target": "othr"}},
            r"on_full\.target = 'othr'.*Did you mean 'other'",
        ),
        ({"max_waiting": 5, "on_full": {"kind": "queue", "target": "q"}}, r"that is this queue itself"),
        ({"max_waiting": 5, "on_full": {"kind": "programme", "target": "x"}}, r"there is no such programme"),
        ({"max_waiting": 5, "on_full": {"kind": "announcement"}}, r"write the name of what is said"),
        (
            {"max_waiting": 5, "on_full": {"kind": "announcement", "target": "good_bye"}},
            r"on_full\.target = 'good_bye': there is no such prompt. Did you mean 'goodbye'\?",
        ),
        (
            {"plan": {"steps": [{"require": "", "announce": "hurry"}]}},
            r"step 1\.announce = 'hurry': there is no such prompt",
        ),
        ({"max_waiting": 5, "on_full": {"kind": "voicemail", "target": "b"}}, r"voicemail has no target"),
        ({"plan": {"steps": []}}, r"no step says who may serve"),
        ({"plan": {"steps": [{"after": 10, "raise_priority": 1}]}}, r"no step says who may serve"),
        ({"plan": {"steps": [*EVERYONE, {"after": -1}]}}, r"step\[?.*after = -1"),
        ({"plan": {"steps": [*EVERYONE, {"after": 30}, {"after": 20}]}}, r"step 3\.after = 20.*order of `after`"),
        ({"plan": {"steps": [{"require": "", "add_queue": "nope"}]}}, r"step 1\.add_queue = 'nope'"),
        ({"plan": {"steps": [{"require": "roamin>=3"}]}}, r"unknown skill 'roamin'(.|\n)*Did you mean roaming"),
        ({"plan": {"steps": [{"require": "roaming>=11"}]}}, r"there is no level 11 at character 1"),
        ({"plan": {"steps": [{"require": "", "prefer": ["rome"]}]}}, r"step 1\.prefer: unknown skill 'rome'"),
        ({"hours": {**OPEN, "weekly": [[9, 5, -100]]}, "at_close": {"kind": "hang_up"}}, r"hours\.weekly\[1\] = "),
        ({"hours": {**OPEN, "weekly": []}, "at_close": {"kind": "hang_up"}}, r"hours\.weekly is empty"),
        ({"hours": {**OPEN, "closed_days": ["25/12"]}, "at_close": {"kind": "hang_up"}}, r"closed_days has '25/12'"),
        ({"hours": OPEN}, r"hours needs on_closed or at_close"),
        ({"queue_id": "another"}, r"names another queue, 'another'"),
    ],
)
def test_a_plan_that_would_break_routing_is_refused_with_place_and_remedy(data: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        queue_from_dict("q", data, KNOWN)


def test_the_plan_of_the_routing_page_is_taken() -> None:
    data = {
        "strategy": "longest_idle",
        "wrap_up": {"mode": "capped", "seconds": 45},
        "max_waiting": 60,
        "on_full": {"kind": "voicemail"},
        "announcements": {"first_after": 20, "every": 45},
        "plan": {
            "steps": [
                {"require": "roaming>=6"},
                {"after": 20, "require": "roaming>=3 & serves_other"},
                {"after": 60, "raise_priority": 2},
                {"after": 90, "overflow": {"kind": "call_back"}},
            ]
        },
    }
    assert len(queue_from_dict("q", data, KNOWN).plan.steps) == 4


def test_without_names_of_an_operation_only_the_form_is_checked() -> None:
    assert queue_from_dict("q", {"plan": {"steps": [{"require": "whatever>=3"}]}}).plan.steps[0].require
