"""Work beside the calls: what fails is named, shown, and tried again; nothing ends silently."""

import asyncio

import pytest

from core.errors import Invalid
from onecall.background import Background, Well

PAUSE = 0.001


class Alarms:
    """What has been raised and cleared, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str | None]] = []
        self.cleared = asyncio.Event()

    def __call__(self, work: str, why: str | None) -> None:
        self.told.append((work, why))
        if why is None:
            self.cleared.set()


async def test_work_that_fails_raises_an_alarm_runs_again_and_clears_it() -> None:
    alarms, tries = Alarms(), 0

    async def work(well: Well) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise OSError(f"failure {tries}")
        well()
        await asyncio.Event().wait()

    background = Background(alarms, first_pause=PAUSE)
    background.keep("tickets", work)
    await alarms.cleared.wait()
    await background.stop()
    assert alarms.told == [("tickets", "failure 1"), ("tickets", "failure 2"), ("tickets", None)]


async def test_work_that_ends_well_is_done_and_says_so_when_it_had_failed() -> None:
    alarms, tries = Alarms(), 0

    async def work(_well: Well) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise Invalid("A plan is wrong.", "Correct it.")

    background = Background(alarms, first_pause=PAUSE)
    background.keep("presence", work)
    await alarms.cleared.wait()
    assert tries == 2
    assert alarms.told[0] == ("presence", "A plan is wrong. Correct it.")
    await background.stop()


async def test_a_failure_without_words_is_told_by_its_kind() -> None:
    alarms, tries = Alarms(), 0

    async def work(_well: Well) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise TimeoutError

    background = Background(alarms, first_pause=PAUSE)
    background.keep("presence", work)
    await alarms.cleared.wait()
    await background.stop()
    assert alarms.told[0] == ("presence", "TimeoutError")


async def test_the_pause_doubles_until_the_work_goes_well(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    enough = asyncio.Event()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 9:
            enough.set()
            await asyncio.Event().wait()

    monkeypatch.setattr("onecall.background.asyncio.sleep", sleep)

    async def work(well: Well) -> None:
        if len(pauses) == 7:
            well()
        raise OSError("away")

    background = Background(lambda *_: None)
    background.keep("floor", work)
    await enough.wait()
    await background.stop()
    assert pauses == [0.5, 1, 2, 4, 8, 10, 10, 0.5, 1]


async def test_what_is_stopped_is_not_taken_for_failed() -> None:
    alarms, begun = Alarms(), asyncio.Event()

    async def work(_well: Well) -> None:
        begun.set()
        await asyncio.Event().wait()

    background = Background(alarms)
    background.keep("floor", work)
    await begun.wait()
    await background.stop()
    assert alarms.told == []
