"""The steps by which a caller leaves the IVR or leaves something behind: transfer, message, call-back, good-bye."""

import asyncio
import wave
from typing import Any

import pytest

from ivr.agi import CallerGone
from tests.unit.ivr.house import House, make_flow, run
from tests.unit.ivr.peer import HANG_UP, SILENCE, Channel

END: dict[str, Any] = {"do": "hang_up"}
QUEUE: dict[str, Any] = {"do": "queue", "queue": "q-care"}
TRANSFER: dict[str, Any] = {"away": {"do": "transfer", "number": "+390655555", "otherwise": "care"}, "care": QUEUE}


async def test_a_transfer_is_asked_of_the_bridge_and_the_caller_hears_music_until_it_takes_over(house: House) -> None:
    channel = Channel()
    house.transfer_answered = True
    with pytest.raises(CallerGone):
        await run(house, make_flow(TRANSFER), channel)
    assert house.transfers == [("01k0000000000000000000test", "+390655555")]
    assert channel.commands[-1] == ["SET", "MUSIC", "ON", "default"]


@pytest.mark.parametrize("error", [None, RuntimeError("no trunk")])
async def test_a_transfer_that_does_not_come_about_leads_on(house: House, error: Exception | None) -> None:
    house.transfer_error = error
    channel = Channel()
    await run(house, make_flow(TRANSFER), channel)
    assert ["SET", "MUSIC", "OFF", "default"] in channel.commands
    assert channel.variables["OC_QUEUE"] == "q-care"


async def test_the_end_says_good_bye_and_leaves_nothing_to_queue(house: House) -> None:
    channel = Channel(variables={"OC_QUEUE": "q-old"})
    await run(house, make_flow({"end": END}), channel)
    assert channel.played == ["it/goodbye"]
    assert channel.hung_up
    assert (channel.variables["OC_QUEUE"], channel.variables["OC_DONE"]) == ("", "1")


VOICEMAIL: dict[str, Any] = {"message": {"do": "voicemail", "max_seconds": 60, "next": "end"}, "end": END}


def _record_into(house: House, channel: Channel, seconds: float) -> None:
    """Let RECORD FILE leave a real file, as Asterisk does."""
    answer = channel._record

    def record(file: str, *rest: str) -> str:
        with wave.open(str(house.voicemail_folder / f"{file.rsplit('/', 1)[-1]}.wav"), "wb") as wav:
            wav.setparams((1, 2, 8000, 0, "NONE", ""))
            wav.writeframes(b"\1\0" * int(seconds * 8000))
        return answer(file, *rest)

    channel._record = record  # type: ignore[method-assign]


@pytest.mark.parametrize("ending", ["#", SILENCE])
async def test_a_message_is_kept_for_the_tickets(house: House, ending: str) -> None:
    channel = Channel([ending])
    _record_into(house, channel, 4.5)
    await run(house, make_flow(VOICEMAIL), channel)
    assert channel.recorded is not None
    assert channel.recorded.startswith("/seen/voicemail/")
    assert channel.played == ["it/leave_message", "it/message_taken", "it/goodbye"]
    await house.kit.voicemails.take_all()
    [message] = house.spooled
    assert message["seconds"] == 4.5
    assert message["number"] == "+393471234567"
    assert (house.voicemail_folder / message["file"]).is_file()


async def test_a_message_ended_by_hanging_up_is_kept_too(house: House) -> None:
    channel = Channel([HANG_UP])
    _record_into(house, channel, 3)
    with pytest.raises(CallerGone):
        await run(house, make_flow(VOICEMAIL), channel)
    assert await house.kit.voicemails.take_all() == 1


def _record_slowly(house: House, channel: Channel, finished_after: float | None) -> None:
    """As Asterisk at a hang-up: it tells us first, and writes sound and length when it closes the file."""
    answer = channel._record

    def record(file: str, *rest: str) -> str:
        target = house.voicemail_folder / f"{file.rsplit('/', 1)[-1]}.wav"
        with wave.open(str(target), "wb") as wav:
            wav.setparams((1, 2, 8000, 0, "NONE", ""))
            wav.writeframes(b"\1\0" * 24000)
        whole = target.read_bytes()
        target.write_bytes(whole[:40] + bytes(4) + whole[44:])
        if finished_after is not None:
            asyncio.get_running_loop().call_later(finished_after, target.write_bytes, whole)
            target.write_bytes(b"")
        return answer(file, *rest)

    channel._record = record  # type: ignore[method-assign]


@pytest.mark.parametrize("finished_after", [0.3, None])
async def test_a_message_is_kept_however_late_asterisk_closes_its_file(
    house: House, finished_after: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if finished_after is None:
        monkeypatch.setattr("ivr.messages._FINISHED_WITHIN", 0.1)
    channel = Channel([HANG_UP])
    _record_slowly(house, channel, finished_after)
    with pytest.raises(CallerGone):
        await run(house, make_flow(VOICEMAIL), channel)
    assert await house.kit.voicemails.take_all() == 1
    [message] = house.spooled
    assert message["seconds"] == 3
    with wave.open(str(house.voicemail_folder / message["file"])) as wav:
        assert wav.getnframes() == 24000


async def test_a_message_whose_file_is_not_closed_yet_is_kept_when_the_ivr_stops(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()
    monkeypatch.setattr("ivr.messages.is_finished", lambda file: asked.set())
    channel = Channel([HANG_UP])
    _record_slowly(house, channel, None)
    serving = asyncio.create_task(run(house, make_flow(VOICEMAIL), channel))
    await asyncio.wait_for(asked.wait(), 5)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert await house.kit.voicemails.take_all() == 1


async def test_an_empty_message_is_not_kept(house: House) -> None:
    channel = Channel(["#"])
    _record_into(house, channel, 0.4)
    await run(house, make_flow(VOICEMAIL), channel)
    assert "it/message_empty" in channel.played
    assert await house.kit.voicemails.take_all() == 0
    assert list(house.voicemail_folder.iterdir()) == []


CALL_BACK: dict[str, Any] = {
    "offer": {"do": "call_back", "next": "end", "otherwise": "care"},
    "end": END,
    "care": QUEUE,
}


@pytest.mark.parametrize(
    ("keys", "number"),
    [
        (["1"], "+393471234567"),
        (["2", *"0612345678", "#"], "+390612345678"),
        (["2", "1", "#", *"0612345678", "#"], "+390612345678"),
    ],
)
async def test_a_call_back_is_taken_at_the_shown_or_a_keyed_number(house: House, keys: list[str], number: str) -> None:
    channel = Channel(keys)
    await run(house, make_flow(CALL_BACK), channel)
    await house.kit.call_backs.take_all()
    [request] = house.spooled
    assert (request["number"], request["wish"], request["source"]) == (number, "asked", "ivr")
    assert channel.hung_up


@pytest.mark.parametrize("keys", [[SILENCE], ["3"], ["2", SILENCE]])
async def test_a_call_back_not_wanted_leads_on(house: House, keys: list[str]) -> None:
    channel = Channel(keys)
    await run(house, make_flow(CALL_BACK), channel)
    assert channel.variables["OC_QUEUE"] == "q-care"
    assert await house.kit.call_backs.take_all() == 0
