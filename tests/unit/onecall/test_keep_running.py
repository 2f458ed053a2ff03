"""Asterisk that has ended is started again, whatever the first try runs into."""

import asyncio
from typing import cast

import pytest

from onecall.asterisk import AsteriskInstance
from onecall.run import _keep_running


class Ended:
    """An Asterisk that has ended; the disk is full at the first start."""

    def __init__(self) -> None:
        self.starts = 0
        self.up = asyncio.Event()

    def alive(self) -> bool:
        return self.up.is_set()

    def log_end(self) -> str:
        return ""

    async def start(self) -> bool:
        self.starts += 1
        if self.starts == 1:
            raise OSError(28, "No space left on device")
        self.up.set()
        return True


async def test_a_full_disk_at_the_first_try_does_not_end_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onecall.run._LOOK_SECONDS", 0.01)
    instance = Ended()
    watch = asyncio.create_task(_keep_running(cast(AsteriskInstance, instance)))
    await asyncio.wait_for(instance.up.wait(), 5)
    watch.cancel()
