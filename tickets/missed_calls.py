"""A customer who returns our missed call has not called again on their own account: such calls are marked."""

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from tickets.held import held_by
from tickets.model import Interaction
from tickets.policy import Policy

_POLICY = Policy()


async def mark_returns(session: AsyncSession, call: Interaction) -> None:
    """Set `returns_missed` on this inbound call, or on the inbound calls that this outbound one bears on."""
    if call.arrived_at is None:
        return
    if call.direction == "inbound":
        call.returns_missed = await _returns_missed(session, call)
        return
    same = _same_caller(call)
    if same is None:
        return
    later = select(Interaction).where(
        same,
        Interaction.direction == "inbound",
        Interaction.arrived_at > call.arrived_at,
        Interaction.arrived_at <= call.arrived_at + _POLICY.missed_call_window,
    )
    await session.flush()
    for inbound in await session.scalars(later):
        inbound.returns_missed = await _returns_missed(session, inbound)


async def _returns_missed(session: AsyncSession, call: Interaction) -> bool:
    """Whether the last contact before this call was an outbound call of ours that nobody answered."""
    same = _same_caller(call)
    if same is None or call.arrived_at is None or not await _called_out(session, call, same):
        return False
    last = await session.scalar(
        select(Interaction)
        .where(
            *_shortly_before(call, call.arrived_at, same),
            (Interaction.direction == "outbound") | Interaction.answered_at.is_not(None),
        )
        .order_by(Interaction.arrived_at.desc())
        .limit(1)
    )
    return last is not None and last.direction == "outbound" and last.answered_at is None


async def _called_out(session: AsyncSession, call: Interaction, same: ColumnElement[bool]) -> bool:
    """Whether we called this caller at all: seldom, and asked without making the session write what it has pending."""
    if any(one.direction == "outbound" for one in held_by(session).calls.values()):
        return True
    calls = select(Interaction.id).where(*_shortly_before(call, call.arrived_at or 0.0, same))
    with session.no_autoflush:
        return await session.scalar(calls.where(Interaction.direction == "outbound").limit(1)) is not None


def _shortly_before(call: Interaction, at: float, same: ColumnElement[bool]) -> tuple[ColumnElement[bool], ...]:
    return (
        same,
        Interaction.id != call.id,
        Interaction.arrived_at < at,
        Interaction.arrived_at >= at - _POLICY.missed_call_window,
    )


def _same_caller(call: Interaction) -> ColumnElement[bool] | None:
    if call.subject is not None:
        return Interaction.subject == call.subject
    return Interaction.number == call.number if call.number else None
