"""The first administrator of an installation without demo accounts, and a new password for one who lost it."""

import asyncio
import re
import secrets
from dataclasses import dataclass

from sqlalchemy import delete, select

from api.model import SignInAttempt, User, UserSession
from core.db import Database
from core.errors import Invalid
from core.ids import new_id
from core.migrate import upgrade
from core.security import hash_password
from onecall.settings import Settings

_LOGIN = re.compile(r"[a-z0-9._@+-]{2,80}")
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
"""Those that nobody mistakes for one another when copying from a screen."""


@dataclass(frozen=True, slots=True)
class Appointed:
    """An administrator who can sign in now; the password is stored nowhere in this form."""

    login: str
    password: str
    created: bool


async def make_administrator(settings: Settings, login: str, name: str | None = None) -> Appointed:
    """Create the user `login` as administrator, or give an existing one a new password, the role and access again.

    Whoever was signed in with that login is signed out. Raises Invalid for a login that nobody could type at sign-in.
    """
    login = login.strip().lower()
    if not _LOGIN.fullmatch(login):
        raise Invalid(f"{login!r} cannot be a login.", "Use 2 to 80 letters, digits and the signs . _ @ + -")
    password = "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(4))
    password_hash = await asyncio.to_thread(hash_password, password)
    await upgrade(settings.database)
    database = Database(settings.database)
    try:
        created = await _store(database, login, name, password_hash)
    finally:
        await database.close()
    return Appointed(login, password, created)


async def _store(database: Database, login: str, name: str | None, password_hash: str) -> bool:
    """Whether the user is new."""
    async with database.session() as session:
        user = await session.scalar(select(User).where(User.login == login))
        created = user is None
        if user is None:
            user = User(id=new_id(), login=login, name=name or login, password_hash="", roles=[], language="it")
            session.add(user)
        user.name = name or user.name
        user.password_hash = password_hash
        user.disabled = False
        user.roles = [*user.roles, *({"administrator"} - set(user.roles))]
        await session.flush()
        await session.execute(delete(UserSession).where(UserSession.user_id == user.id))
        await session.execute(delete(SignInAttempt).where(SignInAttempt.login == login))
        return created
