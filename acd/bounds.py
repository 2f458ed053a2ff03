"""What a queue's plan may say: figures that are finite and make sense, names that exist, parts that belong together.

A plan outside of these bounds would make the engine loop, wait for ever or send callers nowhere.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from difflib import get_close_matches
from functools import partial
from typing import Any

from acd.config import OpeningHours, Overflow, OverflowKind, PlanStep, Queue
from acd.expressions import ExpressionError, Node, parse_condition, parse_requirement, terms

_DAY = 86_400.0
_WEEK = 7 * _DAY
_HIGHEST_LEVEL = 10
_LIMITS = {
    "ring_timeout": (1, 600),
    "seconds": (0, _DAY),
    "extension": (0, _DAY),
    "max_extensions": (0, 100),
    "service_level_seconds": (0, _DAY),
    "priority": (-20, 20),
    "reserve": (0, 100_000),
    "max_waiting": (0, 1_000_000),
    "max_expected_wait": (0, _DAY),
    "first_after": (0, _DAY),
    "every": (1, _DAY),
    "max_attempts": (1, 100),
    "retry_after": (1, _WEEK),
    "after": (0, _DAY),
    "raise_priority": (-40, 40),
    "preferred_wait": (0, _DAY),
    "owner_wait": (0, _DAY),
    "idle": (-1e6, 1e6),
    "proficiency": (-1e6, 1e6),
    "flexibility": (-1e6, 1e6),
    "occupancy": (-1e6, 1e6),
}
"""Smallest and largest value of each figure, by its name (seconds, counts, points); all of them finite."""
_PAIRS = (("max_waiting", "on_full"), ("max_expected_wait", "on_long_wait"))
_WITHOUT_TARGET = frozenset({OverflowKind.VOICEMAIL, OverflowKind.CALL_BACK, OverflowKind.HANG_UP})


@dataclass(frozen=True, slots=True)
class Known:
    """The names that there are: skills, queues, programmes, prompts (None: unknown here, so they are not checked)."""

    skills: frozenset[str]
    queues: frozenset[str]
    programmes: frozenset[str]
    prompts: frozenset[str] | None = None


def problems(queue: Queue, known: Known | None = None) -> Iterator[str]:
    """What is wrong with the queue's plan, one sentence each: the place, the value, what to write there.

    `known`: the names of the operation; None leaves names unchecked.
    """
    yield from _figures(queue, "")
    yield from _parts(queue)
    yield from _steps(queue.plan.steps, known)
    for place, where in _overflows(queue):
        yield from _overflow(place, where, queue.queue_id, known)
    if queue.hours is not None:
        yield from _hours(queue.hours)


def _figures(thing: Any, place: str) -> Iterator[str]:
    """Each figure of the plan that is outside of its bounds."""
    for field in fields(thing):
        value, here = getattr(thing, field.name), f"{place}{field.name}"
        if isinstance(value, bool | OpeningHours):
            continue
        if isinstance(value, int | float):
            low, high = _LIMITS[field.name]
            if not (math.isfinite(value) and low <= value <= high):
                yield f"{here} = {value:g}: write a number from {low:g} to {high:g}."
        elif isinstance(value, tuple):
            for number, one in enumerate(value, 1):
                if is_dataclass(one):
                    yield from _figures(one, f"{here}[{number}].")
        elif is_dataclass(value):
            yield from _figures(value, f"{here}.")


def _parts(queue: Queue) -> Iterator[str]:
    """A limit without what to do then, or the other way about."""
    for limit, action in _PAIRS:
        has_limit, has_action = getattr(queue, limit) is not None, getattr(queue, action) is not None
        if has_limit and not has_action:
            yield f"{limit} needs {action}: say where callers go then, for example {{kind: voicemail}}."
        if has_action and not has_limit:
            yield f"{action} needs {limit}: say from when on."
    actions = [name for name in ("on_closed", "at_close") if getattr(queue, name) is not None]
    if queue.hours is not None and not actions:
        yield "hours needs on_closed or at_close: say where callers go when the queue is closed."
    if queue.hours is None and actions:
        yield f"{actions[0]} needs hours: say when the queue is open."


def _steps(steps: Sequence[PlanStep], known: Known | None) -> Iterator[str]:
    if not any(step.require is not None or step.add_queue for step in steps):
        yield 'plan.steps: no step says who may serve. Write {require: ""} for everyone assigned to the queue.'
    skills = None if known is None else known.skills | {f"serves_{queue}" for queue in known.queues}
    latest = 0.0
    for number, step in enumerate(steps, 1):
        place = f"step {number}"
        if step.after < latest:
            yield f"{place}.after = {step.after:g}: the step before has {latest:g}. Put the steps in order of `after`."
        latest = max(latest, step.after)
        yield from _read(f"{place}.when", step.when, parse_condition)
        yield from _read(f"{place}.require", step.require or "", partial(_requirement, skills))
        for text in step.prefer:
            yield from _read(f"{place}.prefer", text, partial(_requirement, skills))
        if step.add_queue and known is not None:
            yield from _name(f"{place}.add_queue", step.add_queue, known.queues, "queue")
        if step.announce and known is not None and known.prompts is not None:
            yield from _name(f"{place}.announce", step.announce, known.prompts, "prompt")


def _read(place: str, text: str, read: Callable[[str], Node]) -> Iterator[str]:
    if not text.strip():
        return
    try:
        read(text)
    except ExpressionError as error:
        yield f"{place}: {error.what}\n{error.remedy}"


def _requirement(skills: frozenset[str] | None, text: str) -> Node:
    node = parse_requirement(text, skills)
    for term in terms(node):
        if not isinstance(term.value, str) and term.value > _HIGHEST_LEVEL:
            problem = f"there is no level {term.value:g}"
            raise ExpressionError(text, term.position, problem, f"Levels go from 1 to {_HIGHEST_LEVEL}.")
    return node


def _overflows(queue: Queue) -> Iterator[tuple[str, Overflow]]:
    for name in ("on_full", "on_long_wait", "on_closed", "at_close"):
        where = getattr(queue, name)
        if where is not None:
            yield name, where
    for number, step in enumerate(queue.plan.steps, 1):
        if step.overflow is not None:
            yield f"step {number}.overflow", step.overflow


def _overflow(place: str, where: Overflow, queue_id: str, known: Known | None) -> Iterator[str]:
    kind, target = where.kind, where.target
    if kind in _WITHOUT_TARGET:
        if target:
            yield f"{place}.target = {target!r}: {kind} has no target. Leave it out."
    elif not target:
        wanted = "the name of what is said" if kind is OverflowKind.ANNOUNCEMENT else f"the id of a {kind}"
        yield f"{place}.target is missing: write {wanted}."
    elif kind is OverflowKind.QUEUE and target == queue_id:
        yield f"{place}.target = {target!r}: that is this queue itself. Name another one."
    elif known is not None and kind is OverflowKind.QUEUE:
        yield from _name(f"{place}.target", target, known.queues, "queue")
    elif known is not None and kind is OverflowKind.PROGRAMME:
        yield from _name(f"{place}.target", target, known.programmes, "programme")
    elif known is not None and known.prompts is not None and kind is OverflowKind.ANNOUNCEMENT:
        yield from _name(f"{place}.target", target, known.prompts, "prompt")


def _name(place: str, name: str, known: frozenset[str], word: str) -> Iterator[str]:
    if name not in known:
        near = get_close_matches(name, known, 1)
        remedy = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(sorted(known)) or 'none yet'}."
        yield f"{place} = {name!r}: there is no such {word}. {remedy}"


def _hours(hours: OpeningHours) -> Iterator[str]:
    if not hours.weekly:
        yield "hours.weekly is empty: write [weekday 0-6, from second, to second] for each opening."
    for number, (day, start, end) in enumerate(hours.weekly, 1):
        if not (0 <= day <= 6 and 0 <= start < end <= _DAY):
            yield (
                f"hours.weekly[{number}] = {[day, start, end]}: write a weekday from 0 (Monday) to 6, then from and "
                "to in seconds of the day, to being later and at most 86400."
            )
    for one in sorted(hours.closed_days):
        try:
            date.fromisoformat(one)
        except ValueError:
            yield f"hours.closed_days has {one!r}: write a date as 2026-12-25."
