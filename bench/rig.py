"""One Asterisk with its own queue and ours side by side, real phones, and OneCall's routing process beside it.

The routing process is the product's own (`onecall acd`, joined by Redis); phones are real SIP over UDP. A caller of
number 1… goes to app_queue, of number 2… to OneCall's waiting place.
"""

import asyncio
import contextlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from acd.model import Agent, AgentQueue, Programme, Queue
from bench.wire import Capture
from core.bus import RedisBus
from core.db import Database
from core.errors import OneCallError
from core.migrate import upgrade
from onecall.asterisk_config import TEMPLATES
from phones.call import Call, CallRefused
from phones.phone import Phone
from tests.e2e.harness.server import REPOSITORY, TestAsterisk
from tests.ports import free_ports, sound_ports

PEER, OURS = "1", "2"
_CALLERS = "127.0.2.1"
_FIRST_EXTENSION = 3000
_PROMPTS = REPOSITORY / ".state" / "bench" / "prompts"
_WARM_UP = 30
_SOUND_PORTS = 4000
"""Two a channel, and a channel of the caller goes on for a second after the talk: 400 are too few at 40 calls/s."""


class Rig:
    """Everything that a bench needs, running. `talk`: seconds each agent talks before hanging up."""

    def __init__(self, folder: Path, agents: int, talk: float) -> None:
        self.folder = folder
        self.talk = talk
        rtp_first, rtp_last = sound_ports(_SOUND_PORTS)
        self.asterisk = TestAsterisk(folder / "a", peer_queue=True, rtp_first=rtp_first, rtp_last=rtp_last)
        self.extensions = [str(_FIRST_EXTENSION + number) for number in range(agents)]
        self.phones: list[Phone] = []
        self.acd_pid = 0
        self._stack = contextlib.AsyncExitStack()
        self._bus: RedisBus
        self._next_caller = 0
        self._draw = random.Random(7)

    async def start(self) -> None:
        """Start Asterisk, Redis, the routing process and the agents' phones."""
        settings = self.asterisk.settings
        (redis_port,) = free_ports(1)
        state = self.folder / "state"
        state.mkdir(parents=True)
        environment = {
            **os.environ,
            "ONECALL_STATE": str(state),
            "ONECALL_DEMO": "false",
            "ONECALL_REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
            "ONECALL_AMI_PORT": str(settings.manager_port),
            "ONECALL_AMI_SECRET": settings.manager_secret,
            "ONECALL_AGI_PORT": str(settings.agi_port),
            "ONECALL_ASTERISK_HOME": str(settings.instance),
            "ONECALL_RECORDINGS": str(settings.recordings),
            "ONECALL_LOG_LEVEL": "WARNING",
        }
        await asyncio.to_thread(self._bring_prompts, state)
        await self._configure(f"sqlite+aiosqlite:///{state / 'onecall.db'}")
        self._spawn(["redis-server", "--port", str(redis_port), "--bind", "127.0.0.1", "--save", ""], environment)
        await self.asterisk.start()
        self._stack.push_async_callback(self.asterisk.stop)
        acd = self._spawn([sys.executable, "-m", "onecall", "acd"], environment)
        self.acd_pid = acd.pid
        self._bus = RedisBus(f"redis://127.0.0.1:{redis_port}/0")
        self._stack.push_async_callback(self._bus.close)
        await self._until_up(acd)
        await self._until_prompts_are_made()
        async with self.asterisk.manager() as manager:
            await manager.reload_phones()
        for extension in self.extensions:
            phone = await Phone.open(self.asterisk.sip, extension, f"secret-of-{extension}", sends_sound=False)
            await phone.register(3600)
            self.phones.append(phone)
            self._stack.push_async_callback(phone.close)

    async def stop(self) -> None:
        """Stop all of it."""
        await self._stack.aclose()

    def _bring_prompts(self, state: Path) -> None:
        """The IVR's prompts of an earlier run: their making is no part of any measurement."""
        if _PROMPTS.is_dir():
            shutil.copytree(_PROMPTS, state / "ivr" / "prompts")

    async def _until_prompts_are_made(self) -> None:
        """The first run on a machine waits for them once, and keeps them for the next."""
        made = self.folder / "state" / "ivr" / "prompts"
        count, still = -1, 0
        while still < 3:
            now = len(list(made.glob("*/*.wav")))
            count, still = now, still + 1 if now == count else 0
            await asyncio.sleep(0.5)
        await asyncio.to_thread(shutil.copytree, made, _PROMPTS, dirs_exist_ok=True)

    def _spawn(self, command: list[str], environment: dict[str, str]) -> "subprocess.Popen[bytes]":
        log = (self.folder / f"{Path(command[0]).name}.log").open("ab")
        process = subprocess.Popen(command, env=environment, cwd=REPOSITORY, stdout=log, stderr=log)

        def end() -> None:
            process.terminate()
            process.wait(15)

        self._stack.callback(end)
        return process

    async def _configure(self, url: str) -> None:
        await upgrade(url)
        database = Database(url)
        async with database.session() as session:
            session.add_all([Programme(id="bench", name="Bench")])
            await session.flush()
            plan = {"wrap_up": {"mode": "none"}, "ring_timeout": 20}
            session.add(Queue(id="bench", programme_id="bench", name="Bench", plan=plan))
            await session.flush()
            session.add_all(
                Agent(
                    id=f"a-{extension}",
                    name=f"Agent {extension}",
                    extension=extension,
                    phone_kind="sip",
                    phone_secret=f"secret-of-{extension}",
                    queues=[AgentQueue(queue_id="bench")],
                )
                for extension in self.extensions
            )
        await database.close()

    async def _until_up(self, acd: "subprocess.Popen[bytes]") -> None:
        async with asyncio.timeout(30):
            while True:
                if acd.poll() is not None:
                    raise RuntimeError(f"onecall acd ended: {(self.folder / 'python.log').read_text()[-2000:]}")
                with contextlib.suppress(OneCallError):
                    if (await self._bus.request("acd", {"cmd": "health"}, 0.5))["asterisk"]:
                        return
                await asyncio.sleep(0.05)

    # --- who takes calls --------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def staffed(self, system: str, take: Callable[[Phone], Awaitable[None]] | None = None) -> AsyncIterator[None]:
        """All agents take calls of `system` (PEER or OURS) while inside, by `take` (else: answer, talk, hang up)."""
        if system == PEER:
            await self._members([f"PJSIP/{extension}" for extension in self.extensions])
        else:
            await self._say("agent.sign_in")
            await self._say("agent.ready")
        answering = [asyncio.ensure_future((take or self._answer)(phone)) for phone in self.phones]
        try:
            yield
        finally:
            for task in answering:
                task.cancel()
            await asyncio.gather(*answering, return_exceptions=True)
            if system == PEER:
                await self._members([])
            else:
                await self._say("agent.sign_out")

    async def _members(self, members: list[str]) -> None:
        """app_queue's queue has these members from now on, and no others."""
        asterisk = self.asterisk.instance
        told = (TEMPLATES / "queues.conf").read_text() + "".join(f"member => {member}\n" for member in members)
        (self.asterisk.settings.etc / "queues.conf").write_text(told)
        await asyncio.to_thread(asterisk.command_line, "queue reload all")
        there = await asyncio.to_thread(asterisk.command_line, "queue show peer")
        if there.partition("Callers")[0].count("PJSIP/") != len(members):
            raise RuntimeError(f"app_queue has other members than it should: {there[-2000:]}")

    async def _say(self, command: str) -> None:
        for extension in self.extensions:
            for _ in range(100):
                try:
                    await self._bus.request("acd", {"cmd": command, "agent_id": f"a-{extension}"})
                    break
                except OneCallError:
                    await asyncio.sleep(0.05)  # the phone's registration, or its last call's end, is on its way
            else:
                raise RuntimeError(f"{command} was refused for {extension}")

    async def _answer(self, phone: Phone) -> None:
        while True:
            with contextlib.suppress(TimeoutError, CallRefused):
                call = await phone.next_call(3600)
                await call.answer()
                with contextlib.suppress(TimeoutError):
                    await call.wait_until_ended(self.talk * self._draw.uniform(0.8, 1.2))
                if not call.ended.done():
                    await call.hang_up()

    # --- callers ----------------------------------------------------------------------------------------------

    async def load(self, system: str, arrivals: list[float], patience: float) -> int:
        """Callers at these moments (seconds from now), each for at most `patience`; returns how many there were."""
        loop = asyncio.get_running_loop()
        began, talks = loop.time(), []
        for moment in arrivals:
            await asyncio.sleep(max(0.0, began + moment - loop.time()))
            talks.append(loop.create_task(self._call(system, patience)))
        await asyncio.gather(*talks)
        return len(talks)

    async def warm_up(self, system: str) -> None:
        """A few calls that nobody counts: both systems have caches to fill."""
        await self.load(system, [number * 0.05 for number in range(_WARM_UP)], 60)

    async def _call(self, system: str, patience: float) -> None:
        async with self.caller(system) as phone:
            with contextlib.suppress(TimeoutError, CallRefused):  # what became of it is read off the wire
                call: Call = await phone.dial(f"{system}00")
                await call.answered(20)
                await call.wait_until_ended(patience)

    @contextlib.asynccontextmanager
    async def caller(self, system: str) -> AsyncIterator[Phone]:
        """The next caller of that system, with a number of its own."""
        self._next_caller += 1
        number = f"39{system}{self._next_caller:07d}"
        phone = await Phone.open(self.asterisk.sip, number, address=_CALLERS, sends_sound=False)
        try:
            yield phone
        finally:
            await phone.close()


@contextlib.asynccontextmanager
async def rig(agents: int, talk: float) -> AsyncIterator[Rig]:
    """A rig that runs while inside."""
    with tempfile.TemporaryDirectory(prefix="oc-bench-") as folder:
        made = Rig(Path(folder), agents, talk)
        try:
            await made.start()
            yield made
        finally:
            await made.stop()


def capture(made: Rig, name: str) -> Capture:
    """A capture of the rig's SIP port."""
    return Capture(made.asterisk.settings.sip_port, made.folder / f"{name}.pcap")
