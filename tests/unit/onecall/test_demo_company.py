"""The demo company's accounts: whoever finds an account finds its password."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from api.model import User
from core.db import Database
from core.errors import Invalid
from core.migrate import upgrade
from onecall import demo
from onecall.robots import check_demo
from onecall.settings import Settings


async def test_a_cut_while_seeding_leaves_no_account_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, file = f"sqlite+aiosqlite:///{tmp_path / 'onecall.db'}", tmp_path / "demo-accounts.json"
    await upgrade(url)
    database = Database(url)
    filled = demo._fill
    monkeypatch.setattr(demo, "hash_password", lambda password: f"hash of {password}")

    async def cut_after(database: Database, passwords: dict[str, str]) -> None:
        await filled(database, passwords)
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "_fill", cut_after)
    with pytest.raises(KeyboardInterrupt):
        await demo.seed(database, file)
    monkeypatch.setattr(demo, "_fill", filled)
    passwords = await demo.seed(database, file)
    async with database.reading() as session:
        users = list(await session.scalars(select(User)))
    await database.close()
    assert {user.login for user in users} == set(passwords) == set(json.loads(file.read_text()))
    assert all(user.password_hash == f"hash of {passwords[user.login]}" for user in users)
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"demo": False}, "ONECALL_DEMO is false"),
        ({"trunk_addresses": "203.0.113.10"}, "not among ONECALL_TRUNK_ADDRESSES=203.0.113.10. Add 127.0.1.1 there"),
    ],
)
def test_settings_under_which_nothing_would_move_are_refused(changes: dict[str, object], told: str) -> None:
    with pytest.raises(Invalid, match=told.replace(".", r"\.")):
        check_demo(Settings.model_validate(changes))
    check_demo(Settings(trunk_addresses="203.0.113.0/24, 127.0.1.0/24"))
