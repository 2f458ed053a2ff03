"""Prompts: recorded before synthesised, made once, shared by all who wait for them, never silence."""

import asyncio
import threading
from pathlib import Path

import pytest

from core.errors import Unavailable
from ivr.flow import Flow
from ivr.prompts import PromptStore
from tests.unit.ivr.house import TEXTS, make_flow

HANG_UP = {"end": {"do": "hang_up"}}


class Speaker:
    """Stands for espeak-ng: writes the text itself, and counts."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.fails = False
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, text: str, language: str, target: Path) -> None:
        self.go_on.wait(5)
        self.said.append((language, text))
        if self.fails:
            raise Unavailable("espeak-ng is not installed.", "Install it.")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


@pytest.fixture
def speaker() -> Speaker:
    return Speaker()


@pytest.fixture
def store(tmp_path: Path, speaker: Speaker) -> PromptStore:
    return PromptStore(tmp_path / "made", tmp_path / "recorded", TEXTS, seen_as="/seen", synthesise=speaker)


def flow_with(text: str) -> Flow:
    return make_flow(HANG_UP, prompts={"hello": {"it": text, "en": f"{text} (en)"}})


def spoken(tmp_path: Path, file: str) -> str:
    """The text behind a file's name."""
    return (tmp_path / "made" / f"{file.removeprefix('/seen/')}.wav").read_text()


async def test_a_text_is_synthesised_once_and_then_kept(store: PromptStore, speaker: Speaker, tmp_path: Path) -> None:
    first = await store.files("goodbye", "it")
    assert first == await store.files("goodbye", "it")
    assert spoken(tmp_path, first[0]) == TEXTS.plain["goodbye"]["it"]
    assert len(speaker.said) == 1


async def test_a_changed_text_gets_a_file_of_its_own(store: PromptStore, tmp_path: Path) -> None:
    [old] = await store.files("hello", "it", flow_with("Ciao"))
    [new] = await store.files("hello", "it", flow_with("Salve"))
    assert (spoken(tmp_path, old), spoken(tmp_path, new)) == ("Ciao", "Salve")


async def test_a_flows_own_text_wins_over_the_systems(store: PromptStore, tmp_path: Path) -> None:
    flow = make_flow(HANG_UP, prompts={"goodbye": {"it": "Addio", "en": "Farewell"}})
    [file] = await store.files("goodbye", "en", flow)
    assert spoken(tmp_path, file) == "Farewell"


async def test_callers_who_want_the_same_new_prompt_share_one_making(store: PromptStore, speaker: Speaker) -> None:
    speaker.go_on.clear()
    waiting = [asyncio.create_task(store.files("goodbye", "it")) for _ in range(20)]
    await asyncio.sleep(0)
    speaker.go_on.set()
    files = await asyncio.gather(*waiting)
    assert len({tuple(file) for file in files}) == 1
    assert len(speaker.said) == 1


async def test_a_caller_who_leaves_does_not_stop_the_making_for_the_others(
    store: PromptStore, speaker: Speaker
) -> None:
    speaker.go_on.clear()
    leaving = asyncio.create_task(store.files("goodbye", "it"))
    staying = asyncio.create_task(store.files("goodbye", "it"))
    await asyncio.sleep(0)
    leaving.cancel()
    speaker.go_on.set()
    assert (await staying)[0].startswith("/seen/it/s-")
    assert len(speaker.said) == 1


async def test_a_prompt_that_cannot_be_made_is_a_beep_and_is_tried_again(store: PromptStore, speaker: Speaker) -> None:
    speaker.fails = True
    assert await store.files("goodbye", "it") == ["beep"]
    speaker.fails = False
    assert (await store.files("goodbye", "it"))[0].startswith("/seen/it/s-")


async def test_a_deleted_file_is_made_again(store: PromptStore, speaker: Speaker, tmp_path: Path) -> None:
    [file] = await store.files("goodbye", "it")
    (tmp_path / "made" / f"{file.removeprefix('/seen/')}.wav").unlink()
    await store.files("goodbye", "it")
    assert len(speaker.said) == 2


async def test_warming_makes_every_text_of_a_flow_before_a_caller_needs_it(
    store: PromptStore, speaker: Speaker
) -> None:
    flow = flow_with("Ciao")
    await store.warm(flow)
    assert speaker.said == [("it", "Ciao"), ("en", "Ciao (en)")]
    await store.files("hello", "en", flow)
    assert len(speaker.said) == 2


async def test_warming_the_system_makes_each_counted_sentence(store: PromptStore, speaker: Speaker) -> None:
    await store.warm()
    assert ("it", "Lei è in posizione 7.") in speaker.said
    before = len(speaker.said)
    await store.counted("position", 7, "it")
    assert len(speaker.said) == before


async def test_a_number_beyond_the_prepared_ones_is_still_said(store: PromptStore, tmp_path: Path) -> None:
    assert spoken(tmp_path, await store.counted("position", 99, "en")) == "You are number 99 in line."


async def test_one_minute_and_one_day_are_said_as_people_say_them(store: PromptStore, tmp_path: Path) -> None:
    assert spoken(tmp_path, await store.counted("wait_minutes", 1, "it")) == "L'attesa prevista è di circa un minuto."
    assert spoken(tmp_path, await store.counted("ticket_due_days", 1, "en")) == "We expect to resolve it by tomorrow."
    assert spoken(tmp_path, await store.counted("wait_minutes", 2, "en")) == "The expected wait is about 2 minutes."
