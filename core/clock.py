"""Time as the product sees it: epoch seconds, UTC, from one place, so that tests can hold it still."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Anything that tells the time in epoch seconds, UTC."""

    def now(self) -> float:
        """Epoch seconds, UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Epoch seconds, UTC."""
        return time.time()


class ManualClock:
    """A clock for tests and simulations: it moves only when told."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self._now = now

    def now(self) -> float:
        """Epoch seconds, UTC."""
        return self._now

    def advance(self, seconds: float) -> float:
        """Move on by `seconds` and return the new time."""
        self._now += seconds
        return self._now


def iso(at: float) -> str:
    """`at` (epoch seconds) as the contracts write instants: `2026-11-23T08:10:00.123Z`."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_iso(text: str) -> float:
    """Epoch seconds of an ISO 8601 instant; one without a zone is refused with ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"instant without a time zone: {text!r}; end it with Z")
    return moment.timestamp()


def utc(at: float) -> datetime:
    """`at` (epoch seconds) as an aware datetime in UTC."""
    return datetime.fromtimestamp(at, UTC)
