"""Tasks end, whatever became of their cancellation."""

import asyncio

from core.ending import end


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
