"""The spool: every wish becomes a ticket once; what cannot be read is set aside with the reason; nothing is lost."""

import asyncio
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from core.errors import Invalid, Unavailable
from ivr.spool import Record, Spool
from tests.patience import PATIENCE


class Taker:
    """Remembers what it took; fails as told."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.error: Exception | None = None
        self.news = asyncio.Event()

    async def __call__(self, record: Record) -> None:
        if self.error is not None:
            raise self.error
        self.taken.append(dict(record))
        self.news.set()


@pytest.fixture
def taker() -> Taker:
    return Taker()


@pytest.fixture
def spool(tmp_path: Path, taker: Taker) -> Spool:
    return Spool(tmp_path / "spool", taker)


def names(spool: Spool) -> list[str]:
    return sorted(str(path.relative_to(spool.folder)) for path in spool.folder.rglob("*") if path.is_file())


async def test_a_record_is_taken_once_and_leaves_the_folder(spool: Spool, taker: Taker) -> None:
    await spool.put("w-1", {"id": "w-1", "text": "più"})
    assert names(spool) == ["w-1.json"]
    assert await spool.take_all() == 1
    assert await spool.take_all() == 0
    assert taker.taken == [{"id": "w-1", "text": "più"}]
    assert names(spool) == []


async def test_a_record_stays_while_its_taker_is_away(spool: Spool, taker: Taker) -> None:
    taker.error = Unavailable("The database is away.")
    await spool.put("w-1", {"id": "w-1"})
    assert await spool.take_all() == 0
    assert names(spool) == ["w-1.json"]
    taker.error = None
    assert await spool.take_all() == 1


async def test_one_record_that_must_wait_does_not_hold_up_the_others(tmp_path: Path) -> None:
    taken = []

    async def take(record: Record) -> None:
        if record["id"] == "a":
            raise RuntimeError("locked")
        taken.append(record["id"])

    spool = Spool(tmp_path / "spool", take)
    for name in "abc":
        await spool.put(name, {"id": name})
    assert await spool.take_all() == 2
    assert taken == ["b", "c"]


@pytest.mark.parametrize("error", [Invalid("no number"), ValueError("x"), KeyError("id"), TypeError("y")])
async def test_a_record_that_can_never_be_taken_is_set_aside_with_the_reason(
    spool: Spool, taker: Taker, error: Exception
) -> None:
    taker.error = error
    await spool.put("w-1", {"id": "w-1"})
    await spool.take_all()
    assert names(spool) == ["bad/w-1.json", "bad/w-1.json.reason"]
    assert type(error).__name__ in (spool.folder / "bad" / "w-1.json.reason").read_text()


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 60_000, b'{"a": "' + b"x" * 70_000 + b'"}', b"null"]
)
async def test_a_file_that_is_no_record_is_set_aside(spool: Spool, taker: Taker, data: bytes) -> None:
    (spool.folder / "x.json").write_bytes(data)
    await spool.take_all()
    assert taker.taken == []
    assert names(spool) == ["bad/x.json", "bad/x.json.reason"]
    assert (spool.folder / "bad" / "x.json").read_bytes() == data


async def test_two_bad_files_of_one_name_are_both_kept(spool: Spool) -> None:
    for _ in range(2):
        (spool.folder / "x.json").write_bytes(b"{")
        await spool.take_all()
    assert len([name for name in names(spool) if name.endswith(".json")]) == 2


async def test_a_half_written_file_is_not_touched_until_its_writer_must_be_dead(spool: Spool, taker: Taker) -> None:
    half = spool.folder / ".w-1.77.tmp"
    half.write_text('{"id"')
    await spool.take_all()
    assert half.exists()
    _age(half, 7200)
    await spool.take_all()
    assert names(spool) == ["bad/w-1.77.tmp", "bad/w-1.77.tmp.reason"]
    assert taker.taken == []


async def test_the_first_record_of_a_script_that_died_is_taken_when_it_is_old(spool: Spool, taker: Taker) -> None:
    pending = spool.folder / "1795420800.17.pending"
    pending.write_text(json.dumps({"id": "1795420800.17"}))
    assert await spool.take_all() == 0
    _age(pending, 1000)
    assert await spool.take_all() == 1
    assert names(spool) == []


def _age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "x" * 200])
async def test_an_id_that_could_leave_the_folder_is_refused(spool: Spool, name: str) -> None:
    with pytest.raises(ValueError, match="no record id"):
        await spool.put(name, {})


async def test_a_running_spool_takes_at_once_what_is_put_and_what_was_left_behind(spool: Spool, taker: Taker) -> None:
    await spool.put("earlier", {"id": "earlier"})
    await spool.start(every=3600)
    await asyncio.wait_for(taker.news.wait(), PATIENCE)
    taker.news.clear()
    await spool.put("later", {"id": "later"})
    await asyncio.wait_for(taker.news.wait(), PATIENCE)
    await spool.stop()
    assert [record["id"] for record in taker.taken] == ["earlier", "later"]


async def test_what_a_dead_script_knew_first_never_replaces_the_whole_record(spool: Spool, taker: Taker) -> None:
    pending = spool.folder / "1795420800.17.pending"
    pending.write_text(json.dumps({"id": "1795420800.17", "wish": "missed"}))
    (spool.folder / "1795420800.17.json").write_text(json.dumps({"id": "1795420800.17", "wish": "asked"}))
    _age(pending, 1000)
    taker.error = Unavailable("The database is away.")
    assert await spool.take_all() == 0
    assert names(spool) == ["1795420800.17.json"]
    taker.error = None
    assert await spool.take_all() == 1
    assert taker.taken == [{"id": "1795420800.17", "wish": "asked"}]


async def test_with_the_whole_record_its_first_form_goes_too(spool: Spool, taker: Taker) -> None:
    for ending in ("pending", "json"):
        (spool.folder / f"17.{ending}").write_text('{"id": "17"}')
    assert await spool.take_all() == 1
    assert names(spool) == []


async def test_a_file_that_cannot_be_touched_holds_up_no_other(spool: Spool, taker: Taker) -> None:
    for name in ("a.json", "b.pending", ".c.tmp"):
        (spool.folder / name).symlink_to(spool.folder / name)  # each look at it is an OSError
    await spool.put("d", {"id": "d"})
    assert await spool.take_all() == 1
    assert taker.taken == [{"id": "d"}]


async def test_the_event_loop_goes_on_while_the_disk_is_slow(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, on_disk = asyncio.get_running_loop(), threading.Event()
    monkeypatch.setattr(os, "fsync", lambda file: on_disk.wait(5))
    loop.call_later(0.01, on_disk.set)
    await spool.put("w-1", {"id": "w-1"})
    assert on_disk.is_set()
