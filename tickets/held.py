"""What one transaction has already read and holds: a batch of facts asks for the same calls over and over."""

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncSession

from acd.legs import KINDS
from core.journal import Fact, FactRow
from tickets import people
from tickets.model import Interaction, InteractionLeg
from tickets.sql import insert_if_absent

_KEY = "tickets.held"


@dataclass(slots=True)
class Held:
    """Rows of one session, by interaction. Forgotten when the session rolls anything back."""

    calls: dict[str, Interaction] = field(default_factory=dict)
    legs: dict[str, dict[int, InteractionLeg]] = field(default_factory=dict)
    facts: dict[str, dict[str, Fact]] = field(default_factory=dict)
    zones: dict[str, ZoneInfo] = field(default_factory=dict)


def held_by(session: AsyncSession) -> Held:
    """What this session holds."""
    known = session.info.get(_KEY)
    if isinstance(known, Held):
        return known
    held = Held()
    session.info[_KEY] = held

    def forget(*_: object) -> None:
        # A savepoint that is rolled back takes rows and changes with it: nothing read before can be trusted.
        session.info.pop(_KEY, None)

    event.listen(session.sync_session, "after_soft_rollback", forget, once=True)
    return held


async def call_row(session: AsyncSession, interaction_id: str, *, new: bool = False) -> Interaction:
    """The call's row, locked until the transaction ends; made when there is none yet (`new`: probably so)."""
    held = held_by(session)
    call = held.calls.get(interaction_id)
    if call is None and not new:
        call = await session.get(Interaction, interaction_id, with_for_update=True)
    if call is None:
        await insert_if_absent(session, Interaction, {"id": interaction_id})
        call = await session.get_one(Interaction, interaction_id, with_for_update=True)
    held.calls[interaction_id] = call
    return call


async def legs_and_facts(
    session: AsyncSession, fact: Fact, interaction_id: str
) -> tuple[dict[int, InteractionLeg], dict[str, Fact]]:
    """The stored legs of a call by position, and the facts that they follow from, with this one."""
    held = held_by(session)
    if interaction_id not in held.legs:
        with session.no_autoflush:
            legs = await session.scalars(select(InteractionLeg).where(InteractionLeg.interaction_id == interaction_id))
            stored = await session.execute(
                select(FactRow.at, FactRow.kind, FactRow.interaction_id, FactRow.agent_id, FactRow.data, FactRow.id)
                .where(FactRow.interaction_id == interaction_id, FactRow.kind.in_(KINDS))
            )  # fmt: skip
        held.legs[interaction_id] = {leg.position: leg for leg in legs}
        held.facts[interaction_id] = {row.id: Fact(*row) for row in stored}
    facts = held.facts[interaction_id]
    facts[fact.id] = fact
    return held.legs[interaction_id], facts


async def zone_of(session: AsyncSession, programme_id: str) -> ZoneInfo:
    """The programme's time zone."""
    zones = held_by(session).zones
    if programme_id not in zones:
        with session.no_autoflush:
            zones[programme_id] = people.zone((await people.programme(session, programme_id)).time_zone)
    return zones[programme_id]
