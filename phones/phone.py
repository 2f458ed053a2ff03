"""A SIP phone for tests, robots and benches: real SIP and RTP over UDP, deterministic, many in one process.

    phone = await Phone.open(asterisk.sip, "2001", password)
    await phone.register()
    call = await phone.next_call()
    await call.answer()
    call.media.loop_sound(tone(440))

A phone does what it is told and nothing else: it never answers, refuses or hangs up by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import cast

from phones import PATIENCE
from phones.call import Call
from phones.sip import SipMessage, digest_answer, new_branch, new_token, tag_of

_FIRST_RESEND = 0.5
_LONGEST_RESEND = 4.0
_GIVE_UP_SECONDS = 32.0
_ANSWERED_AT_ONCE = {"OPTIONS", "NOTIFY", "INFO", "MESSAGE"}


class RegistrationRefused(Exception):
    """The server did not accept the phone; ``status`` tells why."""

    def __init__(self, status: int) -> None:
        super().__init__(f"registration refused with {status}")
        self.status = status


class Phone(asyncio.DatagramProtocol):
    """One phone on its own UDP port; ``calls`` are those in progress or just ended, by their Call-ID."""

    def __init__(self, server: tuple[str, int], user: str, password: str, *, sends_sound: bool) -> None:
        self.server = server
        self.user = user
        self.password = password
        self.sends_sound = sends_sound
        self.address = ""
        self.port = 0
        self.calls: dict[str, Call] = {}
        self.invites: list[float] = []
        """Loop time of each new INVITE that came in."""
        self._incoming: asyncio.Queue[Call] = asyncio.Queue()
        self._transport: asyncio.DatagramTransport | None = None
        self._open_requests: dict[tuple[str, str], asyncio.Queue[SipMessage]] = {}
        self._answers: dict[tuple[str, str], SipMessage] = {}
        self._register_id, self._register_count = new_token(), 0

    @classmethod
    async def open(
        cls,
        server: tuple[str, int],
        user: str,
        password: str = "",
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        sends_sound: bool = True,
    ) -> Phone:
        """A phone at ``address`` (that of the trunk makes it an outside caller); nothing is sent yet.

        With ``sends_sound`` off it sends one packet a call, which is enough for Asterisk to answer: for benches.
        """
        loop = asyncio.get_running_loop()
        _, phone = await loop.create_datagram_endpoint(
            lambda: cls(server, user, password, sends_sound=sends_sound), local_addr=(address, port)
        )
        phone.address, phone.port = phone._socket_name()
        return phone

    @property
    def place(self) -> tuple[str, int]:
        """Its address and port."""
        return self.address, self.port

    async def close(self) -> None:
        """Hang up what is still up, then give the port back."""
        for call in tuple(self.calls.values()):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(call.hang_up(), 2)
        if self._transport is not None:
            self._transport.close()

    @property
    def contact(self) -> str:
        return f"<sip:{self.user}@{self.address}:{self.port}>"

    async def register(self, expires: int = 300) -> None:
        """Register (0 seconds: unregister); raises RegistrationRefused or TimeoutError."""
        uri = f"sip:{self.server[0]}:{self.server[1]}"
        me = f"<sip:{self.user}@{self.server[0]}>"
        credentials = ""
        for _ in range(2):
            self._register_count += 1
            request = SipMessage(
                f"REGISTER {uri} SIP/2.0",
                [
                    ("Via", self.via()),
                    ("Max-Forwards", "70"),
                    ("From", f"{me};tag={self._register_id}"),
                    ("To", me),
                    ("Call-ID", self._register_id),
                    ("CSeq", f"{self._register_count} REGISTER"),
                    ("Contact", self.contact),
                    ("Expires", str(expires)),
                ],
            )
            if credentials:
                request.headers.append(("Authorization", credentials))
            answer = await self.request(request)
            if answer.status == 200:
                return
            if answer.status != 401 or credentials:
                raise RegistrationRefused(answer.status)
            credentials = self.credentials(answer, "REGISTER", uri)

    async def dial(
        self, number: str, *, caller: str | None = None, name: str = "", headers: Sequence[tuple[str, str]] = ()
    ) -> Call:
        """Send an INVITE to ``number``; await ``call.answered()`` or ``call.refused()`` for what becomes of it."""
        call = await Call.outgoing(self, number, caller=caller or self.user, name=name, headers=headers)
        self.calls[call.id] = call
        call.invite()
        return call

    async def next_call(self, timeout: float = PATIENCE) -> Call:
        """The next call that comes in; raises TimeoutError."""
        return await asyncio.wait_for(self._incoming.get(), timeout)

    # -- what calls need from their phone --

    def via(self, branch: str | None = None) -> str:
        return f"SIP/2.0/UDP {self.address}:{self.port};rport;branch={branch or new_branch()}"

    def credentials(self, challenge: SipMessage, method: str, uri: str) -> str:
        asked = challenge.get("WWW-Authenticate") or challenge.get("Proxy-Authenticate")
        return digest_answer(asked, method, uri, self.user, self.password)

    def send(self, message: SipMessage) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(message.encode(), self.server)

    def reply(self, request: SipMessage, status: int, reason: str, extra: Sequence[tuple[str, str]] = ()) -> None:
        """Answer a request without a body, and the same again if the request is repeated."""
        answer = SipMessage(f"SIP/2.0 {status} {reason}", self.answer_headers(request) + list(extra))
        self.remember(request, answer)
        self.send(answer)

    def answer_headers(self, request: SipMessage, tag: str = "") -> list[tuple[str, str]]:
        to = request.get("To")
        if tag and not tag_of(to):
            to += f";tag={tag}"
        copied = [("Via", via) for via in request.all("Via")]
        return [
            *copied,
            *(("Record-Route", route) for route in request.all("Record-Route")),
            ("From", request.get("From")),
            ("To", to),
            ("Call-ID", request.get("Call-ID")),
            ("CSeq", request.get("CSeq")),
        ]

    def remember(self, request: SipMessage, answer: SipMessage) -> None:
        """Give the same answer again if the request is repeated, for as long as SIP may repeat one."""
        key = (request.branch, request.method)
        self._answers[key] = answer

        def forget() -> None:
            if self._answers.get(key) is answer:
                del self._answers[key]

        asyncio.get_running_loop().call_later(_GIVE_UP_SECONDS, forget)

    def forget(self, call: Call) -> None:
        """The call has ended; what is repeated of it is still understood for as long as SIP may repeat it."""
        asyncio.get_running_loop().call_later(_GIVE_UP_SECONDS, self.calls.pop, call.id, None)

    async def request(self, message: SipMessage, provisional: asyncio.Queue[SipMessage] | None = None) -> SipMessage:
        """Send a request, again while unanswered, and return its final answer; raises TimeoutError."""
        key = (message.branch, message.method)
        answers: asyncio.Queue[SipMessage] = asyncio.Queue()
        self._open_requests[key] = answers
        pause, heard = _FIRST_RESEND, False
        try:
            async with asyncio.timeout(_GIVE_UP_SECONDS) as limit:
                self.send(message)
                while True:
                    try:
                        answer = await asyncio.wait_for(answers.get(), None if heard else pause)
                    except TimeoutError:
                        pause = min(pause * 2, _LONGEST_RESEND)
                        self.send(message)
                        continue
                    if answer.status >= 200:
                        return answer
                    heard = message.method == "INVITE"
                    if heard:
                        limit.reschedule(None)
                    if provisional is not None:
                        provisional.put_nowait(answer)
        finally:
            del self._open_requests[key]

    # -- socket --

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not data.strip():
            return
        message = SipMessage.parse(data)
        if message.is_request:
            self._receive_request(message)
        elif (waiting := self._open_requests.get((message.branch, message.method))) is not None:
            waiting.put_nowait(message)
        elif message.method == "INVITE" and (call := self.calls.get(message.get("Call-ID"))) is not None:
            call.repeat_ack(message)

    def _receive_request(self, request: SipMessage) -> None:
        given = self._answers.get((request.branch, request.method))
        if given is not None:
            self.send(given)
            return
        call = self.calls.get(request.get("Call-ID"))
        if call is not None:
            call.receive(request)
        elif request.method == "INVITE":
            call = Call.incoming(self, request)
            self.calls[call.id] = call
            self.invites.append(call.began)
            self._incoming.put_nowait(call)
        elif request.method in _ANSWERED_AT_ONCE:
            self.reply(request, 200, "OK")
        elif request.method != "ACK":
            self.reply(request, 481, "Call Does Not Exist")

    def _socket_name(self) -> tuple[str, int]:
        assert self._transport is not None
        return cast(tuple[str, int], self._transport.get_extra_info("sockname"))
