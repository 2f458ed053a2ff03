"""What one transaction has already read and holds: a batch of facts asks for the same calls over and over."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncSession

from acd.legs import KINDS
from core.facts import FactRow
from core.journal import Fact
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


async def hold_together(session: AsyncSession, facts: Sequence[Fact]) -> None:
    """Read at once what these facts will ask for: a batch costs a few statements instead of a few a call."""
    held = held_by(session)
    await _hold_calls(session, held, sorted({str(fact.interaction_id) for fact in facts} - held.calls.keys()))
    talked = {str(fact.interaction_id) for fact in facts if fact.kind in KINDS}
    await _hold_legs(session, held, talked - held.legs.keys())


async def call_row(session: AsyncSession, interaction_id: str) -> Interaction:
    """The call's row, locked until the transaction ends; made when there is none yet."""
    held = held_by(session)
    if interaction_id not in held.calls:
        await _hold_calls(session, held, [interaction_id])
    return held.calls[interaction_id]


async def _hold_calls(session: AsyncSession, held: Held, ids: Sequence[str]) -> None:
    """`ids` in ascending order: whoever locks several rows locks them in the same order."""
    if not ids:
        return
    query = select(Interaction).where(Interaction.id.in_(ids)).order_by(Interaction.id).with_for_update()
    with session.no_autoflush:
        held.calls |= {call.id: call for call in await session.scalars(query)}
        if missing := [{"id": one} for one in ids if one not in held.calls]:
            await insert_if_absent(session, Interaction, missing)
            held.calls |= {call.id: call for call in await session.scalars(query)}


async def legs_and_facts(
    session: AsyncSession, fact: Fact, interaction_id: str
) -> tuple[dict[int, InteractionLeg], dict[str, Fact]]:
    """The stored legs of a call by position, and the facts that they follow from, with this one."""
    held = held_by(session)
    if interaction_id not in held.legs:
        await _hold_legs(session, held, {interaction_id})
    facts = held.facts[interaction_id]
    facts[fact.id] = fact
    return held.legs[interaction_id], facts


async def _hold_legs(session: AsyncSession, held: Held, ids: Collection[str]) -> None:
    if not ids:
        return
    columns = (FactRow.at, FactRow.kind, FactRow.interaction_id, FactRow.agent_id, FactRow.data, FactRow.id)
    with session.no_autoflush:
        legs = await session.scalars(select(InteractionLeg).where(InteractionLeg.interaction_id.in_(ids)))
        stored = await session.execute(select(*columns).where(FactRow.interaction_id.in_(ids), FactRow.kind.in_(KINDS)))
    for one in ids:
        held.legs[one], held.facts[one] = {}, {}
    for leg in legs:
        held.legs[leg.interaction_id][leg.position] = leg
    for row in stored:
        held.facts[row.interaction_id][row.id] = Fact(*row)


async def zone_of(session: AsyncSession, programme_id: str) -> ZoneInfo:
    """The programme's time zone."""
    zones = held_by(session).zones
    if programme_id not in zones:
        with session.no_autoflush:
            zones[programme_id] = people.zone((await people.programme(session, programme_id)).time_zone)
    return zones[programme_id]
