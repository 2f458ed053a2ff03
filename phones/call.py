"""One call of a test phone: a SIP dialog (RFC 3261) with its sound."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from phones import PATIENCE
from phones.media import Media
from phones.sip import (
    SipMessage,
    new_branch,
    new_token,
    sdp_audio_address,
    sdp_body,
    sdp_direction,
    uri_of,
)

if TYPE_CHECKING:
    from phones.phone import Phone

_REASONS = {180: "Ringing", 200: "OK", 480: "Temporarily Unavailable", 486: "Busy Here", 603: "Decline"}


class CallRefused(Exception):
    """The other side did not take the call; ``status`` is its SIP answer."""

    def __init__(self, status: int) -> None:
        super().__init__(f"call refused with {status}")
        self.status = status


class Call:
    """A call from its INVITE to its end. ``ended`` becomes how it ended: local, remote, cancelled, refused."""

    def __init__(self, phone: Phone, call_id: str) -> None:
        loop = asyncio.get_running_loop()
        self.phone = phone
        self.id = call_id
        self.began = loop.time()
        """Loop time at which the INVITE was sent or came in."""
        self.ended: asyncio.Future[str] = loop.create_future()
        self.ended_at: float | None = None
        self.ringing = asyncio.Event()
        self.is_up = False
        self.on_hold_by_peer = False
        self.request: SipMessage
        """The INVITE that began it: custom headers of the caller are in here."""
        self._dialled = False
        self._media: Media | None = None
        self._outcome: asyncio.Future[None] = loop.create_future()
        self._outcome.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._tasks: set[asyncio.Task[Any]] = set()
        self._acknowledged = asyncio.Event()
        self._local = self._remote = self._target = ""
        self._cseq = 0
        self._sdp_version = 1
        self._last_ack: SipMessage | None = None
        self._remote_media: tuple[str, int] | None = None

    # -- beginning --

    @classmethod
    async def outgoing(
        cls, phone: Phone, number: str, *, caller: str, name: str, headers: Sequence[tuple[str, str]]
    ) -> Call:
        """A call that ``invite`` will send."""
        call = cls(phone, new_token())
        call._dialled = True
        call._media = await Media.open(phone.address, sends=phone.sends_sound)
        call._target = f"sip:{number}@{phone.server[0]}:{phone.server[1]}"
        call._local = f'"{name}" <sip:{caller}@{phone.address}>;tag={new_token()}'
        call._remote = f"<{call._target}>"
        call.request = call._request("INVITE", call._sdp())
        call.request.headers.extend(headers)
        return call

    @classmethod
    def incoming(cls, phone: Phone, request: SipMessage) -> Call:
        """A call that has just come in; it is neither answered nor refused until told so."""
        call = cls(phone, request.get("Call-ID"))
        call.request = request
        call._local = f"{request.get('To')};tag={new_token()}"
        call._remote = request.get("From")
        call._target = uri_of(request.get("Contact"))
        call._remote_media = sdp_audio_address(request.body)
        call._answer(request, 100, "Trying")
        return call

    def invite(self) -> None:
        """Send the INVITE; the answer is awaited in the background."""
        self.began = asyncio.get_running_loop().time()
        self._run(self._follow_invite())

    async def answered(self, timeout: float = PATIENCE) -> Call:
        """Wait until the call is up; raises CallRefused or TimeoutError."""
        await asyncio.wait_for(asyncio.shield(self._outcome), timeout)
        return self

    async def refused(self, timeout: float = PATIENCE) -> int:
        """Wait for a refusal and return its status; raises AssertionError when the call is answered instead."""
        try:
            await self.answered(timeout)
        except CallRefused as refusal:
            return refusal.status
        raise AssertionError("the call was answered, not refused")

    # -- what the one who is called does --

    def ring(self) -> None:
        self._answer(self.request, 180, "Ringing")

    async def answer(self, timeout: float = PATIENCE) -> Call:
        """Take the call; returns when the other side has acknowledged it."""
        self._media = await Media.open(self.phone.address, sends=self.phone.sends_sound)
        answer = SipMessage("SIP/2.0 200 OK", self._answer_headers(self.request), self._sdp())
        answer.headers += [("Contact", self.phone.contact), ("Content-Type", "application/sdp")]
        self._up()
        await self._until_acknowledged(answer, timeout)
        return self

    def refuse(self, status: int = 486) -> None:
        """Refuse with 486 busy, 603 decline, 480 unavailable or another status."""
        self._answer(self.request, status, _REASONS.get(status, "Refused"))
        self._end("refused", CallRefused(status))

    # -- during the call --

    @property
    def media_address(self) -> tuple[str, int]:
        """Where the other side wants sound to be sent, once it has said so."""
        assert self._remote_media is not None, "the other side has told no address yet"
        return self._remote_media

    @property
    def media(self) -> Media:
        """The sound of an answered (or dialled) call."""
        assert self._media is not None, "the call has no sound before it is answered"
        return self._media

    def header(self, name: str) -> str:
        """A header of the INVITE that began the call."""
        return self.request.get(name)

    async def hold(self) -> None:
        """Say by re-INVITE that this side only sends, as a desk phone's hold key does."""
        await self._reinvite("sendonly")

    async def resume(self) -> None:
        await self._reinvite("sendrecv")

    async def refer(self, number: str) -> int:
        """Ask the server to send the other side elsewhere (blind transfer); returns the status it answers."""
        request = self._request("REFER")
        request.headers.append(("Refer-To", f"<sip:{number}@{self.phone.server[0]}>"))
        return (await self.phone.request(request)).status

    async def hang_up(self) -> None:
        """End it, whatever it has come to: BYE, CANCEL, or a refusal; returns when the other side knows."""
        if self.ended.done():
            return
        if self.is_up:
            self._end("local")
            await self.phone.request(self._request("BYE"))
        elif self._dialled:
            await self._cancel()
        else:
            self.refuse(480)

    async def wait_until_ended(self, timeout: float = PATIENCE) -> str:
        """How the call ended, once it has; raises TimeoutError."""
        return await asyncio.wait_for(asyncio.shield(self.ended), timeout)

    # -- what the phone hands in --

    def receive(self, request: SipMessage) -> None:
        """A request inside this dialog."""
        if request.method == "ACK":
            self._acknowledged.set()
        elif request.method == "BYE":
            self.phone.reply(request, 200, "OK")
            self._end("remote")
        elif request.method == "CANCEL":
            self.phone.reply(request, 200, "OK")
            self._answer(self.request, 487, "Request Terminated")
            self._end("cancelled", CallRefused(487))
        elif request.method in ("INVITE", "UPDATE") and request.body:
            self._accept_change(request)
        elif request.method == "NOTIFY" and request.get("Event") == "talk":
            # The server presses the answer key, as desk phones of the trade let it.
            self.phone.reply(request, 200, "OK")
            self._run(self.answer())
        else:
            self.phone.reply(request, 200, "OK")

    def repeat_ack(self, answer: SipMessage) -> None:
        """Our ACK was lost: the other side repeats its answer."""
        if self._last_ack is not None and answer.status == 200:
            self.phone.send(self._last_ack)

    # -- inside --

    async def _follow_invite(self) -> None:
        provisional: asyncio.Queue[SipMessage] = asyncio.Queue()
        self._run(self._follow_ringing(provisional))
        answer = await self.phone.request(self.request, provisional)
        if answer.status in (401, 407) and self.phone.password and not self.request.get("Authorization"):
            self._ack(answer)
            self._cseq += 1
            credentials = self.phone.credentials(answer, "INVITE", self._target)
            self.request = self._request("INVITE", self._sdp())
            name = "Authorization" if answer.status == 401 else "Proxy-Authorization"
            self.request.headers.append((name, credentials))
            answer = await self.phone.request(self.request, provisional)
        if answer.status >= 300:
            self._ack(answer)
            self._end("refused", CallRefused(answer.status))
            return
        self._remote = answer.get("To")
        self._target = uri_of(answer.get("Contact"))
        self._ack(answer)
        self._remote_media = sdp_audio_address(answer.body)
        if not self.ended.done():
            self._up()

    async def _follow_ringing(self, provisional: asyncio.Queue[SipMessage]) -> None:
        while (await provisional.get()).status not in (180, 183):
            pass
        self.ringing.set()

    async def _reinvite(self, direction: str) -> None:
        self._sdp_version += 1
        answer = await self.phone.request(self._request("INVITE", self._sdp(direction)))
        self._ack(answer)
        if answer.status >= 300:
            raise CallRefused(answer.status)

    async def _cancel(self) -> None:
        cancel = SipMessage(f"CANCEL {self._target} SIP/2.0", list(self.request.headers))
        kept = {"via", "max-forwards", "from", "to", "call-id"}
        cancel.headers = [pair for pair in cancel.headers if pair[0].lower() in kept]
        cancel.headers.append(("CSeq", f"{self.request.cseq} CANCEL"))
        await self.phone.request(cancel)
        with contextlib.suppress(CallRefused):
            await self.answered()
            await self.hang_up()

    def _accept_change(self, request: SipMessage) -> None:
        """The other side moves its sound, or puts us on hold."""
        self._remote_media = sdp_audio_address(request.body) or self._remote_media
        self.on_hold_by_peer = sdp_direction(request.body) in ("sendonly", "inactive")
        if self._remote_media is not None and self._media is not None:
            self._media.start(self._remote_media)
        answer = SipMessage("SIP/2.0 200 OK", self._answer_headers(request), self._sdp())
        answer.headers += [("Contact", self.phone.contact), ("Content-Type", "application/sdp")]
        self.phone.remember(request, answer)
        self.phone.send(answer)

    async def _until_acknowledged(self, answer: SipMessage, timeout: float) -> None:
        self.phone.remember(self.request, answer)
        async with asyncio.timeout(timeout):
            while not self._acknowledged.is_set() and not self.ended.done():
                self.phone.send(answer)
                try:
                    await asyncio.wait_for(self._acknowledged.wait(), 0.5)
                except TimeoutError:
                    continue

    def _up(self) -> None:
        self.is_up = True
        if self._media is not None and self._remote_media is not None:
            self._media.start(self._remote_media)
        if not self._outcome.done():
            self._outcome.set_result(None)

    def _end(self, how: str, refusal: CallRefused | None = None) -> None:
        if self.ended.done():
            return
        self.is_up = False
        self.ended_at = asyncio.get_running_loop().time()
        self.ended.set_result(how)
        self.phone.forget(self)
        if not self._outcome.done():
            self._outcome.set_exception(refusal or CallRefused(0))
        if self._media is not None:
            self._media.close()
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()

    def _ack(self, answer: SipMessage) -> None:
        refused = answer.status >= 300
        branch = answer.branch if refused else new_branch()
        target = self._target if refused or not answer.get("Contact") else uri_of(answer.get("Contact"))
        ack = SipMessage(
            f"ACK {target} SIP/2.0",
            [
                ("Via", self.phone.via(branch)),
                ("Max-Forwards", "70"),
                ("From", self._local),
                ("To", answer.get("To")),
                ("Call-ID", self.id),
                ("CSeq", f"{answer.cseq} ACK"),
            ],
        )
        self._last_ack = ack
        self.phone.send(ack)

    def _request(self, method: str, body: str = "") -> SipMessage:
        self._cseq += 1
        headers = [
            ("Via", self.phone.via()),
            ("Max-Forwards", "70"),
            ("From", self._local),
            ("To", self._remote),
            ("Call-ID", self.id),
            ("CSeq", f"{self._cseq} {method}"),
            ("Contact", self.phone.contact),
        ]
        if body:
            headers.append(("Content-Type", "application/sdp"))
        return SipMessage(f"{method} {self._target} SIP/2.0", headers, body)

    def _answer(self, request: SipMessage, status: int, reason: str) -> None:
        answer = SipMessage(f"SIP/2.0 {status} {reason}", self._answer_headers(request, tagged=status != 100))
        answer.headers.append(("Contact", self.phone.contact))
        self.phone.remember(request, answer)
        self.phone.send(answer)

    def _answer_headers(self, request: SipMessage, *, tagged: bool = True) -> list[tuple[str, str]]:
        return self.phone.answer_headers(request, self._local.rpartition("tag=")[2] if tagged else "")

    def _sdp(self, direction: str = "sendrecv") -> str:
        return sdp_body(self.phone.address, self.media.port, self._sdp_version, direction)

    def _run(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
