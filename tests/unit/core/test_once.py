"""Work done once by id."""

import asyncio

import pytest

from core.errors import Conflict
from core.once import Once


class Work:
    """Counts how often it was done; `go` lets it finish."""

    def __init__(self, error: Exception | None = None) -> None:
        self.times = 0
        self.go = asyncio.Event()
        self.error = error

    async def __call__(self) -> int:
        self.times += 1
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return self.times


async def test_a_repeat_while_the_first_is_under_way_waits_for_it() -> None:
    once, work = Once[int](), Work()
    both = asyncio.gather(once.do("anna", "c1", work), once.do("anna", "c1", work))
    await asyncio.sleep(0)
    work.go.set()
    assert await both == [1, 1]
    assert await once.do("anna", "c1", work) == 1


async def test_the_same_id_of_someone_else_is_other_work() -> None:
    once, work = Once[int](), Work()
    work.go.set()
    assert await once.do("anna", "c1", work) == 1
    assert await once.do("bice", "c1", work) == 2


async def test_work_goes_on_when_whoever_asked_has_gone() -> None:
    once, work = Once[int](), Work()
    asking = asyncio.create_task(once.do("anna", "c1", work))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    work.go.set()
    assert await once.do("anna", "c1", work) == 1
    assert work.times == 1


async def test_a_refusal_is_remembered_and_told_again() -> None:
    once, work = Once[int](), Work(Conflict("No call."))
    work.go.set()
    for _ in range(2):
        with pytest.raises(Conflict, match="No call"):
            await once.do("anna", "c1", work)
    assert work.times == 1


async def test_a_fault_of_ours_may_be_tried_again() -> None:
    once, work = Once[int](), Work(ZeroDivisionError())
    work.go.set()
    with pytest.raises(ZeroDivisionError):
        await once.do("anna", "c1", work)
    work.error = None
    assert await once.do("anna", "c1", work) == 2


async def test_only_the_latest_are_remembered() -> None:
    once, work = Once[int](limit=2), Work()
    work.go.set()
    for number in range(3):
        await once.do("anna", f"c{number}", work)
    assert await once.do("anna", "c2", work) == 3
    assert await once.do("anna", "c0", work) == 4
