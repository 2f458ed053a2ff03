"""The routing facts on a caller's channel (`OC_*`, docs/contracts.md) as `CallFacts`, and back."""

from collections.abc import Mapping

from acd.ports import CallFacts
from core.log import get_logger

_log = get_logger(__name__)
_SEVERAL = "?"

FACT_VARIABLES = (
    "OC_ARRIVED",
    "OC_DID",
    "OC_FROM",
    "OC_PROGRAMME",
    "OC_QUEUE",
    "OC_SKILLS",
    "OC_PRIORITY",
    "OC_SINCE",
    "OC_CUSTOMER",
    "OC_LANG",
    "OC_AGENT",
    "OC_OWNER",
    "OC_PATH",
    "OC_SEGMENT",
)
"""What the event at the waiting place carries, and what a read-back asks for."""


def read_facts(interaction_id: str, values: Mapping[str, str], now: float, node: str = "") -> CallFacts:
    """The facts among channel variables. A number that cannot be read is said in the log and replaced.

    An arrival or queue entry that is missing or unreadable becomes `now` (epoch seconds): a caller is never lost for
    want of a date. `node`: the Asterisk where the channel is.
    """
    since = _number(interaction_id, "OC_SINCE", values, now)
    return CallFacts(
        interaction_id=interaction_id,
        arrived=_number(interaction_id, "OC_ARRIVED", values, since),
        did=values.get("OC_DID", ""),
        number=values.get("OC_FROM") or None,
        programme_id=values.get("OC_PROGRAMME", ""),
        queue_id=values.get("OC_QUEUE", ""),
        skills=values.get("OC_SKILLS", ""),
        priority=int(_number(interaction_id, "OC_PRIORITY", values, 0)),
        queued_at=since,
        customer_ids=_customers(values.get("OC_CUSTOMER", "")),
        language=values.get("OC_LANG") or "it",
        preferred_agent_id=values.get("OC_AGENT") or None,
        path=values.get("OC_PATH", ""),
        recorded=bool(values.get("OC_RECORDING")),
        segment=values.get("OC_SEGMENT", ""),
        node=node,
        prefers_owner=bool(values.get("OC_OWNER")),
    )


def write_facts(facts: CallFacts) -> dict[str, str]:
    """The variables that say these facts: what a caller who goes back to the waiting place carries."""
    return {
        "OC_PROGRAMME": facts.programme_id,
        "OC_QUEUE": facts.queue_id,
        "OC_SKILLS": facts.skills,
        "OC_PRIORITY": str(facts.priority),
        "OC_SINCE": f"{facts.queued_at:.3f}",
        "OC_LANG": facts.language,
        "OC_AGENT": facts.preferred_agent_id or "",
        "OC_OWNER": "1" if facts.prefers_owner else "",
        "OC_PATH": facts.path,
        "OC_SEGMENT": facts.segment,
    }


def _customers(text: str) -> tuple[str, ...]:
    """One id, several joined by `&`; `?` says that there are several and the agent chooses."""
    return tuple(one for one in text.split("&") if one and one != _SEVERAL)


def _number(interaction_id: str, name: str, values: Mapping[str, str], otherwise: float) -> float:
    try:
        return float(values.get(name) or otherwise)
    except ValueError:
        _log.error("channel variable is no number", interaction_id=interaction_id, variable=name, value=values[name])
        return otherwise
