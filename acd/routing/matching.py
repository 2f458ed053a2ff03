"""Whether an agent's profile meets an expression, and which profiles could at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from acd.config import Agent, Blend
from acd.expressions import FACTS, All, Any, Node, Not, Term, compare, terms


class ProfileKey(NamedTuple):
    """What makes two agents interchangeable for routing. `facts` holds only names that some expression asks for."""

    skills: tuple[tuple[str, int], ...]
    languages: frozenset[str]
    programmes: frozenset[str]
    segments: frozenset[str]
    channels: frozenset[str]
    node: str
    blend: Blend
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Target:
    """One step of a demand: who may serve it, who of them is preferred, of which programme they must be."""

    require: Node
    prefer: tuple[Node, ...]
    programme_id: str


def split_by(node: Node) -> set[tuple[str, str]]:
    """The facts that the expression tells agents apart by, beyond skills and the like: (name, value or empty)."""
    found: set[tuple[str, str]] = set()
    for term in terms(node):
        if not isinstance(term.value, str) or term.name in ("language", "programme", "segment", "node"):
            continue
        found.add((term.name, term.value if term.name == "agent" else ""))
    return found


def profile_key(agent: Agent, node: str, split: set[tuple[str, str]]) -> ProfileKey:
    """The profile of this agent, telling apart only what `split` asks for."""
    facts: list[tuple[str, str]] = []
    if agent.team and ("team", "") in split:
        facts.append(("team", agent.team))
    if ("agent", agent.agent_id) in split:
        facts.append(("agent", agent.agent_id))
    facts += sorted((k, v) for k, v in agent.attributes.items() if k not in FACTS and (k, "") in split)
    return ProfileKey(
        tuple(sorted(agent.skills.items())),
        agent.languages,
        agent.programmes,
        agent.segments,
        agent.channels,
        node,
        agent.blend,
        tuple(facts),
    )


class Traits:
    """The side of a profile that expressions look at."""

    __slots__ = ("facts", "key", "skills")

    def __init__(self, key: ProfileKey) -> None:
        self.key = key
        self.skills: Mapping[str, int] = dict(key.skills)
        self.facts: Mapping[str, str] = dict(key.facts)

    def meets(self, node: Node) -> bool:
        """Whether agents of this profile satisfy the expression."""
        if isinstance(node, Term):
            return self._meets_term(node)
        if isinstance(node, Not):
            return not self.meets(node.part)
        if isinstance(node, All):
            return all(self.meets(part) for part in node.parts)
        return any(self.meets(part) for part in node.parts)

    def _meets_term(self, term: Term) -> bool:
        name, value = term.name, term.value
        if not isinstance(value, str):
            return compare(term.op, self.skills.get(name, 0), value)
        return self._has(name, value) == (term.op == "=")

    def _has(self, name: str, value: str) -> bool:
        key = self.key
        if name == "language":
            return value in key.languages
        if name == "programme":
            return not key.programmes or value in key.programmes
        if name == "segment":
            return not key.segments or value in key.segments
        if name == "node":
            return value == key.node
        return self.facts.get(name) == value

    def allows(self, channel: str, direction: str) -> bool:
        """Whether these agents take this channel and direction at all."""
        key = self.key
        if key.channels and channel not in key.channels:
            return False
        return key.blend is not (Blend.OUTBOUND if direction == "inbound" else Blend.INBOUND)

    def tier(self, targets: tuple[Target, ...]) -> tuple[int, int] | None:
        """The first step that these agents meet, and how many of its preferences they miss; None: no step."""
        programmes = self.key.programmes
        for step, target in enumerate(targets):
            if programmes and target.programme_id and target.programme_id not in programmes:
                continue
            if self.meets(target.require):
                return step, sum(not self.meets(node) for node in target.prefer)
        return None

    def level(self, node: Node) -> int:
        """Sum of the levels in the skills that the expression asks for (not under a negation)."""
        if isinstance(node, Term):
            return 0 if isinstance(node.value, str) else self.skills.get(node.name, 0)
        if isinstance(node, Not):
            return 0
        return sum(self.level(part) for part in node.parts)


def skills_needed(node: Node) -> frozenset[str] | None:
    """Skills of which every agent who meets the expression has at least one; None when there is no such set.

    This is what lets a new demand look at the holders of its rarest skill instead of at everybody.
    """
    if isinstance(node, Term):
        if isinstance(node.value, str):
            return None
        at_least = not node.op or (node.op in (">=", "=") and node.value > 0) or node.op == ">"
        return frozenset({node.name}) if at_least else None
    if isinstance(node, All):
        sets = [found for part in node.parts if (found := skills_needed(part)) is not None]
        return min(sets, key=len) if sets else None
    if isinstance(node, Any):
        union: set[str] = set()
        for part in node.parts:
            skills = skills_needed(part)
            if skills is None:
                return None
            union |= skills
        return frozenset(union)
    return None
