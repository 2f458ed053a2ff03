"""Ids: ULIDs (time-ordered, 26 characters, lower case), as https://github.com/ulid/spec defines them."""

import os
import threading
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_PLACES = range(120, -1, -10)
_RANDOM_BITS = 80
_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """A new id; ids made in one process are strictly increasing."""
    global _last
    fresh = (time.time_ns() // 1_000_000) << _RANDOM_BITS | int.from_bytes(os.urandom(10))
    with _lock:
        _last = fresh if fresh > _last else _last + 1
        value = _last
    return encode(value)


def encode(value: int) -> str:
    """A 128-bit number as 26 characters of Crockford's base 32."""
    return "".join([_PAIRS[value >> place & 1023] for place in _PLACES])


def is_id(text: str) -> bool:
    """Whether `text` has the form of an id (it says nothing of its existence)."""
    return len(text) == 26 and text[0] <= "7" and all(letter in _ALPHABET for letter in text)
