"""A queue as the engine keeps it: its line, its plan read once, its demands, its recent flow."""

from bisect import bisect_left, insort
from dataclasses import dataclass
from math import inf

from acd.config import Plan, PlanStep, Queue
from acd.expressions import Node, attributes_named, parse_condition, parse_requirement
from acd.routing.estimates import Flow
from acd.routing.index import Demand, LineKey

# Plan, steps taken, own requirement, channel, direction, node, values of the attributes asked for.
DemandKey = tuple["PlanRecord", int, str, str, str, str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A plan's step with its expressions read."""

    conf: PlanStep
    when: Node | None
    require: Node | None
    prefer: tuple[Node, ...]


class PlanRecord:
    """A plan with its expressions read.

    `first` are the steps that apply to everyone at once, `full` are all, as bits; `adds` are queues whose agents some
    step adds. `plain_start`: who begins it takes the first step, which does nothing but say who may serve, and no
    other for `alone` seconds.
    """

    __slots__ = ("adds", "alone", "conf", "first", "full", "names", "plain_start", "steps")

    def __init__(self, conf: Plan) -> None:
        self.conf = conf
        self.steps = tuple(
            StepRecord(
                step,
                parse_condition(step.when) if step.when else None,
                None if step.require is None else parse_requirement(step.require),
                tuple(parse_requirement(text) for text in step.prefer),
            )
            for step in conf.steps
        )
        nodes = [node for step in self.steps for node in (step.require, *step.prefer) if node is not None]
        names: set[str] = set().union(*map(attributes_named, nodes)) if nodes else set()
        self.names = tuple(sorted(names))
        self.adds = tuple(sorted({step.add_queue for step in conf.steps if step.add_queue}))
        self.full = (1 << len(self.steps)) - 1
        self.first = sum(1 << number for number, step in enumerate(conf.steps) if not step.after and not step.when)
        self.alone = min((step.after for step in conf.steps[1:]), default=inf)
        self.plain_start = self.first & 1 == 1 and self.alone > 0 and not _does(conf.steps[0])


def _does(step: PlanStep) -> bool:
    """Whether the step does more than say who may serve."""
    return bool(step.raise_priority or step.announce or step.overflow)


class QueueRecord:
    """A queue. `line` holds all who wait and are not being offered, in order; `offered` those who are.

    `resting`: call-backs of the line that are to be tried again later. `unserved`: those whom nobody could serve.
    """

    __slots__ = (
        "conf", "demands", "filled_at", "flow", "line", "offered", "plan", "resting", "retired", "unserved",
    )  # fmt: skip

    def __init__(self, conf: Queue) -> None:
        self.conf = conf
        self.plan = PlanRecord(conf.plan)
        self.line: list[LineKey] = []
        self.offered: dict[str, None] = {}
        self.resting: dict[str, None] = {}
        self.unserved: dict[str, None] = {}
        self.demands: dict[DemandKey, Demand] = {}
        self.flow = Flow()
        self.filled_at = 0.0
        self.retired = False

    def put(self, key: LineKey, now: float) -> None:
        """Someone begins to stand in the line."""
        line = self.line
        if not line:
            self.filled_at = now
            line.append(key)
        elif line[-1] < key:
            line.append(key)
        else:
            insort(line, key)

    def take(self, key: LineKey) -> None:
        """Someone stands in the line no more."""
        line = self.line
        del line[0 if line[0] is key else bisect_left(line, key)]

    def position(self, key: LineKey) -> int:
        """The place of this key in the line, 1 being the next."""
        return bisect_left(self.line, key) + 1
