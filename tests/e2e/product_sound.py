"""Listening for the end-to-end tests: who is heard in a call or a recording, and which words were said."""

from __future__ import annotations

import asyncio
import tempfile
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ivr.speech import synthesise
from phones.audio import RATE, decode, loudness, tone_share
from phones.call import Call
from tests.e2e.product_people import until
from tests.patience import PATIENCE

Sound = npt.NDArray[np.float64]
_CLEAR = 0.8
_WINDOW = RATE // 2
_PIECE = round(0.6 * RATE)
_LOOK_BACK = 4.0


async def until_heard(call: Call, hertz: float, timeout: float = PATIENCE) -> None:
    """Wait until the last half second is clearly a tone (or tones with pauses) of that pitch."""
    await until(lambda: tone_share(call.media.last(0.5), hertz) > _CLEAR, f"{hertz:.0f} Hz is heard", timeout)


async def until_heard_long(call: Call, hertz: float, seconds: float, timeout: float = PATIENCE) -> None:
    """Wait until the caller has heard a tone of that pitch for so many seconds from now on, in one piece or several."""
    begin = len(call.media.heard)

    def heard() -> bool:
        return _seconds_in(np.array(decode(bytes(call.media.heard[begin:])), float), hertz) >= seconds

    await until(heard, f"{hertz:.0f} Hz is heard for {seconds:.0f} s", timeout, pause=0.5)


async def until_music(call: Call, *voices: float, timeout: float = PATIENCE) -> None:
    """Wait until a whole second is music: sound, and none of these voices."""

    def music() -> bool:
        sound = call.media.last(1.0)
        return loudness(sound) > 200 and all(tone_share(sound, hertz) < 0.3 for hertz in voices)

    begin = len(call.media.heard)
    await until(lambda: len(call.media.heard) > begin + RATE and music(), "music is heard", timeout)


async def until_said(call: Call, text: str, language: str = "it", timeout: float = PATIENCE) -> None:
    """Wait until these words are heard, in the voice that prompts are made with."""
    said = await asyncio.to_thread(_spoken, text, language)
    newest = len(said) / RATE + _LOOK_BACK

    async def heard() -> bool:
        return await asyncio.to_thread(was_said, np.array(decode(call.media.last(newest)), float), said)

    await until(heard, f"the caller hears «{text}»", timeout, pause=1.0)


def was_said(heard: Sound, said: Sound) -> bool:
    """Whether most pieces of `said` are in `heard`; apart, because a late packet shifts what follows it."""
    pieces = [said[at : at + _PIECE] for at in range(0, len(said) - _PIECE, _PIECE)]
    return sum(likeness(heard, piece) > 0.6 for piece in pieces) >= 0.7 * len(pieces)


def likeness(heard: Sound, said: Sound) -> float:
    """How much of `said` is in `heard` at the best place: 1 for the same sound, under 0.4 for another."""
    if len(heard) < len(said):
        return 0.0
    size = 1 << (len(heard) + len(said)).bit_length()
    match = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size)), size)
    sums = np.concatenate(([0.0], np.cumsum(heard**2)))
    energy = sums[len(said) :] - sums[: len(heard) - len(said) + 1]
    scale = np.sqrt(np.maximum(energy, energy.max() * 0.01 + 1) * (said**2).sum())
    return float((match[: len(energy)] / scale).max())


def _spoken(text: str, language: str) -> Sound:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "said.wav"
        synthesise(text, language, file)
        return samples(file)


def samples(file: Path) -> Sound:
    """A recording's samples (8 kHz, one channel)."""
    with wave.open(str(file)) as sound:
        assert (sound.getframerate(), sound.getnchannels()) == (RATE, 1), f"{file.name} has another form"
        return np.frombuffer(sound.readframes(sound.getnframes()), np.int16).astype(float)


def seconds_of(file: Path, hertz: float) -> float:
    """For how many seconds of a recording a tone of that pitch can be heard, whatever else is heard with it."""
    return _seconds_in(samples(file), hertz)


def _seconds_in(sound: Sound, hertz: float) -> float:
    whole = sound[: len(sound) // _WINDOW * _WINDOW].reshape(-1, _WINDOW)
    spectrum = np.abs(np.fft.rfft(whole * np.hanning(_WINDOW), axis=1)) / _WINDOW * 4
    at = round(hertz * _WINDOW / RATE)
    level = np.sqrt((spectrum[:, at - 2 : at + 3] ** 2).sum(axis=1))
    return float((level > 500).sum() * _WINDOW / RATE)
