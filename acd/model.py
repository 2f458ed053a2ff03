"""What an operation is made of: programmes, queues, skills, agents. Changed by administrators while calls run."""

from typing import Any

from sqlalchemy import ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Base


class Programme(Base):
    """One client company's service: its own numbers, queues, hours, categories, targets and figures."""

    __tablename__ = "programme"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    region: Mapped[str] = mapped_column(String(2), default="IT")
    """Country in which a number without prefix is read (ISO 3166)."""
    time_zone: Mapped[str] = mapped_column(String(40), default="Europe/Rome")
    language: Mapped[str] = mapped_column(String(2), default="it")
    recall_hours: Mapped[int] = mapped_column(Integer, default=72)
    routing: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Priorities and overflow (`acd.profiles.ProgrammeRouting`)."""


class Queue(Base):
    """A line of callers. `plan` is the routing plan (acd.plans reads and checks it); the rest are plain settings."""

    __tablename__ = "queue"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    programme_id: Mapped[str] = mapped_column(ForeignKey("programme.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    target_share: Mapped[float] = mapped_column(default=0.8)
    target_seconds: Mapped[float] = mapped_column(default=20.0)
    target_abandonment: Mapped[float] = mapped_column(default=0.03)
    short_abandon_seconds: Mapped[float] = mapped_column(default=5.0)
    plan: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Skill(Base):
    """Something an agent can do: a word used in requirements (`portability>=3`)."""

    __tablename__ = "skill"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))


class Team(Base):
    """Agents led by one team leader."""

    __tablename__ = "team"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))


class Agent(Base):
    """A seat at the phone: a person's profile for routing, and the phone it rings."""

    __tablename__ = "agent"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    team_id: Mapped[str | None] = mapped_column(ForeignKey("team.id"), index=True)
    extension: Mapped[str] = mapped_column(String(10), unique=True)
    phone_kind: Mapped[str] = mapped_column(String(8), default="browser")
    """`browser` (WebRTC) or `sip` (desk phone)."""
    phone_secret: Mapped[str] = mapped_column(String(64))
    disabled: Mapped[bool] = mapped_column(default=False)
    routing: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Languages, segments, channels and the like (`acd.profiles.AgentRouting`)."""
    skills: Mapped[list["AgentSkill"]] = relationship(cascade="all, delete-orphan", lazy="selectin")
    queues: Mapped[list["AgentQueue"]] = relationship(cascade="all, delete-orphan", lazy="selectin")


class AgentSkill(Base):
    """How well an agent masters a skill: 1 (just) to 10 (best)."""

    __tablename__ = "agent_skill"

    agent_id: Mapped[str] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"), primary_key=True)
    skill_id: Mapped[str] = mapped_column(ForeignKey("skill.id"), primary_key=True)
    level: Mapped[int] = mapped_column(Integer)


class AgentQueue(Base):
    """An agent serves a queue."""

    __tablename__ = "agent_queue"

    agent_id: Mapped[str] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"), primary_key=True)
    queue_id: Mapped[str] = mapped_column(ForeignKey("queue.id", ondelete="CASCADE"), primary_key=True)


class Rules(Base):
    """The operation's routing rules, one row (`acd.profiles.RoutingRules`); without it, the defaults hold."""

    __tablename__ = "routing_rules"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)


class NotReadyReason(Base):
    """Why an agent is not ready. What the system itself gives (`rona`, `phone_lost`, ...) no agent can choose."""

    __tablename__ = "not_ready_reason"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name_it: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(80))
    chosen_by_agent: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(Integer, default=0)
