"""Reads a flow's YAML and says everything that is wrong with it: the file, the step, the remedy."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import yaml
from pydantic import BaseModel, ValidationError

from acd.expressions import ExpressionError, parse_requirement
from core.errors import Invalid
from ivr.flow import (
    ENDINGS,
    AnnouncePosition,
    AnyStep,
    ChooseLanguage,
    CollectDigits,
    Flow,
    Hours,
    Identify,
    Language,
    Menu,
    SetSkill,
    ToQueue,
)
from ivr.hours import Calendar


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a flow. `step` is empty for what concerns the whole flow."""

    source: str
    step: str
    field: str
    what: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.source}, step {self.step!r}" if self.step else self.source
        return f"{place}{f' ({self.field})' if self.field else ''}: {self.what}. {self.remedy}."


class FlowInvalid(Invalid):
    """A flow that cannot be run; `problems` lists all that is wrong."""

    code = "flow_invalid"

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        listed = [str(problem) for problem in problems]
        super().__init__("\n".join(listed), "Correct the flow and save it again.", values={"problems": listed})


class _Names(Protocol):
    def __contains__(self, name: object, /) -> bool: ...

    def __iter__(self) -> Iterator[str]: ...


@dataclass(frozen=True, slots=True)
class Known:
    """Names that exist outside the flow; None: not to be checked."""

    queues: _Names | None = None
    prompts: _Names | None = None
    calendars: _Names | None = None
    skills: _Names | None = None


def read_flow(text: str, source: str, known: Known | None = None) -> Flow:
    """The flow in `text`. `source` is the file's name, or the flow's id in the database. Raises FlowInvalid."""
    try:
        flow = Flow.model_validate(_load(text, source))
    except ValidationError as error:
        raise FlowInvalid([_from_pydantic(source, dict(told)) for told in error.errors()]) from None
    problems = list(_problems(flow, source, known or Known()))
    if problems:
        raise FlowInvalid(problems)
    return flow


def read_calendar(text: str, source: str) -> Calendar:
    """A calendar's YAML. Raises FlowInvalid."""
    try:
        return Calendar.model_validate(_load(text, source))
    except ValidationError as error:
        raise FlowInvalid([_from_pydantic(source, dict(told)) for told in error.errors()]) from None


class _Loader(yaml.SafeLoader):
    """Refuses a key given twice: of two steps with one name, the first would silently be lost."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                mark = key_node.start_mark
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} is given twice", mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def _load(text: str, source: str) -> Any:
    try:
        data = yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise FlowInvalid([Problem(source, "", place, f"not readable: {error.problem}", "Correct the YAML")]) from None
    except (yaml.YAMLError, TypeError, RecursionError) as error:
        raise FlowInvalid([Problem(source, "", "", f"not readable: {error}", "Correct the YAML")]) from None
    if not isinstance(data, dict):
        raise FlowInvalid([Problem(source, "", "", "not a mapping", "Begin with the keys flow, start and steps")])
    return data


_REMEDIES = {
    "missing": "Add it",
    "extra_forbidden": "Remove it, or correct its spelling",
    "string_type": "Write a text (put quotes around numbers and yes or no)",
    "union_tag_not_found": "Say what the step does: do: play, menu, queue, ...",
}


def _from_pydantic(source: str, told: Mapping[str, Any]) -> Problem:
    where = [str(part) for part in told["loc"]]
    step = where[1] if len(where) > 1 and where[0] == "steps" else ""
    # The loc of a step holds its kind too (steps, name, kind, field): that is no place in the file.
    field = ".".join(part for part in (where[3:] if step else where) if part != "[key]")
    context = told.get("ctx", {})
    kind = told["type"]
    what, remedy = str(told["msg"]), _REMEDIES.get(kind, "Correct the value")
    if kind == "union_tag_invalid":
        what, remedy = f"there is no step kind {context['tag']!r}", f"Use one of {context['expected_tags']}"
    elif kind == "value_error":
        # Our own checks write what is wrong, then the remedy after a semicolon.
        what, _, hint = str(context["error"]).partition("; ")
        remedy = hint[:1].upper() + hint[1:] if hint else remedy
    elif kind == "string_pattern_mismatch":
        what = f"{told['input']!r} is not acceptable"
        remedy = f"Write it in the form {context['pattern']}"
    return Problem(source, step, field, what, remedy)


def _problems(flow: Flow, source: str, known: Known) -> Iterator[Problem]:
    def problem(step: str, field: str, what: str, remedy: str) -> Problem:
        return Problem(source, step, field, what, remedy)

    targets_wrong = False
    for step, field, target in _targets(flow):
        if target not in flow.steps:
            targets_wrong = True
            yield problem(step, field, f"there is no step {target!r}", f"Add it, or name one of {_list(flow.steps)}")
    for name, step_ in flow.steps.items():
        yield from (Problem(source, name, *rest) for rest in _step_problems(flow, step_, known))
    for name, texts in flow.prompts.items():
        for language in flow.languages:
            if language not in texts:
                yield problem(
                    "", f"prompts.{name}", f"no text for language {language!r}", "Add it, or drop the language"
                )
    if not targets_wrong:
        yield from (Problem(source, *rest) for rest in _graph_problems(flow))


def _targets(flow: Flow) -> Iterator[tuple[str, str, str]]:
    yield "", "start", flow.start
    for divert, target in flow.diverts.items():
        yield "", f"diverts.{divert}", target
    for name, step in flow.steps.items():
        for field, target in step.exits():
            yield name, field, target


def _step_problems(flow: Flow, step: AnyStep, known: Known) -> Iterator[tuple[str, str, str]]:
    for field, prompt in step.prompts():
        if known.prompts is not None and prompt not in flow.prompts and prompt not in known.prompts:
            yield field, f"there is no prompt {prompt!r}", "Write its texts under prompts, or correct the name"
    if isinstance(step, ToQueue | AnnouncePosition) and known.queues is not None and step.queue not in known.queues:
        yield "queue", f"there is no queue {step.queue!r}", f"Create it, or name one of {_list(known.queues)}"
    if isinstance(step, SetSkill | ToQueue) and known.skills is not None:
        yield from _unknown_skills(step.require, frozenset(known.skills))
    calendars = {*flow.calendars, *(known.calendars or ())}
    if isinstance(step, Hours) and known.calendars is not None and step.calendar not in calendars:
        yield "calendar", f"there is no calendar {step.calendar!r}", "Write it under calendars, or correct the name"
    if isinstance(step, ChooseLanguage) and (step.set is None) == (not step.choices or step.prompt is None):
        yield "", "neither or both of set and choices are given", "Give set, or give prompt and choices"
    if isinstance(step, Identify) and step.by == "code":
        collected = {other.into for other in flow.steps.values() if isinstance(other, CollectDigits)}
        if step.code not in collected:
            yield "code", f"no step collects {step.code!r}", "Name the `into` of a collect_digits step"


def _unknown_skills(require: str | Mapping[Language, str], skills: frozenset[str]) -> Iterator[tuple[str, str, str]]:
    for text in [require] if isinstance(require, str) else require.values():
        try:
            parse_requirement(text, skills)
        except ExpressionError as error:
            yield "require", error.problem, error.remedy.rstrip(".")


def _graph_problems(flow: Flow) -> Iterator[tuple[str, str, str, str]]:
    starts = [flow.start, *flow.diverts.values()]
    reached = _reach(starts, {name: [to for _, to in step.exits()] for name, step in flow.steps.items()})
    for name in flow.steps:
        if name not in reached:
            yield name, "", "no way leads here", "Point a step at it, or remove it"
    back: dict[str, list[str]] = {name: [] for name in flow.steps}
    for name, step in flow.steps.items():
        for _, target in step.exits():
            back[target].append(name)
    ending = _reach([name for name, step in flow.steps.items() if isinstance(step, ENDINGS)], back)
    stuck = sorted(reached - ending)
    if stuck:
        yield stuck[0], "", f"the loop {_list(stuck)} has no exit", "Lead it to a queue or hang_up step"
    circle = _circle({name: list(flow.steps[name].silent_exits()) for name in sorted(reached & ending)})
    if circle:
        way = " > ".join(circle)
        yield circle[0], "", f"a caller who presses nothing goes round for ever: {way}", "Let `otherwise` lead on"
    yield from _complaint_problems(flow)


def _complaint_problems(flow: Flow) -> Iterator[tuple[str, str, str, str]]:
    edges = {
        name: [] if isinstance(step, Menu) else [to for _, to in step.exits()] for name, step in flow.steps.items()
    }
    first = _reach([flow.start], edges)
    offered = False
    for name, step in flow.steps.items():
        marked = isinstance(step, Menu) and any(choice.complaint for choice in step.choices.values())
        offered |= marked and name in first
        if marked and name not in first:
            yield name, "choices", "the complaint option is not at the first menu", "Move it to the first menu"
    if flow.complaint_required and not offered:
        yield "", "complaint_required", "no first menu offers a complaint", "Mark one choice with complaint: true"


def _reach(starts: list[str], edges: Mapping[str, list[str]]) -> set[str]:
    reached: set[str] = set()
    todo = list(starts)
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo += edges[name]
    return reached


def _circle(edges: Mapping[str, list[str]]) -> list[str]:
    """A cycle in the graph, its first step repeated at the end; empty when there is none."""
    finished: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in finished or name not in edges:
            return []
        for target in edges[name]:
            if found := visit(target, [*path, name]):
                return found
        finished.add(name)
        return []

    return next((found for name in edges if (found := visit(name, []))), [])


def _list(names: _Names | list[str] | Mapping[str, BaseModel]) -> str:
    return ", ".join(sorted(names)) or "none (there are none yet)"
