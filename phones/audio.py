"""Sound for test phones: G.711 mu-law, tones, WAV files, and listening by FFT.

Sound travels as mu-law bytes at 8,000 samples a second. Only the listening functions need numpy, which
they import when called, so that robots run without it.
"""

from __future__ import annotations

import math
import wave
from array import array
from pathlib import Path

RATE = 8000
SAMPLES_PER_PACKET = 160
SILENCE = b"\xff"


def _decode_byte(code: int) -> int:
    inverted = ~code & 0xFF
    magnitude = (((inverted & 0x0F) << 3) + 0x84 << ((inverted >> 4) & 0x07)) - 0x84
    return -magnitude if inverted & 0x80 else magnitude


_DECODED = [_decode_byte(code) for code in range(256)]


def _encode_sample(sample: int) -> int:
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), 32635) + 0x84
    exponent = max(magnitude.bit_length() - 8, 0)
    return ~(sign | exponent << 4 | (magnitude >> exponent + 3) & 0x0F) & 0xFF


def encode(samples: array[int] | list[int]) -> bytes:
    """Signed 16-bit samples to mu-law."""
    return bytes(_encode_sample(sample) for sample in samples)


def decode(sound: bytes) -> list[int]:
    """Mu-law to signed 16-bit samples."""
    return [_DECODED[code] for code in sound]


def tone(hertz: float, seconds: float = 1.0, level: int = 9000) -> bytes:
    """A sine; whole seconds at whole hertz loop without a click."""
    step = 2 * math.pi * hertz / RATE
    return encode([round(level * math.sin(step * n)) for n in range(round(seconds * RATE))])


def from_wav(path: Path) -> bytes:
    """Sound of a mono 16-bit WAV file at 8 kHz; raises ValueError for any other form."""
    with wave.open(str(path)) as file:
        form = (file.getframerate(), file.getnchannels(), file.getsampwidth())
        if form != (RATE, 1, 2):
            raise ValueError(f"{path.name} is {form}, but a phone plays 8000 Hz, one channel, two bytes a sample")
        return encode(array("h", file.readframes(file.getnframes())))


def loudness(sound: bytes) -> float:
    """Root mean square of the samples, 0 for silence; a normal voice is some thousands."""
    if not sound:
        return 0.0
    return math.sqrt(sum(_DECODED[code] ** 2 for code in sound) / len(sound))


def tone_share(sound: bytes, hertz: float) -> float:
    """Share (0 to 1) of the sound's energy that lies within 15 Hz of ``hertz``; 0 for near silence."""
    import numpy as np

    if len(sound) < SAMPLES_PER_PACKET or loudness(sound) < 50:
        return 0.0
    samples = np.array(decode(sound), dtype=float)
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    frequencies = np.fft.rfftfreq(len(samples), 1 / RATE)
    near = np.abs(frequencies - hertz) <= max(15.0, 2 * RATE / len(samples))
    return float(power[near].sum() / power[frequencies > 50].sum())


def level_at(sound: bytes, hertz: float) -> float:
    """Amplitude of the sine at ``hertz`` inside the sound (Goertzel), in sample units.

    Unlike :func:`tone_share` it tells one party from another while several speak at once.
    """
    if not sound:
        return 0.0
    factor = 2 * math.cos(2 * math.pi * hertz / RATE)
    before, last = 0.0, 0.0
    for code in sound:
        before, last = last, _DECODED[code] + factor * last - before
    power = before * before + last * last - factor * before * last
    return 2 * math.sqrt(max(power, 0.0)) / len(sound)
