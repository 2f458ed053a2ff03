"""Listening for the end-to-end tests: who is heard in a call or a recording, and which words were said."""

from __future__ import annotations

import asyncio
import functools
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
_ALIKE = 0.6


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


class Listener:
    """Follows the words that are said to a caller: each sentence is looked for from where the last one began."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._begin = 0

    async def until_said(self, text: str, timeout: float = PATIENCE) -> None:
        """Wait until this sentence of `learn` is heard."""
        said = _spoken(text)

        async def heard() -> bool:
            sound = np.array(decode(bytes(self._call.media.heard[self._begin :])), float)
            place = await asyncio.to_thread(where_said, sound, said)
            self._begin += place or 0
            return place is not None

        await until(heard, f"the caller hears «{text}»", timeout, pause=0.5)


async def learn(*sentences: str) -> None:
    """Speak Italian sentences in the voice that prompts are made with; before the call, which does not wait for it."""
    for sentence in sentences:
        await asyncio.to_thread(_spoken, sentence)


def where_said(heard: Sound, said: Sound) -> int | None:
    """Where in `heard` most pieces of `said` begin, or None; looked for apart, as a lost packet shifts what follows."""
    pieces = [said[at : at + _PIECE] for at in range(0, len(said) - _PIECE, _PIECE)]
    if len(heard) < _PIECE:
        return None
    alike = [place for likeness, place in (_best_place(heard, piece) for piece in pieces) if likeness > _ALIKE]
    return min(alike) if len(alike) >= 0.7 * len(pieces) else None


def _best_place(heard: Sound, said: Sound) -> tuple[float, int]:
    """How much of `said` is in `heard` at the best place (1: the same sound, under 0.4: another one), and the place."""
    size = 1 << (len(heard) + len(said)).bit_length()
    match = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size)), size)
    sums = np.concatenate(([0.0], np.cumsum(heard**2)))
    energy = sums[len(said) :] - sums[: len(heard) - len(said) + 1]
    scale = np.sqrt(np.maximum(energy, energy.max() * 0.01 + 1) * (said**2).sum())
    likeness = match[: len(energy)] / scale
    place = int(likeness.argmax())
    return float(likeness[place]), place


@functools.cache
def _spoken(text: str) -> Sound:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "said.wav"
        synthesise(text, "it", file)
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
