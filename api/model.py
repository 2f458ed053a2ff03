"""Tables of the front door: who may come in, who is in, who has knocked."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from acd.model import Agent, Team
from core.db import Base, BigId, Utc


class User(Base):
    """A person who signs in. `agent_id` is the seat at the phone, for those who take calls.

    `team_id`: the team that a team leader leads; absent, it is the team of the own seat.
    """

    __tablename__ = "user_account"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    login: Mapped[str] = mapped_column(String(80), unique=True)
    """Stored in lower case; compared so."""
    name: Mapped[str] = mapped_column(String(80))
    password_hash: Mapped[str] = mapped_column(String(255))
    """Argon2id with its parameters."""
    roles: Mapped[list[str]]
    agent_id: Mapped[str | None] = mapped_column(ForeignKey(Agent.id), unique=True)
    team_id: Mapped[str | None] = mapped_column(ForeignKey(Team.id))
    language: Mapped[str] = mapped_column(String(2), default="it")
    disabled: Mapped[bool] = mapped_column(default=False)
    last_sign_in: Mapped[datetime | None] = mapped_column(Utc)


class UserSession(Base):
    """A signed-in browser. The cookie's token is stored only as its SHA-256."""

    __tablename__ = "user_session"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    csrf: Mapped[str] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(Utc)
    expires: Mapped[datetime] = mapped_column(Utc, index=True)
    last_seen: Mapped[datetime] = mapped_column(Utc)
    address: Mapped[str] = mapped_column(String(64))


class SignInAttempt(Base):
    """A sign-in that was tried and has not succeeded; old rows are deleted."""

    __tablename__ = "sign_in_attempt"
    __table_args__ = (Index("ix_sign_in_attempt_login_address", "login", "address", "at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    login: Mapped[str] = mapped_column(String(80))
    address: Mapped[str] = mapped_column(String(64), index=True)
    at: Mapped[datetime] = mapped_column(Utc, index=True)
