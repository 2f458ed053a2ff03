"""Agents and their working times from the groups and shifts of a scenario."""

from collections.abc import Mapping
from datetime import timedelta

from acd.config import Agent
from acd.simulator.scenario import Day, GroupForm, ScenarioForm, ShiftForm
from acd.simulator.setup import Duty
from core.errors import Invalid

DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def duties_of(checked: ScenarioForm) -> tuple[Mapping[str, Agent], tuple[Duty, ...]]:
    """All agents by id, and when each works. A shift that began the day before reaches into the first day."""
    agents: dict[str, Agent] = {}
    duties: list[Duty] = []
    for group_id, group in checked.agents.items():
        for number, (shift, nth) in enumerate(_shared_out(group_id, group), 1):
            agent_id = f"{group_id}-{number}"
            agents[agent_id] = _agent(agent_id, group)
            duties += _duties(agent_id, shift, nth, checked)
    return agents, tuple(duties)


def _shared_out(group_id: str, group: GroupForm) -> list[tuple[ShiftForm, int]]:
    """One shift for each agent of the group, and the agent's number in it (which fixes whose break comes when)."""
    named = sum(shift.agents or 0 for shift in group.shifts)
    open_shifts = [shift for shift in group.shifts if shift.agents is None]
    left = group.agents - named
    if left < 0 or (left and not open_shifts):
        raise Invalid(
            f"agents.{group_id}: the shifts name {named} agents, the group has {group.agents}.",
            "Make the numbers agree, or leave `agents` out of one shift.",
        )
    placed = [(shift, n) for shift in group.shifts for n in range(shift.agents or 0)]
    return placed + [(open_shifts[n % len(open_shifts)], n // len(open_shifts)) for n in range(left)]


def _agent(agent_id: str, group: GroupForm) -> Agent:
    return Agent(
        agent_id,
        skills=dict(group.skills),
        languages=group.languages,
        programmes=group.programmes,
        segments=group.segments,
        team=group.team,
        node=group.node,
        blend=group.blend,
        attributes=dict(group.attributes),
    )


def _duties(agent_id: str, shift: ShiftForm, nth: int, checked: ScenarioForm) -> list[Duty]:
    end = checked.hours * 3600.0
    duties = []
    for day in range(-1, int(checked.hours // 24) + 2):
        date = checked.start.date() + timedelta(days=day)
        if shift.days and DAYS[date.weekday()] not in shift.days:
            continue
        midnight = (date - checked.start.date()).total_seconds() - (
            checked.start.hour * 3600 + checked.start.minute * 60 + checked.start.second
        )
        begins = midnight + shift.start.hour * 3600 + shift.start.minute * 60 + shift.start.second
        ends = begins + shift.hours * 3600.0
        if ends <= 0 or begins >= end:
            continue
        breaks = [
            (begins + pause.after_hours * 3600.0 + nth % pause.turns * pause.minutes * 60.0, pause.minutes * 60.0)
            for pause in shift.breaks
        ]
        duties.append(Duty(agent_id, max(begins, 0.0), ends, tuple(one for one in breaks if 0 <= one[0] < end)))
    return _joined(duties)


def _joined(duties: list[Duty]) -> list[Duty]:
    """Shifts that touch (24 hours a day) are one, so that nobody is sent home for an instant."""
    joined: list[Duty] = []
    for duty in duties:
        if joined and duty.start <= joined[-1].end:
            before = joined.pop()
            end = max(duty.end, before.end)
            joined.append(Duty(duty.agent_id, before.start, end, before.breaks + duty.breaks))
        else:
            joined.append(duty)
    return joined
