"""Users: who may sign in, with which roles, at which seat."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Request
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from acd.model import Agent, Team
from api.access import Administrator, sessions_of
from api.changing import changing
from api.model import User
from api.phones import renew_phone
from api.routes.admin.shared import existing, require_known
from api.routes.shared import Deps
from api.schemas.admin import UserChange, UserGiven, UserList, UserTold
from api.schemas.common import Done, Id
from core.errors import Conflict, Invalid
from core.ids import new_id
from core.security import hash_password

router = APIRouter(prefix="/admin/users", tags=["admin"])
UserId = Annotated[Id, Path()]


@router.get("")
async def list_users(caller: Administrator, deps: Deps) -> UserList:
    """All users by login."""
    async with deps.database.reading() as session:
        rows = await session.scalars(select(User).order_by(User.login))
        return UserList(items=[UserTold.model_validate(row) for row in rows])


@router.post("", status_code=201)
async def create_user(given: UserGiven, caller: Administrator, deps: Deps) -> UserTold:
    """A new user."""
    password_hash = await asyncio.to_thread(hash_password, given.password.get_secret_value())
    user = User(id=new_id(), password_hash=password_hash, disabled=False, **given.model_dump(exclude={"password"}))
    async with changing(deps, "users", user.id) as session:
        if await session.scalar(select(User.id).where(User.login == user.login)):
            raise Conflict(f"The login {user.login!r} is taken.", "Choose another login.", values={"field": "login"})
        await _check_seat(session, user.id, user.agent_id, user.roles)
        await _check_team(session, user.team_id, user.roles)
        session.add(user)
    return UserTold.model_validate(user)


@router.patch("/{user_id}")
async def change_user(
    user_id: UserId, given: UserChange, caller: Administrator, deps: Deps, request: Request
) -> UserTold:
    """Change a user; new roles hold at once, a new password or `disabled` signs the user out everywhere."""
    changes = given.model_dump(exclude_unset=True, exclude={"password"})
    _refuse_locking_oneself_out(caller.user_id, user_id, given)
    password = given.password
    fresh = await asyncio.to_thread(hash_password, password.get_secret_value()) if password else None
    async with changing(deps, "users", user_id) as session:
        user = await existing(session, User, user_id, "user")
        for field, value in changes.items():
            if value is None and field not in ("agent_id", "team_id"):
                raise Invalid(f"{field}: may not be empty.", "Leave the field out to keep its value.")
            setattr(user, field, value)
        await _check_seat(session, user.id, user.agent_id, user.roles)
        await _check_team(session, user.team_id, user.roles)
        if fresh is not None:
            user.password_hash = fresh
    sessions = sessions_of(request)
    if fresh is not None or given.disabled:
        await sessions.end_all(user_id, but=caller.session_id)
        await renew_phone(deps, user_id)
    await sessions.announce_change(user_id)
    return UserTold.model_validate(user)


@router.delete("/{user_id}/sessions")
async def sign_out_user(user_id: UserId, caller: Administrator, deps: Deps, request: Request) -> Done:
    """Sign a user out everywhere, and the browser phone with them."""
    async with deps.database.reading() as session:
        await existing(session, User, user_id, "user")
    await sessions_of(request).end_all(user_id)
    await renew_phone(deps, user_id)
    return Done()


async def _check_seat(session: AsyncSession, user_id: str, agent_id: str | None, roles: list[str]) -> None:
    if agent_id is None:
        if "agent" in roles:
            raise Invalid(
                "agent_id: a user with the role `agent` needs a seat at the phone.",
                "Choose the agent, or take the role away.",
                values={"field": "agent_id"},
            )
        return
    await require_known(session, Agent.id, [agent_id], "agent_id")
    with session.no_autoflush:
        taken = await session.scalar(select(User.login).where(User.agent_id == agent_id, User.id != user_id))
    if taken:
        raise Conflict(
            f"agent_id: {agent_id} is the seat of {taken}.", "Choose another agent.", values={"field": "agent_id"}
        )


async def _check_team(session: AsyncSession, team_id: str | None, roles: list[str]) -> None:
    if team_id is None:
        return
    if "team_leader" not in roles:
        raise Invalid(
            "team_id: only a user with the role `team_leader` leads a team.",
            "Give the role, or leave the team out.",
            values={"field": "team_id"},
        )
    with session.no_autoflush:
        await require_known(session, Team.id, [team_id], "team_id")


def _refuse_locking_oneself_out(own_id: str, user_id: str, given: UserChange) -> None:
    if own_id == user_id and (given.disabled or (given.roles is not None and "administrator" not in given.roles)):
        raise Conflict(
            "You cannot take your own administration away.", "Another administrator can do it.", code="own_account"
        )
