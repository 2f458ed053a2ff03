"""A folder that hangs: it is asked once, keeps only itself waiting, and is asked again when it has come back."""

import asyncio
import threading

import pytest

from onecall.far_folders import FarFolder

PATIENCE = 10.0


async def test_an_answer_and_a_failure_come_through() -> None:
    folder = FarFolder(PATIENCE)
    assert await folder.ask(lambda: "written") == "written"

    def fail() -> None:
        raise PermissionError("read-only")

    for _ in range(50):
        with pytest.raises(PermissionError, match="read-only"):
            await folder.ask(fail)


async def test_one_that_hangs_has_one_thread_however_often_it_is_asked() -> None:
    folder, answers, at_work = FarFolder(0.02), threading.Event(), []

    def hang() -> None:
        at_work.append(threading.current_thread())
        answers.wait()

    for _ in range(5):
        with pytest.raises(OSError, match="no answer"):
            await folder.ask(hang)
    assert len(at_work) == 1
    assert await asyncio.to_thread(lambda: "the common threads are free") == "the common threads are free"
    answers.set()
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                assert await folder.ask(lambda: "back") == "back"
                return
            except OSError:
                await asyncio.sleep(0.005)  # the thread that hung is about to end
