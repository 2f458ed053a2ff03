"""A phone that serves for days keeps nothing of the calls that are over."""

import asyncio

import pytest

from phones.call import CallRefused
from phones.phone import Phone


async def test_calls_that_are_over_and_answers_that_nobody_can_ask_for_again_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("phones.phone._GIVE_UP_SECONDS", 0.3)
    here = await Phone.open(("127.0.0.1", 9), "here")
    there = await Phone.open((here.address, here.port), "there")
    here.server = (there.address, there.port)
    for _ in range(3):
        call = await here.dial("1")
        (await there.next_call()).refuse(486)
        with pytest.raises(CallRefused):
            await call.answered()
    assert len(there.calls) == 3
    async with asyncio.timeout(5):
        while here.calls or there.calls or here._answers or there._answers:
            await asyncio.sleep(0.01)
    for phone in (here, there):
        await phone.close()
