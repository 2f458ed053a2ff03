"""One call while it is in the IVR: what is known of it, and what is written on its channel when it leaves."""

import re
from dataclasses import dataclass, field

from ivr.flow import Language
from ivr.ports import Identification

_LONGEST_PATH = 200
_WORD = re.compile(r"\w[\w.-]{0,39}")
_ALTERNATIVES = re.compile(r"\||\bor\b")
_UNSAFE = str.maketrans(dict.fromkeys("\r\n\0\"'\\${}()[],;", " "))
"""What would end a variable, or in the dialplan's user events an argument: a comma, an open parenthesis."""


@dataclass(slots=True)
class Call:
    """A caller's channel and what the flow has found out so far. `arrived`: epoch seconds, UTC."""

    interaction_id: str
    arrived: float
    did: str
    number: str | None
    withheld: bool
    channel: str
    programme_id: str
    region: str
    language: Language
    identification: Identification
    priority: int = 0
    requirements: list[str] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    typed: str = ""
    """Keys pressed into a prompt that asked for none: who knows the menu by heart need not hear it out."""

    @property
    def customer(self) -> str:
        """`OC_CUSTOMER`: the customer's id, `?` for several, empty for nobody known."""
        ids = self.identification.customer_ids
        if self.identification.kind == "one" and len(ids) == 1:
            return ids[0]
        return "?" if ids else ""

    def require(self, requirement: str | dict[Language, str]) -> None:
        """Ask more of the agent, on top of what was asked before."""
        text = requirement.get(self.language, "") if isinstance(requirement, dict) else requirement
        if text and text not in self.requirements:
            self.requirements.append(text)

    def skills(self) -> str:
        """All that is asked of the agent, as one expression."""
        if len(self.requirements) == 1:
            return self.requirements[0]
        return " & ".join(f"({text})" if _ALTERNATIVES.search(text) else text for text in self.requirements)

    def routing_facts(self, queue_id: str, since: float) -> dict[str, str]:
        """The variables of the contract that make this a waiting caller. `since`: epoch seconds of queue entry."""
        return {
            "OC_FROM": self.number or "",
            "OC_PROGRAMME": self.programme_id,
            "OC_QUEUE": queue_id,
            "OC_SEGMENT": _word(self.identification.segment),
            "OC_SKILLS": self.skills(),
            "OC_PRIORITY": str(self.priority + self.identification.priority),
            "OC_SINCE": f"{since:.3f}",
            "OC_CUSTOMER": self.customer,
            "OC_LANG": self.language,
            "OC_AGENT": self.identification.preferred_agent_id or "",
            "OC_OWNER": "1" if self.identification.prefers_owner else "",
            "OC_PATH": " > ".join(map(_plain, self.path))[:_LONGEST_PATH],
        }


def _plain(label: str) -> str:
    return " ".join(label.translate(_UNSAFE).split())


def _word(text: str | None) -> str:
    """A word that expressions can name; anything else is none."""
    return text if text and _WORD.fullmatch(text) else ""
