"""Queues and plans as data: reads a mapping (YAML, JSON column) with errors that name the place and the remedy."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from acd.config import Queue
from acd.expressions import ExpressionError, parse_condition, parse_requirement
from core.errors import Invalid

_QUEUE = TypeAdapter(Queue)


def queue_from_dict(queue_id: str, data: Mapping[str, Any]) -> Queue:
    """A queue of the engine. Raises Invalid that names every wrong place of `data` and what to write there."""
    problems = _unknown(Queue, data, f"queue {queue_id}")
    if not problems:
        try:
            queue = _QUEUE.validate_python({**data, "queue_id": queue_id})
        except ValidationError as error:
            problems = [_problem(queue_id, dict(one)) for one in error.errors()]
    if problems:
        raise Invalid(" ".join(problems), "Correct the plan; docs/routing.md shows its form.", code="plan")
    _check_expressions(queue)
    return queue


def _unknown(kind: Any, data: Any, place: str) -> list[str]:
    """Names that mean nothing, with the one that was probably meant."""
    if isinstance(data, (list, tuple)):
        return [problem for n, one in enumerate(data, 1) for problem in _unknown(kind, one, f"{place}[{n}]")]
    if not is_dataclass(kind) or not isinstance(data, Mapping):
        return []
    known = {field.name for field in fields(kind)}
    hints = get_type_hints(kind)
    problems = []
    for name, value in data.items():
        if name not in known:
            near = get_close_matches(str(name), known, 1)
            meant = f" Did you mean {near[0]!r}?" if near else f" Known: {', '.join(sorted(known))}."
            problems.append(f"{place}: there is no {name!r}.{meant}")
        else:
            problems += _unknown(_dataclass_in(hints[name]), value, f"{place}.{name}")
    return problems


def _dataclass_in(hint: Any) -> Any:
    return next((one for one in (hint, *get_args(hint)) if is_dataclass(one)), None)


def _problem(queue_id: str, error: Mapping[str, Any]) -> str:
    place = ".".join(str(part + 1) if isinstance(part, int) else str(part) for part in error["loc"])
    return f"queue {queue_id}.{place} = {error['input']!r}: {error['msg']}."


def _check_expressions(queue: Queue) -> None:
    for number, step in enumerate(queue.plan.steps, 1):
        for text, read in (
            (step.when, parse_condition),
            *((text, parse_requirement) for text in (step.require or "", *step.prefer)),
        ):
            try:
                if text.strip():
                    read(text)
            except ExpressionError as error:
                raise Invalid(
                    f"queue {queue.queue_id}, step {number}: {error.what}", error.remedy, code="plan"
                ) from None
