"""Questions between two processes: each is answered, refused or failed, and a goodbye leaves nobody waiting."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from core.errors import Conflict, Unavailable
from core.pipe import Answer, Hear, Pipe

PATIENCE = 10.0


@asynccontextmanager
async def joined(
    answers: Mapping[str, Answer] | None = None, hears: Mapping[str, Hear] | None = None
) -> AsyncIterator[tuple[Pipe, Pipe, "asyncio.Task[None]"]]:
    """The end that asks, the end that answers, and the task in which the latter serves."""
    one, other = socket.socketpair()
    asking, answering = await Pipe.on(one, hears=hears), await Pipe.on(other, answers)
    serving = [asyncio.create_task(pipe.run()) for pipe in (asking, answering)]
    yield asking, answering, serving[1]
    asking.close()
    answering.close()
    await asyncio.gather(*serving)


async def test_questions_are_answered_side_by_side() -> None:
    gate = asyncio.Event()

    async def slow(data: Any) -> Any:
        await gate.wait()
        return ["slow", data]

    async def quick(data: Any) -> Any:
        return {"quick": data}

    async with joined({"slow": slow, "quick": quick}) as (asking, _, _):
        first = asyncio.create_task(asking.ask("slow", 1, PATIENCE))
        assert await asking.ask("quick", "è", PATIENCE) == {"quick": "è"}
        gate.set()
        assert await first == ["slow", 1]


async def test_a_refusal_is_the_same_on_this_side_and_any_other_failure_is_unavailable() -> None:
    async def refuse(_: Any) -> Any:
        raise Conflict("It changed.", "Look again.", code="changed", values={"by": "Anna"})

    async def break_down(_: Any) -> Any:
        raise ZeroDivisionError("division by zero")

    async with joined({"refuse": refuse, "break": break_down}) as (asking, _, _):
        with pytest.raises(Conflict) as refused:
            await asking.ask("refuse", None, PATIENCE)
        assert (refused.value.code, refused.value.values) == ("changed", {"by": "Anna"})
        with pytest.raises(Unavailable, match="ZeroDivisionError"):
            await asking.ask("break", None, PATIENCE)
        with pytest.raises(Unavailable, match="unknown"):
            await asking.ask("unknown", None, PATIENCE)


async def test_an_answer_that_does_not_come_in_time_is_not_waited_for_and_spoils_nothing() -> None:
    gate = asyncio.Event()

    async def late(data: Any) -> Any:
        if data == "wait":
            await gate.wait()
        return data

    async with joined({"late": late}) as (asking, _, _):
        with pytest.raises(Unavailable, match="not answered within"):
            await asking.ask("late", "wait", 0.01)
        gate.set()
        assert await asking.ask("late", "next", PATIENCE) == "next"


async def test_tellings_come_in_order() -> None:
    heard: list[int] = []
    done = asyncio.Event()

    def hear(number: int) -> None:
        heard.append(number)
        if number == 99:
            done.set()

    async with joined(hears={"say": hear}) as (_, answering, _):
        for number in range(100):
            answering.tell("say", number)
        async with asyncio.timeout(PATIENCE):
            await done.wait()
    assert heard == list(range(100))


async def test_whoever_waits_learns_at_once_that_the_other_end_is_gone() -> None:
    asked, gate = asyncio.Event(), asyncio.Event()

    async def never(_: Any) -> Any:
        asked.set()
        await gate.wait()

    async with joined({"never": never}) as (asking, answering, _):
        question = asyncio.create_task(asking.ask("never", None, PATIENCE))
        await asked.wait()
        answering.close()
        with pytest.raises(Unavailable, match="gone"):
            await question
        with pytest.raises(Unavailable, match="gone"):
            await asking.ask("never", None, PATIENCE)
        gate.set()


async def test_what_is_being_answered_at_the_goodbye_is_finished() -> None:
    asked, gate, finished = asyncio.Event(), asyncio.Event(), []

    async def slow(_: Any) -> Any:
        asked.set()
        await gate.wait()
        finished.append(True)

    async with joined({"slow": slow}) as (asking, _, serving):
        question = asyncio.create_task(asking.ask("slow", None, PATIENCE))
        await asked.wait()
        asking.close()
        with pytest.raises(Unavailable):
            await question
        gate.set()
        async with asyncio.timeout(PATIENCE):
            await serving
    assert finished == [True]
