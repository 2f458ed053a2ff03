"""The tree of topics and the causes of recalls."""

from collections.abc import Iterable
from typing import TypedDict

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import Invalid
from tickets.model import RecallCause, Topic


class TopicView(TypedDict):
    """A topic in both languages; `parent_id` makes the tree."""

    id: str
    parent_id: str | None
    programme_id: str | None
    name: dict[str, str]
    front_line: bool


class CauseView(TypedDict):
    """A recall cause in both languages."""

    id: str
    name: dict[str, str]


async def topics(session: AsyncSession, programme_id: str | None = None) -> list[TopicView]:
    """Active topics, parents before children; with a programme, its own and those of all programmes."""
    query = select(Topic).where(Topic.active).order_by(Topic.position, Topic.id)
    if programme_id is not None:
        query = query.where((Topic.programme_id == programme_id) | Topic.programme_id.is_(None))
    return [
        {
            "id": topic.id,
            "parent_id": topic.parent_id,
            "programme_id": topic.programme_id,
            "name": {"it": topic.name_it, "en": topic.name_en},
            "front_line": topic.front_line,
        }
        for topic in await session.scalars(query)
    ]


async def causes(session: AsyncSession) -> list[CauseView]:
    """Active recall causes."""
    query = select(RecallCause).where(RecallCause.active).order_by(RecallCause.position, RecallCause.id)
    return [
        {"id": cause.id, "name": {"it": cause.name_it, "en": cause.name_en}} for cause in await session.scalars(query)
    ]


async def topic_names(session: AsyncSession, ids: Iterable[str | None], language: str) -> dict[str, str]:
    """Names of these topics, in Italian or else English."""
    wanted = {topic_id for topic_id in ids if topic_id}
    if not wanted:
        return {}
    name = Topic.name_it if language == "it" else Topic.name_en
    rows = await session.execute(select(Topic.id, name).where(Topic.id.in_(wanted)))
    return dict(rows.all())


async def require_topic(session: AsyncSession, topic_id: str | None, programme_id: str) -> Topic:
    """The topic; Invalid when there is none, or it is not one of this programme."""
    topic = await session.get(Topic, topic_id) if topic_id else None
    if topic is None or not topic.active or topic.programme_id not in (None, programme_id):
        raise Invalid(
            f"The topic {topic_id!r} is not one of this programme.",
            "Choose a topic from the list.",
            code="topic_unknown",
            values={"topic": topic_id},
        )
    return topic


async def require_cause(session: AsyncSession, cause_id: str) -> RecallCause:
    """The recall cause; Invalid when there is none of that id."""
    cause = await session.get(RecallCause, cause_id)
    if cause is None or not cause.active:
        raise Invalid(
            f"The recall cause {cause_id!r} does not exist.",
            "Choose a cause from the list.",
            code="cause_unknown",
            values={"cause": cause_id},
        )
    return cause
