"""Sound of one call: an RTP socket, what it sends and what it hears (RFC 3550, RFC 4733)."""

from __future__ import annotations

import asyncio
import itertools
import random
import struct
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import ClassVar, cast

from phones import PATIENCE
from phones.audio import RATE, SAMPLES_PER_PACKET, SILENCE, level_at, loudness

PACKET_SECONDS = 0.02
_EVENT_PAYLOAD = 101
_DIGITS = "0123456789*#ABCD"
_LOUD, _FAINT = 2000, 1000
"""Amplitudes at which a tone is clearly there, and clearly not."""
_WINDOW = RATE // 10
_STAMPS = 1 << 32


class MediaClock:
    """One 20 ms clock for all phones of a loop: fifty phones cost one timer, not fifty."""

    _of_loop: ClassVar[dict[asyncio.AbstractEventLoop, MediaClock]] = {}

    def __init__(self) -> None:
        self._streams: set[Media] = set()
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def running(cls) -> MediaClock:
        """The clock of the running loop."""
        return cls._of_loop.setdefault(asyncio.get_running_loop(), cls())

    def add(self, stream: Media) -> None:
        self._streams.add(stream)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._tick())

    def remove(self, stream: Media) -> None:
        self._streams.discard(stream)

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while self._streams:
            for stream in tuple(self._streams):
                stream.send_next()
            # A loop that was held up catches up a little, then lets the lost time go.
            due = max(due + PACKET_SECONDS, loop.time() - 5 * PACKET_SECONDS)
            await asyncio.sleep(max(due - loop.time(), 0))
        self._of_loop.pop(loop, None)


class Media(asyncio.DatagramProtocol):
    """Sends one sound (a loop, a clip or silence) and keeps everything that it hears, in mu-law."""

    def __init__(self, *, sends: bool = True) -> None:
        self.heard = bytearray()
        """Sound heard since the start; silence where the sender's time stamps say that nothing was sent."""
        self.digits = ""
        """Keys received by RFC 4733."""
        self.packets = 0
        self._sends = sends
        self._remote: tuple[str, int] | None = None
        self._loop_sound: itertools.cycle[bytes] | None = None
        self._clip: deque[bytes] = deque()
        self._clip_done: asyncio.Future[None] | None = None
        self._events: deque[bytes] = deque()
        self._sequence = random.randrange(1 << 15)
        self._stamp = random.randrange(1 << 30)
        self._ssrc = random.randrange(1 << 32)
        self._source = -1
        self._next_stamp = 0
        self._heard_since = 0.0
        self._last_event = -1
        self._waiters: set[asyncio.Event] = set()
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    async def open(cls, address: str, *, sends: bool = True) -> Media:
        """A stream on a free port of ``address``; with ``sends`` off, one packet goes out and no more."""
        loop = asyncio.get_running_loop()
        _, media = await loop.create_datagram_endpoint(lambda: cls(sends=sends), local_addr=(address, 0))
        return media

    @property
    def port(self) -> int:
        assert self._transport is not None
        return cast(int, self._transport.get_extra_info("sockname")[1])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def start(self, remote: tuple[str, int]) -> None:
        """Begin to send to the other side, or send there from now on."""
        first = self._remote is None
        self._remote = remote
        if first and self._sends:
            MediaClock.running().add(self)
        elif first:
            # Asterisk's Answer() waits up to half a second for the first packet.
            self.send_next()

    def close(self) -> None:
        MediaClock.running().remove(self)
        if self._transport is not None:
            self._transport.close()
        if self._clip_done is not None and not self._clip_done.done():
            self._clip_done.cancel()
        self._wake()

    def loop_sound(self, sound: bytes | None) -> None:
        """Send this over and over (None: silence)."""
        self._loop_sound = itertools.cycle(_packets(sound)) if sound else None

    async def play(self, sound: bytes) -> None:
        """Send this once, before the looped sound goes on; returns when it has been sent."""
        self._clip.extend(_packets(sound))
        self._clip_done = asyncio.get_running_loop().create_future()
        await self._clip_done

    async def dial_digits(self, digits: str, pause: float = 0.1) -> None:
        """Press keys, 120 ms each with ``pause`` seconds between them."""
        for digit in digits:
            code, stamp = _DIGITS.index(digit.upper()), self._stamp
            for packet in range(9):
                end, duration = packet >= 6, min(packet + 1, 6) * SAMPLES_PER_PACKET
                event = struct.pack("!BBH", code, (0x80 if end else 0) | 10, duration)
                self._events.append(self._packet(event, _EVENT_PAYLOAD, stamp, mark=packet == 0))
            if not self._sends:
                await self._send_events_now()
            await asyncio.sleep(len(self._events) * PACKET_SECONDS + pause)

    def send_next(self) -> None:
        """One packet: a key being pressed, else the clip, else the looped sound, else silence."""
        if self._events:
            self._send(self._events.popleft())
            self._stamp += SAMPLES_PER_PACKET
            return
        if self._clip:
            payload = self._clip.popleft()
            if not self._clip and self._clip_done is not None and not self._clip_done.done():
                self._clip_done.set_result(None)
        else:
            payload = next(self._loop_sound) if self._loop_sound else SILENCE * SAMPLES_PER_PACKET
        self._send(self._packet(payload, 0, self._stamp))
        self._stamp += SAMPLES_PER_PACKET

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) < 12 or data[0] >> 6 != 2:
            return
        payload_type, start = data[1] & 0x7F, 12 + 4 * (data[0] & 0x0F)
        if payload_type == _EVENT_PAYLOAD:
            self._hear_event(data, start)
        elif payload_type == 0:
            self._hear(data, start)

    async def wait_for_tone(self, hertz: float, timeout: float = PATIENCE, *, over: float | None = None) -> None:
        """Return once the last 0.3 s hold a clear tone at ``hertz``; raises TimeoutError.

        With ``over`` it must also be five times as strong as the tone at that other pitch.
        """

        def clear(sound: bytes) -> bool:
            level = level_at(sound, hertz)
            return level > _LOUD and (over is None or level > 5 * level_at(sound, over))

        await self._wait_for(clear, timeout, 0.3)

    async def hear_tone(self, hertz: float, seconds: float, timeout: float = PATIENCE) -> None:
        """Return once a tone was heard for ``seconds`` from now on, in one piece or several; raises TimeoutError.

        Tenths of a second are counted: in a longer stretch a lost packet would set one part of the tone against the
        other.
        """
        begin, windows = len(self.heard), 0

        def enough(_: bytes) -> bool:
            nonlocal begin, windows
            while len(self.heard) - begin >= _WINDOW:
                windows += level_at(bytes(self.heard[begin : begin + _WINDOW]), hertz) > _LOUD
                begin += _WINDOW
            return windows * _WINDOW >= seconds * RATE

        await self._wait_for(enough, timeout, seconds)

    async def wait_for_no_tone(self, hertz: float, timeout: float = PATIENCE, seconds: float = 0.3) -> None:
        """Return once the last ``seconds`` hold no tone at ``hertz``, whatever else is in them; raises TimeoutError."""
        await self._wait_for(lambda sound: level_at(sound, hertz) < _FAINT, timeout, seconds)

    async def wait_for_sound(self, timeout: float = PATIENCE, seconds: float = 0.3) -> None:
        """Return once the last ``seconds`` are clearly not silence; raises TimeoutError."""
        await self._wait_for(lambda sound: loudness(sound) > 300, timeout, seconds)

    async def wait_for_silence(self, timeout: float = PATIENCE, seconds: float = 0.5) -> None:
        """Return once the last ``seconds`` are silent; raises TimeoutError."""
        await self._wait_for(lambda sound: loudness(sound) < 100, timeout, seconds)

    def last(self, seconds: float) -> bytes:
        """The newest ``seconds`` of what was heard."""
        return bytes(self.heard[-round(seconds * RATE) :])

    async def _wait_for(self, holds: Callable[[bytes], bool], timeout: float, seconds: float) -> None:
        news = asyncio.Event()
        self._waiters.add(news)
        begin, needed = len(self.heard), round(seconds * RATE)
        try:
            async with asyncio.timeout(timeout):
                while len(self.heard) - begin < needed or not holds(self.last(seconds)):
                    news.clear()
                    await news.wait()
        finally:
            self._waiters.discard(news)

    def _hear(self, data: bytes, start: int) -> None:
        stamp, source = struct.unpack("!LL", data[4:12])
        now = monotonic()
        if not self.packets:
            self._heard_since = now
        elif source == self._source:
            self.heard += SILENCE * self._samples_unsent(stamp, now)
        self._source, self._next_stamp = source, (stamp + len(data) - start) % _STAMPS
        self.packets += 1
        self.heard += data[start:]
        if self.packets % 5 == 0:
            self._wake()

    def _samples_unsent(self, stamp: int, now: float) -> int:
        """How long the sender sent nothing before this packet.

        By its time stamps, as packets may have waited for us. But no more can be heard than time has passed: a sender
        may also change its stamps.
        """
        skipped = (stamp - self._next_stamp) % _STAMPS
        if skipped >= _STAMPS // 2:
            return 0
        return max(min(skipped, round((now - self._heard_since) * RATE) - len(self.heard)), 0)

    def _hear_event(self, data: bytes, start: int) -> None:
        code, flags = data[start], data[start + 1]
        stamp = int.from_bytes(data[4:8], "big")
        if flags & 0x80 and stamp != self._last_event and code < len(_DIGITS):
            self._last_event = stamp
            self.digits += _DIGITS[code]
            self._wake()

    def _wake(self) -> None:
        for news in self._waiters:
            news.set()

    async def _send_events_now(self) -> None:
        while self._events:
            self._send(self._events.popleft())
            await asyncio.sleep(PACKET_SECONDS)

    def _packet(self, payload: bytes, payload_type: int, stamp: int, *, mark: bool = False) -> bytes:
        head = struct.pack("!BBHLL", 0x80, (0x80 if mark else 0) | payload_type, 0, stamp & 0xFFFFFFFF, self._ssrc)
        return head + payload

    def _send(self, packet: bytes) -> None:
        """The sequence number is written last: keys and sound share one row of numbers."""
        if self._transport is None or self._transport.is_closing() or self._remote is None:
            return
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._transport.sendto(packet[:2] + self._sequence.to_bytes(2, "big") + packet[4:], self._remote)


def _packets(sound: bytes) -> list[bytes]:
    """Cut into 20 ms; the last one is filled up with silence."""
    parts = (sound[n : n + SAMPLES_PER_PACKET] for n in range(0, len(sound), SAMPLES_PER_PACKET))
    return [part.ljust(SAMPLES_PER_PACKET, SILENCE) for part in parts]
