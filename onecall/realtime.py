"""Voice before everything else that the machine does: packets are due each 20 ms, whatever else waits.

What `asterisk -p` is for. That also wants a helper program where Asterisk's own programs are, which a private instance
has elsewhere, and without it gives the priority back after two minutes. Set from outside, it stays; and an Asterisk
that is taken over gets it too.
"""

import os
from contextlib import suppress
from pathlib import Path

PRIORITY = 10
_ROUNDS = 10


def put_first(pid: int) -> bool:
    """Let a process's threads run before all ordinary ones, and with them the threads that they begin.

    False where that is not allowed (it takes root, CAP_SYS_NICE or an RLIMIT_RTPRIO of 10) or the process has ended.
    """
    for _ in range(_ROUNDS):
        ordinary = [thread for thread in _threads(pid) if _is_ordinary(thread)]
        if not ordinary:
            return bool(_threads(pid))
        for thread in ordinary:
            try:
                os.sched_setscheduler(thread, os.SCHED_RR, os.sched_param(PRIORITY))
            except ProcessLookupError:
                continue
            except OSError:
                return False  # sandboxes and filters of system calls refuse it in words of their own
    return True


def _threads(pid: int) -> list[int]:
    try:
        return [int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return []


def _is_ordinary(thread: int) -> bool:
    with suppress(OSError):
        return os.sched_getscheduler(thread) == os.SCHED_OTHER
    return False
