"""Sign-in: the same work for known and unknown users, few tries, a new session each time."""

import asyncio
import ipaddress
import math
from datetime import timedelta

from sqlalchemy import delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.errors import TooMany
from api.model import SignInAttempt, User, UserSession
from api.sessions import Caller, Sessions
from core.clock import Clock, utc
from core.db import Database
from core.errors import Invalid, SignInNeeded
from core.log import get_logger
from core.metrics import Counter
from core.security import check_password, hash_password, new_token, token_digest

TRIES = 5
"""Failed sign-ins for one login from one address before a pause."""
ADDRESS_TRIES = 60
"""Failed sign-ins from one address, whatever the login: a whole office may share one address."""
WINDOW_SECONDS = 600.0
"""How far back failures count, and so the longest pause."""
_log = get_logger(__name__)
_results = Counter("onecall_sign_ins_total", "Sign-ins by result", ["result"])


def place_of(address: str) -> str:
    """What failures are counted by: the address; of IPv6 the network of 64 bits, which one subscriber has whole."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ipaddress.ip_network((known, 64), strict=False))


class SignIn:
    """Checks passwords, at most two at a time (Argon2id needs 64 MB each), and opens sessions."""

    def __init__(self, database: Database, clock: Clock, sessions: Sessions) -> None:
        self._database = database
        self._clock = clock
        self._sessions = sessions
        self._hashing = asyncio.Semaphore(2)
        self._nobodys_hash = hash_password(new_token())

    async def sign_in(self, login: str, password: str, address: str, old_token: str | None) -> tuple[str, Caller]:
        """The new session's token and its caller; the browser's former session ends.

        Raises SignInNeeded for a wrong login or password (the same error for both) and TooMany after too many.
        """
        login = login.strip().lower()[:80]
        user, attempt_id = await self._note_attempt(login, address)
        stored = user.password_hash if user is not None else self._nobodys_hash
        right = await self._is_password(stored, password)
        if user is None or not right or user.disabled:
            _results.labels("refused").inc()
            _log.warning("sign-in refused", login=login, address=address)
            raise SignInNeeded(
                "Login or password is wrong.", "Check both; capital letters count in the password.", code="wrong"
            )
        opened, ended = await self._open(user, attempt_id, address, old_token)
        await self._sessions.announce_end(ended)
        _results.labels("accepted").inc()
        _log.info("signed in", login=login, address=address)
        return opened

    async def change_password(self, caller: Caller, current: str, new: str, address: str) -> tuple[str, Caller]:
        """Set a new password, end all sessions of the user and open a new one. Raises Invalid or TooMany."""
        user, attempt_id = await self._note_attempt(caller.login, address)
        if user is None or not await self._is_password(user.password_hash, current):
            raise Invalid("The current password is wrong.", "Type the password you signed in with.", code="wrong")
        async with self._hashing:
            fresh = await asyncio.to_thread(hash_password, new)
        async with self._database.session() as session:
            stored = await session.get_one(User, user.id)
            stored.password_hash = fresh
        await self._sessions.end_all(user.id)
        opened, _ = await self._open(user, attempt_id, address, None)
        return opened

    async def _is_password(self, stored: str, password: str) -> bool:
        async with self._hashing:
            return await asyncio.to_thread(check_password, stored, password)

    async def _note_attempt(self, login: str, address: str) -> tuple[User | None, int]:
        """Count this try before the slow check, so that many at once cannot slip through."""
        now, address = utc(self._clock.now()), place_of(address)
        async with self._database.session() as session:
            if session.get_bind().dialect.name == "postgresql":
                # Tries from one place take turns here, or each would count before the others are committed.
                await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:at, 0))"), {"at": address})
            await session.execute(
                delete(SignInAttempt).where(SignInAttempt.at < now - timedelta(seconds=WINDOW_SECONDS))
            )
            await self._refuse_too_many(session, login, address)
            attempt = SignInAttempt(login=login, address=address, at=now)
            session.add(attempt)
            user = await session.scalar(select(User).where(User.login == login))
            await session.flush()
            return user, attempt.id

    async def _refuse_too_many(self, session: AsyncSession, login: str, address: str) -> None:
        here = SignInAttempt.address == address
        for limit, which in ((TRIES, here & (SignInAttempt.login == login)), (ADDRESS_TRIES, here)):
            count, oldest = (await session.execute(select(func.count(), func.min(SignInAttempt.at)).where(which))).one()
            if count < limit:
                continue
            _results.labels("too_many").inc()
            since = oldest.timestamp() if oldest is not None else self._clock.now()
            seconds = max(1, math.ceil(since + WINDOW_SECONDS - self._clock.now()))
            raise TooMany(
                f"Too many failed sign-ins from this address ({count} in {WINDOW_SECONDS / 60:.0f} minutes).",
                f"Wait {math.ceil(seconds / 60)} minutes and try again, or ask an administrator for a new password.",
                values={"seconds": seconds, "minutes": math.ceil(seconds / 60)},
            )

    async def _open(
        self, user: User, attempt_id: int, address: str, old_token: str | None
    ) -> tuple[tuple[str, Caller], list[str]]:
        async with self._database.session() as session:
            stored = await session.get_one(User, user.id)
            stored.last_sign_in = utc(self._clock.now())
            await session.execute(
                delete(SignInAttempt).where(
                    (SignInAttempt.login == user.login) & (SignInAttempt.address == place_of(address))
                    | (SignInAttempt.id == attempt_id)
                )
            )
            ended: list[str] = []
            if old_token:
                old = UserSession.token_hash == token_digest(old_token)
                ended = list(await session.scalars(select(UserSession.id).where(old)))
                await session.execute(delete(UserSession).where(old))
            return await self._sessions.open(session, stored, address), ended
