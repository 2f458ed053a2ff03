"""The IVR as one thing to start and stop: server, prompts and spools."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from core.clock import Clock
from core.journal import Alarm, no_alarm
from core.log import get_logger
from ivr import messages as left
from ivr.fastagi import FastAgiServer, Limits
from ivr.ports import CallBacks, Callers, Facts, Flows, Messages, QueueInfo, Transfers
from ivr.prompts import SYSTEM_TEXTS, PromptStore, Texts
from ivr.reception import Reception
from ivr.spool import Spool, Take
from ivr.survivors import take_survivor
from ivr.talk import Kit

_log = get_logger(__name__)
_SURVIVAL_PROMPTS = {f"survival_{name}": name for name in ("apology", "invalid", "taken", "sorry")}
"""Prompts that the survival script plays, and the file names by which it knows them."""


@dataclass(frozen=True, slots=True)
class IvrSettings:
    """Where the IVR listens and keeps its files.

    `folder` holds what it makes (prompts, voicemail, spools); `recorded` the prompts that people recorded;
    `survival_spool` is where Asterisk's survival script writes, `further_spools` where those of further nodes do.
    `seen_as`: how Asterisk calls `folder`, if differently.
    """

    folder: Path
    survival_spool: Path
    recorded: Path
    host: str = "127.0.0.1"
    port: int = 0
    further_spools: tuple[Path, ...] = ()
    seen_as: str | None = None
    spool_seconds: float = 5.0
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class IvrPorts:
    """The rooms the IVR asks and tells."""

    facts: Facts
    flows: Flows
    callers: Callers
    queues: QueueInfo
    transfers: Transfers
    messages: Messages
    call_backs: CallBacks
    alarm: Alarm = no_alarm


class IvrService:
    """Everything of the IVR that runs."""

    def __init__(self, settings: IvrSettings, ports: IvrPorts, clock: Clock) -> None:
        seen_as = settings.seen_as or str(settings.folder)
        voicemail = settings.folder / "voicemail"
        voicemail.mkdir(parents=True, exist_ok=True)
        spool = settings.folder / "spool"
        self._settings = settings
        self._voicemails = Spool(spool / "voicemail", left.take_voicemail(ports.messages, voicemail))
        self._call_backs = Spool(spool / "call-back", left.take_call_back(ports.call_backs))
        take = take_survivor(ports.call_backs, ports.flows)
        further = [_further_spool(folder, take) for folder in settings.further_spools]
        self._survivors = [Spool(settings.survival_spool, take), *filter(None, further)]
        self.prompts = PromptStore(
            settings.folder / "prompts",
            settings.recorded,
            Texts.read(SYSTEM_TEXTS),
            seen_as=f"{seen_as}/prompts",
        )
        kit = Kit(
            facts=ports.facts,
            clock=clock,
            prompts=self.prompts,
            callers=ports.callers,
            queues=ports.queues,
            transfers=ports.transfers,
            voicemails=self._voicemails,
            call_backs=self._call_backs,
            voicemail_folder=voicemail,
            voicemail_seen_as=f"{seen_as}/voicemail",
            alarm=ports.alarm,
        )
        self._making: asyncio.Task[None] | None = None
        reception = Reception(kit, ports.flows)
        self._server = FastAgiServer(reception.serve, settings.host, settings.port, settings.limits)

    @property
    def port(self) -> int:
        """The port Asterisk connects to."""
        return self._server.port

    @property
    def calls(self) -> int:
        """Calls in the IVR now."""
        return self._server.calls

    async def start(self) -> None:
        """Take calls, bring in what was spooled meanwhile, make the prompts that are missing."""
        await self._server.start()
        for spool in (self._voicemails, self._call_backs, *self._survivors):
            await spool.start(self._settings.spool_seconds)
        self._making = asyncio.get_running_loop().create_task(self._make_prompts())

    async def _make_prompts(self) -> None:
        """Those of the survival script first: they must be there when we are not."""
        for spool in self._survivors:
            try:
                await self.prompts.export(_SURVIVAL_PROMPTS, spool.folder / "prompts")
            except OSError as error:
                _log.error("the survival script's prompts cannot be written; it uses Asterisk's own", error=str(error))
        await self.prompts.warm()

    async def stop(self) -> None:
        """Let go of all calls (each falls to survival) and stop."""
        await self._server.close()
        for spool in (self._voicemails, self._call_backs, *self._survivors):
            await spool.stop()
        if self._making is not None:
            self._making.cancel()
            await asyncio.gather(self._making, return_exceptions=True)
        await self.prompts.close()


def _further_spool(folder: Path, take: Take) -> Spool | None:
    """The spool of another machine's Asterisk, which may be away: what is in it is then taken after the next start."""
    try:
        return Spool(folder, take)
    except OSError as error:
        _log.error("a node's survival records cannot be reached", folder=str(folder), error=str(error))
        return None
