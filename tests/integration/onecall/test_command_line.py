"""The command line: what people can mend is one sentence, and Ctrl-C ends whatever goes on."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import ArgumentError, OperationalError

from onecall.certificate import certificate_files, certificate_problem
from onecall.settings import PROJECT
from onecall.state import told
from tests.ports import free_ports

PATIENCE = 60


def start(state: Path, *arguments: str, **settings: object) -> subprocess.Popen[str]:
    """`onecall` in a process of its own, with ports of its own."""
    ports = {
        f"{name}_port": free_ports(1)[0] for name in ("http", "https", "ws", "wss", "sip", "ami", "agi", "metrics")
    }
    given = {"state": state, **ports, "demo": False, **settings}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ONECALL_")}
    return subprocess.Popen(
        [sys.executable, "-m", "onecall", *arguments],
        cwd=PROJECT,
        env={**kept, **{f"ONECALL_{name.upper()}": str(value) for name, value in given.items()}},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # SIGHUP as a terminal's shell leaves it, however these tests were started.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )


@contextlib.contextmanager
def started(state: Path, *arguments: str, **settings: object) -> Iterator[subprocess.Popen[str]]:
    process = start(state, *arguments, **settings)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until_it_says(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(f"it ended without saying {words!r}:\n{said}")


def refused(state: Path, *arguments: str, **settings: object) -> str:
    """What a command that cannot be carried out says."""
    with started(state, *arguments, **settings) as process:
        said, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 2, said
    assert "Traceback" not in said
    return said


def test_a_database_that_is_down_is_told_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql+asyncpg://onecall:hidden@127.0.0.1:{free_ports(1)[0]}/onecall"
    said = refused(tmp_path, "serve", database_url=url)
    assert "The database postgresql+asyncpg://onecall:***@127.0.0.1" in said
    assert "ONECALL_DATABASE_URL" in said


def test_a_database_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    said = refused(tmp_path, "migrate", database_url=f"sqlite+aiosqlite:///{tmp_path}/absent/onecall.db")
    assert "cannot be opened: unable to open database file." in said


@pytest.mark.parametrize("command", [["serve"], ["migrate"], ["run", "--no-set-up"], ["administrator", "ada"]])
def test_a_state_folder_that_is_a_file_is_told(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "file").write_text("")
    assert "file cannot be used: File exists. Set ONECALL_STATE" in refused(tmp_path / "file", *command)


def test_an_unknown_time_zone_is_told(tmp_path: Path) -> None:
    said = refused(tmp_path, "record-day", "2026-11-23", str(tmp_path / "day.csv"), "--zone", "X")
    assert "'X' is no time zone such as Europe/Rome" in said


def test_a_redis_that_is_down_is_told_by_a_process_that_needs_it(tmp_path: Path) -> None:
    said = refused(tmp_path, "acd", redis_url=f"redis://127.0.0.1:{free_ports(1)[0]}/0", asterisk="external")
    assert "The bus cannot be reached. Check that Redis runs (ONECALL_REDIS_URL)." in said


def test_the_web_alone_starts_on_an_empty_state_folder_with_a_certificate_of_its_own(
    tmp_path: Path, redis_url: str
) -> None:
    with started(tmp_path, "api", redis_url=redis_url) as process:
        until_it_says(process, "serving ")
        process.terminate()
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert certificate_problem(*certificate_files(tmp_path), ["localhost"]) is None


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (PermissionError(13, "Permission denied", "/x/y"), "The system refused: /x/y: Permission denied."),
        (OperationalError("SELECT", {}, Exception("disk I/O error")), "The database refused: disk I/O error."),
        (ArgumentError("Could not parse"), "The database URL cannot be read. Correct ONECALL_DATABASE_URL."),
    ],
)
def test_errors_of_the_system_and_the_database_are_told_in_a_sentence(error: Exception, sentence: str) -> None:
    known = told(error)
    assert known is not None
    assert str(known).startswith(sentence)


def test_a_fault_of_ours_is_not_dressed_up_as_one_of_the_reader() -> None:
    assert told(KeyError("x")) is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_set_up_that_waits_for_another_one_can_be_stopped(tmp_path: Path, number: int) -> None:
    with (tmp_path / "provision.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with started(tmp_path, "provision", "run") as process:
            until_it_says(process, "waiting for it to end")
            process.send_signal(number)
            said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert said.strip() == "Stopped."


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_start_can_be_stopped_before_it_is_complete(tmp_path: Path, number: int) -> None:
    """Its database step waits for another start of the same folder: a wait in the event loop."""
    with (tmp_path / "prepare.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with started(tmp_path, "run", "--no-set-up", asterisk="external") as process:
            until_it_says(process, "Another start is at work here")
            process.send_signal(number)
            said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    assert said.splitlines()[-2:] == ["Stopping ...", "Stopped."]
