"""What the bridge must be told at its making. Durations are seconds."""

import re
from dataclasses import dataclass
from pathlib import Path

UNSAFE_IN_PATHS = re.compile(r"[,;&|$(){}\[\]\"\\\x00-\x1f\x7f]")
"""What would cut a path in the dialplan: a separator, a variable, a bracket, a quote. Spaces may stand."""


@dataclass(frozen=True, slots=True)
class ManagerSettings:
    """Where Asterisk's manager interface is, and how patient we are with it."""

    host: str
    port: int
    user: str
    secret: str
    connect_timeout: float = 5.0
    boot_timeout: float = 60.0
    """From sign-in to FullyBooted: an Asterisk that is still loading modules accepts connections before."""
    action_timeout: float = 5.0
    ping_interval: float = 5.0
    ping_timeout: float = 3.0
    backoff_first: float = 0.1
    backoff_longest: float = 5.0
    queue_limit: int = 20_000
    """Events that may wait for us; one more closes the connection, and the read-back tells the truth again."""


@dataclass(frozen=True, slots=True)
class BridgeSettings:
    """All that the bridge depends on."""

    manager: ManagerSettings
    recordings: Path
    """Folder under which the dialplan records (`OC_RECORDING` is relative to it)."""
    grace: float = 20.0
    """How long a caller rests for an agent whose phone vanished in mid-call."""
    move_timeout: float = 2.0
    """After this long without the event that proves it, a move of a caller is looked at again."""
    minimum_free_bytes: int = 500_000_000
    """Free disk under which the alarm `recording_disk` is raised."""
    recording_check: float = 10.0
    """Between two looks at the disk and at the growth of live recordings."""
    trunk_dial: str = "PJSIP/{number}@trunk"
    """How an outside number is dialled."""
    outside_timeout: float = 45.0
    """How long an expert or an outside party may ring."""
    node: str = ""
    """Name of this Asterisk among several; empty: the only one."""
    recordings_told: str = ""
    """What stands before a recording's path when it is told: its folder under that of all nodes' recordings."""
