"""Tasks end, whatever became of their cancellation."""

import asyncio

from core.ending import end
from tests.patience import PATIENCE


async def test_a_task_whose_cancellation_a_library_has_swallowed_is_ended_all_the_same() -> None:
    rounds = 0
    done = asyncio.get_running_loop().create_future()

    async def work() -> None:
        nonlocal rounds
        while True:
            rounds += 1
            await asyncio.wait_for(asyncio.shield(done), 60) if rounds == 1 else await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    done.set_result(None)
    await asyncio.sleep(0)  # the library has its result, and is about to hand it on
    async with asyncio.timeout(10):
        await end([task], patience=0.01)
    assert task.cancelled()


async def test_one_that_lets_go_in_its_own_time_is_not_hurried_and_its_error_is_no_matter() -> None:
    let_go = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            let_go.append(True)
            raise OSError("too late to matter")

    tasks = [asyncio.create_task(work()) for _ in range(2)]
    await asyncio.sleep(0)
    await end(tasks, patience=10)
    assert let_go == [True, True]


async def test_nothing_to_end_is_no_error() -> None:
    await end([])


async def test_who_is_cancelled_while_ending_others_hands_it_on_and_leaves_none_behind() -> None:
    swallowed, parts = 0, list[asyncio.Task[None]]()

    async def part() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed += 1
                if swallowed > 1:
                    raise

    async def whole() -> None:
        parts.append(asyncio.create_task(part()))
        try:
            await asyncio.Event().wait()
        finally:
            await end(parts, patience=60)

    task = asyncio.create_task(whole())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE):
        await end([task], patience=0.05)
    assert task.cancelled()
    assert parts[0].cancelled()
