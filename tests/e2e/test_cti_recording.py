"""Recordings on a real Asterisk: both sides, pauses, the closing fact, and what goes wrong with them."""

import asyncio
import contextlib
import hashlib
import os
import time
import wave
from pathlib import Path

import pytest

from acd.ports import Target
from core.errors import Conflict
from core.journal import Fact
from phones.audio import RATE, encode, level_at, tone
from tests.e2e.cti_house import AGENT, CALLER, EXPERT, RECORDING_IVR, CtiHouse
from tests.e2e.harness.fixtures import MakeAsterisk
from tests.e2e.harness.server import TestAsterisk
from tests.patience import PATIENCE


def closings(house: CtiHouse, interaction_id: str) -> list[Fact]:
    """All that was told so far of the end of that recording; earlier tests' recordings are in the folder too."""
    facts = [fact for fact in house.book.facts if fact.kind == "recording.closed"]
    return [fact for fact in facts if fact.interaction_id == interaction_id]


async def closed(house: CtiHouse, interaction_id: str, count: int = 1) -> Fact:
    """The newest closing fact of that recording, once there are so many."""
    await house.book.until(lambda: len(closings(house, interaction_id)) >= count)
    return closings(house, interaction_id)[-1]


async def until_let_go(asterisk: TestAsterisk, interaction_id: str) -> None:
    """Wait until Asterisk has no file of that recording open any more: its last write is done."""
    files = Path(f"/proc/{asterisk.instance.pid}/fd")

    def is_open(file: Path) -> bool:
        with contextlib.suppress(OSError):
            return interaction_id in os.readlink(file)
        return False

    async with asyncio.timeout(PATIENCE):
        while any(is_open(file) for file in files.iterdir()):
            await asyncio.sleep(0.02)


def sound(path: Path) -> bytes:
    """The recording in the phones' own form."""
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        samples = memoryview(file.readframes(file.getnframes())).cast("h")
        return encode(list(samples))


def strongest(heard: bytes, hertz: float) -> float:
    """The highest level of that tone in any half second."""
    step = RATE // 2
    return max(level_at(heard[at : at + step], hertz) for at in range(0, max(1, len(heard) - step), step))


async def test_a_recording_holds_every_party_and_is_closed_with_its_hash(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk, RECORDING_IVR) as house:
        phone, expert_phone = await house.agent(0), await house.agent(1)
        call, interaction_id = await house.caller()
        leg = await house.talk(interaction_id, phone)
        await call.media.hear_tone(AGENT, 1.0)
        view = house.book.all("call_changed")[-1].values[0]
        assert (view.recording.on, view.recording.paused, view.recording.problem) == (True, False, None)
        await house.bridge.consult(interaction_id, "a-2001", Target("agent", "a-2002"), "2002")
        expert = await expert_phone.next_call()
        await expert.answer()
        expert.media.loop_sound(tone(EXPERT))
        await leg.media.wait_for_tone(EXPERT)
        await house.bridge.consult_complete(interaction_id, "a-2001")
        await call.media.hear_tone(EXPERT, 1.0)
        await call.hang_up()
        fact = await closed(house, interaction_id)
        path = house.settings.recordings / fact.data["path"]
        assert fact.interaction_id == interaction_id
        assert path.stem == interaction_id
        assert fact.data["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert fact.data["bytes"] == path.stat().st_size
        assert fact.data["seconds"] == pytest.approx((fact.data["bytes"] - 44) / 16000, abs=0.01)
        assert (fact.data["pauses"], fact.data["problem"]) == ([], None)
        whole = sound(path)
        for hertz in (CALLER, AGENT, EXPERT):
            assert strongest(whole, hertz) > 1500, hertz
        caller_side, heard_side = (sound(path.with_name(f"{path.stem}-{part}.wav")) for part in ("caller", "heard"))
        assert strongest(caller_side, CALLER) > 1500
        assert strongest(caller_side, EXPERT) < 1000
        assert strongest(heard_side, EXPERT) > 1500
        assert strongest(heard_side, CALLER) < 1000


async def test_a_pause_is_silent_in_the_recording_keeps_the_time_line_and_is_told(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk, RECORDING_IVR) as house:
        phone = await house.agent()
        call, interaction_id = await house.caller()
        await house.talk(interaction_id, phone)
        await call.media.wait_for_tone(AGENT)
        asked = time.monotonic()
        await house.bridge.record_pause(interaction_id, True)
        await house.book.until(lambda: house.book.all("call_changed")[-1].values[0].recording.paused)
        paused = time.monotonic()
        await call.media.hear_tone(AGENT, 1.5)
        shortest = time.monotonic() - paused
        await house.bridge.record_pause(interaction_id, False)
        await house.book.until(lambda: not house.book.all("call_changed")[-1].values[0].recording.paused)
        longest = time.monotonic() - asked
        await call.media.hear_tone(AGENT, 1.0)
        await call.hang_up()
        fact = await closed(house, interaction_id)
        ((begin, end),) = fact.data["pauses"]
        assert shortest - 0.01 < end - begin < longest + 0.01
        whole = sound(house.settings.recordings / fact.data["path"])
        step = RATE // 10
        levels = [level_at(whole[at : at + step], AGENT) for at in range(0, len(whole) - step, step)]
        loud = [number for number, level in enumerate(levels) if level > 1500]
        silent = sum(level < 50 for level in levels[loud[0] : loud[-1]]) * step / RATE
        assert silent == pytest.approx(end - begin, rel=0.4)


async def test_a_pause_survives_the_death_of_the_bridge(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk, RECORDING_IVR) as house:
        phone = await house.agent()
        call, interaction_id = await house.caller()
        await house.talk(interaction_id, phone)
        await house.bridge.record_pause(interaction_id, True)
        await house.stop_bridge()
        state = await house.start_bridge()
        assert state.talking[0].view.recording.paused
        await house.bridge.record_pause(interaction_id, False)
        await call.media.wait_for_tone(AGENT)
        await call.hang_up()
        fact = await closed(house, interaction_id)
        assert len(fact.data["pauses"]) == 1


async def test_a_call_that_is_not_recorded_cannot_be_paused(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk) as house:
        phone = await house.agent()
        _, interaction_id = await house.caller()
        await house.talk(interaction_id, phone)
        with pytest.raises(Conflict):
            await house.bridge.record_pause(interaction_id, True)


async def test_a_recording_of_a_call_that_ended_without_us_is_closed_at_the_next_start(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk, RECORDING_IVR) as house:
        call, interaction_id = await house.caller()
        await call.media.wait_for_sound(seconds=1.0)
        await house.stop_bridge()
        await call.hang_up()
        (path,) = house.settings.recordings.glob(f"*/*/*/{interaction_id}.wav")
        await until_let_go(asterisk, interaction_id)
        then = path.stat().st_mtime - 120
        os.utime(path, (then, then))
        await house.start_bridge()
        fact = await closed(house, interaction_id)
        assert (fact.interaction_id, fact.data["problem"]) == (interaction_id, None)
        await house.stop_bridge()
        mark = path.with_suffix(".closed")
        async with asyncio.timeout(PATIENCE):
            while not mark.exists():
                await asyncio.sleep(0.02)
        mark.unlink()
        await house.start_bridge()
        assert (await closed(house, interaction_id, 2)).id == fact.id
        async with asyncio.timeout(PATIENCE):
            while not mark.exists():
                await asyncio.sleep(0.02)
        await house.stop_bridge()
        await house.start_bridge()
        await house.caller()
        assert len(closings(house, interaction_id)) == 2


async def test_a_recording_that_asterisk_could_not_finish_is_made_playable_and_told(asterisk: TestAsterisk) -> None:
    folder = asterisk.settings.recordings / "2026/11/20"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "01k0000000000000000000cut1.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"\1\0" * RATE)
    with path.open("r+b") as file:
        file.seek(40)
        file.write(bytes(4))
    os.utime(path, (1, 1))
    async with CtiHouse(asterisk) as house:
        fact = await closed(house, path.stem)
        assert (fact.interaction_id, fact.data["problem"], fact.data["seconds"]) == (path.stem, "cut_off", 1.0)
        with wave.open(str(path)) as file:
            assert file.getnframes() == RATE
        raised = await house.book.next("alarm")
        assert raised.values == ("recording_failing", "major", raised.values[2], True)


async def test_too_little_free_disk_is_an_alarm_and_the_call_goes_on(asterisk: TestAsterisk) -> None:
    async with CtiHouse(asterisk, RECORDING_IVR, minimum_free_bytes=10**18) as house:
        raised = await house.book.next("alarm")
        assert raised.values[:2] == ("recording_disk", "critical")
        assert raised.values[3] is True
        assert int(raised.values[2]["free_mb"]) > 0
        phone = await house.agent()
        call, interaction_id = await house.caller()
        await house.talk(interaction_id, phone)
        await call.media.wait_for_tone(AGENT)


async def test_recordings_that_cannot_be_written_cost_no_call_and_are_told(make_asterisk: MakeAsterisk) -> None:
    asterisk = await make_asterisk()
    asterisk.settings.recordings.rmdir()
    asterisk.settings.recordings.write_text("a file where the folder should be")
    async with CtiHouse(asterisk, RECORDING_IVR, recording_check=0.2) as house:
        phone = await house.agent()
        call, interaction_id = await house.caller()
        await house.talk(interaction_id, phone)
        await call.media.wait_for_tone(AGENT)
        raised = await house.book.next("alarm", lambda told: told.values[0] == "recording_failing")
        assert raised.values[2]["problem"] == "missing"
        await house.book.until(lambda: house.book.all("call_changed")[-1].values[0].recording.problem == "missing")
        await call.media.wait_for_tone(AGENT)
        await call.hang_up()
        fact = await closed(house, interaction_id)
        assert fact.data["problem"] in ("missing", "unreadable")
