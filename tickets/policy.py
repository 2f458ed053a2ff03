"""The rules that figures are counted by. A published figure stores the version, so two definitions are never mixed."""

from dataclasses import dataclass

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Policy:
    """Windows and assumptions; all durations in seconds."""

    recall_window: float = 72 * HOUR
    """A call of the same customer at most this long after the end of the first one is its recall."""
    missed_call_window: float = 72 * HOUR
    """An inbound call at most this long after our unanswered outbound call returns that missed call."""
    wrap_up_limit: float = 600.0
    """Taken as the end of wrap-up, from the call's end, when the end of wrap-up was never told."""

    @property
    def version(self) -> str:
        """Name of this definition, stored with each published figure; the last part is the window in hours."""
        return f"kpi-1/{self.recall_window / HOUR:g}h"


def policy_of(recall_hours: int) -> Policy:
    """The policy of a programme whose recall window is `recall_hours`."""
    return Policy(recall_window=recall_hours * HOUR)
