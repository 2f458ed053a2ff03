"""Real synthesis and conversion: what comes out is what Asterisk plays as it is."""

import subprocess
import wave
from array import array
from pathlib import Path

import pytest

from core.errors import Unavailable
from ivr import speech
from ivr.prompts import SYSTEM_TEXTS, PromptStore, Texts


def form(path: Path) -> tuple[int, int, int]:
    with wave.open(str(path)) as file:
        return file.getframerate(), file.getnchannels(), file.getsampwidth()


def samples(path: Path) -> "array[int]":
    with wave.open(str(path)) as file:
        return array("h", file.readframes(file.getnframes()))


@pytest.mark.parametrize(("language", "text"), [("it", "Lei è in posizione 3."), ("en", "You're number 3 in line.")])
def test_speech_has_asterisks_form_and_can_be_heard(tmp_path: Path, language: str, text: str) -> None:
    target = tmp_path / "it" / "hello.wav"
    speech.synthesise(text, language, target)
    assert form(target) == (8000, 1, 2)
    assert len(samples(target)) > 8000
    assert max(samples(target)) > 10_000
    assert [path.name for path in target.parent.iterdir()] == ["hello.wav"]


def test_a_text_that_looks_like_an_option_is_spoken(tmp_path: Path) -> None:
    speech.synthesise("-v en --help", "it", tmp_path / "a.wav")
    assert len(samples(tmp_path / "a.wav")) > 4000


async def test_a_recorded_file_of_any_form_wins_and_a_new_take_replaces_it(tmp_path: Path) -> None:
    def record(seconds: float) -> None:
        target = tmp_path / "recorded" / "it" / "goodbye.wav"
        target.parent.mkdir(parents=True, exist_ok=True)
        command = ["sox", "-n", "-r", "44100", "-c", "2", str(target), "synth", str(seconds), "sine", "440"]
        subprocess.run(command, check=True)

    store = PromptStore(tmp_path / "made", tmp_path / "recorded", Texts.read(SYSTEM_TEXTS))
    record(2)
    [first] = await store.files("goodbye", "it")
    assert form(Path(f"{first}.wav")) == (8000, 1, 2)
    record(3)
    [second] = await store.files("goodbye", "it")
    assert len(samples(Path(f"{second}.wav"))) - len(samples(Path(f"{first}.wav"))) == 8000


async def test_a_recording_that_cannot_be_read_gives_way_to_the_synthesised_text(tmp_path: Path) -> None:
    broken = tmp_path / "recorded" / "it" / "goodbye.wav"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"no sound")
    store = PromptStore(tmp_path / "made", tmp_path / "recorded", Texts.read(SYSTEM_TEXTS))
    [file] = await store.files("goodbye", "it")
    assert len(samples(Path(f"{file}.wav"))) > 8000


def test_a_missing_program_is_named_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="espeak-ng is not installed"):
        speech.synthesise("hello", "en", tmp_path / "a.wav")
