"""What an agent's profile and an expression mean, said a second time and differently, to check the engine by.

Expressions here are built, not read: each comes with its text and with a plain function that decides it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

from acd.config import Agent

SKILLS = ("it", "tv", "adsl")
LANGUAGES = ("it", "en")
TEAMS = ("red", "blue")


@dataclass(frozen=True)
class Said:
    """An expression as text, what it means, and how good an agent is at what it asks for."""

    text: str
    means: Callable[[Agent], bool]
    level: Callable[[Agent], int] = lambda agent: 0

    def __repr__(self) -> str:
        return repr(self.text)


def levels(name: str) -> Callable[[Agent], int]:
    return lambda agent: agent.skills.get(name, 0)


def sums(left: Said, right: Said) -> Callable[[Agent], int]:
    return lambda agent: left.level(agent) + right.level(agent)


def skill(name: str, level: int) -> Said:
    return Said(f"{name}>={level}", lambda agent: agent.skills.get(name, 0) >= level, levels(name))


def bare(name: str) -> Said:
    return Said(name, lambda agent: name in agent.skills, levels(name))


def language(name: str) -> Said:
    return Said(f"language={name}", lambda agent: name in agent.languages)


def team(name: str) -> Said:
    return Said(f"team={name}", lambda agent: agent.team == name)


def named(agent_id: str) -> Said:
    return Said(f"agent={agent_id}", lambda agent: agent.agent_id == agent_id)


def negated(part: Said) -> Said:
    return Said(f"!({part.text})", lambda agent: not part.means(agent))


def both(left: Said, right: Said) -> Said:
    text = f"({left.text}) & ({right.text})"
    return Said(text, lambda agent: left.means(agent) and right.means(agent), sums(left, right))


def either(left: Said, right: Said) -> Said:
    text = f"({left.text}) | ({right.text})"
    return Said(text, lambda agent: left.means(agent) or right.means(agent), sums(left, right))


def anyone() -> Said:
    return Said("", lambda agent: True)


def expressions(agent_ids: tuple[str, ...] = ("a0", "a1")) -> st.SearchStrategy[Said]:
    """Expressions over skills, languages, teams and agents, up to a few levels deep."""
    leaves = st.one_of(
        st.builds(skill, st.sampled_from(SKILLS), st.integers(1, 10)),
        st.builds(bare, st.sampled_from(SKILLS)),
        st.builds(language, st.sampled_from(LANGUAGES)),
        st.builds(team, st.sampled_from(TEAMS)),
        st.builds(named, st.sampled_from(agent_ids)),
    )
    return st.recursive(
        leaves,
        lambda parts: st.one_of(
            st.builds(negated, parts), st.builds(both, parts, parts), st.builds(either, parts, parts)
        ),
        max_leaves=4,
    )
