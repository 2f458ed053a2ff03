"""Queues and plans as data: reads a mapping (YAML, JSON column) with errors that name the place and the remedy."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from acd import bounds
from acd.bounds import Known
from acd.config import Queue
from core.errors import Invalid

_QUEUE = TypeAdapter(Queue)


def queue_from_dict(queue_id: str, data: Mapping[str, Any], known: Known | None = None) -> Queue:
    """A queue of the engine. Raises Invalid that names every wrong place of `data` and what to write there.

    `known`: the names of the operation, so that one that does not exist is an error too.
    """
    problems = _unknown(Queue, data, f"queue {queue_id}")
    if data.get("queue_id", queue_id) != queue_id:
        problems.append(f"queue {queue_id}: the plan names another queue, {data['queue_id']!r}. Leave queue_id out.")
    if not problems:
        try:
            queue = _QUEUE.validate_python({**data, "queue_id": queue_id})
        except ValidationError as error:
            problems = [_problem(queue_id, dict(one)) for one in error.errors()]
    if not problems:
        problems = [f"queue {queue_id}: {problem}" for problem in bounds.problems(queue, known)]
    if problems:
        raise Invalid(" ".join(problems), "Correct the plan; docs/routing.md shows its form.", code="plan")
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
