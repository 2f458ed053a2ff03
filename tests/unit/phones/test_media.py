"""What a test phone hears: every packet once, and silence where the sender was silent, however late packets arrive."""

import asyncio
import struct
from collections.abc import Iterable

import pytest

from phones import PATIENCE, media
from phones.audio import RATE, SAMPLES_PER_PACKET, SILENCE, tone
from phones.media import PACKET_SECONDS, Media

SOUND = b"\x10" * SAMPLES_PER_PACKET
SOURCE, OTHER_SOURCE = 1, 2


class Ear:
    """A phone that hears packets at instants of the test's choice."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.media = Media()
        monkeypatch.setattr(media, "monotonic", lambda: self.now)

    def take(self, stamps: Iterable[int], *, source: int = SOURCE, apart: float = PACKET_SECONDS) -> None:
        """Packets with these time stamps, `apart` seconds after one another."""
        for stamp in stamps:
            self._take(stamp, SOUND, source)
            self.now += apart

    def say(self, sound: bytes) -> None:
        """Let the phone hear this, without a gap."""
        for at in range(0, len(sound), SAMPLES_PER_PACKET):
            self._take(len(self.heard), sound[at : at + SAMPLES_PER_PACKET], SOURCE)

    def _take(self, stamp: int, sound: bytes, source: int) -> None:
        head = struct.pack("!BBHLL", 0x80, 0, 0, stamp % (1 << 32), source)
        self.media.datagram_received(head + sound, ("127.0.0.1", 1))

    @property
    def heard(self) -> bytes:
        return bytes(self.media.heard)


@pytest.fixture
def ear(monkeypatch: pytest.MonkeyPatch) -> Ear:
    return Ear(monkeypatch)


def stamps(count: int, first: int = 0) -> range:
    return range(first, first + count * SAMPLES_PER_PACKET, SAMPLES_PER_PACKET)


def test_a_phone_that_was_held_up_hears_what_was_said_meanwhile_and_no_silence(ear: Ear) -> None:
    ear.take(stamps(10))
    ear.now += 0.4
    ear.take(stamps(30, 10 * SAMPLES_PER_PACKET), apart=0)
    assert ear.heard == SOUND * 40


def test_a_time_in_which_nothing_was_sent_is_heard_as_silence(ear: Ear) -> None:
    ear.take(stamps(10))
    ear.now += 0.5
    ear.take(stamps(10, 10 * SAMPLES_PER_PACKET + RATE // 2))
    assert ear.heard == SOUND * 10 + SILENCE * (RATE // 2) + SOUND * 10


def test_a_silence_within_the_time_in_which_the_phone_was_held_up_is_heard(ear: Ear) -> None:
    ear.take(stamps(10))
    ear.now += 1.0
    ear.take([*stamps(5, 10 * SAMPLES_PER_PACKET), *stamps(5, 15 * SAMPLES_PER_PACKET + RATE // 2)], apart=0)
    assert ear.heard == SOUND * 15 + SILENCE * (RATE // 2) + SOUND * 5


def test_time_stamps_that_begin_again_at_zero_are_no_gap(ear: Ear) -> None:
    ear.take(stamps(20, (1 << 32) - 10 * SAMPLES_PER_PACKET))
    assert ear.heard == SOUND * 20


@pytest.mark.parametrize("jump", [RATE * 3600, -RATE * 3600, -SAMPLES_PER_PACKET])
def test_a_sender_that_changes_its_time_stamps_makes_no_silence(ear: Ear, jump: int) -> None:
    ear.take(stamps(10, RATE * 7200))
    ear.take(stamps(10, RATE * 7200 + 10 * SAMPLES_PER_PACKET + jump))
    assert ear.heard == SOUND * 20


def test_another_source_has_time_stamps_of_its_own(ear: Ear) -> None:
    ear.take(stamps(10))
    ear.now += 0.4
    ear.take(stamps(30, RATE * 5), source=OTHER_SOURCE, apart=0)
    assert ear.heard == SOUND * 40


async def test_a_tone_in_pieces_is_heard_for_as_long_as_its_pieces(ear: Ear) -> None:
    waiting = asyncio.create_task(ear.media.hear_tone(440, 1.0))
    # Half a wave is lost between the first pieces: as one stretch they would cancel each other.
    pieces = [tone(440, 0.3), tone(-440, 0.3), SILENCE * (RATE // 5), tone(1000, 0.5) + tone(440, 0.2), tone(440, 0.4)]
    for piece in pieces:
        await asyncio.sleep(0)
        assert not waiting.done()
        ear.say(piece)
    await asyncio.wait_for(waiting, PATIENCE)
