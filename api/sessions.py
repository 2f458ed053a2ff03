"""Server-side sessions: who is signed in, for how long, and how it ends everywhere at once.

A session comes due after its longest time or when it has been idle; one in mid-call then ends with the wrap-up.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from api.errors import DATABASE_ERRORS
from api.model import User, UserSession
from api.overtime import Overtime
from core.bus import Bus, Message
from core.clock import Clock, utc
from core.db import Database
from core.errors import OneCallError, SignInNeeded
from core.ids import new_id
from core.log import get_logger
from core.security import new_token, token_digest

TOPIC = "session"
"""Bus topic: `{session_ids: [...]}` that have ended, or `{user_id}` whose roles or state changed."""
LONGEST_OVERTIME = timedelta(days=1)
"""How long a session that has come due, and the cookie of it, are kept for a call that goes on."""
_CACHE_SECONDS = 3.0
_TOUCH_SECONDS = 60.0
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes this request. `overtime`: the session has come due, and lasts for the call at hand."""

    session_id: str
    user_id: str
    login: str
    name: str
    roles: frozenset[str]
    agent_id: str | None
    language: str
    csrf: str
    expires: datetime
    overtime: bool = False


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    read_at: float
    idle_from: float


class Sessions:
    """Opens, finds and ends sessions. Found ones are remembered for 3 s; the bus tells all processes of an end."""

    def __init__(
        self, database: Database, bus: Bus, clock: Clock, *, session_hours: float, idle_minutes: float
    ) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock
        self._longest = timedelta(hours=session_hours)
        self._idle = idle_minutes * 60
        self._overtime = Overtime(bus)
        self._known: dict[str, _Known] = {}
        self._used: dict[str, float] = {}
        self._unwritten: set[str] = set()
        self._writing: asyncio.Task[None] | None = None

    async def stop(self) -> None:
        """Write down which sessions were in use, as far as the database takes it."""
        if self._writing is not None:
            await self._writing

    async def open(self, session: AsyncSession, user: User, address: str) -> tuple[str, Caller]:
        """A new session for `user`: the cookie's token, and the caller."""
        token, now = new_token(), utc(self._clock.now())
        row = UserSession(
            id=new_id(),
            token_hash=token_digest(token),
            user_id=user.id,
            csrf=new_token(),
            created=now,
            expires=now + self._longest,
            last_seen=now,
            address=address[:64],
        )
        session.add(row)
        await session.execute(delete(UserSession).where(UserSession.expires < now - LONGEST_OVERTIME))
        return token, _caller(user, row)

    async def caller(self, token: str | None) -> Caller:
        """Whose token this is. Raises SignInNeeded when it is nobody's, or the session has ended."""
        if not token:
            raise _nobody()
        digest, now = token_digest(token), self._clock.now()
        known = self._known.get(digest)
        if known is None or now - known.read_at >= _CACHE_SECONDS:
            known = await self._read(digest, now)
        return await self._unless_ended(known.caller, known.idle_from, now)

    async def still(self, caller: Caller) -> Caller:
        """The same session read anew, and marked as in use. Raises SignInNeeded when it has ended."""
        now = self._clock.now()
        row, user = await self._find(UserSession.id == caller.session_id)
        return await self._unless_ended(_caller(user, row), self._touch(row, now), now)

    async def _unless_ended(self, caller: Caller, idle_from: float, now: float) -> Caller:
        if now < caller.expires.timestamp() and now - idle_from <= self._idle:
            return caller
        if await self._overtime.given(caller.session_id, caller.agent_id):
            return replace(caller, overtime=True)
        raise _nobody()

    async def end(self, session_ids: Collection[str]) -> None:
        """End these sessions, everywhere."""
        async with self._database.session() as session:
            await session.execute(delete(UserSession).where(UserSession.id.in_(session_ids)))
        await self.announce_end(session_ids)

    async def end_all(self, user_id: str, *, but: str | None = None) -> None:
        """End all sessions of a user (except the session `but`)."""
        async with self._database.session() as session:
            mine = select(UserSession.id).where(UserSession.user_id == user_id, UserSession.id != (but or ""))
            ids = list(await session.scalars(mine))
            await session.execute(delete(UserSession).where(UserSession.id.in_(ids)))
        await self.announce_end(ids)

    async def announce_end(self, session_ids: Collection[str]) -> None:
        """Tell every process that these sessions are gone (their rows are deleted already)."""
        self.forget(session_ids=session_ids)
        if session_ids:
            await self._publish({"session_ids": list(session_ids)})

    async def announce_change(self, user_id: str) -> None:
        """Tell every process that the user's roles or state changed."""
        self.forget(user_id=user_id)
        await self._publish({"user_id": user_id})

    async def _publish(self, message: Message) -> None:
        """What is told here is done already, so that a bus that is away must not make the request fail.

        Other processes read a session anew after 3 s, sockets at their next beat.
        """
        try:
            await self._bus.publish(TOPIC, message)
        except OneCallError as error:
            _log.warning("a change of sessions could not be published", error=str(error), **message)

    def hear(self, message: Message) -> None:
        """Another process ended or changed something (a message of `TOPIC`)."""
        self.forget(session_ids=message.get("session_ids", ()), user_id=message.get("user_id"))

    def forget(self, *, session_ids: Collection[str] = (), user_id: str | None = None) -> None:
        """Read these anew when they are next asked for."""
        self._known = {
            digest: known
            for digest, known in self._known.items()
            if known.caller.session_id not in session_ids and known.caller.user_id != user_id
        }

    async def _read(self, digest: str, now: float) -> _Known:
        self._known = {key: known for key, known in self._known.items() if now - known.read_at < _CACHE_SECONDS}
        row, user = await self._find(UserSession.token_hash == digest)
        known = _Known(_caller(user, row), now, self._touch(row, now))
        self._known[digest] = known
        return known

    async def _find(self, which: ColumnElement[bool]) -> tuple[UserSession, User]:
        async with self._database.reading() as session:
            found = await session.execute(select(UserSession, User).join(User).where(which, ~User.disabled))
            pair = found.one_or_none()
        if pair is None:
            raise _nobody()
        return pair[0], pair[1]

    def _touch(self, row: UserSession, now: float) -> float:
        """Note that the session is in use, unless it has been idle too long; since when idleness counts.

        It is written down at most once a minute, and beside: reading must work while the database takes no writing.
        """
        idle_from = max(row.last_seen.timestamp(), self._used.get(row.id, 0.0))
        if now - idle_from > self._idle or now - idle_from < _TOUCH_SECONDS:
            return idle_from
        self._used = {session_id: at for session_id, at in self._used.items() if now - at <= self._idle}
        self._used[row.id] = now
        self._unwritten.add(row.id)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_used())
        return now

    async def _write_used(self) -> None:
        """One writing for all sessions used meanwhile. One that fails is made up for a minute later."""
        while self._unwritten:
            ids, self._unwritten = self._unwritten, set()
            used = update(UserSession).where(UserSession.id.in_(ids)).values(last_seen=utc(self._clock.now()))
            try:
                async with self._database.session() as session:
                    await session.execute(used)
            except (SQLAlchemyError, *DATABASE_ERRORS) as error:
                _log.warning("sessions in use could not be written down", sessions=len(ids), error=str(error))


def _caller(user: User, row: UserSession) -> Caller:
    return Caller(
        session_id=row.id,
        user_id=user.id,
        login=user.login,
        name=user.name,
        roles=frozenset(user.roles),
        agent_id=user.agent_id,
        language=user.language,
        csrf=row.csrf,
        expires=row.expires,
    )


def _nobody() -> SignInNeeded:
    return SignInNeeded("Nobody is signed in, or the session has ended.", "Sign in again.")
