"""Metrics and health of a routing process, which has no web."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.db import Database
from core.errors import Unavailable
from onecall.metrics import serving_metrics
from onecall.settings import Settings
from tests.ports import free_ports


@pytest.fixture
async def database(migrated_sqlite: Path) -> AsyncIterator[Database]:
    made = Database(f"sqlite+aiosqlite:///{migrated_sqlite}")
    yield made
    await made.close()


async def get(settings: Settings, page: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.get(f"http://127.0.0.1:{settings.metrics_port}/{page}", headers=headers, timeout=20)


async def test_health_is_that_of_asterisk_and_the_database(database: Database) -> None:
    settings, told = Settings(metrics_port=free_ports(1)[0]), {"asterisk": True, "alarms": ["recording_disk"]}
    async with serving_metrics(settings, lambda: told, database):
        good = await get(settings, "health")
        told["asterisk"] = False
        bad = await get(settings, "health")
    assert (good.status_code, good.json()) == (200, {"asterisk": True, "alarms": ["recording_disk"], "database": True})
    assert bad.status_code == 503


async def test_a_database_that_does_not_answer_is_told(tmp_path: Path) -> None:
    settings, away = Settings(metrics_port=free_ports(1)[0]), Database(f"sqlite+aiosqlite:///{tmp_path}/absent/x.db")
    async with serving_metrics(settings, lambda: {"asterisk": True, "alarms": []}, away):
        answer = await get(settings, "health")
    assert answer.status_code == 503
    assert "unable to open database file" in answer.json()["problem"]
    await away.close()


async def test_a_process_that_hangs_is_seen_to_hang(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onecall.metrics._PATIENCE", 0.2)

    async def never() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(database, "ping", never)
    settings = Settings(metrics_port=free_ports(1)[0])
    async with serving_metrics(settings, lambda: {"asterisk": True, "alarms": []}, database):
        answer = await get(settings, "health")
    assert answer.status_code == 503
    assert answer.json()["problem"].startswith("no answer within")


async def test_metrics_want_the_token_where_one_is_set(database: Database) -> None:
    given: dict[str, Any] = {"metrics_port": free_ports(1)[0], "metrics_token": "a-token"}
    settings = Settings.model_validate(given)
    async with serving_metrics(settings, dict, database):
        assert (await get(settings, "metrics")).status_code == 403
        told = await get(settings, "metrics", Authorization="Bearer a-token")
        assert (await get(settings, "else")).status_code == 404
    assert told.status_code == 200
    assert "onecall_journal_drained_facts_total" in told.text


async def test_a_taken_port_is_told_with_its_setting(database: Database) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings = Settings(metrics_port=other.getsockname()[1])
        with pytest.raises(Unavailable, match="ONECALL_METRICS_PORT"):
            async with serving_metrics(settings, dict, database):
                pass
