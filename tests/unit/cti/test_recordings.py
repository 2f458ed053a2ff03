"""Recordings as files and as text on a channel."""

import asyncio
import hashlib
import struct
import wave
from pathlib import Path

import pytest

from core.clock import utc
from core.journal import Fact
from core.wav import inspect, is_finished
from cti.calls import Recording
from cti.pauses import recording_of, write_pauses
from cti.recording import Recordings, fact_id
from cti.settings import BridgeSettings
from tests.patience import PATIENCE
from tests.unit.cti.replay import SETTINGS, World


def a_recording(path: Path, frames: int = 8000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\1\0" * frames)
    return path


def unfinish(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(40)
        file.write(struct.pack("<I", 0))


def test_a_finished_recording_is_measured_and_hashed(tmp_path: Path) -> None:
    found = inspect(a_recording(tmp_path / "x.wav"))
    assert (found.seconds, found.bytes, found.problem, len(found.sha256)) == (1.0, 16044, None, 64)


def test_a_recording_without_a_length_is_unfinished_until_it_is_repaired(tmp_path: Path) -> None:
    path = a_recording(tmp_path / "x.wav")
    unfinish(path)
    before = path.stat().st_mtime_ns
    assert not is_finished(path)
    assert inspect(path).problem == "cut_off"
    assert is_finished(path)
    assert path.stat().st_mtime_ns == before
    assert inspect(path).problem is None


def test_a_recording_of_44_bytes_is_empty_and_an_absent_one_is_missing(tmp_path: Path) -> None:
    assert inspect(a_recording(tmp_path / "x.wav", 0)).problem == "empty"
    assert inspect(tmp_path / "none.wav").problem == "missing"
    (tmp_path / "short.wav").write_bytes(b"RIFF")
    assert inspect(tmp_path / "short.wav").problem == "empty"


def test_the_fact_that_closes_a_file_has_the_same_id_however_often_it_is_made(tmp_path: Path) -> None:
    path = a_recording(tmp_path / "x.wav")
    first = fact_id(path, "2026/11/23/x")
    unfinish(path)
    inspect(path)
    assert len(first) == 26
    assert fact_id(path, "2026/11/23/y") != first


def test_pauses_survive_on_the_channel() -> None:
    recording = Recording("p", paused_since=30.5, pauses=[(1.0, 2.25), (3.0, 4.0)])
    assert recording_of("p", write_pauses(recording)) == recording
    assert recording_of("p", "nonsense 1-x 5.000-6.000") == Recording("p", pauses=[(5.0, 6.0)])


class Closing:
    """`Recordings` on a folder, with what they told."""

    def __init__(self, folder: Path) -> None:
        settings = BridgeSettings(SETTINGS.manager, folder)
        self.world = World()
        self.world.line.time = 4_000_000_000.0
        self.facts: list[Fact] = []
        self._told = asyncio.Event()
        self.recordings = Recordings(settings, self.world.line, self.world.switch.calls, self.world.tell, self)

    def append(self, fact: Fact) -> None:
        self.facts.append(fact)
        self._told.set()

    async def told(self, count: int) -> list[Fact]:
        async with asyncio.timeout(PATIENCE):
            while len(self.facts) < count:
                self._told.clear()
                await self._told.wait()
        return self.facts


async def test_what_an_earlier_life_left_open_is_closed_but_not_what_is_being_recorded(tmp_path: Path) -> None:
    for name in ("open", "open-caller", "open-heard", "live", "done"):
        a_recording(tmp_path / f"2026/11/23/{name}.wav")
    (tmp_path / "2026/11/23/done.closed").touch()
    closing = Closing(tmp_path)
    closing.recordings.find_unclosed(["2026/11/23/live"])
    (fact,) = await closing.told(1)
    assert (fact.interaction_id, fact.kind, fact.data["path"]) == ("open", "recording.closed", "2026/11/23/open.wav")


async def test_a_path_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    a_recording(tmp_path / "secret.wav")
    closing = Closing(tmp_path / "recordings")
    closing.recordings.ended("i1", "../secret", "")
    closing.recordings.ended("i1", str(tmp_path / "secret"), "")
    a_recording(tmp_path / "recordings/2026/11/23/fine.wav")
    closing.recordings.ended("i2", "2026/11/23/fine", "1.000-2.000")
    (fact,) = await closing.told(1)
    assert (fact.interaction_id, fact.data["pauses"]) == ("i2", [[1.0, 2.0]])
    assert not (tmp_path / "secret.closed").exists()


@pytest.mark.parametrize(("frames", "problem"), [(0, "empty"), (8000, None)])
async def test_one_alarm_is_raised_by_a_bad_recording_and_cleared_by_a_good_one(
    tmp_path: Path, frames: int, problem: str | None
) -> None:
    closing = Closing(tmp_path)
    a_recording(tmp_path / "2026/11/23/a.wav", frames)
    closing.recordings.ended("a", "2026/11/23/a", "")
    await closing.told(1)
    a_recording(tmp_path / "2026/11/23/b.wav")
    closing.recordings.ended("b", "2026/11/23/b", "")
    facts = await closing.told(2)
    assert [fact.data["problem"] for fact in facts] == [problem, None]
    alarms = [values for name, values in closing.world.book.told if name == "alarm"]
    assert [alarm[3] for alarm in alarms] == ([True, False] if problem else [])


async def test_a_good_recording_that_ends_does_not_hide_another_one_that_fails(tmp_path: Path) -> None:
    closing = Closing(tmp_path)
    world = closing.world
    world.event(
        Event="UserEvent", UserEvent="OcAt", Ref="bad", Stage="hold", Uniqueid="c1", OC_RECORDING="2026/11/23/bad"
    )
    for _ in range(2):
        await closing.recordings._look_at_growth()
    a_recording(tmp_path / "2026/11/23/good.wav")
    closing.recordings.ended("good", "2026/11/23/good", "")
    await closing.told(1)
    alarms = [values for name, values in world.book.told if name == "alarm"]
    assert [alarm[3] for alarm in alarms] == [True]
    world.event(Event="UserEvent", UserEvent="OcBye", Ref="bad", Stage="hold", Cause="16", Uniqueid="c1")
    await closing.recordings._look_at_growth()
    alarms = [values for name, values in world.book.told if name == "alarm"]
    assert [alarm[3] for alarm in alarms] == [True, False]


async def test_both_sides_are_hashed_apart(tmp_path: Path) -> None:
    closing = Closing(tmp_path)
    files = [a_recording(tmp_path / f"2026/11/23/a{part}.wav", 100 + len(part)) for part in ("", "-caller", "-heard")]
    closing.recordings.ended("a", "2026/11/23/a", "")
    (fact,) = await closing.told(1)
    whole, caller, heard = (hashlib.sha256(file.read_bytes()).hexdigest() for file in files)
    assert (fact.data["sha256"], fact.data["sides"]) == (whole, {"caller": caller, "heard": heard})


async def test_a_call_backs_recording_left_open_is_closed_under_its_interaction(tmp_path: Path) -> None:
    closing = Closing(tmp_path)
    a_recording(tmp_path / "2026/11/23/server-1.5-cb2.wav")
    closing.recordings.find_unclosed([])
    (fact,) = await closing.told(1)
    assert (fact.interaction_id, fact.data["path"]) == ("server-1.5", "2026/11/23/server-1.5-cb2.wav")


async def test_the_first_look_goes_through_the_whole_archive_and_later_ones_through_recent_days(tmp_path: Path) -> None:
    closing = Closing(tmp_path)
    today = f"{utc(closing.world.line.time):%Y/%m/%d}"
    a_recording(tmp_path / "2001/01/01/old.wav")
    closing.recordings.find_unclosed([])
    await closing.told(1)
    a_recording(tmp_path / "2001/01/01/older.wav")
    a_recording(tmp_path / f"{today}/new.wav")
    closing.recordings.find_unclosed([])
    facts = await closing.told(2)
    assert [fact.interaction_id for fact in facts] == ["old", "new"]
