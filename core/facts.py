"""Facts in the database: stored once, each with all that is projected from it, in one transaction."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Float, String, exists, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased, mapped_column

from core.db import Base, Database, is_wrong_data
from core.journal import Fact
from core.log import get_logger

_log = get_logger(__name__)


class FactRow(Base):
    """The fact as stored; append only."""

    __tablename__ = "fact"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    at: Mapped[float] = mapped_column(Float, index=True)
    kind: Mapped[str] = mapped_column(String(40), index=True)
    interaction_id: Mapped[str | None] = mapped_column(String(64), index=True)
    agent_id: Mapped[str | None] = mapped_column(String(40), index=True)
    data: Mapped[dict[str, Any]]


Project = Callable[[AsyncSession, Sequence[Fact]], Awaitable[None]]
"""Applies facts, in order, to a room's own tables, inside the transaction that stores them."""


class FactStore:
    """Fulfils `core.journal.Store` with a database."""

    def __init__(self, database: Database, projections: Sequence[Project] = ()) -> None:
        self._database = database
        self._projections = tuple(projections)

    async def store(self, facts: Sequence[Fact]) -> Mapping[str, str]:
        """Store facts that are not there yet and project them; see `core.journal.Store`."""
        try:
            await self._in_one(facts, self._project_together)
        except Exception as error:
            if not is_wrong_data(error):
                raise
        else:
            return {}
        # One fact that cannot be stored or projected must not stop all that follow: find it, fact by fact.
        refused: dict[str, str] = {}
        for fact in facts:
            try:
                await self._in_one([fact], self._project_apart)
            except Exception as error:
                if not is_wrong_data(error):
                    raise
                refused[fact.id] = str(error)
        return refused

    async def _in_one(
        self, batch: Sequence[Fact], project: Callable[[AsyncSession, Sequence[Fact]], Awaitable[None]]
    ) -> None:
        async with self._database.session() as session:
            known = set(await session.scalars(select(FactRow.id).where(FactRow.id.in_([fact.id for fact in batch]))))
            # By id: a fact that two journal files hold is one; twice in a batch it would block all that follow.
            fresh = list({fact.id: fact for fact in batch if fact.id not in known}.values())
            if fresh:
                await session.execute(insert(FactRow), [_row(fact) for fact in fresh])
                await project(session, fresh)

    async def _project_together(self, session: AsyncSession, facts: Sequence[Fact]) -> None:
        for project in self._projections:
            await project(session, facts)

    async def _project_apart(self, session: AsyncSession, facts: Sequence[Fact]) -> None:
        for project in self._projections:
            try:
                async with session.begin_nested():
                    await project(session, facts)
            except Exception as error:
                if not is_wrong_data(error):
                    raise
                # The fact itself stays in its table: what is projected from it can be made again.
                _log.exception("fact could not be projected", fact_id=facts[0].id, kind=facts[0].kind)


def _row(fact: Fact) -> dict[str, Any]:
    return {
        "id": fact.id,
        "at": fact.at,
        "kind": fact.kind,
        "interaction_id": fact.interaction_id,
        "agent_id": fact.agent_id,
        "data": dict(fact.data),
    }


async def facts_since(database: Database, at: float) -> list[Fact]:
    """The facts in the database since `at` (epoch seconds), in the order in which they were told."""
    columns = (FactRow.at, FactRow.kind, FactRow.interaction_id, FactRow.agent_id, FactRow.data, FactRow.id)
    async with database.reading() as session:
        return [
            Fact(*row) for row in await session.execute(select(*columns).where(FactRow.at >= at).order_by(FactRow.id))
        ]


async def facts_of_open(database: Database, begun: str, over: Collection[str], before: float) -> list[Fact]:
    """All facts of the interactions in which `begun` was told before then (epoch seconds) and none of `over` at all."""
    end = aliased(FactRow)
    ended = exists().where(end.interaction_id == FactRow.interaction_id, end.kind.in_(over))
    open_ones = select(FactRow.interaction_id).where(FactRow.kind == begun, FactRow.at < before, ~ended)
    columns = (FactRow.at, FactRow.kind, FactRow.interaction_id, FactRow.agent_id, FactRow.data, FactRow.id)
    query = select(*columns).where(FactRow.interaction_id.in_(open_ones)).order_by(FactRow.id)
    async with database.reading() as session:
        return [Fact(*row) for row in await session.execute(query)]
