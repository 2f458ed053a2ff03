"""The product's other shapes: the demo that moves by itself, and the production shape of several processes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.e2e.harness.server import free_ports
from tests.e2e.product import Product, running
from tests.e2e.product_people import until
from tests.e2e.product_sound import until_heard
from tests.integration.conftest import redis_url  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
CALLER, AGENT = 440.0, 700.0
NUMBER = "+34600000701"


class Demo(Product):
    """`make demo`, with what set-up makes in place already."""

    command = "demo"


class Apart(Product):
    """Asterisk, routing and web in processes of their own, as the containers have them, joined by a Redis."""

    def __init__(self, folder: Path, redis: str) -> None:
        (self.metrics_port,) = free_ports(1)
        super().__init__(folder, redis_url=redis, metrics_port=self.metrics_port)
        self.parts: dict[str, subprocess.Popen[bytes]] = {}

    async def start(self, timeout: float = 90.0, *, set_up: bool = False) -> None:
        self.parts = {command: self.launch(command) for command in ("asterisk", "acd", "api")}
        self._process = self.parts["api"]
        await until(self._works, "all processes work", timeout)

    async def stop(self, timeout: float = 40.0) -> int:
        codes = []
        try:
            for part in reversed(self.parts.values()):
                if part.poll() is None:
                    os.killpg(part.pid, signal.SIGTERM)
                codes.append(await asyncio.to_thread(part.wait, timeout))
        finally:
            for part in self.parts.values():
                part.kill()
            if (left := self.asterisk_pid) is not None:
                os.kill(left, signal.SIGKILL)
        return max(codes)

    async def of_routing(self, page: str) -> httpx.Response:
        async with httpx.AsyncClient() as client:
            return await client.get(f"http://127.0.0.1:{self.metrics_port}/{page}", timeout=10)


def closed(demo: Demo) -> list[str]:
    """Calls that a robot answered and whose tickets it closed; those of the demo's past have no facts."""
    ended = {fact["interaction_id"] for fact in demo.facts("call.ended")}
    answered = {fact["interaction_id"] for fact in demo.facts("call.answered")}
    known = {row["id"] for row in demo.rows("SELECT id FROM interaction WHERE outcome IS NOT NULL")}
    return sorted(ended & answered & known)


async def test_the_demo_moves_a_call_from_waiting_over_talk_to_an_outcome(tmp_path: Path) -> None:
    async with running(Demo(tmp_path)) as demo:
        await until(lambda: demo.facts("queue.entered"), "a caller waits", 90)
        await until(lambda: demo.facts("call.answered"), "a robot agent answers", 60)
        await until(lambda: closed(demo), "an answered call has ended, and its ticket an outcome", 120)
        assert "background work failed" not in demo.log_text()


async def test_a_call_reaches_a_desk_whose_socket_is_in_another_process(tmp_path: Path, redis_url: str) -> None:  # noqa: F811
    async with running(Apart(tmp_path, redis_url)) as product:
        await product.add_quick_number()
        await product.add_user("marta", "2101")
        async with product.seat("marta", "2101") as seat, product.caller(NUMBER, hertz=CALLER) as call:
            leg = await seat.answer(AGENT)
            assert seat.desk.call["number"] == NUMBER
            await until_heard(call, AGENT)
            await until_heard(leg, CALLER)
            assert (await product.of_routing("health")).json() == {"asterisk": True, "database": True, "alarms": []}
            assert "onecall_journal_drained_facts_total" in (await product.of_routing("metrics")).text
            await leg.hang_up()
            await seat.desk.until_state("wrap_up")
        assert await product.stop() == 0
