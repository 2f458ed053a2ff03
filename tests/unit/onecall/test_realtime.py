"""Who runs first: a process's threads, and those that they begin, before all ordinary ones."""

import errno
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from onecall import realtime
from onecall.realtime import put_first

THREADS = """
import sys, threading, time
began = threading.Event()
threading.Thread(target=began.wait, daemon=True).start()
print("ready", flush=True)
sys.stdin.readline()
threading.Thread(target=began.wait, daemon=True).start()
print("begun", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def process() -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", THREADS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as made:
        assert made.stdout is not None
        assert made.stdout.readline() == "ready\n"
        yield made
        made.kill()


def may_by_capability() -> bool:
    """Whether this process has CAP_SYS_NICE."""
    status = Path("/proc/self/status").read_text()
    return bool(int(re.findall(r"^CapEff:\s+(\w+)$", status, re.M)[0], 16) >> 23 & 1)


def policies(pid: int) -> list[int]:
    return [os.sched_getscheduler(int(thread)) for thread in os.listdir(f"/proc/{pid}/task")]


def test_all_threads_of_a_process_and_those_begun_later_run_first_where_that_is_allowed(
    process: "subprocess.Popen[str]",
) -> None:
    allowed = put_first(process.pid)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go on\n")
    process.stdin.flush()
    assert process.stdout.readline() == "begun\n"
    assert policies(process.pid) == [os.SCHED_RR if allowed else os.SCHED_OTHER] * 3
    assert allowed or not may_by_capability()


@pytest.mark.parametrize("why", [errno.EPERM, errno.EINVAL, errno.ENOSYS])
def test_where_it_is_not_allowed_nothing_changes(
    process: "subprocess.Popen[str]", monkeypatch: pytest.MonkeyPatch, why: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(why, os.strerror(why))

    monkeypatch.setattr(realtime.os, "sched_setscheduler", refuse)
    assert put_first(process.pid) is False
    assert policies(process.pid) == [os.SCHED_OTHER] * 2


def test_a_process_that_has_ended_is_no_error(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait()
    assert put_first(process.pid) is False
