"""`make demo`: callers who call by themselves and agents who answer, on the same phones that the tests use.

They are ordinary SIP phones outside of Asterisk; robot agents say ready and close tickets by the same commands and
services as people do. The random choices are only theirs.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Sequence
from functools import partial
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from acd.model import Agent
from core.bus import Bus
from core.clock import SystemClock
from core.db import Database
from core.errors import Invalid, OneCallError, Unavailable
from core.log import get_logger
from ivr.speech import synthesise
from onecall import demo
from onecall.background import Background, Well
from onecall.settings import Settings
from phones.audio import from_wav
from phones.call import Call, CallRefused
from phones.phone import Phone
from tickets import outcome
from tickets.model import Customer, CustomerNumber, RecallCause, Topic
from tickets.unit import Actor, Tickets

_log = get_logger(__name__)
_CALLERS = 7
_CALLER_ADDRESS = "127.0.1.1"
_KEYS: dict[str, tuple[tuple[str, ...], ...]] = {
    demo.MOBILE_NUMBER: (("1",), ("2", "2"), ("4",)),
    demo.ENERGY_NUMBER: (("1",),),
}
"""What callers of each number choose in its menus."""
_NOTICE_SECONDS = (11.0, 17.0)
"""When they choose: after the notice about recording, in which nobody listens for keys."""
_SENTENCES = {
    "caller": "Buongiorno, chiamo per la mia linea: ieri mi avevano detto che oggi avrebbe funzionato.",
    "agent": "Buongiorno, sono qui per aiutarla. Controllo subito la sua pratica e le dico.",
}


def check_demo(settings: Settings) -> None:
    """Raises Invalid, with the remedy, for settings under which nothing would move."""
    if not settings.demo:
        raise Invalid(
            "The demo needs the demo company, and ONECALL_DEMO is false.",
            "Unset ONECALL_DEMO, and ONECALL_STATE too if another company is there.",
        )
    networks = [ip_network(part.strip(), strict=False) for part in settings.trunk_addresses.split(",") if part.strip()]
    if not any(ip_address(_CALLER_ADDRESS) in network for network in networks):
        raise Invalid(
            f"The demo's callers call from {_CALLER_ADDRESS}, which is not among "
            f"ONECALL_TRUNK_ADDRESSES={settings.trunk_addresses}.",
            f"Add {_CALLER_ADDRESS} there.",
        )


@contextlib.asynccontextmanager
async def moving(settings: Settings, bus: Bus, database: Database) -> AsyncIterator[None]:
    """While inside, calls come and robot agents answer them. Raises Unavailable when the company is another one."""
    crowd = _Crowd(settings, bus, database)
    await crowd.prepare()
    # One that fails is logged by its name and begins again; an alarm would be for people who run a company.
    robots = Background(lambda _work, _why: None)
    for extension in demo.ROBOTS:
        robots.keep(f"robot agent {extension}", partial(crowd.agent, extension))
    for place in range(_CALLERS):
        robots.keep(f"demo caller {place + 1}", partial(crowd.caller, place))
    print(f"  Demo: {len(demo.ROBOTS)} robot agents and {_CALLERS} callers are at work.", flush=True)
    try:
        yield
    finally:
        await robots.stop()


class _Crowd:
    def __init__(self, settings: Settings, bus: Bus, database: Database) -> None:
        self._settings = settings
        self._bus = bus
        self._database = database
        self._tickets = Tickets(database, bus, SystemClock())
        self._server = (settings.host if settings.host != "0.0.0.0" else "127.0.0.1", settings.sip_port)
        self._chance = random.Random()
        self._voices: dict[str, bytes] = {}
        self._customers: list[tuple[str, str]] = []

    async def prepare(self) -> None:
        """Voices, and the customers: their numbers, and the number that each of them dials. Raises Unavailable."""
        folder = self._settings.state / "demo"
        for who, text in _SENTENCES.items():
            file = folder / f"{who}.wav"
            if not file.is_file():
                await asyncio.to_thread(_speak, text, file)
            self._voices[who] = await asyncio.to_thread(from_wav, file)
        async with self._database.reading() as session:
            known = select(CustomerNumber.number, Customer.programme_id).join(
                Customer, CustomerNumber.customer_id == Customer.id
            )
            self._customers = [
                (number, demo.ENERGY_NUMBER if programme == "p-energy" else demo.MOBILE_NUMBER)
                for number, programme in await session.execute(known)
            ]
            seats = await session.scalar(select(func.count()).where(Agent.extension.in_(demo.ROBOTS)))
        if not seats:
            raise Unavailable(
                "The demo's agents are not in this database: another company is.",
                "Set ONECALL_STATE to a new folder, and unset ONECALL_DATABASE_URL.",
            )

    # --- agents ---------------------------------------------------------------------------------------------------

    async def agent(self, extension: str, well: Well) -> None:
        """Sign in, answer, talk, close the ticket, and again."""
        agent_id = f"a-{extension}"
        async with self._database.reading() as session:
            secret = await session.scalar(select(Agent.phone_secret).where(Agent.id == agent_id))
        phone = await Phone.open(self._server, extension, secret or "")
        try:
            while True:
                await phone.register()
                await self._until_ready(agent_id)
                well()
                with contextlib.suppress(TimeoutError, CallRefused):
                    await self._one_talk(agent_id, await phone.next_call(20))
        finally:
            await phone.close()

    async def _until_ready(self, agent_id: str) -> None:
        for _ in range(40):
            desk = await self._ask("desk.get", agent_id)
            state = desk["agent"]["state"] if desk else None
            if state in {"ready", "ringing", "talking"}:
                return
            if state == "signed_out":
                await self._ask("agent.sign_in", agent_id)
            elif state == "wrap_up":
                await self._close_ticket(agent_id, desk)
            await self._ask("agent.ready", agent_id)
            await asyncio.sleep(0.25)
        _log.warning("a robot could not become ready", agent_id=agent_id, state=state)

    async def _one_talk(self, agent_id: str, call: Call) -> None:
        await asyncio.sleep(self._chance.uniform(0.5, 3.0))
        await call.answer()
        call.media.loop_sound(self._voices["agent"])
        seconds = min(180.0, self._chance.lognormvariate(3.4, 0.6))
        with contextlib.suppress(TimeoutError):
            await call.wait_until_ended(seconds)
        if not call.ended.done():
            await call.hang_up()
        await asyncio.sleep(self._chance.uniform(3.0, 12.0))

    async def _close_ticket(self, agent_id: str, desk: dict[str, Any]) -> None:
        call = desk.get("call")
        if not isinstance(call, dict) or not call.get("ticket_id"):
            return
        async with self._database.reading() as session:
            of_programme = Topic.programme_id == call["programme"]["id"]
            topics = list(await session.scalars(select(Topic.id).where(of_programme, Topic.parent_id.is_not(None))))
            causes = list(await session.scalars(select(RecallCause.id)))
        if topics:
            await self._save_outcome(agent_id, desk, topics, causes if call.get("recall") else [])
        await self._ask("wrap_up.end", agent_id, then="ready")

    async def _save_outcome(
        self, agent_id: str, desk: dict[str, Any], topics: Sequence[str], causes: Sequence[str]
    ) -> None:
        call, agent = desk["call"], desk["agent"]
        actor = Actor(agent_id, str(agent["name"]))
        kind = self._chance.choices(["resolved", "hand_over"], [0.8, 0.2])[0]
        decided = outcome.Outcome(
            "hand_over" if kind == "hand_over" else "resolved",
            self._chance.choice(topics),
            cause_id=self._chance.choice(causes) if causes else None,
            reason="Verificare con il reparto tecnico" if kind == "hand_over" else None,
        )
        try:
            async with self._tickets.unit(actor) as unit:
                await outcome.save(unit, str(call["ticket_id"]), str(call["interaction_id"]), decided)
        except OneCallError as error:
            _log.info("a robot could not close its ticket", agent_id=agent_id, why=str(error))

    async def _ask(self, command: str, agent_id: str, **more: object) -> dict[str, Any]:
        try:
            return dict(await self._bus.request("acd", {"cmd": command, "agent_id": agent_id, **more}))
        except OneCallError as error:
            _log.debug("a robot was refused", command=command, agent_id=agent_id, why=str(error))
            return {}

    # --- callers --------------------------------------------------------------------------------------------------

    async def caller(self, place: int, well: Well) -> None:
        """Call, choose, wait as long as patience lasts, talk, and after a while call again."""
        await asyncio.sleep(place * 1.5)
        while True:
            known = self._customers and self._chance.random() < 0.7
            stranger = f"+39347{self._chance.randrange(10**6, 10**7)}", demo.MOBILE_NUMBER
            number, dialled = self._chance.choice(self._customers) if known else stranger
            phone = await Phone.open(self._server, number, address=_CALLER_ADDRESS)
            try:
                await self._one_call(phone, dialled)
                well()
            except (TimeoutError, CallRefused, OSError) as error:
                _log.info("a demo call came to nothing", why=repr(error))
            finally:
                await phone.close()
            await asyncio.sleep(self._chance.uniform(2.0, 15.0))

    async def _one_call(self, phone: Phone, dialled: str) -> None:
        call = await phone.dial(dialled)
        await call.answered()
        await asyncio.sleep(self._chance.uniform(*_NOTICE_SECONDS))
        for key in self._chance.choice(_KEYS[dialled]):
            await call.media.dial_digits(key)
            await asyncio.sleep(3.0)
        call.media.loop_sound(self._voices["caller"])
        with contextlib.suppress(TimeoutError):
            await call.wait_until_ended(self._chance.expovariate(1 / 240) + 20)
        if not call.ended.done():
            await call.hang_up()


def _speak(text: str, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    synthesise(text, "it", file)
