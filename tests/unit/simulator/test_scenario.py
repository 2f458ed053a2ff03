"""Scenario files: what they become, and errors that name the place and the remedy."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from acd.simulator.calls import first_calls
from acd.simulator.loading import Scenario, load, scenario_from_dict
from core.errors import Invalid

EXAMPLES = sorted((Path(__file__).resolve().parents[3] / "docs" / "scenarios").glob("*.yaml"))
HERE = Path("day.yaml")
PLAIN: dict[str, Any] = {
    "name": "Plain",
    "start": "2026-11-23T08:00:00",
    "hours": 10,
    "seeds": 2,
    "queues": {"care": {"plan": {"steps": [{"require": "care>=3"}]}}},
    "topics": {
        "tariff": {
            "queue": "care",
            "per_hour": 60,
            "talk": {"kind": "exponential", "mean": 200},
            "patience": {"kind": "exponential", "mean": 300},
        }
    },
    "agents": {"all": {"agents": 5, "skills": {"care": 5}}},
}


def scenario(**changes: Any) -> Scenario:
    return scenario_from_dict(deepcopy(PLAIN) | changes, HERE)


def topic(**changes: Any) -> dict[str, Any]:
    return {"tariff": deepcopy(PLAIN["topics"]["tariff"]) | changes}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_can_be_read(path: Path) -> None:
    assert load(path).setup.topics


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hour": 3}, r"hour: Extra inputs"),
        ({"topics": topic(talk={"kind": "gauss"})}, r"topics\.tariff\.talk"),
        ({"topics": topic(talk={"kind": "lognormal", "mean": -3})}, r"topics\.tariff\.talk\.lognormal\.mean"),
        ({"topics": topic(queue="cares")}, r"names the queue 'cares'"),
        ({"topics": topic(per_hour=None, share=0.5)}, r"give arrivals\.volumes"),
        ({"topics": topic(volumes=[1])}, r"only one of volumes, per_hour and share"),
        ({"topics": topic(talk_by_level={3: 1.2})}, r"add `skill`"),
        ({"topics": topic(wrap_up_by_level={3: 1.2})}, r"topics\.tariff: .*add `skill`"),
        ({"topics": topic(skill="care", wrap_up_by_level={11: 1})}, r"topics\.tariff\.wrap_up_by_level\.11"),
        ({"topics": topic(skill="care", wrap_up_by_level={3: 0})}, r"topics\.tariff\.wrap_up_by_level\.3"),
        ({"topics": topic(skill="cara", wrap_up_by_level={3: 2})}, r"topic 'tariff': no agent has the skill 'cara'"),
        ({"topics": topic(per_hour=None)}, r"has no calls"),
        ({"topics": topic(per_hour=None, volumes=[10, 20])}, r"topics\.tariff: 2 volumes of 30 minutes do not fill"),
        ({"topics": topic(talk={"kind": "uniform", "low": 9, "high": 3})}, r"swap them"),
        ({"agents": {"all": {"agents": 0}}}, r"agents\.all\.agents"),
        ({"agents": {"all": {"agents": 3, "shifts": [{"start": "08:00", "hours": 4, "agents": 5}]}}}, r"agents\.all"),
        ({"queues": {"care": {"strategie": "longest_idle"}}}, r"queues\.care: .*strategie.*strategy"),
        ({"queues": {"care": {"plan": {"steps": [{"require": "care>="}]}}}}, r"queues\.care: .*step 1"),
        ({"zone": "Mars/Olympus"}, r"no time zone"),
        ({"warm_up_hours": 10}, r"leaves nothing to measure"),
        ({"arrivals": {"recorded": "none.csv"}}, r"none\.csv cannot be read"),
    ],
)
def test_what_is_wrong_in_a_scenario_is_named_by_its_place(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid, match=said) as caught:
        scenario(**changes)

    assert caught.value.what.startswith("day.yaml") or "agents." in caught.value.what or "topics." in caught.value.what
    assert caught.value.remedy


def test_a_file_that_is_not_there_or_no_yaml_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot be read"):
        load(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("name: [", encoding="utf-8")
    with pytest.raises(Invalid, match="not valid YAML"):
        load(tmp_path / "bad.yaml")
    (tmp_path / "list.yaml").write_text("- 1", encoding="utf-8")
    with pytest.raises(Invalid, match="holds no scenario"):
        load(tmp_path / "list.yaml")


def test_volumes_are_shared_out_scaled_and_raised_by_peaks() -> None:
    made = scenario(
        hours=2,
        topics=topic(per_hour=None, share=0.5),
        arrivals={
            "volumes": [10, 20, 30, 40],
            "scale": 2,
            "peaks": [{"start": "08:30", "end": "09:30", "factor": 3, "days": ["mon"]}],
        },
    )

    assert made.setup.streams[0].volumes == (10, 60, 90, 40)


def test_a_peak_of_another_day_or_topic_changes_nothing() -> None:
    peaks = [
        {"start": "08:00", "end": "23:00", "factor": 3, "days": ["sun"]},
        {"start": "08:00", "end": "23:00", "factor": 3, "topics": ["other"]},
    ]
    made = scenario(hours=1, arrivals={"peaks": peaks})

    assert sum(made.setup.streams[0].volumes) == pytest.approx(60.0)


def test_steady_arrivals_are_exactly_the_volume_in_each_piece() -> None:
    made = scenario(
        hours=2,
        topics=topic(per_hour=None, volumes=[2.5, 2.5, 4, 1]),
        arrivals={"process": "steady", "every_minutes": 30},
    )

    pieces = [int((call.queued - made.setup.epoch) // 1800) for call in first_calls(made.setup, 7)]

    assert [pieces.count(n) for n in range(4)] == [2, 3, 4, 1]


def test_a_shift_of_the_day_before_reaches_into_the_morning() -> None:
    shifts = [{"start": "22:00", "hours": 12, "breaks": [{"after_hours": 11, "minutes": 15, "turns": 2}]}]
    made = scenario(agents={"night": {"agents": 2, "skills": {"care": 5}, "shifts": shifts}})

    assert [(duty.start, duty.end) for duty in made.setup.duties] == [(0.0, 7200.0), (0.0, 7200.0)]
    assert [duty.breaks for duty in made.setup.duties] == [((3600.0, 900.0),), ((4500.0, 900.0),)]


def test_agents_are_shared_out_over_shifts_and_days() -> None:
    shifts = [
        {"start": "08:00", "hours": 4, "agents": 1, "days": ["mon"]},
        {"start": "12:00", "hours": 4},
        {"start": "14:00", "hours": 4},
    ]
    made = scenario(hours=24, agents={"day": {"agents": 4, "skills": {"care": 5}, "shifts": shifts}})

    starts = [duty.start / 3600 for duty in made.setup.duties]
    assert starts == [0.0, 4.0, 6.0, 4.0]


def test_a_recorded_day_is_played_again_and_its_gaps_are_drawn(tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text(
        "at,topic,talk,wrap_up,patience\n09:15:00,tariff,120,30,\n2026-11-23T10:00:00,tariff,,,45\n07:00,tariff,,,\n",
        encoding="utf-8",
    )
    data = deepcopy(PLAIN) | {"topics": topic(per_hour=None), "arrivals": {"recorded": "day.csv"}}

    made = scenario_from_dict(data, tmp_path / "day.yaml")
    calls = first_calls(made.setup, 3)

    assert [(call.queued - made.setup.epoch) for call in calls] == [4500.0, 7200.0]
    assert (calls[0].talk, calls[0].wrap_up) == (120.0, 30.0)
    assert calls[1].patience == 45.0
    assert calls[1].talk < 0, "not recorded: drawn when the call is answered"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("09:15:00,other,1,1,1", "line 2: the topic 'other'"),
        ("x,tariff,1,1,1", "line 2"),
        ("09:15,tariff,-1,,", "line 2"),
    ],
)
def test_a_bad_line_of_a_recorded_day_is_named(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "day.csv").write_text(f"at,topic,talk,wrap_up,patience\n{line}\n", encoding="utf-8")
    data = deepcopy(PLAIN) | {"arrivals": {"recorded": "day.csv"}}

    with pytest.raises(Invalid, match=said):
        scenario_from_dict(data, tmp_path / "day.yaml")


def test_a_what_if_is_the_same_scenario_with_its_changes_laid_over() -> None:
    made = scenario(
        what_if={
            "name": "More",
            "changes": {
                "agents": {"all": {"agents": 8}},
                "queues": {"care": {"strategy": "least_flexible"}},
                "topics": {"tariff": {"patience": None}},
            },
        }
    )

    assert made.against is not None
    assert made.against.name == "More"
    assert len(made.against.setup.config.agents) == 8
    assert made.against.setup.config.queues["care"].plan == made.setup.config.queues["care"].plan
    assert made.against.setup.topics["tariff"].patience.mean == float("inf")
    assert len(made.setup.config.agents) == 5


def test_a_mistake_in_a_what_if_is_found_before_anything_runs() -> None:
    with pytest.raises(Invalid, match=r"agents\.all\.agent"):
        scenario(what_if={"name": "x", "changes": {"agents": {"all": {"agent": 8}}}})
